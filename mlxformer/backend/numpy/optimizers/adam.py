"""Adam and AdamW."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..arrays import wrap
from ..creation import zeros_like
from ..operands import quiet
from .base import Optimizer


class Adam(Optimizer):
    """m ← β₁ m + (1 − β₁) g;  v ← β₂ v + (1 − β₂) g²;  w ← w − λ m / (√v + ε) (Kingma & Ba 2015, algorithm 1).

    The paper's correction of m and v for their start at zero happens only with ``bias_correction=True``, as in MLX;
    torch always does it.
    """

    def __init__(
        self,
        learning_rate: Any,
        betas: Sequence[float] = (0.9, 0.999),
        eps: float = 1e-8,
        bias_correction: bool = False,
    ) -> None:
        super().__init__()
        for number, beta in enumerate(betas, 1):
            if not 0.0 <= beta < 1.0:
                raise ValueError(f"Adam beta{number} should be in [0, 1), {beta} was provided instead")
        if not eps >= 0.0:
            raise ValueError(f"Adam epsilon should be >=0, {eps} was provided instead")
        self._maybe_schedule("learning_rate", learning_rate)
        self.betas = list(betas)
        self.eps = eps
        self.bias_correction = bias_correction

    def init_single(self, parameter: Any, state: dict[str, Any]) -> None:
        state["m"] = zeros_like(parameter)
        state["v"] = zeros_like(parameter)

    @quiet
    def apply_single(self, gradient: Any, parameter: Any, state: dict[str, Any]) -> Any:
        g = gradient._data
        number = g.dtype.type
        first, second = self.betas
        m = state["m"]._data * number(first)
        step = g * number(1 - first)
        m += step
        v = state["v"]._data * number(second)
        np.square(g, out=step)
        step *= number(1 - second)
        v += step
        rate, stretch = float(self.learning_rate), 1.0
        if self.bias_correction:
            taken = int(self.step)
            rate /= 1 - first**taken
            stretch = (1 - second**taken) ** -0.5
        np.sqrt(v, out=step)
        step *= number(stretch)
        step += number(self.eps)
        np.divide(m, step, out=step)
        step *= number(rate)
        np.subtract(parameter._data, step, out=step)
        state["m"], state["v"] = wrap(m), wrap(v)
        return wrap(step)


class AdamW(Adam):
    """Adam after w ← (1 − λ·``weight_decay``) w (Loshchilov & Hutter 2019, algorithm 2)."""

    def __init__(
        self,
        learning_rate: Any,
        betas: Sequence[float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0.01,
        bias_correction: bool = False,
    ) -> None:
        super().__init__(learning_rate, betas, eps, bias_correction)
        self.weight_decay = weight_decay

    def apply_single(self, gradient: Any, parameter: Any, state: dict[str, Any]) -> Any:
        kept = 1 - float(self.learning_rate) * self.weight_decay
        return super().apply_single(gradient, parameter * kept, state)
