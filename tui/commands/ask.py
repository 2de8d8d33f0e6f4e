"""``ask``: one question, line by line."""

from __future__ import annotations

import argparse

from tui.commands.context import Context
from tui.commands.selecting import add_selection


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("id", nargs="?")
    add_selection(parser)


def run(context: Context, options: argparse.Namespace) -> int:
    from tui.commands.quiz import run as run_plain

    return run_plain(context, options.id, once=True)
