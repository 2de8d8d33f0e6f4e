"""What a person waits for experiments: all of them opened, each of their knobs turned, every claim of the bank run."""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
from functools import cache, partial
from tempfile import TemporaryDirectory
from typing import cast

from benchmarks.processes import ROOT, ended, environment, program
from benchmarks.row import Row, Sides


def _wait(turned: bool, with_peer: bool) -> Sides:
    """The CPU time below which 95 % of all openings, or of all turns, lie; a second round would find caches filled."""

    def sample() -> float:
        seconds = [cast(float, wait["seconds"]) for wait in _waits() if (wait["knob"] is not None) == turned]
        return statistics.quantiles(seconds, n=20, method="inclusive")[-1]

    return Sides(sample)


@cache
def _waits() -> list[dict[str, float | str | None]]:
    command = [sys.executable, "-m", "benchmarks.knobs", "--json"]
    done = subprocess.run(command, check=True, capture_output=True, cwd=ROOT, env=environment())
    return list(json.loads(done.stdout)["waits"])


def _check(with_peer: bool) -> Sides:
    empty = TemporaryDirectory()  # as long as the sample may run

    def sample() -> float:
        return ended(program("--data-dir", empty.name, "check", "--run"))()

    return Sides(sample)


ROWS = (
    Row("opening", "opening an experiment, CPU, 95 % of all", 0.3, partial(_wait, False), kind="seconds", threads=1,
        once=True),
    Row("turning", "turning a knob, CPU, 95 % of all", 0.1, partial(_wait, True), kind="seconds", threads=1, once=True),
    Row("check-run", "tformer-quiz check --run", 12.0, _check, kind="seconds", threads=0, once=True),
)  # fmt: skip
