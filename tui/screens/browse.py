"""All questions, with a search over everything that they say in either language."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import ClassVar

from textual import on
from textual.app import ComposeResult, SystemCommand
from textual.binding import Binding, BindingType
from textual.events import ScreenResume
from textual.widgets import Input, OptionList, Static

from tui.practice.filters import FILTERS, passes
from tui.practice.finding import Entry, find, question_entries
from tui.practice.selection import Selection
from tui.progress.agenda import Calendar
from tui.progress.errors import ProgressError
from tui.progress.preferences import read_preferences
from tui.progress.records import utc_now
from tui.screens.key_bar import KeyBar, KeyHint
from tui.screens.listing import Listing
from tui.screens.message_line import MessageLine
from tui.screens.place import Place
from tui.screens.question_page import QuestionPage
from tui.screens.top_bar import TopBar
from tui.text.plain_text import as_title
from tui.widgets.holding import give_focus
from tui.widgets.knob_panel import KnobChanged, KnobPanel
from tui.widgets.line_input import LineInput

MOST_IN_FULL = 500  # hits that are shown with what was hit, over several lines


class BrowseScreen(Place):
    """Enter asks the highlighted question."""

    CSS_PATH = "browse.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("space", "read", "Read without being asked", id="browse.read"),
        Binding("slash", "search", "Search", id="browse.search"),
        Binding("s", "study", "Study what is listed", id="browse.study"),
        Binding("e", "edit", "Edit", id="browse.edit"),
        Binding("Z", "suspend", "Suspend or resume", id="browse.suspend"),
        Binding("R", "reset", "Reset", id="browse.reset"),
        Binding("u,ctrl+z", "undo", "Undo", id="browse.undo"),
    ]

    def __init__(self) -> None:
        super().__init__()
        self._entries: Future[list[Entry]] | None = None
        self._listed_of: object = None  # how it stood with the questions: Textual says twice that one has come

    def compose(self) -> ComposeResult:
        yield TopBar()
        yield LineInput(id="search")
        yield KnobPanel(FILTERS, language=self.app.language)
        yield Listing(id="found")
        yield Static("", id="none-found", markup=False)
        yield MessageLine()
        yield KeyBar()

    def on_mount(self) -> None:
        self.watch(self.app, "language", self.show_again, init=False)
        self.show_again()
        give_focus(self, self.query_one("#found"))

    @on(ScreenResume)
    def back_again(self) -> None:
        """A rating in Practice, or the time, has changed what is due."""
        if self.is_mounted and self._listed_of != self._stand():
            self.show_again()

    def _stand(self) -> object:
        """Another one where another state of a question may hold than a moment ago."""
        return self.app.store.stamp(), utc_now().replace(second=0, microsecond=0)

    def show_again(self) -> None:
        """The list as the search has it, in the present language."""
        words, language = self.app.say, self.app.language
        search, options = self.query_one("#search", Input), self.query_one("#found", Listing)
        search.placeholder = words("screens.search-here")
        self.query_one(KnobPanel).language = language
        shown = options.chosen
        searched = bool(search.value.strip())
        values = self.query_one(KnobPanel).values
        self._look()
        self._questions = {q.id: q for q in self.app.questions if passes(q, self._states(q.id), values)}
        found = list(self._questions)
        hits: dict[str, str] = {}
        if searched:
            hits = {one.entry.name: one.hit for one in find(self._searched().result(), search.value, language)}
            found = [name for name in hits if name in self._questions]
        if searched and len(found) <= MOST_IN_FULL:
            entries = []
            for name in found:
                title, about = self._said(name)
                entries.append((name, title, about if hits[name] in ("", title) else f"{about} · {hits[name]}"))
            options.show(entries, shown)
        else:
            options.show_lines(found, self._said, shown)
        self._listed = frozenset(found)
        options.display = bool(found)
        none = self.query_one("#none-found", Static)
        none.update(words("screens.none-found"))
        none.display = not found
        top = self.query_one(TopBar)
        top.left = f"{words('screens.browse')} · {words('screens.found', count=len(found))}"
        top.right = words("screens.this-language")
        self.show_keys()

    def _said(self, name: str) -> tuple[str, str]:
        """The title of a question, and what is said about it."""
        question = self._questions[name]
        about = " · ".join(["★" * question.level, self.app.topic(question.topic), self._say_state(name)])
        return as_title(question.question.say(self.app.language)), about

    def _searched(self) -> Future[list[Entry]]:
        """All that is searched, made for the first search beside the screen: every text of every question."""
        if self._entries is None:
            beside = ThreadPoolExecutor(1)
            self._entries = beside.submit(question_entries, self.app.questions)
            beside.shutdown(wait=False)
        return self._entries

    def _look(self) -> None:
        """See how it stands with the questions."""
        store = self.app.store
        self._listed_of = self._stand()
        self._cards, self._suspended, self._flags = store.cards(), store.suspended(), store.flags()
        self._calendar = Calendar(read_preferences(store))

    def _states(self, name: str) -> set[str]:
        """How it stands with a question, by the person's day."""
        card = self._cards.get(name)
        states = {"new"} if card is None else set()
        if card is not None and self._calendar.is_due(name, card, utc_now()):
            states.add("due")
        if name in self._flags:
            states.add("flagged")
        if name in self._suspended:
            states.add("suspended")
        return states

    def _say_state(self, name: str) -> str:
        words, states, now = self.app.say, self._states(name), utc_now()
        if "suspended" in states:
            said = words("screens.state-suspended")
        elif "new" in states:
            said = words("screens.state-new")
        elif "due" in states:
            said = words("screens.state-due")
        else:
            wait = self._calendar.interval(name, self._cards[name], now)
            said = words("screens.state-learned", when=self.app.interval(wait))
        return f"{said} · {words('screens.state-flagged')}" if "flagged" in states else said

    def screen_hints(self) -> list[KeyHint]:
        words = self.app.say
        if self.app.is_typing:
            return [
                KeyHint("Enter", words("screens.key-to-list"), "submit", "enter"),
                KeyHint("Esc", words("screens.key-leave-field"), "screen.back", "escape"),
                *self.typing_hints(),
            ]
        search = KeyHint("/", words("screens.key-search"), "screen.search", "slash")
        found = [
            KeyHint("Enter", words("screens.key-open"), "select", "enter"),
            KeyHint("␣", words("screens.key-read"), "screen.read", "space"),
            search,
            KeyHint("s", words("screens.key-study"), "screen.study"),
            KeyHint("Z", words("screens.key-suspend"), "screen.suspend"),
            KeyHint("e", words("screens.key-edit"), "screen.edit"),
        ]
        return [
            *(found if self._chosen_id() is not None else [search]),
            KeyHint("u", words("screens.key-undo"), "screen.undo"),
            KeyHint("Esc", words("screens.key-back"), "screen.back", "escape"),
            *self.last_hints(),
        ]

    def all_keys(self) -> Sequence[KeyHint]:
        """Every key of this screen, for help."""
        names = {
            "Enter": "key-open", "space": "read-command", "Tab": "key-filters",
            "↑ ↓ j k": "key-choose", "/": "key-search", "s": "study-listed", "Z": "key-suspend",
            "e": "edit-command", "R": "reset-command",
            "u / Ctrl+Z": "undo-command", "Esc": "key-come-back", "P / F5": "go-practice", "I / F3": "go-interview",
            "G / F4": "go-progress", "E / F6": "go-lab", "O / F9": "go-look",
            "H / F12": "go-by-hand", "L / F2": "switch-language",
            "Ctrl+P": "palette-command", "? / F1": "help", "q / Ctrl+Q": "leave",
        }  # fmt: skip
        return [KeyHint(key, self.app.say(f"screens.{name}"), "") for key, name in names.items()]

    def _chosen_id(self) -> str | None:
        return self.query_one("#found", Listing).chosen

    @on(Input.Changed)
    def search_changed(self) -> None:
        self.show_again()

    @on(Input.Submitted)
    def search_submitted(self) -> None:
        if self._chosen_id() is not None:
            give_focus(self, self.query_one("#found"))

    @on(OptionList.OptionSelected)
    async def selected(self, event: OptionList.OptionSelected) -> None:
        chosen = next((each for each in self.app.questions if each.id == event.option_id), None)
        if chosen is not None:
            await (self.app.write if chosen.kind == "code" else self.app.ask)(chosen.id)

    @on(KnobChanged)
    def filtered(self, event: KnobChanged) -> None:
        event.stop()
        self.show_again()

    def action_read(self) -> None:
        chosen = self._chosen_id()
        if chosen is not None:
            self.app.push_screen(QuestionPage(next(q for q in self.app.questions if q.id == chosen)))

    async def action_study(self) -> None:
        """Practice what the search and the filters have left, and nothing else; where they leave all, all."""
        if not self._listed:
            self.app.notify(self.app.say("screens.none-found"))
            return
        whole = len(self._listed) == len(self.app.questions)
        await self.app.study(Selection() if whole else Selection(ids=self._listed))

    def action_edit(self) -> None:
        chosen = self._chosen_id()
        if chosen is not None:
            self.app.edit_question(next(q for q in self.app.questions if q.id == chosen))

    def questions_changed(self) -> None:
        self._entries = None
        self.show_again()

    def action_search(self) -> None:
        give_focus(self, self.query_one("#search"))
        self._searched()  # it begins before the first letter is typed

    async def action_back(self) -> None:
        if self.app.is_typing:
            if not give_focus(self, self.query_one("#found")):
                self.set_focus(None)
        else:
            await super().action_back()

    def action_suspend(self) -> None:
        chosen = self._chosen_id()
        if chosen is None:
            return
        suspend = chosen not in self.app.store.suspended()
        try:
            self.app.store.suspend(chosen, suspend)
        except ProgressError as error:
            self.app.say_error(error)
            return
        self.app.notify(self.app.say("screens.suspended" if suspend else "screens.resumed"))
        self.show_again()

    def action_reset(self) -> None:
        chosen = self._chosen_id()
        if chosen is not None:
            self.app.reset(chosen, self.show_again)

    def action_undo(self) -> None:
        try:
            undone = self.app.store.undo()
        except ProgressError as error:
            self.app.say_error(error)
            return
        self.app.say_undone(undone)
        if undone is not None and undone.question_id is not None:
            self.query_one("#search", Input).value = ""
            self.show_again()
            self.query_one("#found", Listing).choose(undone.question_id)
        self.show_again()

    def commands(self) -> Iterable[SystemCommand]:
        """This screen's lines in the command palette."""
        words = self.app.say
        yield SystemCommand(words("screens.reset-command"), words("screens.reset-help"), self.action_reset)
        yield SystemCommand(words("screens.study-listed"), words("screens.study-help"), self.action_study)
        reset_all = lambda: self.app.reset(None, self.show_again)  # noqa: E731
        yield SystemCommand(words("screens.reset-all-command"), words("screens.reset-help"), reset_all)
