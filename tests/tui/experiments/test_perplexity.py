"""Bits per byte, perplexity by token, and the sum over all splits: against slow counts by hand."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from mlxformer.pretrained.poems.evaluation import perplexity
from tests.tui.experiments.checking import assert_hold_or_null, values_of
from tui.experiments.perplexity.declaration import EXPERIMENT
from tui.experiments.perplexity.measured import by_poet, by_trigram, counted_on, poet, quatrains, splits


@pytest.mark.parametrize("vocabulary", ["512", "2048"])
def test_claims_hold_with_other_pieces_and_poems(vocabulary: str) -> None:
    settings = {"vocabulary": vocabulary, "seed": 4, "poems": 8}
    assert_hold_or_null(EXPERIMENT.run(settings), settings)


def test_no_poem_is_counted_on_and_asked() -> None:
    assert set(quatrains()).isdisjoint(counted_on()) and len(quatrains()) > 100
    assert not {couplet for poem in counted_on() for couplet in poem.split("。") if couplet} & {
        couplet for poem in quatrains() for couplet in poem.split("。") if couplet
    }


def test_tokens_of_each_model_are_what_they_are() -> None:
    poems = quatrains()[:3]
    assert [len(each) for each in by_trigram(256, poems)] == [len(poem.encode()) + 1 for poem in poems]
    assert sorted(len(each) for each in by_poet("poet", poems)) == sorted(len(poem) + 1 for poem in poems)


def test_the_table_is_the_library_s_perplexity_and_its_bits() -> None:
    settings = {"poems": 4, "seed": 2}
    table = next(figure for figure in EXPERIMENT.run(settings).figures if figure.name == "table")
    order = np.random.default_rng(2).permutation(len(quatrains()))[:4]
    poems = [quatrains()[each] for each in order]
    row = table.rows[3]
    assert row[0] == "poet" and row[2] == pytest.approx(perplexity(poet("poet"), poems), rel=1e-5)
    tokens, size = sum(len(poem) + 1 for poem in poems), sum(len(poem.encode()) for poem in poems)
    assert row[4] == pytest.approx((np.log2(row[2]) * tokens + 2 * len(poems)) / size, rel=1e-6)  # 2 bits tell the form


def test_splits_by_trying_every_one() -> None:
    pieces = {"a": -1.0, "b": -2.0, "ab": -1.5, "ba": -1.7, "aba": -4.0}
    text = "ababa"
    found = []
    for cuts in itertools.product((False, True), repeat=len(text) - 1):
        ends = [at + 1 for at, cut in enumerate(cuts) if cut] + [len(text)]
        parts = [text[start:end] for start, end in zip([0, *ends], ends, strict=False)]
        if all(part in pieces for part in parts):
            found.append(sum(pieces[part] for part in parts))
    total, best = splits(text, pieces)
    assert total == pytest.approx(np.log(np.exp(found).sum())) and best == pytest.approx(max(found))
    assert splits("abc", pieces) == (-np.inf, -np.inf)


def test_a_poem_of_another_form_is_said() -> None:
    assert all(check.holds is None for check in EXPERIMENT.run({"poem": "白日依山尽"}).checks)


def test_a_larger_vocabulary_has_fewer_tokens_and_a_higher_perplexity() -> None:
    small, large = (values_of(EXPERIMENT, {"vocabulary": each}) for each in ("512", "2048"))
    assert large["bpe-perplexity"] > 4 * small["bpe-perplexity"]
    assert large["bpe-bits"] == pytest.approx(small["bpe-bits"], rel=0.15)
