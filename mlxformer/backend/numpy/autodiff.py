"""Gradients, as ``mx.grad``, ``mx.value_and_grad`` and ``mx.checkpoint`` give them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import wraps
from typing import Any

from .arrays import ArrayLike
from .creation import zeros_like
from .tape import Pullback, Recorded, record, stripped, trace, unrecorded
from .trees import tree_flatten, tree_map

Argnums = int | Sequence[int] | None
Argnames = str | Sequence[str]


def value_and_grad(fun: Callable[..., Any], argnums: Argnums = None, argnames: Argnames = ()) -> Callable[..., Any]:
    """A function that gives ``(value, gradients)`` of ``fun``, whose value, or first value, is a scalar.

    Gradients are with respect to the arguments at ``argnums`` (the first by default) and ``argnames``: arrays or trees
    of arrays. As in MLX one position gives its gradient, several a tuple, and names add a dict.
    """
    names = (argnames,) if isinstance(argnames, str) else tuple(argnames)
    if argnums is None:
        argnums = () if names else 0
    numbers = (argnums,) if isinstance(argnums, int) else tuple(argnums)

    @wraps(fun)
    def call(*args: Any, **kwargs: Any) -> Any:
        if any(not -len(args) <= number < len(args) for number in numbers):
            raise ValueError(f"value_and_grad: argnums {numbers} but only {len(args)} positional arguments.")
        wanted = [args[number] for number in numbers], {name: kwargs[name] for name in names}
        pairs = tree_flatten(wanted)
        for path, leaf in pairs:
            if not isinstance(leaf, ArrayLike):
                kind = type(leaf).__name__
                place = path.partition(".")[2]
                raise ValueError(f"value_and_grad: the argument holds a {kind} at {place!r}, not an array.")

        def of_leaves(leaves: list[Any]) -> tuple[Any, Any]:
            recorded = iter(leaves)
            given, named = tree_map(lambda _: next(recorded), wanted)
            positional = list(args)
            for number, value in zip(numbers, given, strict=True):
                positional[number] = value
            result = fun(*positional, **{**kwargs, **named})
            many = isinstance(result, (tuple, list)) and len(result) > 0
            loss, aux = (result[0], result) if many else (result, None)
            if not isinstance(loss, ArrayLike):
                raise ValueError("value_and_grad: the function's value, or its first, must be an array.")
            if loss.size != 1:
                raise ValueError(f"value_and_grad: the value must be a scalar; it has shape {loss.shape}.")
            return loss, aux

        value, aux, gradients = trace(of_leaves, [leaf for _, leaf in pairs])
        found = (zeros_like(leaf) if g is None else g for g, (_, leaf) in zip(gradients(), pairs, strict=True))
        by_number, by_name = tree_map(lambda _: next(found), wanted)
        grads: Any = by_number[0] if len(by_number) == 1 else tuple(by_number) or None
        if names:
            grads = (grads, by_name)
        return (value if aux is None else aux), grads

    return call


def grad(fun: Callable[..., Any], argnums: Argnums = None, argnames: Argnames = ()) -> Callable[..., Any]:
    """As ``value_and_grad``, the gradients alone."""
    both = value_and_grad(fun, argnums, argnames)

    @wraps(fun)
    def call(*args: Any, **kwargs: Any) -> Any:
        return both(*args, **kwargs)[1]

    return call


def checkpoint(fun: Callable[..., Any]) -> Callable[..., Any]:
    """``fun``, which gives one array, with only its arguments kept for the gradient: the walk back runs it again.

    As in MLX gradients go to the arrays among the arguments, in trees of any depth, and to nothing that ``fun`` sees
    otherwise.
    """

    @wraps(fun)
    def call(*args: Any, **kwargs: Any) -> Any:
        given = args, kwargs
        arrays = [leaf for _, leaf in tree_flatten(given) if isinstance(leaf, ArrayLike)]
        levels = [leaf._level for leaf in arrays if type(leaf) is Recorded]

        def run(*values: Any) -> Any:
            left = iter(values)
            of, named = tree_map(lambda leaf: next(left) if isinstance(leaf, ArrayLike) else leaf, given)
            return fun(*of, **named)

        def rule(needed: tuple[int, ...], *values: Any) -> tuple[Any, Pullback]:
            def again(leaves: list[Any]) -> tuple[Any, None]:
                mixed = list(values)
                for position, leaf in zip(needed, leaves, strict=True):
                    mixed[position] = leaf
                return run(*mixed), None

            def pullback(g: Any) -> list[Any]:
                leaves = [values[position] for position in needed]
                found = trace(again, leaves)[2](g)
                found = [zeros_like(leaf) if g is None else g for leaf, g in zip(leaves, found, strict=True)]
                return stripped(found, max(levels))  # of what ``fun`` saw otherwise and this trace follows

            return stripped(run(*values), max(levels)), pullback

        return record(rule, tuple(arrays), {}) if levels else unrecorded(run(*arrays))

    return call


def compile(fun: Callable[..., Any], *args: Any, **kwargs: Any) -> Callable[..., Any]:
    """``fun`` itself: NumPy runs as it goes."""
    return fun


def eval(*args: Any) -> None:
    """Nothing to do: NumPy's arrays are always evaluated."""
