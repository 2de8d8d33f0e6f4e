"""The learning rates of the two papers, for the optimizers of both backends.

A schedule is a function of the step. Optimizers count it from 0: the first update is made at step 0.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from mlxformer.backend import is_array, mx
from mlxformer.errors import ArgumentError
from mlxformer.validation import is_whole

Schedule = Callable[[Any], mx.array]


def _as_float(step: Any) -> mx.array:
    """MLX's own count is unsigned: `step - warmup_steps` would wrap round below the boundary."""
    return (step if is_array(step) else mx.array(step)).astype(mx.float32)


def _check_steps(name: str, value: int, least: int) -> None:
    if not is_whole(value, least):
        message = f"{name} is {value!r}; it must be a whole number of at least {least}."
        raise ArgumentError("schedule-steps", message, argument=name, value=value, least=least)


def warmup_linear_decay(peak: float, warmup_steps: int, total_steps: int) -> Schedule:
    """BERT's: up from 0 to ``peak`` in ``warmup_steps``, then down in a straight line to 0 at ``total_steps``.

        lr(step) = peak · min(step / warmup, (total − step) / (total − warmup)), and 0 from ``total_steps`` on

    (Devlin et al. 2019, appendix A.2: 10,000 steps of warm-up to 1e-4, 1,000,000 in all). As in BERT's own code and
    Hugging Face's ``get_linear_schedule_with_warmup``, the update at step 0 has a rate of 0 if there is any warm-up.
    """
    _check_steps("warmup_steps", warmup_steps, 0)
    _check_steps("total_steps", total_steps, warmup_steps + 1)

    def schedule(step: Any) -> mx.array:
        done = _as_float(step)
        falling = mx.maximum(0.0, (total_steps - done) / (total_steps - warmup_steps))
        rising = done / max(warmup_steps, 1)
        return peak * mx.where(done < warmup_steps, rising, falling)

    return schedule


def warmup_inverse_sqrt(dims: int, warmup_steps: int = 4000, scale: float = 1.0) -> Schedule:
    """Vaswani's: up in a straight line for ``warmup_steps``, then down with one over the square root of the step.

        lr(n) = scale · dims^−0.5 · min(n^−0.5, n · warmup^−1.5), n = step + 1

    (Vaswani et al. 2017, §5.3, eq. 3: dims 512, 4,000 steps of warm-up). The paper counts updates from 1. The peak is
    scale / √(dims · warmup): 0.000699 for the base model.
    """
    _check_steps("dims", dims, 1)
    _check_steps("warmup_steps", warmup_steps, 1)

    def schedule(step: Any) -> mx.array:
        number = _as_float(step) + 1
        return scale * dims**-0.5 * mx.minimum(mx.rsqrt(number), number * warmup_steps**-1.5)

    return schedule
