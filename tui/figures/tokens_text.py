"""Strips of tokens as lines of text: each token on its color, a word under it, on as many lines as it takes."""

from __future__ import annotations

import math
from collections.abc import Sequence

from rich.cells import cell_len
from rich.style import Style
from rich.text import Text

from questions.bilingual import Language, say
from tui.figures.bars_text import difference
from tui.figures.data import TokenRow, Tokens
from tui.figures.heatmap_paint import Painter, legend
from tui.figures.look import Look
from tui.figures.numbers import short
from tui.text.layout import fit, pad, visible, wrap


class TokensLines:
    """The lines of strips of tokens, and where each token stands in them.

    ``cursor`` is (strip, place) of the token that is read; a token equal to ``lit``, chosen elsewhere, is marked.
    """

    def __init__(
        self,
        figure: Tokens,
        language: Language,
        width: int,
        look: Look,
        *,
        cursor: tuple[int, int] | None = None,
        lit: str = "",
    ) -> None:
        self.look, self.width, self.lit = look, width, lit
        self.lines = [Text(line, style=look.title) for line in wrap(say(figure.title, language), width)]
        self.head = len(self.lines)
        self.places: dict[tuple[int, int], tuple[int, int, int]] = {}  # line, first cell, last cell
        labels = [visible(say(strip.label, language)) for strip in figure.strips]
        column = min(max(map(cell_len, labels), default=0), max(width * 2 // 5, 1))
        for at, (strip, label) in enumerate(zip(figure.strips, labels, strict=True)):
            place = cursor[1] if cursor is not None and cursor[0] == at else None
            alike = [each for each in figure.strips if each.tokens == strip.tokens]  # these stand one under another
            self._strip(at, strip, alike, pad(label, column, "right", look.glyphs.ellipsis), place)
        if look.color and any(_graded(strip) for strip in figure.strips):
            self.lines.append(Text.assemble(" " * (column + 1), *legend(_painter(look), language, width - column - 1)))

    def _strip(self, number: int, strip: TokenRow, alike: Sequence[TokenRow], label: str, cursor: int | None) -> None:
        """One strip; its label stands before its first line."""
        look = self.look
        indent = cell_len(label) + 1
        room = max(self.width - indent, 1)
        below = _below(strip, look)
        shown = [fit(visible(token), room, look.glyphs.ellipsis) or " " for token in strip.tokens]
        rows = [row for each in alike for row in _below(each, look)]
        widths = [
            min(max(cell_len(token), *(cell_len(row[at]) for row in rows)), room) for at, token in enumerate(shown)
        ]
        first_line = True
        for first, last in _pack(widths, room):
            line = Text.assemble((label if first_line else " " * (indent - 1), look.dim), " ")
            first_line = False
            for at in range(first, last):
                chosen, same = at == cursor, bool(self.lit) and strip.tokens[at] == self.lit
                left, right = ("[", "]") if chosen else (" ", " ")
                if at > first:
                    line.append(left if chosen or at - 1 != cursor else "]", look.strong)
                elif chosen:
                    line.right_crop(1)
                    line.append(left, look.strong)
                start = cell_len(line.plain)
                style = _token_style(strip.values, at, look)
                line.append(pad(shown[at], widths[at], "center"), style)
                if same:
                    line.stylize(
                        f"{look.strong} underline", len(line.plain) - len(pad(shown[at], widths[at], "center"))
                    )
                self.places[number, at] = (len(self.lines), start, start + widths[at])
                if chosen and at == last - 1:
                    line.append(right, look.strong)
            self.lines.append(line)
            for row in below:
                words = " ".join(pad(row[at], widths[at], "center", look.glyphs.ellipsis) for at in range(first, last))
                if words.strip():
                    self.lines.append(Text(" " * indent + words.rstrip(), style=look.dim))
        if first_line:
            self.lines.append(Text(label, style=look.dim))

    def token_at(self, x: int, y: int) -> tuple[int, int] | None:
        """The strip and place of the token at a place in the lines."""
        found = [key for key, (line, first, last) in self.places.items() if line <= y and first <= x <= last]
        return max(found, key=lambda key: self.places[key][0], default=None)


def tokens_lines(figure: Tokens, language: Language, width: int, look: Look) -> list[Text]:
    """Title, then each strip: its label, its tokens, what is marked under them."""
    return TokensLines(figure, language, width, look).lines


def tokens_reading(figure: Tokens, strip: int, place: int, language: Language, pinned: Tokens | None = None) -> str:
    """What a token says: where it stands, its value and rank in its strip, its mark, what stood there when pinned."""
    row = figure.strips[strip]
    token, zh = row.tokens[place], language == "zh"
    label = say(row.label, language)
    where = f"第 {place + 1} 个，共 {len(row.tokens)}" if zh else f"{place + 1} of {len(row.tokens)}"
    where = f"{label} · {where}" if label else where
    said = []
    if row.values is not None:
        value = float(row.values[place])
        known = [float(each) for each in row.values if math.isfinite(each)]
        said.append(f"值 {short(value, 7)}" if zh else f"value {short(value, 7)}")
        if math.isfinite(value) and len(known) > 1:
            rank = 1 + sum(each > value for each in known)
            said.append(f"第 {rank} 大" if zh else f"rank {rank} of {len(known)}")
    if row.marks is not None and row.marks[place]:
        said.append(row.marks[place])
    if pinned is not None and strip < len(pinned.strips) and place < len(pinned.strips[strip].tokens):
        before = pinned.strips[strip]
        if before.tokens[place] != token:
            said.append(f"钉住时是 {before.tokens[place]}" if zh else f"pinned {before.tokens[place]}")
        if row.values is not None and before.values is not None:
            said.append(difference(float(row.values[place]), float(before.values[place]), language))
    separator, comma = ("：", "，") if zh else (": ", ", ")
    named = f"{token}（{where}）" if zh else f"{token} ({where})"
    return named + (separator + comma.join(said) if said else "")


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
    return _painter(look).cell(float(values[at]))[1]


def _graded(strip: TokenRow) -> bool:
    """Whether a strip's colors have degrees, and no word under a token says which."""
    return strip.marks is None and bool({value for value in strip.values or () if math.isfinite(value)} - {0.0, 1.0})


def _painter(look: Look) -> Painter:
    return Painter("attention", (0.0, 1.0), look, 1)
