"""Products of quantized activations and quantized weights, and what is done about outlying features.

    Y = X Wᵀ  ≈  s_x s_w (Q_x Q_wᵀ),   a scale for each token and for each output channel

Both scales stand outside the sum over features, so the sum itself is one of integers. A scale for each *feature* could
not: that is why an outlying feature, which makes its tokens' scales large, cannot be cured by a finer choice of
scales, and is taken out (Dettmers et al. 2022, LLM.int8()) or moved into the weights (Xiao et al. 2023, SmoothQuant).
"""

from __future__ import annotations

from mlxformer.backend import mx
from mlxformer.teaching.quantization import quantize
from mlxformer.validation import require_floating, require_positive_number, require_shape


def quantized_linear(x: mx.array, weight: mx.array, bits: int = 8) -> mx.array:
    """``x weightᵀ ≈ s_x s_w (Q_x Q_wᵀ)``: activations quantized by token, weights by output channel.

    The codes are multiplied as floats, in which sums of products stay exact below 2²⁴ (1,040 features at 8 bits): MLX
    has no product of integer matrices.

    Args:
        x: activations, floating point [T, in].
        weight: floating point [out, in].
        bits: of both, 2 to 8.

    Returns:
        [T, out].

    Raises:
        ArgumentError: shapes that do not fit, or bits other than 2 to 8.

    Source: Dettmers et al. 2022, "LLM.int8()", vector-wise quantization.

    >>> from mlxformer.backend import mx
    >>> from mlxformer.teaching.quantized_products import quantized_linear
    >>> quantized_linear(mx.array([[127.0, 1.0]]), mx.array([[127.0, 0.0]])).tolist()
    [[16129.0]]
    """
    _require_pair(x, weight)
    left, right = quantize(x, bits, axis=0), quantize(weight, bits, axis=0)
    codes = left.codes.astype(x.dtype) @ right.codes.astype(x.dtype).swapaxes(0, 1)
    return codes * left.scale * right.scale.swapaxes(0, 1)


def decomposed_linear(x: mx.array, weight: mx.array, bits: int = 8, *, threshold: float = 6.0) -> mx.array:
    """LLM.int8()'s mixed decomposition: features that reach ``threshold`` anywhere are multiplied in full precision.

    The rest is quantized as in ``quantized_linear``, its scales now free of the outliers.

    Args:
        x: activations, floating point [T, in].
        weight: floating point [out, in].
        bits: of what is quantized, 2 to 8.
        threshold: |x| of an outlier, above 0; 6 in the paper.

    Returns:
        [T, out].

    Raises:
        ArgumentError: shapes that do not fit, bits other than 2 to 8, a threshold that is not above 0.

    Source: Dettmers et al. 2022, "LLM.int8()", mixed-precision decomposition.

    >>> from mlxformer.backend import mx
    >>> from mlxformer.teaching.quantized_products import decomposed_linear
    >>> decomposed_linear(mx.array([[100.0, 0.0]]), mx.array([[0.25, 1.0]])).tolist()
    [[25.0]]
    """
    _require_pair(x, weight)
    require_positive_number("threshold", threshold)
    outlying = (mx.max(mx.abs(x), axis=0, keepdims=True) >= threshold).astype(x.dtype)  # [1, in]
    exact = (x * outlying) @ weight.swapaxes(0, 1)
    return exact + quantized_linear(x * (1 - outlying), weight * (1 - outlying), bits)


def smoothing_factors(x: mx.array, weight: mx.array, alpha: float = 0.5) -> mx.array:
    """SmoothQuant's factor of each feature: ``s_j = max|X_j|^α / max|W_j|^(1−α)``.

    ``(x / s) (weight · s)ᵀ`` is the same product, with peaks shared out between activations and weights.

    Args:
        x: activations, floating point [T, in].
        weight: floating point [out, in].
        alpha: α: 0 leaves the weights with none of the difficulty of ``x`` and 1 with all of it.

    Returns:
        [in]; 1 for features that are 0 throughout.

    Raises:
        ArgumentError: shapes that do not fit.

    Source: Xiao et al. 2023, "SmoothQuant".

    >>> from mlxformer.backend import mx
    >>> from mlxformer.teaching.quantized_products import smoothing_factors
    >>> [round(factor, 4) for factor in smoothing_factors(mx.array([[16.0, 0.0]]), mx.array([[1.0, 1.0]])).tolist()]
    [4.0, 1.0]
    """
    _require_pair(x, weight)
    peaks, sizes = mx.max(mx.abs(x), axis=0), mx.max(mx.abs(weight), axis=0)  # [in]
    usable = mx.minimum(peaks, sizes) > 0
    ones = mx.ones_like(peaks)
    peaks, sizes = mx.where(usable, peaks, ones), mx.where(usable, sizes, ones)
    return mx.exp(alpha * mx.log(peaks) - (1 - alpha) * mx.log(sizes))


def smoothed_linear(x: mx.array, weight: mx.array, bits: int = 8, *, alpha: float = 0.5) -> mx.array:
    """``quantized_linear`` after smoothing by ``smoothing_factors``.

    Args:
        x: activations, floating point [T, in].
        weight: floating point [out, in].
        bits: of both, 2 to 8.
        alpha: α of ``smoothing_factors``.

    Returns:
        [T, out].

    Raises:
        ArgumentError: shapes that do not fit, or bits other than 2 to 8.

    Source: Xiao et al. 2023, "SmoothQuant".

    >>> from mlxformer.backend import mx
    >>> from mlxformer.teaching.quantized_products import smoothed_linear
    >>> smoothed_linear(mx.ones((3, 4)), mx.ones((2, 4))).shape == (3, 2)
    True
    """
    factors = smoothing_factors(x, weight, alpha)
    return quantized_linear(x / factors, weight * factors, bits)


def _require_pair(x: mx.array, weight: mx.array) -> None:
    require_floating("x", x)
    require_shape("x", x, ("token", "in"))
    require_floating("weight", weight)
    require_shape("weight", weight, ("out", "in"), (None, x.shape[1]))
