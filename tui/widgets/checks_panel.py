"""What was claimed and what was measured: a sign, the claim, the two numbers."""

from __future__ import annotations

from collections.abc import Sequence

from rich.text import Text

from questions.bilingual import Language
from tui.experiments.contract import Check
from tui.figures.look import Look
from tui.proof.checks_text import check_lines
from tui.widgets.figures.lines_view import LinesView


class ChecksPanel(LinesView[Sequence[Check]]):
    """The checks of a result, in order."""

    def __init__(
        self,
        checks: Sequence[Check] = (),
        *,
        language: Language = "zh",
        id: str | None = None,
        classes: str | None = None,
    ) -> None:
        super().__init__(checks, language=language, id=id, classes=classes)

    @property
    def checks(self) -> Sequence[Check]:
        return self.figure

    def show(self, checks: Sequence[Check]) -> None:
        """Show ``checks`` instead."""
        self.update_figure(checks)

    def lines(self, width: int, look: Look) -> list[Text]:
        return [line for check in self.figure for line in check_lines(check, self.language, max(width, 1), look)]
