"""The sentence under a figure: what was measured, in its own numbers, and what in it is random and what trained.

>>> from tui.figures.data import Bars
>>> caption(Bars("t", ["a", "b"], [1.0, 2.5], made="counted"), "en")
'the most: b (2.5) · the least: a (1); counted.'
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from typing import Any

from rich.cells import cell_len

from questions.bilingual import Bilingual, Language, say
from tui.figures.data import Bars, Curve, Figure, Heatmap, Links, Series, Table, TokenRow, Tokens
from tui.figures.heatmap import last_shown_stage
from tui.figures.numbers import short, unit_of
from tui.text.layout import clip, fit, wrap

LEAST = 12  # cells below which a part of what was measured tells nothing
MOST = 4  # lines of a curve that are read
BETWEEN, ELLIPSIS = " · ", "⋯"  # a name may have a comma in it
QUANTITY, NUMBERED = "quantity", "#"  # the first column of a table whose rows have nothing in common; of a ranking
MASKED = 1e37  # scores from there on were put in by a mask


def caption(figure: Figure, language: Language, width: int | None = None, lines: int = 1) -> str:
    """What was measured and how it was made, in one sentence; what is not known is left out.

    With a ``width`` in at most ``lines`` lines: what was measured is cut, and not what is random and what trained.
    """
    said, made = measured(figure, language), say(figure.made, language)
    if width is None:
        return _sentence(said, made, language)
    width = max(width, 1)
    parts = said.split(BETWEEN)
    begun = [BETWEEN.join(parts[:count]) + ELLIPSIS for count in range(len(parts) - 1, 0, -1)] if made else []
    apart = said + ("；" if language == "zh" else ";"), _sentence("", made, language)
    if said and made and lines > 1 and cell_len(_sentence(said, made, language)) > width >= max(map(cell_len, apart)):
        return "\n".join(apart)  # each on a line of its own
    for shorter in (said, *begun, *([measured(figure, language, brief=True)] if made else [])):
        wrapped = wrap(_sentence(shorter, made, language), width)
        if len(wrapped) <= lines:
            return "\n".join(wrapped)
    if made:  # not one part of it fits as a whole
        room = width - cell_len(_sentence("x", made, language)) + 1
        said = _shortened(parts[0], room) if room >= LEAST else ""
    return "\n".join(clip(_sentence(said, made, language), width, lines, ELLIPSIS))


def _shortened(part: str, width: int) -> str:
    """A part of what was measured in ``width`` cells: its last word, mostly the number, stays whole where it can."""
    number = re.search(r"([ （][^ （]*)$", part)
    end = number[0] if number else ""
    room = width - cell_len(end)
    if not end or room < LEAST or cell_len(part) <= width:
        return fit(part, width, ELLIPSIS)
    return fit(part[: -len(end)], room, ELLIPSIS) + end


def _sentence(said: str, made: str, language: Language) -> str:
    between, end = ("；", "。") if language == "zh" else ("; ", ".")
    parts = [part for part in (said, made) if part]
    return between.join(parts) + end if parts else ""


def measured(figure: Figure, language: Language, *, brief: bool = False) -> str:
    """The figure in a few words: where it is largest and least, or what its lines say at the mark or at the end.

    ``brief`` leaves out the names of a map's axes.
    """
    if isinstance(figure, Heatmap):
        return _of_map(figure, language, brief)
    if isinstance(figure, Links):
        cells = _largest(_rows(figure.values))
        return "" if cells is None else _cell(cells[:2], cells[2], figure, language, brief)
    if isinstance(figure, Curve):
        return _of_curve(figure, language)
    if isinstance(figure, Bars):
        names = [say(label, language) for label in figure.labels]
        unit = unit_of(say(figure.value_label, language))[1]
        return _extremes(list(zip(names, map(float, figure.values), strict=True)), language, unit)
    if isinstance(figure, Table):
        return _of_table(figure, language)
    return _of_strips(figure.strips, language) if isinstance(figure, Tokens) else ""


def _of_map(figure: Heatmap, language: Language, brief: bool) -> str:
    stage = figure.stages[last_shown_stage(figure)]  # what a view begins with
    rows = _rows(stage.values[figure.head])
    if stage.scale == "mask":
        cells = [bool(value) for row in rows for value in row]
        share = 100.0 * sum(cells) / max(len(cells), 1)
        return f"{short(share, 2)} % 的格是“有”" if language == "zh" else f"{short(share, 2)} % of the cells are set"
    found = _largest(rows)
    return "" if found is None else _cell(found[:2], found[2], figure, language, brief)


def _rows(values: Any) -> Sequence[Sequence[float]]:
    """Cells as nested lists: this room knows no arrays."""
    return values.tolist() if hasattr(values, "tolist") else values


def _largest(rows: Sequence[Sequence[float]]) -> tuple[int, int, float] | None:
    """Row, column and value of the cell furthest from 0, masked and infinite ones left out."""
    best: tuple[int, int, float] | None = None
    for r, row in enumerate(rows):
        for c, value in enumerate(row):
            if math.isfinite(value) and abs(value) < MASKED and (best is None or abs(value) > abs(best[2])):
                best = r, c, float(value)
    return best


def _cell(place: tuple[int, int], value: float, figure: Heatmap | Links, language: Language, brief: bool) -> str:
    row, column = figure.rows[place[0]], figure.columns[place[1]]
    if not brief:
        row, column = f"{say(figure.row_axis, language)} {row}", f"{say(figure.column_axis, language)} {column}"
    most = "最大" if language == "zh" else "the largest"
    return f"{most} {short(value)}{'：' if language == 'zh' else ': '}{row} → {column}"


def _of_curve(figure: Curve, language: Language) -> str:
    """Each line at the first mark, else at the end of all."""
    ends = [max(series.x) for series in figure.series if len(series.x)]
    if not ends:
        return ""
    at = figure.marks[0][0] if figure.marks else max(ends)
    read = []
    for series in figure.series:
        value = _at(series, at)
        if value is not None:
            read.append(f"{before_number(say(series.name, language), language)}{short(value)}")
    where = f"{say(figure.x_label, language)} {short(at)}"
    if not read:
        return ""
    rest = "…" if len(read) > MOST else ""
    return f"{where}{'：' if language == 'zh' else ': '}{BETWEEN.join(read[:MOST])}{rest}"


def before_number(name: str, language: Language) -> str:
    """A name that ends in a number of its own is kept apart from the one that follows."""
    if not name[-1:].isdigit():
        return f"{name} "
    return f"{name}：" if language == "zh" else f"{name}: "


def _at(series: Series, at: float) -> float | None:
    """The value at the nearest point of a line; a single point says nothing of another place."""
    if not len(series.x) or (len(series.x) == 1 and series.x[0] != at):
        return None
    value = min(zip(series.x, series.y, strict=True), key=lambda point: abs(point[0] - at))[1]
    return None if math.isnan(value) else float(value)


def _of_table(figure: Table, language: Language) -> str:
    """The extremes of the last column of numbers that has two different ones."""
    if figure.rows and say(figure.columns[0], "en") == QUANTITY:
        return _of_quantity(figure, language)
    for column in range(len(figure.columns) - 1, 0, -1):
        named = []
        for row in figure.rows:
            value = row[column]
            if isinstance(value, int | float) and not isinstance(value, bool):
                named.append((_row_name(figure, row, language), float(value)))
        if len({value for _, value in named}) > 1:
            name = say(figure.columns[column], language)
            return f"{name}{'：' if language == 'zh' else ': '}{_extremes(named, language)}"
    count = len(figure.rows)
    return f"{count} 行" if language == "zh" else f"{count} row{'s' * (count != 1)}"


def _of_quantity(figure: Table, language: Language) -> str:
    """The first row of a table of quantities, which have nothing in common: to be the largest of them says nothing."""
    row = figure.rows[0]
    read = [
        f"{before_number(say(column, language), language)}{short(value)}"
        for column, value in zip(figure.columns[1:], row[1:], strict=True)
        if isinstance(value, int | float) and not isinstance(value, bool)
    ]
    return f"{_row_name(figure, row, language)}{'：' if language == 'zh' else ': '}{BETWEEN.join(read)}"


def _row_name(figure: Table, row: Sequence[Any], language: Language) -> str:
    """A number alone, or a yes or no, says nothing without its column; what is numbered has its name behind that."""
    label = row[0]
    if say(figure.columns[0], "en") == NUMBERED and len(row) > 1 and isinstance(row[1], str):
        label = row[1]
    if isinstance(label, Bilingual | str):
        return say(label, language)
    shown = short(label) if isinstance(label, int | float) and not isinstance(label, bool) else str(label)
    return f"{say(figure.columns[0], language)} {shown}".strip()


def _extremes(named: Sequence[tuple[str, float]], language: Language, unit: str = "") -> str:
    known = [(value, name) for name, value in named if value == value]
    if not known:
        return ""
    high, low = max(known)[0], min(known)[0]
    much, little = (f"{short(value)} {unit}".strip() for value in (high, low))
    most, least = (_who(known, value, language) for value in (high, low))
    if high == low:
        return f"都是 {much}" if language == "zh" else f"all {much}"
    if language == "zh":
        return f"最大：{most}（{much}）{BETWEEN}最小：{least}（{little}）"
    return f"the most: {most} ({much}){BETWEEN}the least: {least} ({little})"


def _who(known: Sequence[tuple[float, str]], value: float, language: Language) -> str:
    """The one of this value, or how many there are."""
    names = [name for each, name in known if each == value]
    if len(names) == 1:
        return names[0]
    return f"{len(names)} 个" if language == "zh" else f"{len(names)} of {len(known)}"


def _of_strips(strips: Sequence[TokenRow], language: Language) -> str:
    """The token of the first colored strip that is colored most, or how many are colored; else how many there are."""
    for strip in strips:
        values = list(strip.values or ())
        if len(set(values)) > 1:
            if set(values) <= {0.0, 1.0}:
                colored, count = sum(value > 0 for value in values), len(values)
                said = f"着色 {colored} 个，共 {count} 个" if language == "zh" else f"{colored} of {count} colored"
            else:
                most = "值最大的是" if language == "zh" else "the strongest is"
                said = f"{most} {strip.tokens[values.index(max(values))]}"
            return f"{say(strip.label, language)}{'：' if language == 'zh' else ': '}{said}"
    counts = [str(len(strip.tokens)) for strip in strips]
    joined = ("、" if language == "zh" else ", ").join(counts[:6])
    return f"各行 {joined} 个词元" if language == "zh" else f"tokens in each row: {joined}"
