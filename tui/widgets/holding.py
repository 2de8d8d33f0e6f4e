"""The one way to replace widgets and to give the focus.

Textual removes a widget later than it is told to: meanwhile it can still be found and given the focus, and with the
focus on a widget that is gone no key reaches anything any more, not even the one that leaves.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from textual.screen import Screen
from textual.widget import Widget


def stands(widget: Widget) -> bool:
    """Whether ``widget`` is there, stays there, and is on show with all that is around it."""
    return widget.is_attached and all(
        node.display and not node._pruning for node in widget.ancestors_with_self if isinstance(node, Widget)
    )


def replace(holder: Widget, new: Iterable[Widget] = (), old: Iterable[Widget] | None = None) -> None:
    """Put ``new`` into ``holder`` in the place of ``old`` (all that it holds); the focus leaves the old first."""
    going = list(holder.children if old is None else old)
    if holder.is_attached:
        screen = holder.screen
        focused = screen.focused
        if focused is not None and any(widget in focused.ancestors_with_self for widget in going):
            screen.set_focus(None)
    for widget in going:
        widget.remove()
    coming = list(new)
    if coming and holder.is_attached:
        holder.mount_all(coming)


def give_focus(screen: Screen[Any], widget: Widget | None) -> bool:
    """Focus ``widget`` at once, if it stands and can have it; whether it has."""
    if widget is None or not stands(widget) or not widget.focusable or widget.screen is not screen:
        return False
    screen.set_focus(widget)
    return screen.focused is widget
