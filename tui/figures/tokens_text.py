"""Strips of tokens as lines of text: each token on its color, a word under it, on as many lines as it takes."""

from __future__ import annotations

import math
from collections.abc import Sequence

from rich.cells import cell_len
from rich.style import Style
from rich.text import Text

from questions.bilingual import Language, say
from tui.figures.data import TokenRow, Tokens
from tui.figures.heatmap_paint import Painter
from tui.figures.look import Look
from tui.figures.numbers import short
from tui.text.layout import fit, pad, visible, wrap


def tokens_lines(figure: Tokens, language: Language, width: int, look: Look) -> list[Text]:
    """Title, then each strip: its label, its tokens, what is marked under them."""
    lines = [Text(line, style=look.title) for line in wrap(say(figure.title, language), width)]
    labels = [visible(say(strip.label, language)) for strip in figure.strips]
    column = min(max(map(cell_len, labels), default=0), max(width // 4, 1))
    for strip, label in zip(figure.strips, labels, strict=True):
        lines += strip_lines(strip, pad(label, column, "right", look.glyphs.ellipsis), width, look)
    return lines


def strip_lines(strip: TokenRow, label: str, width: int, look: Look) -> list[Text]:
    """One strip; its label stands before its first line."""
    indent = cell_len(label) + 1
    room = max(width - indent, 1)
    below = _below(strip, look)
    shown = [fit(visible(token), room, look.glyphs.ellipsis) or " " for token in strip.tokens]
    widths = [min(max(cell_len(token), *(cell_len(row[at]) for row in below)), room) for at, token in enumerate(shown)]
    lines: list[Text] = []
    for first, last in _pack(widths, room):
        line = Text.assemble((label if not lines else " " * (indent - 1), look.dim), " ")
        for at in range(first, last):
            line.append(" " if at > first else "")
            line.append(pad(shown[at], widths[at], "center"), _token_style(strip.values, at, look))
        lines.append(line)
        for row in below:
            words = " ".join(pad(row[at], widths[at], "center", look.glyphs.ellipsis) for at in range(first, last))
            if words.strip():
                lines.append(Text(" " * indent + words.rstrip(), style=look.dim))
    return lines or [Text(label, style=look.dim)]


def _below(strip: TokenRow, look: Look) -> list[Sequence[str]]:
    """The rows of words under the tokens: the marks, and the values where color does not show them."""
    rows: list[Sequence[str]] = [[""] * len(strip.tokens)]
    if strip.marks is not None:
        rows = [[visible(mark) for mark in strip.marks]]
    if strip.values is not None and (not look.color or any(not math.isfinite(value) for value in strip.values)):
        rows.append([short(value, 2) for value in strip.values])
    return rows


def _pack(widths: Sequence[int], room: int) -> list[tuple[int, int]]:
    """Which tokens stand on each line."""
    lines: list[tuple[int, int]] = []
    first, used = 0, 0
    for at, wide in enumerate(widths):
        needed = wide + (1 if at > first else 0)
        if at > first and used + needed > room:
            lines.append((first, at))
            first, used, needed = at, 0, wide
        used += needed
    if widths:
        lines.append((first, len(widths)))
    return lines


def _token_style(values: Sequence[float] | None, at: int, look: Look) -> Style | str:
    if values is None:
        return "reverse" if look.color else ""
    return Painter("attention", (0.0, 1.0), look, 1).cell(float(values[at]))[1]
