"""Figures on stdout."""

from __future__ import annotations

from collections.abc import Sequence

from tui.commands.context import Context
from tui.figures.data import Figure


def draw_figures(figures: Sequence[Figure], context: Context) -> None:
    """The figures on stdout, one under another; with --plain in ASCII and without color."""
    from rich.console import Console

    from tui.figures.text import draw

    plain = True if context.plain else None
    console = Console(highlight=False, markup=False, emoji=False, no_color=plain)
    for figure in figures:
        console.print(draw(figure, context.language, color=False if plain else None, ascii=plain))
        console.print()
