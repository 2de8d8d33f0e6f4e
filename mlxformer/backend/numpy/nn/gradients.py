"""The gradient with respect to a model's parameters."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from .. import autodiff
from .module import Module


def value_and_grad(model: Module, fn: Callable[..., Any]) -> Callable[..., Any]:
    """A function that gives ``(value, gradients)`` of ``fn`` for the model's trainable parameters.

    ``fn`` uses the model and returns a scalar, or ``(scalar, *aux)``.
    """

    def of_parameters(parameters: Any, *args: Any, **kwargs: Any) -> Any:
        model.update(parameters)
        return fn(*args, **kwargs)

    both = autodiff.value_and_grad(of_parameters)

    @wraps(fn)
    def call(*args: Any, **kwargs: Any) -> Any:
        parameters = model.trainable_parameters()
        try:
            return both(parameters, *args, **kwargs)
        finally:
            # The model held recorded arrays; also after an error it must hold its own arrays again.
            model.update(parameters)

    return call
