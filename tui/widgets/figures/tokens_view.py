"""Strips of tokens on the screen."""

from __future__ import annotations

from tui.figures.data import Tokens
from tui.figures.tokens_text import tokens_lines
from tui.widgets.figures.lines_view import LinesView


class TokensView(LinesView[Tokens]):
    """A ``Tokens`` figure."""

    draw = staticmethod(tokens_lines)
