"""What an output of a sequence model depends on: the size of ∂out_i / ∂in_j for every pair of positions.

    influence_ij = ‖∂out_i / ∂in_j‖_F      (the gradients whose extent Luo et al. 2016 call the receptive field)

An entry is exactly 0 where no path leads from input j to output i. It is a derivative at one input: what a small
change does there, and not a share of the output.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from mlxformer.axes import MODEL
from mlxformer.backend import mx
from mlxformer.errors import ArgumentError
from mlxformer.validation import require_floating, require_shape


def influence(function: Callable[[mx.array], mx.array], x: mx.array) -> mx.array:
    """``‖∂out_i / ∂in_j‖_F`` for one sequence, a row for each output position.

    By one backward pass over To·C' copies, each asking for another component of the output.

    Args:
        function: [B, T, C] -> [B, To, C'], that treats the sequences of a batch apart (no batch norm).
        x: one sequence, floating point [1, T, C].

    Returns:
        [To, T]; exactly 0 where no path leads from input to output.

    Raises:
        ArgumentError: more than one sequence, or a function that gives another rank.

    Source: Luo et al. 2016, "Understanding the Effective Receptive Field in Deep Convolutional Neural Networks".

    >>> from mlxformer.backend import mx
    >>> from mlxformer.inspection.influence import influence
    >>> influence(lambda x: 3.0 * x, mx.ones((1, 2, 1))).tolist()
    [[3.0, 0.0], [0.0, 3.0]]
    """
    _check(x)
    found = function(x)
    require_shape("function(x)", found, MODEL, (1, None, None))
    outputs, width = found.shape[1:]
    asked = mx.eye(outputs * width).reshape(outputs * width, outputs, width)
    copies = mx.repeat(x, outputs * width, axis=0)
    slopes = mx.grad(lambda copies: mx.sum(function(copies) * asked))(copies)  # [To·C', T, C]
    return mx.sqrt(mx.sum(mx.square(slopes).reshape(outputs, width, x.shape[1], -1), axis=(1, 3)))


def influence_by_depth(layers: Sequence[Callable[[mx.array], mx.array]], x: mx.array, position: int) -> mx.array:
    """``‖∂out_i / ∂in_j‖_F`` of one output position i after each of ``layers``, run one after another.

    By one backward pass, in which each copy of the sequence asks for another depth and component.

    Args:
        layers: L functions [B, T, C] -> [B, T, C], at least one.
        x: one sequence, floating point [1, T, C].
        position: i, from 0 to T − 1.

    Returns:
        [L, T].

    Raises:
        ArgumentError: more than one sequence, no layer, or a position outside the sequence.

    >>> from mlxformer.backend import mx
    >>> from mlxformer.inspection.influence import influence_by_depth
    >>> influence_by_depth([lambda x: 2.0 * x, lambda x: 2.0 * x], mx.ones((1, 2, 1)), position=1).tolist()
    [[0.0, 2.0], [0.0, 4.0]]
    """
    _check(x)
    if not layers or not 0 <= position < x.shape[1]:
        raise ArgumentError(
            "influence-position",
            f"there must be a layer, and position must be from 0 to {x.shape[1] - 1}; got {len(layers)} layers and "
            f"position {position}",
            position=position,
            layers=len(layers),
        )
    depth, length, width = len(layers), x.shape[1], x.shape[2]
    copies = mx.repeat(x, depth * width, axis=0)

    def asked(copies: mx.array) -> mx.array:
        y, total = copies, mx.zeros(())
        for index, layer in enumerate(layers):
            y = layer(y)
            total = total + mx.sum(y[index * width : (index + 1) * width, position] * mx.eye(width))
        return total

    slopes = mx.grad(asked)(copies)  # [L·C, T, C]
    return mx.sqrt(mx.sum(mx.square(slopes).reshape(depth, width, length, -1), axis=(1, 3)))


def _check(x: mx.array) -> None:
    require_floating("x", x)
    require_shape("x", x, MODEL, (1, None, None))
