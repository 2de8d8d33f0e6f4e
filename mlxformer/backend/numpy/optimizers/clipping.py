"""Clipping of gradients."""

from __future__ import annotations

from typing import Any

from .. import dtypes
from ..arrays import array
from ..broadcasting import sum
from ..elementwise import minimum, sqrt, square
from ..trees import tree_map, tree_reduce


def clip_grad_norm(grads: Any, max_norm: float) -> tuple[Any, array]:
    """Gradients whose joint norm is at most ``max_norm`` (Pascanu et al. 2013), and the norm that they had."""
    if max_norm < 0:
        raise ValueError(f"max_norm should be >=0, {max_norm} was provided instead")

    def squared(g: Any) -> Any:
        # A float16 square overflows above 256.
        return sum(square(g.astype(dtypes.float32) if g.dtype == dtypes.float16 else g))

    norm = sqrt(tree_reduce(lambda total, g: total + squared(g), grads, array(0.0)))
    scale = minimum(max_norm / (norm + 1e-6), 1.0)

    def scaled(g: Any) -> Any:
        return (g * scale).astype(g.dtype) if g.dtype.kind == "f" else g * scale

    return tree_map(scaled, grads), norm
