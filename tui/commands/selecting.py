"""``--topic --level --source --kind --flagged --search``: which questions a command is about."""

from __future__ import annotations

import argparse

from questions.topics import TOPICS
from tui.language.usage import UsageError
from tui.practice.selection import Selection

KINDS = ("open", "code")
SYNTAX = {
    "--topic": "--topic TOPIC",
    "--level": "--level 1|2|3",
    "--source": "--source TEXT",
    "--kind": "--kind open|code",
    "--search": "--search TEXT",
}


def add_selection(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--topic", action="append", default=[])
    parser.add_argument("--level", action="append", default=[])
    parser.add_argument("--source", default="")
    parser.add_argument("--search", default="")
    parser.add_argument("--kind")
    parser.add_argument("--flagged", action="store_true")


def read_selection(options: argparse.Namespace) -> Selection:
    """The selection that the options give; everything where the command takes none. Raises ``UsageError``."""
    if not hasattr(options, "flagged"):
        return Selection()
    levels = []
    for given in options.level:
        if given not in ("1", "2", "3"):
            raise UsageError("not-one-of", option="--level", given=given, known=("1", "2", "3"))
        levels.append(int(given))
    kind = options.kind or ""
    if kind not in ("", *KINDS):
        raise UsageError("not-one-of", option="--kind", given=kind, known=KINDS)
    return Selection(tuple(options.topic), tuple(levels), options.source, options.flagged, options.search, kind)


def refuse_unknown_topics(selection: Selection, topics: set[str]) -> None:
    """Raise ``UsageError`` for a topic that no question has; ``topics`` are those of the bank that is open."""
    from tui.language.usage import unknown

    for topic in selection.topics:
        if topic not in topics:
            order = [name for name in TOPICS if name in topics]
            raise unknown("unknown-topic", topic, [*order, *sorted(topics - set(order))])


def as_options(selection: Selection) -> list[str]:
    """The options that give ``selection``."""
    given = [part for topic in selection.topics for part in ("--topic", topic)]
    given += [part for level in selection.levels for part in ("--level", str(level))]
    given += ["--flagged"] if selection.flagged else []
    for option, value in (("--source", selection.source), ("--search", selection.search), ("--kind", selection.kind)):
        given += [option, value] if value else []
    return given
