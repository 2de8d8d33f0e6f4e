"""Multi-head attention: several attentions of width D side by side, on learned projections of the same inputs.

MultiHead(Q, K, V) = Concat(head_1, …, head_H) W^O,  head_i = Attention(Q W_i^Q, K W_i^K, V W_i^V)
                                                                    (Vaswani et al. 2017, §3.2.2)
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal

from mlxformer.attention.cache import KVCache
from mlxformer.attention.functional import attend, check_bias, masks
from mlxformer.backend import mx, nn
from mlxformer.errors import ArgumentError
from mlxformer.tracing import Module, tap
from mlxformer.validation import (
    require_choice,
    require_floating,
    require_positive,
    require_probability,
    require_shape,
    shape_text,
)


class MultiHeadAttention(Module):
    """Multi-head attention with H heads of width D (``head_dim``, by default C / H).

    dims: C, the width of inputs and output. num_kv_heads: Hkv < H shares each key/value head among H / Hkv query
    heads (grouped-query attention; 1 is multi-query). bias: whether the four projections have one (the paper's have
    not, BERT's have). dropout: on the weights, in training. rope: called as ``rope(x, offset=…)`` on queries and keys
    [B, H, T, D] (``RotaryEmbedding``). relative_keys: called as ``relative_keys(q, key_length)``, gives a bias
    [B, H, Tq, Tk] made of the projected queries (``RelativeKeys``). tie: which projections are one and the same
    matrix: ``"kv"`` (keys and values), ``"qk"`` (queries and keys, as in Reformer) or ``"qkv"``. sinks: one more key
    without a value for each head, so that a row of weights may sum to less than 1: ``"one"`` has the score 0
    (softmax-plus-one), ``"learned"`` a parameter ``sinks`` [H] that begins at 0 (gpt-oss).

    Raises ``ArgumentError`` where C is not divisible by H, H not by Hkv, or tied projections differ in width. A call
    that raises leaves the cache as it was.
    """

    def __init__(
        self,
        dims: int,
        num_heads: int,
        *,
        num_kv_heads: int | None = None,
        head_dim: int | None = None,
        bias: bool = True,
        dropout: float = 0.0,
        rope: Callable[..., Any] | None = None,
        relative_keys: Callable[..., Any] | None = None,
        tie: Literal["kv", "qk", "qkv"] | None = None,
        sinks: Literal["one", "learned"] | None = None,
    ) -> None:
        super().__init__()
        num_kv_heads = num_heads if num_kv_heads is None else num_kv_heads
        require_positive(dims=dims, num_heads=num_heads, num_kv_heads=num_kv_heads)
        require_probability("dropout", dropout)
        require_choice("tie", tie, (None, "kv", "qk", "qkv"))
        require_choice("sinks", sinks, (None, "one", "learned"))
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
        if num_heads % num_kv_heads:
            raise ArgumentError(
                "kv-heads-not-divisor",
                f"num_heads={num_heads} is not a multiple of num_kv_heads={num_kv_heads}",
                num_heads=num_heads,
                num_kv_heads=num_kv_heads,
            )
        if tie in ("qk", "qkv") and num_heads != num_kv_heads:
            raise ArgumentError(
                "tie-widths",
                f"tie={tie!r} makes queries and keys one projection, so num_kv_heads ({num_kv_heads}) must equal "
                f"num_heads ({num_heads})",
                tie=tie,
            )
        if rope is not None and not callable(rope):
            raise ArgumentError(
                "rope-kind", f"rope must be callable, as mf.RotaryEmbedding(head_dim) is; got {rope!r}", given=rope
            )
        self.dims = dims
        self.num_heads = num_heads
        self.num_kv_heads = num_kv_heads
        self.head_dim = head_dim
        self.tie = tie
        self.rope = rope
        self.relative_keys = relative_keys
        self.query_proj = nn.Linear(dims, num_heads * head_dim, bias=bias)
        if tie not in ("qk", "qkv"):
            self.key_proj = nn.Linear(dims, num_kv_heads * head_dim, bias=bias)
        if tie not in ("kv", "qkv"):
            self.value_proj = nn.Linear(dims, num_kv_heads * head_dim, bias=bias)
        self.out_proj = nn.Linear(num_heads * head_dim, dims, bias=bias)
        self.sink = sinks
        if sinks == "learned":
            self.sinks = mx.zeros((num_heads,))
        self.weight_dropout = nn.Dropout(dropout)
        self.dropout = dropout

    def __call__(
        self, queries: Any, keys: Any, values: Any, mask: Any = None, *, bias: Any = None, cache: KVCache | None = None
    ) -> Any:
        """queries [B, Tq, C], keys and values [B, Tk, C] -> [B, Tq, C].

        mask and bias as in ``scaled_dot_product_attention``. cache: the keys and values of earlier calls come first,
        and this call's are appended; a static one (cross-attention) is filled by the first call.
        """
        self._check(queries, keys, values)
        if cache is not None:
            self._check_cache(cache, queries, keys, mask, bias)
        past = 0 if cache is None or cache.static else len(cache)
        q = self._heads(self.query_proj(queries), self.num_heads)  # [B, H, Tq, D]
        q = self._rotate(q, past)
        if cache is not None and cache.is_complete:
            k, v = cache.fetch()
            self._check_static(k, keys)
        else:
            k, v = self._project(keys, values, past)  # [B, Hkv, Tk, D]
            if cache is not None:
                k, v = cache.update(k, v)
        turned = "" if self.rope is None else ", rotated"
        q = tap("queries", q, axes=("batch", "head", "query", "dim"), formula=f"X W^Q, split into heads{turned}")
        k = tap("keys", k, axes=("batch", "kv_head", "key", "dim"), formula=f"X W^K, split into heads{turned}")
        v = tap("values", v, axes=("batch", "kv_head", "key", "dim"), formula="X W^V, split into heads")
        if self.relative_keys is not None:
            relative = self.relative_keys(q, k.shape[2])  # [B, H, Tq, Tk]
            bias = relative if bias is None else bias + relative
        drops = self.training and self.dropout > 0
        sinks = self.sinks if self.sink == "learned" else mx.zeros((self.num_heads,)) if self.sink == "one" else None
        heads = attend(q, k, v, mask=mask, bias=bias, sinks=sinks, dropout=self.weight_dropout if drops else None)
        joined = heads.swapaxes(1, 2).reshape(*queries.shape[:2], self.num_heads * self.head_dim)  # [B, Tq, H·D]
        joined = tap("concatenated", joined, axes=("batch", "query", "model"), formula="Concat(head_1, …, head_H)")
        return tap("output", self.out_proj(joined), axes=("batch", "query", "model"), formula="Concat(…) W^O")

    def _project(self, keys: Any, values: Any, past: int) -> tuple[Any, Any]:
        key_proj = self.query_proj if self.tie in ("qk", "qkv") else self.key_proj
        k = self._heads(key_proj(keys), self.num_kv_heads)
        if self.tie in ("kv", "qkv"):
            v = k if values is keys else self._heads(key_proj(values), self.num_kv_heads)
        else:
            v = self._heads(self.value_proj(values), self.num_kv_heads)
        return self._rotate(k, past), v  # values carry content, not position: never rotated

    def _rotate(self, x: Any, offset: int) -> Any:
        return x if self.rope is None else self.rope(x, offset=offset)

    def _heads(self, x: Any, heads: int) -> Any:
        """[B, T, H·D] -> [B, H, T, D]. Reshaping alone, without the transposition, would mix tokens into heads."""
        return x.reshape(x.shape[0], x.shape[1], heads, self.head_dim).swapaxes(1, 2)

    def _check_static(self, k: Any, keys: Any) -> None:
        if (k.shape[0], k.shape[2]) != tuple(keys.shape[:2]):
            raise ArgumentError(
                "cache-mismatch",
                f"the static cache holds keys {shape_text(k)}, made of another sequence than {shape_text(keys)}. "
                f"A cache serves one batch; make a new one",
                stored=shape_text(k),
                given=shape_text(keys),
            )

    def _check_cache(self, cache: Any, queries: Any, keys: Any, mask: Any, bias: Any) -> None:
        """Whatever else could fail in ``attend``, before it does: a call that failed must leave no keys behind."""
        if not isinstance(cache, KVCache):
            kind = type(cache).__name__
            raise ArgumentError(
                "cache-kind", f"cache must be a mf.KVCache(), one for each layer; got {kind}", given=kind
            )
        key_length = keys.shape[1] if cache.static else len(cache) + keys.shape[1]
        scores_shape = (queries.shape[0], self.num_heads, queries.shape[1], key_length)
        if not (isinstance(mask, str) and mask == "causal"):
            masks.resolve(mask, scores_shape)
        if bias is not None:
            check_bias(bias, scores_shape)

    def _check(self, queries: Any, keys: Any, values: Any) -> None:
        for name, x in (("queries", queries), ("keys", keys), ("values", values)):
            require_floating(name, x)
            require_shape(name, x, ("batch", "time", "dims"), (None, None, self.dims))
        require_shape("keys", keys, ("batch", "time", "dims"), (queries.shape[0], None, self.dims))
        require_shape("values", values, ("batch", "time", "dims"), (*keys.shape[:2], self.dims))
