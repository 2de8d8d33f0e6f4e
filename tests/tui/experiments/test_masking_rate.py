"""The proportions of BERT's masking, what the loss looks at, and models that were trained at four rates."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from mlxformer.pretrained.masked.evaluation import COMMON_RATE, nll_and_accuracy
from mlxformer.pretrained.masked.samples import samples
from mlxformer.training.masked_lm import KEPT, MASKED, RANDOM
from tests.tui.experiments.checking import (
    values_of,
)
from tui.experiments.masking_rate.body import TWINS, ask, held_out, masked, twin
from tui.experiments.masking_rate.declaration import EXPERIMENT


def test_of_all_tokens_135_in_1000_look_different_by_hand() -> None:
    """0.15 · (0.8 + 0.1 · (1 − 1/1995)): one random token in 1995 is the one it replaces."""
    values = values_of(EXPERIMENT)
    assert values["altered-share"] == pytest.approx(100 * 0.15 * (0.8 + 0.1 * (1 - 1 / 1995)), abs=0.25)
    assert values["mask-share"] == pytest.approx(12, abs=0.25)


def test_asking_is_what_the_card_reports() -> None:
    """On other verses than the card's measurement, shorter, so near it and not equal to it."""
    name = TWINS[1]
    answers = ask(name, COMMON_RATE, (1.0, 0.0, 0.0), 0)
    found = masked(held_out()[0], np.random.default_rng(0), COMMON_RATE, (1.0, 0.0, 0.0))
    assert found.predicted.any() and (found.treatment[found.predicted] == MASKED).all()
    assert answers.accuracy[MASKED] > 0 == answers.accuracy[RANDOM] == answers.accuracy[KEPT]
    assert answers.loss == pytest.approx(twin(name).card.scores["held-out-nll@15"], abs=0.4)
    few = samples("book", held_out=True)[:40]
    nll, accuracy = nll_and_accuracy(twin(name), few, 0.15)
    assert 0 < accuracy < 1 and nll > 2


def test_static_masks_repeat_and_dynamic_ones_do_not() -> None:
    for dynamic in (True, False):
        figure: Any = EXPERIMENT.run({"dynamic": dynamic, "rate": 50}).figures[0]
        first, second = figure.strips[1:3]
        assert (list(first.tokens) == list(second.tokens)) != dynamic
        assert list(figure.strips[0].tokens)[:3] == ["[CLS]", "in", "the"]


def test_held_out_verses_are_cut_to_what_is_quick() -> None:
    ids, real = held_out()
    assert ids.shape == real.shape and ids.shape[1] <= 24 and (real.sum(1) > 2).all()


def test_the_twins_differ_in_rate_alone() -> None:
    cards = [twin(name).card for name in TWINS]
    assert len({str(card.config) for card in cards}) == 1
    assert len({card.steps for card in cards}) == 1 and len({card.seed for card in cards}) == 1
    assert np.isfinite([card.scores["held-out-nll@15"] for card in cards]).all()
