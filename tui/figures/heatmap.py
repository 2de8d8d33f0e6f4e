"""What a heatmap shows at a moment: which stage and head, against which pinned picture, and what a cell says.

The same ``Picture`` stands behind the text of ``lab`` and the widget on the screen. Cells are read a row at a time
and kept, so that a 512 x 512 map costs what is looked at.
"""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

from questions.bilingual import Bilingual, Language, say
from tui.figures.data import NAN, ColorScale, Heatmap, Stage
from tui.figures.heatmap_cells import (
    FILL,
    Plane,
    change_reader,
    head_cells,
    row_reader,
    shape_of,
    span_of_cells,
    span_of_change,
)
from tui.figures.numbers import short
from tui.text.layout import visible

SHOWN = -1  # the head that is chosen; None is the mean over heads
READ_DIGITS = 7  # a float32 has 7.2 decimal digits

_STAGE_WORDS = {
    "scores": Bilingual("得分", "score"),
    "scaled": Bilingual("缩放后", "scaled"),
    "masked": Bilingual("掩码", "masked"),
    "mask": Bilingual("掩码", "masked"),
    "weights": Bilingual("权重", "weight"),
    "softmax": Bilingual("权重", "weight"),
    "dropped_weights": Bilingual("丢弃后", "after dropout"),
}
DIFFERENCE = Bilingual("与钉住的图之差", "difference from the pinned picture")
_BEFORE_THE_MASK = {"scores", "scaled"}


class FigureError(ValueError):
    """A figure whose parts do not fit together: whose, which, and what was expected."""


