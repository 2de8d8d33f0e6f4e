"""On a narrow terminal the answer and the experiment share one column: two tabs, on one line."""

from __future__ import annotations

from textual.content import Content
from textual.message import Message
from textual.reactive import reactive
from textual.style import Style
from textual.widget import Widget


class SideTabs(Widget):
    """``experiment`` tells which of the two is in front."""

    DEFAULT_CSS = "SideTabs { height: 1; }"
    experiment: reactive[bool] = reactive(False)
    _labels: reactive[tuple[str, str]] = reactive(("", ""))

    class Chosen(Message):
        """A tab was clicked."""

        def __init__(self, experiment: bool) -> None:
            super().__init__()
            self.experiment = experiment

    def show(self, answer: str, experiment: str) -> None:
        self._labels = (answer, experiment)

    def render(self) -> Content:
        parts = []
        for index, label in enumerate(self._labels):
            style = "bold reverse" if bool(index) == self.experiment else "dim"
            click = Style.from_meta({"@click": f"choose({bool(index)})"})
            parts.append(Content.assemble((f" {label} ", style)).stylize(click))
        return Content(" ").join([Content(""), *parts])

    def action_choose(self, experiment: bool) -> None:
        self.post_message(self.Chosen(experiment))
