"""The box that a figure fills. Textual does not tell a widget how much room there is when those around it are as high
as their content, so whoever has the room says so, and a figure asks."""

from __future__ import annotations

from textual.containers import VerticalScroll
from textual.geometry import Size
from textual.widget import Widget

AMPLE = 22  # lines of room from which titles and readings may take more than the least


class FigureBox(VerticalScroll):
    """Scrolls where a figure is higher; maps and curves grow to its height."""

    @property
    def figure_room(self) -> int:
        """As of the last layout: ``size`` would lay out the whole screen anew each time that it is asked during one."""
        return max(self.outer_size.height - self.gutter.height, 0)

    def on_resize(self) -> None:
        grow_inside(self)


def grow_inside(holder: Widget) -> None:
    """The room has changed: measure anew what fills it."""
    for widget in holder.query("HeatmapCanvas, HeadGrid, CurveView, ReadView"):
        widget.refresh(layout=True)


def room_of(widget: Widget, container: Size, viewport: Size) -> int:
    """The lines that there are for the figure that ``widget`` is in; half of the screen where nobody tells."""
    for above in widget.ancestors:
        room: int = getattr(above, "figure_room", 0)
        if room:
            return room
    return container.height or viewport.height // 2
