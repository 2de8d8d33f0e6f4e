"""All the knobs of an experiment in a strip: what matters most first, a seed last."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import ClassVar, Protocol

from textual import events
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.message import Message

from questions.bilingual import Language
from tui.experiments.contract import Knob, KnobValue
from tui.widgets.choice import ChoiceRow, SwitchRow
from tui.widgets.flow import FlowLayout
from tui.widgets.holding import give_focus
from tui.widgets.knob_field import FieldRow
from tui.widgets.knobs import KnobRow
from tui.widgets.slider import SliderRow
from tui.widgets.speaking import Key, SpeakingWidget, bindings

ROWS: dict[str, type[KnobRow]] = {"number": SliderRow, "choice": ChoiceRow, "switch": SwitchRow, "text": FieldRow}
KNOBS = "旋钮|knobs"


@dataclass
class KnobChanged(Message):
    """A knob has another value; ``values`` are those of all knobs."""

    panel: KnobPanel
    name: str
    value: KnobValue
    values: dict[str, KnobValue]

    @property
    def control(self) -> KnobPanel:
        return self.panel


@dataclass
class KnobSays(Message):
    """What the focused knob is for, or (``wrong``) what it takes instead of what was typed; "" where none has it."""

    text: str
    wrong: bool = False


class HasKnobs(Protocol):
    """What is needed of an experiment: its knobs."""

    @property
    def knobs(self) -> Sequence[Knob]: ...


class KnobPanel(SpeakingWidget):
    """``values`` is what an experiment's ``run`` takes; it is valid at every moment.

    The knobs named ``first`` (those that a question sets) come first, then the others as they are declared.
    """

    DEFAULT_CSS = "KnobPanel { height: auto; width: 1fr; }"
    KEYS: ClassVar[Sequence[Key]] = [
        Key("up", "next(-1)", "knobs.before", KNOBS, "前一个旋钮|the knob before", KNOBS, False, "↑"),
        Key("down", "next(1)", "knobs.next", KNOBS, "后一个旋钮|the next knob", KNOBS, False, "↓"),
    ]
    BINDINGS: ClassVar[list[BindingType]] = [*bindings(KEYS)]

    def __init__(
        self,
        experiment: HasKnobs,
        values: Mapping[str, KnobValue] | None = None,
        *,
        first: Collection[str] = (),
        texts: Callable[[Knob], Sequence[str]] | None = None,
        language: Language = "zh",
        id: str | None = None,
        classes: str | None = None,
    ) -> None:
        super().__init__(language=language, id=id, classes=classes)
        self.experiment = experiment
        self._texts = texts
        given = values or {}
        knobs = sorted(experiment.knobs, key=lambda knob: 2 if knob.name == "seed" else knob.name not in first)
        self.rows = [self._row(knob, given.get(knob.name)) for knob in knobs]
        self._flow = FlowLayout()

    def _row(self, knob: Knob, value: KnobValue | None) -> KnobRow:
        row = ROWS[knob.kind](knob, value, language=self.language)
        if isinstance(row, FieldRow) and self._texts is not None:
            row.texts = partial(self._texts, knob)
        return row

    def compose(self) -> ComposeResult:
        yield from self.rows

    @property
    def layout(self) -> FlowLayout:
        """Textual takes only layouts of its own from styles."""
        return self._flow

    @property
    def values(self) -> dict[str, KnobValue]:
        return {row.knob.name: row.value for row in self.rows}

    def row(self, name: str) -> KnobRow:
        """The row of the knob ``name``."""
        return next(row for row in self.rows if row.knob.name == name)

    def set_values(self, values: Mapping[str, KnobValue]) -> None:
        """Put knobs to ``values`` without a message; those not named stay. Raises ``KnobError``."""
        parsed = {name: self.row(name).knob.parse(value) for name, value in values.items()}
        for name, value in parsed.items():
            self.row(name).set_value(value)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """↓ in an open field lists its texts."""
        typing = any(field.has_focus for field in self.query("FieldRow Field"))
        return not (action == "next" and parameters == (1,) and typing)

    def action_next(self, by: int) -> None:
        """The focus to the knob before or after; beyond the ends it stays."""
        here = next((index for index, row in enumerate(self.rows) if row.has_focus_within), None)
        if here is not None and 0 <= here + by < len(self.rows):
            give_focus(self.screen, self.rows[here + by])

    def on_knob_row_turned(self, event: KnobRow.Turned) -> None:
        event.stop()
        self.post_message(KnobChanged(self, event.row.knob.name, event.value, self.values))

    def on_knob_row_said(self, event: KnobRow.Said) -> None:
        event.stop()
        self._tell()

    def said_anew(self) -> None:
        for row in self.rows:  # just made, they are no children yet
            row.language = self.language
        self._tell()

    def on_descendant_focus(self, event: events.DescendantFocus) -> None:
        self._tell()

    def on_descendant_blur(self, event: events.DescendantBlur) -> None:
        self._tell()

    def _tell(self) -> None:
        row = next((row for row in self.rows if row.complaint), None)
        if row is not None:
            colon = "：" if self.language == "zh" else ": "
            self.post_message(KnobSays(f"{row.label()}{colon}{row.complaint}", wrong=True))
            return
        row = next((row for row in self.rows if row.has_focus_within), None)
        text = row.knob.help.say(self.language) if row is not None and row.knob.help is not None else ""
        self.post_message(KnobSays(text))
