"""Colour maps: their ends, their order in grey, and that text on them can be read."""

from __future__ import annotations

import itertools

import pytest

from tui.figures.colours import (
    CIVIDIS,
    DIVERGING_DARK,
    DIVERGING_LIGHT,
    GREY,
    VIRIDIS,
    ColourMap,
    ink_on,
    level_of,
    luminance,
)


@pytest.mark.parametrize(
    ("colours", "first", "last"),
    [  # matplotlib 3.10: colormaps[name](0.0) and (1.0)
        (VIRIDIS, (68, 1, 84), (253, 231, 37)),
        (CIVIDIS, (0, 34, 78), (254, 232, 56)),
        (DIVERGING_DARK, (158, 176, 255), (255, 173, 173)),
        (DIVERGING_LIGHT, (5, 48, 97), (103, 0, 31)),
    ],
)
def test_ends(colours: ColourMap, first: tuple[int, int, int], last: tuple[int, int, int]) -> None:
    assert (colours.at(0.0), colours.at(1.0)) == (first, last)


def test_the_middle_of_viridis() -> None:
    assert max(abs(a - b) for a, b in zip(VIRIDIS.at(0.5), (33, 145, 140), strict=True)) <= 2  # matplotlib at 0.5


@pytest.mark.parametrize("colours", [VIRIDIS, CIVIDIS, GREY])
def test_luminance_only_rises_so_that_grey_keeps_the_order(colours: ColourMap) -> None:
    lights = [luminance(colour) for colour in colours.levels]
    assert all(after >= before - 0.003 for before, after in itertools.pairwise(lights))
    assert lights[-1] - lights[0] > 0.6


@pytest.mark.parametrize("colours", [VIRIDIS, CIVIDIS, GREY, DIVERGING_DARK, DIVERGING_LIGHT])
def test_ink_has_the_contrast_that_text_needs(colours: ColourMap) -> None:
    for colour in colours.levels:
        light, dark = sorted((luminance(colour), luminance(ink_on(colour))), reverse=True)
        assert (light + 0.05) / (dark + 0.05) >= 4.5  # WCAG 2.2, AA


def test_zero_is_the_quiet_colour_of_its_background() -> None:
    assert luminance(DIVERGING_DARK.at(0.5)) < 0.02
    assert luminance(DIVERGING_LIGHT.at(0.5)) > 0.9


@pytest.mark.parametrize(
    ("fraction", "level"), [(-1.0, 0), (0.0, 0), (0.5, 128), (1.0, 255), (7.0, 255), (float("nan"), 0)]
)
def test_levels_are_clamped(fraction: float, level: int) -> None:
    assert level_of(fraction) == level
