"""By hand: a component is written here or in the person's editor, judged on each save, and rated like a question."""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from textual import events, on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, VerticalScroll
from textual.events import ScreenSuspend
from textual.message import Message
from textual.widgets import OptionList

from questions.bilingual import say as say_in
from questions.model import CodeQuestion
from tui.judge.catalogue import Framework
from tui.judge.contract import Mistake
from tui.judge.telling import lines_of
from tui.judge.verdict import Verdict
from tui.language.words import say_error
from tui.practice.written import (
    begin_draft,
    draft_path,
    draft_text,
    framework_of,
    keep_draft,
    next_framework,
    read_draft,
    stamp,
)
from tui.progress.errors import ProgressError
from tui.progress.records import RATINGS, Answer, utc_now
from tui.screens.code_box import CodeBox
from tui.screens.key_bar import KeyBar, KeyHint
from tui.screens.listing import Listing
from tui.screens.message_line import MessageLine
from tui.screens.place import Place
from tui.screens.top_bar import TopBar
from tui.screens.write_soon import WriteSoon
from tui.widgets.figures.figure_view import FigureView
from tui.widgets.holding import give_focus
from tui.widgets.markdown_view import MarkdownView

LOOK_EVERY = 0.25  # seconds between two looks at the file
LAID_OUT = 0.1  # seconds after which the verdict and its figure are laid out: before, there is no room to scroll to
AFTER_THE_NEW = 3  # lines at the end of the statement, after its hints and solution
SECONDS_A_MINUTE = 60
AGAIN_AFTER = 2.0  # seconds until what could not be written is tried again


