"""All questions, with a search over everything that they say in either language."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, ClassVar

from textual import on
from textual.app import ComposeResult, SystemCommand
from textual.binding import Binding, BindingType
from textual.events import ScreenResume
from textual.widgets import Input, OptionList, Static

from questions.bilingual import say
from tui.progress.errors import ProgressError
from tui.progress.records import utc_now
from tui.screens.key_bar import KeyBar, KeyHint
from tui.screens.listing import Listing
from tui.screens.message_line import MessageLine
from tui.screens.place import Place
from tui.screens.top_bar import TopBar
from tui.text.plain_text import as_title
from tui.widgets.holding import give_focus
from tui.widgets.line_input import LineInput

if TYPE_CHECKING:
    from questions.model import Question


class BrowseScreen(Place):
    """Enter asks the highlighted question."""

    CSS_PATH = "browse.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("slash", "search", "Search", id="browse.search"),
        Binding("Z", "suspend", "Suspend or resume", id="browse.suspend"),
        Binding("R", "reset", "Reset", id="browse.reset"),
        Binding("u,ctrl+z", "undo", "Undo", id="browse.undo"),
    ]

    def compose(self) -> ComposeResult:
        yield TopBar()
        yield LineInput(id="search")
        yield Listing(id="found")
        yield Static("", id="none-found", markup=False)
        yield MessageLine()
        yield KeyBar()

    def on_mount(self) -> None:
        self._texts = {question.id: searchable(question) for question in self.app.questions}
        self.watch(self.app, "language", self.show_again, init=False)
        self.show_again()
        give_focus(self, self.query_one("#found"))

    @on(ScreenResume)
    def back_again(self) -> None:
        if hasattr(self, "_texts"):
            self.show_again()  # a rating in Practice has changed what is due

    def show_again(self) -> None:
        """The list as the search has it, in the present language."""
        words, language = self.app.say, self.app.language
        search, options = self.query_one("#search", Input), self.query_one("#found", Listing)
        search.placeholder = words("screens.search-here")
        shown = options.chosen
        wanted = fold(search.value).split()
        found = [q for q in self.app.questions if all(word in self._texts[q.id] for word in wanted)]
        entries = []
        store, now = self.app.store, utc_now()
        cards, suspended, flags = store.cards(), store.suspended(), store.flags()
        for question in found:
            card = cards.get(question.id)
            if question.id in suspended:
                state = words("screens.state-suspended")
            elif card is None:
                state = words("screens.state-new")
            elif card.due <= now:
                state = words("screens.state-due")
            else:
                state = words("screens.state-learned", when=self.app.interval(card.due - now))
            about = " · ".join([self.app.topic(question.topic), "★" * question.level, state])
            if question.id in flags:
                about += " · " + words("screens.state-flagged")
            entries.append((question.id, as_title(question.question.say(language)), about))
        options.show(entries, shown)
        options.display = bool(entries)
        none = self.query_one("#none-found", Static)
        none.update(words("screens.none-found"))
        none.display = not entries
        top = self.query_one(TopBar)
        top.left = f"{words('screens.browse')} · {words('screens.found', count=len(entries))}"
        top.right = words("screens.this-language")
        self.show_keys()

    def screen_hints(self) -> list[KeyHint]:
        words = self.app.say
        if self.app.is_typing:
            return [
                KeyHint("Enter", words("screens.key-to-list"), "submit", "enter"),
                KeyHint("Esc", words("screens.key-leave-field"), "screen.back", "escape"),
                KeyHint("F2", words("screens.key-language"), "app.switch_language", "f2"),
                KeyHint("^Q", words("screens.key-leave"), "app.quit", "ctrl+q"),
                KeyHint("F1", words("screens.key-help"), "app.help", "f1"),
            ]
        return [
            KeyHint("Enter", words("screens.key-open"), "select", "enter"),
            KeyHint("/", words("screens.key-search"), "screen.search", "slash"),
            KeyHint("Z", words("screens.key-suspend"), "screen.suspend"),
            KeyHint("u", words("screens.key-undo"), "screen.undo"),
            KeyHint("Esc", words("screens.key-back"), "screen.back", "escape"),
            KeyHint("L", words("screens.key-language"), "app.switch_language"),
            KeyHint("q", words("screens.key-leave"), "app.quit"),
            KeyHint("?", words("screens.key-help"), "app.help", "question_mark"),
        ]

    def all_keys(self) -> Sequence[KeyHint]:
        """Every key of this screen, for help."""
        names = {
            "Enter": "key-open", "↑ ↓ j k": "key-choose", "/": "key-search", "Z": "key-suspend", "R": "reset-command",
            "u / Ctrl+Z": "undo-command", "Esc": "key-come-back", "P / F5": "go-practice", "I / F3": "go-interview",
            "G / F4": "go-progress", "E / F6": "go-lab",
            "L / F2": "switch-language", "Ctrl+P": "palette-command", "? / F1": "help", "q / Ctrl+Q": "leave",
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
        if event.option_id is not None:
            await self.app.ask(event.option_id)

    def action_search(self) -> None:
        give_focus(self, self.query_one("#search"))

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
        reset_all = lambda: self.app.reset(None, self.show_again)  # noqa: E731
        yield SystemCommand(words("screens.reset-all-command"), words("screens.reset-help"), reset_all)


def searchable(question: Question) -> str:
    """Everything that ``question`` says, in both languages, folded for the search."""
    parts = [question.id, question.topic, *question.source]
    for _, text in question.texts():
        parts += [say(text, "zh"), say(text, "en")]
    return fold("\n".join(parts))


def fold(text: str) -> str:
    """``text`` without case and width."""
    return unicodedata.normalize("NFKC", text).casefold()
