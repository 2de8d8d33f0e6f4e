"""A text knob: a field in a row. What is typed counts at once where the knob takes it."""

from __future__ import annotations

from typing import ClassVar, Self

from textual import events
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal
from textual.content import Content
from textual.widgets import Input, Static

from tui.experiments.contract import KnobValue
from tui.text.layout import wrap
from tui.widgets.knobs import KnobRow


class Field(Input):
    """An input that gives the focus back on Escape."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "leave", "Leave", show=False, id="knob.leave-field")]

    def action_leave(self) -> None:
        self.screen.set_focus(None)


class FieldRow(KnobRow):
    """A label and a field; the field has the focus."""

    DEFAULT_CSS = """
    FieldRow { layout: vertical; }
    FieldRow Horizontal { height: 1; width: 1fr; }
    FieldRow .field-label { width: auto; height: 1; text-wrap: nowrap; }
    FieldRow .field-complaint { height: auto; color: $text-error; display: none; padding: 0 0 0 1; }
    FieldRow .field-complaint.shown { display: block; }
    FieldRow Field { width: 1fr; height: 1; border: none; padding: 0; background: $boost; text-style: none; }
    FieldRow Field:focus { border: none; background-tint: $foreground 5%; text-style: underline; }
    """

    def compose(self) -> ComposeResult:
        with Horizontal():
            yield Static(classes="field-label", markup=False)
            yield Field(str(self.value), compact=True, select_on_focus=False)
        yield Static(classes="field-complaint", markup=False)

    def on_mount(self) -> None:
        self._show_label()

    def watch_label_width(self) -> None:
        self._show_label()

    def said_anew(self) -> None:
        super().said_anew()
        self._show_label()
        self._show_complaint()

    def set_value(self, value: KnobValue) -> None:
        super().set_value(value)
        if self.is_mounted:
            field = self.query_one(Field)
            with field.prevent(Input.Changed):
                field.value = str(self.value)
            self._show_complaint()

    def focus(self, scroll_visible: bool = True) -> Self:
        """Put the focus into the field."""
        self.query_one(Field).focus(scroll_visible)
        return self

    def on_input_changed(self, event: Input.Changed) -> None:
        event.stop()
        self.turn_to(event.value)
        self._show_complaint()

    def on_input_submitted(self, event: Input.Submitted) -> None:
        event.stop()

    def on_descendant_focus(self, event: events.DescendantFocus) -> None:
        self._show_label()

    def on_descendant_blur(self, event: events.DescendantBlur) -> None:
        self._show_label()

    def _show_label(self) -> None:
        for label in self.query(".field-label").results(Static):  # none yet while the row is being composed
            style = "bold $text-accent" if self.has_focus_within else ""
            text, width = self.label_column()
            label.styles.width = width
            label.update(Content.styled(text, style))

    def _show_complaint(self) -> None:
        for below in self.query(".field-complaint").results(Static):
            below.set_class(bool(self.complaint), "shown")
            below.update(Content("\n".join(wrap(self.complaint, max(self.size.width - 1, 1)))))
