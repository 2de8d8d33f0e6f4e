"""Stochastic gradient descent."""

from __future__ import annotations

from typing import Any

from ..creation import zeros_like
from .base import Optimizer


class SGD(Optimizer):
    """v ← μ v + (1 − τ) g;  w ← w − λ v, or w − λ (g + μ v) with Nesterov's momentum.

    λ ``learning_rate`` (a number or a function of the step), μ ``momentum``, τ ``dampening``; ``weight_decay`` adds
    its multiple of w to g.
    """

    def __init__(
        self,
        learning_rate: Any,
        momentum: float = 0.0,
        weight_decay: float = 0.0,
        dampening: float = 0.0,
        nesterov: bool = False,
    ) -> None:
        if nesterov and (momentum <= 0 or dampening != 0):
            raise ValueError("Nesterov momentum requires a momentum and zero dampening.")
        super().__init__()
        self._maybe_schedule("learning_rate", learning_rate)
        self.momentum = momentum
        self.weight_decay = weight_decay
        self.dampening = dampening
        self.nesterov = nesterov

    def init_single(self, parameter: Any, state: dict[str, Any]) -> None:
        state["v"] = zeros_like(parameter)

    def apply_single(self, gradient: Any, parameter: Any, state: dict[str, Any]) -> Any:
        rate = self.learning_rate.astype(gradient.dtype)
        if self.weight_decay != 0:
            gradient = gradient + self.weight_decay * parameter
        if self.momentum <= 0:
            return parameter - rate * gradient
        v = self.momentum * state["v"] + (1 - self.dampening) * gradient
        state["v"] = v
        return parameter - rate * (gradient + self.momentum * v if self.nesterov else v)
