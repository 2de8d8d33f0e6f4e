"""What the knobs of an experiment have in common on the screen: a label and a control, on one line of the strip.

What a knob is for, or takes where what was typed cannot be, is told by ``KnobSays``: a line of its own below the knob
would move the picture. The kinds are in ``slider``, ``choice`` (and the switch) and ``knob_field``.
"""

from __future__ import annotations

from dataclasses import dataclass

from rich.cells import cell_len
from rich.text import Text
from textual.content import Content
from textual.geometry import Size
from textual.message import Message

from questions.bilingual import Language, say
from tui.experiments.contract import Knob, KnobError, KnobValue
from tui.text.layout import fit
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
    KnobRow { height: 1; width: 1fr; text-wrap: nowrap; text-overflow: clip; }
    """

    @dataclass
    class Turned(Message):
        """The knob has another value."""

        row: KnobRow
        value: KnobValue

        @property
        def control(self) -> KnobRow:
            return self.row

    @dataclass
    class Said(Message):
        """The knob has a complaint, or has none any more."""

        row: KnobRow

        @property
        def control(self) -> KnobRow:
            return self.row

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
            self.post_message(self.Said(self))
            return False
        had_complaint = bool(self.complaint)
        changed = value != self.value
        self.value, self.complaint = value, ""
        self.refresh(layout=True)
        if changed:
            self.post_message(self.Turned(self, value))
        if had_complaint:
            self.post_message(self.Said(self))
        return True

    def said_anew(self) -> None:
        if self.complaint:
            self.complaint = what_it_takes(self.knob, self.language)

    def label(self) -> str:
        return say(self.knob.label, self.language)

    def lead(self) -> tuple[str, int]:
        """The label after the sign of the focus, and the cells it takes."""
        text = (self.look.glyphs.right if self.has_focus_within else " ") + self.label() + " "
        return text, cell_len(text)

    def natural_width(self) -> int:
        """The cells that the knob wants on its line."""
        raise NotImplementedError

    def action_default(self) -> None:
        self.turn_to(self.knob.default)


class DrawnRow(KnobRow, can_focus=True):
    """A knob drawn on its line, which has the focus as a whole."""

    def control_line(self, width: int) -> Text:
        raise NotImplementedError

    def render(self) -> Content:
        width = max(self.content_size.width, 1)
        label, used = self.lead()
        style = "bold $text-accent reverse" if self.has_focus else ""
        if used >= width:
            return to_content([Text(fit(label, width, self.look.glyphs.ellipsis), style)])
        return to_content([Text.assemble((label.rstrip(), style), " ", self.control_line(width - used))])

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:
        return 1

    def on_resize(self) -> None:
        self.refresh()  # Textual keeps what was rendered at the old width

    def on_focus(self) -> None:
        self.refresh()

    def on_blur(self) -> None:
        self.refresh()
