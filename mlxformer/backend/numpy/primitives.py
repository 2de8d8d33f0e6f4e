"""How a function gets its gradient.

``differentiable(fn, rule)`` runs ``fn`` as it is on plain arrays: the forward pass pays one look at the type of each
argument. Only when an argument is recorded, that is inside ``grad``, does ``rule`` run, and the call goes on the tape.

A rule gives the value and its pullback: ``rule(needed, *args, **kwargs) -> value, pullback``, where ``needed`` are the
positions of the arguments that are differentiated and ``pullback(g)`` gives one gradient for each of them. So a rule
keeps what its backward pass needs (an attention's log-sum-exps, a norm's deviations) and computes it once.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from .tape import Pullback, Recorded, Rule, record, unrecorded

Function = Callable[..., Any]


def differentiable(fn: Function, rule: Rule) -> Function:
    """``fn`` of positional array arguments, with ``rule`` as its gradient."""

    @wraps(fn)
    def call(*args: Any, **kwargs: Any) -> Any:
        for argument in args:
            if type(argument) is Recorded:
                return record(rule, args, kwargs)
        return fn(*args, **kwargs)

    return call


def from_partials(fn: Function, *partials: Function) -> Function:
    """A differentiable function from one ``partial(value, *args, **kwargs) -> (g -> gradient)`` for each argument.

    Partials are written with functions of this package, so they can themselves be differentiated.
    """

    def rule(needed: tuple[int, ...], *args: Any, **kwargs: Any) -> tuple[Any, Pullback]:
        value = call(*args, **kwargs)
        pulls = [partials[position](value, *args, **kwargs) for position in needed]
        return value, lambda g: [pull(g) for pull in pulls]

    call = differentiable(fn, rule)
    return call


def constant(fn: Function) -> Function:
    """``fn`` without a gradient (comparisons, argmax, rounding): its operands and its result are plain arrays."""

    @wraps(fn)
    def call(*args: Any, **kwargs: Any) -> Any:
        for argument in args:
            if type(argument) is Recorded:
                args = tuple(unrecorded(value) for value in args)
                break
        return fn(*args, **kwargs)

    return call


def plain(name: str, *values: Any) -> None:
    """Refuses recorded arrays in a fused function's rule: its pullback is NumPy code and has no gradient of its own."""
    if any(type(value) is Recorded for value in values):
        raise NotImplementedError(
            f"The gradient of the gradient of {name} is not available on the NumPy backend. "
            "Use MLX (MLXFORMER_BACKEND=mlx), or write it with plain operations."
        )
