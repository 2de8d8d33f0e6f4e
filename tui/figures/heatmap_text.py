"""A heatmap as lines of text: one stage and head, or several side by side where the width allows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from rich.cells import cell_len
from rich.text import Text

from questions.bilingual import Language, say
from tui.figures.data import Heatmap
from tui.figures.heatmap import Picture
from tui.figures.heatmap_paint import NUMBER_WIDTH, Painter, frame_for, legend, row_label, row_label_width
from tui.figures.look import Look
from tui.text.layout import pad, wrap

MOST_ROWS = 40  # a page of text shows no more; a larger map is shown in blocks
GAP = 2
HeadChoice = int | Literal["all", "mean"]


def heatmap_lines(
    figure: Heatmap,
    language: Language,
    width: int,
    look: Look,
    *,
    stage: str | None = None,
    head: HeadChoice = "all",
    most_heads: int = 4,
) -> list[Text]:
    """``stage`` by name (by default the last that is not a mask), ``head`` by number, the mean, or ``most_heads``."""
    names = [one.name for one in figure.stages]
    picture = Picture(figure, None if stage is None else names.index(stage))
    lines = [Text(line, style=look.title) for line in wrap(_title(picture, language, look), width)]
    if not picture.rows or not picture.columns:
        return [*lines, Text("（空）" if language == "zh" else "(empty)", style=look.dim)]
    painter = Painter(picture.scale, picture.span, look, 1)
    heads: Sequence[int | None]
    if head == "all":
        heads = range(min(picture.heads, most_heads))
    else:
        heads = [None if head == "mean" else head]
    picture.head = heads[0]
    room = _room_for_each(figure, width, len(heads))
    named = picture.heads > 1
    maps = [_map_lines(picture, number, language, room, look, painter, named) for number in heads]
    lines += side_by_side(maps, width)
    signs = sorted(painter.seen)
    lines.append(Text.assemble(*legend(painter, language, width, signs, figure.hole)))
    lines += [Text(note, style=look.dim) for note in _notes(picture, language, room, look, len(heads), head == "all")]
    return lines


def _room_for_each(figure: Heatmap, width: int, maps: int) -> int:
    """The width of one map: as many side by side as still have numbers in their cells, else as have cells at all."""
    labels = row_label_width(figure.rows, width)
    for cell in (NUMBER_WIDTH, 2):
        for beside in range(maps, 0, -1):
            room = (width - GAP * (beside - 1)) // beside
            if labels + cell * len(figure.columns) <= room:
                return room
    return width


def _title(picture: Picture, language: Language, look: Look) -> str:
    figure = picture.figure
    axes = f"{say(figure.row_axis, language)} {look.glyphs.times} {say(figure.column_axis, language)}"
    title = f"{say(figure.title, language)}{look.glyphs.between}{say(picture.stage.title, language)}"
    return f"{title}（{axes}）" if language == "zh" else f"{title} ({axes})"


def _map_lines(
    picture: Picture, head: int | None, language: Language, width: int, look: Look, painter: Painter, named: bool
) -> list[Text]:
    """One head: its name, the column labels, a line a row; all of one width."""
    picture.head = head
    labels = row_label_width(picture.figure.rows, width)
    block_columns = -(-picture.columns * 2 // max(width - labels, 2))
    block_rows = max(-(-picture.rows // MOST_ROWS), 1)
    pooled = block_columns > 1 or block_rows > 1
    rows: Sequence[str] = picture.figure.rows
    columns: Sequence[str] = picture.figure.columns
    if pooled:
        rows = [f"{top}" for top in range(0, picture.rows, block_rows)]
        columns = [f"{left}" for left in range(0, picture.columns, block_columns)]
    frame = frame_for(rows, columns, width, 2 if pooled else None, look)
    cells = Painter(painter.scale, (painter.low, painter.high), look, frame.cell_width)
    lines: list[Text] = []
    full = frame.width(len(columns))
    if named:
        lines.append(Text(pad(picture.head_name(language), full), style=look.dim))
    for texts in frame.header if not pooled else ():
        lines.append(Text(" " * frame.label_width + "".join(texts), style=look.axis))
    blocks = picture.plane().pooled(block_rows, block_columns, picture.scale == "signed") if pooled else None
    for index, label in enumerate(rows):
        values = picture.plane().row(index) if blocks is None else blocks[index]
        masked = picture.masked(index) if blocks is None else None
        line = Text.assemble((row_label(label, frame.label_width, look), look.axis))
        for segment in cells.row(values, masked):
            line.append(segment.text, segment.style)
        lines.append(line)
    painter.seen |= cells.seen
    return lines


def side_by_side(maps: Sequence[Sequence[Text]], width: int) -> list[Text]:
    """Blocks of lines beside one another, as many as fit in ``width``, then below."""
    lines: list[Text] = []
    shelf: list[Sequence[Text]] = []
    used = 0
    for one in maps:
        wide = max((cell_len(line.plain) for line in one), default=0)
        if shelf and used + GAP + wide > width:
            lines += _shelved(shelf)
            shelf, used = [], 0
        used += (GAP if shelf else 0) + wide
        shelf.append(one)
    return lines + _shelved(shelf) if shelf else lines


def _shelved(shelf: Sequence[Sequence[Text]]) -> list[Text]:
    widths = [max((cell_len(line.plain) for line in one), default=0) for one in shelf]
    lines = []
    for row in range(max(map(len, shelf))):
        line = Text()
        for place, (one, wide) in enumerate(zip(shelf, widths, strict=True)):
            piece = one[row].copy() if row < len(one) else Text()
            piece.append(" " * (wide - cell_len(piece.plain)))
            line.append_text(Text(" " * GAP) if place else Text()).append_text(piece)
        lines.append(line)
    return lines


def _notes(picture: Picture, language: Language, width: int, look: Look, shown: int, some: bool) -> list[str]:
    notes = []
    zh = language == "zh"
    if some and shown < picture.heads:
        rest = picture.heads - shown
        notes.append(
            f"另有 {rest} 个头未画" if zh else f"{rest} more {'head is' if rest == 1 else 'heads are'} not drawn"
        )
    labels = row_label_width(picture.figure.rows, width)
    if picture.rows > MOST_ROWS or picture.columns * 2 > max(width - labels, 2):
        shape = f"{picture.rows} {look.glyphs.times} {picture.columns}"
        block = "太大：每格是一块里最大的值" if zh else "is too large: each cell is the largest value of a block"
        notes.append(f"{shape} {block}")
    return [line for note in notes for line in wrap(note, width)]
