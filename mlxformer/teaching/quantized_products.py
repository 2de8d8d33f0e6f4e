"""Products of quantized activations and quantized weights, and what is done about outlying features.

    Y = X Wᵀ  ≈  s_x s_w (Q_x Q_wᵀ),   a scale for each token and for each output channel

Both scales stand outside the sum over features, so the sum itself is one of integers. A scale for each *feature* could
not: that is why an outlying feature, which makes its tokens' scales large, cannot be cured by a finer choice of
scales, and is taken out (Dettmers et al. 2022, LLM.int8()) or moved into the weights (Xiao et al. 2023, SmoothQuant).
"""

from __future__ import annotations

from typing import Any

from mlxformer.backend import mx
from mlxformer.teaching.quantization import quantize
from mlxformer.validation import require_floating, require_positive_number, require_shape


def quantized_linear(x: Any, weight: Any, bits: int = 8) -> Any:
    """``x weightᵀ`` with both quantized: x [T, in] by token, weight [out, in] by output channel -> [T, out].

    The codes are multiplied as floats, in which sums of products stay exact below 2²⁴ (1,040 features at 8 bits):
    MLX has no product of integer matrices.
    """
    _require_pair(x, weight)
    left, right = quantize(x, bits, axis=0), quantize(weight, bits, axis=0)
    codes = left.values.astype(x.dtype) @ right.values.astype(x.dtype).swapaxes(0, 1)
    return codes * left.scale * right.scale.swapaxes(0, 1)


def decomposed_linear(x: Any, weight: Any, bits: int = 8, *, threshold: float = 6.0) -> Any:
    """LLM.int8()'s mixed decomposition: features that reach ``threshold`` anywhere are multiplied in full precision.

    The rest is quantized as in ``quantized_linear``, its scales now free of the outliers. Shapes as there.
    Raises ``ArgumentError`` for a threshold that is not above 0.
    """
    _require_pair(x, weight)
    require_positive_number("threshold", threshold)
    outlying = (mx.max(mx.abs(x), axis=0, keepdims=True) >= threshold).astype(x.dtype)  # [1, in]
    exact = (x * outlying) @ weight.swapaxes(0, 1)
    return exact + quantized_linear(x * (1 - outlying), weight * (1 - outlying), bits)


def smoothing_factors(x: Any, weight: Any, alpha: float = 0.5) -> Any:
    """SmoothQuant's factor of each feature, ``max|X_j|^α / max|W_j|^(1−α)``: [in], from x [T, in], weight [out, in].

    ``(x / s) (weight · s)ᵀ`` is the same product, with peaks shared out between activations and weights: α = 0 leaves
    the weights with none of the difficulty of ``x`` and α = 1 with all of it. Features that are 0 throughout get 1.
    """
    _require_pair(x, weight)
    peaks, sizes = mx.max(mx.abs(x), axis=0), mx.max(mx.abs(weight), axis=0)  # [in]
    usable = mx.minimum(peaks, sizes) > 0
    ones = mx.ones_like(peaks)
    peaks, sizes = mx.where(usable, peaks, ones), mx.where(usable, sizes, ones)
    return mx.exp(alpha * mx.log(peaks) - (1 - alpha) * mx.log(sizes))


def smoothed_linear(x: Any, weight: Any, bits: int = 8, *, alpha: float = 0.5) -> Any:
    """``quantized_linear`` after smoothing by ``smoothing_factors``; shapes as there."""
    factors = smoothing_factors(x, weight, alpha)
    return quantized_linear(x / factors, weight * factors, bits)


def _require_pair(x: Any, weight: Any) -> None:
    require_floating("x", x)
    require_shape("x", x, ("token", "in"))
    require_floating("weight", weight)
    require_shape("weight", weight, ("out", "in"), (None, x.shape[1]))
