"""What InfoNCE's temperature and negatives do, by independent numbers, and the claims at other settings."""

from __future__ import annotations

import numpy as np
import pytest

from mlxformer.backend import mx, to_numpy
from mlxformer.pretrained.masked.samples import documents
from mlxformer.training.contrastive import cosine_scores
from tests.tui.experiments.checking import assert_hold_or_null
from tui.experiments.contrastive.body import _hardest_share
from tui.experiments.contrastive.declaration import EXPERIMENT


@pytest.mark.parametrize("settings", [{"batch": 8, "seed": 1}, {"temperature": "0.2", "batch": 16, "seed": 2}])
def test_claims_hold_elsewhere(settings: dict[str, object]) -> None:
    assert_hold_or_null(EXPERIMENT.run(settings), settings)


def test_no_passage_is_on_both_sides() -> None:
    trained, judged = ({text for each in documents("verse", held_out=held) for text in each} for held in (False, True))
    assert not trained & judged


def test_the_hardest_share_is_a_softmax_over_negatives() -> None:
    generator = np.random.default_rng(0)
    weight, left, right = (mx.array(generator.standard_normal((8, 12)).astype(np.float32)) for _ in range(3))
    scores = to_numpy(cosine_scores(left @ weight.T, right @ weight.T, 0.2)).astype(np.float64)
    shares = []
    for i, row in enumerate(scores):
        powers = np.exp(np.delete(row, i))
        shares.append(powers.max() / powers.sum())
    assert _hardest_share(weight, left, right, 0.2) == pytest.approx(100 * np.mean(shares), rel=1e-4)
