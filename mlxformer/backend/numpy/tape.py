"""The tape: arrays that know how they were made, and the walk back from a result to what it was made of.

``trace`` wraps the arrays to differentiate for as ``Recorded`` ones. An operation on a recorded array runs its rule on
the array inside, and wraps the result with a ``Node``: the nodes of its operands, and the pullback from the result's
gradient to theirs. A gradient inside a gradient is a trace inside a trace: the inner one's arrays hold the outer one's,
so that the inner walk is itself recorded by the outer.
"""

from __future__ import annotations

import dataclasses
import heapq
import itertools
from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple

import numpy as np

from .arrays import ArrayLike, array, is_foreign, wrap
from .operands import quiet

Pullback = Callable[[Any], Iterable[Any]]
Rule = Callable[..., tuple[Any, Pullback]]

# A node made later has the greater number, a trace begun inside another too, and that stays true across threads and
# exceptions, as the counters never go back.
_node_numbers = itertools.count()
_levels = itertools.count()


class Node:
    """One call on the tape. ``parents`` are the nodes of the operands that are differentiated, none for a leaf."""

    __slots__ = ("number", "parents", "pullback")

    def __init__(self, parents: tuple[Node, ...] = (), pullback: Pullback | None = None) -> None:
        self.number = next(_node_numbers)
        self.parents = parents
        self.pullback = pullback


class Recorded(ArrayLike):
    """The array ``_value`` (recorded itself if an outer trace follows it) in the trace ``_level``."""

    __slots__ = ("_data", "_level", "_node", "_value")

    def __init__(self, value: Any, level: int, node: Node) -> None:
        self._data: np.ndarray = value._data
        self._value = value
        self._level = level
        self._node = node


def unrecorded(value: Any) -> Any:
    """The plain array inside any number of traces; anything else as it is."""
    return wrap(value._data) if type(value) is Recorded else value


def record(rule: Rule, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Recorded:
    """Runs ``rule`` on the arrays inside the innermost trace and puts the result on its tape."""
    level = max(argument._level for argument in args if type(argument) is Recorded)
    values = list(args)
    needed, parents = [], []
    for position, argument in enumerate(args):
        if type(argument) is Recorded:
            if argument._level == level:
                values[position] = argument._value
                needed.append(position)
                parents.append(argument._node)
        elif is_foreign(argument):
            values[position] = array(argument)
    value, pullback = rule(tuple(needed), *values, **kwargs)
    return Recorded(value, level, Node(tuple(parents), pullback))


def trace(fn: Callable[[list[Any]], Any], leaves: Sequence[Any]) -> tuple[Any, Any, Callable[..., list[Any]]]:
    """``fn`` of recorded ``leaves``: its value, what else it returned, and a function for the gradients.

    That takes the gradient of the value, which need not be given for a scalar.
    """
    level = next(_levels)
    roots = [Node() for _ in leaves]
    value, aux = fn([Recorded(leaf, level, root) for leaf, root in zip(leaves, roots, strict=True)])
    if type(value) is Recorded and value._level == level:
        end, value = value._node, value._value
    else:
        end = None

    def gradients(seed: Any = None) -> list[Any]:
        seed = wrap(np.ones((), value.dtype)) if seed is None else seed
        found = _walk_back(end, seed) if end is not None else {}
        return [found.get(root) for root in roots]

    return value, stripped(aux, level), gradients


class Part(NamedTuple):
    """A gradient that is ``g`` at ``index`` and zero elsewhere. A loop over time reads T parts of one array: added up
    as whole arrays they would cost T² of it."""

    g: array
    shape: tuple[int, ...]
    index: Any

    def added_to(self, total: np.ndarray | None) -> np.ndarray:
        """``total`` with this part added in place; ``None`` is zeros."""
        if total is None:
            total = np.zeros(self.shape, self.g.dtype)
        total[self.index] += self.g._data
        return total


@quiet  # as every function of the way there is
def _walk_back(end: Node, seed: Any) -> dict[Node, Any]:
    """The gradient at each leaf below ``end``.

    Nodes are passed from the latest to the first: an operand is older than what was made of it, so once a node's turn
    comes, all that it will get has come. Its gradient and its pullback, with what the forward pass kept for it, are
    let go of as soon as they have been used.
    """
    found = {end: seed}
    parts: dict[Node, np.ndarray] = {}  # what only this walk holds, and may change in place
    waiting = [(-end.number, end)]
    leaves: dict[Node, Any] = {}
    while waiting:
        node = heapq.heappop(waiting)[1]
        gradient = found.pop(node, None)
        if node in parts:
            total = wrap(parts.pop(node))
            gradient = total if gradient is None else gradient + total
        if node.pullback is None:
            leaves[node] = gradient
            continue
        pullback, node.pullback = node.pullback, None
        for parent, given in zip(node.parents, pullback(gradient), strict=True):
            if parent not in found and parent not in parts:
                heapq.heappush(waiting, (-parent.number, parent))
            if type(given) is Part:
                parts[parent] = given.added_to(parts.get(parent))
            else:
                before = found.get(parent)
                found[parent] = given if before is None else before + given
    return leaves


def stripped(tree: Any, level: int) -> Any:
    """``tree`` (tuples, lists, dicts, dataclasses) with the arrays of trace ``level`` no longer recorded by it."""
    if type(tree) is Recorded:
        return tree._value if tree._level == level else tree
    if isinstance(tree, tuple) and hasattr(tree, "_fields"):
        return type(tree)(*(stripped(value, level) for value in tree))
    if isinstance(tree, (list, tuple)):
        return type(tree)(stripped(value, level) for value in tree)
    if isinstance(tree, dict):
        return {key: stripped(value, level) for key, value in tree.items()}
    if dataclasses.is_dataclass(tree) and not isinstance(tree, type):
        fields = [field.name for field in dataclasses.fields(tree) if field.init]
        return dataclasses.replace(tree, **{name: stripped(getattr(tree, name), level) for name in fields})
    return tree
