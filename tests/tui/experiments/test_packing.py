"""What packing leaks and what keeps documents apart, at other sizes; which places count in the loss."""

from __future__ import annotations

import numpy as np
import pytest

from mlxformer.training.packing import pack
from tests.tui.experiments.checking import assert_hold_or_null, values_of
from tui.experiments.packing.body import _foreign, _predicted
from tui.experiments.packing.declaration import EXPERIMENT


@pytest.mark.parametrize("settings", [{"documents": 24, "seed": 1}, {"length": 64, "seed": 2}, {"length": 16}])
def test_claims_hold_elsewhere(settings: dict[str, int]) -> None:
    assert_hold_or_null(EXPERIMENT.run(settings), settings)


def test_the_loss_is_on_answers_and_never_across_documents() -> None:
    documents = [np.arange(1, 6), np.arange(11, 15)]  # answers 3 4 5 and 13 14
    packed = pack(documents, 10)
    following = np.roll(packed.ids, -1, axis=1)
    assert following[_predicted(documents, packed)].tolist() == [3, 4, 5, 13, 14]


def test_uniform_attention_on_others_is_their_share() -> None:
    segments = np.array([[1, 1, 1, 2]])
    np.testing.assert_allclose(_foreign(np.full((1, 2, 4, 4), 0.25), segments), [[0.25, 0.25, 0.25, 0.75]])


def test_the_table_counts_padding() -> None:
    table = next(figure for figure in EXPERIMENT.run().figures if figure.name == "waste")
    (padded, packed) = (float(row[-1]) for row in table.rows)
    assert values_of(EXPERIMENT)["waste-saved"] == pytest.approx(padded - packed)
