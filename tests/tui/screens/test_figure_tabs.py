"""Tabs bear names at any width; where not all fit, the longest give way first and the one in front last."""

from __future__ import annotations

from rich.cells import cell_len

from tui.screens.figure_tabs import fitted

NAMES = ["saturation", "entropy", "步骤"]


def test_names_are_whole_where_they_fit() -> None:
    assert fitted(NAMES, 0, 21) == NAMES


def test_the_longest_give_way_and_the_one_in_front_last() -> None:
    for front in range(3):
        names = fitted(NAMES, front, 16)
        assert sum(map(cell_len, names)) <= 16
        assert (names[front] == NAMES[front]) == (front > 0)  # the longest has to, even in front
    assert fitted(NAMES, 1, 16)[0].startswith("sat")
