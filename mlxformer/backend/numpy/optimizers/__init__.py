"""``mlx.optimizers``, as far as the closed list goes."""

from typing import Any

from ..absent import absent
from .adam import Adam, AdamW
from .base import Optimizer
from .clipping import clip_grad_norm
from .schedules import cosine_decay, exponential_decay, join_schedules, linear_schedule, step_decay
from .sgd import SGD

__all__ = [
    "SGD",
    "Adam",
    "AdamW",
    "Optimizer",
    "clip_grad_norm",
    "cosine_decay",
    "exponential_decay",
    "join_schedules",
    "linear_schedule",
    "step_decay",
]


def __getattr__(name: str) -> Any:
    raise absent("optimizers", name)
