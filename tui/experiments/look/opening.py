"""Opening a model as something to run in the compute thread: nothing heavy is imported before it runs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tui.experiments.contract import Report

if TYPE_CHECKING:
    from tui.experiments.look.experiment import Looking, Writing


@dataclass(frozen=True)
class Opening:
    """Gives the model's views, or where ``writes`` its generation."""

    model: str
    writes: bool

    def run(self, settings: Mapping[str, object], report: Report) -> Looking | Writing:
        """Raises ``UsageError`` where there is no such model, and what its folder's reader says."""
        from tui.experiments.look.experiment import looking, writing

        report(0.2, self.model)
        return (writing if self.writes else looking)(self.model)
