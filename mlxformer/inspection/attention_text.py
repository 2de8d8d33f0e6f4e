"""Attention as lines of text: a number in each cell where they fit, a shade where they do not."""

from __future__ import annotations

import math
import unicodedata
from collections.abc import Sequence

import numpy as np

MOST_HEADS = 4  # that are drawn one under another
NUMBER, SHADE = 5, 2  # cells of width of a cell with a number, and of one without
WIDEST_NUMBER = 9  # to which a cell grows for the names of the keys
WIDEST_LABEL = 16
SHADES = " .:=+*#%@"
# viridis at nine places (CC0; Smith and van der Walt 2015): its luminance only rises, so that its order outlives gray.
COLORS = ("440154", "472d7b", "3b528b", "2c728e", "21918c", "28ae80", "5ec962", "addc30", "fde725")


def text(
    values: np.ndarray,
    queries: Sequence[str],
    keys: Sequence[str],
    title: str,
    heads: Sequence[int],
    *,
    color: bool,
    width: int,
) -> str:
    """``values`` [H, Tq, Tk] as text of at most ``width`` cells a line.

    Args:
        values: [H, Tq, Tk], float64; of H, the first ``MOST_HEADS`` are drawn.
        queries: a word for each of Tq rows.
        keys: a word for each of Tk columns; drawn where numbers fit.
        title: what stands above, before the shape; cut where it does not fit.
        heads: the number of each of H heads, which stands above it; a lone head 0 has none there.
        color: whether cells have colored grounds, by ANSI codes; without, where numbers do not fit, signs of
            ``SHADES``.
        width: cells of a line; keys that do not fit are counted in a line of their own.

    >>> from mlxformer.inspection.attention_text import text
    >>> print(text(np.eye(2)[None], ["the", "cat"], ["the", "cat"], "weights", [0], color=False, width=40))
    weights  1 head, 2 x 2
         the  cat
    the 1.00  .00
    cat  .00 1.00
    """
    count, rows, columns = values.shape
    said = f"{count} head{'s' * (count > 1)}, {rows} x {columns}"
    lines = [f"{_fit(_plain(title), max(width - len(said) - 2, 8))}  {said}"]
    label = min(max(_cells(_plain(name)) for name in queries), WIDEST_LABEL)
    widest = min(max(_cells(_plain(name)) for name in keys) + 1, WIDEST_NUMBER) if columns else NUMBER
    cell = next((each for each in (max(widest, NUMBER), NUMBER) if label + columns * each <= width), SHADE)
    shown = max(min(columns, (width - label - 1) // cell), 1)
    known = values[np.isfinite(values)]
    span = (float(known.min(initial=0.0)), float(known.max(initial=0.0)))
    for at in range(min(count, MOST_HEADS)):
        if count > 1 or heads[at]:
            lines.append(f"head {heads[at]}")
        if cell >= NUMBER:
            names = "".join(_right(_fit(_plain(name), cell - 1), cell) for name in keys)
            lines.append(" " * label + names)
        for row in range(rows):
            name = _right(_fit(_plain(queries[row]), label), label)
            cells = "".join(_cell(float(value), span, cell, color) for value in values[at, row, :shown])
            lines.append(name + ("" if cell >= NUMBER else " ") + cells)
    if shown < columns:
        lines.append(f"{columns - shown} more keys are not drawn: html='attention.html' has all")
    if count > MOST_HEADS:
        lines.append(f"{count - MOST_HEADS} more heads: head={heads[MOST_HEADS]}, or html='attention.html'")
    return "\n".join(line.rstrip() if not color else line for line in lines)


def _cell(value: float, span: tuple[float, float], width: int, color: bool) -> str:
    low, high = span
    number = _number(value) if width >= NUMBER else ""
    if not math.isfinite(value):
        return number.rjust(width) if number else _odd(value).rjust(width)
    share = (value - low) / ((high - low) or 1.0)
    if not color:
        return number.rjust(width) if number else SHADES[round(share * (len(SHADES) - 1))] * width
    level = COLORS[round(share * (len(COLORS) - 1))]
    red, green, blue = (int(level[at : at + 2], 16) for at in (0, 2, 4))
    ink = "30" if share > 0.6 else "97"
    return f"\x1b[48;2;{red};{green};{blue}m\x1b[{ink}m{number.rjust(width)}\x1b[0m"


def _number(value: float) -> str:
    """``value`` in at most four signs: ``.48``, ``-1.2``, ``3e9``; what is not a finite number by a sign."""
    if not math.isfinite(value):
        return _odd(value)
    if 0 <= value < 0.995:
        return f"{value:.2f}"[1:]
    for form in ("{:.2f}", "{:.1f}", "{:.0f}", "{:.0e}"):
        written = form.format(value).replace("e+0", "e").replace("e-0", "e-").replace("e+", "e")
        if len(written) <= NUMBER - 1:
            return written
    return "#"


def _odd(value: float) -> str:
    return "?" if math.isnan(value) else "^" if value > 0 else "v"


def _plain(word: str) -> str:
    """A word without signs that move the cursor of a terminal."""
    return "".join(sign if sign.isprintable() else "?" for sign in word)


def _cells(word: str) -> int:
    return sum(0 if unicodedata.combining(sign) else 1 + (unicodedata.east_asian_width(sign) in "WF") for sign in word)


def _fit(word: str, width: int) -> str:
    """The beginning of ``word``, in at most ``width`` cells; a ``~`` says that there is more."""
    if _cells(word) <= width:
        return word
    kept = ""
    for sign in word:
        if _cells(kept + sign) > width - 1:
            break
        kept += sign
    return kept + "~"


def _right(word: str, width: int) -> str:
    return " " * (width - _cells(word)) + word
