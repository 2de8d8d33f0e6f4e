"""Passes of a cross- and a bi-encoder counted, and what a table of dot products cannot say."""

from __future__ import annotations

import numpy as np
import pytest

from tests.tui.experiments.checking import (
    assert_hold_or_null,
)
from tui.experiments.cross_encoder.body import Encoders, pair
from tui.experiments.cross_encoder.declaration import EXPERIMENT
from tui.experiments.cross_encoder.trained import _vectors
from tui.figures.data import Heatmap, Table


@pytest.mark.parametrize(
    "sentences", ["猫；狗", "a b; c; d e f g\nh", "一；二；三；四；五；六；七；八；九；十；十一；十二"]
)
def test_claims_hold_together(sentences: str) -> None:
    for seed in (1, 2):
        settings = {"sentences": sentences, "seed": seed, "hidden": 16 * seed}
        assert_hold_or_null(EXPERIMENT.run(settings), settings)


def test_ten_thousand_sentences_are_the_papers_number_of_pairs() -> None:
    table = next(figure for figure in EXPERIMENT.run().figures if figure.name == "costs")
    assert isinstance(table, Table)
    assert [row[-1] for row in table.rows] == [49_995_000, 10_000]


def test_a_pair_is_laid_out_as_in_the_paper() -> None:
    ids, types = pair([5, 6], [7])
    assert np.array(ids).tolist() == [[1, 5, 6, 2, 7, 2]] and np.array(types).tolist() == [[0, 0, 0, 0, 1, 1]]


def test_the_order_of_a_pair_matters_to_the_cross_encoder() -> None:
    encoders = Encoders(10, 16, np.random.default_rng(0))
    assert abs(encoders.score([3, 4, 5], [6, 7]) - encoders.score([6, 7], [3, 4, 5])) > 1e-3


def test_the_drawn_tables_are_symmetric_with_one_row_for_each_sentence() -> None:
    figure = next(each for each in EXPERIMENT.run().figures if each.name == "scores")
    assert isinstance(figure, Heatmap)
    tables = np.asarray(figure.stages[0].values)
    assert tables.shape == (2, 6, 6)
    np.testing.assert_allclose(tables, tables.swapaxes(1, 2), atol=1e-5)


def test_a_line_read_alone_has_the_vector_that_it_has_among_longer_ones() -> None:
    texts = ["白日依山尽，", "欲穷千里目，更上一层楼。"]
    together, apart = _vectors(texts), np.concatenate([_vectors([text]) for text in texts])
    np.testing.assert_allclose(together, apart, atol=1e-5)
    np.testing.assert_allclose(np.linalg.norm(together, axis=1), 1.0, atol=1e-6)
