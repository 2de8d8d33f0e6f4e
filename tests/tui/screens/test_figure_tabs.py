"""Tabs bear names at any width: whole titles, else short names, and these cut where even they do not fit."""

from __future__ import annotations

from rich.cells import cell_len

from tui.screens.figure_tabs import _names

TITLES = ["Rows that saturate, by d_k", "Entropy of attention", "Steps"]
SHORT = ["saturation", "entropy", "Steps"]


def test_titles_where_they_fit_else_short_names_and_the_title_in_front_if_that_fits() -> None:
    assert _names(TITLES, SHORT, 0, 60) == TITLES
    assert _names(TITLES, SHORT, 0, 40) == [TITLES[0], "entropy", "Steps"]
    assert _names(TITLES, SHORT, 0, 30) == SHORT


def test_the_longest_give_way_and_the_one_in_front_last() -> None:
    names = _names(TITLES, SHORT, 1, 18)
    assert sum(map(cell_len, names)) <= 18 and names[1] == "entropy" and names[0].startswith("satu")
