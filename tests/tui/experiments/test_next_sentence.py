"""What the NSP head says of neighbors, of swapped neighbors and of strangers."""

from __future__ import annotations

import pytest

import mlxformer as mf
from mlxformer.pretrained.masked.samples import documents
from tests.tui.experiments.checking import assert_hold_or_null
from tui.experiments.next_sentence.declaration import EXPERIMENT
from tui.experiments.next_sentence.pairs import ARMS, PAIRS, follows, pairs, reader
from tui.figures.data import Bars, Table


def test_a_batch_is_judged_as_each_pair_alone() -> None:
    found = pairs("tang", False, 0)["next"][:4]
    short = [(a[:6], b[:6]) for a, b in found]
    together = follows(short)
    for pair, probability in zip(short, together, strict=True):
        assert reader().next_sentence(*pair) == pytest.approx(probability, abs=1e-4)


@pytest.mark.parametrize("kind", ["tang", "lunyu", "verse"])
def test_the_pairs_are_what_they_are_called(kind: str) -> None:
    texts = documents(kind)
    found = pairs(kind, False, 3)
    assert {len(found[arm]) for arm in ARMS} == {PAIRS}  # of training; of those held out there are fewer
    for (a, b), (first, stranger) in zip(found["next"], found["random"], strict=True):
        assert first == a
        assert any(a in text and b in text for text in texts)
        home = [text for text in texts if a in text and b in text]
        assert any(stranger in text for text in texts if text not in home)
    assert found["swapped"] == [(b, a) for a, b in found["next"]]


@pytest.mark.once  # as test_every_experiment does with claims at other settings
def test_the_figures() -> None:
    twins, bars, table = EXPERIMENT.run({"held_out": True}).figures
    assert isinstance(bars, Bars) and isinstance(twins, Bars) and isinstance(table, Table)
    assert len(bars.values) == len(table.rows) == 3 and len(twins.values) == 4


def test_inside_a_trace_nothing_is_answered_from_memory() -> None:
    pair = [("床前明月光", "疑是地上霜")]
    before = follows(pair)[0]
    with mf.trace(only="-") as steps:
        steps.replace("*pooler.output", lambda x: x * 0)
        assert follows(pair)[0] != before
    assert follows(pair)[0] == before


def test_a_missing_sentence_says_so() -> None:
    result = EXPERIMENT.run({"second": " "})
    assert not result.figures and all(check.holds is None for check in result.checks)


@pytest.mark.once  # as test_every_experiment does with claims at other settings
@pytest.mark.parametrize("texts", ["tang", "lunyu"])
def test_the_claims_hold_of_each_text(texts: str) -> None:
    settings = {"texts": texts}
    assert_hold_or_null(EXPERIMENT.run(settings), settings)


def test_another_seed_draws_other_pairs() -> None:
    assert pairs("tang", False, 0) != pairs("tang", False, 1)
