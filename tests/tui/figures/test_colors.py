"""Color maps: their ends, their order in gray, and that text on them can be read."""

from __future__ import annotations

import itertools

import pytest

from tui.figures.colors import (
    CIVIDIS,
    DIVERGING_DARK,
    DIVERGING_LIGHT,
    GRAY,
    VIRIDIS,
    ColorMap,
    ink_on,
    level_of,
    luminance,
)


@pytest.mark.parametrize(
    ("colors", "first", "last"),
    [  # matplotlib 3.10: colormaps[name](0.0) and (1.0)
        (VIRIDIS, (68, 1, 84), (253, 231, 37)),
        (CIVIDIS, (0, 34, 78), (254, 232, 56)),
        (DIVERGING_DARK, (158, 176, 255), (255, 173, 173)),
        (DIVERGING_LIGHT, (5, 48, 97), (103, 0, 31)),
    ],
)
def test_ends(colors: ColorMap, first: tuple[int, int, int], last: tuple[int, int, int]) -> None:
    assert (colors.at(0.0), colors.at(1.0)) == (first, last)


def test_the_middle_of_viridis() -> None:
    assert max(abs(a - b) for a, b in zip(VIRIDIS.at(0.5), (33, 145, 140), strict=True)) <= 2  # matplotlib at 0.5


@pytest.mark.parametrize("colors", [VIRIDIS, CIVIDIS, GRAY])
def test_luminance_only_rises_so_that_grey_keeps_the_order(colors: ColorMap) -> None:
    lights = [luminance(color) for color in colors.levels]
    assert all(after >= before - 0.003 for before, after in itertools.pairwise(lights))
    assert lights[-1] - lights[0] > 0.6


@pytest.mark.parametrize("colors", [VIRIDIS, CIVIDIS, GRAY, DIVERGING_DARK, DIVERGING_LIGHT])
def test_ink_has_the_contrast_that_text_needs(colors: ColorMap) -> None:
    for color in colors.levels:
        light, dark = sorted((luminance(color), luminance(ink_on(color))), reverse=True)
        assert (light + 0.05) / (dark + 0.05) >= 4.5  # WCAG 2.2, AA


def test_zero_is_the_quiet_color_of_its_background() -> None:
    assert luminance(DIVERGING_DARK.at(0.5)) < 0.02
    assert luminance(DIVERGING_LIGHT.at(0.5)) > 0.9


@pytest.mark.parametrize(
    ("fraction", "level"), [(-1.0, 0), (0.0, 0), (0.5, 128), (1.0, 255), (7.0, 255), (float("nan"), 0)]
)
def test_levels_are_clamped(fraction: float, level: int) -> None:
    assert level_of(fraction) == level
