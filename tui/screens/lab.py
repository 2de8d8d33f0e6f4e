"""The lab: every experiment, freely."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal
from textual.events import ScreenResume
from textual.widgets import OptionList

from tui.experiments.catalogue import catalogue
from tui.screens.key_bar import KeyBar, KeyHint
from tui.screens.listing import Listing
from tui.screens.live_panel import LivePanel
from tui.screens.message_line import MessageLine
from tui.screens.place import Place
from tui.screens.top_bar import TopBar
from tui.widgets.holding import give_focus


class LabScreen(Place):
    """A list of experiments beside the one that runs; on a narrow terminal one of the two is seen."""

    CSS_PATH = "lab.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("x,f8", "other_side", "List or experiment", id="lab.side"),
        Binding("comma", "figure(-1)", "Figure", id="lab.figure-before"),
        Binding("full_stop", "figure(1)", "Figure", id="lab.figure-after"),
        Binding("less_than_sign", "walk(-1)", "Step before", id="lab.step-before"),
        Binding("greater_than_sign", "walk(1)", "Next step", id="lab.step-after"),
        Binding("c", "checks", "Checks", id="lab.checks"),
        Binding("o", "whole", "Whole figure", id="lab.whole"),
        Binding("e", "sentence", "The sentence", id="lab.sentence"),
        Binding("r", "again", "Run again", id="lab.again"),
        Binding("D", "defaults", "Default knobs", id="lab.defaults"),
    ]

    def compose(self) -> ComposeResult:
        yield TopBar()
        with Horizontal(id="lab-sides"):
            yield Listing(id="experiments")
            yield LivePanel()
        yield MessageLine()
        yield KeyBar()

    def on_mount(self) -> None:
        self._names = list(catalogue())
        self._open: str | None = None
        self.watch(self.app, "language", self.show_again, init=False)
        self.show_again()
        give_focus(self, self.query_one(Listing))

    @on(ScreenResume)
    def back_again(self) -> None:
        self.query_one(LivePanel).resume()

    def show_again(self) -> None:
        """The words, in the present language."""
        language, options = self.app.language, self.query_one(Listing)
        entries = [(each.name, each.title.say(language), each.summary.say(language)) for each in catalogue().values()]
        options.show(entries, options.chosen or self.app.store.setting("experiment"))
        self.query_one(LivePanel).language = self.app.language
        self._show_top()
        self.show_keys()

    def _show_top(self) -> None:
        say = self.app.say
        top, live = self.query_one(TopBar), self.query_one(LivePanel)
        title = catalogue()[self._open].title.say(self.app.language) if self._open else ""
        top.left = " · ".join(part for part in (say("screens.lab"), title) if part)
        top.right = " · ".join(part for part in (live.status, say("screens.this-language")) if part)
        live.lead = "" if self.has_class("whole") else say("screens.list-tab")

    def screen_hints(self) -> list[KeyHint]:
        say = self.app.say
        last = [
            KeyHint("L", say("screens.key-language"), "app.switch_language"),
            KeyHint("q", say("screens.key-leave"), "app.quit"),
            KeyHint("?", say("screens.key-help"), "app.help", "question_mark"),
        ]
        if self.app.is_typing:
            typing = KeyHint("Enter", say("screens.key-take-text"), "close", "enter")
            helping = KeyHint("F1", say("screens.key-help"), "app.help", "f1")
            return [helping] if self.focus_hints() else [typing, helping]
        back = KeyHint("Esc", say("screens.key-back"), "screen.back", "escape")
        if not self._open or self.query_one(Listing).has_focus:
            return [KeyHint("Enter", say("screens.key-open"), "select", "enter"), back, *last]
        return [
            KeyHint("Tab", say("screens.key-next-part"), "app.focus_next", "tab"),
            KeyHint("o", say("screens.key-whole"), "screen.whole"),
            KeyHint(".", say("screens.key-figure"), "screen.figure(1)", "full_stop"),
            KeyHint("c", say("screens.key-checks"), "screen.checks"),
            back,
            *last,
        ]

    def all_keys(self) -> Sequence[KeyHint]:
        """Every key of this screen, for help."""
        names = {
            "Enter": "key-open", "Tab": "key-next-part", ", .": "key-figure", "o": "whole-command",
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
        self.query_one(Listing).highlighted = self._names.index(name)
        self.add_class("opened")
        self.set_focus(None)
        panel = self.query_one(LivePanel)
        panel.show(catalogue()[name], settings)
        panel.knobs_to_top()
        panel.focus_figure()
        self._show_top()
        self.show_keys()

    async def action_back(self) -> None:
        """From the picture alone to all, from the experiment to the list, from the list back to where one came from."""
        if self.has_class("whole"):
            self.action_whole()
        elif self.has_class("opened") and not self.query_one(Listing).has_focus:
            self._to_list()
        else:
            await super().action_back()

    def _to_list(self) -> None:
        self.remove_class("opened", "whole")
        give_focus(self, self.query_one(Listing))
        self._show_top()

    def action_other_side(self) -> None:
        if self._open and self.query_one(Listing).has_focus:
            self.add_class("opened")
            self.query_one(LivePanel).focus_figure()
            self._show_top()
        else:
            self._to_list()

    @on(LivePanel.AnswerWanted)
    def list_wanted(self) -> None:
        self._to_list()

    def action_figure(self, step: int) -> None:
        self.query_one(LivePanel).next_figure(step)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        return action != "walk" or (self.is_mounted and self.query_one(LivePanel).can_walk)

    def action_walk(self, by: int) -> None:
        self.query_one(LivePanel).walk(by)

    def action_checks(self) -> None:
        self.query_one(LivePanel).fold_checks()

    def action_whole(self) -> None:
        """The picture alone, or all that was beside it."""
        if self._open:
            self.add_class("opened")
            self.toggle_class("whole")
            self._show_top()
            self.call_after_refresh(self.query_one(LivePanel).focus_figure)

    def action_sentence(self) -> None:
        if self._open:
            self.add_class("opened")
            self.remove_class("whole")
            self.call_after_refresh(self._open_sentence)

    def _open_sentence(self) -> None:
        if not self.query_one(LivePanel).focus_sentence():
            self.app.notify(self.app.say("screens.no-sentence"))

    def action_again(self) -> None:
        self.query_one(LivePanel).action_again()

    def action_defaults(self) -> None:
        self.query_one(LivePanel).action_defaults()

    @on(LivePanel.Ran)
    def ran(self) -> None:
        self._show_top()
        self.show_keys()

    @on(LivePanel.Told)
    def told(self) -> None:
        self._show_top()
