"""Where a knob's values stand and what a step makes of them."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tui.experiments.contract import Knob
from tui.widgets.knob_scale import KnobScale, typed_number, value_text


def number(low: float, high: float, step: float = 1, log: bool = False) -> Knob:
    return Knob("k", "k", "number", low, minimum=low, maximum=high, step=step, log=log)


@pytest.mark.parametrize(
    ("knob", "value", "count", "result"),
    [
        (number(0, 10), 3, 1, 4),
        (number(0, 10), 10, 1, 10),
        (number(0, 10), 0, -1, 0),
        (number(0, 1, 0.05), 0.1, 1, 0.15),  # not 0.15000000000000002
        (number(0, 1, 0.1), 0.3, -3, 0),
        (number(4, 1024, log=True), 512, 1, 1024),
        (number(4, 1024, log=True), 512, -2, 128),
        (number(4, 1024, log=True), 100, 1, 200),
        (number(4, 1024, log=True), 5, -1, 4),
        (number(0.001, 1, log=True), 0.001, 3, 0.008),
    ],
)
def test_steps(knob: Knob, value: float, count: int, result: float) -> None:
    stepped = KnobScale(knob).step(value, count)
    assert stepped == result
    knob.parse(stepped)


@pytest.mark.parametrize(
    ("knob", "value", "up", "result"),
    [
        (number(0, 1000), 500, 1, 600),
        (number(0, 5), 2, -1, 1),
        (number(1, 1024, log=True), 64, 1, 256),
    ],
)
def test_pages(knob: Knob, value: float, up: int, result: float) -> None:
    assert KnobScale(knob).page(value, up) == result


knobs = st.one_of(
    st.builds(number, st.integers(0, 20), st.integers(21, 5000), st.integers(1, 7)),
    st.builds(number, st.floats(0, 1), st.floats(1.5, 9), st.sampled_from([0.01, 0.05, 0.25])),
    st.builds(lambda low, high: number(low, high, log=True), st.integers(1, 9), st.integers(16, 4096)),
)


@given(knobs, st.floats(-0.2, 1.2))
def test_wherever_the_track_is_touched_the_value_is_valid(knob: Knob, place: float) -> None:
    scale = KnobScale(knob)
    value = scale.at(place)
    assert knob.parse(value) == value
    assert scale.at(0) == pytest.approx(knob.minimum) and scale.at(1) == pytest.approx(knob.maximum)


@given(knobs, st.floats(0, 1))
def test_place_and_value_belong_together(knob: Knob, place: float) -> None:
    scale = KnobScale(knob)
    value = scale.at(place)
    step = abs(scale.fraction(scale.step(value, 1)) - scale.fraction(scale.step(value, -1)))
    assert abs(scale.fraction(value) - place) <= max(step, 1e-9)


@pytest.mark.parametrize(
    ("typed", "value"),
    [
        ("12", 12),
        ("１２．５", 12.5),
        ("1e3", 1000),
        ("－３", -3),
        ("0。5", 0.5),
        (" 7 ", 7),
        ("", None),
        ("abc", None),
        ("1.2.3", None),
        ("inf", math.inf),
    ],
)
def test_typed_numbers(typed: str, value: float | None) -> None:
    assert typed_number(typed) == value
    assert type(typed_number(typed)) is type(value)


@pytest.mark.parametrize(("value", "text"), [(512, "512"), (0.15, "0.15"), (10000, "10000"), (1e-5, "1e-5")])
def test_values_as_they_are_shown(value: float, text: str) -> None:
    assert value_text(value) == text
