"""What was claimed and what was measured: a sign, the claim, the two numbers."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import takewhile

from rich.text import Text

from questions.bilingual import Language
from tui.experiments.contract import Check
from tui.figures.look import Look
from tui.proof.checks_text import check_lines
from tui.widgets.figures.text_view import TextView


class ChecksPanel(TextView[Sequence[Check]]):
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
        self._chosen = ""

    @property
    def checks(self) -> Sequence[Check]:
        return self.figure

    def show(self, checks: Sequence[Check]) -> None:
        """Show ``checks`` instead; where they are of other names, none of them is chosen."""
        if [check.name for check in checks] != [check.name for check in self.figure]:
            self._chosen = ""
        self.update_figure(checks)

    def choose(self, name: str) -> None:
        """Show which check is meant."""
        self._chosen = name
        self.refresh()

    @property
    def chosen_line(self) -> int:
        """The line at which the chosen check begins."""
        before = takewhile(lambda check: check.name != self._chosen, self.figure)
        return sum(len(check_lines(check, self.language, max(self.size.width, 1), self.look)) for check in before)

    def lines(self, width: int, look: Look) -> list[Text]:
        lines = []
        for check in self.figure:
            drawn = check_lines(check, self.language, max(width, 1), look)
            if check.name == self._chosen:
                drawn[0].stylize("underline", 2)
            lines += drawn
        return lines
