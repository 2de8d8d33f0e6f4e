"""Markdown to text that can be read aloud."""

from __future__ import annotations

import pytest

from tui.text.plain_text import as_title, plain_text, written


@pytest.mark.parametrize(
    ("markdown", "plain"),
    [
        ("**bold** and *slanted* and `code`", "bold and slanted and code"),
        ("a * b * c and 2*3*4 stay", "a * b * c and 2*3*4 stay"),
        ("snake_case_name and __strong__", "snake_case_name and strong"),
        ("`**kwargs` keeps its stars", "**kwargs keeps its stars"),
        ("one\ntwo", "one two"),
        ("第一行，\n第二行", "第一行，第二行"),
        ("Q 与\nK 相乘；\nV 不变", "Q 与 K 相乘；V 不变"),
        ("结果是\n`x`，\n`y`", "结果是 x，y"),
        ("one\n\ntwo", "one\n\ntwo"),
        ("list:\n- a\n  goes on\n- b\n1. c", "list:\n- a goes on\n- b\n1. c"),
        ("hard  \nbreak", "hard\nbreak"),
        ("# Title\ntext\nmore", "Title\ntext more"),
        ("see [the paper](https://arxiv.org/abs/1706.03762)", "see the paper (https://arxiv.org/abs/1706.03762)"),
        (r"escaped \*stars\*", "escaped *stars*"),
        ("[61 %](check:rows) of [28.4](source:2), [0.93](card:gru/accuracy)", "61 % of 28.4 [2], 0.93 (gru/accuracy)"),
        ("**[6](check:x)**", "6"),
        (
            "before\n\n```python\nx = [1](check:a)\n  **y**\n```\nafter",
            "before\n\n    x = [1](check:a)\n      **y**\nafter",
        ),
        (
            "before\n\n| n | cost | of |\n|---|:--|--:|\n| `d/h` | [4](check:x) | a |\n| **d** | 8 | b |\n\nafter",
            "before\n\nn:\n- d/h – cost: 4; of: a\n- d – cost: 8; of: b\n\nafter",
        ),
        ("| | 按字 | 按词 |\n|---|---|---|\n| 序列 | 最长 | 最短 |", "- 序列——按字：最长；按词：最短"),
        ("a | b\n| no table |", "a | b\n| no table |"),
        ("", ""),
        ("user's [/] and {braces}", "user's [/] and {braces}"),
    ],
)
def test_marks_go_and_words_stay(markdown: str, plain: str) -> None:
    assert plain_text(markdown, written) == plain


def test_each_number_is_said_by_the_one_who_knows() -> None:
    said = plain_text("about [61 %](check:rows).", lambda span: f"<{span.target}={span.written}>")
    assert said == "about <rows=61 %>."


def test_a_title_is_one_line_without_marks() -> None:
    assert as_title("Why mask `15 %`, and **why** [0.93](card:dates/x)?\nSo?") == "Why mask 15 %, and why 0.93? So?"


@pytest.mark.parametrize("piece", ["_a __b ", "**a ", "__a_ ", "*a ", "a** ", "**", "| a ", "| a\n"])
def test_marks_that_never_close_cost_no_more_than_their_length(piece: str) -> None:
    """With a pattern that looks to the end for each of them, this would take minutes."""
    text = piece * 50_000
    assert as_title(text).startswith(piece.split()[0][:1])