class ByHandScreen(Place):
    """The tasks beside the one that is written: its statement, what the judge says, the first wrong cell."""

    CSS_PATH = "by_hand.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("i,enter", "type", "Write here", id="by-hand.type"),
        Binding("e", "edit", "Edit", id="by-hand.edit"),
        Binding("m", "mistake", "The question that shows the mistake", id="by-hand.mistake"),
        Binding("r", "judge", "Judge again", id="by-hand.judge"),
        Binding("h", "hint", "Hint", id="by-hand.hint"),
        Binding("s", "give_up", "Solution", id="by-hand.solution"),
        Binding("f", "framework", "Framework", id="by-hand.framework"),
        Binding("x,f8", "other_side", "List or task", id="by-hand.side"),
        Binding("u,ctrl+z", "undo", "Undo", id="by-hand.undo"),
        *(Binding(str(rating), f"rate({rating})", "Rate", id=f"by-hand.rate-{rating}") for rating in RATINGS),
    ]

    @dataclass
    class Judged(Message):
        """What came of the save ``number``."""

        number: int
        outcome: Verdict | Exception

    def compose(self) -> ComposeResult:
        yield TopBar()
        with Horizontal(id="by-hand-sides"):
            yield Listing(id="tasks")
            yield CodeBox(id="code")
            with VerticalScroll(id="task"):
                yield MarkdownView("", id="statement")
                yield MarkdownView("", id="verdict")
                yield FigureView(id="first-wrong")
        yield MessageLine()
        yield KeyBar()

    def on_mount(self) -> None:
        self._chosen: CodeQuestion | None = None
        self._verdict: Verdict | Exception | None = None
        self._hints = 0
        self._gave_up = self._judging = self._rated = False
        self._straight = False  # one came for this task, past the list: Esc leads back to where one came from
        self._number = 0
        self._writing = WriteSoon(self, self._write)
        self._seen: tuple[int, int] | None = None
        self._began = time.monotonic()
        self._framework: Framework = framework_of(self.app.store)
        self.watch(self.app, "language", self.show_again, init=False)
        self.set_interval(LOOK_EVERY, self._look)
        self.show_again()
        give_focus(self, self.query_one(Listing))

    # --- what is shown -----------------------------------------------------------------------------------------

    def show_again(self) -> None:
        """The words, in the present language."""
        say = self.app.say
        entries = []
        for task in self.app.tasks:
            minutes = say("code.minutes", minutes=task.minutes)
            note = f"{self.app.topic(task.topic)} · {'★' * task.level} · {minutes}"
            entries.append((task.task, task.task, note))
        listing = self.query_one(Listing)
        listing.show(entries, listing.chosen or self.app.store.setting("task"))
        self._show_task()
        self._show_verdict()
        self._show_top()
        self.show_keys()

    def _show_top(self) -> None:
        say = self.app.say
        top, task = self.query_one(TopBar), self._chosen
        top.left = " · ".join(filter(None, (say("screens.by-hand"), task.task if task else "")))
        spent = ""
        if task is not None:
            minutes = int((time.monotonic() - self._began) / SECONDS_A_MINUTE)
            spent = say("code.time-spent", spent=minutes, aim=task.minutes)
        top.right = " · ".join(filter(None, (spent, self._framework, say("screens.this-language"))))

    def _show_task(self) -> None:
        task, say, language = self._chosen or self._highlighted(), self.app.say, self.app.language
        view = self.query_one("#statement", MarkdownView)
        if task is None:
            view.show("")
            return
        parts = [task.question.say(language), say("code.signature-is"), _block(task.signature)]
        parts += [say("code.example"), _block(say_in(task.example, language))]
        for number, hint in enumerate(task.hints[: self._hints], 1):
            parts.append(say("code.hint", number=number) + hint.say(language))
        if self._gave_up:
            code = task.solution.of(self._framework) or task.solution.numpy
            parts += [say("code.solution", framework=self._framework), _block(code)]
        if self._chosen is not None:
            parts.append(say("code.watching", path=f"`{self._path()}`"))
        view.show("\n\n".join(parts))

    def _highlighted(self) -> CodeQuestion | None:
        """The task to read beside the list, as long as none is open."""
        name = self.query_one(Listing).chosen
        return next((each for each in self.app.tasks if each.task == name), None)

    def _show_verdict(self) -> None:
        from tui.figures.data import Figure

        language, outcome = self.app.language, self._verdict
        lines: list[str] = []
        figure: Figure | None = None
        if self._judging:
            lines = [self.app.say("code.judging")]
        elif isinstance(outcome, Exception):
            lines = [say_error(outcome, language)]
        elif outcome is not None:
            lines = lines_of(outcome, language)
            if outcome.passed:
                lines.append(self.app.say("code.rate-it"))
            elif outcome.failure is not None:
                from tui.judge.figures import heatmap

                figure = heatmap(outcome.failure)
            if outcome.printed:
                printed = outcome.printed.strip().split("\n")[:10]
                lines += [self.app.say("code.printed-this"), *(f"| {line}" for line in printed)]
        # As code: nothing that a person's file says is read as Markdown.
        self.query_one("#verdict", MarkdownView).show(_block("\n".join(lines)) if lines else "")
        view = self.query_one("#first-wrong", FigureView)
        view.language = language
        view.show(figure)

    def screen_hints(self) -> list[KeyHint]:
        say = self.app.say
        last = self.last_hints()
        back = KeyHint("Esc", say("screens.key-back"), "screen.back", "escape")
        if self.app.is_typing:
            return [
                KeyHint("^S", say("code.save-and-judge"), "submit", "ctrl+s"),
                KeyHint("Esc", say("screens.key-leave-field"), "leave_field", "escape"),
                *self.typing_hints(),
            ]
        if self._chosen is None or self.query_one(Listing).has_focus:
            opening = KeyHint("Enter", say("screens.key-open"), "select", "enter")
            return [opening, KeyHint("i", say("code.write-here"), "screen.type"), back, *last]
        shown = [KeyHint("i", say("code.write-here"), "screen.type")]
        if self._may_rate:
            shown.insert(0, KeyHint("1-4", say("screens.key-rate"), "screen.rate(3)", "3"))
        if self._mistake is not None and (self._mistake.question or self._mistake.experiment):
            shown.append(KeyHint("m", say("code.its-question"), "screen.mistake"))
        return [
            *shown,
            KeyHint("e", say("code.edit"), "screen.edit"),
            KeyHint("h", say("code.next-hint"), "screen.hint"),
            KeyHint("s", say("code.give-up"), "screen.give_up"),
            KeyHint("f", say("code.next-framework"), "screen.framework"),
            *([KeyHint("u", say("screens.key-undo"), "screen.undo")] if self._rated else []),
            back,
            *last,
        ]

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """In the list no key acts on the task beside it, which need not be the one that is highlighted."""
        in_list = self.is_mounted and self.focused is self.query_one(Listing)
        return not (in_list and action in ("edit", "mistake", "judge", "hint", "give_up", "rate"))

    def all_keys(self) -> Sequence[KeyHint]:
        """Every key of this screen, for help."""
        own = {
            "i / Enter": "write-here",
            "Ctrl+S": "save-and-judge",
            "m": "its-question",
            "e": "edit",
            "r": "judge-again",
            "h": "next-hint",
            "s": "give-up",
            "f": "next-framework",
        }
        names = {
            "u / Ctrl+Z": "undo-command", "Enter": "key-open", "x / F8": "key-list", "Tab": "key-next-part",
            "Esc": "key-come-back",
            "P / F5": "go-practice", "I / F3": "go-interview", "G / F4": "go-progress",
            "E / F6": "go-lab", "O / F9": "go-look", "B / F7": "go-browse", "L / F2": "switch-language",
            "Ctrl+P": "palette-command", "? / F1": "help", "q / Ctrl+Q": "leave",
        }  # fmt: skip
        hints = [KeyHint(key, self.app.say(f"code.{name}"), "") for key, name in own.items()]
        hints.append(KeyHint("1–4", self.app.say("code.rate-it"), ""))
        return hints + [KeyHint(key, self.app.say(f"screens.{name}"), "") for key, name in names.items()]

    def questions_changed(self) -> None:
        if self._chosen is not None:
            now = {task.task: task for task in self.app.tasks}
            self._chosen = now.get(self._chosen.task, self._chosen)
        self.show_again()

    # --- going about -------------------------------------------------------------------------------------------

    @on(OptionList.OptionHighlighted)
    def highlighted(self) -> None:
        if self._chosen is None:
            self._show_task()

    @on(OptionList.OptionSelected)
    def selected(self, event: OptionList.OptionSelected) -> None:
        task = next((each for each in self.app.tasks if each.task == event.option_id), None)
        if task is not None:
            self._open(task)

    def open(self, task: CodeQuestion, *, typing: bool = False) -> None:
        """Take up ``task`` for one who came for it alone: to read, or with the cursor in the text (``typing``)."""
        self._open(task)
        self._straight = True
        if typing:
            self.action_type()

    def _open(self, task: CodeQuestion) -> None:
        """Take up ``task``: its draft, as it was left, is judged at once; one that is new is not.

        The one that is open already goes on as it is, with its clock, unless it was rated.
        """
        self._straight = False
        if self._chosen is None or self._chosen.id != task.id or self._rated:
            self._write()
            self.app.remember("task", task.task)
            self.query_one(Listing).choose(task.task)
            self._chosen = task
            self._hints, self._gave_up, self._rated = 0, False, False
            self._began = time.monotonic()
            self._take_up()
            self.query_one("#task", VerticalScroll).scroll_home(animate=False)
        self.add_class("opened")
        if self.has_class("typing"):
            give_focus(self, self.query_one(CodeBox))
        else:
            give_focus(self, self.query_one("#task", VerticalScroll))

    def _take_up(self) -> None:
        """Watch the draft of this task and framework; make it where there is none."""
        path, task = self._path(), self._chosen
        assert task is not None
        self.app.judging.prepare(self._framework)
        box = self.query_one(CodeBox)
        box.display = False
        self.remove_class("typing")
        with box.prevent(CodeBox.Changed):
            box.load_text("")  # and its cursor to the top: the place in another draft is none in this one
        fresh = False
        try:
            fresh = begin_draft(path, task, self._framework)
        except OSError as error:
            self.app.notify(self.app.say("code.unreadable-draft", path=path, reason=error), severity="error")
        self._seen = stamp(path) if fresh else None
        self._verdict, self._judging = None, False
        self._show_task()
        self._show_verdict()
        self._show_top()
        self.show_keys()

    def _path(self) -> Path:
        """Where this task is written, in this framework: beside the progress, so that a draft is there next time."""
        assert self._chosen is not None
        return draft_path(self.app.store.path, self._chosen, self._framework)

    async def action_back(self) -> None:
        if not self._straight and self.has_class("opened") and not self.query_one(Listing).has_focus:
            self.action_other_side()
        else:
            await super().action_back()

    def action_other_side(self) -> None:
        """From the task to the list, or back."""
        listing = self.query_one(Listing)
        if self._chosen is not None and listing.has_focus:
            self.add_class("opened")
            give_focus(self, self.query_one("#task", VerticalScroll))
        else:
            self._straight = False
            self.remove_class("opened")
            give_focus(self, listing)
        self.show_keys()

    # --- writing and judging -----------------------------------------------------------------------------------

    def _look(self) -> None:
        """Judge the draft when it was saved; the clock goes on."""
        self._show_top()
        if self._chosen is None or not self.is_current:
            return
        now = stamp(self._path())
        if now is None:
            self._write_anew()
        if not self._writing.waits and now is not None and now != self._seen:
            self._seen = now
            if self.query_one(CodeBox).display:
                self._load()
            self.action_judge()

    def action_type(self) -> None:
        """Write here: the draft beside the task, or above it where there is no room beside. In the list, of the task
        that is highlighted."""
        if self.focused is self.query_one(Listing):
            task = next((each for each in self.app.tasks if each.task == self.query_one(Listing).chosen), None)
            if task is not None:
                self._open(task)
        box = self.query_one(CodeBox)
        if self._chosen is None or (not box.display and not self._load()):
            return
        self.add_class("opened", "typing")
        box.display = True
        give_focus(self, box)

    def _load(self) -> bool:
        """The file into the box; False where it cannot be read as text, and must not be written over."""
        path, box = self._path(), self.query_one(CodeBox)
        try:
            text = draft_text(path)
        except (OSError, UnicodeDecodeError) as error:
            self.app.notify(self.app.say("code.unreadable-draft", path=path, reason=error), severity="error")
            return False
        if len(text) > box.limit:
            self.app.notify(self.app.say("code.too-long-here", path=path), severity="error")
            return False
        if text != box.text:
            place = box.cursor_location
            with box.prevent(CodeBox.Changed):
                box.load_text(text)
            box.move_cursor(place)
            box.to_where_one_goes_on()
        return True

    def on_paste(self, event: events.Paste) -> None:
        """What is pasted before the text has the focus goes into it: as keys it would rate and leave."""
        if not self.app.is_typing and self._chosen is not None and not self.query_one(Listing).has_focus:
            self.action_type()
            box = self.query_one(CodeBox)
            if self.focused is box:
                box.replace(event.text, *box.selection)

    @on(CodeBox.TooLong)
    def say_too_long(self) -> None:
        self.app.notify(self.app.say("screens.too-long"), severity="warning")

    @on(CodeBox.Changed)
    def typed(self) -> None:
        self._writing.typed()

    def _write(self) -> None:
        """What was typed here, into the file; it is judged when the person says so."""
        if not self._writing.waits:
            return
        self._writing.done()
        path = self._path()
        try:
            keep_draft(path, self.query_one(CodeBox).text)
        except OSError as error:
            self.app.notify(self.app.say("code.unreadable-draft", path=path, reason=error), severity="error")
            self._writing.again(AGAIN_AFTER)  # there may be room again; leaving tries too
        self._seen = stamp(path)

    def _write_anew(self) -> None:
        """Write the draft again where its file is gone: what stands here goes with no folder that is removed."""
        if self._chosen is None or self._writing.waits or not self.query_one(CodeBox).text:
            return
        path = self._path()
        if not os.path.lexists(path):
            self._writing.again(AGAIN_AFTER)
            self._write()
            if self._seen is not None:
                self.app.notify(self.app.say("code.draft-made-anew", path=path), severity="warning")

    def leave(self) -> None:
        """Keep what was typed; called before the program ends too."""
        if self.is_mounted:
            self._write_anew()
            self._write()

    @on(ScreenSuspend)
    def gone_elsewhere(self) -> None:
        self._write()

    @on(CodeBox.Submitted)
    def save_and_judge(self) -> None:
        self._write()
        self._seen = stamp(self._path())
        self.action_judge()

    @on(CodeBox.Left)
    def leave_box(self) -> None:
        self._write()
        self.query_one(CodeBox).display = False
        self.remove_class("typing")
        give_focus(self, self.query_one("#task", VerticalScroll))

    @property
    def _mistake(self) -> Mistake | None:
        """The mistake that the judge named, where it named one."""
        outcome = self._verdict
        return outcome.mistakes[0] if isinstance(outcome, Verdict) and outcome.mistakes else None

    async def action_mistake(self) -> None:
        """To the question that talks about the mistake, or to the experiment that shows it."""
        mistake = self._mistake
        if mistake is None or mistake.question is mistake.experiment is None:
            self.app.notify(self.app.say("code.nothing-shows-it"))
        elif mistake.question is not None:
            await self.app.ask(mistake.question)
        else:
            assert mistake.experiment is not None
            await self.app.experiment(mistake.experiment)

    def own_experiment(self) -> tuple[str, dict[str, object]] | None:
        """The experiment that shows the mistake, which is where ``E`` leads from here."""
        mistake = self._mistake
        return None if mistake is None or mistake.experiment is None else (mistake.experiment, {})

    def action_judge(self) -> None:
        task = self._chosen
        if task is None:
            return
        path = self._path()
        try:
            source = read_draft(path)
        except OSError as error:
            self.app.notify(self.app.say("code.unreadable-draft", path=path, reason=error), severity="error")
            return
        self._number += 1
        number, self._judging = self._number, True
        self._show_verdict()

        def deliver(outcome: Verdict | Exception) -> None:
            self.post_message(self.Judged(number, outcome))

        self.app.judging.request(task.task, source, path.name, self._framework, deliver)

    @on(Judged)
    def judged(self, event: Judged) -> None:
        if event.number == self._number:
            self._judging, self._verdict = False, event.outcome
            self._show_verdict()
            self.set_timer(LAID_OUT, self._to_the_verdict)
            self.show_keys()
            self.app.judging.prepare(self._framework)

    def _to_the_verdict(self) -> None:
        """What is wrong to the top, and the figure of it in sight."""
        top = self.query_one("#verdict").virtual_region.y
        self.query_one("#task", VerticalScroll).scroll_to(y=top, animate=False)

    def action_edit(self) -> None:
        if self._chosen is None:
            return
        self._write()
        failure = self._verdict.failure if isinstance(self._verdict, Verdict) else None
        self.app.edit(self._path(), None if failure is None else failure.line)

    def action_hint(self) -> None:
        if self._chosen is None:
            return
        if self._hints >= len(self._chosen.hints):
            self.app.notify(self.app.say("code.no-more-hints"))
            return
        self._hints += 1
        self._tell_more()

    def action_give_up(self) -> None:
        if self._chosen is not None and not self._gave_up:
            self._gave_up = True
            self._tell_more()
            self.show_keys()

    def _tell_more(self) -> None:
        """The statement with a hint more, or the solution; what is new comes into sight."""
        began = self.query_one("#statement").virtual_region.bottom - AFTER_THE_NEW
        self._show_task()
        task = self.query_one("#task", VerticalScroll)
        self.set_timer(LAID_OUT, lambda: task.scroll_to(y=max(began, 0), animate=False))

    def action_framework(self) -> None:
        """The next framework that is installed; each has a draft of its own."""
        self._write()
        self._framework = next_framework(self._framework)
        self.app.remember("framework", self._framework)
        if self._chosen is not None:
            self._take_up()
        self._show_top()

    @property
    def _may_rate(self) -> bool:
        """Once it passes, or its solution was seen; a task that was taken up is rated once."""
        passed = isinstance(self._verdict, Verdict) and self._verdict.passed
        return (passed or self._gave_up) and not self._rated

    async def action_rate(self, rating: int) -> None:
        task = self._chosen
        if task is None:
            return
        if not self._may_rate:
            self.app.notify(self.app.say("code.rated-already" if self._rated else "code.not-yet"))
            return
        answer = Answer(seconds=time.monotonic() - self._began, mode="by-hand")
        try:
            card = self.app.store.rate(task.id, RATINGS[rating - 1], self.app.language, answer)
        except ProgressError as error:
            self.app.say_error(error)
            return
        self._rated = True
        self.show_keys()
        interval = self.app.interval(card.due - utc_now())
        if self.app.is_asked(task.id):
            await self.app.go_back()  # to Practice, which goes on
        self.app.notify(self.app.say("code.rated", interval=interval))

    def action_undo(self) -> None:
        """Take back this person's last action; a task's rating leads back to the task."""
        try:
            undone = self.app.store.undo()
        except ProgressError as error:
            self.app.say_error(error)
            return
        if undone is not None and undone.kind == "rate":
            task = next((each for each in self.app.tasks if each.id == undone.question_id), None)
            if task is not None and task != self._chosen:
                self._open(task)
            self._rated = self._rated and task is None
            self.show_keys()
        self.app.say_undone(undone)


def _block(text: str) -> str:
    fence = "```"
    while fence in text:
        fence += "`"
    return f"{fence}\n{text}\n{fence}"
