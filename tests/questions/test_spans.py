"""Texts taken apart: plain, code and linked numbers."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from questions.spans import CodeSpan, NumberSpan, PlainSpan, numbers, parse
from tests.questions.effort import is_linear


def test_the_three_kinds_of_link():
    text = "约 [61 ± 5 %](check:saturated-rows)，论文 [28.4](source:1)，训练 [0.93](card:reverse-gru/accuracy@40)。"
    found = numbers(text)
    assert [(span.kind, span.target, span.written) for span in found] == [
        ("check", "saturated-rows", "61 ± 5 %"),
        ("source", "1", "28.4"),
        ("card", "reverse-gru/accuracy@40", "0.93"),
    ]
    assert all(text[span.start : span.start + len(span.text)] == span.text for span in found)
    assert found[0].quantity.agrees(0.64) and not found[0].quantity.agrees(0.7)


@pytest.mark.parametrize(
    "text",
    [
        "`[61 %](check:a)`",
        "``a ` [61 %](check:a)``",
        "```\n[61 %](check:a)\n```",
        "~~~ text\n[61 %](check:a)",
        "[most](check:a)",
        "[61 %](chek:a)",
        "[61 %](https://example.org)",
        "[61 %] (check:a)",
    ],
)
def test_no_number_link_here(text):
    assert numbers(text) == ()


def test_code_spans_and_blocks():
    spans = parse("a `b` c\n```py\nd\n```\ne `f")
    assert [type(span) for span in spans] == [PlainSpan, CodeSpan, PlainSpan, CodeSpan, PlainSpan]
    assert [span.block for span in spans if isinstance(span, CodeSpan)] == [False, True]


@given(st.text(alphabet="`~[]()check:1 %\n\\ab", max_size=80))
def test_the_spans_put_together_are_the_text(text):
    spans = parse(text)
    assert "".join(span.text for span in spans) == text
    assert all(text.startswith(span.text, span.start) for span in spans)
    assert all(isinstance(span, PlainSpan | CodeSpan | NumberSpan) for span in spans)


@pytest.mark.parametrize("piece", ["`", "``a`", "[", "[1](check:a) ", "```\n", "~~~ x\n", "`a` "])
def test_the_work_grows_with_the_length(piece):
    assert is_linear(parse, piece)
