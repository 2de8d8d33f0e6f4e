"""Learning rates as functions of the step, which counts from 0."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

from ..elementwise import cos, minimum, where

Schedule = Callable[[Any], Any]


def _positive(name: str, steps: int) -> None:
    if steps < 1:
        raise ValueError(f"{name} must be greater than 0, but got {steps}.")


def exponential_decay(init: float, decay_rate: float) -> Schedule:
    """init · rate^step"""
    return lambda step: init * decay_rate**step


def step_decay(init: float, decay_rate: float, step_size: int) -> Schedule:
    """init · rate^⌊step / size⌋"""
    _positive("step_size", step_size)
    return lambda step: init * decay_rate ** (step // step_size)


def cosine_decay(init: float, decay_steps: int, end: float = 0.0) -> Schedule:
    """From ``init`` to ``end`` along half a cosine, then ``end`` (Loshchilov & Hutter 2017, eq. 5)."""
    _positive("decay_steps", decay_steps)

    def schedule(step: Any) -> Any:
        done = minimum(step, decay_steps)
        return end + 0.5 * (1.0 + cos(math.pi / decay_steps * done)) * (init - end)

    return schedule


def linear_schedule(init: float, end: float, steps: int) -> Schedule:
    """From ``init`` to ``end`` in a straight line, then ``end``."""
    _positive("steps", steps)
    return lambda step: minimum(step, steps) * ((end - init) / steps) + init


def join_schedules(schedules: Sequence[Schedule], boundaries: Sequence[int]) -> Schedule:
    """One after another; each counts its steps from the boundary at which it begins."""
    if not schedules:
        raise ValueError("Must provide at least 1 schedule to join.")
    if len(schedules) != len(boundaries) + 1:
        raise ValueError(f"Received {len(boundaries)} boundaries but expected {len(schedules) - 1}.")

    def joined(step: Any) -> Any:
        value = schedules[0](step)
        for boundary, schedule in zip(boundaries, schedules[1:], strict=True):
            value = where(step < boundary, value, schedule(step - boundary))
        return value

    return joined
