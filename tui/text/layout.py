"""Breaking lines of mixed Chinese and Latin text at a width in cells.

Rich and Textual take a run of Chinese for one word and let a line begin with "，" (Textualize/rich#2494). Here a line
may break between ideographs, never before closing or after opening punctuation, and a Latin word, a number or a path
stays whole; the rules are the basic ones of W3C's *Requirements for Chinese Text Layout* (section 3.1.4) and the
classes of UAX #14 that they need. A piece wider than the line is cut between graphemes, since it has to go somewhere.

Everything works on offsets, so that styled text (``rich.text.Text``, Textual's ``Content``) is cut with its styles.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any, Protocol, TypeVar

from rich.cells import cell_len, get_character_cell_size, split_graphemes

from tui.language.harmless import in_a_line

# May not begin a line. The Latin ones matter where they follow Chinese: 词元) or 权重:
CLOSING = frozenset("，。、；：？！）】》〉」』〕〗〙〛〞”’…‥·・％‰℃°々ー〜～,.;:!?)]}%✓✗")
# May not end a line.
OPENING = frozenset("（【《〈「『〔〖〘〚〝“‘￥＄([{")
# Pairs of these are one sign: 破折号 and 省略号 are two characters that are never parted.
INSEPARABLE = frozenset("—…‥")
NO_BREAK_SPACES = frozenset("\u00a0\u202f\u2060")
SPACES = frozenset(" \t\u2009\u200a\u3000")
_SPACES = "".join(SPACES)
KEPT_LENGTH = 2000  # characters of a paragraph whose lines are kept; a longer one is one that somebody types


class Dividable(Protocol):
    """What Rich's ``Text`` and Textual's ``Content`` have in common: cutting at offsets."""

    @property
    def plain(self) -> str: ...

    def divide(self, offsets: Sequence[int]) -> Any: ...  # a sequence of its own kind


D = TypeVar("D", bound=Dividable)


def is_ideographic(character: str) -> bool:
    """Whether a line may break on either side of ``character``: Chinese, kana, hangul and full-width signs."""
    code = ord(character)
    return (
        0x2E80 <= code <= 0x9FFF  # radicals, punctuation, kana, unified ideographs and extension A
        or 0xAC00 <= code <= 0xD7A3
        or 0xF900 <= code <= 0xFAFF
        or 0xFE30 <= code <= 0xFE4F
        or 0xFF01 <= code <= 0xFFEF
        or 0x1F300 <= code <= 0x1FAFF  # emoji break like ideographs (UAX #14, class EB and ID)
        or 0x20000 <= code <= 0x3FFFF
    )


def may_break(before: str, after: str) -> bool:
    """Whether a line may break between two neighboring characters that are not a zero-width joining."""
    if before in NO_BREAK_SPACES or after in NO_BREAK_SPACES:
        return False
    if after in SPACES:
        return False  # spaces hang on the line that they end
    if before in SPACES:
        return after not in CLOSING
    if after in CLOSING or before in OPENING or (before in INSEPARABLE and before == after):
        return False
    return is_ideographic(before) or is_ideographic(after) or "—" in (before, after)


def line_spans(text: str, width: int) -> list[tuple[int, int]]:
    """The lines of one paragraph (no newline in it) as (start, end) offsets; spaces at a break belong to no line.

    Raises ``ValueError`` for a width below 1. O(n) in the length of the text.
    """
    if width < 1:
        raise ValueError(f"a line needs a width of at least 1 cell; got {width}")
    return list(_kept_spans(text, width) if len(text) <= KEPT_LENGTH else _line_spans(text, width))


def _line_spans(text: str, width: int) -> tuple[tuple[int, int], ...]:
    lines: list[tuple[int, int]] = []
    start = end = used = 0  # the line so far is text[start:end], ``used`` cells wide
    gap = 0  # cells of the spaces after ``end``
    for unit_start, unit_end, space_end in _units(text):
        unit_width = cell_len(text[unit_start:unit_end])
        space_width = cell_len(text[unit_end:space_end])
        if end > start and used + gap + unit_width > width:
            lines.append((start, end))
            start = end = unit_start
            used = gap = 0
        if end == start and used + gap + unit_width > width >= unit_width:
            start = end = unit_start  # the indentation gives way
            used = gap = 0
        if used + gap + unit_width > width:  # a unit wider than the line: only graphemes are left to cut at
            *full, (start, end) = _cut(text, start, unit_end, width)
            lines += full
            used = cell_len(text[start:end])
        else:
            used, end = used + gap + unit_width, unit_end
        gap = space_width
    if end > start or not lines:
        lines.append((start, end))
    return tuple(lines)


# A screen asks for the height of a paragraph, then for its lines, and both again at each change beside it.
_kept_spans = lru_cache(maxsize=1024)(_line_spans)


def wrap(text: str, width: int) -> list[str]:
    """``text`` as lines of at most ``width`` cells; a newline in it is kept as a break, a tab becomes a space."""
    parts = text.replace("\t", " ").split("\n")
    return [part[start:end] for part in parts for start, end in line_spans(part, width)]


def wrap_styled(text: D, width: int) -> list[D]:
    """The same for a ``rich.text.Text`` or a Textual ``Content`` without tabs: each line keeps its styles."""
    cuts: list[int] = []
    offset = 0
    for part in text.plain.split("\n"):
        for start, end in line_spans(part, width):
            cuts += (offset + start, offset + end)
        offset += len(part) + 1
    return list(text.divide(cuts))[1::2]


def fit(text: str, width: int, ellipsis: str = "⋯") -> str:
    """``text`` in at most ``width`` cells: cut, with an ellipsis, where it is longer. Newlines are shown."""
    text = visible(text)
    if cell_len(text) <= width:
        return text
    room = width - cell_len(ellipsis)
    if room < 0:
        return ""
    start, end = _cut(text, 0, len(text), max(room, 1))[0]
    kept = text[start:end]
    return (kept if cell_len(kept) <= room else "") + ellipsis


def clip(text: str, width: int, most: int, ellipsis: str = "⋯") -> list[str]:
    """``text`` in at most ``most`` lines; what has no room is left out from a break on: no number is cut in two."""
    lines = wrap(text, width)
    if len(lines) <= most:
        return lines
    room = width - cell_len(ellipsis)
    last = wrap(lines[most - 1], room)[0] if room > 0 else ""
    return [*lines[: most - 1], (last if cell_len(last) <= room else "") + ellipsis]


def pad(text: str, width: int, align: str = "left", ellipsis: str = "⋯") -> str:
    """``text`` in exactly ``width`` cells, aligned ``left``, ``right`` or ``center``."""
    text = fit(text, width, ellipsis)
    missing = width - cell_len(text)
    if align == "right":
        return " " * missing + text
    if align == "center":
        return " " * (missing // 2) + text + " " * (missing - missing // 2)
    return text + " " * missing


def graphemes(text: str) -> list[str]:
    """The signs that a reader sees, each with its combining marks."""
    return [text[start:end] for start, end, _ in split_graphemes(text)[0]] if text else []


def visible(text: str) -> str:
    """``text`` with control characters written out, so that a token ``\\n`` takes the room it shows."""
    return text if text.isprintable() else in_a_line(text)


@lru_cache(maxsize=1024)  # a layout asks for the same text at several widths
def _units(text: str) -> tuple[tuple[int, int, int], ...]:
    """The pieces no break may part, as (start, end, end of the spaces that follow)."""
    units: list[tuple[int, int, int]] = []
    start = 0
    last = len(text) - 1
    base = ""  # what stands under the combining marks, which have no say (UAX #14, LB9)
    is_joined = False
    for index, character in enumerate(text):
        if not is_joined:
            base = character
        if index < last:
            after = text[index + 1]
            is_joined = _joins(character, after)
            if is_joined or not may_break(base, after):
                continue
        end = index + 1
        units.append((start, start + len(text[start:end].rstrip(_SPACES)), end))
        start = end
    return tuple(units)


def _joins(before: str, after: str) -> bool:
    """Whether the two belong to one grapheme: combining marks, variation selectors and joiners take no cell."""
    return before == "\u200d" or get_character_cell_size(after) == 0 or 0x1F3FB <= ord(after) <= 0x1F3FF


def _cut(text: str, start: int, end: int, width: int) -> list[tuple[int, int]]:
    """``text[start:end]`` in pieces of at most ``width`` cells, cut between graphemes; one grapheme at the least."""
    pieces: list[tuple[int, int]] = []
    used = 0
    piece_start = start
    for sign_start, _, cells in split_graphemes(text[start:end])[0]:
        if used and used + cells > width:
            pieces.append((piece_start, start + sign_start))
            piece_start, used = start + sign_start, 0
        used += cells
    pieces.append((piece_start, end))
    return pieces
