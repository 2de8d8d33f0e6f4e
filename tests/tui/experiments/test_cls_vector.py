"""[CLS] begins as the same vector for every text and is filled by attention; other places serve as well."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import mlxformer as mf
from mlxformer.backend import mx, to_numpy
from tests.tui.experiments.checking import (
    assert_hold_or_null,
    values_of,
)
from tui.experiments.cls_vector.declaration import EXPERIMENT
from tui.experiments.cls_vector.lines import (
    CHARACTERS,
    OF_EACH,
    line_vectors,
    lines,
    reader,
    same_passage_auc,
    untraced_vectors,
    vectors,
)
from tui.experiments.cls_vector.trained import A, B, accuracy, draw_texts


@pytest.mark.parametrize(("seed", "examples"), [(1, 48), (2, 96)])
def test_claims_hold_for_other_splits(seed: int, examples: int) -> None:
    settings = {"seed": seed, "examples": examples}
    assert_hold_or_null(EXPERIMENT.run(settings), settings)


def test_nothing_but_its_characters_tells_a_line() -> None:
    texts, labels = lines()
    assert len(texts) == 2 * OF_EACH and np.bincount(labels).tolist() == [OF_EACH, OF_EACH]
    assert {len(text) for text in texts} == {CHARACTERS} and len(set(texts)) == len(texts)


def test_the_task_is_balanced_and_each_text_has_both_letters() -> None:
    ids, labels = draw_texts(np.random.default_rng(3), 2000)
    assert ((ids == A).sum(1) == 1).all() and ((ids == B).sum(1) == 1).all() and (ids[:, 0] == 0).all()
    np.testing.assert_array_equal(labels, ids[:, 1] == A)
    assert 0.45 < labels.mean() < 0.55


def test_what_is_trained_is_not_seen_by_a_trace_that_is_open() -> None:
    with pytest.raises(mf.TraceError, match="without one step"), mf.trace() as steps:
        steps.replace("*.self_attention.weights", mx.zeros_like)
        accuracy("cls", 8, 3)


def test_the_vectors_are_those_of_a_line_run_alone() -> None:
    texts, _ = lines()
    batch = reader().tokenizer(texts[7])
    hidden = to_numpy(reader().model.bert(**batch).last_hidden_state)[0]
    found = {how: layers[-1][7] for how, layers in line_vectors().items()}
    for how, wanted in {
        "cls": hidden[0],
        "first": hidden[1],
        "last": hidden[-2],
        "mean": hidden[1:-1].mean(0),
        "max": hidden[1:-1].max(0),
    }.items():
        np.testing.assert_allclose(found[how], wanted, atol=2e-4)


def test_what_is_kept_is_not_touched_by_a_trace_that_is_open() -> None:
    few = lines()[0][:3]
    with mf.trace() as steps:
        steps.replace("*.self_attention.weights", mx.zeros_like)
        kept, touched = untraced_vectors(few)["cls"][-1], vectors(few)["cls"][-1]
    np.testing.assert_array_equal(kept, vectors(few)["cls"][-1])
    assert np.abs(kept - touched).max() > 0.01


def test_the_area_under_the_curve_by_counting_pairs() -> None:
    generator = np.random.default_rng(0)
    features, numbers = generator.standard_normal((12, 3)), generator.integers(0, 4, 12)
    unit = features / np.linalg.norm(features, axis=1, keepdims=True)
    cosines = [(unit[i] @ unit[j], numbers[i] == numbers[j]) for i in range(12) for j in range(i)]
    same = [cosine for cosine, is_same in cosines if is_same]
    other = [cosine for cosine, is_same in cosines if not is_same]
    wins = np.mean([one > two for one in same for two in other])
    assert same_passage_auc(features, numbers) == pytest.approx(wins)
    grouped = np.repeat(np.eye(3), 4, axis=0) + 0.01 * generator.standard_normal((12, 3))
    assert same_passage_auc(grouped, np.repeat([0, 1, 2], 4)) == 1.0


def test_the_curve_of_cls_begins_at_chance_and_that_of_the_mean_does_not() -> None:
    curve: Any = EXPERIMENT.run().figures[2]
    cls, mean = curve.series[0].y, curve.series[1].y
    assert cls[0] == pytest.approx(values_of(EXPERIMENT)["probe-layer-0"]) and cls[-1] > cls[0] + 20
    assert mean[0] > cls[0] + 20
