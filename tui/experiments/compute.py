"""The one thread that runs experiments, so that turning a knob never blocks a key.

Only the latest request is run: while one runs, those that come in replace each other in a slot of one, and the one
that runs is told to stop at its next tap. Twenty ticks of a knob cost two or three runs and the last one wins. NumPy,
MLX and mlxformer are imported in this thread, after the first frame is on the screen.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from contextlib import nullcontext
from dataclasses import dataclass
from typing import Any, Protocol

from tui.experiments.afresh import measuring_afresh
from tui.experiments.contract import Cancelled, Report
from tui.experiments.meanwhile import taken_by
from tui.figures.data import Figure

PATIENCE = 0.3  # seconds before a figure is shown as far as it is: what is there sooner is shown whole
PROGRESS_EVERY = 0.1  # seconds between two progress reports: faster ones would only cost frames


class Runs(Protocol):
    """What the thread runs: an experiment, or what opens one."""

    def run(self, settings: Mapping[str, object], report: Report) -> Any: ...


@dataclass(frozen=True)
class Finished:
    """The run ``number`` ended: its result (an experiment's ``Result``), its seconds, the backend that ran it."""

    number: int
    result: Any
    seconds: float
    backend: str


@dataclass(frozen=True)
class Failed:
    """The run ``number`` raised ``error``. The application goes on."""

    number: int
    error: Exception


@dataclass(frozen=True)
class Progressed:
    """The run ``number`` is at ``fraction`` (0 to 1), and doing ``text``."""

    number: int
    fraction: float
    text: str


@dataclass(frozen=True)
class Partly:
    """A figure of the run ``number`` as far as it is: there is more to come."""

    number: int
    figure: Figure


Outcome = Finished | Failed | Progressed | Partly
Deliver = Callable[[Outcome], object]


@dataclass(frozen=True)
class _Request:
    number: int
    experiment: Runs
    settings: Mapping[str, object]
    deliver: Deliver
    afresh: bool


class ComputeThread:
    """Runs the latest request. ``deliver`` is called in that thread: it must be thread-safe, as ``post_message`` is."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._waiting: _Request | None = None
        self._latest = 0
        self._closing = False
        self._thread: threading.Thread | None = None

    def request(
        self, experiment: Runs, settings: Mapping[str, object], deliver: Deliver, *, afresh: bool = False
    ) -> int:
        """Run ``experiment`` on ``settings`` as soon as may be; the number that its outcomes will bear.

        ``afresh``: it takes nothing that was measured beforehand.
        """
        with self._changed:
            self._latest += 1
            self._waiting = _Request(self._latest, experiment, dict(settings), deliver, afresh)
            if self._thread is None:
                # A daemon, so that a run that polls too rarely cannot hold the process open when the person leaves.
                self._thread = threading.Thread(target=self._work, name="experiments", daemon=True)
                self._thread.start()
            self._changed.notify()
            return self._latest

    def cancel(self) -> None:
        """Forget what waits and stop what runs; its outcome is not delivered."""
        with self._changed:
            self._latest += 1
            self._waiting = None

    def close(self, patience: float = 0.2) -> None:
        """Stop for good, waiting at most ``patience`` seconds."""
        with self._changed:
            self._closing = True
            self._latest += 1
            self._waiting = None
            self._changed.notify()
        if self._thread is not None and self._thread is not threading.current_thread():
            self._thread.join(patience)

    def _work(self) -> None:
        while True:
            with self._changed:
                while self._waiting is None and not self._closing:
                    self._changed.wait()
                if self._closing:
                    return
                request, self._waiting = self._waiting, None
            assert request is not None
            self._run(request)

    def _run(self, request: _Request) -> None:
        last = 0.0

        def report(fraction: float, text: str) -> None:
            nonlocal last
            if request.number != self._latest:
                raise Cancelled
            now = time.monotonic()
            if now - last >= PROGRESS_EVERY:
                last = now
                request.deliver(Progressed(request.number, fraction, text))

        begun = shown = time.monotonic()

        def take(draw: Callable[[], Figure]) -> None:
            nonlocal shown
            if request.number != self._latest:
                raise Cancelled
            now = time.monotonic()
            if now - begun >= PATIENCE and now - shown >= PROGRESS_EVERY:
                shown = now
                request.deliver(Partly(request.number, draw()))

        started = time.perf_counter()
        outcome: Outcome
        try:
            report(0.0, "")
            with measuring_afresh() if request.afresh else nullcontext(), taken_by(take):
                result = request.experiment.run(request.settings, report)
            from mlxformer import backend  # the body has imported it already

            outcome = Finished(request.number, result, time.perf_counter() - started, backend.name)
        except Cancelled:
            return
        except Exception as error:  # a component that fails is shown in its panel and must not end the program
            outcome = Failed(request.number, error)
        if request.number == self._latest:
            request.deliver(outcome)
