"""Practice: a question, an answer, the reference beside the experiment that proves it, a rating, the next one."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import TYPE_CHECKING, ClassVar, cast

from textual import events, on
from textual.app import ComposeResult, SystemCommand
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, VerticalScroll
from textual.events import ScreenResume, ScreenSuspend
from textual.widget import Widget

from tui.practice.plan import say_plan, say_summary
from tui.practice.selection import Selection
from tui.practice.session import Attempt, Practice
from tui.practice.written import task_of
from tui.progress.errors import ProgressError
from tui.progress.records import RATINGS, Rating
from tui.screens.answer_box import AnswerBox
from tui.screens.choices import Choices
from tui.screens.key_bar import KeyBar
from tui.screens.message_line import MessageLine
from tui.screens.passage import Passage
from tui.screens.practice_keys import PracticeKeys
from tui.screens.side_tabs import SideTabs
from tui.screens.top_bar import TopBar
from tui.screens.write_soon import WriteSoon
from tui.text.plain_text import as_title
from tui.widgets.holding import give_focus

if TYPE_CHECKING:
    from tui.screens.live_panel import LivePanel
    from tui.screens.rating_bar import RatingBar

WAKE_EVERY = 5.0  # seconds between two looks whether a card has come due, where none was left


class PracticeScreen(PracticeKeys):
    """One question at a time. What it knows is ``self.practice`` (``tui.practice.session``); this only shows it."""

    CSS_PATH = "practice.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("i,enter", "type_or_write", "Answer", id="practice.type"),
        Binding("space", "reveal", "Reveal", id="practice.reveal"),
        *(Binding(str(rating), f"rate({rating})", "Rate", id=f"practice.rate-{rating}") for rating in RATINGS),
        *(Binding(letter, f"choose('{letter}')", "Predict", id=f"practice.choose-{letter}") for letter in "abd"),
        Binding("c", "c", "Predict, or the checks", id="practice.choose-c"),
        Binding("u,ctrl+z", "undo", "Undo", id="practice.undo"),
        Binding("n", "skip", "Skip", id="practice.skip"),
        Binding("f", "flag", "Flag", id="practice.flag"),
        Binding("ctrl+e", "edit", "Edit", id="practice.edit"),
        Binding("z", "bury", "Bury for today", id="practice.bury"),
        Binding("Z", "suspend", "Suspend", id="practice.suspend"),
        Binding("t", "tick", "Tick what marking missed", id="practice.tick"),
        Binding("T", "preset", "The question's knobs or the prediction's", id="practice.preset"),
        Binding("r", "again", "Run again", id="practice.again"),
        Binding("D", "defaults", "Default knobs", id="practice.defaults"),
        Binding("e", "sentence", "The sentence", id="practice.sentence"),
        Binding("o", "whole", "Whole figure", id="practice.whole"),
        Binding("w", "save", "Save the figure", id="practice.save"),
        Binding("tab", "next_part", "Next part", id="practice.next"),
        Binding("x,f8", "other_side", "Answer or experiment", id="practice.side"),
        Binding("comma", "figure(-1)", "Figure", id="practice.figure-before"),
        Binding("full_stop", "figure(1)", "Figure", id="practice.figure-after"),
        Binding("less_than_sign", "walk(-1)", "Step before", id="practice.step-before"),
        Binding("greater_than_sign", "walk(1)", "Next step", id="practice.step-after"),
    ]

    def __init__(self) -> None:
        super().__init__()
        self._started = False
        self._predicted_run = False
        self._writing = WriteSoon(self, self._write_draft)
        self._bringing = asyncio.Lock()  # of what an answer needs
        self._welcoming = False
        self._planning = True  # the plan stands beside the first question, until a key is pressed

    def compose(self) -> ComposeResult:
        yield TopBar()
        yield Passage(id="question")
        yield SideTabs()
        with Horizontal(id="sides"), VerticalScroll(id="answer-side"):
            yield Choices()
            yield AnswerBox()
            yield Passage(id="hint")
            yield Passage(id="welcome")
        yield MessageLine()
        yield KeyBar()

    async def on_mount(self) -> None:
        self.practice = Practice(self.app.questions, self.app.store, seed=self.app.seed, selection=self.app.selection)
        self._started = True
        self._welcoming = not self.app.store.setting("welcomed") and not self.app.store.was_rated
        self.practice.start()
        self.watch(self.app, "language", self.show_again, init=False)
        self.set_interval(WAKE_EVERY, self._wake)
        if self._revealed:
            await self._bring_answer()
            if self.app.said is None:  # an answer has no room for the plan
                self.app.notify(" · ".join(say_plan(self.practice.plan(), self.app.language)))
        self.show()
        self.app.call_later(self._bring_later)  # the app takes it up when it has started: before, it draws nothing

    def _bring_later(self) -> None:
        self.call_after_refresh(self._bring_answer)

    async def _bring_answer(self) -> None:
        """Mount what only an answer needs, if it is not there yet: the question stands on the screen sooner."""
        async with self._bringing:
            if self.live is not None or not self.is_attached:  # there, or never needed any more
                return
            from tui.screens.live_panel import LivePanel
            from tui.screens.rating_bar import RatingBar
            from tui.screens.reading import Reading

            self.reading, self.rating_bar, live = Reading(), RatingBar(), LivePanel()
            await self.query_one("#answer-side").mount(self.reading)
            await self.query_one("#sides").mount(live)
            await self.mount(self.rating_bar, before=self.query_one(MessageLine))
            self.live = live
        if self.practice.attempt is None:
            live.show(None, {})
        else:
            self._show_experiment(self.practice.attempt)
        self.show_again()

    @on(ScreenResume)
    def back_again(self) -> None:
        """The compute thread serves the screen that is looked at: what was dropped meanwhile is asked for again."""
        if self._started:
            if self.live is not None:
                self.live.resume()
            if self.practice.rated_by_hand():
                self.show()
            self._wake()

    @on(ScreenSuspend)
    def gone_elsewhere(self) -> None:
        self._write_draft()

    def _wake(self) -> None:
        """Where nothing was left to ask, a card may have come due."""
        if self._started and self.practice.attempt is None and self.practice.next() is not None:
            self.show()

    def questions_changed(self) -> None:
        """Own questions were read again: what is asked is shown as it is now, under the hands that type."""
        before = None if self.practice.attempt is None else self.practice.attempt.question
        self.practice.renew(self.app.questions)
        attempt = self.practice.attempt
        if attempt is None:
            self._wake()
        elif attempt.question is not before:
            self._show_experiment(attempt)
        self.show_again()

    # --- showing -----------------------------------------------------------------------------------------------

    def show(self) -> None:
        """Everything, for a question that has just been asked or revealed."""
        attempt = self.practice.attempt
        box = self.query_one(AnswerBox)
        self.set_focus(None)
        self.set_class(attempt is not None and attempt.revealed, "revealed")
        self.set_class(attempt is None, "finished")
        self.set_class(attempt is not None and attempt.question.kind == "code", "to-write")
        self.remove_class("experiment-side", "whole")
        if attempt is not None:
            if box.text != attempt.typed:
                with box.prevent(AnswerBox.Changed):
                    box.load_text(attempt.typed)
            self._predicted_run = attempt.choice is not None
            self._show_experiment(attempt)
        elif self.live is not None:
            self.live.show(None, {})
        if self.live is not None:
            self.live.knobs_to_top()
        self.show_again()
        self.query_one("#answer-side").scroll_home(animate=False)
        if attempt is not None and attempt.revealed:
            give_focus(self, self.query_one("#answer-side"))

    def _show_experiment(self, attempt: Attempt) -> None:
        """The experiment at its knobs; those that the question or its prediction sets come first.

        An answer without one has all the room.
        """
        self.set_class(not self.app.has_experiment(attempt.question), "alone")
        if self.live is None:
            return
        question = attempt.question
        first = {*question.settings, *(question.predict_settings if question.predict is not None else ())}
        reads = self.focused is not None and self.live.query_one("#figure") in self.focused.ancestors
        self.live.show(self.app.experiment_of(question), self._settings(attempt), first)
        if reads and self.live.measured is None:  # the figure that was read is gone until it has run again
            self.live.focus_figure()

    def show_again(self) -> None:
        """The words, in the present language."""
        say, attempt = self.app.say, self.practice.attempt
        language = self.app.language
        question, hint = self.query_one("#question", Passage), self.query_one("#hint", Passage)
        self.query_one(AnswerBox).placeholder = say("screens.type-here")
        self.query_one(SideTabs).show(say("screens.answer-tab"), say("screens.experiment-tab"))
        self._show_beside()
        if attempt is None:
            self.query_one(Choices).display = False
            none, done = self.practice.has_none, say_summary(self.practice.summary(), language)
            question.show(say("quiz.part-empty" if none else "screens.nothing-due"), style="bold")
            helping = say(f"screens.{'part-empty' if none else 'nothing-due'}-help", next=self._next_due())
            hint.show("\n".join([done, helping, *self._more()]))
        else:
            question.show(as_title(attempt.question.question.say(language)), style="bold")
            self._show_hint()
            self.query_one(Choices).show(attempt, language)
            if attempt.revealed and self.live is not None:
                self.reading.show(attempt, language, self.live.measured)
                self.rating_bar.show(self.practice.intervals(), language)
        if self.live is not None:
            self.live.language = language
        self.show_top()
        self.show_keys()

    def _show_beside(self) -> None:
        """The plan, and at the very first start a welcome: beside the first question, until a key is pressed."""
        said = []
        if self.practice.attempt is not None:
            said += [self.app.say("screens.welcome")] if self._welcoming else []
            said += say_plan(self.practice.plan(), self.app.language) if self._planning else []
        self.query_one("#welcome", Passage).show("\n".join(said))

    def _more(self) -> list[str]:
        """What more there is than today's, where there is."""
        plan = self.practice.plan()
        kept = plan.due_left or plan.new_left
        return [self.app.say("screens.more-kept", due=plan.due_left, new=plan.new_left)] if kept else []

    def _show_hint(self) -> None:
        if self.practice.attempt is not None:
            task = task_of(self.practice.attempt.question)
            if task is not None:
                said = self.app.say("screens.write-it", minutes=task.minutes)
                self.query_one("#hint", Passage).show(said)
                return
            typing = isinstance(self.focused, AnswerBox)
            self.query_one("#hint", Passage).show(self.app.say("screens.typing") if typing else "")

    @property
    def _pictured(self) -> bool:
        """Whether the picture has nearly all lines: the question then stands in the top line, in short."""
        return self.has_class("whole") or (self.has_class("experiment-side") and self.has_class("-narrow"))

    def show_top(self) -> None:
        say, attempt = self.app.say, self.practice.attempt
        place = say("screens.practice")
        if attempt is not None:
            total = self.practice.done + self.practice.remaining
            stars = "★" * attempt.question.level
            place = f"{place} {self.practice.done + 1}/{total} · {self.app.topic(attempt.question.topic)} · {stars}"
            if self.app.selection:
                place += f" · {say('screens.a-part')}"
            if self._pictured:
                title = as_title(attempt.question.question.say(self.app.language))
                place = f"{self.practice.done + 1}/{total} {stars} {title}"
        top = self.query_one(TopBar)
        top.left = place
        status = self.live.status if self.live is not None and attempt is not None and attempt.revealed else ""
        top.right = " · ".join(part for part in (status, say("screens.this-language")) if part)
        if self.live is not None:
            self.live.lead = "" if self.has_class("whole") else say("screens.answer-tab")

    def _next_due(self) -> str:
        wait = self.practice.next_wait
        return "" if wait is None else self.app.say("screens.next-due", when=self.app.interval(wait))

    def _settings(self, attempt: Attempt) -> dict[str, object]:
        """What the experiment is opened at: after a prediction, the run that was predicted."""
        question = attempt.question
        return dict(question.predict_settings if self._predicted_run else question.settings)

    def own_experiment(self) -> tuple[str, dict[str, object]] | None:
        """The experiment of the question, and the knobs as they are."""
        live = self.live
        return None if live is None or live.experiment is None else (live.experiment.name, dict(live.knobs))

    @property
    def focus_chain(self) -> list[Widget]:
        """Tab goes from the answer to the picture, to the knobs, and then to what can be opened in the answer."""
        live, answer = self.live, self.query_one("#answer-side")
        knobs = None if live is None else live.query_one("#knobs")

        def rank(widget: Widget) -> int:
            if widget is answer or isinstance(widget, AnswerBox):
                return 0
            if live is None or live not in widget.ancestors:
                return 3
            return 2 if knobs in widget.ancestors else 1

        return sorted(super().focus_chain, key=rank)

    # --- answering ---------------------------------------------------------------------------------------------

    def ask(self, question_id: str) -> None:
        """Leave the present question for ``question_id``; where it is the present one, it stays as it is."""
        self._write_draft()
        attempt = self.practice.attempt
        if attempt is None or attempt.question.id != question_id:
            self.practice.start(question_id)
            self.show()

    def asks(self, question_id: str) -> bool:
        attempt = self.practice.attempt if self._started else None
        return attempt is not None and attempt.question.id == question_id

    def on_key(self, event: events.Key) -> None:
        """The first key ends the welcome and the plan, and acts as any other."""
        if (self._welcoming or self._planning) and event.key not in ("question_mark", "f1", "L", "f2"):
            if self._welcoming:
                self.app.remember("welcomed", True)
            self._welcoming = self._planning = False
            self._show_beside()

    def on_paste(self, event: events.Paste) -> None:
        """What is pasted before a field has the focus goes into the answer: as keys it would rate and leave."""
        attempt = self.practice.attempt
        if attempt is not None and not attempt.revealed and not self.app.is_typing and attempt.question.kind == "open":
            box = self.query_one(AnswerBox)
            box.insert(event.text, box.document.end)
            self.action_type()

    async def action_type_or_write(self) -> None:
        """Answer in words, or go where the code is written."""
        attempt = self.practice.attempt
        if attempt is not None and attempt.question.kind == "code":
            await self.app.write(attempt.question.id, typing=True)
        else:
            self.action_type()

    def action_type(self) -> None:
        attempt = self.practice.attempt
        if attempt is not None and not attempt.revealed:
            box = self.query_one(AnswerBox)
            if give_focus(self, box):  # at once: `focus()` waits its turn behind keys already typed
                box.to_where_one_goes_on()

    def action_leave_field(self) -> None:
        self.set_focus(None)

    def focus_moved(self) -> None:
        super().focus_moved()
        self._show_hint()

    @on(AnswerBox.Changed)
    def keep_typed(self) -> None:
        attempt = self.practice.attempt
        if attempt is None or attempt.revealed:
            return
        attempt.typed = self.query_one(AnswerBox).text
        self._writing.typed()

    def _write_draft(self) -> None:
        self._writing.done()
        attempt = self.practice.attempt
        if attempt is not None and not attempt.revealed:
            try:
                self.practice.type(self.query_one(AnswerBox).text)
            except ProgressError as error:
                self.app.say_error(error)

    @on(AnswerBox.TooLong)
    def say_too_long(self) -> None:
        self.app.notify(self.app.say("screens.too-long"), severity="warning")

    @on(AnswerBox.Submitted)
    async def submitted(self) -> None:
        await self.action_reveal()

    @on(Choices.Chosen)
    def chosen(self, event: Choices.Chosen) -> None:
        self.action_choose(event.letter)

    def action_c(self) -> None:
        """Choice c while the question is asked, the checks afterwards."""
        attempt = self.practice.attempt
        if attempt is not None and attempt.revealed:
            if self._to_the_experiment():
                self._shown_live().fold_checks()
        else:
            self.action_choose("c")

    def action_show_check(self, name: str) -> None:
        """What measured a number of the answer: the number was clicked."""
        if self._to_the_experiment():
            self._shown_live().show_check(name)

    def action_choose(self, letter: str) -> None:
        attempt = self.practice.attempt
        if attempt is None or attempt.revealed:
            return
        predict = attempt.question.predict
        if predict is None or letter not in predict.choices:
            self.app.notify(self.app.say("screens.no-choices"))
            return
        self.practice.choose(None if attempt.choice == letter else letter)
        self._predicted_run = attempt.choice is not None
        self._show_experiment(attempt)
        self.show_again()

    async def action_reveal(self) -> None:
        await self._bring_answer()
        attempt = self.practice.attempt
        if attempt is None or attempt.revealed:
            return
        self._write_draft()
        self.practice.reveal()
        self.show()

    def on_rating_bar_rated(self, event: RatingBar.Rated) -> None:
        self.action_rate(event.rating)

    def action_rate(self, rating: int) -> None:
        attempt = self.practice.attempt
        if attempt is None:
            return
        if not attempt.revealed:
            self.app.notify(self.app.say("screens.reveal-first"))
            return
        self._try(lambda: self.practice.rate(_rating(rating), self.app.language))

    def action_skip(self) -> None:
        attempt = self.practice.attempt
        if attempt is not None and not attempt.revealed:
            self._put_away(self.practice.skip, "skipped")

    def action_bury(self) -> None:
        if self.practice.attempt is not None:
            self._put_away(self.practice.bury, "buried")

    def action_suspend(self) -> None:
        if self.practice.attempt is not None:
            self._put_away(self.practice.suspend, "suspended")

    def _put_away(self, change: Callable[[], object], name: str) -> None:
        self._write_draft()
        if self._try(change):
            self.app.notify(self.app.say(f"screens.{name}"))

    async def action_undo(self) -> None:
        await self._bring_answer()
        self._write_draft()
        try:
            undone = self.practice.undo()
        except ProgressError as error:
            self.app.say_error(error)
            return
        if undone is not None:
            if self.practice.attempt is None:
                self.practice.next()
            self.show()
        self.app.say_undone(undone)

    def action_flag(self) -> None:
        from tui.screens.dialogs import LineDialog

        if self.practice.attempt is None:
            return
        if self.practice.flagged:
            if self._try(self.practice.unflag, show=False):
                self.app.notify(self.app.say("screens.unflagged"))
            return

        def noted(note: str | None) -> None:
            if note is not None and self._try(lambda: self.practice.flag(note, self.app.language), show=False):
                self.app.notify(self.app.say("screens.flagged"))

        self.app.push_screen(LineDialog(self.app.say("screens.flag-title"), self.app.say("screens.flag-hint")), noted)

    def action_edit(self) -> None:
        if self.practice.attempt is not None:
            self._write_draft()
            self.app.edit_question(self.practice.attempt.question)

    def action_tick(self) -> None:
        """The person has the last word on what the answer said."""
        attempt = self.practice.attempt
        if attempt is None or not attempt.revealed or not attempt.question.key_points:
            return

        from tui.screens.ticking import TickDialog, ticked

        def chosen(points: frozenset[int] | None) -> None:
            if points is not None and self.practice.attempt is attempt:
                attempt.marking = ticked(attempt, points)
                self.show_again()

        self.app.push_screen(TickDialog(attempt), chosen)

    def action_reset(self, question_id: str | None = None) -> None:
        """Reset one question, or all: asked twice."""
        self.app.reset(question_id, self.show)

    # --- the experiment beside it ------------------------------------------------------------------------------

    def _shown_live(self) -> LivePanel:
        """The experiment of a question that is revealed: it is there."""
        assert self.live is not None
        return self.live

    @property
    def _revealed(self) -> bool:
        return self.practice.attempt is not None and self.practice.attempt.revealed

    async def action_back(self) -> None:
        if self.has_class("whole"):
            self.action_whole()
        elif self.focused is not None and self.focused is not self.query_one("#answer-side"):
            if not give_focus(self, self.query_one("#answer-side")):
                self.set_focus(None)
        else:
            await super().action_back()

    def action_next_part(self) -> None:
        """In a narrow window the picture is on the other side of the answer: Tab goes there, as it does beside it."""
        beside = self.has_class("-wide") or self.live is None or self.live.experiment is None
        if self._revealed and not beside and self.focused is self.query_one("#answer-side"):
            self.show_side(True)
        else:
            self.app.action_focus_next()

    def action_other_side(self) -> None:
        if self.has_class("experiment-side"):
            self.show_side(False)
        elif self._to_the_experiment():
            self.show_side(True)

    @on(SideTabs.Chosen)
    def side_chosen(self, event: SideTabs.Chosen) -> None:
        self.show_side(event.experiment)

    def on_live_panel_answer_wanted(self) -> None:
        self.show_side(False)

    def show_side(self, experiment: bool) -> None:
        self.set_class(experiment, "experiment-side")
        self.query_one(SideTabs).experiment = experiment
        self.show_top()
        if experiment:
            self.call_after_refresh(self._shown_live().focus_figure)
        else:
            give_focus(self, self.query_one("#answer-side"))

    def _to_the_experiment(self) -> bool:
        """Bring the experiment of a question that is revealed in sight; whether it has one. If not, say so."""
        if not self._revealed:
            return False
        if self._shown_live().experiment is None:
            self.app.notify(self.app.say("screens.no-experiment"))
            return False
        if not self.has_class("experiment-side"):
            self.set_class(True, "experiment-side")
            self.query_one(SideTabs).experiment = True
            self.show_top()
        return True

    def action_whole(self) -> None:
        """The picture alone, or all that was beside it."""
        if self._to_the_experiment():
            self.toggle_class("whole")
            self.show_top()
            self.call_after_refresh(self._shown_live().focus_figure)

    def action_preset(self) -> None:
        """Between the knobs of the question and those of its predict item."""
        attempt = self.practice.attempt
        if attempt is not None and attempt.revealed and attempt.question.predict is not None:
            self._predicted_run = not self._predicted_run
            self._show_experiment(attempt)
            name = "preset-prediction" if self._predicted_run else "preset-question"
            self.app.notify(self.app.say(f"screens.{name}"))

    def action_again(self) -> None:
        if self._revealed:
            self._shown_live().action_again()

    def action_defaults(self) -> None:
        if self._revealed:
            self._shown_live().action_defaults()

    def action_save(self) -> None:
        self._shown_live().save()

    def action_sentence(self) -> None:
        if self._to_the_experiment():
            self.remove_class("whole")
            self.call_after_refresh(self._open_sentence)

    def _open_sentence(self) -> None:
        if not self._shown_live().focus_sentence():
            self.app.notify(self.app.say("screens.no-sentence"))

    def action_figure(self, step: int) -> None:
        if self._to_the_experiment():
            self._shown_live().next_figure(step)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        if action == "walk":
            return self._started and self._revealed and self.live is not None and self.live.can_walk
        if action == "save":
            return self._started and self._revealed and self.live is not None and self.live.can_save
        return True

    def action_walk(self, by: int) -> None:
        self._shown_live().walk(by)

    def on_live_panel_ran(self) -> None:
        """The experiment has new numbers: the answer shows them where it cites them."""
        attempt = self.practice.attempt
        if attempt is not None and attempt.revealed:
            self.reading.show(attempt, self.app.language, self._shown_live().measured)
        self.show_top()
        self.show_keys()

    def on_live_panel_told(self) -> None:
        self.show_top()

    def _go_on(self, more: Callable[[], Attempt | None]) -> None:
        """Ask more than today's; where there is nothing more, say so."""
        if more() is None:
            self.app.notify(self.app.say("screens.nothing-more"))
        self.show()

    def study(self, kind: str) -> None:
        """Ask questions of one kind only (``open``, ``code``), or of both (empty)."""
        self.study_part(replace(self.app.selection, kind=kind))

    def study_part(self, selection: Selection) -> None:
        """Ask of this part of the bank alone from now on, and say how much that is."""
        self._write_draft()
        self.app.selection = selection
        self.practice.study(selection)
        self._planning = True
        self.show()
        name = "study-part" if selection else "study-all"
        count = len(selection.of(self.app.questions, self.app.store.flags()))
        self.app.notify(self.app.say(f"screens.{name}", count=count))

    # --- leaving -----------------------------------------------------------------------------------------------

    def leave(self) -> None:
        """Keep the place and the draft; called before the program ends, which then says what was done."""
        if self._started:
            if self.practice.done:
                self.app.farewell = say_summary(self.practice.summary(), self.app.language)
            self._write_draft()
            try:
                self.practice.leave()
            except ProgressError as error:
                self.app.say_error(error)

    def _try(self, change: Callable[[], object], *, show: bool = True) -> bool:
        """Make a change to the store; where it fails, say so and stay on this question with nothing lost."""
        try:
            change()
        except ProgressError as error:
            self.app.say_error(error)
            return False
        if show:
            self.show()
        return True

    def commands(self) -> Iterable[SystemCommand]:
        """This screen's lines in the command palette."""
        say, attempt = self.app.say, self.practice.attempt
        if attempt is not None:
            yield SystemCommand(say("screens.skip-command"), say("screens.skip-help"), self.action_skip)
            yield SystemCommand(say("screens.flag-command"), say("screens.flag-help"), self.action_flag)
            yield SystemCommand(say("screens.bury-command"), say("screens.bury-help"), self.action_bury)
            yield SystemCommand(say("screens.suspend-command"), say("screens.suspend-help"), self.action_suspend)
            yield SystemCommand(say("screens.edit-command"), say("screens.edit-help"), self.action_edit)
            reset = lambda: self.action_reset(attempt.question.id)  # noqa: E731
            yield SystemCommand(say("screens.reset-command"), say("screens.reset-help"), reset)
        else:
            ahead, lift = (
                (lambda: self._go_on(self.practice.study_ahead)),
                (lambda: self._go_on(self.practice.lift_limits)),
            )
            yield SystemCommand(say("screens.ahead-command"), say("screens.ahead-help"), ahead)
            yield SystemCommand(say("screens.lift-command"), say("screens.lift-help"), lift)
        if self.app.selection:
            whole = lambda: self.study_part(Selection())  # noqa: E731
            yield SystemCommand(say("screens.study-everything"), say("screens.study-everything-help"), whole)
        parts = [
            (self.app.topic(topic), replace(self.app.selection, topics=(topic,)))
            for topic in dict.fromkeys(question.topic for question in self.app.questions)
        ]
        parts += [("★" * level, replace(self.app.selection, levels=(level,))) for level in (1, 2, 3)]
        parts.append((say("screens.state-flagged"), replace(self.app.selection, flagged=True)))
        for what, part in parts:
            title = say("screens.study-only", what=what)
            yield SystemCommand(title, say("screens.study-help"), lambda part=part: self.study_part(part), False)
        for kind in ("", "open", "code"):
            if kind != self.app.selection.kind and self.app.tasks:
                title, text = say(f"screens.study-{kind or 'both'}"), say("screens.study-help")
                yield SystemCommand(title, text, lambda kind=kind: self.study(kind))
        yield SystemCommand(say("screens.reset-all-command"), say("screens.reset-help"), self.action_reset)


def _rating(value: int) -> Rating:
    assert value in RATINGS
    return cast(Rating, value)
