"""The delta rule replaces what a key stores, holds D orthogonal keys, and spoils random ones beyond."""

from __future__ import annotations

import numpy as np
import pytest

from tests.tui.experiments.checking import assert_hold_or_null
from tui.experiments.delta_rule.body import _error, _pairs, _read
from tui.experiments.delta_rule.declaration import EXPERIMENT


@pytest.mark.parametrize(("width", "pairs"), [(16, 64), (32, 4), (64, 16)])
def test_claims_hold_for_other_widths(width: int, pairs: int) -> None:
    for seed in range(2):
        settings = {"head_dim": width, "pairs": pairs, "seed": seed}
        assert_hold_or_null(EXPERIMENT.run(settings), settings)


def test_what_is_read_is_the_state_of_a_float64_loop() -> None:
    k, v = _pairs(np.random.default_rng(3), 9, 4)
    state = np.zeros((4, 4))
    for key, value in zip(k.astype(np.float64), v.astype(np.float64), strict=True):
        state += 0.6 * np.outer(key, value - state.T @ key)
    np.testing.assert_allclose(_read(k, v, k, 0.6), k @ state, atol=1e-5)


def test_the_error_is_relative_and_a_mean() -> None:
    assert _error(np.array([[2.0, 0.0], [0.0, 1.0]]), np.array([[1.0, 0.0], [0.0, 1.0]])) == 0.5


def test_the_table_by_hand() -> None:
    table = next(figure for figure in EXPERIMENT.run({"head_dim": 16}).figures if figure.name == "sizes")
    assert [list(row) for row in table.rows] == [[n, 256, 32 * n] for n in (1024, 8192, 65536)]
