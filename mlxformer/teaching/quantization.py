"""Symmetric (absmax) quantization: numbers as small integers times a scale.

    s = max|x| / (2ᵇ⁻¹ − 1),   q = round(x / s),   x̂ = s q           (Dettmers et al. 2022, LLM.int8())

The integers are −127 to 127 for 8 bits and −7 to 7 for 4; zero stays zero. Rounding errs by at most s/2, and by
s/√12 root mean square where many codes are used, so that one number far out makes every other one coarse: hence a
scale for each row (channel) and not one for the whole array.

What is quantized here is held as int8 whatever the number of bits: 4-bit numbers are not packed in pairs.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from mlxformer.backend import dtype_named, mx, nn, tree_flatten
from mlxformer.errors import ArgumentError
from mlxformer.validation import fields_text, is_whole, require_finite, require_floating


class Quantized(NamedTuple):
    """Codes, and what one of them is worth: ``x̂ = s q``.

    Args:
        codes: q, int8, of the shape of what was quantized.
        scale: s, float32, of size 1 along the axes that share it.
        dtype: of what was quantized, and of what ``dequantize`` gives, by its name; None is the scale's.

    >>> from mlxformer.backend import mx
    >>> from mlxformer.teaching.quantization import quantize
    >>> quantize(mx.array([127.0, -1.0])).codes.tolist()
    [127, -1]
    """

    codes: mx.array
    scale: mx.array
    dtype: str | None = None

    def __repr__(self) -> str:
        return fields_text(self)


def largest_code(bits: int) -> int:
    """``2ᵇ⁻¹ − 1``: the largest whole number that is used.

    Args:
        bits: b, 2 to 8.

    Returns:
        127 for 8 bits, 7 for 4.

    Raises:
        ArgumentError: less than 2 bits or more than 8.

    >>> from mlxformer.teaching.quantization import largest_code
    >>> largest_code(8), largest_code(4)
    (127, 7)
    """
    if not is_whole(bits, 2) or bits > 8:
        raise ArgumentError(
            "quantisation-bits", f"bits must be a whole number from 2 to 8; got {bits!r}", name="bits", given=bits
        )
    return int(2 ** (int(bits) - 1)) - 1


def quantize(x: mx.array, bits: int = 8, *, axis: int | None = None) -> Quantized:
    """Symmetric (absmax) quantization: ``s = max|x| / (2ᵇ⁻¹ − 1), q = round(x / s)``.

    Args:
        x: floating point, any shape.
        bits: b, 2 to 8; the codes are int8 whatever it is.
        axis: the axis whose entries have scales of their own; None takes one scale for all. For the weights of a linear
            layer, [out, in], ``axis=0`` is "per channel"; for activations [tokens, in] it is "per token".

    Returns:
        The codes and their scale, a ``Quantized``; the scale is 1 where all is 0.

    Raises:
        ArgumentError: numbers that are not floating point or not finite, an axis that ``x`` lacks, bits other than 2 to
            8.

    Source: Dettmers et al. 2022, "LLM.int8()".

    >>> from mlxformer.backend import mx
    >>> from mlxformer.teaching.quantization import quantize
    >>> quantize(mx.array([[1.2, -7.0], [7.0, 70.0]]), bits=4, axis=0).codes.tolist()  # a scale for each row
    [[1, -7], [1, 7]]
    """
    limit = largest_code(bits)
    require_floating("x", x)
    if axis is not None and not -x.ndim <= axis < x.ndim:
        message = f"axis={axis} is not an axis of x, which has {x.ndim}; None takes one scale for all"
        raise ArgumentError("quantisation-axis", message, name="axis", given=axis, rank=x.ndim)
    shared = [i for i in range(x.ndim) if axis is None or i != axis % x.ndim]
    require_finite("x", x)
    wide = x.astype(mx.float32)  # in float16 the scale of small numbers falls below the least one
    peak = mx.max(mx.abs(wide), axis=shared, keepdims=True) if shared else mx.abs(wide)
    scale = mx.where(peak > 0, peak / limit, mx.ones_like(peak))
    codes = mx.clip(mx.round(wide / scale), -limit, limit)
    return Quantized(codes.astype(mx.int8), scale, str(x.dtype).rpartition(".")[2])


def dequantize(quantized: Quantized) -> mx.array:
    """The numbers that the codes stand for: ``s q``.

    Args:
        quantized: what ``quantize`` gave.

    Returns:
        The shape of the codes, in the dtype of what was quantized; within s/2 of it.

    >>> from mlxformer.backend import mx
    >>> from mlxformer.teaching.quantization import dequantize, quantize
    >>> dequantize(quantize(mx.array([7.0, 3.6]), bits=4)).tolist()
    [7.0, 4.0]
    """
    numbers = quantized.codes.astype(mx.float32) * quantized.scale
    return numbers if quantized.dtype is None else numbers.astype(dtype_named(quantized.dtype) or mx.float32)


def quantize_weights(model: nn.Module, bits: int = 8, *, per_channel: bool = True) -> dict[str, int]:
    """Round every matrix of ``model`` to what ``bits`` bits can say, in place ("weight-only" quantization).

    Vectors (biases, gains) stay as they are. The model goes on computing in floating point, with rounded weights.

    Args:
        model: any module.
        bits: b, 2 to 8.
        per_channel: True: a scale for each row, which is an output channel of a linear layer and a token of an
            embedding; False: one for the matrix.

    Returns:
        ``{"float32": …, "quantized": …}``: the bytes of all parameters at 4 each, and with ``bits/8`` for each number
            of a
        matrix and 4 for each scale and each number of a vector.

    Raises:
        ArgumentError: bits other than 2 to 8.

    >>> from mlxformer.backend import nn
    >>> from mlxformer.teaching.quantization import quantize_weights
    >>> quantize_weights(nn.Linear(64, 2, bias=False))
    {'float32': 512, 'quantized': 136}
    """
    parameters: dict[str, Any] = dict(tree_flatten(model.parameters()))
    numbers, codes, scales = 0, 0, 0
    rounded: list[tuple[str, mx.array]] = []
    for path, value in parameters.items():
        numbers = numbers + int(value.size)
        if value.ndim == 2:
            found = quantize(value, bits, axis=0 if per_channel else None)
            codes = codes + int(value.size)
            scales = scales + int(found.scale.size)
            rounded.append((path, dequantize(found)))
    model.load_weights(rounded, strict=False)
    return {"float32": 4 * numbers, "quantized": -(-codes * bits // 8) + 4 * (numbers - codes + scales)}
