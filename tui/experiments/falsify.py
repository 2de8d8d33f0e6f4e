"""Breaking what a check claims, to see the check fail: named replacements of tensors on their way.

A check that holds whatever runs proves nothing. ``run_broken`` runs an experiment as a declaration's ``fails_when``
says; the ``holds`` of the check that was declared must then be False. Needs NumPy and mlxformer.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

import mlxformer as mf
from mlxformer.backend import mx
from tui.experiments.contract import BreakKnobs, BreakTensor, Experiment, Report, Result

Replacement = Callable[[Any], Any]


def _rolled(x: Any) -> Any:
    return mx.concatenate([x[..., -1:], x[..., :-1]], axis=-1)


def _all_on_first(x: Any) -> Any:
    return mx.concatenate([mx.ones_like(x[..., :1]), mx.zeros_like(x[..., 1:])], axis=-1)


def _noisy() -> Replacement:
    """Adds fresh N(0, 1) noise at each call: what is replaced twice differs, as with dropout left on."""
    generator = np.random.default_rng(0)

    def change(x: Any) -> Any:
        return x + mx.array(generator.standard_normal(tuple(x.shape)).astype(np.float32)).astype(x.dtype)

    return change


# Each makes a replacement; one that has a state (noise) begins anew with each falsification.
REPLACEMENTS: dict[str, Callable[[], Replacement]] = {
    "zeros": lambda: mx.zeros_like,
    "ones": lambda: mx.ones_like,
    "uniform": lambda: lambda x: mx.full(tuple(x.shape), 1.0 / x.shape[-1], dtype=x.dtype),  # over the last axis
    "first": lambda: _all_on_first,  # 1 at index 0 of the last axis, else 0
    "double": lambda: lambda x: x * 2,
    "negate": lambda: lambda x: -x,
    "shuffle": lambda: _rolled,  # one place along the last axis: a fixed permutation
    "symmetric": lambda: lambda x: (x + x.swapaxes(-1, -2)) * 0.5,
    "noise": _noisy,
}


def replacement(how: str) -> Replacement:
    """The replacement named ``how``. Raises ``KeyError`` with the names there are."""
    if how not in REPLACEMENTS:
        raise KeyError(f"no replacement {how!r}; there are: {', '.join(REPLACEMENTS)}")
    return REPLACEMENTS[how]()


def run_broken(experiment: Experiment, how: BreakKnobs | BreakTensor, report: Report | None = None) -> Result:
    """All of ``experiment`` at default knobs while ``how`` is done to it: one run for every check that it breaks."""
    if isinstance(how, BreakKnobs):
        return experiment.run(how.values, report, hidden=True)
    with mf.trace() as steps:
        steps.replace(how.pattern, replacement(how.how))
        return experiment.run({}, report)
