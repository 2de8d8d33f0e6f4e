"""A slider for a number knob: Textual has none (Textualize/textual#1877)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from rich.text import Text
from textual import events
from textual.binding import BindingType

from questions.bilingual import Language
from tui.experiments.contract import Knob, KnobValue
from tui.widgets.knob_scale import KnobScale, typed_number, value_text
from tui.widgets.knobs import DrawnRow
from tui.widgets.speaking import Key, bindings

TURN = "拧|turn"
NARROWEST_TRACK = 6
WIDEST_TRACK = 40
# A number begins with a digit, since "." is a key of the screens.
DIGITS, INSIDE = "0123456789０１２３４５６７８９", ".．。-－eEｅ"
LONGEST = 24


class SliderRow(DrawnRow):
    """A number: arrows turn it, digits type it, the mouse drags it."""

    KEYS: ClassVar[Sequence[Key]] = [
        Key("left,h", "turn(-1)", "knob.less", TURN, "减一步|a step less", TURN, False, "←"),
        Key("right,l", "turn(1)", "knob.more", TURN, "加一步|a step more", TURN, False, "→"),
        Key("pagedown", "page(-1)", "knob.page-less", TURN, "减一大步|many steps less", TURN, False, "PgDn"),
        Key("pageup", "page(1)", "knob.page-more", TURN, "加一大步|many steps more", TURN, False, "PgUp"),
        Key("home", "end_of('low')", "knob.least", TURN, "最小|the least", TURN, False, "Home"),
        Key("end", "end_of('high')", "knob.most", TURN, "最大|the most", TURN, False, "End"),
        Key("enter", "commit", "knob.commit", TURN, "输入数字后确认|take the typed number", TURN, False, "0-9 Enter"),
        Key("escape", "forget", "knob.forget", TURN, "放弃输入|forget what was typed", TURN, False, "Esc"),
        Key("backspace", "erase", "knob.erase", TURN, "删一位|erase a digit", TURN, False, "⌫"),
    ]
    BINDINGS: ClassVar[list[BindingType]] = [*bindings(KEYS)]

    def __init__(self, knob: Knob, value: KnobValue | None = None, *, language: Language = "zh") -> None:
        super().__init__(knob, value, language=language)
        self.scale = KnobScale(knob)
        self.typed = ""
        self._dragging = False
        self._track = (0, 1)  # the first cell of the track and its width, as last drawn
        self.columns = self.natural_columns()

    def natural_columns(self) -> tuple[int, int, int]:
        """The cells that the lowest, the highest and any value need."""
        return (len(value_text(self.knob.minimum)), len(value_text(self.knob.maximum)), self.scale.widest())

    def set_columns(self, columns: tuple[int, int, int]) -> None:
        """Take these widths instead, so that the tracks of several sliders stand one below another."""
        self.columns = columns
        self.refresh(layout=True)

    def control_lines(self, width: int) -> list[Text]:
        glyphs = self.look.glyphs
        low_width, high_width, value_width = self.columns
        low = value_text(self.knob.minimum).rjust(low_width)
        high = value_text(self.knob.maximum).ljust(high_width)
        value_width = max(value_width, len(self._shown()))
        room = width - value_width - 2
        track_width = min(room - low_width - high_width - 2, WIDEST_TRACK)
        ends = track_width >= NARROWEST_TRACK
        if not ends:
            track_width = min(room, WIDEST_TRACK)
        value = (self._shown().rjust(value_width), "bold underline" if self.typed else "bold")
        if track_width < 3:
            self._track = (0, 0)
            return [Text.assemble(value)]
        thumb = round(self.scale.fraction(float(self.value)) * (track_width - 1))
        parts: list[str | tuple[str, str]] = [(f"{low} ", "dim")] if ends else []
        parts += [
            (glyphs.track_done * thumb, "$text-accent"),
            (glyphs.thumb, "bold $text-accent"),
            (glyphs.track * (track_width - 1 - thumb), "dim"),
        ]
        parts += [(f" {high}", "dim")] if ends else []
        self._track = (self.label_column()[1] + (len(low) + 1 if ends else 0), track_width)
        return [Text.assemble(*parts, "  ", value)]

    def _shown(self) -> str:
        return self.typed + "_" if self.typed else value_text(float(self.value))

    # -- keys

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        return bool(self.typed) if action in ("commit", "forget", "erase") else True

    def on_key(self, event: events.Key) -> None:
        character = event.character or "\n"
        accepted = DIGITS + (INSIDE if self.typed else "-－" if self.scale.low < 0 else "")
        if character in accepted and len(self.typed) < LONGEST:
            event.stop()
            event.prevent_default()
            self._type(self.typed + character)

    def _type(self, text: str) -> None:
        self.typed = text
        self.complaint = ""
        self.refresh(layout=True)
        self.refresh_bindings()

    def action_commit(self) -> None:
        typed, self.typed = self.typed, ""
        number = typed_number(typed)
        self.turn_to(typed if number is None else number)
        self.refresh_bindings()

    def action_forget(self) -> None:
        self._type("")

    def action_erase(self) -> None:
        self._type(self.typed[:-1])

    def on_blur(self) -> None:
        if self.typed:
            self.action_commit()
        super().on_blur()

    def action_turn(self, count: int) -> None:
        self._step_to(self.scale.step(float(self.value), count))

    def action_page(self, count: int) -> None:
        self._step_to(self.scale.page(float(self.value), count))

    def action_end_of(self, which: str) -> None:
        self._step_to(self.scale.at(0.0 if which == "low" else 1.0))

    def _step_to(self, value: float) -> None:
        self.typed = ""
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
