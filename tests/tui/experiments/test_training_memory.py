"""What recomputation leaves of a step's peak, the chain's against its formula, and the bytes of model states."""

from __future__ import annotations

import pytest

from tests.tui.experiments.checking import assert_hold_or_null
from tui.experiments.training_memory.body import SEGMENTS, STEPS, _bytes, _chain, _extra_compute, _peak
from tui.experiments.training_memory.declaration import EXPERIMENT


@pytest.mark.parametrize("settings", [{"layers": 8, "every": 2}, {"tokens": 128, "batch": 2, "every": 4}])
def test_claims_hold_elsewhere(settings: dict[str, int]) -> None:
    assert_hold_or_null(EXPERIMENT.run(settings), settings)


def test_a_chain_peaks_where_its_formula_says() -> None:
    """16/k inputs and k arrays of one segment, and up to three more for the gradients on their way."""
    measured = [_chain(segment) for segment in SEGMENTS]
    assert min(SEGMENTS, key=lambda segment: measured[SEGMENTS.index(segment)]) == 4
    for segment, peak in zip(SEGMENTS[1:-1], measured[1:-1], strict=True):
        assert 0 <= peak - (STEPS / segment + segment) < 4


def test_each_layer_runs_twice_however_long_the_segments() -> None:
    assert [_extra_compute(every, False) for every in (1, 2, 4)] == pytest.approx([100 / 3] * 3)
    assert _extra_compute(1, True) == 0


def test_an_optimizer_with_one_moment_leaves_twelve_bytes() -> None:
    assert (_bytes(True), _bytes(False)) == (12, 16)


def test_without_recomputation_each_layer_adds_as_much() -> None:
    four, eight, twelve = (_peak(layers, 64, 1) for layers in (4, 8, 12))
    assert twelve - eight == pytest.approx(eight - four, rel=0.1)
    assert _peak(12, 64, 1, 1) - _peak(4, 64, 1, 1) < 0.25 * (twelve - four)


def test_the_table_is_the_first_figure_of_zero() -> None:
    table = next(figure for figure in EXPERIMENT.run().figures if figure.name == "states")
    assert [round(row[-1], 1) for row in table.rows] == [120.0, 31.4, 16.6, 1.9]
