"""The bank's Markdown as lines: what is bold, how lists hang, what links become, and that nothing else is markup."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.cells import cell_len
from rich.text import Text

from tui.figures import markdown
from tui.figures.look import PLAIN, Look
from tui.figures.markdown import markdown_lines

LOOK = Look(strong="bold", accent="cyan")


def plain(text: str, width: int = 40) -> list[str]:
    return [line.plain for line in markdown_lines(text, width, LOOK)]


def styled(text: str, style: str, width: int = 40) -> list[str]:
    """The pieces of ``text`` that have ``style``."""
    lines = markdown_lines(text, width, LOOK)
    return [line.plain[span.start : span.end] for line in lines for span in line.spans if style in str(span.style)]


@pytest.mark.parametrize(
    ("source", "bold"),
    [
        ("**先说结论。**再写公式", ["先说结论。"]),  # CommonMark leaves the stars standing
        ("这是**“缩放”**的作用", ["“缩放”"]),
        ("a **b** c", ["b"]),
        ("2 ** 3 ** 4", []),
        ("__init__ 和 snake_case_word", ["init"]),
    ],
)
def test_bold_in_chinese(source: str, bold: list[str]) -> None:
    assert styled(source, "bold") == bold


def test_italics_and_code() -> None:
    assert styled("*除以* `√d_k`", "italic") == ["除以"]
    assert styled("*除以* `√d_k`", "cyan") == ["√d_k"]


def test_a_line_break_between_ideographs_is_nothing() -> None:
    assert plain("方差\n回到 1\nthen\nstop") == ["方差回到 1 then stop"]


def test_lists_hang_and_nest() -> None:
    source = "9. 打分，一句很长很长的话要折行\n10. 缩放\n    - 子项也很长很长很长很长很长\n"
    assert plain(source, 20) == [
        " 9. 打分，一句很长很",
        "    长的话要折行",
        "10. 缩放",
        "    • 子项也很长很长",
        "      很长很长很长",
    ]


def test_loose_lists_have_blank_lines() -> None:
    assert plain("- 一\n\n- 二") == ["• 一", "", "• 二"]


def test_fenced_code_keeps_its_spaces_and_is_never_cut_off() -> None:
    assert plain("```\nVar(q·k) =  d_k\n```", 40) == ["  Var(q·k) =  d_k"]
    assert "".join(line.strip() for line in plain("```\n" + "很长的公式" * 9 + "\n```", 20)) == "很长的公式" * 9


def test_tables_wrap_their_cells_and_align_by_cells() -> None:
    lines = plain("| 模型 | 个数 |\n|:--|--:|\n| base | 65 |\n| 大 | 213 |", 40)
    assert lines == ["模型  个数", "────  ────", "base    65", "大     213"]


def test_what_is_no_markdown_is_left_alone() -> None:
    assert plain("[/] [red]x[/red] <b>y</b>") == ["[/] [red]x[/red] <b>y</b>"]


def test_a_link_is_what_the_callback_says() -> None:
    seen = []

    def link(href: str, text: str) -> Text:
        seen.append((href, text))
        return Text(f"{text} ✓", "green")

    lines = markdown_lines("有 [61 %](check:saturated-rows) 的行，[0.93](card:reverse-gru/accuracy@40)", 60, LOOK, link)
    assert seen == [("check:saturated-rows", "61 %"), ("card:reverse-gru/accuracy@40", "0.93")]
    assert lines[0].plain == "有 61 % ✓ 的行，0.93 ✓"


def test_headings_quotes_and_rules() -> None:
    assert plain("## 标题\n\n> 引用\n\n---", 6) == ["标题", "", "> 引用", "", "──────"]


@settings(max_examples=60, deadline=None)
@given(st.text(alphabet="我，。（）*_`#-|>1. \n[]()!\\abc", max_size=80), st.integers(min_value=1, max_value=30))
def test_any_text_is_drawn_within_the_width(text: str, width: int) -> None:
    for line in markdown_lines(text, width, PLAIN):
        assert cell_len(line.plain) <= max(width, 1)


@given(st.text(alphabet="我a，。b`*_ <&[1.\u3000#-", max_size=40), st.integers(min_value=1, max_value=30))
def test_a_line_without_marks_needs_no_parser_and_reads_the_same(text: str, width: int) -> None:
    if markdown._plain(text, LOOK) is None:
        return
    with pytest.MonkeyPatch.context() as patch:
        quick = markdown_lines(text, width, LOOK)
        patch.setattr(markdown, "_plain", lambda text, look: None)
        parsed = markdown_lines(text, width, LOOK)
    assert [(line.plain, line.spans) for line in quick] == [(line.plain, line.spans) for line in parsed]


def test_choices_and_their_code_need_no_parser() -> None:
    for text in ("没有定义", "第 2 行和第 5 行对调，数值不变", "Rows `2` and `5` swap, a_b is not code"):
        assert (markdown._plain(text, LOOK) is not None) == ("a_b" not in text), text
