"""Convolution over time: an output mixes the inputs near it, with fixed weights that belong to the distance.

    y_t = Σ_j W_j x_{t + (j - r)·dilation} + b,   j = 0 … k-1,  r = (k-1)/2, or k-1 where causal

Beside attention (Vaswani et al. 2017, Table 1): one layer connects what is at most k positions wide, so n positions
take O(n/k) layers, or O(log_k n) where the dilation grows by k from layer to layer (ByteNet, Kalchbrenner et al. 2016).
"""

from __future__ import annotations

from mlxformer.axes import MODEL
from mlxformer.backend import mx, nn
from mlxformer.errors import ArgumentError
from mlxformer.layers.activations import activation as activation_named
from mlxformer.tracing import Module, tap
from mlxformer.validation import require_positive, require_sequence


class Convolution(Module):
    """A convolution over time, with zeros beyond the ends, so that T stays.

    The k matrices stand side by side in ``proj``, the earliest input's first; k·C·C' weights, whatever T.

    Args:
        input_dims: C.
        output_dims: C'.
        kernel_size: k; 3 by default.
        dilation: the distance between neighboring taps; 1 by default.
        causal: whether it looks back only; False by default.
        bias: whether there is one; True by default.

    Raises:
        ArgumentError: for an even k that is not causal, which would have no middle; when called, for inputs of another
            kind, rank or width.

    >>> from mlxformer.backend import mx
    >>> from mlxformer.layers.convolution import Convolution
    >>> Convolution(8, 4, causal=True)(mx.ones((1, 5, 8))).shape
    (1, 5, 4)
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

    def __call__(self, x: mx.array) -> mx.array:
        """What each position makes of those near it.

        Args:
            x: floating point [B, T, C].

        Returns:
            [B, T, C'].
        """
        require_sequence("x", x, self.input_dims)
        length, reach = x.shape[1], (self.kernel_size - 1) * self.dilation
        before = reach if self.causal else reach // 2
        padded = mx.pad(x, [(0, 0), (before, reach - before), (0, 0)])  # [B, T + reach, C]
        starts = range(0, reach + 1, self.dilation)
        seen = mx.concatenate([padded[:, start : start + length] for start in starts], axis=-1)  # [B, T, k·C]
        return tap("output", self.proj(seen), axes=MODEL, formula="Σ_j W_j x_{t+j-r} + b")


class ConvolutionLayer(Module):
    """``x + act(Convolution(x))``: one layer of a stack that keeps its width.

    Args:
        dims: C.
        kernel_size: k; 3 by default.
        activation: ``gelu`` by default.
        dilation: as in ``Convolution``.
        causal: as in ``Convolution``.
        bias: as in ``Convolution``.

    Raises:
        ArgumentError: as ``Convolution``, and for an unknown activation.

    >>> from mlxformer.backend import mx
    >>> from mlxformer.layers.convolution import ConvolutionLayer
    >>> ConvolutionLayer(8, dilation=3)(mx.ones((1, 5, 8))).shape
    (1, 5, 8)
    """

    def __init__(
        self,
        dims: int,
        kernel_size: int = 3,
        *,
        activation: str = "gelu",
        dilation: int = 1,
        causal: bool = False,
        bias: bool = True,
    ) -> None:
        super().__init__()
        self.convolution = Convolution(dims, dims, kernel_size, dilation=dilation, causal=causal, bias=bias)
        self._activate = activation_named(activation)

    def __call__(self, x: mx.array) -> mx.array:
        """[B, T, C] -> [B, T, C].

        Args:
            x: floating point [B, T, C].
        """
        y = x + self._activate(self.convolution(x))
        return tap("output", y, axes=MODEL, formula="x + act(Convolution(x))")


def convolution_stack(
    num_layers: int,
    dims: int,
    kernel_size: int = 3,
    *,
    growth: int = 1,
    activation: str = "gelu",
    causal: bool = False,
    bias: bool = True,
) -> list[ConvolutionLayer]:
    """Layers whose dilations are 1, growth, growth² …; an output sees ``1 + (k-1) Σ growth^l`` inputs.

    Args:
        num_layers: L.
        dims: C.
        kernel_size: k; 3 by default.
        growth: 1, the default, is a plain stack, which sees 1 + (k-1)·L inputs; k the densest dilated one, k^L.
        activation: as in ``ConvolutionLayer``.
        causal: as in ``Convolution``.
        bias: as in ``Convolution``.

    Returns:
        The layers, the first first.

    Raises:
        ArgumentError: for sizes below 1, and as ``Convolution``.

    Source: Kalchbrenner et al. 2016, "Neural Machine Translation in Linear Time".

    >>> from mlxformer.layers.convolution import convolution_stack
    >>> [layer.convolution.dilation for layer in convolution_stack(3, 8, growth=3)]
    [1, 3, 9]
    """
    require_positive(num_layers=num_layers, growth=growth)
    dilations = [growth**index for index in range(num_layers)]
    return [
        ConvolutionLayer(dims, kernel_size, activation=activation, dilation=dilation, causal=causal, bias=bias)
        for dilation in dilations
    ]
