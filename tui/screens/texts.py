"""The texts that a text knob offers: what the person typed into knobs of its name before, then what it comes with."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar, Protocol

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import OptionList, Static
from textual.widgets.option_list import Option

from tui.experiments.contract import Knob
from tui.language.harmless import in_a_line
from tui.screens.listing import Options

KEPT = 12  # texts that are kept for knobs of one name


class Settings(Protocol):
    def setting(self, name: str, default: Any = None) -> Any: ...


def setting_name(knob: Knob) -> str:
    """Under which texts are kept: what was typed as a sentence in one experiment is offered in all."""
    return f"texts.{knob.name}"


def kept_texts(store: Settings, knob: Knob) -> list[str]:
    """The newest first; what another program wrote there is passed over."""
    found = store.setting(setting_name(knob), [])
    return [text for text in found if isinstance(text, str)] if isinstance(found, list) else []


def with_text(texts: Sequence[str], text: str) -> list[str]:
    """``texts`` with ``text`` in front, each once."""
    return [text, *(each for each in texts if each != text)][:KEPT]


def offered(store: Settings, knob: Knob) -> list[str]:
    """All that the knob can take, each once: kept texts, its defaults, its presets."""
    own = [text for text in kept_texts(store, knob) if len(text) <= knob.max_length]
    return list(dict.fromkeys([*own, str(knob.default), *([knob.english] if knob.english else []), *knob.presets]))


class TextsDialog(ModalScreen[str | None]):
    """Enter takes a text, Esc none."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("j", "app.simulate_key('down')", "Down", id="texts.down"),
        Binding("k", "app.simulate_key('up')", "Up", id="texts.up"),
        Binding("escape", "dismiss(None)", "Cancel", id="texts.cancel"),
    ]

    def __init__(self, title: str, hint: str, texts: Sequence[str], chosen: str) -> None:
        super().__init__()
        self._title, self._hint, self._texts, self._chosen = title, hint, list(texts), chosen

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog"):
            yield Static(self._title, classes="dialog-title", markup=False)
            yield Options(*(Option(in_a_line(text)) for text in self._texts), markup=False)
            yield Static(self._hint, classes="dialog-hint", markup=False)

    def on_mount(self) -> None:
        options = self.query_one(OptionList)
        options.focus()
        if self._chosen in self._texts:
            options.highlighted = self._texts.index(self._chosen)

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        self.dismiss(self._texts[event.option_index])
