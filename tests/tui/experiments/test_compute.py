"""The compute thread: the latest request wins, stale ones are stopped, a failure is delivered, closing is prompt."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import pytest

from questions.bilingual import Bilingual
from tui.experiments import compute as module
from tui.experiments.compute import ComputeThread, Failed, Finished, Outcome, Partly, Progressed
from tui.experiments.contract import Experiment, Report, Result
from tui.figures.data import Curve, Series

WAIT = 20.0


class Scripted(Experiment):
    """An experiment whose body is a function of the test."""

    def __init__(self, body: Callable[[Any, Report], Result]) -> None:
        super().__init__("scripted", Bilingual("", ""), Bilingual("", ""), (), ())
        object.__setattr__(self, "body", body)

    def run(self, settings: Any = None, report: Any = None, *, hidden: bool = False) -> Result:
        return self.body(settings, report)  # type: ignore[attr-defined, no-any-return]


class Outcomes:
    """What was delivered; ``last`` waits for an outcome that is not progress."""

    def __init__(self) -> None:
        self.all: list[Outcome] = []
        self._ended = threading.Event()

    def __call__(self, outcome: Outcome) -> None:
        self.all.append(outcome)
        if not isinstance(outcome, Progressed | Partly):
            self._ended.set()

    def last(self) -> Outcome:
        assert self._ended.wait(WAIT), "no outcome came"
        return self.all[-1]


@pytest.fixture
def compute() -> Any:
    thread = ComputeThread()
    yield thread
    thread.close()


def test_latest_request_wins(compute: ComputeThread) -> None:
    started, go = threading.Event(), threading.Event()
    seen: list[int] = []

    def body(settings: Any, report: Report) -> Result:
        seen.append(settings["n"])
        started.set()
        go.wait(WAIT)
        report(0.5, "half")
        return Result((), ())

    outcomes = Outcomes()
    experiment = Scripted(body)
    compute.request(experiment, {"n": 0}, outcomes)
    assert started.wait(WAIT)
    numbers = [compute.request(experiment, {"n": n}, outcomes) for n in range(1, 20)]
    go.set()
    last = outcomes.last()
    assert isinstance(last, Finished) and last.number == numbers[-1]
    assert seen == [0, 19]  # the first was running already; of the nineteen that followed, one was run
    assert [outcome.number for outcome in outcomes.all if isinstance(outcome, Finished)] == [numbers[-1]]


def test_failure_is_delivered_and_the_thread_goes_on(compute: ComputeThread) -> None:
    def fail(settings: Any, report: Report) -> Result:
        raise ZeroDivisionError("no such luck")

    outcomes = Outcomes()
    compute.request(Scripted(fail), {}, outcomes)
    failed = outcomes.last()
    assert isinstance(failed, Failed) and isinstance(failed.error, ZeroDivisionError)
    again = Outcomes()
    compute.request(Scripted(lambda settings, report: Result((), ())), {}, again)
    assert isinstance(again.last(), Finished)


def test_cancelled_run_delivers_nothing(compute: ComputeThread) -> None:
    started, go, ended = threading.Event(), threading.Event(), threading.Event()

    def body(settings: Any, report: Report) -> Result:
        started.set()
        go.wait(WAIT)
        try:
            report(0.9, "")
        finally:
            ended.set()
        return Result((), ())

    outcomes = Outcomes()
    compute.request(Scripted(body), {}, outcomes)
    assert started.wait(WAIT)
    compute.cancel()
    go.set()
    assert ended.wait(WAIT)
    after = Outcomes()
    compute.request(Scripted(lambda settings, report: Result((), ())), {}, after)
    after.last()
    assert not [outcome for outcome in outcomes.all if not isinstance(outcome, Progressed)]


def test_close_does_not_wait_for_a_run_that_polls_too_rarely() -> None:
    compute = ComputeThread()
    started, forever = threading.Event(), threading.Event()

    def body(settings: Any, report: Report) -> Result:
        started.set()
        forever.wait(WAIT)
        return Result((), ())

    outcomes = Outcomes()
    compute.request(Scripted(body), {}, outcomes)
    assert started.wait(WAIT)
    compute.close(patience=0.01)
    assert not outcomes.all or isinstance(outcomes.all[-1], Progressed)
    forever.set()


def _curve(points: int) -> Curve:
    x = [float(at) for at in range(points)]
    return Curve("loss", "step", "nats", [Series("loss", x, x)], name="loss")


def test_a_long_run_shows_what_it_has_and_a_short_one_draws_nothing(
    compute: ComputeThread, monkeypatch: pytest.MonkeyPatch
) -> None:
    experiment: Scripted
    drawn: list[int] = []

    def draw(points: int) -> Curve:
        drawn.append(points)
        return _curve(points)

    def body(settings: Any, report: Report) -> Result:
        for points in (1, 2, 3):
            experiment.meanwhile(lambda points=points: draw(points))  # type: ignore[misc]
        return Result((_curve(4),), ())

    experiment = Scripted(body)
    body({}, lambda fraction, text: None)  # nobody waits
    outcomes = Outcomes()
    compute.request(experiment, {}, outcomes)
    assert isinstance(outcomes.last(), Finished) and not drawn
    monkeypatch.setattr(module, "PATIENCE", 0.0)
    monkeypatch.setattr(module, "PROGRESS_EVERY", 0.0)
    outcomes = Outcomes()
    number = compute.request(experiment, {}, outcomes)
    assert isinstance(outcomes.last(), Finished) and drawn == [1, 2, 3]
    partly = [each for each in outcomes.all if isinstance(each, Partly)]
    assert [len(each.figure.series[0].x) for each in partly] == [1, 2, 3]  # type: ignore[union-attr]
    assert {each.number for each in partly} == {number}


def test_what_nobody_wants_any_more_ends_where_it_offers_a_figure(compute: ComputeThread) -> None:
    started, go = threading.Event(), threading.Event()
    offered: list[int] = []
    experiment: Scripted

    def body(settings: Any, report: Report) -> Result:
        if settings["n"] == 0:
            started.set()
            go.wait(WAIT)
            experiment.meanwhile(lambda: _curve(1))
            offered.append(0)
        return Result((), ())

    experiment, outcomes = Scripted(body), Outcomes()
    compute.request(experiment, {"n": 0}, outcomes)
    assert started.wait(WAIT)
    compute.request(experiment, {"n": 1}, outcomes)
    go.set()
    assert isinstance(outcomes.last(), Finished) and not offered
