"""A choice knob and a switch."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from rich.cells import cell_len
from rich.text import Text
from textual import events
from textual.binding import BindingType

from questions.bilingual import Language, say
from tui.experiments.contract import Knob, KnobValue
from tui.text.layout import pad
from tui.widgets.knobs import DrawnRow
from tui.widgets.speaking import Key, bindings

TURN = "拧|turn"


class ChoiceRow(DrawnRow):
    """One of several values, side by side; they go on below where the width ends."""

    KEYS: ClassVar[Sequence[Key]] = [
        Key("left,h", "turn(-1)", "knob.choice-before", TURN, "前一个|the one before", TURN, False, "←"),
        Key("right,l", "turn(1)", "knob.choice-next", TURN, "后一个|the next one", TURN, False, "→"),
        Key("home", "choose(0)", "knob.choice-first", TURN, "第一个|the first", TURN, False, "Home"),
        Key("end", "choose(-1)", "knob.choice-last", TURN, "最后一个|the last", TURN, False, "End"),
    ]
    BINDINGS: ClassVar[list[BindingType]] = [*bindings(KEYS)]

    def __init__(self, knob: Knob, value: KnobValue | None = None, *, language: Language = "zh") -> None:
        super().__init__(knob, value, language=language)
        self._places: list[tuple[int, int, int]] = []  # of each choice: line, first cell, end

    @property
    def index(self) -> int:
        return [choice.value for choice in self.knob.choices].index(str(self.value))

    def control_lines(self, width: int) -> list[Text]:
        glyphs = self.look.glyphs
        offset = self.label_column()[1]
        lines, used = [Text()], 0
        self._places = []
        for index, choice in enumerate(self.knob.choices):
            chosen = index == self.index
            name = pad(say(choice.label, self.language), min(cell_len(say(choice.label, self.language)), width - 2))
            text = f"{glyphs.right}{name}{glyphs.left}" if chosen else f" {name} "
            if used and used + 1 + cell_len(text) > width:
                lines.append(Text())
                used = 0
            if used:
                lines[-1].append(" ")
                used += 1
            start = offset + used
            lines[-1].append(text, "bold $text-accent" if chosen else "dim")
            used += cell_len(text)
            self._places.append((len(lines) - 1, start, offset + used))
        return lines

    def action_turn(self, by: int) -> None:
        last = len(self.knob.choices) - 1
        self.action_choose(min(max(self.index + by, 0), last))

    def action_choose(self, index: int) -> None:
        self.turn_to(self.knob.choices[index].value)

    def on_click(self, event: events.Click) -> None:
        for index, (line, start, end) in enumerate(self._places):
            if event.y == line and start <= event.x < end:
                self.action_choose(index)


class SwitchRow(DrawnRow):
    """On or off."""

    KEYS: ClassVar[Sequence[Key]] = [
        Key("enter,space", "flip", "knob.flip", TURN, "开或关|on or off", TURN, False, "Enter"),
        Key("left,h", "put(False)", "knob.off", TURN, "关|off", TURN, False, "←"),
        Key("right,l", "put(True)", "knob.on", TURN, "开|on", TURN, False, "→"),
    ]
    BINDINGS: ClassVar[list[BindingType]] = [*bindings(KEYS)]

    def control_lines(self, width: int) -> list[Text]:
        on = bool(self.value)
        word = ("开" if on else "关") if self.language == "zh" else ("on" if on else "off")
        return [Text.assemble(("[x] " if on else "[ ] ") + word, style="bold $text-accent" if on else "dim")]

    def action_flip(self) -> None:
        self.turn_to(not self.value)

    def action_put(self, value: bool) -> None:
        self.turn_to(value)

    def on_click(self) -> None:
        self.action_flip()
