"""How many predictions, from how much context, and whether the probabilities are ones: three objectives."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from mlxformer.backend import mx, nn, to_numpy
from tests.tui.experiments.checking import (
    assert_hold_or_null,
)
from tui.experiments.training_signal.declaration import EXPERIMENT
from tui.experiments.training_signal.model import LENGTH, SHARPNESS, WORDS, LanguageModel, _sums, reach
from tui.figures.data import Curve, Heatmap, Table


@pytest.mark.parametrize("seed", [1, 2])
def test_claims_hold_together(seed: int) -> None:
    settings = {"seed": seed, "rate": 0.4, "prefix": 2, "sentence": "the cat saw the dog and ran away"}
    assert_hold_or_null(EXPERIMENT.run(settings), settings)


def test_one_backward_pass_gives_each_loss_its_own_gradient() -> None:
    """Row i of the batch against the i-th loss differentiated alone."""
    model, inputs, targets = LanguageModel(3, 0), [3, 0, 1, 2], [0, 1, 2, 0]
    together = reach(model, inputs, range(4), targets, "causal")
    for row in range(4):

        def loss(x, row=row):
            logits = model(x, "causal")[:, row]
            return mx.sum(nn.losses.cross_entropy(logits, mx.array(np.array(targets[row : row + 1])), reduction="none"))

        alone = to_numpy(mx.grad(loss)(model.embed(mx.array(np.array([inputs], np.int32)))))[0]
        np.testing.assert_allclose(together[row], np.linalg.norm(alone, axis=-1), rtol=1e-4, atol=1e-7)


def test_sums_are_those_of_a_loop() -> None:
    """Sentence by sentence, word by word, in float64."""
    model = LanguageModel(WORDS, 4, 0)

    def probability(inputs: list[int], place: int, word: int, mask: str | None) -> float:
        logits = to_numpy(model(model.embed(mx.array(np.array([inputs], np.int32))), mask))[0, place].astype(np.float64)
        powers = np.exp(SHARPNESS * logits)
        return float(powers[word] / powers.sum())

    totals = np.zeros(2)
    for sentence in itertools.product(range(WORDS), repeat=LENGTH):
        products = [1.0, 1.0]
        for place, word in enumerate(sentence):
            products[0] *= probability([model.start, *sentence[:-1]], place, word, "causal")
            hidden = [model.mask if other == place else each for other, each in enumerate(sentence)]
            products[1] *= probability(hidden, place, word, None)
        totals += products
    np.testing.assert_allclose(_sums(model, "causal", False), totals, rtol=1e-4)


def test_the_figures_agree_with_the_checks() -> None:
    for objective, loss_terms in (("causal", 8), ("masked", 2), ("prefix", 4)):
        seen, curve, table = EXPERIMENT.run({"objective": objective}).figures
        assert isinstance(seen, Heatmap) and isinstance(curve, Curve) and isinstance(table, Table)
        assert len(seen.rows) == loss_terms and len(seen.columns) == 8
    assert [row[1] for row in table.rows] == [8, 2, 4]
    assert [len(series.y) for series in curve.series] == [8, 2, 4]


def test_one_token_is_too_few() -> None:
    result = EXPERIMENT.run({"sentence": "猫"})
    assert not result.figures and all(check.holds is None for check in result.checks)
