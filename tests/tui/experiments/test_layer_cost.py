"""A layer's operations and activations, counted from what ran, against sums over its products written apart."""

from __future__ import annotations

import pytest

from mlxformer import backend
from tests.tui.experiments.checking import (
    assert_hold_or_null,
    assert_result_is_sound,
    label,
    settings_at_ends,
    values_of,
)
from tui.experiments.layer_cost.declaration import EXPERIMENT

# Not all knobs at their last; on MLX's CPU build, slow at large matrices, not the greatest width.
WIDEST = 768 if backend.name == "numpy" else 192
SETTINGS = [s for s in settings_at_ends(EXPERIMENT) if s.get("d_model", 192) <= (WIDEST if len(s) < 3 else 192)]


@pytest.mark.parametrize("settings", SETTINGS, ids=label)
def test_at_the_ends_of_the_knobs(settings: dict[str, object]) -> None:
    result = EXPERIMENT.run(settings)
    assert_hold_or_null(result, settings)
    assert_result_is_sound(EXPERIMENT, result)


def test_tenths_are_where_n_is_two_thirds_of_d() -> None:
    values = values_of(EXPERIMENT, {"tokens": 128, "d_model": 192, "heads": "3"})
    assert values["quadratic-share"] == pytest.approx(10)
    assert values["map-bytes"] == 3 * 128 * 128 * 4
    assert values["map-over-hidden-state"] == 128 / 64


def multiply_adds(n: int, d: int, heads: int) -> int:
    """Product by product, [rows, inner] times [inner, columns]."""
    width = d // heads
    products = [(n, d, d)] * 4 + [(n, width, n), (n, n, width)] * heads + [(n, d, 4 * d), (n, 4 * d, d)]
    return sum(rows * inner * columns for rows, inner, columns in products)


@pytest.mark.parametrize(("n", "d", "heads"), [(32, 192, "4"), (64, 384, "6"), (256, 192, "1")])
def test_operations_are_the_sum_over_the_products(n: int, d: int, heads: str) -> None:
    values = values_of(EXPERIMENT, {"tokens": n, "d_model": d, "heads": heads})
    assert values["flops-of-a-layer"] == 2 * multiply_adds(n, d, int(heads))
    assert values["length-doubled"] == pytest.approx(multiply_adds(n, d, 1) / multiply_adds(n // 2, d, 1))
    assert values["width-doubled"] == pytest.approx(multiply_adds(n, d, 1) / multiply_adds(n, d // 2, 1))


def test_the_bars_add_up_to_the_layer() -> None:
    result = EXPERIMENT.run()
    bars = next(figure for figure in result.figures if figure.name == "products")
    total = next(check.measured for check in result.checks if check.name == "flops-of-a-layer")
    assert sum(bars.values) * 1e6 == pytest.approx(total)
