"""The same seed gives the same numbers on MLX and on NumPy: in two processes, since a process has one backend.

The run on MLX compares: its own numbers are those of the run that the other tests look at, and NumPy is quick.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from functools import cache

import pytest

from mlxformer import backend
from tests.tui.experiments.conftest import Ran
from tui.experiments.catalogue import NAMES

pytestmark = pytest.mark.skipif(backend.name != "mlx", reason="the run on MLX compares its numbers with NumPy's")
SHARE = 25  # experiments that a process on NumPy runs: few processes, and not all the work for each worker of pytest
# How far a measured value may differ between the backends, relative to it, where that is more than rounding.
TOLERANCE = {
    # A network at σ = 2 is chaotic: a difference in the last digit grows with the gradient itself. So does training.
    "exploding-when-sigma-large": 1e-2,
    "warm-up-lets-it-learn": 0.2,
    "sink-is-idle": 1e-3,
    # Forty steps of training part in the last digits, and each of 48 dates is read right or wrong as a whole.
    "few-steps-heal": 0.3,
    # Two optimizers, each at the best of four rates: after so many steps the last digits have become the first.
    "rare-by-adam": 0.2,
    # Log-probabilities of float32 tables, and vectors of a whole BERT, a map of which is trained.
    "starts-at-ln-2": 1e-4,
    "negatives-matter": 1e-3,
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
    # What lies in memory at the worst moment is the backend's own: with scores made again 50 % of keeping all on NumPy,
    # 59 % on MLX, and with layers 30 and 31 %.
    "peak-falls": 0.15,
    "selective-peak": 0.25,
    "long-segments-cost": 0.15,
}

_RUN = """
import json, sys
from tests.tui.experiments.checking import values_of
from tui.experiments.catalogue import catalogue
json.dump({name: values_of(catalogue()[name]) for name in sys.argv[1:]}, sys.stdout)
"""


@cache
def on_numpy(names: tuple[str, ...]) -> dict[str, dict[str, float | None]]:
    """What each of these measures at its defaults."""
    environment = {**os.environ, "MLXFORMER_BACKEND": "numpy"}
    done = subprocess.run(
        [sys.executable, "-c", _RUN, *names], env=environment, capture_output=True, text=True, timeout=900
    )
    assert done.returncode == 0, done.stderr
    found: dict[str, dict[str, float | None]] = json.loads(done.stdout)
    return found


def test_measured_values_agree_between_backends(ran: Ran) -> None:
    name = ran.experiment.name
    first = NAMES.index(name) // SHARE * SHARE
    theirs = on_numpy(NAMES[first : first + SHARE])[name]
    ours = {check.name: check.measured for check in ran.checks}
    assert theirs.keys() == ours.keys()
    for check, value in ours.items():
        wanted = pytest.approx(value, rel=TOLERANCE.get(check, 1e-5), abs=1e-5)
        assert theirs[check] == wanted, (name, check)
