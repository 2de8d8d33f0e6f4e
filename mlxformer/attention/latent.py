"""Multi-head latent attention: the keys and values of all heads are expanded from one narrow vector, and it is cached.

    c = W_DKV x        K_h = W_UK,h c        V_h = W_UV,h c                  (DeepSeek-V2, 2024, §2.1.2, Eq. 9-11)

Expanded, every cached c is turned into keys and values again at each step. Absorbed, it never is: the expansions move
to the query and to the output, which are one token each in decoding.

    q_h · (W_UK,h c) = (W_UK,hᵀ q_h) · c            Σ_j w_j (W_UV,h c_j) = W_UV,h (Σ_j w_j c_j)

So it is attention of H query heads on one shared key/value head of width L, scaled by 1/√D as before.
"""

from __future__ import annotations

from typing import Any

from mlxformer.attention.functional import attend, masks
from mlxformer.backend import mx, nn
from mlxformer.errors import ArgumentError
from mlxformer.tracing import Module, tap
from mlxformer.validation import require_floating, require_positive, require_sequence, require_shape, shape_text


class LatentCache:
    """Latent vectors [B, T, L] of one layer, updated in place; ``len(cache)`` is T. L numbers for each token."""

    def __init__(self) -> None:
        self._latents: Any = None

    def __len__(self) -> int:
        return 0 if self._latents is None else int(self._latents.shape[1])

    def fetch(self) -> Any:
        """What is stored. Raises ``ArgumentError`` while nothing is."""
        if self._latents is None:
            raise ArgumentError("cache-empty", "the cache is empty: run the layer once before reading it")
        return self._latents

    def update(self, latents: Any) -> Any:
        """Append ``latents`` [B, T, L] in time, and return all that are stored.

        Raises ``ArgumentError`` where batch or width differ from what is stored.
        """
        require_floating("latents", latents)
        require_shape("latents", latents, ("batch", "time", "latent"))
        before = self._latents
        if before is not None:
            if (before.shape[0], before.shape[2]) != (latents.shape[0], latents.shape[2]):
                raise ArgumentError(
                    "cache-mismatch",
                    f"the cache holds latents {shape_text(before)}, which {shape_text(latents)} cannot follow: batch "
                    f"and width must be the same. A cache serves one layer and one batch; make a new one",
                    stored=shape_text(before),
                    given=shape_text(latents),
                )
            latents = mx.concatenate([before, latents], axis=1)
        self._latents = latents
        return latents


