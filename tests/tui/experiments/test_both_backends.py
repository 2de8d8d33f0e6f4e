"""The same seed gives the same numbers on MLX and on NumPy: in two processes, since a process has one backend."""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys

import pytest

from tests.tui.experiments.checking import assert_hold_or_null
from tui.experiments.catalogue import NAMES, catalogue

pytestmark = pytest.mark.once
# A process of the other backend for each share, so that several cores have something to do.
SHARES = [NAMES[start::4] for start in range(4)]
# How far a measured value may differ between the backends, relative to it, where that is more than rounding.
TOLERANCE = {
    # A network at σ = 2 is chaotic: a difference in the last digit grows with the gradient itself. So does training.
    "exploding-when-sigma-large": 1e-2,
    "warm-up-lets-it-learn": 0.2,
    "sink-is-idle": 1e-3,
    # Forty steps of training part in the last digits, and each of 48 dates is read right or wrong as a whole.
    "few-steps-heal": 0.3,
    # An exponent is fitted to differences near the precision of float32.
    "one-layer-cubes": 1e-3,
    # Rank correlations jump where two nearly equal effects change places.
    "last-layer-weight-tells": 1e-2,
    "last-layer-norm-tells": 1e-2,
    # Each backend draws its dropout from a generator of its own.
    "row-sums-scatter": 0.05,
    "mean-row-sum-is-one": 1e-2,
    "dropped-share": 0.05,
    "mean-output-is-evaluation": 0.5,
    "residual-passes": 0.3,
}

_RUN = """
import json, sys
from tests.tui.experiments.checking import values_of
from tui.experiments.catalogue import catalogue
from tests.tui.experiments.test_both_backends import draws
values = {name: [values_of(catalogue()[name], settings) for settings in draws(name)] for name in sys.argv[1:]}
json.dump(values, sys.stdout)
"""


def draws(name: str) -> list[dict[str, object]]:
    """Two seeds, where the experiment ``name`` draws anything."""
    return [{"seed": 0}, {"seed": 1}] if "seed" in catalogue()[name].defaults() else [{}]


@pytest.mark.skipif(importlib.util.find_spec("mlx") is None, reason="MLX is not installed: there is one backend only")
@pytest.mark.parametrize("names", SHARES, ids=lambda names: f"{names[0]}-and-others")
def test_measured_values_agree_between_backends(names: tuple[str, ...]) -> None:
    from mlxformer import backend

    other = {"numpy": "mlx", "mlx": "numpy"}[backend.name]
    environment = {**os.environ, "MLXFORMER_BACKEND": other}
    done = subprocess.run(
        [sys.executable, "-c", _RUN, *names], env=environment, capture_output=True, text=True, timeout=900
    )
    assert done.returncode == 0, done.stderr
    values = json.loads(done.stdout)
    for name in names:
        for settings, theirs in zip(draws(name), values[name], strict=True):
            result = catalogue()[name].run(settings)
            assert_hold_or_null(result, settings)
            ours = {check.name: check.measured for check in result.checks}
            assert theirs.keys() == ours.keys()
            for check, value in ours.items():
                wanted = pytest.approx(value, rel=TOLERANCE.get(check, 1e-5), abs=1e-5)
                assert theirs[check] == wanted, (name, check, settings)
