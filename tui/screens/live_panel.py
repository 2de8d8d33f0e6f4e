"""The live experiment: knobs, figures, steps and checks, computed in the background as the knobs turn."""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from textual import on
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.events import DescendantFocus
from textual.message import Message
from textual.reactive import reactive
from textual.timer import Timer
from textual.widget import Widget
from textual.widgets import Static

from questions.bilingual import Language, say
from tui.experiments.compute import Failed, Finished, Outcome, Partly, Progressed
from tui.experiments.contract import Check, Experiment, KnobValue, Result
from tui.figures.caption import caption
from tui.figures.data import Figure, Label, Tensor
from tui.figures.trail import first_labels
from tui.language.words import words
from tui.proof.evidence import by_name
from tui.screens.figure_tabs import FigureTabs
from tui.screens.message_line import MessageLine
from tui.screens.passage import Passage
from tui.screens.texts import TextsDialog, kept_texts, offered, setting_name, with_text
from tui.widgets.checks_panel import ChecksPanel
from tui.widgets.figures.figure_box import FigureBox
from tui.widgets.figures.figure_view import FigureList, FigureView
from tui.widgets.figures.heatmap_view import HeatmapView
from tui.widgets.figures.messages import SaveWanted, SeenAnew, TokenChosen
from tui.widgets.holding import give_focus, replace, stands
from tui.widgets.knob_field import FieldRow
from tui.widgets.knob_panel import KnobChanged, KnobPanel
from tui.widgets.speaking import SpeakingWidget
from tui.widgets.steps_panel import StepsPanel

if TYPE_CHECKING:
    from tui.screens.program import Program

PATIENCE = 0.15  # seconds before a run is said to be running: faster ones would only flicker
MOUNTING = 5  # refreshes that a figure of another kind has to be there before the knobs get the focus
TENSORS, STEPS, CHECKS = "tensors", "steps", "checks"


@dataclass(frozen=True)
class Measured:
    """The checks of a run by name, and its knobs."""

    checks: Mapping[str, Check]
    knobs: Mapping[str, KnobValue]


