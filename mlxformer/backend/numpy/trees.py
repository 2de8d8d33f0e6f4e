"""Trees of parameters (dicts, lists and tuples), flattened, rebuilt and mapped over, as in ``mlx.utils``."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

IsLeaf = Callable[[Any], bool] | None


def tree_map(fn: Callable[..., Any], tree: Any, *rest: Any, is_leaf: IsLeaf = None) -> Any:
    """``fn`` of every leaf (and of the leaves at the same place in ``rest``), in a tree of the same form."""
    if is_leaf is None and not rest:
        return _mapped(fn, tree)
    if is_leaf is not None and is_leaf(tree):
        return fn(tree, *rest)
    if isinstance(tree, (list, tuple)):
        mapped = [tree_map(fn, child, *(other[at] for other in rest), is_leaf=is_leaf) for at, child in enumerate(tree)]
        return type(tree)(*mapped) if hasattr(tree, "_fields") else type(tree)(mapped)
    if isinstance(tree, dict):
        return {
            key: tree_map(fn, child, *(other[key] for other in rest), is_leaf=is_leaf) for key, child in tree.items()
        }
    return fn(tree, *rest)


def _mapped(fn: Callable[[Any], Any], tree: Any) -> Any:
    """``tree_map`` of one tree: what every step of a training does several times."""
    if isinstance(tree, dict):
        return {key: _mapped(fn, child) for key, child in tree.items()}
    if isinstance(tree, (list, tuple)):
        mapped = [_mapped(fn, child) for child in tree]
        return type(tree)(*mapped) if hasattr(tree, "_fields") else type(tree)(mapped)
    return fn(tree)


def tree_flatten(
    tree: Any, prefix: str = "", is_leaf: IsLeaf = None, destination: list[Any] | dict[str, Any] | None = None
) -> Any:
    """``[("encoder.layers.0.weight", leaf), ...]``; into ``destination``, a list or dict, if one is given."""
    pairs: list[tuple[str, Any]] = []
    _collect(tree, prefix, is_leaf, pairs)
    if destination is None:
        return [(path[1:], leaf) for path, leaf in pairs]
    for path, leaf in pairs:
        if isinstance(destination, dict):
            destination[path[1:]] = leaf
        else:
            destination.append((path[1:], leaf))
    return destination


def _collect(tree: Any, prefix: str, is_leaf: IsLeaf, pairs: list[tuple[str, Any]]) -> None:
    if is_leaf is not None and is_leaf(tree):
        pairs.append((prefix, tree))
    elif isinstance(tree, (list, tuple)):
        for at, child in enumerate(tree):
            _collect(child, f"{prefix}.{at}", is_leaf, pairs)
    elif isinstance(tree, dict):
        for key, child in tree.items():
            _collect(child, f"{prefix}.{key}", is_leaf, pairs)
    else:
        pairs.append((prefix, tree))


def tree_unflatten(tree: Any) -> Any:
    """The tree that ``tree_flatten`` gave these pairs (a list or dict) for; numbers as keys make a list."""
    pairs = list(tree.items()) if isinstance(tree, dict) else list(tree)
    if len(pairs) == 1 and pairs[0][0] == "":
        return pairs[0][1]
    children: dict[str, list[tuple[str, Any]]] = {}
    for path, leaf in pairs:
        head, _, rest = path.partition(".")
        children.setdefault(head, []).append((rest, leaf))
    # "01" and "1" are two keys, so they are names and not positions.
    positions = {int(key): key for key in children if key.isdigit()}
    if len(positions) < len(children):
        return {key: tree_unflatten(child) for key, child in children.items()}
    made: list[Any] = []
    for at, key in sorted(positions.items()):
        made.extend({} for _ in range(at - len(made)))
        made.append(tree_unflatten(children[key]))
    return made


def tree_reduce(fn: Callable[[Any, Any], Any], tree: Any, initializer: Any = None, is_leaf: IsLeaf = None) -> Any:
    """``fn(accumulated, leaf)`` over all leaves."""
    result = initializer
    for _, leaf in tree_flatten(tree, is_leaf=is_leaf):
        result = leaf if result is None else fn(result, leaf)
    return result
