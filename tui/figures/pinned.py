"""A figure with the one that it is compared with, as one figure: what is saved while something is pinned.

>>> from questions.bilingual import say
>>> from tui.figures.data import Bars
>>> both = with_pinned(Bars("t", ["a", "b"], [1.0, 2.0]), Bars("t", ["a"], [3.0]))
>>> [say(label, 'en') for label in both.labels], list(both.values)
(['a', 'b', 'a (pinned)'], [1.0, 2.0, 3.0])
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any, TypeVar

from questions.bilingual import Bilingual
from tui.figures.data import Bars, Curve, Label, Table, Tokens
from tui.figures.table_text import cell_text

F = TypeVar("F")


def with_pinned(figure: F, pinned: Any) -> F:
    """The lines, bars, rows or strips of ``pinned`` after those of ``figure``, named as pinned.

    Other kinds, and a table of other columns, are left as they are.
    """
    both: Any = figure
    if isinstance(figure, Curve) and isinstance(pinned, Curve):
        both = replace(figure, series=[*figure.series, *(replace(one, name=_named(one.name)) for one in pinned.series)])
    elif isinstance(figure, Bars) and isinstance(pinned, Bars):
        labels = [*figure.labels, *map(_named, pinned.labels)]
        both = replace(figure, labels=labels, values=[*figure.values, *pinned.values])
    elif isinstance(figure, Tokens) and isinstance(pinned, Tokens):
        strips = [replace(one, label=_named(one.label)) for one in pinned.strips]
        both = replace(figure, strips=[*figure.strips, *strips])
    elif isinstance(figure, Table) and isinstance(pinned, Table) and len(figure.columns) == len(pinned.columns):
        both = replace(figure, rows=[*figure.rows, *([_named(row[0]), *row[1:]] for row in pinned.rows if row)])
    return both


def _named(label: Label | float | bool | None) -> Bilingual:
    zh, en = (cell_text(label, language) for language in ("zh", "en"))
    return Bilingual(f"{zh}（钉住）".strip(), f"{en} (pinned)".strip())
