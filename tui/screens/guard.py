"""The last guard before the terminal: whatever widget painted it, no text in a strip acts on the terminal.

Texts are written out (``\\x1b``) where they come in, so that they take the room that they show; what one widget of
Textual's own lets through here has no room left and is left out. None of it takes a cell, so nothing moves.
"""

from __future__ import annotations

from typing import TypeVar

from rich.segment import Segment
from textual._compositor import ChopsUpdate, InlineUpdate, LayoutUpdate
from textual.strip import Strip

from tui.language.harmless import ACTING_OR_PARTING, without_acting

T = TypeVar("T")


def guarded(update: T) -> T:
    """``update`` of the screen, as Textual is about to write it."""
    if isinstance(update, LayoutUpdate):
        update.strips = [[_guarded(strip) for strip in line] for line in update.strips]
    elif isinstance(update, ChopsUpdate):
        update.chops = [{x: strip and _guarded(strip) for x, strip in line.items()} for line in update.chops]
    elif isinstance(update, InlineUpdate):
        update.strips = [_guarded(strip) for strip in update.strips]
    return update


def _guarded(strip: Strip) -> Strip:
    if not any(ACTING_OR_PARTING.search(text) for text, _, _ in strip):
        return strip
    return Strip([Segment(without_acting(text), style, control) for text, style, control in strip])
