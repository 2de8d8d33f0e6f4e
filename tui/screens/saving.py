"""In which format a figure is to be saved."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import OptionList, Static
from textual.widgets.option_list import Option

from tui.screens.listing import Options

FORMATS = ("svg", "png", "csv", "html")


class SaveDialog(ModalScreen[str | None]):
    """Enter takes the format that is marked, a letter (``s p c h``) the one that begins with it; Esc saves nothing."""

    BINDINGS: ClassVar[list[BindingType]] = [
        *(Binding(format[0], f"take('{format}')", format.upper(), id=f"save.{format}") for format in FORMATS),
        Binding("j", "app.simulate_key('down')", "Down", id="save.down"),
        Binding("k", "app.simulate_key('up')", "Up", id="save.up"),
        Binding("escape,w", "dismiss(None)", "Cancel", id="save.cancel"),
    ]

    def __init__(self, say: Callable[[str], str]) -> None:
        super().__init__()
        self._say = say

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog"):
            yield Static(self._say("screens.save-title"), classes="dialog-title", markup=False)
            yield Options(
                *(Option(f"{format[0]}  {self._say(f'screens.save-{format}')}", id=format) for format in FORMATS),
                markup=False,
            )
            yield Static(self._say("screens.save-hint"), classes="dialog-hint", markup=False)

    def on_mount(self) -> None:
        self.query_one(OptionList).focus()

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        self.dismiss(event.option_id)

    def action_take(self, format: str) -> None:
        self.dismiss(format)
