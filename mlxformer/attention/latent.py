"""Multi-head latent attention: the keys and values of all heads are expanded from one narrow vector, and it is cached.

    c = W_DKV x        K_h = W_UK,h c        V_h = W_UV,h c                  (DeepSeek-V2, 2024, §2.1.2, Eq. 9-11)

Expanded, every cached c is turned into keys and values again at each step. Absorbed, it never is: the expansions move
to the query and to the output, which are one token each in decoding.

    q_h · (W_UK,h c) = (W_UK,hᵀ q_h) · c            Σ_j w_j (W_UV,h c_j) = W_UV,h (Σ_j w_j c_j)

So it is attention of H query heads on one shared key/value head of width L, scaled by 1/√D as before.

A rotation between W_UK and the query would depend on the distance, and W_UK could not move. So positions come from a
narrow key of their own beside it, of R features, turned, shared by all heads and cached too (§2.1.3, Eq. 14-19):

    q_h = [q_h^C; RoPE(W_QR,h x)]      k_h = [W_UK,h c; RoPE(W_KR x)]      scores scaled by 1/√(D + R)
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from mlxformer.attention import masks
from mlxformer.attention.cache import KVCache
from mlxformer.attention.exactness import wide
from mlxformer.attention.functional import attend
from mlxformer.attention.heads import joined_heads, split_heads
from mlxformer.axes import HEADS, KEYS
from mlxformer.backend import mx, nn
from mlxformer.errors import ArgumentError
from mlxformer.origins import projection
from mlxformer.projections import OddLinear, matrix_of
from mlxformer.tracing import Module, tap
from mlxformer.validation import is_whole, require_divisible, require_positive, require_sequence

SPLIT = "btc,(hd)c->bhtd"  # a projection, split into heads


class LatentAttention(Module):
    """Latent attention with H heads of width D and latents of width L.

    One part of DeepSeek-V2's layer is left out, the compressed queries; and without ``rope`` it knows no positions.

    Args:
        dims: C, the width of inputs and output.
        num_heads: H.
        latent_dims: L; a cache holds L numbers for each token.
        head_dim: D; None is C / H.
        bias: whether the projections of queries, latents and output have one, False by default; the expansions and
            those of the turned part never have.
        rope: turns the decoupled part, as ``RotaryEmbedding`` does; its ``head_dim`` is R. None is no such part.

    Raises:
        ArgumentError: where C is not divisible by H and no head_dim is given; when called, for inputs, masks and caches
            that do not fit. A call that raises leaves the cache as it was.

    Source: DeepSeek-V2, 2024, §2.1.2 and §2.1.3.

    >>> import mlxformer as mf
    >>> from mlxformer.backend import mx
    >>> layer, cache = mf.LatentAttention(32, 4, latent_dims=8), mf.KVCache()
    >>> x = mx.ones((1, 5, 32))
    >>> layer(x, x, "causal", cache=cache, absorbed=True).shape
    (1, 5, 32)
    >>> cache
    KVCache(5 tokens: float32 [1, 1, 5, 8])
    >>> layer, cache = mf.LatentAttention(32, 4, latent_dims=8, rope=mf.RotaryEmbedding(6)), mf.KVCache()
    >>> y = layer(x, x, "causal", cache=cache, absorbed=True)
    >>> cache
    KVCache(5 tokens: float32 [1, 1, 5, 8], float32 [1, 1, 5, 6])
    """

    def __init__(
        self,
        dims: int,
        num_heads: int,
        latent_dims: int,
        *,
        head_dim: int | None = None,
        bias: bool = False,
        rope: Callable[..., mx.array] | None = None,
    ) -> None:
        super().__init__()
        require_positive(dims=dims, num_heads=num_heads, latent_dims=latent_dims)
        if head_dim is None:
            head_dim = require_divisible("dims", dims, "num_heads", num_heads, "choose a divisor, or give head_dim")
        require_positive(head_dim=head_dim)
        if rope is not None:
            rope_dims: Any = getattr(rope, "head_dim", None)
            if not callable(rope) or not is_whole(rope_dims, 1):
                message = f"rope must be as mf.RotaryEmbedding(head_dim) is, with a width of its own; got {rope!r}"
                raise ArgumentError("rope-kind", message, given=rope)
        self.dims = dims
        self.num_heads = num_heads
        self.latent_dims = latent_dims
        self.head_dim = head_dim
        self.query_proj = nn.Linear(dims, num_heads * head_dim, bias=bias)
        self.latent_proj = nn.Linear(dims, latent_dims, bias=bias)
        self.key_up = OddLinear(latent_dims, num_heads * head_dim, bias=False)
        self.value_up = OddLinear(latent_dims, num_heads * head_dim, bias=False)
        self.out_proj = nn.Linear(num_heads * head_dim, dims, bias=bias)
        self.rope = rope
        if rope is not None:
            self.rope_dims = int(rope_dims)
            self.query_rope_proj = nn.Linear(dims, num_heads * self.rope_dims, bias=False)
            self.key_rope_proj = nn.Linear(dims, self.rope_dims, bias=False)

    def _extra_repr(self) -> str:
        sizes = f"dims={self.dims}, num_heads={self.num_heads}, head_dim={self.head_dim}"
        turned = "" if self.rope is None else f", rope_dims={self.rope_dims}"
        return f"{sizes}, latent_dims={self.latent_dims}{turned}"

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
        q = tap(
            "queries",
            split_heads(self.query_proj(queries), self.num_heads),
            axes=HEADS,
            formula="X W^Q, split into heads",
            of=lambda: projection(queries, self.query_proj, "W^Q", SPLIT),
        )
        c = mx.expand_dims(self.latent_proj(source), 1)  # [B, 1, Tk, L], one key/value head for all
        turned: tuple[mx.array, ...] = ()
        if self.rope is not None:
            turned_q = split_heads(self.query_rope_proj(queries), self.num_heads)  # [B, H, Tq, R]
            turned_q = self.rope(turned_q, offset=past)
            turned = (self.rope(mx.expand_dims(self.key_rope_proj(source), 1), offset=past),)  # [B, 1, Tk, R]
        if cache is not None:
            parts = cache.update(c, *turned)
            c, turned = parts[0], parts[1:]
        c = tap("latents", mx.squeeze(c, 1), axes=("batch", "key", "latent"), formula="X W^DKV")
        pair = None
        if self.rope is not None:
            pair = (
                tap("turned_queries", turned_q, axes=HEADS, formula="RoPE(X W^QR)"),
                tap("turned_keys", turned[0], axes=KEYS, formula="RoPE(X W^KR), one for all heads"),
            )
        heads = self._absorbed(q, c, pair, mask) if absorbed else self._expanded(q, c, pair, mask)  # [B, H, Tq, D]
        return joined_heads(heads, self.out_proj)

    def _expanded(
        self, q: mx.array, c: mx.array, turned: tuple[mx.array, mx.array] | None, mask: mx.array | str | None
    ) -> mx.array:
        k, v = split_heads(self.key_up(c), self.num_heads), split_heads(self.value_up(c), self.num_heads)
        k = tap(
            "keys",
            k,
            axes=KEYS,
            formula="C W^UK, split into heads",
            of=lambda: projection(c, self.key_up, "W^UK", SPLIT),
        )
        v = tap(
            "values",
            v,
            axes=KEYS,
            formula="C W^UV, split into heads",
            of=lambda: projection(c, self.value_up, "W^UV", SPLIT),
        )
        if turned is not None:
            shared = mx.broadcast_to(turned[1], (*k.shape[:3], turned[1].shape[3]))
            q, k = mx.concatenate([q, turned[0]], axis=-1), mx.concatenate([k, shared], axis=-1)
        return attend(q, k, v, scale=self._scale(), mask=mask)

    def _absorbed(
        self, q: mx.array, c: mx.array, turned: tuple[mx.array, mx.array] | None, mask: mx.array | str | None
    ) -> mx.array:
        by_head = (self.num_heads, self.head_dim, self.latent_dims)
        key_up, value_up = (wide(matrix_of(each, self.latent_dims)) for each in (self.key_up, self.value_up))
        narrow = wide(q) @ key_up.reshape(*by_head)  # float32 [B, H, Tq, D] x [H, D, L] -> [B, H, Tq, L]
        narrow = tap("absorbed_queries", narrow, axes=("batch", "head", "query", "latent"), formula="W^UKᵀ q")
        values = keys = c.reshape(c.shape[0], 1, c.shape[1], c.shape[2])  # one key and value for all heads
        if turned is not None:
            narrow = mx.concatenate([narrow, wide(turned[0])], axis=-1)
            keys = mx.concatenate([keys, turned[1]], axis=-1)
        mixed = attend(narrow, keys, values, scale=self._scale(), mask=mask)  # [B, H, Tq, L]
        heads = mixed @ value_up.reshape(*by_head).swapaxes(-1, -2)  # [B, H, Tq, D]
        heads = heads.astype(q.dtype)
        return tap("expanded_heads", heads, axes=HEADS, formula="W^UV (weights C)")

    def _scale(self) -> float:
        return float(self.head_dim + (0 if self.rope is None else self.rope_dims)) ** -0.5

    def _tokens(self, cache: KVCache) -> int:
        if not isinstance(cache, KVCache):
            kind = type(cache).__name__
            raise ArgumentError(
                "cache-kind", f"cache must be a mf.KVCache(), one for each layer; got {kind}", given=kind
            )
        return len(cache)
