"""The lab: every experiment, freely."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal
from textual.events import ScreenResume
from textual.screen import Screen
from textual.widgets import OptionList

from tui.experiments.catalogue import catalogue
from tui.screens.key_bar import KeyBar, KeyHint
from tui.screens.listing import Listing
from tui.screens.live_panel import LivePanel
from tui.screens.top_bar import TopBar

if TYPE_CHECKING:
    from tui.screens.program import Program


class LabScreen(Screen[None]):
    """A list of experiments beside the one that runs; on a narrow terminal one of the two is seen."""

    CSS_PATH = "lab.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,x,f8", "list", "List", id="lab.list"),
        Binding("comma", "figure(-1)", "Figure", id="lab.figure-before"),
        Binding("full_stop", "figure(1)", "Figure", id="lab.figure-after"),
    ]

    app: Program

    def compose(self) -> ComposeResult:
        yield TopBar()
        with Horizontal(id="lab-sides"):
            yield Listing(id="experiments")
            yield LivePanel()
        yield KeyBar()

    def on_mount(self) -> None:
        self._names = list(catalogue())
        self._open: str | None = None
        self.watch(self.app, "language", self.show_again, init=False)
        self.show_again()
        self.query_one(Listing).focus()

    @on(ScreenResume)
    def back_again(self) -> None:
        self.query_one(LivePanel).resume()

    def show_again(self) -> None:
        """The words, in the present language."""
        language, options = self.app.language, self.query_one(Listing)
        entries = [(each.name, each.title.say(language), each.summary.say(language)) for each in catalogue().values()]
        options.show(entries, options.chosen or self.app.store.setting("experiment"))
        self.query_one(LivePanel).language = self.app.language
        self._show_bars()

    def _show_bars(self) -> None:
        say = self.app.say
        top = self.query_one(TopBar)
        top.left = " · ".join([say("screens.lab"), *([self._open] if self._open else [])])
        parts = self.query_one(LivePanel).status, say("screens.this-language")
        top.right = " · ".join(part for part in parts if part)
        hints = [KeyHint(", .", say("screens.key-figure"), "screen.figure(1)")] if self._open else []
        hints += [
            KeyHint("Esc", say("screens.key-list"), "screen.list"),
            KeyHint("P", say("screens.key-practice"), "app.switch_mode('practice')"),
            KeyHint("B", say("screens.key-browse"), "app.switch_mode('browse')"),
            KeyHint("L", say("screens.key-language"), "app.switch_language"),
            KeyHint("?", say("screens.key-help"), "app.help"),
            KeyHint("q", say("screens.key-leave"), "app.quit"),
        ]
        self.query_one(KeyBar).show(hints[:7])

    def all_keys(self) -> Sequence[KeyHint]:
        """Every key of this screen, for help."""
        names = {
            "Enter": "key-open", "Esc / x": "key-list", ", .": "key-figure", "Tab": "key-next-part", "r": "key-again",
            "0": "key-defaults", "P / F5": "go-practice", "B / F7": "go-browse", "L / F2": "key-language",
            "Ctrl+P": "palette-command", "q / Ctrl+Q": "leave",
        }  # fmt: skip
        return [KeyHint(key, self.app.say(f"screens.{name}"), "") for key, name in names.items()]

    @on(OptionList.OptionSelected)
    def selected(self, event: OptionList.OptionSelected) -> None:
        if event.option_id is not None:
            self.open(event.option_id)

    def open(self, name: str) -> None:
        """Run the experiment ``name`` at its default knobs."""
        self._open = name
        self.app.remember("experiment", name)
        self.query_one(Listing).highlighted = self._names.index(name)
        self.add_class("opened")
        panel = self.query_one(LivePanel)
        panel.show(catalogue()[name], {})
        panel.focus_figure()
        self._show_bars()

    def action_list(self) -> None:
        if self.has_class("opened") and not self.query_one(Listing).has_focus:
            self.remove_class("opened")
            self.query_one(Listing).focus()
        else:
            self.app.switch_mode("practice")

    def action_figure(self, step: int) -> None:
        self.query_one(LivePanel).next_figure(step)

    @on(LivePanel.Ran)
    def ran(self) -> None:
        self._show_bars()
