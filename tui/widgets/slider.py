"""A slider for a number knob: Textual has none (Textualize/textual#1877)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from rich.cells import cell_len
from rich.text import Text
from textual import events
from textual.binding import BindingType

from questions.bilingual import Language, say
from tui.experiments.contract import Knob, KnobValue
from tui.widgets.knob_scale import KnobScale, typed_number, value_text
from tui.widgets.knobs import DrawnRow
from tui.widgets.speaking import BarKey, Key, bindings

TURN = "拧|turn"
TRACK = 8  # cells of the track
MOST_STEPS = 60  # a whole number with more than these many steps is a number (a seed, a row), and no place on a track
ACCEPTED = "0123456789０１２３４５６７８９.．。-－−eEｅ"
LONGEST = 24


class SliderRow(DrawnRow):
    """A number: arrows turn it, the mouse drags it. Enter or ``=`` begins typing; only then are digits its own."""

    KEYS: ClassVar[Sequence[Key]] = [
        Key("left,h", "turn(-1)", "knob.less", TURN, "减一步|a step less", TURN, False, "←"),
        Key("right,l", "turn(1)", "knob.more", TURN, "加一步|a step more", TURN, False, "→"),
        Key("pagedown", "page(-1)", "knob.page-less", TURN, "减一大步|many steps less", TURN, False, "PgDn"),
        Key("pageup", "page(1)", "knob.page-more", TURN, "加一大步|many steps more", TURN, False, "PgUp"),
        Key("home", "default", "knob.default", TURN, "默认值|the default", TURN, False, "Home"),
        Key("enter,equals_sign", "type", "knob.type", TURN, "输入一个数|type a number", TURN, False, "Enter ="),
        Key("enter", "commit", "knob.commit", TURN, "确认输入的数|take the typed number", TURN, False, "Enter"),
        Key("escape", "forget", "knob.forget", TURN, "放弃输入|forget what was typed", TURN, False, "Esc"),
        Key("backspace", "erase", "knob.erase", TURN, "删一位|erase a digit", TURN, False, "⌫"),
    ]
    BAR: ClassVar[Sequence[BarKey]] = [
        ("←→", "拧|turn", "turn(-1)", "left"),
        ("=", "输入|type", "type", "equals_sign"),
        ("Home", "默认|default", "default", "home"),
        ("Enter", "确认|take it", "commit", "enter"),
        ("Esc", "放弃|forget it", "forget", "escape"),
    ]
    BINDINGS: ClassVar[list[BindingType]] = [*bindings(KEYS)]

    def __init__(self, knob: Knob, value: KnobValue | None = None, *, language: Language = "zh") -> None:
        super().__init__(knob, value, language=language)
        self.scale = KnobScale(knob)
        self.typed = ""
        self.is_typing = False
        self._dragging = False
        self._track = (0, 0)  # the first cell of the track and its width, as last drawn
        steps = (self.scale.high - self.scale.low) / self.scale.tick
        self.tracked = self.scale.log or not self.scale.whole or steps <= MOST_STEPS

    def natural_width(self) -> int:
        track = TRACK + 1 if self.tracked else 0
        return self.lead()[1] + track + max(self.scale.widest(), cell_len(self._least()), cell_len(self._shown())) + 1

    def control_line(self, width: int) -> Text:
        glyphs = self.look.glyphs
        value = (self._shown(), "bold underline" if self.is_typing else "bold")
        track = min(TRACK, width - cell_len(value[0]) - 1)
        if not self.tracked or track < 3:
            self._track = (0, 0)
            return Text.assemble(value)
        thumb = round(self.scale.fraction(float(self.value)) * (track - 1))
        self._track = (self.lead()[1], track)
        return Text.assemble(
            (glyphs.track_done * thumb, "$text-accent"),
            (glyphs.thumb, "bold $text-accent"),
            (glyphs.track * (track - 1 - thumb), "dim"),
            " ",
            value,
        )

    def _least(self) -> str:
        return say(self.knob.least, self.language)

    def _shown(self) -> str:
        if self.is_typing:
            return self.typed + "_"
        is_least = self.value == self.knob.minimum
        return (self._least() if is_least else "") or value_text(float(self.value))

    # -- keys

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        if action in ("commit", "forget", "erase"):
            return self.is_typing
        return not self.is_typing if action in ("type", "turn", "page", "default") else True

    def on_key(self, event: events.Key) -> None:
        if self.is_typing and event.is_printable:  # a letter that is no part of a number does nothing here
            event.stop()
            event.prevent_default()
            if (event.character or "\n") in ACCEPTED and len(self.typed) < LONGEST:
                self._type(self.typed + (event.character or ""))

    def on_paste(self, event: events.Paste) -> None:
        if self.is_typing:
            event.stop()
            self._type((self.typed + "".join(sign for sign in event.text if sign in ACCEPTED))[:LONGEST])

    def _type(self, text: str) -> None:
        self.typed = text
        self.refresh(layout=True)

    def action_type(self) -> None:
        self.is_typing = True
        self._type("")
        self.refresh_bindings()

    def _stop_typing(self) -> str:
        typed, self.typed, self.is_typing = self.typed, "", False
        self.refresh(layout=True)
        self.refresh_bindings()
        return typed

    def action_commit(self) -> None:
        typed = self._stop_typing()
        if typed:
            number = typed_number(typed)
            self.turn_to(typed if number is None else number)

    def action_forget(self) -> None:
        self._stop_typing()

    def action_erase(self) -> None:
        self._type(self.typed[:-1])

    def on_blur(self) -> None:
        if self.is_typing:
            self.action_commit()
        super().on_blur()

    def action_turn(self, count: int) -> None:
        self._step_to(self.scale.step(float(self.value), count))

    def action_page(self, count: int) -> None:
        self._step_to(self.scale.page(float(self.value), count))

    def _step_to(self, value: float) -> None:
        self.turn_to(value)

    # -- the mouse

    def on_mouse_down(self, event: events.MouseDown) -> None:
        start, width = self._track
        if event.y == 0 and width and start - 1 <= event.x <= start + width:
            self._dragging = True
            self.capture_mouse()
            self._drag_to(event.x)

    def on_mouse_move(self, event: events.MouseMove) -> None:
        if self._dragging:
            self._drag_to(event.x)

    def on_mouse_up(self) -> None:
        if self._dragging:
            self._dragging = False
            self.release_mouse()

    def _drag_to(self, x: int) -> None:
        start, width = self._track
        self._step_to(self.scale.at((x - start) / max(width - 1, 1)))

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        if self.has_focus:
            event.stop()
            self.action_turn(1)

    def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        if self.has_focus:
            event.stop()
            self.action_turn(-1)
