"""The learning rates of the papers, for the optimizers of both backends.

A schedule is a function of the step. Optimizers count it from 0: the first update is made at step 0.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from mlxformer.backend import is_array, mx
from mlxformer.errors import ArgumentError
from mlxformer.validation import is_whole

Schedule = Callable[["mx.array | float"], "mx.array"]


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

    As in BERT's own code and Hugging Face's ``get_linear_schedule_with_warmup``, the update at step 0 has a rate of 0
    if there is any warm-up.

    Args:
        peak: the highest rate; 1e-4 in the paper.
        warmup_steps: steps of the way up, at least 0; 10,000 in the paper.
        total_steps: steps in all, more than ``warmup_steps``; 1,000,000 in the paper.

    Returns:
        A function of the step, from 0, to be an optimizer's ``learning_rate``.

    Raises:
        ArgumentError: steps that are not whole numbers in this order.

    Source: Devlin et al. 2019, App. A.2.

    >>> import mlxformer as mf
    >>> rate = mf.warmup_linear_decay(0.5, warmup_steps=4, total_steps=8)
    >>> [float(rate(step)) for step in (0, 2, 4, 6, 8)]
    [0.0, 0.25, 0.5, 0.25, 0.0]
    """
    _check_steps("warmup_steps", warmup_steps, 0)
    _check_steps("total_steps", total_steps, warmup_steps + 1)

    def schedule(step: mx.array | float) -> mx.array:
        done = _as_float(step)
        falling = mx.maximum(0.0, (total_steps - done) / (total_steps - warmup_steps))
        rising = done / max(warmup_steps, 1)
        return peak * mx.where(done < warmup_steps, rising, falling)

    return schedule


def warmup_cosine_decay(peak: float, warmup_steps: int, total_steps: int, least: float = 0.0) -> Schedule:
    """GPT-3's and Llama's: up from 0 to ``peak`` in ``warmup_steps``, then down half a cosine to ``least``.

        lr(step) = least + (peak − least) · (1 + cos(π · (step − warmup) / (total − warmup))) / 2

    from the end of the warm-up on, and ``least`` from ``total_steps`` on. Hugging Face's
    ``get_cosine_schedule_with_warmup`` is this with ``least`` 0.

    Args:
        peak: the highest rate.
        warmup_steps: steps of the way up, at least 0.
        total_steps: steps in all, more than ``warmup_steps``.
        least: the rate that is reached, and kept; 0 by default, a tenth of ``peak`` in GPT-3.

    Returns:
        A function of the step, from 0, to be an optimizer's ``learning_rate``.

    Raises:
        ArgumentError: steps that are not whole numbers in this order.

    Source: Loshchilov & Hutter 2017, "SGDR", Eq. 5; Brown et al. 2020, App. B.

    >>> from mlxformer.training.schedules import warmup_cosine_decay
    >>> rate = warmup_cosine_decay(1.0, warmup_steps=2, total_steps=10, least=0.5)
    >>> [round(float(rate(step)), 4) for step in (0, 1, 2, 6, 10, 11)]
    [0.0, 0.5, 1.0, 0.75, 0.5, 0.5]
    """
    _check_steps("warmup_steps", warmup_steps, 0)
    _check_steps("total_steps", total_steps, warmup_steps + 1)

    def schedule(step: mx.array | float) -> mx.array:
        done = _as_float(step)
        way = mx.minimum(mx.maximum(done - warmup_steps, 0.0) / (total_steps - warmup_steps), 1.0)
        falling = least + (peak - least) * 0.5 * (1.0 + mx.cos(math.pi * way))
        return mx.where(done < warmup_steps, peak * done / max(warmup_steps, 1), falling)

    return schedule


def warmup_inverse_sqrt(dims: int, warmup_steps: int = 4000, scale: float = 1.0) -> Schedule:
    """Vaswani's: up in a straight line for ``warmup_steps``, then down with one over the square root of the step.

        lr(n) = scale · dims^−0.5 · min(n^−0.5, n · warmup^−1.5), n = step + 1

    The paper counts updates from 1. The peak is scale / √(dims · warmup): 0.000699 for the base model.

    Args:
        dims: C, the width of the model; 512 in the paper.
        warmup_steps: steps of the way up, at least 1.
        scale: multiplies every rate; 1 in the paper.

    Returns:
        A function of the step, from 0, to be an optimizer's ``learning_rate``.

    Raises:
        ArgumentError: a width or steps below 1.

    Source: Vaswani et al. 2017, §5.3, Eq. 3.

    >>> import mlxformer as mf
    >>> rate = mf.warmup_inverse_sqrt(512, warmup_steps=4000)
    >>> round(float(rate(3999)), 6)  # the peak, at update 4,000
    0.000699
    """
    _check_steps("dims", dims, 1)
    _check_steps("warmup_steps", warmup_steps, 1)

    def schedule(step: mx.array | float) -> mx.array:
        number = _as_float(step) + 1
        return scale * dims**-0.5 * mx.minimum(mx.rsqrt(number), number * warmup_steps**-1.5)

    return schedule
