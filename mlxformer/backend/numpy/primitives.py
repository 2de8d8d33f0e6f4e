"""How a function gets its gradient.

``differentiable(fn, rule)`` runs ``fn`` as it is on plain arrays: the forward pass pays one ``isinstance`` for each
argument, and ``autograd`` is not even imported. Only when an argument is a box, that is inside ``grad``, does ``rule``
run, and the call is recorded on autograd's tape.

A rule gives the value and its pullback: ``rule(needed, *args, **kwargs) -> value, pullback``, where ``needed`` are the
positions of the arguments that are differentiated and ``pullback(g)`` gives one gradient for each of them. So a rule
keeps what its backward pass needs (an attention's log-sum-exps, a norm's deviations) and computes it once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import wraps
from typing import Any

from .arrays import ArrayLike, array


class Boxed(ArrayLike):
    """The mark of autograd's boxes; the class itself is in tape.py, which imports autograd."""

    __slots__ = ()


Function = Callable[..., Any]
Pullback = Callable[[Any], Iterable[Any]]
Rule = Callable[..., tuple[Any, Pullback]]


def differentiable(fn: Callable[..., Any], rule: Rule) -> Callable[..., Any]:
    """``fn`` of positional array arguments, with ``rule`` as its gradient."""

    @wraps(fn)
    def call(*args: Any, **kwargs: Any) -> Any:
        for argument in args:
            if isinstance(argument, Boxed):
                from .tape import record

                return record(rule, args, kwargs)
        return fn(*args, **kwargs)

    return call


def from_partials(fn: Callable[..., Any], *partials: Callable[..., Any] | None) -> Callable[..., Any]:
    """A differentiable function from one ``partial(value, *args, **kwargs) -> (g -> gradient)`` for each argument.

    Partials are written with functions of this package, so they can themselves be differentiated.
    """

    def rule(needed: tuple[int, ...], *args: Any, **kwargs: Any) -> tuple[Any, Pullback]:
        value = call(*args, **kwargs)
        makers = [partials[position] for position in needed]
        pulls = [
            maker(value, *args, **kwargs) if maker else _nothing(args[at])
            for maker, at in zip(makers, needed, strict=True)
        ]
        return value, lambda g: [pull(g) for pull in pulls]

    call = differentiable(fn, rule)
    return call


def _nothing(argument: Any) -> Callable[[Any], Any]:
    from .creation import zeros_like

    return lambda g: zeros_like(argument)


def constant(fn: Callable[..., Any]) -> Callable[..., Any]:
    """``fn`` without a gradient (comparisons, argmax, rounding): boxes are opened and the result is a plain array."""

    @wraps(fn)
    def call(*args: Any, **kwargs: Any) -> Any:
        for argument in args:
            if isinstance(argument, Boxed):
                args = tuple(unboxed(value) for value in args)
                break
        return fn(*args, **kwargs)

    return call


def unboxed(value: Any) -> Any:
    """The plain array inside any number of boxes; anything else as it is."""
    while isinstance(value, Boxed):
        value = value._value  # type: ignore[attr-defined]
    return value


def plain(name: str, *values: Any) -> None:
    """Refuses boxes in the rule of a fused function: its pullback is NumPy code and has no gradient of its own."""
    if any(isinstance(value, Boxed) for value in values):
        raise NotImplementedError(
            f"The gradient of the gradient of {name} is not available on the NumPy backend. "
            "Use MLX (MLXFORMER_BACKEND=mlx), or write it with plain operations."
        )


__all__ = ["Boxed", "array", "constant", "differentiable", "from_partials", "plain", "unboxed"]
