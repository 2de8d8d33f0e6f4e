"""The Markdown of the bank as plain text: no marks to hear or to read over, numbers said with what holds them."""

from __future__ import annotations

import re
from collections.abc import Callable

from questions.spans import CodeSpan, NumberSpan, parse
from tui.text_layout import is_ideographic

_LINK = re.compile(r"\[([^\[\]\n]*)\]\((https?://[^()\s]*)\)")
_STRONG = re.compile(r"(\*\*|__)(?=\S)(.+?)(?<=\S)\1", re.DOTALL)
_EMPHASIS = re.compile(r"(?<![\w*])\*(?=[^\s*])([^*\n]+?)(?<=[^\s*])\*(?![\w*])")
_HEADING = re.compile(r"^ {0,3}#{1,6} +", re.MULTILINE)
_ESCAPED = re.compile(r"\\([!-/:-@\[-`{-~])")
_OWN_LINE = re.compile(r"^\s*(?:[-*+] |\d{1,3}[.)] |>|\|)")  # list items, quotes, table rows
_HARD_BREAK = re.compile(r"(?: {2,}|\\)$")
_CODE = "\x00{}\x00"  # where code stands while the marks around it are taken away; no text of the bank holds a NUL
_CODE_PLACE = re.compile("\x00(\\d+)\x00")


def plain_text(markdown: str, say_number: Callable[[NumberSpan], str]) -> str:
    """``markdown`` as paragraphs of one line each, code blocks indented as they are; ``say_number`` says a number."""
    kept: list[str] = []
    text = ""
    for span in parse(markdown):
        if isinstance(span, NumberSpan):
            kept.append(say_number(span))
        elif isinstance(span, CodeSpan):
            kept.append(_block(span.text) if span.block else span.text.strip("`").strip() or span.text)
        else:
            text += span.text
            continue
        text += ("\n{}\n" if isinstance(span, CodeSpan) and span.block else "{}").format(_CODE.format(len(kept) - 1))
    text = _HEADING.sub("", _LINK.sub(r"\1 (\2)", text))
    text = _EMPHASIS.sub(r"\1", _STRONG.sub(r"\2", text))
    text = _join_lines(_ESCAPED.sub(r"\1", text))
    return _CODE_PLACE.sub(lambda match: kept[int(match[1])], text).strip("\n")


def written(span: NumberSpan) -> str:
    """A number as a reader sees it where nothing has run: a paper's with the number of its source."""
    if span.kind == "source":
        return f"{span.written} [{span.target}]"
    return f"{span.written} ({span.target})" if span.kind == "card" else span.written


def _block(text: str) -> str:
    lines = text.strip("\n").split("\n")[1:]
    if lines and re.fullmatch(r"\s*(?:`{3,}|~{3,})\s*", lines[-1]):
        lines.pop()
    return "\n".join("    " + line for line in lines)


def _join_lines(text: str) -> str:
    """Soft line ends within a paragraph become a space, or nothing beside Chinese."""
    lines: list[str] = []
    joinable = False
    for line in text.split("\n"):
        bare = line.strip()
        stands_alone = not bare or bool(_OWN_LINE.match(line)) or bool(_CODE_PLACE.fullmatch(bare))
        if joinable and not stands_alone:
            before = lines[-1].rstrip()
            beside_chinese = is_ideographic(before[-1]) or is_ideographic(bare[0])
            lines[-1] = before + ("" if beside_chinese else " ") + bare
        elif bare or (lines and lines[-1]):
            lines.append(line.rstrip() if stands_alone else bare)
        joinable = bool(bare) and not _CODE_PLACE.fullmatch(bare) and not _HARD_BREAK.search(line)
    return "\n".join(_HARD_BREAK.sub("", line) for line in lines)