class LatentAttention(Module):
    """Latent attention with H heads of width D (``head_dim``, by default C / H) and latents of width L.

    dims: C, the width of inputs and output. latent_dims: L. bias: whether the projections of queries, latents and
    output have one; the expansions never have. Two parts of DeepSeek-V2's layer are left out: the compressed queries,
    and the decoupled RoPE key shared by all heads (§2.1.3), so this layer knows no positions.

    Raises ``ArgumentError`` where C is not divisible by H and no head_dim is given. A call that raises leaves the
    cache as it was.
    """

    def __init__(
        self, dims: int, num_heads: int, latent_dims: int, *, head_dim: int | None = None, bias: bool = False
    ) -> None:
        super().__init__()
        require_positive(dims=dims, num_heads=num_heads, latent_dims=latent_dims)
        if head_dim is None:
            if dims % num_heads:
                raise ArgumentError(
                    "dims-not-divisible",
                    f"dims={dims} is not divisible by num_heads={num_heads}; choose a divisor, or give head_dim",
                    dims=dims,
                    num_heads=num_heads,
                )
            head_dim = dims // num_heads
        require_positive(head_dim=head_dim)
        self.dims = dims
        self.num_heads = num_heads
        self.latent_dims = latent_dims
        self.head_dim = head_dim
        self.query_proj = nn.Linear(dims, num_heads * head_dim, bias=bias)
        self.latent_proj = nn.Linear(dims, latent_dims, bias=bias)
        self.key_up = nn.Linear(latent_dims, num_heads * head_dim, bias=False)
        self.value_up = nn.Linear(latent_dims, num_heads * head_dim, bias=False)
        self.out_proj = nn.Linear(num_heads * head_dim, dims, bias=bias)

    def __call__(
        self, queries: Any, source: Any, mask: Any = None, *, cache: LatentCache | None = None, absorbed: bool = False
    ) -> Any:
        """queries [B, Tq, C], source of keys and values [B, Tk, C] -> [B, Tq, C].

        mask as in ``scaled_dot_product_attention``. cache: the latents of earlier calls come first, and this call's
        are appended. absorbed: which of the two equal forms runs.
        """
        require_sequence("queries", queries, self.dims)
        require_sequence("source", source, self.dims)
        require_shape("source", source, ("batch", "time", "dims"), (queries.shape[0], None, self.dims))
        if cache is not None:
            self._check_cache(cache, queries, source, mask)
        q = tap("queries", self._heads(self.query_proj(queries)), axes=_HEADS, formula="X W^Q, split into heads")
        c = self.latent_proj(source)  # [B, Tk, L]
        if cache is not None:
            c = cache.update(c)
        c = tap("latents", c, axes=("batch", "key", "latent"), formula="X W^DKV")
        heads = self._absorbed(q, c, mask) if absorbed else self._expanded(q, c, mask)  # [B, H, Tq, D]
        joined = heads.swapaxes(1, 2).reshape(*queries.shape[:2], self.num_heads * self.head_dim)  # [B, Tq, H·D]
        joined = tap("concatenated", joined, axes=("batch", "query", "model"), formula="Concat(head_1, …, head_H)")
        return tap("output", self.out_proj(joined), axes=("batch", "query", "model"), formula="Concat(…) W^O")

    def _expanded(self, q: Any, c: Any, mask: Any) -> Any:
        axes = ("batch", "head", "key", "dim")
        k = tap("keys", self._heads(self.key_up(c)), axes=axes, formula="C W^UK, split into heads")
        v = tap("values", self._heads(self.value_up(c)), axes=axes, formula="C W^UV, split into heads")
        return attend(q, k, v, mask=mask)

    def _absorbed(self, q: Any, c: Any, mask: Any) -> Any:
        by_head = (self.num_heads, self.head_dim, self.latent_dims)
        narrow = q @ self.key_up.weight.reshape(*by_head)  # [B, H, Tq, D] x [H, D, L] -> [B, H, Tq, L]
        narrow = tap("absorbed_queries", narrow, axes=("batch", "head", "query", "latent"), formula="W^UKᵀ q")
        shared = c.reshape(c.shape[0], 1, c.shape[1], c.shape[2])  # one key and value for all heads
        mixed = attend(narrow, shared, shared, scale=float(self.head_dim) ** -0.5, mask=mask)  # [B, H, Tq, L]
        heads = mixed @ self.value_up.weight.reshape(*by_head).swapaxes(-1, -2)  # [B, H, Tq, D]
        return tap("expanded_heads", heads, axes=_HEADS, formula="W^UV (weights C)")

    def _heads(self, x: Any) -> Any:
        """[B, T, H·D] -> [B, H, T, D]."""
        return x.reshape(x.shape[0], x.shape[1], self.num_heads, self.head_dim).swapaxes(1, 2)

    def _check_cache(self, cache: Any, queries: Any, source: Any, mask: Any) -> None:
        """Whatever could fail in ``attend``, before it does: a call that failed must leave no latents behind."""
        if not isinstance(cache, LatentCache):
            kind = type(cache).__name__
            raise ArgumentError(
                "cache-kind", f"cache must be a mf.LatentCache(), one for each layer; got {kind}", given=kind
            )
        scores_shape = (queries.shape[0], self.num_heads, queries.shape[1], len(cache) + source.shape[1])
        if not (isinstance(mask, str) and mask == "causal"):
            masks.resolve(mask, scores_shape)


_HEADS = ("batch", "head", "query", "dim")
