"""Exact variants agree with full attention, the others do not, and each costs what its mask and state say."""

from __future__ import annotations

import numpy as np
import pytest

from tests.tui.experiments.checking import (
    assert_hold_or_null,
    values_of,
)
from tui.experiments.attention_gallery.declaration import EXPERIMENT
from tui.experiments.attention_steps.reference import attend


def table(**settings: object) -> dict[str, list[object]]:
    figure = next(figure for figure in EXPERIMENT.run(settings).figures if figure.name == "variants")
    return {getattr(row[0], "en", row[0]): list(row[1:]) for row in figure.rows}


@pytest.mark.parametrize("variant", ["flash", "grouped", "multi-query", "global", "linear"])
def test_claims_hold_for_other_draws_and_sizes(variant: str) -> None:
    for seed, tokens in enumerate((16, 32, 64)):
        settings = {"variant": variant, "tokens": tokens, "seed": seed, "window": 4, "kv_heads": 4, "block": 16}
        assert_hold_or_null(EXPERIMENT.run(settings), settings)


def test_the_window_is_a_loop_over_the_last_w_keys() -> None:
    result = EXPERIMENT.run({"tokens": 16, "window": 4, "seed": 5})
    weights = next(figure for figure in result.figures if figure.name == "variant").stages[-1].values[0]
    generator = np.random.default_rng(5)
    q, k = (generator.standard_normal((1, 8, 16, 16)).astype(np.float32)[0, 0] for _ in range(2))
    for row in range(16):
        first = max(0, row - 3)
        expected = attend(q[row : row + 1], k[first : row + 1], k[first : row + 1], 0.25).weights[0]
        np.testing.assert_allclose(weights[row, first : row + 1], expected, atol=1e-6)
        assert weights[row].sum() == pytest.approx(1.0, abs=1e-5)


def test_costs_by_hand() -> None:
    rows = table(tokens=64, window=8, kv_heads=2)
    pairs, each = 64 * 65 // 2, 4 * 8 * 16
    assert rows["full"][1:3] == [each * pairs, 2 * 8 * 16 * 64]
    assert rows["GQA"][1:3] == [each * pairs, 2 * 2 * 16 * 64] and rows["MQA"][2] == 2 * 16 * 64
    assert rows["window"][1:3] == [each * (36 + 56 * 8), 2 * 8 * 16 * 8]
    assert rows["window + global"][2] == 2 * 8 * 16 * 10
    assert rows["linear"][1:3] == [each * 17 * 64, 8 * 16 * 17]
    assert rows["FlashAttention"][1:3] == rows["full"][1:3]


def test_grouped_heads_of_h_are_full_attention() -> None:
    rows = table(kv_heads=8)
    assert rows["GQA"][3] == 0.0 and values_of(EXPERIMENT, {"kv_heads": 8})["grouped-cache"] == 1.0
