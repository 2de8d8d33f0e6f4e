"""``restore``: the backups that there are; ``restore NAME`` puts one in the place of the progress file."""

from __future__ import annotations

import argparse

from tui.commands.context import Context
from tui.commands.output import tell, write
from tui.language.usage import UsageError, unknown
from tui.language.words import words
from tui.progress.backups import backups, restore
from tui.progress.records import utc_now


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("name", nargs="?")


def run(context: Context, options: argparse.Namespace) -> int:
    found = backups(context.data_dir)
    if not found:
        tell(words("commands.no-backups", context.language, folder=context.data_dir))
        return 0 if options.name is None else 2
    if options.name is None:
        for backup in found:
            name = "commands.backup" if backup.reviews is not None else "commands.backup-unreadable"
            write(words(name, context.language, name=backup.path.name, reviews=backup.reviews, bytes=backup.bytes))
        return 0
    by_name = {backup.path.name: backup.path for backup in found}
    if options.name not in by_name:
        raise unknown("unknown-backup", options.name, by_name)
    try:
        aside = restore(by_name[options.name], context.data_dir, utc_now())
    except OSError as error:
        raise UsageError("cannot-write", path=context.data_dir, reason=error) from error
    write(words("commands.restored", context.language, name=options.name))
    if aside is not None:
        tell(words("commands.backed-up", context.language, path=aside, name=aside.name))
    return 0
