"""``import FILE``: progress that ``export FILE.json`` wrote, or the ratings of an Anki deck, merged or in its place."""

from __future__ import annotations

import argparse
from pathlib import Path

from tui.commands.arguments import need
from tui.commands.context import Context
from tui.commands.notices import FEW, tell_notices
from tui.commands.output import tell, write
from tui.language.usage import UsageError
from tui.language.words import words
from tui.progress.anki_ratings import is_anki, read_anki
from tui.progress.paths import typed_path
from tui.progress.records import utc_now
from tui.progress.store import ProgressStore
from tui.progress.taking_over import Foreign, count_what_would_be_taken, read_export, take_over


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("file", nargs="?")
    parser.add_argument("--replace", action="store_true")
    parser.add_argument("--dry-run", action="store_true")


def run(context: Context, options: argparse.Namespace) -> int:
    path = typed_path(need(options.file, "import", "FILE"))
    foreign = None if is_anki(path) else read_export(path)
    with context.open_store() as store:
        tell_notices(store.notices, context.language)
        if foreign is None:
            foreign = _from_anki(context, path, store)
        if not options.dry_run:
            store.require_kept()
        if options.dry_run:
            taken = count_what_would_be_taken(store, foreign, utc_now(), replace=options.replace)
        else:
            try:
                taken = take_over(store, foreign, utc_now(), replace=options.replace, dry=False)
            except OSError as error:
                raise UsageError("cannot-back-up", folder=context.data_dir, reason=error) from error
    how = "replace" if options.replace else "merge"
    write(
        words(f"commands.import-{how}{'-dry' if options.dry_run else ''}", context.language, path=path, **vars(taken))
    )
    if taken.backup is not None:
        tell(words("commands.backed-up", context.language, path=taken.backup, name=taken.backup.name))
    return 0


def _from_anki(context: Context, path: Path, store: ProgressStore) -> Foreign:
    """The ratings of an Anki package; what in it is none of ours is said."""
    bank = context.load_bank(anew=True)
    known = {question.id for question in bank.questions} | {task.id for task in bank.tasks}
    found = read_anki(path, known, store.schedule)
    if found.other_notes or found.unknown:
        fields = {"other": found.other_notes, "unknown": len(found.unknown), "names": found.unknown[:FEW]}
        tell(words("commands.import-anki-other", context.language, **fields))
    return found.foreign
