"""The lab: every experiment, freely."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal
from textual.content import Content
from textual.events import ScreenResume
from textual.screen import Screen
from textual.widgets import OptionList
from textual.widgets.option_list import Option

from tui.experiments.catalogue import catalogue
from tui.screens.key_bar import KeyBar, KeyHint
from tui.screens.live_panel import LivePanel
from tui.screens.top_bar import TopBar

if TYPE_CHECKING:
    from tui.app import QuizApp


class LabScreen(Screen[None]):
    """A list of experiments beside the one that runs; on a narrow terminal one of the two is seen."""

    CSS_PATH = "lab.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,x,f8", "list", "List", id="lab.list"),
        Binding("comma", "figure(-1)", "Figure", id="lab.figure-before"),
        Binding("full_stop", "figure(1)", "Figure", id="lab.figure-after"),
    ]

    app: QuizApp

    def compose(self) -> ComposeResult:
        yield TopBar()
        with Horizontal(id="lab-sides"):
            yield OptionList(id="experiments", markup=False)
            yield LivePanel()
        yield KeyBar()

    def on_mount(self) -> None:
        self._names = list(catalogue())
        self._open: str | None = None
        self.watch(self.app, "language", self.show_again, init=False)
        self.show_again()
        last = self.app.store.setting("experiment")
        if last in self._names:
            self.query_one(OptionList).highlighted = self._names.index(last)
        self.query_one(OptionList).focus()

    @on(ScreenResume)
    def back_again(self) -> None:
        self.query_one(LivePanel).resume()

    def show_again(self) -> None:
        """The words, in the present language."""
        options = self.query_one(OptionList)
        highlighted = options.highlighted
        options.clear_options()
        for experiment in catalogue().values():
            title = experiment.title.say(self.app.language)
            summary = experiment.summary.say(self.app.language)
            options.add_option(Option(Content.assemble((title, "bold"), "\n", (summary, "dim")), id=experiment.name))
        options.highlighted = highlighted if highlighted is not None else 0
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
        self.app.store.set_setting("experiment", name)
        self.query_one(OptionList).highlighted = self._names.index(name)
        self.add_class("opened")
        panel = self.query_one(LivePanel)
        panel.show(catalogue()[name], {})
        panel.focus_figure()
        self._show_bars()

    def action_list(self) -> None:
        if self.has_class("opened") and not self.query_one(OptionList).has_focus:
            self.remove_class("opened")
            self.query_one(OptionList).focus()
        else:
            self.app.switch_mode("practice")

    def action_figure(self, step: int) -> None:
        self.query_one(LivePanel).next_figure(step)

    @on(LivePanel.Ran)
    def ran(self) -> None:
        self._show_bars()
