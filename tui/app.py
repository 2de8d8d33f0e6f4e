"""The application: its places (modes), the keys that act everywhere, and the palette."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from textual import events
from textual.app import SystemCommand
from textual.binding import Binding, BindingType
from textual.command import CommandPalette
from textual.keys import _character_to_key
from textual.screen import Screen

from questions.bilingual import Language
from tui.bank import load_bank
from tui.commands.notices import FEW, say_place
from tui.commands.selecting import refuse_unknown_topics
from tui.commands.signals import leave_on_signals
from tui.language.words import say_code, say_problem
from tui.screens.program import Program
from tui.text.plain_text import as_title

if TYPE_CHECKING:
    from questions.model import Question
    from tui.commands.context import Context
    from tui.progress.store import ProgressStore

THEMES = ("textual-dark", "textual-light", "nord", "gruvbox", "solarized-light", "ansi-dark", "ansi-light")


def _practice() -> Screen[None]:
    from tui.screens.practice import PracticeScreen

    return PracticeScreen()


def _lab() -> Screen[None]:
    from tui.screens.lab import LabScreen

    return LabScreen()


def _browse() -> Screen[None]:
    from tui.screens.browse import BrowseScreen

    return BrowseScreen()


class QuizApp(Program):
    """tformer-quiz: its places (modes), its keys and its palette."""

    TITLE = "tformer-quiz"
    CSS_PATH = "screens/app.tcss"
    MODES: ClassVar[dict[str, Any]] = {"practice": _practice, "lab": _lab, "browse": _browse}
    DEFAULT_MODE = "practice"
    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (100, "-wide")]  # noqa: RUF012 (as Textual declares them)
    VERTICAL_BREAKPOINTS = [(0, "-short"), (30, "-tall")]  # noqa: RUF012
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("L,f2", "switch_language", "Language", id="app.language"),
        Binding("question_mark,f1", "help", "Help", id="app.help"),
        Binding("q", "quit", "Leave", id="app.leave"),
        Binding("ctrl+q", "quit", "Leave", id="app.leave-anywhere", priority=True),
        Binding("P,f5", "switch_mode('practice')", "Practice", id="app.practice"),
        Binding("E,f6", "switch_mode('lab')", "Experiments", id="app.lab"),
        Binding("B,f7", "switch_mode('browse')", "Questions", id="app.browse"),
    ]

    def __init__(
        self,
        questions: Sequence[Question],
        store: ProgressStore,
        *,
        language: Language = "zh",
        seed: int | None = None,
        notices: Sequence[str] = (),
    ) -> None:
        super().__init__(questions, store, language=language, seed=seed)
        self._notices = tuple(notices)

    # --- coming and going --------------------------------------------------------------------------------------

    def on_mount(self) -> None:
        leave_on_signals(self)
        self.set_interval(0.5, self.watch_progress)
        theme = self.store.setting("theme")
        if theme in self.available_themes:
            self.theme = theme
        if self.no_color and self.theme.startswith("ansi"):
            self.theme = "textual-dark"  # without colors the ANSI themes are black on black
        for notice in self._notices:
            self.notify(notice, severity="warning", timeout=12, markup=False)

    def on_unmount(self) -> None:
        self.compute.close()

    async def action_quit(self) -> None:
        for screen in (screen for stack in self._screen_stacks.values() for screen in stack):
            leave = getattr(screen, "leave", None)
            if leave is not None:
                leave()
        self.compute.cancel()
        self.exit(0)

    # --- language ----------------------------------------------------------------------------------------------

    def action_switch_language(self) -> None:
        self.language = "en" if self.language == "zh" else "zh"
        self.remember("language", self.language)

    # --- keys --------------------------------------------------------------------------------------------------

    async def on_event(self, event: events.Event) -> None:
        """Full-width digits, letters and ``？`` act as their half-width twins, except where text is typed."""
        if isinstance(event, events.Key) and not event.is_forwarded and not self.is_typing:
            event = half_width(event)
        await super().on_event(event)

    def action_help(self) -> None:
        from tui.screens.help import HelpScreen

        if not isinstance(self.screen, HelpScreen):
            self.push_screen(HelpScreen(self.screen, self.focused))

    # --- the palette -------------------------------------------------------------------------------------------

    def action_command_palette(self) -> None:
        if not isinstance(self.screen, CommandPalette):
            self.push_screen(CommandPalette(placeholder=self.say("screens.palette"), id="--command-palette"))

    def get_system_commands(self, screen: Screen[object]) -> Iterable[SystemCommand]:
        """The palette: the places, this screen's own commands, every question, every experiment, themes."""
        say = self.say
        for mode in self.MODES:
            title, text = say(f"screens.go-{mode}"), say(f"screens.go-{mode}-help")
            yield SystemCommand(title, text, lambda mode=mode: self.switch_mode(mode))
        commands = getattr(screen, "commands", None)
        if commands is not None:
            yield from commands()
        switch = say("screens.switch-language"), say("screens.switch-language-help")
        yield SystemCommand(*switch, self.action_switch_language)
        yield SystemCommand(say("screens.help"), say("screens.help-help"), self.action_help)
        for theme in THEMES:
            if theme in self.available_themes and not (self.no_color and theme.startswith("ansi")):
                yield SystemCommand(say("screens.theme", theme=theme), "", lambda theme=theme: self.choose_theme(theme))
        yield SystemCommand(say("screens.leave"), say("screens.leave-help"), self.action_quit)
        for question in self.questions:
            ask = lambda name=question.id: self.ask(name)  # noqa: E731
            title = as_title(question.question.say(self.language))
            yield SystemCommand(title, say("screens.ask-this"), ask, discover=False)
        from tui.experiments.catalogue import catalogue

        for experiment in catalogue().values():
            run = lambda name=experiment.name: self.experiment(name)  # noqa: E731
            yield SystemCommand(experiment.title.say(self.language), say("screens.open-lab"), run, discover=False)

    def choose_theme(self, theme: str) -> None:
        self.theme = theme
        self.remember("theme", theme)

    # --- from one place to another -----------------------------------------------------------------------------

    async def ask(self, question_id: str) -> None:
        """Go to Practice and ask ``question_id`` there."""
        from tui.screens.practice import PracticeScreen

        await self.switch_mode("practice")
        if isinstance(self.screen, PracticeScreen):
            self.screen.ask(question_id)

    async def experiment(self, name: str) -> None:
        """Go to the Lab and open the experiment ``name`` there."""
        from tui.screens.lab import LabScreen

        await self.switch_mode("lab")
        if isinstance(self.screen, LabScreen):
            self.screen.open(name)


def half_width(event: events.Key) -> events.Key:
    """``event`` with a full-width character (１, Ｌ, ？) made half-width; any other event unchanged."""
    character = event.character
    if character is None or len(character) != 1 or not "\uff01" <= character <= "\uff5e":
        return event
    narrow = unicodedata.normalize("NFKC", character)
    return events.Key(_character_to_key(narrow), narrow)


def run(context: Context) -> int:
    """Open the screen. Raises ``UsageError`` or ``ProgressError`` before it opens, where it cannot."""
    bank = load_bank(context.questions)
    refuse_unknown_topics(context.selection, {question.topic for question in bank.questions})
    with context.open_store() as store:
        language = context.language
        notices = [say_code(notice.code, notice.fields, notice.code, language) for notice in store.notices]
        notices += [say_place(problem) + say_problem(problem, language) for problem in bank.problems[:FEW]]
        app = QuizApp(bank.questions, store, language=language, seed=context.seed, notices=notices)
        app.selection = context.selection
        if context.language_given:
            store.set_setting("language", language)
        return app.run() or 0
