"""Numbers as written, and whether what was measured is them."""

from __future__ import annotations

import math
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from questions.errors import NumberError
from questions.numbers import read_number


@pytest.mark.parametrize(
    ("written", "value", "step", "tolerance", "percent"),
    [
        ("61 %", "61", "1", None, True),
        ("61%", "61", "1", None, True),
        ("６１．５％", "61.5", "0.1", None, True),
        ("61 ± 5 %", "61", "1", "5", True),
        ("28.4", "28.4", "0.1", None, False),
        ("1.000", "1", "0.001", None, False),
        ("2.8e-3", "0.0028", "0.0001", None, False),
        ("2.8×10⁻³", "0.0028", "0.0001", None, False),
        ("2.8 × 10^-3", "0.0028", "0.0001", None, False),
        ("10⁻¹⁶", "1e-16", "1e-16", None, False),
        ("1,048,576", "1048576", "1", None, False),
        ("−0.5", "-0.5", "0.1", None, False),
        ("-0.5 +/- 0.1", "-0.5", "0.1", "0.1", False),
        ("2.8e-3 ± 1e-4", "0.0028", "0.0001", "0.0001", False),
    ],
)
def test_reading(written, value, step, tolerance, percent):
    number = read_number(written)
    assert number.value == Decimal(value)
    assert number.step == Decimal(step)
    assert number.tolerance == (None if tolerance is None else Decimal(tolerance))
    assert number.percent is percent


@pytest.mark.parametrize("written", ["", "most", "61 percent", "5 ms", "1.", ".5", "1,00", "12,3456", "1e", "± 5", "१"])
def test_what_is_no_number_is_refused(written):
    with pytest.raises(NumberError) as raised:
        read_number(written)
    assert raised.value.code == "not-a-number"


@pytest.mark.parametrize(
    ("written", "measured", "agrees"),
    [
        ("61 %", 0.6149, True),
        ("61 %", 0.605, True),  # half-way, so it agrees with 60 % too
        ("60 %", 0.605, True),
        ("61 %", 0.6151, False),
        ("61 %", 61.0, False),
        ("61 ± 5 %", 0.66, True),
        ("61 ± 5 %", 0.6601, False),
        ("61 ± 5 %", 0.56, True),
        ("2.8e-3", 0.002849, True),
        ("2.8e-3", 0.00286, False),
        ("2.8×10⁻³", 0.00275, True),
        ("0", 0.4, True),
        ("0", 0.6, False),
        ("1.000", 0.99999, True),
        ("1.000", 0.9994, False),
        ("1,048,576", 1048576, True),
        ("1,048,576", 1048577, False),
        ("−0.5", -0.46, True),
        ("0.5", -0.5, False),
        ("0.1", 0.10000000149, True),  # 0.1 in float32
        ("1", math.nan, False),
        ("1", math.inf, False),
        ("1", None, False),
    ],
)
def test_agreement_is_at_the_digits_shown_or_within_the_tolerance_written(written, measured, agrees):
    assert read_number(written).agrees(measured) is agrees


@pytest.mark.parametrize(
    ("written", "measured", "said"),
    [
        ("61 %", 0.684, "68 %"),
        ("61 ± 5 %", 0.684, "68 %"),
        ("61.0%", 0.684, "68.4%"),
        ("2.8e-3", 0.0319, "3.2e-2"),
        ("2.8×10⁻³", 0.0319, "3.2×10⁻²"),
        ("1,048,576", 16384.0, "16,384"),
        ("0.5", -0.25, "−0.2"),
        ("0.5", -0.01, "0.0"),
        ("0.5", math.nan, "NaN"),
        ("0.5", -math.inf, "−∞"),
    ],
)
def test_a_measured_value_is_said_as_the_number_is_written(written, measured, said):
    assert read_number(written).say(measured) == said


@given(st.floats(min_value=-1e12, max_value=1e12), st.sampled_from(["0.000", "0 %", "1.00e-3", "1.0×10⁻³", "1,000"]))
def test_what_is_said_agrees_with_what_was_measured(measured, style):
    said = read_number(style).say(measured)
    assert read_number(said).agrees(measured)
