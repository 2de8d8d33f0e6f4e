"""Three pictures of what the widgets look like. They are of one version of Textual; facts are tested elsewhere."""

from __future__ import annotations

from typing import Any

import pytest
import textual
from textual.app import App, ComposeResult

from tests.tui.figures.examples import CURVE, attention
from tests.tui.widgets.test_knobs import EXPERIMENT
from tests.tui.widgets.test_panels import FAILS, HOLDS
from tui.widgets.checks_panel import ChecksPanel
from tui.widgets.figures.curve_view import CurveView
from tui.widgets.figures.heatmap_view import HeatmapView
from tui.widgets.knob_panel import KnobPanel

pytestmark = pytest.mark.skipif(
    textual.__version__ != "8.2.8", reason=f"the pictures are of Textual 8.2.8, not {textual.__version__}"
)


class Still(App[None]):
    """Nothing in it moves or blinks."""

    ENABLE_COMMAND_PALETTE = False

    def on_mount(self) -> None:
        self.animation_level = "none"


class HeatmapApp(Still):
    def compose(self) -> ComposeResult:
        yield HeatmapView(attention())


class CurveApp(Still):
    def compose(self) -> ComposeResult:
        yield CurveView(CURVE)


class KnobsApp(Still):
    def compose(self) -> ComposeResult:
        yield KnobPanel(EXPERIMENT, language="en")
        yield ChecksPanel([HOLDS, FAILS], language="en")


def test_heatmap(snap_compare: Any) -> None:
    assert snap_compare(HeatmapApp(), terminal_size=(80, 24), press=["down", "down", "right"])


def test_curve(snap_compare: Any) -> None:
    assert snap_compare(CurveApp(), terminal_size=(80, 24), press=["right"])


def test_knobs_and_checks(snap_compare: Any) -> None:
    assert snap_compare(KnobsApp(), terminal_size=(50, 24), press=["right"])
