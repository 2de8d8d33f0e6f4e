"""Numbers in words."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tui.figures.numbers import exact, short, tight


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.41234567, "0.4123"),
        (1.7320508, "1.732"),
        (0.8660254, "0.866"),
        (512, "512"),
        (63045632, "6.305e7"),
        (123456, "123456"),
        (-0.0, "0"),
        (1.2e-7, "1.2e-7"),
        (math.nan, "NaN"),
        (math.inf, "+inf"),
        (-math.inf, "-inf"),
        (True, "1"),
        (np.float32(0.1), "0.1"),
    ],
)
def test_four_digits_for_reading(value: object, text: str) -> None:
    assert short(value) == text


@given(st.floats(width=32, allow_nan=False, allow_infinity=False))
def test_exact_gives_a_float32_back(value: float) -> None:
    assert np.float32(float(exact(value))) == np.float32(value)


@given(st.floats(width=32), st.integers(min_value=1, max_value=8))
def test_tight_numbers_fit_and_round_correctly(value: float, width: int) -> None:
    text = tight(value, width)
    assert len(text) <= width
    if text:
        assert math.isclose(float(text), value, rel_tol=0.5, abs_tol=0.5)


@pytest.mark.parametrize(
    ("value", "width", "text"),
    [(0.4123, 3, ".41"), (-1.72, 4, "-1.7"), (31234.5, 3, "3e4"), (0.0004, 3, "0"), (1.0, 1, "1"), (12345.0, 2, "")],
)
def test_tight_by_hand(value: float, width: int, text: str) -> None:
    assert tight(value, width) == text