class LivePanel(Vertical):
    """Shows one experiment; ``show`` gives it another one or other knobs. The figure takes what the lines leave."""

    DEFAULT_CSS = """
    LivePanel { height: 1fr; }
    LivePanel #knob-strip { height: auto; max-height: 3; }
    LivePanel #knobs { height: auto; max-height: 3; width: 1fr; scrollbar-size: 0 0; }
    LivePanel #more-knobs { width: auto; height: 1; color: $text-muted; }
    LivePanel #figure { height: 1fr; scrollbar-size-vertical: 1; }
    LivePanel #figure:focus { background: $boost; }
    LivePanel.stale #figure, LivePanel.stale StepsPanel, LivePanel.stale #caption { opacity: 50%; }
    LivePanel StepsPanel { height: 1fr; }
    LivePanel #run-message { display: none; height: 1fr; color: $text-muted; }
    LivePanel #run-message.failed { color: $text-error; }
    LivePanel #caption { height: 2; width: 1fr; color: $text-muted; }
    LivePanel #run-status { height: 1; width: 1fr; color: $text-muted; }
    """
    app: Program
    language: reactive[Language] = reactive[Language]("zh", init=False)

    class Ran(Message):
        """A run ended well: ``measured`` and ``knobs`` of the panel are new."""

    class AnswerWanted(Message):
        """The tab before the figures was clicked: the answer."""

    class Told(Message):
        """``status`` says something else: a run goes on, or failed."""

    class Arrived(Message):
        """An outcome, on its way from the compute thread."""

        def __init__(self, outcome: Outcome) -> None:
            super().__init__()
            self.outcome = outcome

    def __init__(self) -> None:
        super().__init__()
        self._experiment: Experiment | None = None
        self._opened_with: dict[str, KnobValue] = {}
        self._knobs: dict[str, KnobValue] = {}
        self._result: Result | None = None
        self._measured: Measured | None = None
        self._requested: dict[str, KnobValue] = {}  # the knobs of the run that is on its way
        self._number = 0
        self._drawn = 0  # the number of the run that is drawn
        self._is_partial = False  # one figure of ``_result`` is that of a run that goes on, as far as it is
        self._chosen_page: int | str = 0
        self._timer: Timer | None = None
        self._first: frozenset[str] = frozenset()
        self._ran_on = ""
        self._progressing = ""
        self._failure = ""
        self._wants_focus = False
        self._lit = ""  # the token that is looked at
        self._before_checks: int | str | None = None

    def compose(self) -> ComposeResult:
        yield FigureTabs()
        with Horizontal(id="knob-strip"):
            yield VerticalScroll(id="knobs", can_focus=False)
            yield Static("", id="more-knobs", markup=False)
        yield Passage(id="run-message")
        with FigureBox(id="figure", can_focus=False):
            yield FigureList()
            yield ChecksPanel()
        yield StepsPanel()
        yield Static("", id="caption", markup=False)
        yield Static("", id="run-status", markup=False)

    # --- what is run -------------------------------------------------------------------------------------------

    def show(
        self, experiment: Experiment | None, settings: Mapping[str, object], first: Collection[str] | None = None
    ) -> None:
        """Open ``experiment`` with ``settings`` over its defaults; the same again changes nothing.

        ``first`` are the knobs that come first in the strip; None takes those of ``settings``.
        """
        self.language = self.app.language  # before the knobs are made: they keep the language that they were made in
        opened: dict[str, KnobValue] = {}
        if experiment is not None:
            values = experiment.parse(settings, language=self.language)
            opened = {knob.name: values[knob.name] for knob in experiment.knobs}
        if experiment is not None and experiment is self._experiment and opened == self._opened_with:
            return
        same = experiment is self._experiment
        self._experiment, self._opened_with, self._knobs = experiment, dict(opened), dict(opened)
        self._result = self._measured = None
        self._is_partial = False
        self._chosen_page = 0
        self._ran_on = self._progressing = self._failure = ""
        wanted = frozenset(settings if first is None else first)
        if not same or wanted != self._first:
            self._first = wanted
            replace(self.query_one("#knobs"), [] if experiment is None else [self._new_panel(experiment)])
        else:
            for panel in self.query(KnobPanel):
                panel.set_values(opened)
        self._draw()
        self._request()

    def knobs_to_top(self) -> None:
        """The knobs that matter most in sight, on show or not."""
        self.query_one("#knobs").scroll_to(0, 0, animate=False, force=True, immediate=True)

    def _new_panel(self, experiment: Experiment) -> KnobPanel:
        offered_here = partial(offered, self.app.store)
        return KnobPanel(experiment, self._knobs, first=self._first, texts=offered_here, language=self.language)

    @on(FieldRow.Typed)
    def keep_text(self, event: FieldRow.Typed) -> None:
        """What was typed is offered again, here and in other experiments."""
        event.stop()
        knob, text = event.row.knob, str(event.row.value)
        if text.strip() and text not in (knob.default, knob.english, *knob.presets):
            self.app.remember(setting_name(knob), with_text(kept_texts(self.app.store, knob), text))

    @on(FieldRow.ListWanted)
    def list_texts(self, event: FieldRow.ListWanted) -> None:
        event.stop()
        row, texts = event.row, offered(self.app.store, event.row.knob)

        def take(text: str | None) -> None:
            if text is not None and stands(row):
                row.take(text)

        title, hint = self.app.say("screens.texts-title"), self.app.say("screens.texts-hint")
        dialog = TextsDialog(title, hint, texts, str(row.value))
        self.app.push_screen(dialog, take)

    @property
    def experiment(self) -> Experiment | None:
        return self._experiment

    @property
    def knobs(self) -> Mapping[str, KnobValue]:
        """The knobs as they are now."""
        return self._knobs

    def resume(self) -> None:
        """Run what is still missing, after another screen has used the compute thread."""
        if self._experiment is not None and (self._result is None or self._is_partial):
            self._request()

    @property
    def lead(self) -> str:
        """A tab before those of the figures; empty for none."""
        return self.query_one(FigureTabs).lead

    @lead.setter
    def lead(self, name: str) -> None:
        self.query_one(FigureTabs).lead = name

    @property
    def measured(self) -> Measured | None:
        """What the last run measured, and at which knobs; None before the first."""
        return self._measured

    @on(KnobChanged)
    def knob_changed(self, event: KnobChanged) -> None:
        event.stop()
        if self._knobs.get(event.name) != event.value:
            self._knobs[event.name] = event.value
            self._request()

    def action_again(self) -> None:
        """Run again, and measure now what was measured beforehand."""
        self._request(afresh=True)

    def action_defaults(self) -> None:
        """The knobs as the panel was opened with."""
        if self._experiment is not None:
            self._knobs = dict(self._opened_with)
            for panel in self.query(KnobPanel):
                panel.set_values(self._knobs)
            self._request()

    def turn(self, values: Mapping[str, KnobValue]) -> bool:
        """Put knobs to ``values`` and run; whether any of them stood elsewhere."""
        changed = {name: value for name, value in values.items() if self._knobs.get(name) != value}
        if changed:
            for panel in self.query(KnobPanel):
                panel.set_values(changed)
            self._knobs |= changed
            self._request()
        return bool(changed)

    def _request(self, *, afresh: bool = False) -> None:
        if self._experiment is None:
            self.app.compute.cancel()
            return
        self._requested = dict(self._knobs)
        self._number = self.app.compute.request(
            self._experiment,
            self._requested,
            lambda outcome: self.post_message(self.Arrived(outcome)),
            afresh=afresh,
        )
        if self._timer is not None:
            self._timer.stop()
        self._timer = self.set_timer(PATIENCE, self._say_running)

    def _say_running(self) -> None:
        self._tell(
            running=words("screens.loading" if self._result is None else "screens.running", self.language) + " …"
        )

    def _tell(self, *, running: str = "", failure: str = "") -> None:
        """Say that a run goes on, on a line that is always there; a failure stands where the picture was."""
        self._progressing = running
        if failure or self._failure:
            self._failure = failure
            self._draw()
        self._show_status()
        self.post_message(self.Told())

    @property
    def status(self) -> str:
        """The checks and what ran, or that something runs, in few words for the top line."""
        if self._progressing:
            return self._progressing
        return " · ".join(part for part in (self.checks_said(short=True), self._ran) if part)

    @property
    def _ran(self) -> str:
        """What ran and how long; or that some of it was measured before, and the key that measures it now."""
        taken = self._result is not None and self._result.beforehand
        return words("screens.beforehand", self.language) if taken else self._ran_on

    def checks_said(self, *, short: bool = False) -> str:
        """How many checks hold, and of which path they speak where a mistake is shown beside the right one."""
        result = Result((), ()) if self._result is None or self._is_partial else self._result
        checks = [check for check in result.checks if check.holds is not None]
        if not checks:
            return ""
        held = sum(check.holds is True for check in checks)
        mark = "✓" if held == len(checks) else "✗"
        of_correct = self._mistaken()
        if short:
            said = f"{mark} {held}/{len(checks)}"
            return said + (" " + words("screens.of-correct-path", self.language) if of_correct else "")
        name = "screens.checks-of-correct" if of_correct else "screens.checks-hold"
        return f"{mark} " + words(name, self.language, held=held, total=len(checks))

    def _mistaken(self) -> bool:
        """Whether a mistake was asked for: the figures then show the wrong path, and the checks the right one."""
        if self._experiment is None or self._measured is None:
            return False
        return any(
            knob.name == "mistake" and self._measured.knobs[knob.name] != knob.default
            for knob in self._experiment.knobs
        )

    def _show_status(self) -> None:
        stale = bool(self._progressing) and self._drawn != self._number
        checks = "" if stale else self.checks_said()
        hint = words("screens.checks-key", self.language) if checks else ""
        said = " · ".join(part for part in (checks, hint, self._progressing or self._ran) if part)
        self.query_one("#run-status", Static).update(said)
        self.set_class(stale, "stale")  # the picture is of other knobs

    @on(Arrived)
    def arrived(self, event: Arrived) -> None:
        event.stop()
        outcome = event.outcome
        if outcome.number != self._number:
            return
        if isinstance(outcome, Progressed):
            if outcome.fraction > 0 and self._progressing:
                filled = round(outcome.fraction * 12)
                bar = "━" * filled + "╌" * (12 - filled)
                self._tell(running=f"{words('screens.running', self.language)} {bar} {outcome.fraction:.0%}")
            return
        if isinstance(outcome, Partly):
            self._show_partly(outcome.figure)
            return
        if self._timer is not None:
            self._timer.stop()
        if isinstance(outcome, Failed):
            self._result = self._measured = None  # what was drawn is not what the knobs say
            self._is_partial = False
            self._ran_on = ""
            reason = self.app.error_text(outcome.error)
            hint = words("screens.failed-hint", self.language)
            self._tell(failure=f"{words('screens.failed', self.language, reason=reason)}\n{hint}")
            return
        self._progressing = self._failure = ""
        self._finished(outcome)

    def _show_partly(self, figure: Figure) -> None:
        """A figure as far as it is, in its own place and nowhere else: the picture in front, or where there is none."""
        result = self._result or Result((), ())
        names = [each.name for each in result.figures]
        if not names:
            self._result = dataclasses.replace(result, figures=(figure,))
        elif [each.name for each in self._front_figures()] == [figure.name]:
            at = names.index(figure.name)
            figures = (*result.figures[:at], figure, *result.figures[at + 1 :])
            self._result = dataclasses.replace(result, figures=figures)
        else:
            return
        self._drawn = self._number
        if not self._is_partial:
            self._is_partial = True
            self._say_running()
        self._draw()

    def _finished(self, outcome: Finished) -> None:
        self._result, self._is_partial, self._drawn = outcome.result, False, outcome.number
        self._measured = Measured(by_name(outcome.result.checks), self._requested)
        name = "MLX" if outcome.backend == "mlx" else "NumPy"
        self._ran_on = f"{name} {_duration(outcome.seconds)}"
        self._draw()
        self.post_message(self.Ran())
        if self._wants_focus:
            self._wants_focus = False
            self.call_after_refresh(self._focus_if_free)

    # --- what is shown -----------------------------------------------------------------------------------------

    def watch_language(self, before: Language, after: Language) -> None:
        for widget in self.query(SpeakingWidget):
            widget.language = self.language
        self._speak_sentences(before)
        self._draw()
        self.call_after_refresh(self._say_more)

    def _speak_sentences(self, before: Language) -> None:
        """A sentence that nobody has typed is one of the language of the screen."""
        knobs = () if self._experiment is None else self._experiment.knobs
        others = {
            knob.name: knob.default_in(self.language)
            for knob in knobs
            if knob.english and self._opened_with[knob.name] == knob.default_in(before)
        }
        self._opened_with |= others
        untouched = {name: value for name, value in others.items() if self._knobs[name] != value}
        untouched = {
            knob.name: untouched[knob.name]
            for knob in knobs
            if knob.name in untouched and self._knobs[knob.name] == knob.default_in(before)
        }
        if untouched:
            self._knobs |= untouched
            for panel in self.query(KnobPanel):
                panel.set_values(untouched)
            self._request()

    def _pages(self) -> list[int | str]:
        if self._result is None:
            return []
        figures = self._result.figures
        pages: list[int | str] = [number for number, figure in enumerate(figures) if not isinstance(figure, Tensor)]
        if len(pages) < len(figures):
            pages.append(TENSORS)  # all on one page: each is a line or a few
        if self._result.steps:
            pages.append(STEPS)
        if self._result.checks:
            pages.append(CHECKS)
        return pages

    @property
    def _page(self) -> int | str:
        """The page in front: the one that was chosen, while there is one (an empty sentence draws nothing)."""
        pages = self._pages()
        return self._chosen_page if self._chosen_page in pages or not pages else pages[0]

    def _draw(self) -> None:
        language, result = self.language, self._result
        pages = self._pages()
        tabs = self.query_one(FigureTabs)
        tabs.show([self._tab_name(page) for page in pages], pages.index(self._page) if pages else 0)
        self._show_status()
        message, view, steps = (
            self.query_one("#run-message", Passage),
            self.query_one("#figure"),
            self.query_one(StepsPanel),
        )
        if self._experiment is None:
            message.show(words("screens.no-experiment", language))
        elif self._failure:
            message.show(self._failure)
        elif result is not None and not result.figures:
            message.show(words("screens.nothing-drawn", language))
        else:
            message.show("" if result is not None else words("screens.loading", language) + " …")
        message.set_class(bool(self._failure), "failed")
        figures = self._front_figures()
        shows_checks = result is not None and self._page == CHECKS
        steps.display = result is not None and self._page == STEPS
        view.display = bool(figures) or shows_checks
        message.display = not view.display and not steps.display
        checks = self.query(ChecksPanel)
        for figure_list in self.query(FigureList):
            figure_list.display = not shows_checks
        for panel in checks:
            panel.display = shows_checks
        if figures:
            self.query_one(FigureList).show(figures)
            self._light()
        self._say_caption(figures)
        if result is None:
            return
        if self._page == STEPS:
            steps.show(result.steps, {**first_labels(result.figures), **result.words}, self._texts())
        self.query_one(ChecksPanel).show(result.checks)
        # Every figure answers to the arrows; the checks are only scrolled.
        view.can_focus = shows_checks
        if self.screen.focused is view and not view.can_focus:
            self.call_after_refresh(self.focus_figure)

    def _say_caption(self, figures: Sequence[Figure]) -> None:
        """What was measured in the figure in front, what is random in it and what trained.

        In a short window the figure needs the line, and the one for messages is free most of the time.
        """
        seen = bool(figures) and self.size.width > 0  # a panel that is hidden has no width
        line, short = self.query_one("#caption", Static), self.screen.has_class("-short")
        messages = self.screen.query(MessageLine)
        width = min((each.room for each in messages), default=self.size.width) if short else self.size.width
        lines = 1 if short else 2
        said = caption(self._in_front(figures[0]), self.language, width, lines) if seen and figures[0].made else ""
        line.update(said)
        line.display = bool(said) and not short
        for each in messages:
            each.resting = said if short else ""

    def _in_front(self, figure: Figure) -> Figure:
        """What is seen of ``figure``: of a map a stage and a head, or the difference from the pinned one."""
        pictures = [view.view.picture for view in self.query(FigureView) if isinstance(view.view, HeatmapView)]
        return next((picture.seen() for picture in pictures if picture.figure is figure), figure)

    @on(SeenAnew)
    def seen_anew(self, event: SeenAnew) -> None:
        event.stop()
        self._say_caption(self._front_figures())

    def on_show(self) -> None:
        self._say_caption(self._front_figures())

    def on_hide(self) -> None:
        """No caption of a figure that is not seen."""
        self._say_caption([])

    def on_resize(self) -> None:
        self.call_after_refresh(self._say_more)
        self._say_caption(self._front_figures())

    @on(DescendantFocus)
    def focused_inside(self) -> None:
        self.call_after_refresh(self._say_more)

    def _say_more(self) -> None:
        """How many knobs are not on the strip, and in which direction."""
        strip, said = self.query_one("#knobs"), ""
        for panel in self.query(KnobPanel):
            top, height = strip.scroll_offset.y, strip.size.height
            lines = [row.virtual_region.y for row in panel.rows]
            above, below = sum(y < top for y in lines), sum(y >= top + height for y in lines)
            said = "".join([f" ▴{above}"] * bool(above) + [f" ▾{below}"] * bool(below))
        self.query_one("#more-knobs", Static).update(said)

    def _texts(self) -> dict[Label, str]:
        """What was typed into the knobs of the run that is shown."""
        if self._experiment is None or self._measured is None:
            return {}
        typed = [knob for knob in self._experiment.knobs if knob.kind == "text"]
        return {knob.label: str(self._measured.knobs[knob.name]) for knob in typed}

    def _front_figures(self) -> list[Figure]:
        """The figures of the page in front: one, or all tensors."""
        if self._result is None:
            return []
        if isinstance(self._page, int):
            return [self._result.figures[self._page]] if self._page < len(self._result.figures) else []
        return (
            [figure for figure in self._result.figures if isinstance(figure, Tensor)] if self._page == TENSORS else []
        )

    def _page_title(self, page: int | str) -> str:
        if page == STEPS:
            return words("screens.steps-tab", self.language)
        if page == TENSORS:
            return words("screens.kind-tensor", self.language)
        if page == CHECKS:
            return words("screens.checks-tab", self.language)
        assert self._result is not None and isinstance(page, int)
        return say(self._result.figures[page].title, self.language)

    def _tab_name(self, page: int | str) -> str:
        """The title of a page in a few letters, where one is declared."""
        assert self._result is not None
        tab = say(self._result.figures[page].tab, self.language) if isinstance(page, int) else ""
        return tab or self._page_title(page)

    def next_figure(self, step: int) -> None:
        pages = self._pages()
        if pages:
            self._turn_to(pages[(pages.index(self._page) + step) % len(pages)])

    @property
    def can_walk(self) -> bool:
        """Whether the path of steps is in front and the focus elsewhere (on a knob): in it, its own keys walk."""
        steps, focused = self.query_one(StepsPanel), self.screen.focused
        return stands(steps) and (focused is None or steps not in focused.ancestors_with_self)

    def walk(self, by: int) -> None:
        """Along the path of steps, and the focus goes there."""
        steps = self.query_one(StepsPanel)
        steps.action_walk(by)
        steps.take_focus()

    def figure_named(self, name: str) -> Figure | None:
        """The figure of that name in the last result."""
        figures = () if self._result is None else self._result.figures
        return next((figure for figure in figures if figure.name == name), None)

    def show_figure(self, name: str) -> None:
        """Turn to the figure of that name, where there is one."""
        figure = self.figure_named(name)
        if figure is not None and self._result is not None:
            self._turn_to(list(self._result.figures).index(figure))

    def fold_checks(self) -> None:
        """The checks in the place of the figure, or the figure back."""
        pages = self._pages()
        if CHECKS not in pages:
            return
        if self._page == CHECKS:
            before = self._before_checks
            self._turn_to(before if before in pages and before is not None else pages[0])
        else:
            self._before_checks = self._page
            self._turn_to(CHECKS)

    def show_check(self, name: str) -> None:
        """Turn to the checks, to that one among them."""
        if self._page != CHECKS:
            self.fold_checks()
        self.query_one(ChecksPanel).choose(name)
        self.call_after_refresh(self._scroll_to_check)

    def _scroll_to_check(self) -> None:
        self.query_one("#figure").scroll_to(y=self.query_one(ChecksPanel).chosen_line, animate=False)

    def _turn_to(self, page: int | str) -> None:
        focused = self.screen.focused
        inside = focused is None or any(part in focused.ancestors_with_self for part in self._parts())
        self._chosen_page = page
        self._draw()
        if inside:
            self.call_after_refresh(self.focus_figure)  # the arrows go on to move something in the picture

    def _parts(self) -> list[Widget]:
        return [self.query_one("#figure"), self.query_one(StepsPanel)]

    @on(FigureTabs.Chosen)
    def tab_chosen(self, event: FigureTabs.Chosen) -> None:
        event.stop()
        if event.index < 0:
            self.post_message(self.AnswerWanted())
        else:
            self._turn_to(self._pages()[event.index])

    # --- pictures taken away -----------------------------------------------------------------------------------

    @property
    def can_save(self) -> bool:
        """Whether a picture is in front and the focus elsewhere (on a knob): in it, its own key saves."""
        focused, box = self.screen.focused, self.query_one("#figure")
        return bool(self._front_figures()) and (focused is None or box not in focused.ancestors_with_self)

    def save(self) -> None:
        """Save the picture in front; of several tensors the first."""
        for view in self.query(FigureView):
            if view.view is not None:
                view.view.action_save()
                return

    @on(SaveWanted)
    def save_as(self, event: SaveWanted) -> None:
        event.stop()
        self.app.save_figure(event.stem, event.contents)

    # --- the token that is looked at ---------------------------------------------------------------------------

    @on(TokenChosen)
    def token_chosen(self, event: TokenChosen) -> None:
        """The same token in the other figures, also in those that are turned to later."""
        event.stop()
        self._lit = event.token
        self._light()

    def _light(self) -> None:
        for view in self.query(FigureView):
            view.light(self._lit)

    @on(HeatmapView.RowCopied)
    def say_copied(self, event: HeatmapView.RowCopied) -> None:
        event.stop()
        self.notify(words("screens.copied", self.language))

    def focus_figure(self, tries: int = MOUNTING) -> None:
        """Put the focus where arrows move something, else on the first knob; once there is a figure, if it runs yet."""
        if not self.is_attached:
            return
        self._wants_focus = self._result is None and self._experiment is not None
        for part in self._parts() if self._result is not None else ():
            if any(give_focus(self.screen, widget) for widget in (part, *part.query("*"))):
                return
        if tries and self._front_figures():  # its widgets are still being mounted
            self.screen.set_focus(None)
            self.call_after_refresh(self._focus_if_free, tries - 1)
            return
        for panel in self.query(KnobPanel) if self._result is not None else ():
            if any(give_focus(self.screen, widget) for widget in (panel, *panel.query("*"))):
                return
        self.screen.set_focus(None)

    def _focus_if_free(self, tries: int = MOUNTING) -> None:
        if self.is_attached and self.screen.focused is None:
            self.focus_figure(tries)

    def focus_sentence(self) -> bool:
        """Open the first text knob for typing; whether there is one."""
        for panel in self.query(KnobPanel):
            for row in panel.rows:
                if isinstance(row, FieldRow) and stands(row):
                    row.action_type()
                    return True
        return False


def _duration(seconds: float) -> str:
    if seconds < 0.01:
        return f"{seconds * 1000:.1f} ms"
    return f"{seconds * 1000:.0f} ms" if seconds < 1 else f"{seconds:.1f} s"
