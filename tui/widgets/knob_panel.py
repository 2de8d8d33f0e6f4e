"""All the knobs of an experiment, one below another, with what the focused one is for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

from textual import events
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.content import Content
from textual.message import Message
from textual.widgets import Static

from questions.bilingual import Language
from tui.experiments.contract import Experiment, Knob, KnobValue
from tui.text.layout import wrap
from tui.widgets.choice import ChoiceRow, SwitchRow
from tui.widgets.knob_field import FieldRow
from tui.widgets.knobs import KnobRow
from tui.widgets.slider import SliderRow
from tui.widgets.speaking import Key, SpeakingWidget, bindings

ROWS: dict[str, type[KnobRow]] = {"number": SliderRow, "choice": ChoiceRow, "switch": SwitchRow, "text": FieldRow}
KNOBS = "旋钮|knobs"
WIDEST_LABEL = 16


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


class KnobPanel(SpeakingWidget):
    """``values`` is what an experiment's ``run`` takes; it is valid at every moment."""

    DEFAULT_CSS = """
    KnobPanel { layout: vertical; height: auto; width: 1fr; }
    KnobPanel > .knob-help { height: auto; color: $text-muted; padding: 0 0 0 1; display: none; }
    KnobPanel > .knob-help.shown { display: block; }
    """
    KEYS: ClassVar[Sequence[Key]] = [
        Key("up", "next(-1)", "knobs.before", KNOBS, "上一个旋钮|the knob above", KNOBS, False, "↑"),
        Key("down", "next(1)", "knobs.next", KNOBS, "下一个旋钮|the knob below", KNOBS, False, "↓"),
        Key("R", "reset", "knobs.reset", "复原|reset", "所有旋钮回到默认值|all knobs to their defaults", KNOBS),
    ]
    BINDINGS: ClassVar[list[BindingType]] = [*bindings(KEYS)]

    def __init__(
        self,
        experiment: Experiment,
        values: Mapping[str, KnobValue] | None = None,
        *,
        language: Language = "zh",
        id: str | None = None,
        classes: str | None = None,
    ) -> None:
        super().__init__(language=language, id=id, classes=classes)
        self.experiment = experiment
        given = values or {}
        self.rows = [self._row(knob, given.get(knob.name)) for knob in experiment.knobs]

    def _row(self, knob: Knob, value: KnobValue | None) -> KnobRow:
        return ROWS[knob.kind](knob, value, language=self.language)

    def compose(self) -> ComposeResult:
        yield from self.rows
        yield Static(classes="knob-help", markup=False)

    def on_mount(self) -> None:
        self._align()

    def on_resize(self) -> None:
        self._align()

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

    def reset(self) -> None:
        """All knobs to their defaults, with a ``KnobChanged`` for each one that was turned."""
        turned = [row for row in self.rows if row.value != row.knob.default]
        for row in self.rows:
            row.set_value(row.knob.default)
        for row in turned:
            self.post_message(KnobChanged(self, row.knob.name, row.value, self.values))

    def action_reset(self) -> None:
        self.reset()

    def action_next(self, by: int) -> None:
        """The focus to the knob above or below; beyond the ends it stays."""
        here = next((index for index, row in enumerate(self.rows) if row.has_focus_within), None)
        if here is not None and 0 <= here + by < len(self.rows):
            self.rows[here + by].focus()

    def on_knob_row_turned(self, event: KnobRow.Turned) -> None:
        event.stop()
        self.post_message(KnobChanged(self, event.row.knob.name, event.value, self.values))

    def said_anew(self) -> None:
        self._align()
        self._help()

    def on_descendant_focus(self, event: events.DescendantFocus) -> None:
        self._help()

    def on_descendant_blur(self, event: events.DescendantBlur) -> None:
        self._help()

    def _align(self) -> None:
        """One column for all labels, at most a third of the width."""
        widest = max((row.natural_label_width() for row in self.rows), default=0)
        column = min(widest, WIDEST_LABEL, max(self.size.width // 3, 4))
        for row in self.rows:
            row.label_width = column
        sliders = [row for row in self.rows if isinstance(row, SliderRow)]
        if sliders:
            low, high, value = map(max, zip(*(row.natural_columns() for row in sliders), strict=True))
            for row in sliders:
                row.set_columns((low, high, value))

    def _help(self) -> None:
        if not self.is_mounted:
            return
        below = self.query_one(".knob-help", Static)
        focused = next((row.knob for row in self.rows if row.has_focus_within), None)
        text = focused.help.say(self.language) if focused is not None and focused.help is not None else ""
        below.set_class(bool(text), "shown")
        below.update(Content("\n".join(wrap(text, max(self.size.width - 1, 1)))))
