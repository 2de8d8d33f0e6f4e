"""Heads of d/h cost what one head of d does, and have a rank of d/h; heads of d cost h times as much."""

from __future__ import annotations

import numpy as np
import pytest

from tests.tui.experiments.checking import (
    assert_hold_or_null,
    values_of,
)
from tui.experiments.head_width.declaration import EXPERIMENT


@pytest.mark.parametrize("seed", range(1, 4))
@pytest.mark.parametrize("heads", [2, 4, 16])
def test_claims_hold_together(heads: int, seed: int) -> None:
    settings = {"heads": heads, "seed": seed, "d_model": 64, "tokens": 128}
    assert_hold_or_null(EXPERIMENT.run(settings), settings)


def test_the_numbers_of_the_defaults() -> None:
    values = values_of(EXPERIMENT)
    assert values["reduced-parameters"] == 65_536 and values["full-width-parameters"] == 524_288
    assert values["full-width-flops-ratio"] == 8 and values["rank-is-head-width"] == 16
    assert values["core-share-of-layer"] == pytest.approx(100 * 64 / 832)


def test_the_table_is_constant_in_h_only_where_heads_are_reduced() -> None:
    table = next(figure for figure in EXPERIMENT.run().figures if figure.name == "costs")
    reduced = [row for row in table.rows if row[0] * row[1] == 128]
    full = [row for row in table.rows if row[1] == 128]
    assert [row[0] for row in reduced] == [row[0] for row in full] == [1, 2, 4, 8, 16]
    assert len({(row[2], row[3]) for row in reduced}) == 1
    assert [row[2] for row in full] == [row[0] * full[0][2] for row in full]
    assert [row[4] for row in reduced] == [row[0] * 4 * 64**2 for row in reduced]


def test_singular_values_end_at_the_head_width() -> None:
    curve = next(figure for figure in EXPERIMENT.run().figures if figure.name == "singular")
    reduced, full = (np.array(series.y) for series in curve.series)
    assert reduced[15] > 1e-3 and reduced[16] < 1e-5 and full[32] > 1e-3
