"""The application: its places (modes), the keys that act everywhere, and the palette."""

from __future__ import annotations

import contextlib
import gc
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from textual.app import SystemCommand
from textual.binding import Binding, BindingType
from textual.command import CommandPalette, Provider
from textual.screen import Screen

from questions.bank import Bank
from questions.bilingual import Language
from questions.bilingual import say as say_label
from tui.bank import OwnFiles, in_order
from tui.commands.notices import FEW
from tui.commands.selecting import refuse_unknown_topics
from tui.commands.signals import end_soon, leave_on_signals
from tui.language.usage import UsageError
from tui.language.words import say_code, say_place, say_problem
from tui.practice.written import everything
from tui.progress.agenda import Calendar
from tui.progress.errors import ProgressError
from tui.progress.preferences import SETTINGS, change_setting, read_preferences, value_of
from tui.progress.records import utc_now
from tui.screens.program import Program, Said
from tui.screens.terminal import served_driver, sturdy_driver

if TYPE_CHECKING:
    from questions.model import CodeQuestion, Question
    from tui.commands.context import Context
    from tui.practice.selection import Selection
    from tui.progress.store import ProgressStore

THEMES = ("textual-dark", "textual-light", "nord", "gruvbox", "solarized-light", "ansi-dark", "ansi-light")

OBJECTS = 10_000  # new ones between two looks for garbage: Python's 700 are a few lines of a screen


def _practice() -> Screen[None]:
    from tui.screens.practice import PracticeScreen

    return PracticeScreen()


def _lab() -> Screen[None]:
    from tui.screens.lab import LabScreen

    return LabScreen()


def _interview() -> Screen[None]:
    from tui.screens.interview import InterviewScreen

    return InterviewScreen()


def _progress() -> Screen[None]:
    from tui.screens.progress import ProgressScreen

    return ProgressScreen()


def _browse() -> Screen[None]:
    from tui.screens.browse import BrowseScreen

    return BrowseScreen()


def _look() -> Screen[None]:
    from tui.screens.look import LookScreen

    return LookScreen()


def _by_hand() -> Screen[None]:
    from tui.screens.by_hand import ByHandScreen

    return ByHandScreen()


CAPITALS = {
    "practice": "P", "interview": "I", "lab": "E", "look": "O", "by-hand": "H", "browse": "B", "progress": "G",
}  # fmt: skip


def _find() -> type[Provider]:
    from tui.screens.find_palette import FindPalette

    return FindPalette


