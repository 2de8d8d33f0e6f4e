"""The lab: every experiment, freely."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import ClassVar

from textual import on
from textual.binding import Binding, BindingType
from textual.widgets import OptionList

from tui.experiments.catalogue import catalogue
from tui.screens.beside_list import BesideList
from tui.screens.key_bar import KeyHint
from tui.screens.listing import Listing
from tui.screens.live_panel import LivePanel
from tui.widgets.holding import give_focus


class LabScreen(BesideList):
    """A list of experiments beside the one that runs; on a narrow terminal one of the two is seen."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("x,f8", "other_side", "List or experiment", id="lab.side"),
        Binding("comma", "figure(-1)", "Figure", id="lab.figure-before"),
        Binding("full_stop", "figure(1)", "Figure", id="lab.figure-after"),
        Binding("less_than_sign", "walk(-1)", "Step before", id="lab.step-before"),
        Binding("greater_than_sign", "walk(1)", "Next step", id="lab.step-after"),
        Binding("c", "checks", "Checks", id="lab.checks"),
        Binding("o", "whole", "Whole figure", id="lab.whole"),
        Binding("w", "save", "Save the figure", id="lab.save"),
        Binding("e", "sentence", "The sentence", id="lab.sentence"),
        Binding("r", "again", "Run again", id="lab.again"),
        Binding("D", "defaults", "Default knobs", id="lab.defaults"),
    ]

    def on_mount(self) -> None:
        self._names = list(catalogue())
        self._open: str | None = None
        self.query_one(LivePanel).visible = False  # there is nothing in it before the first experiment
        self.watch(self.app, "language", self.show_again, init=False)
        self.show_again()
        give_focus(self, self.query_one(Listing))

    @property
    def is_open(self) -> bool:
        return self._open is not None

    def name_and_title(self) -> tuple[str, str]:
        title = catalogue()[self._open].title.say(self.app.language) if self._open else ""
        return self.app.say("screens.lab"), title

    def entries(self) -> tuple[list[tuple[str, str, str]], str | None]:
        language, chosen = self.app.language, self.query_one(Listing).chosen
        entries = [(each.name, each.title.say(language), each.summary.say(language)) for each in catalogue().values()]
        return entries, chosen or self.app.store.setting("experiment")

    def own_hints(self) -> list[KeyHint]:
        say = self.app.say
        return [
            KeyHint("Tab", say("screens.key-next-part"), "app.focus_next", "tab"),
            KeyHint("o", say("screens.key-whole"), "screen.whole"),
            KeyHint(".", say("screens.key-figure"), "screen.figure(1)", "full_stop"),
            KeyHint("c", say("screens.key-checks"), "screen.checks"),
        ]

    def all_keys(self) -> Sequence[KeyHint]:
        """Every key of this screen, for help."""
        names = {
            "Enter": "key-open", "/": "key-filter", "Tab": "key-next-part", ", .": "key-figure", "o": "whole-command",
            "c": "checks-command", "e": "sentence-command", "D": "key-defaults", "r": "key-again", "x / F8": "key-list",
            "Esc": "key-come-back", "P / F5": "go-practice", "I / F3": "go-interview",
            "G / F4": "go-progress", "B / F7": "go-browse", "O / F9": "go-look",
            "H / F12": "go-by-hand", "L / F2": "switch-language",
            "Ctrl+P": "palette-command", "? / F1": "help", "q / Ctrl+Q": "leave",
        }  # fmt: skip
        return [KeyHint(key, self.app.say(f"screens.{name}"), "") for key, name in names.items()]

    @on(OptionList.OptionSelected)
    def selected(self, event: OptionList.OptionSelected) -> None:
        if event.option_id is not None:
            self.open(event.option_id, {})

    def open(self, name: str, settings: Mapping[str, object]) -> None:
        """Run the experiment ``name``, its knobs at ``settings``."""
        self._open = name
        self.app.remember("experiment", name)
        self.query_one(Listing).choose(name)
        self.show_panel(catalogue()[name], settings)
        self.show_top()
        self.show_keys()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        if action == "save":
            return self.can_save
        return action != "walk" or (self.is_mounted and self.query_one(LivePanel).can_walk)

    def action_walk(self, by: int) -> None:
        self.query_one(LivePanel).walk(by)

    def action_checks(self) -> None:
        self.query_one(LivePanel).fold_checks()
