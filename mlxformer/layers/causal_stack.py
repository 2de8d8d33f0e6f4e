"""A stack of layers that look back only: what a decoder-only model (GPT) has between its embeddings and its head.

Each layer is an encoder layer under a causal mask, with no cross-attention (Radford et al. 2018, §3.1; Liu et al. 2018,
§4.2.3). It can be run over a whole text at once, or token by token with a cache of keys and values.
"""

from __future__ import annotations

from typing import Any, Literal

from mlxformer.attention.cache import KVCache
from mlxformer.errors import ArgumentError
from mlxformer.layers.encoder import EncoderLayer, residual
from mlxformer.layers.normalization import formula, normalization
from mlxformer.tracing import Module, tap
from mlxformer.validation import require_positive, require_sequence

_MODEL = ("batch", "time", "model")


class CausalLayer(EncoderLayer):
    """``EncoderLayer`` whose self-attention keeps its keys and values in a cache."""

    def __call__(self, x: Any, mask: Any = "causal", *, bias: Any = None, cache: KVCache | None = None) -> Any:
        """x [B, T, C], the tokens after those in ``cache`` -> [B, T, C]."""
        require_sequence("x", x, self.dims)
        x = tap("input", x, axes=_MODEL)
        x = residual(
            self, "after_self_attention", x, self.self_attention_norm,
            lambda y: self.self_attention(y, y, y, mask, bias=bias, cache=cache),
        )  # fmt: skip
        return residual(self, "output", x, self.feed_forward_norm, self.feed_forward)


class CausalStack(Module):
    """N causal layers, pre-norm by default (GPT-2) with a last layer norm; the arguments are ``EncoderLayer``'s.

    Raises ``ArgumentError`` as ``EncoderLayer`` does, and where the caches are not one for each layer.
    """

    def __init__(
        self, num_layers: int, dims: int, *args: Any, norm: Literal["post", "pre"] = "pre", **layer: Any
    ) -> None:
        super().__init__()
        require_positive(num_layers=num_layers)
        self.layers = [CausalLayer(dims, *args, norm=norm, **layer) for _ in range(num_layers)]
        if norm == "pre":
            self.final_norm = normalization(layer.get("norm_type", "layer"), dims, layer.get("eps", 1e-5))

    def make_cache(self) -> list[KVCache]:
        """An empty cache for each layer."""
        return [KVCache() for _ in self.layers]

    def __call__(self, x: Any, caches: list[KVCache] | None = None, *, mask: Any = "causal") -> Any:
        """x [B, T, C] -> [B, T, C]. With caches, x holds the new tokens alone, and the caches grow by them.

        mask: ``"causal"`` unless given; ``None`` lets tokens see the future, as an encoder does.
        """
        if caches is not None and len(caches) != len(self.layers):
            raise ArgumentError(
                "caches-number",
                f"{len(self.layers)} layers need a cache each; got {len(caches)}: use make_cache()",
                layers=len(self.layers),
                given=len(caches),
            )
        for index, layer in enumerate(self.layers):
            x = layer(x, mask, cache=None if caches is None else caches[index])
        if "final_norm" in self:
            x = tap(
                "final_norm_output", self.final_norm(x), axes=_MODEL, formula=f"{formula(self.layers[0].norm_type)}(x)"
            )
        return x
