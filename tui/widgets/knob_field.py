"""A text knob: a label and a field, which Enter or ``=`` opens. What is typed counts at once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import ClassVar

from textual import events
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.message import Message
from textual.widgets import Input, Static

from tui.experiments.contract import KnobValue
from tui.widgets.holding import give_focus
from tui.widgets.knobs import KnobRow
from tui.widgets.line_input import LineInput
from tui.widgets.speaking import BarKey, Key, bindings

TEXTS = "换一句|another text"
NARROWEST, WIDEST = 12, 32  # cells of the field, whatever stands in it: typing moves no other knob


class Field(LineInput, can_focus=False):
    """Can have the focus only while it is open: Tab stops at the knob, whose single keys act."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,enter", "close", "Close", show=False, id="knob.close-field", priority=True),
        Binding("down", "texts", "Texts", show=False, id="knob.field-texts", priority=True),
    ]

    def action_texts(self) -> None:
        row = self.parent
        assert isinstance(row, FieldRow)
        row.action_texts()

    def action_close(self) -> None:
        row = self.parent
        assert isinstance(row, FieldRow)
        give_focus(self.screen, row)


class FieldRow(KnobRow, can_focus=True):
    """A text and, once it is opened, the field in which it is typed."""

    DEFAULT_CSS = """
    FieldRow { layout: horizontal; }
    FieldRow .field-label { width: auto; height: 1; text-wrap: nowrap; }
    FieldRow Field { width: 1fr; height: 1; border: none; padding: 0; background: $boost; }
    FieldRow Field:focus { border: none; background: $boost; background-tint: $foreground 8%; }
    """
    KEYS: ClassVar[Sequence[Key]] = [
        Key(
            "enter,equals_sign",
            "type",
            "knob.open-field",
            "输入|type",
            "改写这段文字|type another text",
            "",
            False,
            "Enter =",
        ),
        Key("left", "turn(-1)", "knob.text-before", TEXTS, "上一句|the text before", TEXTS, False, "←"),
        Key("right", "turn(1)", "knob.text-next", TEXTS, "下一句|the next text", TEXTS, False, "→"),
        Key("home", "default", "knob.field-default", "默认|default", "默认的文字|the default text", "", False, "Home"),
    ]
    BAR: ClassVar[Sequence[BarKey]] = [
        ("←→", "换一句|another", "turn(1)", "right"),
        ("=", "输入|type", "type", "equals_sign"),
        ("Home", "默认|default", "default", "home"),
    ]
    BINDINGS: ClassVar[list[BindingType]] = [*bindings(KEYS)]

    texts: Callable[[], Sequence[str]] = staticmethod(tuple)  # what ← and → go through, and ↓ lists

    class ListWanted(Message):
        """↓ in the field: the texts to choose from."""

        def __init__(self, row: FieldRow) -> None:
            super().__init__()
            self.row = row

    class Typed(Message):
        """The field was left with another text than it was opened with."""

        def __init__(self, row: FieldRow) -> None:
            super().__init__()
            self.row = row

    def compose(self) -> ComposeResult:
        yield Static(classes="field-label", markup=False)
        yield Field(str(self.value), compact=True, select_on_focus=False)

    def on_mount(self) -> None:
        self._show_label()

    def said_anew(self) -> None:
        super().said_anew()
        self._show_label()

    _before: str | None = None  # the text when the field was opened

    @property
    def field(self) -> Field:
        return self.query_one(Field)

    def natural_width(self) -> int:
        return self.lead()[1] + min(max(self.knob.max_length + 1, NARROWEST), WIDEST)

    def set_value(self, value: KnobValue) -> None:
        super().set_value(value)
        for field in self.query(Field):
            with field.prevent(Input.Changed):
                field.value = str(self.value)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        if action == "turn" and len(self.texts()) < 2:
            return False
        return not self.field.has_focus if action in ("type", "default", "turn") else True

    def action_type(self) -> None:
        """Open the field, the cursor at the end of its text."""
        self.field.can_focus = True
        self._before = str(self.value)
        if give_focus(self.screen, self.field):
            self.field.cursor_position = len(self.field.value)

    def action_turn(self, by: int) -> None:
        """The next of the texts on offer."""
        texts = list(self.texts())
        here = texts.index(str(self.value)) if self.value in texts else (-1 if by > 0 else 0)
        self.take(texts[(here + by) % len(texts)])

    def action_texts(self) -> None:
        self.post_message(self.ListWanted(self))

    def take(self, text: str) -> None:
        """Another text, as if it had been typed."""
        self.turn_to(text)
        self.set_value(text)

    def action_default(self) -> None:
        super().action_default()
        self.set_value(self.value)

    def on_click(self) -> None:
        if not self.field.has_focus:
            self.action_type()

    def on_input_changed(self, event: Input.Changed) -> None:
        event.stop()
        self.turn_to(event.value)

    def on_focus(self) -> None:
        self._show_label()

    def on_blur(self) -> None:
        self._show_label()

    def on_descendant_focus(self, event: events.DescendantFocus) -> None:
        self._show_label()

    def on_descendant_blur(self, event: events.DescendantBlur) -> None:
        self.field.can_focus = False
        if self._before is not None and self.value not in (self._before, ""):
            self.post_message(self.Typed(self))
        self._before = None
        self._show_label()

    def _show_label(self) -> None:
        for label in self.query(".field-label").results(Static):  # none yet while the row is being composed
            style = "bold $text-accent" + (" reverse" if self.has_focus else "") if self.has_focus_within else ""
            label.update(Content.assemble((self.lead()[0].rstrip(), style), " "))
