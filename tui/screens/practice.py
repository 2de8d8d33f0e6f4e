"""Practice: a question, an answer, the reference beside the experiment that proves it, a rating, the next one."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, ClassVar, cast

from textual import on
from textual.app import ComposeResult, SystemCommand
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, VerticalScroll
from textual.events import ScreenResume
from textual.screen import Screen

from tui.practice.session import Attempt, Practice
from tui.progress.errors import ProgressError
from tui.progress.records import RATINGS, Rating
from tui.screens.answer_box import AnswerBox
from tui.screens.choices import Choices
from tui.screens.dialogs import LineDialog
from tui.screens.key_bar import KeyBar, KeyHint
from tui.screens.live_panel import LivePanel
from tui.screens.passage import Passage
from tui.screens.rating_bar import RatingBar
from tui.screens.reading import Reading
from tui.screens.side_tabs import SideTabs
from tui.screens.top_bar import TopBar
from tui.text.plain_text import as_title

if TYPE_CHECKING:
    from tui.screens.program import Program


class PracticeScreen(Screen[None]):
    """One question at a time. What it knows is ``self.practice`` (``tui.practice.session``); this only shows it."""

    CSS_PATH = "practice.tcss"
    AUTO_FOCUS = ""  # single keys act from the start
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("i,enter", "type", "Answer", id="practice.type"),
        Binding("space", "reveal", "Reveal", id="practice.reveal"),
        *(Binding(str(rating), f"rate({rating})", "Rate", id=f"practice.rate-{rating}") for rating in RATINGS),
        *(Binding(letter, f"choose('{letter}')", "Predict", id=f"practice.choose-{letter}") for letter in "abcd"),
        Binding("u,ctrl+z", "undo", "Undo", id="practice.undo"),
        Binding("n", "skip", "Skip", id="practice.skip"),
        Binding("f", "flag", "Flag", id="practice.flag"),
        Binding("z", "suspend", "Suspend", id="practice.suspend"),
        Binding("t", "preset", "The question's knobs or the prediction's", id="practice.preset"),
        Binding("x,f8", "other_side", "Answer or experiment", id="practice.side"),
        Binding("comma", "figure(-1)", "Figure", id="practice.figure-before"),
        Binding("full_stop", "figure(1)", "Figure", id="practice.figure-after"),
    ]

    app: Program

    def __init__(self) -> None:
        super().__init__()
        self._started = False
        self._predicted_run = False

    def compose(self) -> ComposeResult:
        yield TopBar()
        yield Passage(id="question")
        yield SideTabs()
        with Horizontal(id="sides"):
            with VerticalScroll(id="answer-side"):
                yield Choices()
                yield AnswerBox()
                yield Passage(id="hint")
                yield Reading()
            yield LivePanel()
        yield RatingBar()
        yield KeyBar()

    def on_mount(self) -> None:
        self.practice = Practice(self.app.questions, self.app.store, seed=self.app.seed, selection=self.app.selection)
        self._started = True
        self.practice.start()
        self.watch(self.app, "language", self.show_again, init=False)
        self.show()

    @on(ScreenResume)
    def back_again(self) -> None:
        """The compute thread serves the screen that is looked at: what was dropped meanwhile is asked for again."""
        if self._started:
            self.query_one(LivePanel).resume()

    # --- showing -----------------------------------------------------------------------------------------------

    def show(self) -> None:
        """Everything, for a question that has just been asked or revealed."""
        attempt = self.practice.attempt
        box, live = self.query_one(AnswerBox), self.query_one(LivePanel)
        live.language = self.app.language
        self.set_class(attempt is not None and attempt.revealed, "revealed")
        self.set_class(attempt is None, "finished")
        self.remove_class("experiment-side")
        self.set_focus(None)
        if attempt is not None:
            if box.text != attempt.typed:
                box.load_text(attempt.typed)
            experiment = self.app.experiment_of(attempt.question)
            self._predicted_run = attempt.choice is not None
            live.show(experiment, self._settings(attempt))
        else:
            live.show(None, {})
        self.show_again()
        self.query_one("#answer-side").scroll_home(animate=False)
        if attempt is not None and attempt.revealed:
            self.query_one("#answer-side").focus()

    def show_again(self) -> None:
        """The words, in the present language."""
        say, attempt = self.app.say, self.practice.attempt
        language = self.app.language
        question, hint = self.query_one("#question", Passage), self.query_one("#hint", Passage)
        self.query_one(AnswerBox).placeholder = say("screens.type-here")
        self.query_one(SideTabs).show(say("screens.answer-tab"), say("screens.experiment-tab"))
        if attempt is None:
            question.show(say("screens.nothing-due"), style="bold")
            hint.show(say("screens.nothing-due-help", done=self.practice.done, next=self._next_due()))
        else:
            question.show(as_title(attempt.question.question.say(language)), style="bold")
            hint.show(say("screens.typing") if self.app.is_typing else "")
            self.query_one(Choices).show(attempt, language)
            if attempt.revealed:
                self.query_one(Reading).show(attempt, language, self.query_one(LivePanel).measured)
                self.query_one(RatingBar).show(self.practice.intervals(), language)
        self.query_one(LivePanel).language = language
        self.show_top()
        self.show_keys()

    def show_top(self) -> None:
        say, attempt = self.app.say, self.practice.attempt
        place = say("screens.practice")
        if attempt is not None:
            total = self.practice.done + self.practice.remaining
            topic = self.app.topic(attempt.question.topic)
            stars = "★" * attempt.question.level
            place = f"{place} {self.practice.done + 1}/{total} · {topic} · {stars}"
        top = self.query_one(TopBar)
        top.left = place
        status = self.query_one(LivePanel).status if attempt is not None and attempt.revealed else ""
        top.right = " · ".join(part for part in (status, say("screens.this-language")) if part)

    def show_keys(self) -> None:
        self.query_one(KeyBar).show(self._hints())

    def _hints(self) -> list[KeyHint]:
        say, attempt = self.app.say, self.practice.attempt
        language = KeyHint("L", say("screens.key-language"), "app.switch_language")
        helping = KeyHint("?", say("screens.key-help"), "app.help")
        leaving = KeyHint("q", say("screens.key-leave"), "app.quit")
        if self.app.is_typing:
            return [
                KeyHint("^S", say("screens.key-submit"), "screen.reveal"),
                KeyHint("Esc", say("screens.key-leave-field"), "screen.leave_field"),
                KeyHint("F1", say("screens.key-help"), "app.help"),
                KeyHint("F2", say("screens.key-language"), "app.switch_language"),
                KeyHint("^Q", say("screens.key-leave"), "app.quit"),
            ]
        if attempt is None:
            browse = KeyHint("B", say("screens.key-browse"), "app.switch_mode('browse')")
            lab = KeyHint("E", say("screens.key-lab"), "app.switch_mode('lab')")
            return [browse, lab, KeyHint("u", say("screens.key-undo"), "screen.undo"), language, helping, leaving]
        if attempt.revealed:
            hints = [KeyHint("u", say("screens.key-undo"), "screen.undo")]
            if self.has_class("-narrow"):
                hints.insert(0, KeyHint("x", say("screens.key-side"), "screen.other_side"))
            hints.append(KeyHint(", .", say("screens.key-figure"), "screen.figure(1)"))
            if attempt.question.predict is not None:
                hints.append(KeyHint("t", say("screens.key-preset"), "screen.preset"))
            return [*hints, language, helping, leaving]
        hints = [KeyHint("i", say("screens.key-type"), "screen.type")]
        if attempt.question.predict is not None:
            letters = list(attempt.question.predict.choices)
            hints.append(KeyHint(f"{letters[0]}-{letters[-1]}", say("screens.key-predict"), "screen.type"))
        reveal = KeyHint("␣", say("screens.key-reveal"), "screen.reveal")
        return [*hints, reveal, KeyHint("n", say("screens.key-skip"), "screen.skip"), language, helping, leaving]

    def all_keys(self) -> Sequence[KeyHint]:
        """Every key of this screen, for help."""
        say = self.app.say
        names = {
            "i / Enter": "key-type", "space": "key-reveal", "a – d": "key-predict", "1 – 4": "key-rate",
            "u / Ctrl+Z": "key-undo", "n": "skip-command", "f": "flag-command", "z": "suspend-command",
            "x / F8": "key-side", "t": "key-preset", ", .": "key-figure", "P / F5": "go-practice", "E / F6": "go-lab",
            "B / F7": "go-browse", "L / F2": "key-language", "Ctrl+P": "palette-command", "q / Ctrl+Q": "leave",
        }  # fmt: skip
        return [KeyHint(key, say(f"screens.{name}"), "") for key, name in names.items()]

    def _next_due(self) -> str:
        due = self.practice.next_due
        if due is None:
            return ""
        from tui.progress.records import utc_now

        return self.app.say("screens.next-due", when=self.app.interval(due - utc_now()))

    def _settings(self, attempt: Attempt) -> dict[str, object]:
        """What the experiment is opened at: after a prediction, the run that was predicted."""
        question = attempt.question
        return dict(question.predict_settings if self._predicted_run else question.settings)

    # --- answering ---------------------------------------------------------------------------------------------

    def ask(self, question_id: str) -> None:
        """Leave the present question for ``question_id``."""
        self._keep_typed()
        self.practice.start(question_id)
        self.show()

    def action_type(self) -> None:
        attempt = self.practice.attempt
        if attempt is not None and not attempt.revealed:
            self.set_focus(self.query_one(AnswerBox))  # at once: `focus()` waits its turn behind keys already typed

    def action_leave_field(self) -> None:
        self.set_focus(None)

    def on_descendant_focus(self) -> None:
        self.call_after_refresh(self.show_again)

    def on_descendant_blur(self) -> None:
        self.call_after_refresh(self.show_again)

    @on(AnswerBox.Changed)
    def keep_typed(self) -> None:
        self._keep_typed()

    @on(AnswerBox.TooLong)
    def say_too_long(self) -> None:
        self.app.notify(self.app.say("screens.too-long"), severity="warning", markup=False)

    @on(AnswerBox.Submitted)
    def submitted(self) -> None:
        self.action_reveal()

    @on(Choices.Chosen)
    def chosen(self, event: Choices.Chosen) -> None:
        self.action_choose(event.letter)

    def action_choose(self, letter: str) -> None:
        attempt = self.practice.attempt
        if attempt is None or attempt.revealed:
            return
        predict = attempt.question.predict
        if predict is None or letter not in predict.choices:
            self.app.notify(self.app.say("screens.no-choices"), markup=False)
            return
        attempt.choice = None if attempt.choice == letter else letter
        self._predicted_run = attempt.choice is not None
        self.query_one(LivePanel).show(self.app.experiment_of(attempt.question), self._settings(attempt))
        self.show_again()

    def action_reveal(self) -> None:
        attempt = self.practice.attempt
        if attempt is None or attempt.revealed:
            return
        self._keep_typed()
        self.practice.reveal()
        self.show()
        self._save_place()

    @on(RatingBar.Rated)
    def rated(self, event: RatingBar.Rated) -> None:
        self.action_rate(event.rating)

    def action_rate(self, rating: int) -> None:
        attempt = self.practice.attempt
        if attempt is None:
            return
        if not attempt.revealed:
            self.app.notify(self.app.say("screens.reveal-first"), markup=False)
            return
        self._try(lambda: self.practice.rate(_rating(rating), self.app.language))

    def action_skip(self) -> None:
        attempt = self.practice.attempt
        if attempt is not None and not attempt.revealed:
            self.practice.skip()
            self.show()

    def action_undo(self) -> None:
        try:
            undone = self.practice.undo()
        except ProgressError as error:
            self.app.say_error(error)
            return
        name = "nothing-to-undo" if undone is None else f"undone-{undone.kind}"
        self.app.notify(self.app.say(f"screens.{name}"), timeout=3, markup=False)
        if undone is not None:
            if self.practice.attempt is None:
                self.practice.next()
            self.show()

    def action_suspend(self) -> None:
        if self.practice.attempt is not None:
            self._try(self.practice.suspend)
            self.app.notify(self.app.say("screens.suspended"), markup=False)

    def action_flag(self) -> None:
        if self.practice.attempt is None:
            return

        def noted(note: str | None) -> None:
            if note is not None:
                self._try(lambda: self.practice.flag(note, self.app.language), show=False)
                self.app.notify(self.app.say("screens.flagged"), markup=False)

        self.app.push_screen(LineDialog(self.app.say("screens.flag-title"), self.app.say("screens.flag-hint")), noted)

    def action_reset(self, question_id: str | None = None) -> None:
        """Reset one question, or all: asked twice."""
        self.app.reset(question_id, self.show)

    # --- the experiment beside it ------------------------------------------------------------------------------

    def action_other_side(self) -> None:
        attempt = self.practice.attempt
        if attempt is not None and attempt.revealed:
            self.show_side(not self.has_class("experiment-side"))

    @on(SideTabs.Chosen)
    def side_chosen(self, event: SideTabs.Chosen) -> None:
        self.show_side(event.experiment)

    def show_side(self, experiment: bool) -> None:
        self.set_class(experiment, "experiment-side")
        self.query_one(SideTabs).experiment = experiment
        if experiment:
            self.query_one(LivePanel).focus_figure()
        else:
            self.query_one("#answer-side").focus()

    def action_preset(self) -> None:
        """Between the knobs of the question and those of its predict item."""
        attempt = self.practice.attempt
        if attempt is not None and attempt.revealed and attempt.question.predict is not None:
            self._predicted_run = not self._predicted_run
            self.query_one(LivePanel).show(self.app.experiment_of(attempt.question), self._settings(attempt))

    def action_figure(self, step: int) -> None:
        self.query_one(LivePanel).next_figure(step)

    @on(LivePanel.Ran)
    def ran(self) -> None:
        """The experiment has new numbers: the answer shows them where it cites them."""
        attempt = self.practice.attempt
        if attempt is not None and attempt.revealed:
            self.query_one(Reading).show(attempt, self.app.language, self.query_one(LivePanel).measured)
        self.show_top()

    # --- leaving -----------------------------------------------------------------------------------------------

    def leave(self) -> None:
        """Keep the place; called before the program ends."""
        if self._started:
            self._keep_typed()
            self._save_place()

    def _keep_typed(self) -> None:
        attempt = self.practice.attempt
        if attempt is not None and not attempt.revealed:
            attempt.typed = self.query_one(AnswerBox).text

    def _save_place(self) -> None:
        try:
            self.practice.leave()
        except ProgressError as error:
            self.app.say_error(error)

    def _try(self, change: object, *, show: bool = True) -> None:
        """Make a change to the store; where it fails, say so and stay on this question with nothing lost."""
        assert callable(change)
        try:
            change()
        except ProgressError as error:
            self.app.say_error(error)
            return
        if show:
            self._save_place()
            self.show()

    def commands(self) -> Iterable[SystemCommand]:
        """This screen's lines in the command palette."""
        say, attempt = self.app.say, self.practice.attempt
        if attempt is not None:
            yield SystemCommand(say("screens.skip-command"), say("screens.skip-help"), self.action_skip)
            yield SystemCommand(say("screens.flag-command"), say("screens.flag-help"), self.action_flag)
            yield SystemCommand(say("screens.suspend-command"), say("screens.suspend-help"), self.action_suspend)
            reset = lambda: self.action_reset(attempt.question.id)  # noqa: E731
            yield SystemCommand(say("screens.reset-command"), say("screens.reset-help"), reset)
        yield SystemCommand(say("screens.reset-all-command"), say("screens.reset-help"), self.action_reset)


def _rating(value: int) -> Rating:
    assert value in RATINGS
    return cast(Rating, value)
