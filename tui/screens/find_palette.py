"""The palette as the one search: commands, settings, questions, key points and experiments, by relevance."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, cast

from textual.command import CommandList, CommandPalette, DiscoveryHit, Hit, Hits, Provider
from textual.content import Content
from textual.widgets.option_list import Option

from questions.bilingual import LANGUAGES, Bilingual, Language
from tui.practice.finding import TEXT, Entry, Found, experiment_entry, find, fold, point_entries, question_entries
from tui.screens.listing import laid_out

if TYPE_CHECKING:
    from textual.app import SystemCommand

    from questions.model import Question
    from tui.screens.program import Program

MOST = 40
KINDS = {"question": "find-question", "point": "find-point", "experiment": "find-experiment"}


class FindScreen(CommandPalette):
    """The palette, which stands where there is no room for a line of what it found, and speaks both languages."""

    def _start_no_matches_countdown(self, search_value: str) -> None:
        """As Textual's, in the language of the screen."""
        self._stop_no_matches_countdown()

        def say_so() -> None:
            if search_value and self.is_attached:
                said = cast("Program", self.app).say("screens.nothing-found")
                self.query_one(CommandList).add_option(Option(said, disabled=True, id=self._NO_MATCHES))
                self._list_visible = True

        self._no_matches_timer = self.set_timer(self._NO_MATCHES_COUNTDOWN, say_so)

    def _action_command_list(self, action: str) -> None:
        if laid_out(self.query_one(CommandList)):
            super()._action_command_list(action)


class FindPalette(Provider):
    """Without a search the commands stand there; with one, whatever says all of its words."""

    async def startup(self) -> None:
        app = self._program
        spoken = {language: self._commands_in(language) for language in LANGUAGES}
        self._commands = spoken[app.language]
        self._tasks = {task.id for task in app.tasks}
        settings = [
            Entry("setting", str(number), Bilingual(zh.title, en.title), lines=((TEXT, Bilingual(zh.help, en.help)),))
            for number, (zh, en) in enumerate(zip(spoken["zh"], spoken["en"], strict=True))
        ]
        self._entries = settings + await asyncio.to_thread(_all_else, app.questions)  # a second for ten thousand

    def _commands_in(self, language: Language) -> list[SystemCommand]:
        """The commands as they are said in ``language``, whichever is spoken now."""
        app = self._program
        present = app.language
        app.set_reactive(type(app).language, language)
        try:
            return list(app.get_system_commands(self.screen))
        finally:
            app.set_reactive(type(app).language, present)

    @property
    def _program(self) -> Program:
        return cast("Program", self.app)

    async def discover(self) -> Hits:
        for command in self._commands:
            if command.discover:
                yield DiscoveryHit(
                    Content(command.title), command.callback, text=command.title, help=_plain(command.help)
                )

    async def search(self, query: str) -> Hits:
        language = self._program.language
        found = (await asyncio.to_thread(find, self._entries, query, language))[:MOST]
        best = max((one.score for one in found), default=1.0)
        for one in found:
            title = one.entry.title.say(language)
            help = _plain(self._help(one, title))
            yield Hit(one.score / best, _marked(title, query), self._opens(one), text=title, help=help)

    def _help(self, one: Found, title: str) -> str:
        if one.entry.kind == "setting":
            return self._commands[int(one.entry.name)].help
        kind = self._program.say(f"screens.{'find-task' if one.entry.name in self._tasks else KINDS[one.entry.kind]}")
        return kind if title.startswith(one.hit.rstrip("…")) else f"{kind} · {one.hit}"

    def _opens(self, one: Found) -> Callable[[], Any]:
        app, name = self._program, one.entry.name
        if one.entry.kind == "setting":
            return self._commands[int(name)].callback
        if one.entry.kind == "experiment":
            return lambda: app.experiment(name)
        return lambda: app.write(name) if name in self._tasks else app.ask(name)


def _all_else(questions: Sequence[Question]) -> list[Entry]:
    """The questions, the experiments and the key points."""
    from tui.experiments.catalogue import catalogue

    points = [entry for question in questions if question.kind == "open" for entry in point_entries(question)]
    return [*question_entries(questions), *map(experiment_entry, catalogue().values()), *points]


def _marked(title: str, query: str) -> Content:
    """``title`` with the words of the search underlined."""
    content, folded = Content(title), fold(title)
    if len(folded) == len(title):
        for word in fold(query).split():
            at = folded.find(word)
            if at >= 0:
                content = content.stylize("underline", at, at + len(word))
    return content


def _plain(text: str) -> str:
    """``text`` as Textual takes it for a line of help without reading ``[a=b]`` in it as markup, at which it fails."""
    return cast("str", Content(text))
