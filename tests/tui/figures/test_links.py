"""Lines between tokens: where they begin and end, how thick they are, what a token says."""

from __future__ import annotations

import math

import numpy as np
import pytest

from tests.tui.figures.examples import LINKS
from tui.figures.data import Links
from tui.figures.links_text import COLUMNS, MOST_TOKENS, ROWS, LinksLines, links_reading, strongest
from tui.figures.look import ASCII, PLAIN, Look


def lines(figure: Links, **options: object) -> list[str]:
    made = LinksLines(figure, "en", 60, PLAIN, **options)  # type: ignore[arg-type]
    return [line.plain for line in made.lines[made.head :]]


def dots(line: str) -> int:
    return sum((ord(sign) - 0x2800).bit_count() for sign in line if 0x2800 <= ord(sign) < 0x2900)


def one(value: float, tokens: int = 1) -> Links:
    return Links("t", ["a"] * tokens, ["b"] * tokens, np.full((1, tokens), value) if tokens == 1 else np.eye(tokens))


@pytest.mark.parametrize(("thin", "thick"), [(0.05, 0.2), (0.2, 0.5), (0.5, 0.9)])
def test_a_larger_weight_is_a_thicker_line_without_color(thin: float, thick: float) -> None:
    assert 0 < dots(lines(one(thin))[0]) < dots(lines(one(thick))[0])


def test_nothing_is_drawn_for_next_to_nothing() -> None:
    assert dots(lines(one(0.01))[0]) == 0


def test_a_line_goes_from_its_row_to_its_column() -> None:
    falling = lines(Links("t", list("abcd"), list("wxyz"), np.eye(4)[[3, 3, 3, 3]] * np.eye(4)[0][:, None]))
    marks = [[at for at, sign in enumerate(line) if ord(sign) > 0x2800] for line in falling]
    assert all(marks), "the line from a to z passes every row"
    assert [min(each) for each in marks] == sorted(min(each) for each in marks)
    assert falling[0].split()[0] == "a" and falling[3].split()[-1] == "z"


def test_of_a_chosen_token_its_lines_alone_are_drawn_with_their_values() -> None:
    drawn = lines(LINKS, chosen=(1, ROWS))
    assert dots(drawn[0]) < dots(drawn[1])
    assert [line.split()[-1] for line in drawn] == [".00", ".25", ".75"]
    into = lines(LINKS, chosen=(0, COLUMNS))
    assert [line.split()[0] for line in into[:2]] == [".90", ".00"]


@pytest.mark.parametrize("look", [PLAIN, Look(color=False, glyphs=ASCII)], ids=["narrow", "ascii"])
def test_where_no_lines_can_be_drawn_each_token_has_its_strongest(look: Look) -> None:
    made = LinksLines(LINKS, "en", 60 if look.glyphs.ascii else 24, look)
    said = [line.plain.split(maxsplit=2)[2] for line in made.lines[made.head :]]
    assert said[0].startswith("我 0.9") and said[1].startswith("猫 0.75")


def test_a_thicket_is_listed_until_a_token_is_chosen() -> None:
    many = one(1.0, MOST_TOKENS)
    assert dots("".join(lines(many))) == 0
    assert dots("".join(lines(many, chosen=(3, ROWS)))) > 0


def test_a_reading_has_the_weights_their_sum_and_their_entropy() -> None:
    bits = -(0.25 * math.log2(0.25) + 0.75 * math.log2(0.75))
    said = links_reading(LINKS, 1, ROWS, "en")
    assert said == f"query 3 (2) → 猫 0.75, 看见 0.25; sum 1, entropy {bits:.3g} bits"
    assert links_reading(LINKS, 2, COLUMNS, "zh") == "键 猫 (第 3 个) ← 3 0.75；共 0.75"


def test_the_strongest_come_first_and_of_equals_the_first() -> None:
    assert strongest([0.2, 0.5, 0.2, 0.01, 0.09]) == [(0.5, 1), (0.2, 0), (0.2, 2), (0.09, 4)]


@pytest.mark.parametrize("tall", [1, 2, 3])
def test_a_token_is_found_where_it_is_drawn(tall: int) -> None:
    made = LinksLines(LINKS, "en", 60, PLAIN, tall=tall)
    for place in range(3):
        y = made.head + place * tall
        assert made.token_at(59, y) == (place, COLUMNS)
        assert made.token_at(1, y) == ((place, ROWS) if place < 2 else None)
        assert LINKS.columns[place] in made.lines[y].plain
