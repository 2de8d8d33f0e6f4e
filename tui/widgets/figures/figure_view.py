"""Any figure on the screen: the widget of its kind, kept when the next figure is of the same kind."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from textual.app import ComposeResult

from questions.bilingual import Language
from tui.figures.data import Bars, Curve, Figure, Heatmap, Links, Table, Tensor, Tokens
from tui.widgets.figures.bars_view import BarsView
from tui.widgets.figures.curve_view import CurveView
from tui.widgets.figures.heatmap_view import HeatmapView
from tui.widgets.figures.links_view import LinksView
from tui.widgets.figures.table_view import TableView
from tui.widgets.figures.tensor_view import TensorView
from tui.widgets.figures.tokens_view import TokensView
from tui.widgets.holding import replace
from tui.widgets.speaking import SpeakingWidget

VIEWS: dict[type, Callable[..., Any]] = {
    Heatmap: HeatmapView,
    Curve: CurveView,
    Bars: BarsView,
    Tokens: TokensView,
    Table: TableView,
    Tensor: TensorView,
    Links: LinksView,
}


class FigureView(SpeakingWidget):
    """Shows one figure. ``show`` with a figure of the same kind keeps cursor, scroll, stage, head and pin."""

    DEFAULT_CSS = "FigureView { height: auto; width: 1fr; layout: vertical; }"

    def __init__(
        self,
        figure: Figure | None = None,
        *,
        language: Language = "zh",
        id: str | None = None,
        classes: str | None = None,
    ) -> None:
        super().__init__(language=language, id=id, classes=classes)
        self.figure = figure
        self.view: Any | None = None if figure is None else self._view_of(figure)

    def compose(self) -> ComposeResult:
        if self.view is not None:
            yield self.view

    def _view_of(self, figure: Figure) -> Any:
        return VIEWS[type(figure)](figure, language=self.language)

    def light(self, token: str) -> None:
        """Mark the token ``token`` wherever it stands in the figure, if its kind has tokens."""
        view: Any = self.view
        if hasattr(view, "lit"):
            view.lit = token

    def show(self, figure: Figure | None) -> None:
        """Show ``figure`` (nothing where None), in the widget that is there where that draws its kind."""
        same = type(figure) is type(self.figure)
        self.figure = figure
        if same and self.view is not None:
            self.view.update_figure(figure)
            return
        self.view = None if figure is None else self._view_of(figure)
        replace(self, [self.view] if self.view is not None else [])


class FigureList(SpeakingWidget):
    """Several figures, one under another. ``show`` keeps every view whose kind stays at its place."""

    DEFAULT_CSS = """
    FigureList { height: auto; width: 1fr; layout: vertical; }
    FigureList > FigureView { margin: 0 0 1 0; }
    FigureList > FigureView:last-child { margin: 0; }
    """

    def __init__(
        self,
        figures: Sequence[Figure] = (),
        *,
        language: Language = "zh",
        id: str | None = None,
        classes: str | None = None,
    ) -> None:
        super().__init__(language=language, id=id, classes=classes)
        self.views = [FigureView(figure, language=language) for figure in figures]

    def compose(self) -> ComposeResult:
        yield from self.views

    def show(self, figures: Sequence[Figure]) -> None:
        """Show ``figures`` in order."""
        replace(self, old=self.views[len(figures) :])
        del self.views[len(figures) :]
        for view, figure in zip(self.views, figures, strict=False):
            view.show(figure)
        for figure in figures[len(self.views) :]:
            view = FigureView(figure, language=self.language)
            self.views.append(view)
            replace(self, [view], old=[])
