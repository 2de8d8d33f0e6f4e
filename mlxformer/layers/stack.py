"""What the encoder's and the decoder's layers share, one by one and as a stack."""

from __future__ import annotations

from collections.abc import Sequence

from mlxformer.axes import MODEL
from mlxformer.backend import mx, nn
from mlxformer.layers.config import LayerConfig
from mlxformer.layers.normalization import formula
from mlxformer.tracing import Module, tap
from mlxformer.validation import require_kind


class Layer(Module):
    """What every layer has: its width, its ``config``, the dropout of its sub-layers' outputs, the taps of its sums.

    Args:
        dims: C.
        config: its choices.

    Raises:
        ArgumentError: for a config of another kind.
    """

    def __init__(self, dims: int, config: LayerConfig) -> None:
        super().__init__()
        require_kind("config", config, LayerConfig)
        self.dims = dims
        self.config = config
        self.residual_dropout = nn.Dropout(config.dropout)

    def _extra_repr(self) -> str:
        changed = repr(self.config).removeprefix("LayerConfig(").removesuffix(")")
        return f"dims={self.dims}{changed and ', '}{changed}"

    def sum_of(self, name: str, x: mx.array) -> mx.array:
        """``x``, the sum around a sub-layer with its norm, tapped as ``name``."""
        norm = formula(self.config.norm_type)
        post = self.config.norm == "post"
        return tap(name, x, axes=MODEL, formula=f"{norm}(x + Sublayer(x))" if post else f"x + Sublayer({norm}(x))")


class Stack(Module):
    """Layers that are called one after another, and a norm after the last where it is asked for.

    Pre-norm needs it, for the sum that runs through all layers is never normalized; post-norm has no use for it.

    Args:
        layers: of one width and one config.
        final_norm: whether there is a norm after the last layer; None means with pre-norm only.
    """

    def __init__(self, layers: Sequence[Layer], final_norm: bool | None) -> None:
        super().__init__()
        self.layers = list(layers)
        self.dims = layers[0].dims
        config = layers[0].config
        if final_norm if final_norm is not None else config.norm == "pre":
            self.final_norm = config.normalization(self.dims)

    def _extra_repr(self) -> str:
        return f"num_layers={len(self.layers)}, dims={self.dims}"

    def normalized(self, x: mx.array) -> mx.array:
        """The last layer's output [B, T, C], after the final norm if there is one."""
        if "final_norm" not in self:
            return x
        norm = formula(self.layers[0].config.norm_type)
        return tap("final_norm_output", self.final_norm(x), axes=MODEL, formula=f"{norm}(x)")