class Picture:
    """A heatmap with a stage and a head chosen (``head=None``: the mean over heads), perhaps against a pinned one.

    Raises ``FigureError`` where a stage's cells are not [heads][rows][columns] of the figure's labels.
    """

    def __init__(self, figure: Heatmap, stage: int | None = None, head: int | None = SHOWN) -> None:
        self.figure = figure
        check_shapes(figure)
        self.stage_index = last_shown_stage(figure) if stage is None else stage
        self.head = figure.head if head == SHOWN else head
        self.pinned: Heatmap | None = None
        self.own_span = False  # the ends of the colors from the shown head alone
        self._planes: dict[tuple[int, int | None, bool], Plane] = {}
        self._spans: dict[tuple[int, object, bool], tuple[float, float]] = {}
        self._means: dict[tuple[int, int], Any] = {}

    # -- what there is

    @property
    def stage(self) -> Stage:
        return self.figure.stages[self.stage_index]

    @property
    def rows(self) -> int:
        return len(self.figure.rows)

    @property
    def columns(self) -> int:
        return len(self.figure.columns)

    @property
    def heads(self) -> int:
        return len(self.figure.heads)

    @property
    def scale(self) -> ColorScale:
        """The color scale in force: a difference is signed, whatever its stage."""
        return "signed" if self.comparing else self.stage.scale

    @property
    def comparing(self) -> bool:
        """Whether the difference from the pinned picture is shown: it is another figure, of the same shape."""
        return self.pinned is not None and self.pinned is not self.figure and self.comparable

    @property
    def comparable(self) -> bool:
        pinned = self.pinned
        return (
            pinned is not None
            and (len(pinned.rows), len(pinned.columns), len(pinned.heads)) == (self.rows, self.columns, self.heads)
            and any(stage.name == self.stage.name for stage in pinned.stages)
        )

    # -- turning it

    def update(self, figure: Heatmap) -> None:
        """Show another figure, at the same stage (by name) and head where it has them."""
        check_shapes(figure)
        names = [stage.name for stage in figure.stages]
        name, asked = self.stage.name, self.figure.head
        self.figure = figure
        self.stage_index = names.index(name) if name in names else last_shown_stage(figure)
        if figure.head != asked:
            self.head = figure.head
        elif self.head is not None:
            self.head = min(self.head, len(figure.heads) - 1)
        self._forget()

    def pin(self, figure: Heatmap | None) -> None:
        self.pinned = figure
        self._forget()

    def _forget(self) -> None:
        self._planes.clear()
        self._spans.clear()
        self._means.clear()

    # -- reading it

    def plane(self, head: int | None = SHOWN, stage: int | None = None) -> Plane:
        """The shown cells of ``head`` (or of the chosen one): the stage's, or their difference from the pinned."""
        which = self.head if head == SHOWN else head
        index = self.stage_index if stage is None else stage
        comparing = self.comparing and stage is None
        key = (index, which, comparing)
        if key not in self._planes:
            read = row_reader(self._cells(self.figure, index, which))
            if comparing:
                read = change_reader(read, row_reader(self._pinned_cells(which)))
            self._planes[key] = Plane(self.rows, self.columns, read)
        return self._planes[key]

    def _cells(self, figure: Heatmap, stage: int, head: int | None) -> Any:
        """One head's rows, or their mean, which is computed once."""
        if head is not None:
            return figure.stages[stage].values[head]
        key = (id(figure), stage)
        if key not in self._means:
            self._means[key] = head_cells(figure.stages[stage].values, None)
        return self._means[key]

    def _pinned_cells(self, head: int | None) -> Any:
        assert self.pinned is not None
        names = [stage.name for stage in self.pinned.stages]
        return self._cells(self.pinned, names.index(self.stage.name), head)

    def masked(self, row: int, head: int | None = SHOWN) -> list[bool] | None:
        """Which cells of ``row`` may not be attended to at this stage; None where the stage knows no mask."""
        source = mask_stage(self.figure)
        if source is None or self.stage.name in _BEFORE_THE_MASK or self.stage.scale == "mask":
            return None
        if self.stage_index < source:
            return None
        return self._masked_at(source, row, head)

    def _masked_at(self, source: int, row: int, head: int | None = SHOWN) -> list[bool]:
        values = self.plane(head, stage=source).row(row)
        if self.figure.stages[source].scale == "mask":
            return [value == 0 for value in values]
        return [value <= FILL for value in values]

    @property
    def span(self) -> tuple[float, float]:
        """The values at the two ends of the color map: of all heads of a stage, or (``own_span``) of the shown one.

        0 is one end or the middle.
        """
        key = (self.stage_index, (self.own_span, self.head if self.own_span else self.head is None), self.comparing)
        if key not in self._spans:
            self._spans[key] = self._find_span()
        return self._spans[key]

    def _find_span(self) -> tuple[float, float]:
        if self.scale == "mask":
            return 0.0, 1.0
        source = mask_stage(self.figure) if self.rows and self.masked(0) is not None else None
        if source is not None and self.figure.stages[source].scale != "mask":
            source = None  # its fills are left out by their value
        mask = None if source is None else self._all_cells(self.figure, source)
        cells = self._all_cells(self.figure, self.stage_index)
        if self.comparing:
            assert self.pinned is not None
            names = [stage.name for stage in self.pinned.stages]
            found = span_of_change(cells, self._all_cells(self.pinned, names.index(self.stage.name)), mask)
        else:
            found = span_of_cells(cells, mask)
        low, high = found or (0.0, 0.0)
        if self.scale == "signed":
            reach = max(abs(low), abs(high)) or 1.0
            return -reach, reach
        low = min(low, 0.0)
        return (low, high) if high > low else (low, low + 1.0)

    def _all_cells(self, figure: Heatmap, stage: int) -> Any:
        """The cells that the colors span: of all heads, of the mean where that is shown, or of the shown head."""
        if self.head is None:
            return self._cells(figure, stage, None)
        return figure.stages[stage].values[self.head] if self.own_span else figure.stages[stage].values

    def value(self, row: int, column: int) -> float:
        return self.plane().row(row)[column]

    def seen(self) -> Heatmap:
        """What is in front, as a figure of its own: one stage of one head (or the mean), or its difference from the
        pinned picture."""
        figure = self.figure
        cells = [self.plane().row(row) for row in range(self.rows)]
        head = Bilingual(self.head_name("zh"), self.head_name("en"))
        before, after = (DIFFERENCE,) if self.comparing else (), (head,) if self.heads > 1 else ()
        parts = [*before, figure.title, *after]
        return replace(
            figure,
            title=Bilingual(*(" · ".join(say(part, language) for part in parts) for language in ("zh", "en"))),
            stages=[replace(self.stage, values=[cells], scale=self.scale)],
            heads=(head,),
            head=0,
        )

    # -- saying it

    def explain(self, row: int, column: int, language: Language, *, shown_first: bool = False) -> str:
        """How the cell came to be, from stage to stage: its score, scaled, masked or not, weight and rank.

        ``shown_first``, for where not all of it has room: what the stage on the screen says, then the others.
        """
        figure = self.figure
        zh = language == "zh"
        place = (
            f"{say(figure.row_axis, language)} {figure.rows[row]} → "
            f"{say(figure.column_axis, language)} {figure.columns[column]}"
        )
        parts = [self._say_stage(index, row, column, language) for index in range(len(figure.stages))]
        source = mask_stage(figure)
        hidden = source is not None and self._masked_at(source, row)[column]
        if self.comparing:
            parts.append(self._say_difference(row, column, language))
        elif not hidden:
            parts.append(self._say_rank(row, column, language))
        if shown_first:
            parts.insert(0, parts[self.stage_index])
        said = [part for part in dict.fromkeys(parts) if part]
        return place + ("：" + "，".join(said) if zh else ": " + ", ".join(said))

    def _say_stage(self, index: int, row: int, column: int, language: Language) -> str:
        stage = self.figure.stages[index]
        word = say(_STAGE_WORDS.get(stage.name, stage.title), language)
        if stage.scale == "mask" and stage.name not in _STAGE_WORDS:  # a yes or no of its own, not what attention sees
            return f"{word} {_YES_NO[bool(self.plane(stage=index).row(row)[column])].say(language)}"
        if stage.scale == "mask" or stage.name == "masked":
            source = mask_stage(self.figure)
            hidden = source is not None and self._masked_at(source, row)[column]
            return f"{word} {_YES_NO[hidden].say(language)}"
        value = self.plane(stage=index).row(row)[column]
        if math.isnan(value) and self.figure.hole != NAN:
            hole = say(self.figure.hole, language)
            return hole if len(self.figure.stages) == 1 else f"{word} {hole}"  # of several, which it is that is missing
        return f"{word} {short(value, READ_DIGITS if index == self.stage_index else 4)}"

    def _say_rank(self, row: int, column: int, language: Language) -> str:
        ranked = self.figure.stages[-1]
        if ranked.scale != "attention" or self.columns < 2:
            return ""
        values = self.plane(stage=len(self.figure.stages) - 1).row(row)
        source = mask_stage(self.figure)
        hidden = self._masked_at(source, row) if source is not None else [False] * self.columns
        rivals = [value for value, out in zip(values, hidden, strict=True) if not out]
        mine = values[column]
        if math.isnan(mine):
            return ""
        rank = 1 + sum(value > mine for value in rivals)
        return f"排名 {rank}/{len(rivals)}" if language == "zh" else f"rank {rank} of {len(rivals)}"

    def _say_difference(self, row: int, column: int, language: Language) -> str:
        assert self.pinned is not None
        before = row_reader(self._pinned_cells(self.head))(row)[column]
        if math.isnan(before) and self.figure.hole != NAN:
            return ""  # that there is nothing is said already
        change = self.value(row, column)
        now, then = ((one.rows[row], one.columns[column]) for one in (self.figure, self.pinned))
        where = f"{visible(then[0])} → {visible(then[1])} " if then != now else ""  # another sentence
        if language == "zh":
            return f"钉住时 {where}{short(before)}，差 {_with_sign(change)}"
        return f"pinned {where}{short(before)}, difference {_with_sign(change)}"

    def head_name(self, language: Language) -> str:
        """The chosen head, or that the mean is shown."""
        if self.head is None:
            return f"{self.heads} 个头的平均" if language == "zh" else f"mean of {self.heads} heads"
        return self.name_of(self.head, language)

    def name_of(self, head: int, language: Language) -> str:
        """A head's label; a mere number is said to be a head's."""
        name = say(self.figure.heads[head], language)
        return (f"头 {name}" if language == "zh" else f"head {name}") if name.isdigit() else name

    def row_as_text(self, row: int) -> str:
        """The row as two lines of tab-separated text, its column labels above its values, for a spreadsheet."""
        labels = [say(self.figure.row_axis, "en"), *self.figure.columns]
        values = [self.figure.rows[row], *(short(value, 9) for value in self.plane().row(row))]
        return "\n".join("\t".join(text.replace("\t", " ") for text in line) for line in (labels, values))


