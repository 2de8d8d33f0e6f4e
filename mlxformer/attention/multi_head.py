"""Multi-head attention: several attentions of width D side by side, on learned projections of the same inputs.

MultiHead(Q, K, V) = Concat(head_1, …, head_H) W^O,  head_i = Attention(Q W_i^Q, K W_i^K, V W_i^V)
                                                                    (Vaswani et al. 2017, §3.2.2)
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, Literal

from mlxformer.attention import masks
from mlxformer.attention.cache import KVCache
from mlxformer.attention.checks import check_bias
from mlxformer.attention.functional import attend
from mlxformer.attention.heads import joined_heads, split_heads
from mlxformer.axes import HEADS, HEADS_IN_TIME, KV_HEADS
from mlxformer.backend import mx, nn
from mlxformer.errors import ArgumentError
from mlxformer.origins import Joined, Named, Product, Same, projection
from mlxformer.tracing import Module, aside, tap
from mlxformer.training.recomputation import recomputed
from mlxformer.validation import (
    require_choice,
    require_divisible,
    require_positive,
    require_positive_number,
    require_probability,
    require_sequence,
    shape_text,
)


class MultiHeadAttention(Module):
    """Multi-head attention with H heads of width D on C-wide tokens.

    Args:
        dims: C, the width of inputs and output.
        num_heads: H.
        num_kv_heads: Hkv < H shares each key/value head among H / Hkv query heads (grouped-query attention; 1 is
            multi-query); None is H.
        head_dim: D; None is C / H.
        scale: of the scores; None is 1/√D, and T5's is 1.
        bias: whether the four projections have one, True by default (the paper's have not, BERT's have).
        dropout: on the weights, in training, 0 by default.
        rope: called as ``rope(x, offset=…)`` on queries and keys [B, H, T, D], as ``RotaryEmbedding`` is.
        relative_keys: called as ``relative_keys(q, key_length)``, gives a bias [B, H, Tq, Tk] made of the projected
            queries, as ``RelativeKeys`` does.
        tie: which projections are one and the same matrix: ``"kv"`` (keys and values), ``"qk"`` (queries and keys, as
            in Reformer) or ``"qkv"``; None is none.
        sinks: one more key without a value for each head, so that a row of weights may sum to less than 1: ``"one"``
            has the score 0 (softmax-plus-one), ``"learned"`` a parameter ``sinks`` [H] that begins at 0 (gpt-oss).
        qk_norm: whether each head's queries and keys are RMS-normalized, with gains of D learned numbers each, before
            they are turned (Qwen3, Gemma 3); False by default. Scores are then at most √D times the gains.
        softcap: c, the scaled scores become ``c tanh(scores / c)`` (Gemma 2: 50); None leaves them.

    Raises:
        ArgumentError: where C is not divisible by H, H not by Hkv, or tied projections differ in width; when called,
            for inputs, masks and caches that do not fit. A call that raises leaves the cache as it was.

    Source: Vaswani et al. 2017, §3.2.2.

    >>> import mlxformer as mf
    >>> from mlxformer.backend import mx
    >>> attention = mf.MultiHeadAttention(32, 4, num_kv_heads=2)
    >>> x = mx.ones((2, 5, 32))
    >>> attention(x, x, x, "causal").shape
    (2, 5, 32)
    >>> attention.key_proj.weight.shape
    (16, 32)
    """

    def __init__(
        self,
        dims: int,
        num_heads: int,
        *,
        num_kv_heads: int | None = None,
        head_dim: int | None = None,
        scale: float | None = None,
        bias: bool = True,
        dropout: float = 0.0,
        rope: Callable[..., mx.array] | None = None,
        relative_keys: Callable[[mx.array, int], mx.array] | None = None,
        tie: Literal["kv", "qk", "qkv"] | None = None,
        sinks: Literal["one", "learned"] | None = None,
        qk_norm: bool = False,
        softcap: float | None = None,
    ) -> None:
        super().__init__()
        num_kv_heads = num_heads if num_kv_heads is None else num_kv_heads
        require_positive(dims=dims, num_heads=num_heads, num_kv_heads=num_kv_heads)
        require_probability("dropout", dropout)
        require_choice("tie", tie, (None, "kv", "qk", "qkv"))
        require_choice("sinks", sinks, (None, "one", "learned"))
        if head_dim is None:
            head_dim = require_divisible("dims", dims, "num_heads", num_heads, "choose a divisor, or give head_dim")
        require_positive(head_dim=head_dim)
        if scale is not None:
            require_positive_number("scale", scale)
        if softcap is not None:
            require_positive_number("softcap", softcap)
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
        self.scale = scale
        self.tie = tie
        self.rope = rope
        self.relative_keys = relative_keys
        self.query_proj = nn.Linear(dims, num_heads * head_dim, bias=bias)
        if tie not in ("qk", "qkv"):
            self.key_proj = nn.Linear(dims, num_kv_heads * head_dim, bias=bias)
        if tie not in ("kv", "qkv"):
            self.value_proj = nn.Linear(dims, num_kv_heads * head_dim, bias=bias)
        self.out_proj = nn.Linear(num_heads * head_dim, dims, bias=bias)
        if qk_norm:
            self.query_norm, self.key_norm = nn.RMSNorm(head_dim), nn.RMSNorm(head_dim)
        self.softcap = softcap
        self.sink_kind = sinks
        if sinks == "learned":
            self.sinks = mx.zeros((num_heads,))
        self.weight_dropout = nn.Dropout(dropout)
        self.dropout = dropout
        self.recompute_scores = False  # set by ``recompute`` of a stack

    def _extra_repr(self) -> str:
        shared = "" if self.num_kv_heads == self.num_heads else f", num_kv_heads={self.num_kv_heads}"
        return f"dims={self.dims}, num_heads={self.num_heads}{shared}, head_dim={self.head_dim}"

    def __call__(
        self,
        queries: mx.array,
        keys: mx.array,
        values: mx.array,
        mask: mx.array | str | None = None,
        *,
        bias: mx.array | None = None,
        cache: KVCache | None = None,
    ) -> mx.array:
        """What each query finds among the keys.

        Args:
            queries: floating point [B, Tq, C].
            keys: floating point [B, Tk, C]; those of the queries themselves make it self-attention.
            values: floating point [B, Tk, C], one for each key.
            mask: as in ``scaled_dot_product_attention``; with a cache, its keys are those of all tokens so far.
            bias: as in ``scaled_dot_product_attention``.
            cache: the keys and values of earlier calls come first, and this call's are appended; a static one
                (cross-attention) is filled by the first call, and refuses another sequence in a later one.

        Returns:
            [B, Tq, C].
        """
        self._check(queries, keys, values, cache)
        past = 0 if cache is None or cache.static else len(cache)
        earlier = cache.fetch() if past and cache is not None else None
        scores_shape = (queries.shape[0], self.num_heads, queries.shape[1], past + keys.shape[1])
        # All that could fail comes before the cache grows: a call that failed must leave no keys behind.
        mask = masks.checked(mask, scores_shape)
        if bias is not None:
            check_bias(bias, scores_shape)
        q = self._heads(self.query_proj(queries), self.num_heads)  # [B, H, Tq, D]
        q = self._rotate(self.query_norm(q) if "query_norm" in self else q, past)
        if cache is not None and cache.is_complete:
            k, v = cache.fetch()
            self._check_static(k, keys, values, cache)
            new = None
        else:
            new = k, v = self._project(keys, values, past)  # [B, Hkv, Tk, D]
            if cache is not None:
                k, v = cache.update(k, v)
                if cache.static:
                    cache.remember(keys, values)
        turned = "" if self.rope is None else ", rotated"
        key_proj, value_proj = self._key_and_value_proj()
        q = tap(
            "queries",
            q,
            axes=HEADS,
            formula=f"X W^Q, split into heads{turned}",
            of=lambda: self._split(queries, self.query_proj, "W^Q", self.num_heads, past),
        )
        k = tap(
            "keys",
            k,
            axes=KV_HEADS,
            formula=f"X W^K, split into heads{turned}",
            of=lambda: self._of_kept(0, k, earlier, new, self._split(keys, key_proj, "W^K", self.num_kv_heads, past)),
        )
        v = tap(
            "values",
            v,
            axes=KV_HEADS,
            formula="X W^V, split into heads",
            of=lambda: self._of_kept(1, v, earlier, new, self._split(values, value_proj, "W^V", self.num_kv_heads)),
        )
        if self.relative_keys is not None:
            relative = self.relative_keys(q, k.shape[2])  # [B, H, Tq, Tk]
            check_bias(relative, scores_shape)
            bias = relative if bias is None else bias + relative
        drops = self.training and self.dropout > 0
        core: Callable[..., mx.array] = partial(
            attend,
            scale=self.scale,
            mask=mask,
            dropout=self.weight_dropout if drops else None,
            softcap=self.softcap,
        )
        if self.recompute_scores:
            core = recomputed(core, [self.weight_dropout])
        heads = core(q, k, v, bias=bias, sinks=self._sink_scores())
        return joined_heads(heads, self.out_proj)

    def _project(self, keys: mx.array, values: mx.array, past: int) -> tuple[mx.array, mx.array]:
        key_proj, value_proj = self._key_and_value_proj()
        k = self._heads(key_proj(keys), self.num_kv_heads)
        same = value_proj is key_proj and values is keys
        v = k if same else self._heads(value_proj(values), self.num_kv_heads)
        k = self.key_norm(k) if "key_norm" in self else k
        return self._rotate(k, past), v  # values carry content, not position: never rotated

    def _key_and_value_proj(self) -> tuple[nn.Module, nn.Module]:
        key_proj = self.query_proj if self.tie in ("qk", "qkv") else self.key_proj
        return key_proj, key_proj if self.tie in ("kv", "qkv") else self.value_proj

    def _of_kept(
        self,
        part: int,
        x: mx.array,
        earlier: Sequence[mx.array] | None,
        new: Sequence[mx.array] | None,
        made: Product | None,
    ) -> Product | Same | Joined | None:
        """How keys (part 0) or values (1) were made: now, kept from an earlier call, or one after the other."""
        if new is None:
            return Same(x)
        if earlier is None:
            return made
        name = ("new_keys", "new_values")[part]
        fresh = aside(name, new[part], axes=KV_HEADS, formula="of the new tokens", of=lambda: made)
        return Joined(2, (earlier[part], fresh))

    def _split(self, x: mx.array, layer: nn.Module, name: str, heads: int, offset: int | None = None) -> Product | None:
        """How heads [B, H, T, D] were made of x [B, T, C]; rotated from ``offset`` on, or not at all where None.

        None where they were normalized in between, which is no sum.
        """
        if "query_norm" in self and name != "W^V":
            return None
        made = projection(x, layer, name, "btc,(hd)c->bhtd")
        if self.rope is None or offset is None or made is None:
            return made
        plain = aside(
            f"unrotated_{name[-1].lower()}",
            self._heads(layer(x), heads),
            axes=HEADS_IN_TIME,
            formula=f"X {name}, split into heads",
            of=lambda: made,
        )
        # Turning is linear, so what it does to the unit vectors says all: [C, T, D], a row for each number turned.
        units = mx.eye(self.head_dim).reshape(1, self.head_dim, 1, self.head_dim)
        units = units * mx.ones((1, 1, x.shape[1], 1))
        return Product("bhtc,ctd->bhtd", (plain, Named("R", self._rotate(units, offset)[0])))

    def _rotate(self, x: mx.array, offset: int) -> mx.array:
        return x if self.rope is None else self.rope(x, offset=offset)

    def _heads(self, x: mx.array, heads: int) -> mx.array:
        """What ``mlxformer.teaching.mistakes`` does wrong."""
        return split_heads(x, heads)

    def _sink_scores(self) -> mx.array | None:
        if self.sink_kind is None:
            return None
        return self.sinks if self.sink_kind == "learned" else mx.zeros((self.num_heads,))

    def _check_static(self, k: mx.array, keys: mx.array, values: mx.array, cache: KVCache) -> None:
        if k.shape != (keys.shape[0], self.num_kv_heads, keys.shape[1], self.head_dim):
            raise ArgumentError(
                "cache-mismatch",
                f"the static cache holds keys {shape_text(k)}, made of another sequence than {shape_text(keys)}. "
                f"A cache serves one batch; make a new one",
                stored=shape_text(k),
                given=shape_text(keys),
            )
        if not cache.is_of(keys, values):
            raise ArgumentError(
                "cache-of-another",
                f"the static cache holds the keys of another sequence than these {shape_text(keys)}. "
                f"A cache serves one batch; make a new one",
                given=shape_text(keys),
            )

    def _check(self, queries: Any, keys: Any, values: Any, cache: Any) -> None:
        require_sequence("queries", queries, self.dims)
        if keys is not queries:
            require_sequence("keys", keys, self.dims, batch=queries.shape[0])
        if values is not keys:
            require_sequence("values", values, self.dims, batch=keys.shape[0], length=keys.shape[1])
        if cache is not None and not isinstance(cache, KVCache):
            kind = type(cache).__name__
            raise ArgumentError(
                "cache-kind", f"cache must be a mf.KVCache(), one for each layer; got {kind}", given=kind
            )
