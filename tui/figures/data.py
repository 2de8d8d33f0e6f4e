"""The figures an experiment returns: plain data that knows nothing of terminals.

The same figure is drawn as text (``tui.figures.text``, by Rich) and on the screen
(``tui.widgets.figures``, by Textual), and written as JSON (``tui.figures.plain``).

A label is a ``Bilingual`` or, where it reads the same in both languages (a token, ``d_k``), a plain string.
``tab`` is a title of a few letters, where there is no room for the whole, and ``made`` says what in a figure is random
and what trained (``tui.figures.caption``); an experiment declares both.
``Cells`` is anything indexable as ``cells[head][row][column]``: a NumPy array as well as nested lists, so that
a 512 x 512 map with 8 heads need not become two million Python floats before it is drawn.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

from questions.bilingual import Bilingual

Label = Bilingual | str
Cells = Any
QUERY = Bilingual("查询", "query")
KEY = Bilingual("键", "key")
NAN = "NaN"
ColorScale = Literal["attention", "signed", "mask"]


@dataclass(frozen=True)
class Stage:
    """One stage of a heatmap: for attention, ``scores``, ``scaled``, ``masked`` and ``weights`` in turn."""

    name: str
    title: Label
    values: Cells  # [head][row][column]
    scale: ColorScale = "attention"  # attention: 0 upward; signed: diverging about 0; mask: True = may attend


@dataclass(frozen=True)
class Heatmap:
    """Maps of rows against columns, one for each head and stage, all of one shape."""

    kind: ClassVar[str] = "heatmap"
    title: Label
    stages: Sequence[Stage]
    rows: Sequence[str]  # the row labels: query tokens, say
    columns: Sequence[str]  # the column labels: key tokens, say
    row_axis: Label = QUERY
    column_axis: Label = KEY
    heads: Sequence[Label] = ("0",)
    name: str = ""
    tab: Label = ""
    made: Label = ""
    head: int = 0  # which is shown first
    opens: bool = False  # whether a cell stands for something that can be opened
    beside: int = 0  # heads in a row of the grid of all, where that fits (those of a layer); 0: as many as fit
    hole: Label = NAN  # what a NaN is called, where it says that there is nothing yet


@dataclass(frozen=True)
class Series:
    """One line of a curve; x and y are of one length, and a NaN in y leaves a gap."""

    name: Label
    x: Sequence[float]
    y: Sequence[float]


@dataclass(frozen=True)
class Curve:
    """Lines over one x axis. ``marks`` are vertical lines, as at the knob's present value."""

    kind: ClassVar[str] = "curve"
    title: Label
    x_label: Label
    y_label: Label
    series: Sequence[Series]
    log_x: bool = False
    log_y: bool = False
    marks: Sequence[tuple[float, Label]] = ()
    name: str = ""
    tab: Label = ""
    made: Label = ""
    hole: Label = NAN  # what a NaN is called, where it says that there is nothing
    y_ends: tuple[float, float] | None = None  # of a linear y axis that has its own: a probability's 0 and 1


@dataclass(frozen=True)
class Bars:
    """A bar for each label. ``reference`` is a line across all bars, as a uniform weight."""

    kind: ClassVar[str] = "bars"
    title: Label
    labels: Sequence[Label]
    values: Sequence[float]
    value_label: Label = ""
    reference: tuple[float, Label] | None = None
    log: bool = False
    name: str = ""
    tab: Label = ""
    made: Label = ""
    decimals: int | None = None  # in which values are said, where nobody says more of them


@dataclass(frozen=True)
class TokenRow:
    """A strip of tokens; ``values`` in 0..1 color them, ``marks`` put a short word under each."""

    label: Label
    tokens: Sequence[str]
    values: Sequence[float] | None = None
    marks: Sequence[str] | None = None


@dataclass(frozen=True)
class Tokens:
    """Strips of tokens, one under another."""

    kind: ClassVar[str] = "tokens"
    title: Label
    strips: Sequence[TokenRow]
    name: str = ""
    tab: Label = ""
    made: Label = ""


@dataclass(frozen=True)
class Table:
    """Rows of cells; a number is aligned right and shown to 4 significant digits, a label is said."""

    kind: ClassVar[str] = "table"
    title: Label
    columns: Sequence[Label]
    rows: Sequence[Sequence[Label | float | int | bool | None]]
    name: str = ""
    tab: Label = ""
    made: Label = ""


@dataclass(frozen=True)
class Tensor:
    """An array in one line (axes, shape, dtype, range, mean and deviation) and, on request, its numbers."""

    kind: ClassVar[str] = "tensor"
    title: Label
    axes: Sequence[str]
    values: Cells
    formula: str = ""
    name: str = ""
    tab: Label = ""
    made: Label = ""


@dataclass(frozen=True)
class Links:
    """Lines from each row's token to those of the columns, the thicker the larger the value, which is 0 to 1."""

    kind: ClassVar[str] = "links"
    title: Label
    rows: Sequence[str]
    columns: Sequence[str]
    values: Any  # [row][column]
    row_axis: Label = QUERY
    column_axis: Label = KEY
    name: str = ""
    tab: Label = ""
    made: Label = ""


Figure = Heatmap | Curve | Bars | Tokens | Table | Tensor | Links
FIGURE_KINDS: tuple[type, ...] = (Heatmap, Curve, Bars, Tokens, Table, Tensor, Links)
