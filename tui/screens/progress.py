"""Progress: what is due in the coming weeks, what was done, what is known and what is weak, a figure each."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.events import ScreenResume

from questions.bilingual import say as say_label
from tui.figures.data import Figure
from tui.practice.standing import Standing, figures, standing
from tui.progress.records import utc_now
from tui.screens.figure_tabs import FigureTabs
from tui.screens.key_bar import KeyBar, KeyHint
from tui.screens.message_line import MessageLine
from tui.screens.passage import Passage
from tui.screens.place import Place
from tui.screens.top_bar import TopBar
from tui.widgets.figures.figure_box import FigureBox
from tui.widgets.figures.figure_view import FigureView
from tui.widgets.figures.messages import SaveWanted
from tui.widgets.holding import give_focus
from tui.widgets.speaking import SpeakingWidget


class ProgressScreen(Place):
    """``,`` and ``.`` go from figure to figure; a figure has its own cursor and says what is under it."""

    CSS_PATH = "progress.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("comma", "figure(-1)", "Figure", id="progress.figure-before"),
        Binding("full_stop", "figure(1)", "Figure", id="progress.figure-after"),
    ]

    def __init__(self) -> None:
        super().__init__()
        self._stands: Standing | None = None
        self._counted: object = None  # what the count was made of: Textual says twice that one has come
        self._figures: list[Figure] = []
        self._front = 0

    def compose(self) -> ComposeResult:
        yield TopBar()
        yield Passage(id="in-short")
        yield FigureTabs()
        with FigureBox(id="figure"):
            yield FigureView()
        yield MessageLine()
        yield KeyBar()

    def on_mount(self) -> None:
        self.watch(self.app, "language", self.show_again, init=False)

    @on(ScreenResume)
    def count(self) -> None:
        """Count anew where one comes here and a rating elsewhere, other questions or the time has changed it."""
        now = utc_now()
        counted = self.app.store.stamp(), self.app.questions, now.replace(second=0, microsecond=0)
        if counted != self._counted:
            self._counted = counted
            self._stands = standing(self.app.store, self.app.questions, now)
            self._figures = figures(self._stands)
            self.show_again()
        self._focus_figure()

    def show_again(self) -> None:
        """The words and the figure in front, in the present language."""
        if self._stands is None:
            return
        say, language, counted = self.app.say, self.app.language, self._stands.counted
        top = self.query_one(TopBar)
        top.left = say("screens.progress")
        top.right = say("screens.this-language")
        facts = [
            say("stats.questions", questions=counted.questions, new=counted.new, due=counted.due),
            say(
                "stats.reviews",
                reviews=counted.reviews,
                today=counted.reviews_today,
                minutes=round(counted.seconds / 60),
            ),
            say("stats.streak", streak=counted.streak, longest=counted.longest_streak),
        ]
        if counted.retention is None:
            facts.append(say("stats.no-retention", days=counted.retention_days))
        else:
            share = f"{counted.retention:.0%}"
            facts.append(
                say("stats.retention", share=share, reviews=counted.retention_reviews, days=counted.retention_days)
            )
        self.query_one("#in-short", Passage).show("\n".join(facts))
        self.query_one(FigureTabs).show([say_label(figure.tab, language) for figure in self._figures], self._front)
        view = self.query_one(FigureView)
        view.language = language
        view.show(self._figures[self._front])
        self.show_keys()

    def action_figure(self, step: int) -> None:
        self._go_to((self._front + step) % max(len(self._figures), 1))

    @on(FigureTabs.Chosen)
    def tab_chosen(self, event: FigureTabs.Chosen) -> None:
        if event.index >= 0:
            self._go_to(event.index)

    def _go_to(self, index: int) -> None:
        self._front = index
        self.query_one("#figure").scroll_home(animate=False)
        self.show_again()
        self.call_after_refresh(self._focus_figure)

    def _focus_figure(self) -> None:
        """The focus to what can be read with a cursor in the figure; where nothing can, to the box that scrolls."""
        for widget in self.query_one(FigureView).query("*"):
            if isinstance(widget, SpeakingWidget) and give_focus(self, widget):
                return
        give_focus(self, self.query_one("#figure"))

    @on(SaveWanted)
    def save_figure(self, event: SaveWanted) -> None:
        event.stop()
        self.app.save_figure(event.stem, event.contents)

    def screen_hints(self) -> list[KeyHint]:
        say = self.app.say
        return [
            KeyHint(".", say("screens.key-figure"), "screen.figure(1)", "full_stop"),
            KeyHint("Esc", say("screens.key-back"), "screen.back", "escape"),
            *self.last_hints(),
        ]

    def all_keys(self) -> Sequence[KeyHint]:
        """Every key of this screen, for help."""
        names = {
            ", .": "key-figure", "Esc": "key-come-back", "P / F5": "go-practice", "I / F3": "go-interview",
            "E / F6": "go-lab", "B / F7": "go-browse", "G / F4": "go-progress",
            "O / F9": "go-look", "H / F12": "go-by-hand", "L / F2": "switch-language",
            "Ctrl+P": "palette-command", "? / F1": "help", "q / Ctrl+Q": "leave",
        }  # fmt: skip
        return [KeyHint(key, self.app.say(f"screens.{name}"), "") for key, name in names.items()]
