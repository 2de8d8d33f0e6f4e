"""The Markdown of the bank as plain text: no marks to hear or to read over, numbers said with what holds them."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING

from tui.language.harmless import as_written
from tui.text.layout import CLOSING, is_ideographic

if TYPE_CHECKING:
    from questions.spans import NumberSpan

_PLAIN = re.compile(r"\w[^\\*_`\[\n]*")  # a line in which nothing is marked
_LINK = re.compile(r"\[([^\[\]\n]*)\]\((https?://[^()\s]*)\)")
_STRONG = re.compile(r"(\*\*|__)(?=\S)((?:(?!\1).)+)(?<=\S)\1", re.DOTALL)  # up to the next mark: linear
_EMPHASIS = re.compile(r"(?<![\w*])\*(?=[^\s*])([^*\n]+?)(?<=[^\s*])\*(?![\w*])")
_HEADING = re.compile(r"^ {0,3}#{1,6} +")
_ESCAPED = re.compile(r"\\([!-/:-@\[-`{-~])")
_OWN_LINE = re.compile(r"^\s*(?:[-*+] |\d{1,3}[.)] |>|\|)")  # list items, quotes, table rows
_HARD_BREAK = re.compile(r"(?: {2,}|\\)$")
_TABLE = re.compile(r"^ *\|(.+)\| *\n *\|(?: *:?-+:? *\|)+ *\n((?: *\|.*\| *(?:\n|$))+)", re.MULTILINE)
_LATIN = frozenset(",.;:?!)]}%")
# Where code, numbers and escaped signs stand while the marks are taken away; no text of the bank holds these signs.
_KEPT, _KEPT_BLOCK = "\x00{}\x00", "\x01{}\x01"
_PLACE = re.compile("[\x00\x01](\\d+)[\x00\x01]")


def as_title(markdown: str) -> str:
    """A question in one plain line, as a title, in a list, in the palette: no marks, numbers as they are written."""
    if _PLAIN.fullmatch(markdown) and not _OWN_LINE.match(markdown):
        return " ".join(markdown.split())
    return " ".join(plain_text(markdown, lambda span: span.written).split())


def plain_text(markdown: str, say_number: Callable[[NumberSpan], str]) -> str:
    """``markdown`` as paragraphs of one line each, code blocks indented as they are; ``say_number`` says a number."""
    from questions.spans import CodeSpan, NumberSpan, parse  # patterns that a plain title needs none of

    kept: list[str] = []

    def keep(text: str, place: str = _KEPT) -> str:
        kept.append(text)
        return place.format(len(kept) - 1)

    text = ""
    for span in parse(markdown):
        if isinstance(span, NumberSpan):
            text += keep(say_number(span))
        elif isinstance(span, CodeSpan):
            bare = span.text.strip("`").strip() or span.text
            text += keep(_block(span.text), _KEPT_BLOCK) if span.block else keep(bare)
        else:
            text += _ESCAPED.sub(lambda match: keep(match[1]), span.text)
    text = _EMPHASIS.sub(r"\1", _STRONG.sub(r"\2", _LINK.sub(r"\1 (\2)", text)))
    text = _TABLE.sub(_as_list, text)
    return _PLACE.sub(lambda match: kept[int(match[1])], _join_lines(text)).strip("\n")


def written(span: NumberSpan) -> str:
    """A number as a reader sees it where nothing has run: a paper's with the number of its source."""
    if span.kind == "source":
        return f"{span.written} [{span.target}]"
    return f"{span.written} ({span.target})" if span.kind == "card" else span.written


def readable(markdown: str) -> str:
    """The Markdown with its number links read out and no tag or picture in it: for a page on which nothing measures
    them, and which whoever reads it may open in anything."""
    from questions.spans import CodeSpan, NumberSpan, parse

    said = ""
    for span in parse(markdown):
        if isinstance(span, NumberSpan):
            said += written(span)
        else:
            said += span.text if isinstance(span, CodeSpan) else as_written(span.text)
    return said


def _as_list(table: re.Match[str]) -> str:
    """A table's rows as list items that say each cell's column, so that they can be read at any width and aloud."""
    corner, *columns = _cells(table[1])
    chinese = any(map(is_ideographic, table[0]))
    dash, colon, semicolon = ("——", "：", "；") if chinese else (" – ", ": ", "; ")
    items = [f"{corner}{colon}".rstrip()] if corner else []
    for row in table[2].strip().split("\n"):
        first, *values = _cells(row.strip()[1:-1])
        said = semicolon.join(f"{name}{colon}{value}" for name, value in zip(columns, values, strict=False))
        items.append(f"- {first}{dash}{said}" if said else f"- {first}")
    return "\n".join(items) + "\n"


def _cells(row: str) -> list[str]:
    return [cell.strip() for cell in row.split("|")]


def _block(text: str) -> str:
    lines = text.strip("\n").split("\n")[1:]
    if lines and re.fullmatch(r"\s*(?:`{3,}|~{3,})\s*", lines[-1]):
        lines.pop()
    return "\n".join("    " + line for line in lines)


def _join_lines(text: str) -> str:
    """Soft line ends within a paragraph become a space, or nothing between Chinese."""
    lines: list[str] = []
    joinable = False
    for line in text.split("\n"):
        bare = line.strip()
        is_heading = bool(_HEADING.match(line))
        is_code = bare.startswith("\x01")
        stands_alone = not bare or is_heading or is_code or bool(_OWN_LINE.match(line))
        if joinable and not stands_alone:
            before = lines[-1].rstrip()
            lines[-1] = before + _between(before[-1], bare[0]) + bare
        elif bare or (lines and lines[-1]):
            lines.append(_HEADING.sub("", line).rstrip() if stands_alone else bare)
        joinable = bool(bare) and not (is_heading or is_code or _HARD_BREAK.search(line))
    return "\n".join(_HARD_BREAK.sub("", line) for line in lines)


def _between(before: str, after: str) -> str:
    """What a soft line end between two characters stands for."""
    if before in CLOSING - _LATIN or after in CLOSING - _LATIN:
        return ""
    return "" if is_ideographic(before) and is_ideographic(after) else " "