class QuizApp(Program):
    """tformer-quiz: its places (modes), its keys and its palette."""

    TITLE = "tformer-quiz"
    # The first place's beside its own: read when that place opens, it has Textual parse every sheet once more.
    CSS_PATH = ["screens/app.tcss", "screens/practice.tcss"]  # noqa: RUF012 (as Textual declares it)
    COMMANDS: ClassVar[set[Any]] = {_find}
    MODES: ClassVar[dict[str, Any]] = {
        "practice": _practice,
        "interview": _interview,
        "lab": _lab,
        "look": _look,
        "by-hand": _by_hand,
        "browse": _browse,
        "progress": _progress,
    }
    DEFAULT_MODE = "practice"
    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (100, "-wide")]  # noqa: RUF012 (as Textual declares them)
    VERTICAL_BREAKPOINTS = [(0, "-short"), (30, "-tall")]  # noqa: RUF012
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("L,f2", "switch_language", "Language", id="app.language"),
        Binding("question_mark,f1", "help", "Help", id="app.help"),
        Binding("q", "quit", "Leave", id="app.leave"),
        Binding("ctrl+q", "quit", "Leave", id="app.leave-anywhere", priority=True),
        Binding("P,f5", "go('practice')", "Practice", id="app.practice"),
        Binding("I,f3", "go('interview')", "Interview", id="app.interview"),
        Binding("E,f6", "go('lab')", "Experiments", id="app.lab"),
        Binding("O,f9", "go('look')", "Look", id="app.look"),
        Binding("B,f7", "go('browse')", "Questions", id="app.browse"),
        Binding("G,f4", "go('progress')", "Progress", id="app.progress"),
        Binding("H,f12", "go('by-hand')", "By hand", id="app.by-hand"),
    ]

    def __init__(
        self,
        questions: Sequence[Question],
        store: ProgressStore,
        *,
        language: Language = "zh",
        seed: int | None = None,
        notices: Sequence[str] = (),
        tasks: Sequence[CodeQuestion] = (),
    ) -> None:
        super().__init__(questions, store, language=language, seed=seed, tasks=tasks)
        self.notices.extend(Said(notice, "warning") for notice in notices)
        self._refused: dict[str, str] = {}  # what was typed for a setting, and is none
        self._came_from: dict[str, str] = {}  # each place that was gone to, and the one that it was entered from

    # --- coming and going --------------------------------------------------------------------------------------

    def on_load(self) -> None:
        self.stylesheet.apply(self)  # before a place is styled, whose colors are mixed with those of what it stands in

    def on_mount(self) -> None:
        gc.freeze()  # all that is there stays: looking through ten thousand questions for garbage takes long
        gc.set_threshold(max(OBJECTS, gc.get_threshold()[0]))
        gc.enable()  # the command line has turned it off
        leave_on_signals(self)
        self.set_interval(0.5, self.watch_progress)
        self.set_interval(0.5, self.watch_questions)
        theme = self.store.setting("theme")
        if isinstance(theme, str) and theme in self.available_themes:
            self.theme = theme
        if self.no_color and self.theme.startswith("ansi"):
            self.theme = "textual-dark"  # without colors the ANSI themes are black on black
        self.next_notice()

    def on_unmount(self) -> None:
        gc.unfreeze()
        for started in ("compute", "judging"):
            if started in vars(self):
                getattr(self, started).close()

    async def action_quit(self) -> None:
        self.keep()
        end_soon(self, 0)
        if "compute" in vars(self):
            self.compute.cancel()
        self.exit(0)

    @property
    def last_words(self) -> str:
        """What is to be said when the screen is gone: what does not stand in the progress file yet."""
        left = self.store.left()
        return "" if left is None else say_code(left.code, left.fields, left.code, self.language)

    def action_help_quit(self) -> None:
        """Ctrl+C, which copies where something is typed: how one leaves."""
        self.notify(self.say("screens.ctrl-c"))

    def on_exit_app(self) -> None:
        """The page was closed, or the server that shows the program here ends."""
        self.keep()

    def keep(self) -> None:
        """Let every open place keep what it holds: the question, the draft."""
        for screen in (screen for stack in self._screen_stacks.values() for screen in stack):
            leave = getattr(screen, "leave", None)
            if leave is not None:
                leave()

    # --- language ----------------------------------------------------------------------------------------------

    def action_switch_language(self) -> None:
        self.language = "en" if self.language == "zh" else "zh"
        self.remember("language", self.language)

    # --- keys --------------------------------------------------------------------------------------------------

    def action_help(self) -> None:
        from tui.screens.help import HelpScreen

        if not isinstance(self.screen, HelpScreen):
            self.push_screen(HelpScreen(self.screen, self.focused))

    # --- the palette -------------------------------------------------------------------------------------------

    def action_command_palette(self) -> None:
        if not isinstance(self.screen, CommandPalette):
            from tui.screens.find_palette import FindScreen

            self.push_screen(FindScreen(placeholder=self.say("screens.palette"), id="--command-palette"))

    def get_system_commands(self, screen: Screen[object]) -> Iterable[SystemCommand]:
        """The palette's commands: the places, this screen's own, settings, themes."""
        say = self.say
        for mode in self.MODES:
            title, text = say(f"screens.go-{mode}"), say(f"screens.go-{mode}-help")
            yield SystemCommand(title, text, lambda mode=mode: self.go(mode))
        commands = getattr(screen, "commands", None)
        if commands is not None:
            yield from commands()
        switch = say("screens.switch-language"), say("screens.switch-language-help")
        yield SystemCommand(*switch, self.action_switch_language)
        yield SystemCommand(say("screens.help"), say("screens.help-help"), self.action_help)
        for theme in THEMES:
            if theme in self.available_themes and not (self.no_color and theme.startswith("ansi")):
                yield SystemCommand(say("screens.theme", theme=theme), "", lambda theme=theme: self.choose_theme(theme))
        preferences = read_preferences(self.store)
        for name in SETTINGS:
            title = say("screens.change-setting", what=say(f"practice.{name}"), value=value_of(preferences, name))
            takes = f"{name} · {say_label(SETTINGS[name].takes, self.language)}"
            yield SystemCommand(title, takes, lambda name=name: self.change(name))
        yield SystemCommand(say("screens.leave"), say("screens.leave-help"), self.action_quit)

    def choose_theme(self, theme: str) -> None:
        self.theme = theme
        self.remember("theme", theme)

    def change(self, name: str) -> None:
        """Ask for another value of a setting of the schedule, and keep it; what it cannot be stands there to be mended
        when it is asked for again."""
        from tui.screens.dialogs import LineDialog

        what = self.say(f"practice.{name}")

        def changed(typed: str | None) -> None:
            if typed is None or not typed.strip():
                return
            try:
                change_setting(self.store, name, typed)
            except ProgressError as error:
                self._refused[name] = typed
                self.say_error(error)
                return
            except UsageError as error:
                self._refused[name] = typed
                said = self.say(f"errors.{error.code}", **{**error.fields, "name": what})
                self.notify(said, severity="error", timeout=10)
                return
            preferences = read_preferences(self.store)
            said = "setting-changed"
            if name == "interview-on" and preferences.interview_on is not None:
                said = "day-is-over" if Calendar(preferences).days_left(utc_now()) is None else said
            self.notify(self.say(f"screens.{said}", what=what, value=value_of(preferences, name)))
            show_again = getattr(self.screen, "show_again", None)
            if show_again is not None:
                show_again()

        hint = self.say("screens.setting-takes", takes=SETTINGS[name].takes)
        value = self._refused.pop(name, None) or value_of(read_preferences(self.store), name)
        self.push_screen(LineDialog(what, hint, say_label(value, self.language)), changed)

    # --- from one place to another -----------------------------------------------------------------------------

    async def action_go(self, mode: str) -> None:
        await self.go(mode)

    async def go(self, mode: str) -> None:
        """Go to ``mode``, or back from it. A small letter that acts here may have been meant: then that is said."""
        if mode == self.current_mode:
            await self.go_back()
            return
        capital = CAPITALS[mode]
        meant = getattr(self.screen, "meaning_of", lambda key: None)(capital.lower())
        own = getattr(self.screen, "own_experiment", lambda: None)() if mode == "lab" else None
        if own is None:
            await self._enter(mode)
        else:
            await self.experiment(*own)
        if meant is not None and self._key == capital:
            place = self.say(f"screens.{mode}")
            self.notify(self.say("screens.caps-lock", capital=capital, place=place, small=capital.lower(), does=meant))

    async def go_back(self) -> None:
        before = self._came_from.pop(self.current_mode, None)
        if before is None and self.current_mode != "practice":
            before = "practice"
        if before is not None:
            self.fall_silent()
            await self.switch_mode(before)

    async def _enter(self, mode: str) -> None:
        if mode != self.current_mode:
            self._came_from[mode] = self.current_mode
            await self.switch_mode(mode)

    async def ask(self, question_id: str) -> None:
        """Go to Practice and ask ``question_id`` there."""
        from tui.screens.practice import PracticeScreen

        await self._enter("practice")
        if isinstance(self.screen, PracticeScreen):
            self.screen.ask(question_id)

    async def study(self, selection: Selection) -> None:
        """Go to Practice and ask of ``selection`` alone from now on; of everything where it is empty."""
        from tui.screens.practice import PracticeScreen

        await self._enter("practice")
        if isinstance(self.screen, PracticeScreen):
            self.screen.study_part(selection)

    async def write(self, task_id: str, *, typing: bool = False) -> None:
        """Go to what is written by hand, and take up ``task_id`` there; ``typing``: with the cursor in the text."""
        from tui.screens.by_hand import ByHandScreen

        await self._enter("by-hand")
        task = next((each for each in self.tasks if each.id == task_id), None)
        if isinstance(self.screen, ByHandScreen) and task is not None:
            self.screen.open(task, typing=typing)

    def is_asked(self, question_id: str) -> bool:
        """Whether Practice, from which one came here, asks ``question_id``."""
        from tui.screens.practice import PracticeScreen

        if self._came_from.get(self.current_mode) != "practice":
            return False
        place = next((each for each in self._screen_stacks["practice"] if isinstance(each, PracticeScreen)), None)
        return place is not None and place.asks(question_id)

    async def experiment(self, name: str, settings: Mapping[str, object] | None = None) -> None:
        """Go to the Lab and open the experiment ``name`` there, its knobs at ``settings``."""
        from tui.screens.lab import LabScreen

        await self._enter("lab")
        if isinstance(self.screen, LabScreen):
            self.screen.open(name, settings or {})


