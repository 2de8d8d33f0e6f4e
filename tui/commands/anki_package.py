"""The questions as an Anki package: the cards of the text file, and on each back a picture of the experiment.

genanki writes it (the extra ``anki``). The ids of model, deck and notes are fixed: imported again, a package changes
the notes and keeps their schedule.
"""

from __future__ import annotations

import html
import importlib
import re
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from questions.bilingual import Language
from questions.model import Question
from tui.commands.anki import DECK, back, front
from tui.commands.pages import first_figures
from tui.figures.export import figure_svg
from tui.language.usage import UsageError
from tui.progress.anki_ratings import guid_of

MODEL_ID, DECK_ID = 1_607_392_319, 2_059_400_110  # as genanki wants them: drawn once, and never changed
WIDTH = 90  # columns of a figure
_CSS = ".card { font-family: sans-serif; font-size: 18px; text-align: left; max-width: 46em; margin: auto; }"


def as_package(questions: Sequence[Question], language: Language) -> bytes:
    """The ``.apkg``. Raises ``UsageError`` where genanki is not installed."""
    genanki = _genanki()
    model = genanki.Model(
        MODEL_ID,
        "tformer-quiz",
        fields=[{"name": "Front"}, {"name": "Back"}, {"name": "Figure"}],
        templates=[{"name": "Card", "qfmt": "{{Front}}", "afmt": "{{FrontSide}}<hr id=answer>{{Back}}{{Figure}}"}],
        css=_CSS,
    )
    deck = genanki.Deck(DECK_ID, DECK)
    figures = first_figures(language)
    with tempfile.TemporaryDirectory() as scratch:
        media = []
        for question in questions:
            shown = figures(question.experiment) if question.experiment is not None else ()
            pictures = ""
            for number, figure in enumerate(shown):
                name = f"tformer-quiz-{language}-{re.sub(r'[^A-Za-z0-9-]', '_', question.id)}-{number}.svg"
                path = Path(scratch) / name
                path.write_text(figure_svg(figure, language, width=WIDTH), encoding="utf-8")
                media.append(str(path))
                pictures += f'<img src="{html.escape(name)}">'
            deck.add_note(
                genanki.Note(
                    model=model,
                    fields=[front(question, language), back(question, language), pictures],
                    guid=guid_of(question.id, language),
                    tags=["tformer-quiz", "-".join(question.topic.split()), f"level-{question.level}"],
                )
            )
        path = Path(scratch) / "deck.apkg"
        genanki.Package(deck, media_files=media).write_to_file(path)
        return path.read_bytes()


def _genanki() -> Any:
    try:
        return importlib.import_module("genanki")
    except ImportError as error:
        raise UsageError("needs-genanki") from error
