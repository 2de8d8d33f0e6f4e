"""Lines of Chinese and Latin: what may begin and end one, how wide it is, and that nothing is lost."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from rich.cells import cell_len
from rich.text import Text
from textual.content import Content

from tui.text.layout import (
    CLOSING,
    OPENING,
    SPACES,
    clip,
    fit,
    graphemes,
    line_spans,
    may_break,
    pad,
    wrap,
    wrap_styled,
)

SIGNS = [*"我今天看见一只猫在睡觉的注意力，。、；：？！（）《》“”「」—…abcXYZ019 .-,()[]%✓😀", "e\u0301", "👩\u200d👧"]
texts = st.lists(st.sampled_from(SIGNS), max_size=80).map("".join)
widths = st.integers(min_value=2, max_value=40)


def permitted(text: str) -> set[int]:
    """Where a line may break, found from the pairs of graphemes alone."""
    signs, places, offset = graphemes(text), set(), 0
    for before, after in itertools.pairwise(signs):
        offset += len(before)
        if may_break(before[0], after[0]):
            places.add(offset)
    return places


def unit_around(text: str, cut: int) -> str:
    """The piece without a permitted break that ``cut`` lies in."""
    edges = sorted({0, len(text), *permitted(text)})
    return text[max(edge for edge in edges if edge <= cut) : min(edge for edge in edges if edge > cut)].rstrip(" ")


@given(texts, widths)
def test_no_line_is_wider_than_the_width(text: str, width: int) -> None:
    assert all(cell_len(line) <= width for line in wrap(text, width))


@given(texts, widths)
@example("缩放是为了“稳住方差”，否则", 10)
def test_only_spaces_are_lost(text: str, width: int) -> None:
    end = 0
    for start, stop in line_spans(text, width):
        assert set(text[end:start]) <= SPACES
        end = stop
    assert set(text[end:]) <= SPACES


@given(texts, widths)
@example("词元，权重", 4)
@example("（词元）", 4)
def test_a_break_is_permitted_or_its_piece_is_wider_than_a_line(text: str, width: int) -> None:
    for _, cut in line_spans(text, width)[:-1]:
        if cut < len(text) and text[cut] not in SPACES:
            assert cut in permitted(text) or cell_len(unit_around(text, cut)) > width


@given(texts, widths)
def test_no_line_begins_with_closing_or_ends_with_opening_punctuation(text: str, width: int) -> None:
    spans = line_spans(text, width)
    for (_, before_end), (after_start, _) in itertools.pairwise(spans):
        if before_end == after_start and cell_len(unit_around(text, before_end)) <= width:
            assert text[after_start] not in CLOSING
            assert text[before_end - 1] not in OPENING


@given(texts, widths)
def test_a_line_is_as_long_as_it_can_be(text: str, width: int) -> None:
    """The next piece would not have fitted: no line is broken too early."""
    spans = line_spans(text, width)
    for (start, end), (following, _) in itertools.pairwise(spans):
        if following in permitted(text):
            stop = min(edge for edge in {len(text), *permitted(text)} if edge > following)
            assert cell_len(text[start:stop].rstrip(" ")) > width, (text[start:end], text[following:stop])


@given(texts)
def test_graphemes_are_never_cut(text: str) -> None:
    signs = graphemes(text)
    assert "".join(signs) == text
    edges = {sum(map(len, signs[:count])) for count in range(len(signs) + 1)}
    assert all(start in edges and end in edges for start, end in line_spans(text, 2))


@pytest.mark.parametrize(
    ("text", "width", "lines"),
    [
        ("注意力，机制", 6, ["注意", "力，机", "制"]),  # Rich lets the second line begin with the comma
        ("看（猫）睡", 4, ["看", "（猫", "）睡"]),  # （猫） is 6 cells wide: cut, since it must go somewhere
        ("softmax 的归一化", 9, ["softmax", "的归一化"]),
        ("梯度——消失……了", 7, ["梯度——", "消失……", "了"]),
        ("占 61 % ✓ 的行", 6, ["占", "61 % ✓", "的行"]),  # a number keeps its sign and its tick
        ("abcdefgh", 3, ["abc", "def", "gh"]),
        ("", 5, [""]),
        ("一行\n\n两行", 8, ["一行", "", "两行"]),
        ("  缩进", 8, ["  缩进"]),
        ("d\u00a0k 宽", 4, ["d\u00a0k", "宽"]),
    ],
)
def test_lines_by_hand(text: str, width: int, lines: list[str]) -> None:
    assert wrap(text, width) == lines


def test_a_width_of_nothing_is_an_error() -> None:
    with pytest.raises(ValueError, match="at least 1 cell; got 0"):
        line_spans("字", 0)


@given(texts, widths)
def test_styled_text_is_cut_where_plain_text_is(text: str, width: int) -> None:
    rich = Text(text)
    rich.stylize("bold", 1, 5)
    assert [line.plain for line in wrap_styled(rich, width)] == wrap(text, width)
    content = Content(text).stylize("bold", 1, 5)
    assert [line.plain for line in wrap_styled(content, width)] == wrap(text, width)


def test_each_line_keeps_its_styles() -> None:
    text = Text.assemble("你好，", ("世界很大", "bold"), "再见")
    lines = wrap_styled(text, 8)
    assert [line.plain for line in lines] == ["你好，世", "界很大再", "见"]
    assert [[(span.start, span.end) for span in line.spans] for line in lines] == [[(3, 4)], [(0, 3)], []]


@given(texts.filter(lambda text: text.isprintable()), st.integers(min_value=0, max_value=20))
def test_padding_gives_exactly_the_width(text: str, width: int) -> None:
    for align in ("left", "right", "center"):
        assert cell_len(pad(text, width, align)) == width
    assert cell_len(fit(text, width)) <= width


@pytest.mark.parametrize(
    ("text", "width", "fitted"),
    [
        ("注意力机制", 10, "注意力机制"),
        ("注意力机制", 7, "注意力⋯"),
        ("注意力", 2, "⋯"),
        ("词\n元", 6, "词\\n元"),
        ("x", 0, ""),
    ],
)
def test_fitting_by_hand(text: str, width: int, fitted: str) -> None:
    assert fit(text, width) == fitted


@given(texts, st.integers(min_value=2, max_value=20), st.integers(min_value=1, max_value=3))
def test_clipping_keeps_whole_lines_of_a_width(text: str, width: int, most: int) -> None:
    lines = clip(text, width, most)
    assert 1 <= len(lines) <= most and max(map(cell_len, lines)) <= width
    if lines != wrap(text, width):
        assert lines[:-1] == wrap(text, width)[: most - 1] and lines[-1].endswith("⋯")


def test_clipping_cuts_no_number_in_two() -> None:
    assert clip("变多少 -3.32441e-7", 12, 1) == ["变多少⋯"]
    assert clip("weight 0.5, rank 1 of 2", 12, 2) == ["weight 0.5,", "rank 1 of 2"]
