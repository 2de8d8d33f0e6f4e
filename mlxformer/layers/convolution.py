"""Convolution over time: an output mixes the inputs near it, with fixed weights that belong to the distance.

    y_t = Σ_j W_j x_{t + (j - r)·dilation} + b,   j = 0 … k-1,  r = (k-1)/2, or k-1 where causal

Beside attention (Vaswani et al. 2017, Table 1): one layer connects what is at most k positions wide, so n positions
take O(n/k) layers, or O(log_k n) where the dilation grows by k from layer to layer (ByteNet, Kalchbrenner et al. 2016).
"""

from __future__ import annotations

from typing import Any

from mlxformer.backend import mx, nn
from mlxformer.errors import ArgumentError
from mlxformer.layers.activations import activation as activation_named
from mlxformer.tracing import MODEL, Module, tap
from mlxformer.validation import require_positive, require_sequence


class Convolution(Module):
    """A convolution of ``kernel_size`` k over time, with zeros beyond the ends, so that T stays.

    dilation: the distance between neighboring taps. causal: looks back only. The k matrices stand side by side in
    ``proj``, the earliest input's first; k·C·C' weights, whatever T.

    Raises ``ArgumentError`` for an even k that is not causal, which would have no middle.
    """

    def __init__(
        self,
        input_dims: int,
        output_dims: int,
        kernel_size: int = 3,
        *,
        dilation: int = 1,
        causal: bool = False,
        bias: bool = True,
    ) -> None:
        super().__init__()
        require_positive(input_dims=input_dims, output_dims=output_dims, kernel_size=kernel_size, dilation=dilation)
        if kernel_size % 2 == 0 and not causal:
            raise ArgumentError(
                "kernel-even",
                f"kernel_size={kernel_size} has no middle; take an odd one, or causal=True",
                kernel_size=kernel_size,
            )
        self.input_dims = input_dims
        self.kernel_size = kernel_size
        self.dilation = dilation
        self.causal = causal
        self.proj = nn.Linear(kernel_size * input_dims, output_dims, bias=bias)

    def __call__(self, x: Any) -> Any:
        """[B, T, C] -> [B, T, C']."""
        require_sequence("x", x, self.input_dims)
        length, reach = x.shape[1], (self.kernel_size - 1) * self.dilation
        before = reach if self.causal else reach // 2
        padded = mx.pad(x, [(0, 0), (before, reach - before), (0, 0)])  # [B, T + reach, C]
        starts = range(0, reach + 1, self.dilation)
        seen = mx.concatenate([padded[:, start : start + length] for start in starts], axis=-1)  # [B, T, k·C]
        return tap("output", self.proj(seen), axes=MODEL, formula="Σ_j W_j x_{t+j-r} + b")


class ConvolutionLayer(Module):
    """``x + act(Convolution(x))``: one layer of a stack that keeps its width C."""

    def __init__(self, dims: int, kernel_size: int = 3, *, activation: str = "gelu", **convolution: Any) -> None:
        super().__init__()
        self.convolution = Convolution(dims, dims, kernel_size, **convolution)
        self._activate = activation_named(activation)

    def __call__(self, x: Any) -> Any:
        """[B, T, C] -> [B, T, C]."""
        y = x + self._activate(self.convolution(x))
        return tap("output", y, axes=MODEL, formula="x + act(Convolution(x))")


def convolution_stack(
    num_layers: int, dims: int, kernel_size: int = 3, *, growth: int = 1, **layer: Any
) -> list[ConvolutionLayer]:
    """Layers whose dilations are 1, growth, growth² …: 1 is a plain stack, ``kernel_size`` the densest dilated one."""
    require_positive(num_layers=num_layers, growth=growth)
    return [ConvolutionLayer(dims, kernel_size, dilation=growth**index, **layer) for index in range(num_layers)]
