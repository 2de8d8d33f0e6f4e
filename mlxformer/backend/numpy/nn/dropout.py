"""Dropout."""

from __future__ import annotations

from typing import Any

import numpy as np

from .. import random
from ..arrays import wrap
from ..operands import operand
from .module import Module


class Dropout(Module):
    """In training, zeroes each element with probability ``p`` and divides the rest by 1 − p; otherwise the identity."""

    def __init__(self, p: float = 0.5) -> None:
        super().__init__()
        if p < 0 or p >= 1:
            raise ValueError(f"The dropout probability {p} is not in [0, 1)")
        self._p_1 = 1 - p

    def _extra_repr(self) -> str:
        return f"p={1 - self._p_1}"

    def __call__(self, x: Any) -> Any:
        x = operand(x)
        if self._p_1 == 1 or not self.training:
            return x
        kept = random.generator().random(x.shape, dtype=np.float32) < self._p_1
        return x * wrap(kept.astype(x.dtype) * x.dtype.type(1 / self._p_1))
