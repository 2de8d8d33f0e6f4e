"""A choice knob and a switch."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from rich.cells import cell_len
from rich.text import Text
from textual import events
from textual.binding import BindingType

from questions.bilingual import say
from tui.text.layout import fit
from tui.widgets.knobs import DrawnRow
from tui.widgets.speaking import BarKey, Key, bindings

TURN = "拧|turn"
WIDEST = 24  # cells of a name


class ChoiceRow(DrawnRow):
    """One of several values: the one that is chosen, between the signs that lead to the others."""

    KEYS: ClassVar[Sequence[Key]] = [
        Key("left,h", "turn(-1)", "knob.choice-before", TURN, "前一个|the one before", TURN, False, "←"),
        Key("right,l,enter", "turn(1)", "knob.choice-next", TURN, "后一个|the next one", TURN, False, "→"),
        Key("home", "default", "knob.choice-default", TURN, "默认值|the default", TURN, False, "Home"),
    ]
    BAR: ClassVar[Sequence[BarKey]] = [
        ("←→", "拧|turn", "turn(-1)", "left"),
        ("Home", "默认|default", "default", "home"),
    ]
    BINDINGS: ClassVar[list[BindingType]] = [*bindings(KEYS)]

    @property
    def index(self) -> int:
        return [choice.value for choice in self.knob.choices].index(str(self.value))

    def natural_width(self) -> int:
        widest = max(cell_len(say(choice.label, self.language)) for choice in self.knob.choices)
        return self.lead()[1] + min(widest, WIDEST) + 3

    def control_line(self, width: int) -> Text:
        glyphs, last = self.look.glyphs, len(self.knob.choices) - 1
        name = fit(say(self.knob.choices[self.index].label, self.language), max(width - 3, 1), glyphs.ellipsis)
        before, after = ("" if self.index else "dim"), ("" if self.index < last else "dim")
        left, right = "<>" if glyphs.ascii else "‹›"  # not the sign of the focus
        return Text.assemble((left, before), (name, "bold $text-accent"), (right, after))

    def action_turn(self, by: int) -> None:
        last = len(self.knob.choices) - 1
        self.turn_to(self.knob.choices[min(max(self.index + by, 0), last)].value)

    def on_click(self, event: events.Click) -> None:
        self.action_turn(-1 if event.x <= self.lead()[1] else 1)


class SwitchRow(DrawnRow):
    """On or off."""

    KEYS: ClassVar[Sequence[Key]] = [
        Key("enter", "flip", "knob.flip", TURN, "开或关|on or off", TURN, False, "Enter"),
        Key("left,h", "put(False)", "knob.off", TURN, "关|off", TURN, False, "←"),
        Key("right,l", "put(True)", "knob.on", TURN, "开|on", TURN, False, "→"),
        Key("home", "default", "knob.switch-default", TURN, "默认值|the default", TURN, False, "Home"),
    ]
    BAR: ClassVar[Sequence[BarKey]] = [
        ("←→", "关/开|off, on", "put(False)", "left"),
        ("Home", "默认|default", "default", "home"),
    ]
    BINDINGS: ClassVar[list[BindingType]] = [*bindings(KEYS)]

    def natural_width(self) -> int:
        return self.lead()[1] + 4

    def control_line(self, width: int) -> Text:
        return Text("[x]" if self.value else "[ ]", "bold $text-accent" if self.value else "dim")

    def action_flip(self) -> None:
        self.turn_to(not self.value)

    def action_put(self, value: bool) -> None:
        self.turn_to(value)

    def on_click(self) -> None:
        self.action_flip()
