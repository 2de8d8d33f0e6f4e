"""What the knobs of an experiment have in common on the screen: a row of label and control.

Below it, where what was typed cannot be, stands what the knob takes. The kinds are in ``slider``, ``choice`` (and the
switch) and ``knob_field``.
"""

from __future__ import annotations

from dataclasses import dataclass

from rich.cells import cell_len
from rich.text import Text
from textual.content import Content
from textual.geometry import Size
from textual.message import Message
from textual.reactive import reactive

from questions.bilingual import Language, say
from tui.experiments.contract import Knob, KnobError, KnobValue
from tui.text.layout import pad, wrap
from tui.widgets.knob_scale import KnobScale, value_text
from tui.widgets.speaking import SpeakingWidget, to_content


def what_it_takes(knob: Knob, language: Language) -> str:
    """What a knob takes, said after something that it does not take."""
    zh = language == "zh"
    if knob.kind == "number":
        low, high = value_text(knob.minimum), value_text(knob.maximum)
        if KnobScale(knob).whole:
            return f"要 {low} 到 {high} 之间的整数" if zh else f"takes a whole number from {low} to {high}"
        return f"要 {low} 到 {high} 之间的数" if zh else f"takes a number from {low} to {high}"
    if knob.kind == "text":
        return f"最多 {knob.max_length} 个字符" if zh else f"takes at most {knob.max_length} characters"
    choices = [choice.value for choice in knob.choices]
    return ("只能是 " if zh else "takes one of ") + (" / " if zh else ", ").join(choices)


class KnobRow(SpeakingWidget):
    """A knob with its ``value``, always a valid one, and its ``label`` in a column of ``label_width``."""

    DEFAULT_CSS = """
    KnobRow { height: auto; width: 1fr; text-wrap: nowrap; text-overflow: clip; }
    """

    @dataclass
    class Turned(Message):
        """The knob has another value."""

        row: KnobRow
        value: KnobValue

        @property
        def control(self) -> KnobRow:
            return self.row

    label_width: reactive[int] = reactive(0, layout=True)

    def __init__(self, knob: Knob, value: KnobValue | None = None, *, language: Language = "zh") -> None:
        super().__init__(language=language)
        self.knob = knob
        self.value: KnobValue = knob.default if value is None else knob.parse(value)
        self.complaint = ""

    def set_value(self, value: KnobValue) -> None:
        """Take ``value`` without telling anybody. Raises ``KnobError`` where the knob does not take it."""
        self.value = self.knob.parse(value)
        self.complaint = ""
        self.refresh(layout=True)

    def turn_to(self, value: object) -> bool:
        """Take ``value`` and tell; where the knob does not take it, complain and keep the old one."""
        try:
            value = self.knob.parse(value)
        except KnobError:
            self.complaint = what_it_takes(self.knob, self.language)
            self.refresh(layout=True)
            return False
        changed = value != self.value
        self.value, self.complaint = value, ""
        self.refresh(layout=True)
        if changed:
            self.post_message(self.Turned(self, value))
        return True

    def said_anew(self) -> None:
        if self.complaint:
            self.complaint = what_it_takes(self.knob, self.language)

    def label(self) -> str:
        return say(self.knob.label, self.language)

    def natural_label_width(self) -> int:
        return cell_len(self.label())

    def label_column(self) -> tuple[str, int]:
        """The label in its column, after the sign of the focus, and the cells it takes."""
        width = self.label_width or self.natural_label_width()
        sign = self.look.glyphs.right if self.has_focus_within else " "
        text = sign + pad(self.label(), width, ellipsis=self.look.glyphs.ellipsis) + " "
        return text, width + 2


class DrawnRow(KnobRow, can_focus=True):
    """A row drawn as lines, which has the focus as a whole."""

    def lines(self, width: int) -> list[Text]:
        """The row at ``width`` cells, the complaint below it."""
        label, used = self.label_column()
        lines = self.control_lines(max(width - used, 1))
        indent = " " * used
        style = "bold $text-accent" if self.has_focus else ""
        rows = [Text.assemble((label, style), lines[0]), *(Text.assemble(indent, line) for line in lines[1:])]
        if self.complaint:
            rows += [Text(f" {line}", "$text-error") for line in wrap(self.complaint, max(width - 1, 1))]
        return rows

    def control_lines(self, width: int) -> list[Text]:
        raise NotImplementedError

    def render(self) -> Content:
        return to_content(self.lines(max(self.content_size.width, 1)))

    def get_content_width(self, container: Size, viewport: Size) -> int:
        return container.width

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:
        return len(self.lines(max(width, 1)))

    def on_resize(self) -> None:
        self.refresh()  # Textual keeps what was rendered at the old width

    def on_focus(self) -> None:
        self.refresh()

    def on_blur(self) -> None:
        self.refresh()
