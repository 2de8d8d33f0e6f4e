"""Symmetric (absmax) quantization: numbers as small integers times a scale.

    s = max|x| / (2ᵇ⁻¹ − 1),   q = round(x / s),   x̂ = s q           (Dettmers et al. 2022, LLM.int8())

The integers are −127 to 127 for 8 bits and −7 to 7 for 4; zero stays zero. Rounding errs by at most s/2, and by
s/√12 root mean square where many codes are used, so that one number far out makes every other one coarse: hence a
scale for each row (channel) and not one for the whole array.

What is quantized here is held as int8 whatever the number of bits: 4-bit numbers are not packed in pairs.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from mlxformer.backend import mx, tree_flatten
from mlxformer.errors import ArgumentError
from mlxformer.validation import is_whole, require_floating


class Quantized(NamedTuple):
    """values: int8, the shape of what was quantized; scale: float, of size 1 along the axes that share it."""

    values: Any
    scale: Any


def largest_code(bits: int) -> int:
    """``2ᵇ⁻¹ − 1``: 127 for 8 bits, 7 for 4. Raises ``ArgumentError`` for less than 2 bits or more than 8."""
    if not is_whole(bits, 2) or bits > 8:
        raise ArgumentError(
            "quantisation-bits", f"bits must be a whole number from 2 to 8; got {bits!r}", name="bits", given=bits
        )
    return int(2 ** (int(bits) - 1)) - 1


def quantize(x: Any, bits: int = 8, *, axis: int | None = None) -> Quantized:
    """``x`` in ``bits`` bits: with one scale for all of it, or one for each index along ``axis``.

    axis: the axis whose entries have scales of their own. For the weights of a linear layer, [out, in], ``axis=0`` is
    "per channel"; for activations [tokens, in] it is "per token". None is "per tensor". Where all is 0 the scale is 1.

    Raises ``ArgumentError`` for arrays that are not floating, an axis that ``x`` lacks, and bits other than 2 to 8.
    """
    limit = largest_code(bits)
    require_floating("x", x)
    if axis is not None and not -x.ndim <= axis < x.ndim:
        message = f"axis={axis} is not an axis of x, which has {x.ndim}; None takes one scale for all"
        raise ArgumentError("quantisation-axis", message, name="axis", given=axis, rank=x.ndim)
    shared = [i for i in range(x.ndim) if axis is None or i != axis % x.ndim]
    peak = mx.max(mx.abs(x), axis=shared, keepdims=True) if shared else mx.abs(x)
    scale = mx.where(peak > 0, peak / limit, mx.ones_like(peak))
    codes = mx.clip(mx.round(x / scale), -limit, limit)
    return Quantized(codes.astype(mx.int8), scale)


def dequantize(quantized: Quantized) -> Any:
    """The numbers that the codes stand for, in the scale's dtype: ``s q``."""
    return quantized.values.astype(quantized.scale.dtype) * quantized.scale


def quantize_weights(model: Any, bits: int = 8, *, per_channel: bool = True) -> dict[str, int]:
    """Round every matrix of ``model`` to what ``bits`` bits can say, in place; how many bytes that would take.

    per_channel: a scale for each row, which is an output channel of a linear layer and a token of an embedding;
    else one for the matrix. Vectors (biases, gains) stay as they are. The model goes on computing in floating point,
    with rounded weights ("weight-only" quantization).

    Returns ``{"float32": …, "quantized": …}``: the bytes of all parameters at 4 each, and with ``bits/8`` for each
    number of a matrix and 4 for each scale and each number of a vector.
    Raises ``ArgumentError`` as ``quantize`` does.
    """
    parameters: dict[str, Any] = dict(tree_flatten(model.parameters()))
    numbers, codes, scales = 0, 0, 0
    rounded: list[tuple[str, Any]] = []
    for path, value in parameters.items():
        numbers = numbers + int(value.size)
        if value.ndim == 2:
            found = quantize(value, bits, axis=0 if per_channel else None)
            codes = codes + int(value.size)
            scales = scales + int(found.scale.size)
            rounded.append((path, dequantize(found)))
    model.load_weights(rounded, strict=False)
    return {"float32": 4 * numbers, "quantised": -(-codes * bits // 8) + 4 * (numbers - codes + scales)}
