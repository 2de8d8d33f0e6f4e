"""Projections whose width follows from something else than the model's: a number of tokens, heads or distances.

``mlx.nn.quantize`` rounds in groups along the input axis and fails on a width that is no multiple of one. These are
left as they are where that is so, so that a model that holds one can be quantized as a whole.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from mlxformer.backend import mx, nn


class _LeftWhereOdd(nn.Module):
    """A layer with a ``weight`` that ``nn.quantize`` leaves alone where its width is no multiple of the group."""

    def to_quantized(self, group_size: int | None = None, bits: int | None = None, *rest: Any, **more: Any) -> Any:
        """The quantized layer, or this one (``mlx.nn.quantize`` asks).

        Args:
            group_size: numbers that share a scale; None is MLX's 64.
            bits: of each number; None is MLX's 4.
            rest: as in MLX.
            more: as in MLX.

        Returns:
            A module.
        """
        if self.weight.shape[-1] % (group_size or 64):
            return self
        return super().to_quantized(group_size, bits, *rest, **more)  # type: ignore[misc]  # MLX's layer has it


class OddLinear(_LeftWhereOdd, nn.Linear):
    """``nn.Linear`` that ``nn.quantize`` leaves alone where its input width is no multiple of the group.

    >>> from mlxformer.backend import mx
    >>> from mlxformer.projections import OddLinear
    >>> OddLinear(5, 3)(mx.ones((2, 5))).shape
    (2, 3)
    """


class OddEmbedding(_LeftWhereOdd, nn.Embedding):
    """``nn.Embedding`` that ``nn.quantize`` leaves alone where its width is no multiple of the group.

    >>> from mlxformer.backend import mx
    >>> from mlxformer.projections import OddEmbedding
    >>> OddEmbedding(5, 3)(mx.array([0, 4])).shape
    (2, 3)
    """


def matrix_of(projection: Callable[[mx.array], mx.array], input_dims: int) -> mx.array:
    """W [out, in] of a projection without a bias, whatever stands in its place: quantized or adapted ones have no W.

    A module that is no plain ``nn.Linear`` is called on the unit vectors.

    Args:
        projection: a linear map, [..., in] -> [..., out].
        input_dims: in.

    Returns:
        [out, in].

    >>> from mlxformer.backend import mx, nn
    >>> from mlxformer.projections import matrix_of
    >>> layer = nn.Linear(3, 2, bias=False)
    >>> bool(mx.array_equal(matrix_of(layer, 3), layer.weight))
    True
    """
    if isinstance(projection, nn.Linear) and type(projection) in (nn.Linear, OddLinear):
        return projection.weight
    return projection(mx.eye(input_dims)).T
