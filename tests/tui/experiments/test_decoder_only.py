"""Only the causal stack keeps its history; an encoder-decoder has more parameters for the same operations."""

from __future__ import annotations

import numpy as np
import pytest

from tests.tui.experiments.checking import assert_hold_or_null, values_of
from tui.experiments.decoder_only.body import effective_rank
from tui.experiments.decoder_only.declaration import EXPERIMENT


@pytest.mark.parametrize(("turns", "length"), [(2, 4), (4, 16)])
def test_claims_hold_for_other_conversations(turns: int, length: int) -> None:
    for seed in range(3):
        settings = {"turns": turns, "turn_length": length, "seed": seed}
        assert_hold_or_null(EXPERIMENT.run(settings), settings)


def test_parameters_and_operations_by_hand() -> None:
    d, f, n, layers = 32, 64, 48, 2
    norms, attention, feed_forward = 2 * d, 4 * (d * d + d), 2 * d * f + f + d
    causal = layers * (attention + feed_forward + 2 * norms) + norms
    pair = causal + layers * (2 * attention + feed_forward + 3 * norms) + norms
    one = layers * (8 * n * d * d + 4 * n * n * d + 4 * n * d * f)
    h = n // 2  # an encoder layer on h tokens; a decoder layer on h with cross-attention to h
    two = layers * 2 * (8 * h * d * d + 4 * h * h * d + 4 * h * d * f) + layers * (8 * h * d * d + 4 * h * h * d)
    table = next(figure for figure in EXPERIMENT.run().figures if figure.name == "sizes")
    assert [list(row[1:]) for row in table.rows] == [[causal, one], [pair, two]]
    assert values_of(EXPERIMENT)["parameters-ratio"] == pair / causal


def test_rows_turn_by_turn() -> None:
    curve = EXPERIMENT.run({"turns": 3, "turn_length": 4}).figures[0]
    assert [list(series.y) for series in curve.series] == [[4, 8, 12], [4, 12, 24], [8, 16, 28]]


def test_effective_rank_of_known_matrices() -> None:
    assert effective_rank(np.eye(5)) == pytest.approx(5) and effective_rank(np.ones((4, 4))) == pytest.approx(1)


def test_one_layer_has_nothing_to_read_again() -> None:
    """Its keys and values are made of embeddings, whatever the mask; from the second layer on they are not."""
    rows = {layers: {check.name: check for check in EXPERIMENT.run({"layers": layers}).checks} for layers in (1, 2)}
    assert rows[1]["rows-ratio"].holds is None and "embeddings" in rows[1]["rows-ratio"].reason.en
    assert rows[2]["rows-ratio"].measured == 3.5
