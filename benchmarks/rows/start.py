"""How long the program takes to say or show something, beside a Python or a Textual that has nothing to say."""

from __future__ import annotations

import sys
from functools import partial
from tempfile import TemporaryDirectory

from benchmarks.processes import ended, program, shown
from benchmarks.row import Row, Sample, Sides

EMPTY = """
from textual.app import App
from textual.widgets import Static
class Empty(App):
    def compose(self):
        yield Static("nothing")
Empty().run()
"""
_PARSER = [sys.executable, "-c", "import argparse"]


def _said(command: str, with_peer: bool) -> Sides:
    return Sides(ended(program(command)), ended(_PARSER))


def _first_question(with_peer: bool) -> Sides:
    from benchmarks.many import unused

    return Sides(first_question(data_dir=str(unused())), _empty())


def _first_start(with_peer: bool) -> Sides:
    from tui.bank import INSTALLED, keep_shipped

    keep_shipped(INSTALLED.parent)  # as installing does: this checkout may have been changed since it was installed
    return Sides(first_question(), _empty())


def _empty() -> Sample:
    return shown([sys.executable, "-c", EMPTY], "nothing")


def first_question(*options: str, data_dir: str | None = None) -> Sample:
    """Until the first question stands there, with the key that reveals its answer; in a new data folder if None."""
    from tui.language.words import words

    below = words("screens.key-reveal", "en")

    def sample() -> float:
        with TemporaryDirectory() as empty:
            return shown(program("--lang", "en", "--data-dir", data_dir or empty, *options), below)()

    return sample


ROWS = (
    *(
        Row(f"start-{command.strip('-')}", f"tformer-quiz {command}", aim, partial(_said, command),
            'python -c "import argparse"', kind="more", threads=0)
        for command, aim in (("--help", 0.06), ("list", 0.15))
    ),
    Row("first-question", "the first question on the screen", 1.8, _first_question,
        "first frame of an empty Textual app", threads=0),
    Row("first-start", "the same where the program was never started", 1.8, _first_start,
        "first frame of an empty Textual app", threads=0),
)  # fmt: skip