_YES_NO = {True: Bilingual("是", "yes"), False: Bilingual("否", "no")}


def check_shapes(figure: Heatmap) -> None:
    """Raise ``FigureError`` unless every stage is [heads][rows][columns]."""
    if not figure.stages:
        raise FigureError(f"heatmap {figure.name or say(figure.title, 'en')!r} has no stage")
    wanted = (len(figure.heads), len(figure.rows), len(figure.columns))
    for stage in figure.stages:
        got = shape_of(stage.values)
        if got != wanted and 0 not in wanted:
            name = figure.name or say(figure.title, "en")
            raise FigureError(
                f"heatmap {name!r}: stage {stage.name!r} has cells {list(got)}, "
                f"but there are {wanted[0]} heads, {wanted[1]} row labels and {wanted[2]} column labels"
            )


def last_shown_stage(figure: Heatmap) -> int:
    """The stage to begin with: the last that is not a mask, since it is what the others lead to."""
    shown = [index for index, stage in enumerate(figure.stages) if stage.scale != "mask"]
    return shown[-1] if shown else 0


def mask_stage(figure: Heatmap) -> int | None:
    """The stage that knows what is masked: one of scale ``mask``, else one named ``masked``."""
    for index, stage in enumerate(figure.stages):
        if stage.scale == "mask":
            return index
    for index, stage in enumerate(figure.stages):
        if stage.name == "masked":
            return index
    return None


def _with_sign(value: float) -> str:
    return ("+" if value > 0 else "") + short(value)
