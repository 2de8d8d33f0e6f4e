"""A figure in a file of any format: what ``w`` on the screen and ``lab --save`` write.

>>> from tui.figures.data import Bars
>>> print(contents_of(Bars("t", ["a", "b"], [1.0, 2.5]), "csv", "en"), end="")
label,value
a,1
b,2.5
"""

from __future__ import annotations

import json
from collections.abc import Sequence

from questions.bilingual import Language
from tui.figures.data import Figure


def contents_of(
    figure: Figure, format: str, language: Language, *, stage: str | None = None, head: int | None = 0
) -> str | bytes:
    """One figure as ``svg``, ``png`` (bytes), ``csv``, ``html`` or ``json``; ``stage`` and ``head`` choose of a map."""
    from tui.figures.export import figure_csv, figure_svg

    if format == "csv":
        return figure_csv(figure, stage=stage, head=head)
    if format == "svg":
        return figure_svg(figure, language, stage=stage, head="mean" if head is None else head)
    return contents_of_all([figure], format, language)


def contents_of_all(figures: Sequence[Figure], format: str, language: Language, title: str = "") -> str | bytes:
    """Several figures in one file, one under another."""
    from tui.figures.export import figure_csv, figures_svg

    if format == "html":
        from tui.figures.html import figures_html

        return figures_html(figures, language, title)
    if format == "json":
        from tui.figures.plain import figure_to_plain

        plain = [figure_to_plain(figure) for figure in figures]
        return json.dumps(plain, ensure_ascii=False, allow_nan=False) + "\n"
    if format == "png":
        from tui.figures.png import figures_png

        return figures_png(figures, language)
    if format == "csv":
        return "\n".join(figure_csv(figure) for figure in figures)
    return figures_svg(figures, language, title)
