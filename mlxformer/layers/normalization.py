"""Which normalization a layer has: layer norm, or RMS norm, which leaves the mean where it is.

LayerNorm(x) = (x − mean(x)) / √(var(x) + ε) · g + b                (Ba, Kiros & Hinton 2016, §3)
RMSNorm(x)   = x / √(mean(x²) + ε) · g                              (Zhang & Sennrich 2019, Eq. 4)

Both take their statistics from one token's features. On features whose mean is 0 they are the same.
"""

from __future__ import annotations

from typing import Literal

from mlxformer.backend import nn
from mlxformer.validation import require_choice, require_positive, require_positive_number

NormType = Literal["layer", "rms"]


def normalization(norm_type: NormType, dims: int, eps: float = 1e-5, bias: bool = True) -> nn.LayerNorm | nn.RMSNorm:
    """``nn.LayerNorm(dims)`` for ``"layer"``, ``nn.RMSNorm(dims)`` for ``"rms"``.

    Args:
        norm_type: which.
        dims: C.
        eps: ε, added to the variance or the mean square; 1e-5 by default.
        bias: whether a layer norm has one; True by default. An RMS norm has none.

    On NumPy both are right for features from 1e-30 to 1e30. On MLX they are ``mx.fast``'s, whose squares are float32:
    right while the features' sizes are below about 1e18, and above √ε (from about 1e-18 on where ε is 0 beside them);
    beyond 1e19 they give 0.

    Returns:
        A module, [..., C] -> [..., C], in float16 or bfloat16 where input and parameters are; sums are float32 in any.

    Raises:
        ArgumentError: for another name, a width that is not a whole number above 0, and an ε not above 0.

    >>> from mlxformer.backend import mx
    >>> from mlxformer.layers.normalization import normalization
    >>> [round(y, 3) for y in normalization("rms", 2)(mx.array([1.0, 7.0])).tolist()]
    [0.2, 1.4]
    """
    require_choice("norm_type", norm_type, ("layer", "rms"))
    require_positive(dims=dims)
    require_positive_number("eps", eps)
    return nn.LayerNorm(dims, eps=eps, bias=bias) if norm_type == "layer" else nn.RMSNorm(dims, eps=eps)


def formula(norm_type: NormType) -> str:
    """What a trace calls it.

    Args:
        norm_type: as in ``LayerConfig``.

    >>> from mlxformer.layers.normalization import formula
    >>> formula("rms")
    'RMSNorm'
    """
    return "LayerNorm" if norm_type == "layer" else "RMSNorm"
