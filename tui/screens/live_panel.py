"""The live experiment: knobs, figures, steps and checks, computed in the background as the knobs turn."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical, VerticalScroll
from textual.message import Message
from textual.reactive import reactive
from textual.timer import Timer
from textual.widget import Widget
from textual.widgets import Input, Static

from questions.bilingual import Language
from tui.experiments.compute import Failed, Finished, Outcome, Progressed
from tui.experiments.contract import Check, Experiment, KnobValue, Result
from tui.figures.data import Figure, Tensor
from tui.language.words import words
from tui.proof.evidence import by_name
from tui.screens.figure_tabs import FigureTabs
from tui.screens.passage import Passage
from tui.widgets.checks_panel import ChecksPanel
from tui.widgets.figures.figure_view import FigureList
from tui.widgets.figures.heatmap_view import HeatmapView
from tui.widgets.knob_panel import KnobChanged, KnobPanel
from tui.widgets.speaking import SpeakingWidget
from tui.widgets.steps_panel import StepsPanel

if TYPE_CHECKING:
    from tui.screens.program import Program

PATIENCE = 0.15  # seconds before a run is said to be running: faster ones would only flicker
TENSORS, STEPS, CHECKS = "tensors", "steps", "checks"


@dataclass(frozen=True)
class Measured:
    """The checks of a run by name, and its knobs."""

    checks: Mapping[str, Check]
    knobs: Mapping[str, KnobValue]


class LivePanel(Vertical):
    """Shows one experiment; ``show`` gives it another one or other knobs."""

    DEFAULT_CSS = """
    LivePanel { height: 1fr; padding: 0 1; }
    LivePanel #experiment-title { height: auto; }
    LivePanel #knobs { height: auto; max-height: 8; scrollbar-size-vertical: 1; }
    LivePanel #figure { height: 1fr; scrollbar-size-vertical: 1; }
    LivePanel StepsPanel { height: 1fr; }
    LivePanel #checks { height: auto; max-height: 9; border-top: solid $primary 50%; scrollbar-size-vertical: 1; }
    LivePanel #run-message { display: none; height: auto; color: $text-muted; }
    LivePanel #run-message.failed { color: $text-error; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("r", "again", "Run again", id="live.again"),
        Binding("comma", "figure(-1)", "Figure before", id="live.figure-before"),
        Binding("full_stop", "figure(1)", "Next figure", id="live.figure-after"),
        Binding("D", "defaults", "Default knobs", id="live.defaults"),
    ]

    app: Program
    language: reactive[Language] = reactive[Language]("zh", init=False)

    class Ran(Message):
        """A run ended well: ``measured`` and ``knobs`` of the panel are new."""

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
        self._chosen_page: int | str = 0
        self._timer: Timer | None = None
        self.status = ""

    def compose(self) -> ComposeResult:
        yield Passage(id="experiment-title")
        yield VerticalScroll(id="knobs", can_focus=False)
        yield FigureTabs()
        yield Static("", id="run-message", markup=False)
        with VerticalScroll(id="figure", can_focus=False):
            yield FigureList()
        yield StepsPanel()
        with VerticalScroll(id="checks"):
            yield ChecksPanel()

    # --- what is run -------------------------------------------------------------------------------------------

    def show(self, experiment: Experiment | None, settings: Mapping[str, object]) -> None:
        """Open ``experiment`` with ``settings`` over its defaults; the same again changes nothing."""
        opened: dict[str, KnobValue] = {}
        if experiment is not None:
            values = experiment.parse(settings)
            opened = {knob.name: values[knob.name] for knob in experiment.knobs}
        if experiment is not None and experiment is self._experiment and opened == self._opened_with:
            return
        self._experiment, self._opened_with, self._knobs = experiment, dict(opened), dict(opened)
        self._result = self._measured = None
        self._chosen_page = 0
        self.status = ""
        holder = self.query_one("#knobs")
        holder.remove_children()
        if experiment is not None:
            holder.mount(KnobPanel(experiment, opened, language=self.language))
        self._draw()
        self._request()

    def resume(self) -> None:
        """Run what is still missing, after another screen has used the compute thread."""
        if self._experiment is not None and self._result is None:
            self._request()

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
        self._request()

    def action_defaults(self) -> None:
        """The knobs as the panel was opened with."""
        if self._experiment is not None:
            self._knobs = dict(self._opened_with)
            self.query_one(KnobPanel).set_values(self._knobs)
            self._request()

    def _request(self) -> None:
        if self._experiment is None:
            self.app.compute.cancel()
            return
        self._requested = dict(self._knobs)
        self._number = self.app.compute.request(
            self._experiment, self._requested, lambda outcome: self.post_message(self.Arrived(outcome))
        )
        if self._timer is not None:
            self._timer.stop()
        self._timer = self.set_timer(PATIENCE, self._say_running)

    def _say_running(self) -> None:
        loading = self._result is None
        self._message(words("screens.loading" if loading else "screens.running", self.language) + " …")

    def _message(self, text: str, *, failed: bool = False) -> None:
        message = self.query_one("#run-message", Static)
        message.update(text)
        message.set_class(failed, "failed")
        message.display = bool(text)

    @on(Arrived)
    def arrived(self, event: Arrived) -> None:
        event.stop()
        outcome = event.outcome
        if outcome.number != self._number:
            return
        if isinstance(outcome, Progressed):
            if outcome.fraction > 0 and self.query_one("#run-message").display:
                filled = round(outcome.fraction * 12)
                bar = "━" * filled + "╌" * (12 - filled)
                self._message(f"{words('screens.running', self.language)} {bar} {outcome.fraction:.0%}")
            return
        if self._timer is not None:
            self._timer.stop()
        if isinstance(outcome, Failed):
            self.status = ""
            reason = self.app.error_text(outcome.error)
            hint = words("screens.failed-hint", self.language)
            self._message(f"{words('screens.failed', self.language)}: {reason}\n{hint}", failed=True)
            return
        self._message("")
        self._finished(outcome)

    def _finished(self, outcome: Finished) -> None:
        self._result = outcome.result
        self._measured = Measured(by_name(outcome.result.checks), self._requested)
        name = "MLX" if outcome.backend == "mlx" else "NumPy"
        self.status = f"{name} · {_duration(outcome.seconds)}"
        self._draw()
        self.post_message(self.Ran())

    # --- what is shown -----------------------------------------------------------------------------------------

    def watch_language(self) -> None:
        for widget in self.query(SpeakingWidget):
            widget.language = self.language
        self._draw()

    def _pages(self) -> list[int | str]:
        if self._result is None:
            return []
        figures = self._result.figures
        pages: list[int | str] = [number for number, figure in enumerate(figures) if not isinstance(figure, Tensor)]
        if len(pages) < len(figures):
            pages.append(TENSORS)  # all on one page: each is a line or a few
        if self._result.steps:
            pages.append(STEPS)
        if self._result.checks and self.screen.has_class("-short"):
            pages.append(CHECKS)
        return pages

    @property
    def _page(self) -> int | str:
        """The page in front: the one that was chosen, while there is one (an empty sentence draws nothing)."""
        pages = self._pages()
        return self._chosen_page if self._chosen_page in pages or not pages else pages[0]

    def _draw(self) -> None:
        language, result = self.language, self._result
        title = self.query_one("#experiment-title", Passage)
        if self._experiment is None:
            title.show(words("screens.no-experiment", language), style="dim")
        else:
            title.show(self._experiment.title.say(language), style="bold")
        pages = self._pages()
        titles = [self._page_title(page) for page in pages]
        self.query_one(FigureTabs).show(titles, pages.index(self._page) if pages else 0)
        view, steps, checks = self.query_one("#figure"), self.query_one(StepsPanel), self.query_one("#checks")
        figures = self._front_figures()
        view.display = bool(figures)
        steps.display = result is not None and self._page == STEPS
        checks.display = result is not None and bool(result.checks) and (CHECKS not in pages or self._page == CHECKS)
        if result is None:
            return
        if figures:
            self.query_one(FigureList).show(figures)
        if self._page == STEPS:
            steps.show(result.steps)
        self.query_one(ChecksPanel).show(result.checks)

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
        figures = self._result.figures
        kind = words(f"screens.kind-{figures[page].kind}", self.language)
        alike = [number for number, figure in enumerate(figures) if figure.kind == figures[page].kind]
        return kind if len(alike) == 1 else f"{kind} {alike.index(page) + 1}"

    def action_figure(self, step: int) -> None:
        self.next_figure(step)

    def next_figure(self, step: int) -> None:
        pages = self._pages()
        if pages:
            focused = self.screen.focused
            inside = focused is not None and any(
                focused.is_attached and part in focused.ancestors for part in self._parts()
            )
            self._chosen_page = pages[(pages.index(self._page) + step) % len(pages)]
            self._draw()
            if inside or focused is None:
                self.call_after_refresh(self.focus_figure)  # the arrows go on to move something in the picture

    def _parts(self) -> list[Widget]:
        return [self.query_one("#figure"), self.query_one(StepsPanel), self.query_one("#checks")]

    @on(FigureTabs.Chosen)
    def tab_chosen(self, event: FigureTabs.Chosen) -> None:
        event.stop()
        self._chosen_page = self._pages()[event.index]
        self._draw()

    # --- pictures taken away -----------------------------------------------------------------------------------

    @on(HeatmapView.SaveRequested)
    def save(self, event: HeatmapView.SaveRequested) -> None:
        """Write the picture into the folder that the program was started in, never over another file."""
        event.stop()
        path = unused(Path.cwd() / event.suggested_name)
        try:
            path.write_text(event.contents(), encoding="utf-8")
        except OSError as error:
            reason = error.strerror or str(error)
            self.notify(
                words("screens.save-failed", self.language, path=path, reason=reason), severity="error", markup=False
            )
            return
        self.notify(words("screens.saved-to", self.language, path=path), markup=False)

    @on(HeatmapView.RowCopied)
    def say_copied(self, event: HeatmapView.RowCopied) -> None:
        event.stop()
        self.notify(words("screens.copied", self.language), timeout=2, markup=False)

    def focus_figure(self) -> None:
        """Put the focus where arrows move something."""
        shown = [part for part in self._parts() if part.display]
        inside = [widget for part in shown for widget in (*part.query("*"), part)]
        for widget in (*inside, *self.query_one("#knobs").query("*")):
            if widget.focusable and not isinstance(widget, Input):  # a text field would swallow the single keys
                widget.focus()
                return
        self.screen.set_focus(None)


def unused(path: Path) -> Path:
    """``path``, or the first of ``name-2``, ``name-3``, … that does not exist."""
    number, free = 1, path
    while free.exists():
        number += 1
        free = path.with_name(f"{path.stem}-{number}{path.suffix}")
    return free


def _duration(seconds: float) -> str:
    if seconds < 0.01:
        return f"{seconds * 1000:.1f} ms"
    return f"{seconds * 1000:.0f} ms" if seconds < 1 else f"{seconds:.1f} s"
