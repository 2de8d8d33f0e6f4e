"""The report of an interview as a page with its figures, made where experiments run: in the compute thread."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from questions.bilingual import Language
from questions.model import ExperimentUse
from tui.experiments.contract import Cancelled
from tui.experiments.contract import Report as Progress
from tui.figures.data import Figure
from tui.language.words import words
from tui.practice.page import page
from tui.practice.report import Report
from tui.practice.report_text import sections
from tui.proof.runs import Runs


class ReportPage:
    """What a compute thread runs in the place of an experiment; its result is the page."""

    def __init__(self, told: Report, language: Language) -> None:
        self._told, self._language = told, language

    def run(self, settings: Mapping[str, object], report: Progress | None = None) -> str:
        runs = Runs()

        def figures(use: ExperimentUse) -> Sequence[Figure]:
            try:
                return runs.run(use.run, use.settings, report).result.figures[:1]
            except Cancelled:
                raise
            except Exception:  # the page is a page without the figure of a run that failed
                return ()

        title = words("interview.title", self._language)
        return page(title, sections(self._told, self._language, anchors=True), self._language, figures)
