"""The tape: autograd's boxes round our arrays, and the walk back over its nodes.

Imported on the first gradient only: autograd costs 50 ms to import.
"""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from autograd.core import VJPNode
from autograd.tracer import Box, find_top_boxed_args, new_box
from autograd.util import subvals, toposort

from .arrays import array, wrap
from .elementwise import add
from .indexing import Part
from .primitives import Boxed

# A trace begun inside another must have the greater number. A counter that never goes back keeps that true across
# threads and exceptions, where autograd's own stack does not.
_trace_numbers = itertools.count()


class ArrayBox(Boxed, Box):
    """An array whose history is recorded."""

    __slots__ = ()
    _value: Any
    _node: Any

    @property
    def _data(self) -> np.ndarray:
        return self._value._data

    def __repr__(self) -> str:
        return repr(self._value)

    __str__ = __repr__
    __hash__ = Boxed.__hash__
    __bool__ = Boxed.__bool__


ArrayBox.register(array)


def record(rule: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> ArrayBox:
    """Runs ``rule`` on the values inside the innermost trace's boxes and puts the result on the tape."""
    boxes, trace, _, _ = find_top_boxed_args(args)
    values = subvals(args, [(position, box._value) for position, box in boxes])
    value, pullback = rule(tuple(position for position, _ in boxes), *values, **kwargs)
    node = VJPNode.__new__(VJPNode)
    node.parents = tuple(box._node for _, box in boxes)
    node.vjp = pullback
    return new_box(value, trace, node)


def trace(fn: Callable[[list[Any]], Any], leaves: Sequence[Any]) -> tuple[Any, Any, Callable[[], list[Any]]]:
    """``fn`` of boxed ``leaves``: its scalar value, what else it returned, and a function for the gradients."""
    number = next(_trace_numbers)
    roots = [VJPNode.new_root() for _ in leaves]
    value, aux = fn([new_box(leaf, number, root) for leaf, root in zip(leaves, roots, strict=True)])
    if type(value) is ArrayBox and value._trace == number:
        end, plain_value = value._node, value._value
    else:
        end, plain_value = None, value

    def gradients() -> list[Any]:
        found = _walk_back(end, wrap(np.ones((), plain_value.dtype))) if end is not None else {}
        return [found.get(root, None) for root in roots]

    return plain_value, strip(aux, number), gradients


def _walk_back(end: Any, seed: Any) -> dict[Any, Any]:
    """The gradient at each root below ``end``; a node's gradient is let go of as soon as it has been passed on."""
    found = {end: seed}
    parts: dict[Any, np.ndarray] = {}  # what only this walk holds, and may change in place
    for node in toposort(end):
        if not node.parents:
            continue
        # A node is passed once: letting go of its pullback frees what the forward pass kept for it.
        pullback, node.vjp = node.vjp, None
        for parent, gradient in zip(node.parents, pullback(_whole(node, found, parts)), strict=True):
            if type(gradient) is Part:
                parts[parent] = gradient.added_to(parts.get(parent))
                continue
            before = found.get(parent)
            found[parent] = gradient if before is None else add(before, gradient)
    for node in list(parts):
        found[node] = _whole(node, found, parts)
    return found


def _whole(node: Any, found: dict[Any, Any], parts: dict[Any, np.ndarray]) -> Any:
    """The gradient at ``node``, taken out of ``found`` and ``parts``."""
    gradient = found.pop(node, None)
    if node not in parts:
        return gradient
    total = wrap(parts.pop(node))
    return total if gradient is None else add(gradient, total)


def strip(tree: Any, number: int) -> Any:
    """``tree`` (tuples, lists, dicts, dataclasses) with the boxes of trace ``number`` opened."""
    if isinstance(tree, ArrayBox):
        return tree._value if tree._trace == number else tree
    if isinstance(tree, tuple) and hasattr(tree, "_fields"):
        return type(tree)(*(strip(value, number) for value in tree))
    if isinstance(tree, (list, tuple)):
        return type(tree)(strip(value, number) for value in tree)
    if isinstance(tree, dict):
        return {key: strip(value, number) for key, value in tree.items()}
    if dataclasses.is_dataclass(tree) and not isinstance(tree, type):
        fields = [field.name for field in dataclasses.fields(tree) if field.init]
        return dataclasses.replace(tree, **{name: strip(getattr(tree, name), number) for name in fields})
    return tree
