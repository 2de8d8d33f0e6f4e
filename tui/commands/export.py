"""``export FILE``: progress (.csv, .json, .md), or the questions for Anki (.txt, .tsv, .apkg) or as a page (.html)."""

from __future__ import annotations

import argparse

from questions.bank import Bank
from tui.commands.arguments import need
from tui.commands.context import Context
from tui.commands.notices import tell_notices, tell_problems
from tui.commands.output import tell
from tui.commands.stats import as_lines
from tui.commands.writing import refuse_to_overwrite, write_file
from tui.language.usage import UsageError
from tui.language.words import words
from tui.practice.standing import standing
from tui.progress.export import as_csv, as_json, as_markdown
from tui.progress.paths import typed_path
from tui.progress.records import utc_now
from tui.text.plain_text import as_title

ANKI = (".txt", ".tsv")
SUFFIXES = (".csv", ".json", ".md", ".html", *ANKI, ".apkg")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("file", nargs="?")
    parser.add_argument("--force", action="store_true")


def run(context: Context, options: argparse.Namespace) -> int:
    path = typed_path(need(options.file, "export", "FILE"))
    suffix = path.suffix.lower()
    if suffix not in SUFFIXES:
        raise UsageError("unknown-suffix", given=path, known=SUFFIXES, nearest=None)
    bank = context.load_bank()
    tell_problems(bank.problems, context.language)
    if suffix in ANKI:
        from tui.commands.anki import as_anki

        write_file(path, as_anki(bank.questions, context.language), force=options.force)
        tell(words("stats.exported-anki", context.language, count=len(bank.questions), path=path))
        return 0
    if suffix == ".html":
        from tui.commands.pages import briefs_page

        refuse_to_overwrite(path, force=options.force)  # before every experiment has run
        write_file(path, briefs_page(bank.questions, context.language), force=options.force)
        tell(words("stats.exported", context.language, path=path))
        return 0
    if suffix == ".apkg":
        from tui.commands.anki_package import as_package

        refuse_to_overwrite(path, force=options.force)
        write_file(path, as_package(bank.questions, context.language), force=options.force)
        tell(words("stats.exported-anki", context.language, count=len(bank.questions), path=path))
        return 0
    # With a byte-order mark a spreadsheet reads Chinese rightly.
    encoding = "utf-8-sig" if suffix == ".csv" else "utf-8"
    write_file(path, _progress(context, bank, suffix), encoding, force=options.force)
    tell(words("stats.exported", context.language, path=path))
    return 0


def _progress(context: Context, bank: Bank, suffix: str) -> str:
    topics = {question.id: question.topic for question in bank.questions}
    with context.read_store() as store:
        tell_notices(store.notices, context.language)
        if suffix == ".csv":
            return as_csv(store, topics)
        now = utc_now()
        if suffix == ".json":
            return as_json(store, now)
        titles = {question.id: as_title(question.question.say(context.language)) for question in bank.questions}
        summary = as_lines(standing(store, bank.questions, now).counted, context.language, now)
        return as_markdown(store, titles, topics, summary, context.language, now)
