"""How long a person waits for an experiment: ``python -m benchmarks.knobs [NAME ...] [--json]``.

One process opens every experiment of the catalogue (or those named) at its defaults, and then turns each of its knobs
once from there: a number by one press of the arrow, a choice to its next value, a switch to its other side, and a text
gets one more character. The library is imported beforehand. What is reported is process CPU time, which other work on
the machine changes least, with one thread for BLAS as in the program.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass

from tui.commands.context import one_thread_for_blas

one_thread_for_blas()  # before NumPy is imported, which reads it once

import numpy as np  # noqa: E402

from mlxformer import backend  # noqa: E402
from tui.experiments.catalogue import NAMES, catalogue  # noqa: E402
from tui.experiments.contract import Experiment, Knob, KnobValue  # noqa: E402
from tui.widgets.knob_scale import KnobScale  # noqa: E402

SLOWEST = 10


@dataclass(frozen=True)
class Wait:
    """``seconds`` of process CPU for one run. ``knob`` is None where the experiment was opened."""

    experiment: str
    knob: str | None
    value: KnobValue | None
    seconds: float


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and report; the exit status."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.knobs", description=(__doc__ or "").split("\n")[0])
    parser.add_argument("names", nargs="*", metavar="NAME", help="experiments (default: all)")
    parser.add_argument("--json", action="store_true", help="every single wait, as JSON")
    options = parser.parse_args(arguments)
    unknown = [name for name in options.names if name not in NAMES]
    if unknown:
        parser.error(f"no experiment {', '.join(unknown)}; there are: {', '.join(NAMES)}")
    waits = [wait for name in options.names or NAMES for wait in measure(catalogue()[name])]
    if options.json:
        json.dump({"backend": str(backend.describe()), "waits": [asdict(wait) for wait in waits]}, sys.stdout, indent=1)
        print()
        return 0
    print(backend.describe())
    for title, chosen in (
        ("opening an experiment", [wait for wait in waits if wait.knob is None]),
        ("turning one knob", [wait for wait in waits if wait.knob is not None]),
    ):
        _say(title, chosen)
    return 0


def measure(experiment: Experiment) -> Iterator[Wait]:
    """The opening, then one turn of each knob, each from the defaults."""
    yield Wait(experiment.name, None, None, _seconds(experiment, {}))
    for knob in experiment.knobs:
        value = turned(knob)
        yield Wait(experiment.name, knob.name, value, _seconds(experiment, {knob.name: value}))


def turned(knob: Knob) -> KnobValue:
    """Another value of ``knob``: what one key makes of its default."""
    if knob.kind == "switch":
        return not knob.default
    if knob.kind == "choice":
        values = [choice.value for choice in knob.choices]
        return values[(values.index(str(knob.default)) + 1) % len(values)]
    if knob.kind == "text":
        text = str(knob.default)
        return text + "a" if len(text) < knob.max_length else text[:-1]
    scale, default = KnobScale(knob), float(knob.default)
    return scale.step(default, 1 if default < knob.maximum else -1)


def _seconds(experiment: Experiment, settings: dict[str, KnobValue]) -> float:
    started = time.process_time()
    experiment.run(settings)
    return time.process_time() - started


def _say(title: str, waits: Sequence[Wait]) -> None:
    seconds = [wait.seconds for wait in waits]
    if not seconds:
        return
    median, high = np.percentile(seconds, (50, 95))
    print(f"\n{title}, {len(seconds)} times: median {median:.3f} s, 95 % {high:.3f} s, worst {max(seconds):.3f} s")
    for wait in sorted(waits, key=lambda wait: -wait.seconds)[:SLOWEST]:
        what = "" if wait.knob is None else f"  {wait.knob} = {wait.value!r:.40}"
        print(f"  {wait.seconds:7.3f} s  {wait.experiment}{what}")


if __name__ == "__main__":
    sys.exit(main())
