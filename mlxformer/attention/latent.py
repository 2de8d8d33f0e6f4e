"""Multi-head latent attention: the keys and values of all heads are expanded from one narrow vector, and it is cached.

    c = W_DKV x        K_h = W_UK,h c        V_h = W_UV,h c                  (DeepSeek-V2, 2024, §2.1.2, Eq. 9-11)

Expanded, every cached c is turned into keys and values again at each step. Absorbed, it never is: the expansions move
to the query and to the output, which are one token each in decoding.

    q_h · (W_UK,h c) = (W_UK,hᵀ q_h) · c            Σ_j w_j (W_UV,h c_j) = W_UV,h (Σ_j w_j c_j)

So it is attention of H query heads on one shared key/value head of width L, scaled by 1/√D as before.
"""

from __future__ import annotations

from mlxformer.attention import masks
from mlxformer.attention.cache import KVCache
from mlxformer.attention.exactness import wide
from mlxformer.attention.functional import attend
from mlxformer.axes import ATTENDED, HEADS, KEYS
from mlxformer.backend import mx, nn
from mlxformer.errors import ArgumentError
from mlxformer.projections import OddLinear, matrix_of
from mlxformer.tracing import Module, tap
from mlxformer.validation import require_divisible, require_positive, require_sequence


class LatentAttention(Module):
    """Latent attention with H heads of width D and latents of width L.

    Two parts of DeepSeek-V2's layer are left out: the compressed queries, and the decoupled RoPE key that all heads
    share (§2.1.3), so this layer knows no positions.

    Args:
        dims: C, the width of inputs and output.
        num_heads: H.
        latent_dims: L; a cache holds L numbers for each token.
        head_dim: D; None is C / H.
        bias: whether the projections of queries, latents and output have one, False by default; the expansions never
            have.

    Raises:
        ArgumentError: where C is not divisible by H and no head_dim is given; when called, for inputs, masks and caches
            that do not fit. A call that raises leaves the cache as it was.

    Source: DeepSeek-V2, 2024, §2.1.2.

    >>> import mlxformer as mf
    >>> from mlxformer.backend import mx
    >>> layer, cache = mf.LatentAttention(32, 4, latent_dims=8), mf.KVCache()
    >>> x = mx.ones((1, 5, 32))
    >>> layer(x, x, "causal", cache=cache, absorbed=True).shape
    (1, 5, 32)
    >>> cache
    KVCache(5 tokens: float32 [1, 1, 5, 8])
    """

    def __init__(
        self, dims: int, num_heads: int, latent_dims: int, *, head_dim: int | None = None, bias: bool = False
    ) -> None:
        super().__init__()
        require_positive(dims=dims, num_heads=num_heads, latent_dims=latent_dims)
        if head_dim is None:
            head_dim = require_divisible("dims", dims, "num_heads", num_heads, "choose a divisor, or give head_dim")
        require_positive(head_dim=head_dim)
        self.dims = dims
        self.num_heads = num_heads
        self.latent_dims = latent_dims
        self.head_dim = head_dim
        self.query_proj = nn.Linear(dims, num_heads * head_dim, bias=bias)
        self.latent_proj = nn.Linear(dims, latent_dims, bias=bias)
        self.key_up = OddLinear(latent_dims, num_heads * head_dim, bias=False)
        self.value_up = OddLinear(latent_dims, num_heads * head_dim, bias=False)
        self.out_proj = nn.Linear(num_heads * head_dim, dims, bias=bias)

    def _extra_repr(self) -> str:
        sizes = f"dims={self.dims}, num_heads={self.num_heads}, head_dim={self.head_dim}"
        return f"{sizes}, latent_dims={self.latent_dims}"

    def __call__(
        self,
        queries: mx.array,
        source: mx.array,
        mask: mx.array | str | None = None,
        *,
        cache: KVCache | None = None,
        absorbed: bool = False,
    ) -> mx.array:
        """What each query finds in the source.

        Args:
            queries: floating point [B, Tq, C].
            source: of keys and values, floating point [B, Tk, C].
            mask: as in ``scaled_dot_product_attention``.
            cache: the latents of earlier calls come first, and this call's are appended.
            absorbed: which of the two equal forms runs.

        Returns:
            [B, Tq, C].
        """
        require_sequence("queries", queries, self.dims)
        require_sequence("source", source, self.dims, batch=queries.shape[0])
        past = 0 if cache is None else self._tokens(cache)
        mask = masks.checked(mask, (queries.shape[0], self.num_heads, queries.shape[1], past + source.shape[1]))
        q = tap("queries", self._heads(self.query_proj(queries)), axes=HEADS, formula="X W^Q, split into heads")
        c = self.latent_proj(source)  # [B, Tk, L]
        if cache is not None:
            (stored,) = cache.update(mx.expand_dims(c, 1))  # one key/value head for all
            c = mx.squeeze(stored, 1)
        c = tap("latents", c, axes=("batch", "key", "latent"), formula="X W^DKV")
        heads = self._absorbed(q, c, mask) if absorbed else self._expanded(q, c, mask)  # [B, H, Tq, D]
        joined = heads.swapaxes(1, 2).reshape(*queries.shape[:2], self.num_heads * self.head_dim)  # [B, Tq, H·D]
        joined = tap("concatenated", joined, axes=ATTENDED, formula="Concat(head_1, …, head_H)")
        return tap("output", self.out_proj(joined), axes=ATTENDED, formula="Concat(…) W^O")

    def _expanded(self, q: mx.array, c: mx.array, mask: mx.array | str | None) -> mx.array:
        axes = KEYS
        k = tap("keys", self._heads(self.key_up(c)), axes=axes, formula="C W^UK, split into heads")
        v = tap("values", self._heads(self.value_up(c)), axes=axes, formula="C W^UV, split into heads")
        return attend(q, k, v, mask=mask)

    def _absorbed(self, q: mx.array, c: mx.array, mask: mx.array | str | None) -> mx.array:
        by_head = (self.num_heads, self.head_dim, self.latent_dims)
        key_up, value_up = (wide(matrix_of(each, self.latent_dims)) for each in (self.key_up, self.value_up))
        narrow = wide(q) @ key_up.reshape(*by_head)  # float32 [B, H, Tq, D] x [H, D, L] -> [B, H, Tq, L]
        narrow = tap("absorbed_queries", narrow, axes=("batch", "head", "query", "latent"), formula="W^UKᵀ q")
        shared = c.reshape(c.shape[0], 1, c.shape[1], c.shape[2])  # one key and value for all heads
        mixed = attend(narrow, shared, shared, scale=float(self.head_dim) ** -0.5, mask=mask)  # [B, H, Tq, L]
        heads = mixed @ value_up.reshape(*by_head).swapaxes(-1, -2)  # [B, H, Tq, D]
        heads = heads.astype(q.dtype)
        return tap("expanded_heads", heads, axes=HEADS, formula="W^UV (weights C)")

    def _heads(self, x: mx.array) -> mx.array:
        """[B, T, H·D] -> [B, H, T, D]."""
        return x.reshape(x.shape[0], x.shape[1], self.num_heads, self.head_dim).swapaxes(1, 2)

    def _tokens(self, cache: KVCache) -> int:
        if not isinstance(cache, KVCache):
            kind = type(cache).__name__
            raise ArgumentError(
                "cache-kind", f"cache must be a mf.KVCache(), one for each layer; got {kind}", given=kind
            )
        return len(cache)
