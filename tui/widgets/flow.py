"""Widgets side by side, each as wide as it wants to be, going on below where the width ends."""

from __future__ import annotations

from textual.geometry import NULL_OFFSET, NULL_SPACING, Region, Size
from textual.layout import ArrangeResult, Layout, WidgetPlacement
from textual.widget import Widget

GAP = 2


class FlowLayout(Layout):
    """Lays out the children of one that tells ``natural_width()``, each one line high."""

    name = "flow"

    def arrange(self, parent: Widget, children: list[Widget], size: Size, greedy: bool = True) -> ArrangeResult:
        parent.pre_layout(self)
        placements, x, y = [], 0, 0
        for child in children:
            wanted = getattr(child, "natural_width", lambda: size.width)()
            width = max(min(wanted, size.width), 1)
            if x and x + width > size.width:
                x, y = 0, y + 1
            placements.append(WidgetPlacement(Region(x, y, width, 1), NULL_OFFSET, NULL_SPACING, child))
            x += width + GAP
        return placements
