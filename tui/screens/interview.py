"""The mock interview on the screen: what is wished, a question against the clock, its marks, and the report."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, VerticalScroll
from textual.events import Paste, ScreenResume, ScreenSuspend
from textual.message import Message

from questions.bilingual import say as say_in
from tui.experiments.compute import Failed, Finished, Outcome
from tui.judge.verdict import Verdict
from tui.language.words import words
from tui.practice.interview import Interview, begin, left_open
from tui.practice.interview_turn import Turn
from tui.practice.interview_wishes import KNOBS, wishes_of
from tui.practice.report import Report, report
from tui.practice.report_page import ReportPage
from tui.practice.report_text import as_markdown
from tui.practice.written import draft_text, keep_draft, next_framework, stamp
from tui.progress.errors import ProgressError
from tui.screens.answer_box import AnswerBox
from tui.screens.dialogs import ConfirmDialog
from tui.screens.interview_keys import InterviewKeys
from tui.screens.key_bar import KeyBar
from tui.screens.live_panel import LivePanel
from tui.screens.mark_list import MarkList
from tui.screens.message_line import MessageLine
from tui.screens.passage import Passage
from tui.screens.side_tabs import SideTabs
from tui.screens.top_bar import TopBar
from tui.screens.write_soon import WriteSoon
from tui.text.plain_text import as_title, readable
from tui.widgets.holding import give_focus
from tui.widgets.knob_panel import KnobChanged, KnobPanel
from tui.widgets.markdown_view import MarkdownView

REPORT_NAME, PAGE_NAME = "interview.md", "interview.html"


class InterviewScreen(InterviewKeys):
    """``stage`` is one of: wishing, asked, revealed, told. What it knows is ``self.interview``."""

    CSS_PATH = "interview.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("i,enter", "begin_or_type", "Begin, or answer", id="interview.type"),
        Binding("space", "reveal", "The answer is given", id="interview.reveal"),
        Binding("s", "spoken", "Answered aloud", id="interview.spoken"),
        Binding("e", "edit", "Edit the code", id="interview.edit"),
        Binding("f", "framework", "Framework", id="interview.framework"),
        Binding("n", "go_on", "Go on", id="interview.go-on"),
        Binding("M", "misconception", "The misconception was said", id="interview.misconception"),
        Binding("N", "another", "Another interview", id="interview.another"),
        Binding("X", "end", "End it", id="interview.end"),
        Binding("w", "save", "Save the report", id="interview.save"),
        Binding("W", "save_page", "Save it as a page with figures", id="interview.save-page"),
        Binding("x,f8", "other_side", "Answer or experiment", id="interview.side"),
        Binding("c", "checks", "Checks", id="interview.checks"),
        Binding("r", "again", "Run again", id="interview.again"),
        Binding("comma", "figure(-1)", "Figure", id="interview.figure-before"),
        Binding("full_stop", "figure(1)", "Figure", id="interview.figure-after"),
        Binding("less_than_sign", "walk(-1)", "Step before", id="interview.step-before"),
        Binding("greater_than_sign", "walk(1)", "Next step", id="interview.step-after"),
    ]

    @dataclass
    class Judged(Message):
        """What the judge says of the code of ``turn``."""

        turn: Turn
        outcome: Verdict | Exception

    @dataclass
    class PageCame(Message):
        """What came of making the page."""

        outcome: Outcome

    def __init__(self) -> None:
        super().__init__()
        self._told: Report | None = None
        self._judging = False
        self.interview: Interview | None = None
        self._writing = WriteSoon(self, self._write)
        self._report = ""
        self._edited: tuple[int, int] | None = None  # the stamp of the file that an editor was opened on

    def compose(self) -> ComposeResult:
        yield TopBar()
        yield Passage(id="question")
        yield SideTabs()
        with Horizontal(id="sides"):
            with VerticalScroll(id="answer-side"):
                yield KnobPanel(KNOBS, language=self.app.language, id="wishes")
                yield AnswerBox()
                yield MarkList()
                yield Passage(id="misconception")
                yield Passage(id="reference")
                yield Passage(id="hint")
                yield MarkdownView("", id="report", language=self.app.language)
            yield LivePanel()
        yield MessageLine()
        yield KeyBar()

    def on_mount(self) -> None:
        self.interview = left_open(self.app.questions, self.app.store)
        self.watch(self.app, "language", self.show_again, init=False)
        self.set_interval(1.0, self._tick)
        self.show()

    @on(ScreenResume)
    def back_again(self) -> None:
        """The clock runs while a question is looked at, and stands while one is elsewhere."""
        if self.interview is not None and self.stage == "asked":
            self.interview.resume()
        self.query_one(LivePanel).resume()
        self.show_top()

    @on(ScreenSuspend)
    def gone_elsewhere(self) -> None:
        self.leave()

    def leave(self) -> None:
        """Keep the answer and the clock; called before the program ends too."""
        if self.interview is not None and self.interview.turn is not None:
            self._write()
            try:
                self.interview.pause()
            except ProgressError as error:
                self.app.say_error(error)

    def questions_changed(self) -> None:
        if self.interview is not None:
            self.interview.renew(self.app.questions)

    @property
    def stage(self) -> str:
        if self._report:
            return "told"
        turn = None if self.interview is None else self.interview.turn
        if turn is None:
            return "wishing"
        return "revealed" if turn.revealed else "asked"

    # --- showing -----------------------------------------------------------------------------------------------

    def show(self) -> None:
        """Everything, for a stage that has just begun."""
        stage, turn = self.stage, None if self.interview is None else self.interview.turn
        self.set_focus(None)
        for each in ("wishing", "asked", "revealed", "told"):
            self.set_class(each == stage, each)
        self.set_class(turn is not None and turn.task is not None, "to-write")
        self.remove_class("experiment-side")
        self.query_one(SideTabs).experiment = False
        live = self.query_one(LivePanel)
        shown = stage == "revealed" and turn is not None and turn.follow_up is None
        self.set_class(shown and turn is not None and turn.question.experiment is not None, "pictured")
        if shown and turn is not None:
            live.show(self.app.experiment_of(turn.question), dict(turn.question.settings))
            live.knobs_to_top()
        else:
            live.show(None, {})
        if stage == "asked" and turn is not None:
            box = self.query_one(AnswerBox)
            with box.prevent(AnswerBox.Changed):
                box.for_code(turn.task is not None)
                box.load_text(turn.typed)
            if turn.task is not None:
                assert self.interview is not None
                self._edited = stamp(self.interview.code_path)
                self.app.judging.prepare(self.interview.framework)
        self.show_again()
        self.query_one("#answer-side").scroll_home(animate=False)
        self.call_after_refresh(self._focus_first)

    def _focus_first(self) -> None:
        if self.stage == "wishing":
            give_focus(self, self.query_one("#wishes", KnobPanel).rows[0])
        elif self.stage == "revealed":
            give_focus(self, self.query_one(MarkList)) or give_focus(self, self.query_one("#answer-side"))
        elif self.stage == "told":
            give_focus(self, self.query_one("#answer-side"))

    def show_again(self) -> None:
        """The words, in the present language."""
        say, language, stage = self.app.say, self.app.language, self.stage
        question = self.query_one("#question", Passage)
        hint, reference, wrong = (
            self.query_one(f"#{name}", Passage) for name in ("hint", "reference", "misconception")
        )
        self.query_one(SideTabs).show(say("screens.answer-tab"), say("screens.experiment-tab"))
        self.query_one("#wishes", KnobPanel).language = language
        self.query_one(LivePanel).language = language
        self.query_one(AnswerBox).placeholder = say("interview.type-here")
        for passage in (hint, reference, wrong):
            passage.show("")
        turn = None if self.interview is None else self.interview.turn
        if stage == "wishing":
            question.show(say("interview.wishes"), style="bold")
            hint.show(say("interview.wishes-help"))
        elif stage == "told":
            question.show(say("interview.title"), style="bold")
            self._tell_report()
        elif turn is not None and self.interview is not None:
            name = {"main": "question", "deeper": "deeper", "aside": "aside"}[turn.kind]
            asked = as_title(turn.asked.say(language))
            question.show(say(f"interview.{name}", number=self.interview.number, asked=asked), style="bold")
            if stage == "asked" and turn.task is not None:
                signature, example = turn.task.signature, say_in(turn.task.example, language)
                told = f"{self.interview.framework} · {say('code.minutes', minutes=turn.task.minutes)}"
                hint.show(f"{told}\n{signature}\n\n{example}")
            if stage == "revealed":
                self.query_one(MarkList).show(turn.key_points, turn.marks, language)
                if turn.misconception is not None:
                    sign = "✗ " if turn.said_misconception else ""
                    text = as_title(turn.misconception.text.say(language))
                    named = "you-said-it" if turn.said_misconception else "not-said-it"
                    wrong.show(sign + say(f"interview.{named}", text=text), style="$text-error" if sign else "dim")
                reference.show_markdown(readable(turn.reference.say(language)))
                if turn.judged:
                    hint.show("\n".join(turn.judged.get(language, ())))
                elif turn.typed.strip():
                    hint.show(f"{say('screens.your-answer')}\n{turn.typed.strip()}")
        self.show_top()
        self.show_keys()

    def show_top(self) -> None:
        top, say = self.query_one(TopBar), self.app.say
        top.left, top.right = say("screens.interview"), say("screens.this-language")
        interview = self.interview
        if interview is None or interview.turn is None or self.stage == "told":
            return
        turn, pace = interview.turn, interview.pace()
        stars = "★" * turn.question.level
        top.left += f" {interview.number}/{interview.of} · {self.app.topic(turn.question.topic)} · {stars}"
        minutes, seconds = divmod(max(0, round(pace.left)), 60)
        clock = say("interview.time-up") if pace.over else f"{minutes}:{seconds:02d}"
        if pace.late and not pace.over:
            clock += f" {say('interview.time-presses')}"
        status = self.query_one(LivePanel).status if self.has_class("pictured") else ""
        top.right = " · ".join(part for part in (status, clock, top.right) if part)

    def _tick(self) -> None:
        if self.stage == "asked" and self.is_current:
            self.show_top()
            self._look_at_the_file()

    def _tell_report(self) -> None:
        interview = self.interview
        assert interview is not None
        kept = self.app.store.interviews()
        this = next(each for each in kept if each["started_at"] == interview.started_at)
        self._told = report(this, kept, self.app.questions)
        self._report = as_markdown(self._told, self.app.language)
        view = self.query_one("#report", MarkdownView)
        view.language = self.app.language
        view.show(self._report.partition("\n")[2].lstrip("\n"))  # its title stands above

    # --- what is done ------------------------------------------------------------------------------------------

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Each stage has its own keys; the others are free for what has the focus."""
        stages = {
            "begin_or_type": ("wishing", "asked"),
            "reveal": ("asked",),
            "spoken": ("asked",),
            "go_on": ("revealed",),
            "end": ("asked", "revealed"),
            "another": ("told",),
            "save": ("told",),
            "save_page": ("told",),
            "other_side": ("revealed",),
            "figure": ("revealed",),
        }
        if action in ("edit", "framework"):
            return self._writes_code and not self._judging
        if action in ("again", "checks"):
            return self.stage == "revealed" and self.has_class("pictured")
        if action == "misconception":
            return self.stage == "revealed" and self._can_be_wrong
        if action == "walk":
            return self.is_mounted and self.has_class("pictured") and self.query_one(LivePanel).can_walk
        if action == "begin_or_type" and self.stage == "wishing" and self.app.is_typing:
            return False
        return self.stage in stages.get(action, (self.stage,))

    @on(KnobChanged)
    def wished(self, event: KnobChanged) -> None:
        event.stop()

    # --- code --------------------------------------------------------------------------------------------------

    @property
    def _writes_code(self) -> bool:
        turn = None if self.interview is None else self.interview.turn
        return self.stage == "asked" and turn is not None and turn.task is not None

    def action_framework(self) -> None:
        """The next framework that is installed; what was begun in each is kept."""
        if self.interview is not None:
            self._write()
            self.interview.write_in(next_framework(self.interview.framework))
            self.show()

    def action_edit(self) -> None:
        """The code in the person's editor; what is saved there is the answer so far, while it is open and after."""
        if self.interview is None or self.interview.turn is None:
            return
        self._write()
        path = self.interview.code_path
        try:
            keep_draft(path, self.interview.turn.typed)
        except OSError as error:
            self.app.notify(self.app.say("code.unreadable-draft", path=path, reason=error), severity="error")
            return
        self._edited = stamp(path)
        self.app.edit(path)
        self._look_at_the_file()

    def _look_at_the_file(self) -> None:
        """Take what an editor has saved."""
        if self.interview is None or not self._writes_code or self._edited is None:
            return
        path = self.interview.code_path
        now = stamp(path)
        if now in (None, self._edited):
            return
        self._edited, box = now, self.query_one(AnswerBox)
        try:
            text = draft_text(path)
        except (OSError, UnicodeDecodeError) as error:
            self.app.notify(self.app.say("code.unreadable-draft", path=path, reason=error), severity="error")
            return
        box.load_text(text)  # as if it had been typed
        self.interview.type(box.text)

    def action_begin_or_type(self) -> None:
        if self.stage == "asked":
            box = self.query_one(AnswerBox)
            if give_focus(self, box):
                box.to_where_one_goes_on()
            return
        wishes = wishes_of(self.query_one("#wishes", KnobPanel).values, self.app.selection)
        self.interview = begin(self.app.questions, self.app.store, wishes, self.app.language, seed=self.app.seed)
        if self.interview is None:
            self.app.notify(words("interview.none", self.app.language), severity="warning")
        self.show()

    def on_paste(self, event: Paste) -> None:
        """What is pasted before the field has the focus goes into the answer: as keys it would end the interview."""
        if self.stage == "asked" and not self.app.is_typing and not self._judging:
            self.action_begin_or_type()
            box = self.query_one(AnswerBox)
            if self.focused is box:
                box.replace(event.text, *box.selection)

    @on(AnswerBox.Changed)
    def keep_typed(self) -> None:
        if self.stage != "asked":
            return
        self._writing.typed()

    def _write(self) -> None:
        self._writing.done()
        if self.interview is not None and self.stage == "asked":
            self.interview.type(self.query_one(AnswerBox).text)

    @on(AnswerBox.TooLong)
    def say_too_long(self) -> None:
        self.app.notify(self.app.say("screens.too-long"), severity="warning")

    @on(AnswerBox.Submitted)
    def submitted(self) -> None:
        self.action_reveal()

    def action_reveal(self) -> None:
        self._answer(spoken=False)

    def action_spoken(self) -> None:
        self._answer(spoken=True)

    def _answer(self, *, spoken: bool) -> None:
        if self.interview is not None and self.stage == "asked" and not self._judging:
            self._write()
            turn = self.interview.turn
            if turn is not None and turn.task is not None and not spoken:
                self._judge(turn)
                return
            self.interview.answer(spoken=spoken)
            self.show()
            if spoken:
                self.app.notify(self.app.say("interview.mark-yourself"))

    def _judge(self, turn: Turn) -> None:
        """Code is marked by the judge, which takes a moment."""
        assert turn.task is not None
        self._judging = True
        self.app.notify(self.app.say("code.judging"))

        def deliver(outcome: Verdict | Exception) -> None:
            self.post_message(self.Judged(turn, outcome))

        assert self.interview is not None
        source = turn.typed.encode("utf-8")
        self.app.judging.request(turn.task.task, source, "answer.py", self.interview.framework, deliver)

    @on(Judged)
    def judged(self, event: Judged) -> None:
        self._judging = False
        self.app.fall_silent()
        if self.interview is None or self.interview.turn is not event.turn:
            return
        if isinstance(event.outcome, Exception):
            self.app.say_error(event.outcome)
            return
        self.interview.answer(verdict=event.outcome)
        self.show()

    @on(MarkList.Marked)
    def marked(self, event: MarkList.Marked) -> None:
        if self.interview is not None and self.stage == "revealed":
            self.interview.mark_point(event.number, event.status)
            self.show_again()

    @property
    def _can_be_wrong(self) -> bool:
        turn = None if self.interview is None else self.interview.turn
        return turn is not None and turn.misconception is not None

    def action_misconception(self) -> None:
        turn = None if self.interview is None else self.interview.turn
        if self.interview is not None and turn is not None:
            self.interview.mark_misconception(not turn.said_misconception)
            self.show_again()

    def action_go_on(self) -> None:
        if self.interview is None:
            return
        try:
            following = self.interview.go_on()
        except ProgressError as error:
            self.app.say_error(error)
            return
        if following is None:
            self._report = " "
        self.show()

    def action_end(self) -> None:
        """End it before its last question, once the person has said that this is meant."""

        def answered(sure: bool | None) -> None:
            if sure:
                self._end()

        say = self.app.say
        self.app.push_screen(ConfirmDialog(say("interview.end-title"), say("screens.confirm-hint")), answered)

    def _end(self) -> None:
        if self.interview is None:
            return
        self._write()
        try:
            self.interview.end()
        except ProgressError as error:
            self.app.say_error(error)
            return
        self._report = " "
        self.show()

    def action_another(self) -> None:
        self.interview, self._report = None, ""
        self.show()

    def action_save(self) -> None:
        """The report as Markdown, beside."""
        self.app.save_beside(REPORT_NAME, self._report)

    def action_save_page(self) -> None:
        """The report as a page with figures, whose experiments are run for it."""
        if self._told is None:
            return

        def deliver(outcome: Outcome) -> None:
            self.post_message(self.PageCame(outcome))

        self.app.notify(self.app.say("interview.making-page"), timeout=60)
        self.app.compute.request(ReportPage(self._told, self.app.language), {}, deliver)

    @on(PageCame)
    def page_came(self, event: PageCame) -> None:
        outcome = event.outcome
        if isinstance(outcome, Finished):
            self.app.save_beside(PAGE_NAME, outcome.result)
        elif isinstance(outcome, Failed):
            self.app.say_error(outcome.error)

    # --- the experiment as evidence ----------------------------------------------------------------------------

    @on(SideTabs.Chosen)
    def side_chosen(self, event: SideTabs.Chosen) -> None:
        self._show_side(event.experiment)

    @on(LivePanel.Ran)
    @on(LivePanel.Told)
    def ran(self) -> None:
        self.show_top()
        self.show_keys()

    @on(LivePanel.AnswerWanted)
    def answer_wanted(self) -> None:
        self._show_side(False)

    def action_other_side(self) -> None:
        self._show_side(not self.has_class("experiment-side"))

    def _show_side(self, experiment: bool) -> None:
        if self.has_class("pictured"):
            self.set_class(experiment, "experiment-side")
            self.query_one(SideTabs).experiment = experiment
            self.call_after_refresh(self.query_one(LivePanel).focus_figure if experiment else self._focus_first)

    def action_figure(self, step: int) -> None:
        if self.has_class("pictured"):
            self._show_side(True)
            self.query_one(LivePanel).next_figure(step)

    def action_checks(self) -> None:
        self._show_side(True)
        self.query_one(LivePanel).fold_checks()

    def action_again(self) -> None:
        self.query_one(LivePanel).action_again()

    def action_walk(self, by: int) -> None:
        self.query_one(LivePanel).walk(by)

    async def action_back(self) -> None:
        if self.has_class("experiment-side") and self.has_class("-narrow"):
            self._show_side(False)
        else:
            await super().action_back()