def run(context: Context) -> int:
    """Open the screen. Raises ``UsageError`` or ``ProgressError`` before it opens, where it cannot."""
    with contextlib.suppress(OSError):  # the store says so
        context.data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)  # what is read is kept from the first start on
    own = None
    if context.questions:
        from tui.commands.progress_line import ProgressLine

        with ProgressLine() as report:
            own = OwnFiles(context.questions, Bank(()), report)  # before reading: what is saved meanwhile is a change
    bank = context.load_bank()
    refuse_unknown_topics(context.selection, bank.topics)
    with context.open_store() as store:
        language = context.language
        notices = [say_code(notice.code, notice.fields, notice.code, language) for notice in store.notices]
        notices += [say_place(problem) + say_problem(problem, language) for problem in bank.problems[:FEW]]
        tasks = in_order(bank)
        questions = everything(bank, tasks)
        app = QuizApp(questions, store, language=language, seed=context.seed, notices=notices, tasks=tasks)
        app.selection = context.selection
        if own is not None:
            own.bank = bank
            app.own = own
        if context.language_given:
            store.set_setting("language", language)
        app.driver_class = (served_driver if context.is_served else sturdy_driver)() or app.driver_class
        status = app.run() or 0
        if app.crash is not None:
            with contextlib.suppress(Exception):  # the screen may be half taken down: keep what can be kept
                app.keep()
            raise app.crash  # the command line writes the log and says where it is
        for said in (app.farewell, app.last_words):
            if said:
                from tui.commands.output import tell

                tell(said)
        return status
