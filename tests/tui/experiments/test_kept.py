"""What is remembered is what would be computed; inside a trace that may change it, it is computed anew."""

from __future__ import annotations

import inspect
import json
import math
from typing import Any

import pytest

import mlxformer as mf
from mlxformer import backend
from mlxformer.backend import mx
from mlxformer.tracing import tap
from tests.tui.experiments.checking import OTHER_SEED
from tui.experiments.afresh import measuring_afresh
from tui.experiments.beforehand import main, measured
from tui.experiments.catalogue import NAMES, catalogue
from tui.experiments.shared.kept import Kept, kept, written

FUNCTIONS = [function for name in NAMES for function in measured(name)]
# Half a minute on MLX's CPU build, which the run on NumPy takes in four seconds. That the same models read the same on
# MLX is seen by next_sentence (cross_encoder's pairs), test_order (the twins), test_head_ablation (one head, by
# its weights) and test_grouped_queries; that they train there, by lora, long_text and test_contrastive.
LONG_ON_MLX = {
    "contrastive-_trained",
    "cross_encoder-ranked_alone",
    "cross_encoder-ranked_together",
    "grouped_queries-accuracies",
    "head_ablation-_alone",
    "next_sentence-accuracies",
}


def name_of(function: Kept[Any, Any]) -> str:
    return f"{function.file.parent.name}-{function.__name__}"


def test_a_result_is_computed_once_and_the_oldest_is_forgotten() -> None:
    asked: list[int] = []

    @kept(size=2)
    def square(x: int, *, report: Any = None) -> int:
        asked.append(x)
        return x * x

    assert [square(2), square(2, report=print), square(3), square(2), square(4), square(3)] == [4, 4, 9, 4, 16, 9]
    assert asked == [2, 3, 4, 3]  # 3 was asked for longest ago when 4 came


@pytest.mark.parametrize("apart", [False, True])
def test_inside_a_trace_nothing_is_remembered_or_it_runs_apart(apart: bool) -> None:
    @kept(apart=apart)
    def total() -> float:
        return float(mx.sum(tap("x", mx.ones((2,)), axes=("feature",), formula="1")))

    with mf.trace(only="") as steps:
        steps.replace("x", mx.zeros_like) if not apart else None
        assert total() == (2.0 if apart else 0.0)
        if apart:
            tap("x", mx.ones((2,)), axes=("feature",), formula="1")
    assert total() == 2.0


def test_a_run_says_whether_it_took_what_was_measured_beforehand_and_afresh_takes_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked: list[tuple[Any, ...]] = []
    measure = Kept.measure

    def counted(self: Kept[Any, Any], *args: Any, **kwargs: Any) -> Any:
        if self.beforehand:
            asked.append(args)
        return measure(self, *args, **kwargs)

    monkeypatch.setattr(Kept, "measure", counted)
    experiment = catalogue()["bottleneck"]
    function = next(measured("bottleneck"))
    function._known.clear()
    first = experiment.run()
    assert first.beforehand and not asked
    with measuring_afresh():
        again = experiment.run()
    assert asked and set(asked) <= set(function.beforehand) and not again.beforehand
    pairs = list(zip(first.checks, again.checks, strict=True))
    assert all(is_now.measured == pytest.approx(was.measured, rel=1e-3) for was, is_now in pairs)
    count = len(asked)
    assert not experiment.run().beforehand and len(asked) == count  # what was measured now is remembered
    function._known.clear()


def test_every_experiment_that_is_slow_has_its_results_on_file() -> None:
    for function in FUNCTIONS:
        known = json.loads(function.file.read_text(encoding="utf-8"))[function.function.__name__]
        assert list(known) == [written(args) for args in function.beforehand], function.file


@pytest.mark.parametrize(
    "function",
    [pytest.param(each, marks=[pytest.mark.once] * (name_of(each) in LONG_ON_MLX)) for each in FUNCTIONS],
    ids=name_of,
)
def test_what_is_on_file_is_what_is_measured_now(function: Kept[Any, Any]) -> None:
    """Of the arguments for which it takes least: few steps, and verses, which are few, where there is a choice.

    On NumPy by the seed of which test_every_experiment takes from the file what another seed gives.
    """
    names = list(inspect.signature(function.function).parameters)

    def costs(args: tuple[Any, ...]) -> tuple[bool, bool, float]:
        default = "seed" in names and args[names.index("seed")] != OTHER_SEED
        return (
            default and backend.name == "numpy",
            "verse" not in args,
            sum(value for value in args if isinstance(value, int | float)),
        )

    args = min(function.beforehand, key=costs)
    if "numpy" in args and backend.name != "numpy":
        pytest.skip("NumPy's own: what a step takes is measured anew on MLX")
    filed, now = function.measured_beforehand(*args), function.measure(*args)
    pairs = list(zip(_leaves(filed), _leaves(now), strict=True))
    assert pairs
    for was, comes in pairs:
        if isinstance(was, str):
            assert was == comes
        else:  # one text of 24 more or less, in per cent, where roundings differ
            assert math.isclose(was, comes, rel_tol=0.05, abs_tol=4.5 if max(abs(was), abs(comes)) > 10 else 0.02)


def test_a_file_is_written_as_it_is_read(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    function = next(measured("bottleneck"))
    before = function.file.read_text(encoding="utf-8")
    monkeypatch.setattr(Kept, "measure", Kept.measured_beforehand)
    assert main(["bottleneck"]) == 0 and capsys.readouterr().out.strip() == str(function.file)
    assert json.loads(function.file.read_text(encoding="utf-8")) == json.loads(before)


def _leaves(value: Any) -> list[float | str]:
    if isinstance(value, dict):
        return [leaf for key in value for leaf in _leaves(value[key])]
    return [leaf for each in value for leaf in _leaves(each)] if isinstance(value, list | tuple) else [value]
