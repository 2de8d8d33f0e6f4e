"""The questions as an Anki deck: a text file that Anki imports, and imports again to update.

Each note has our question's id as its guid, so that a second import changes the notes and keeps their schedule. See
Anki's manual, "Importing: text files", for the header lines.
"""

from __future__ import annotations

import csv
import html
import io
import re
from collections.abc import Sequence

from questions.bilingual import Bilingual, Language, say
from questions.model import Question
from tui.language.words import words
from tui.practice.page import as_html
from tui.progress.anki_ratings import guid_of
from tui.text.plain_text import as_title, readable

HEADER = ("#separator:tab", "#html:true", "#guid column:1", "#deck column:2", "#tags column:5")
DECK = "Transformer"


def as_anki(questions: Sequence[Question], language: Language) -> str:
    """Guid, deck, front, back and tags of every question, after the header lines that say which is which."""
    file = io.StringIO()
    file.write("\n".join(HEADER) + "\n")
    writer = csv.writer(file, delimiter="\t", lineterminator="\n")
    for question in questions:
        tags = f"tformer-quiz {'-'.join(question.topic.split())} level-{question.level}"  # a space ends a tag
        writer.writerow(
            [guid_of(question.id, language), DECK, front(question, language), back(question, language), tags]
        )
    return file.getvalue()


def front(question: Question, language: Language) -> str:
    return inert(to_html(question.question, language))


def back(question: Question, language: Language) -> str:
    parts = [to_html(text, language) for text in (question.brief, question.answer) if text]
    points = "".join(
        f"<li>{as_html(readable(point.text.say(language)), inline=True)}</li>" for point in question.key_points
    )
    parts.append(f"<h4>{words('quiz.key-points', language)}</h4><ul>{points}</ul>")
    if question.misconception is not None:
        parts.append(
            f"<h4>{words('quiz.misconception', language)}</h4>{to_html(question.misconception.text, language)}"
        )
    if question.sources:
        listed = ""
        for source in question.sources:
            title = html.escape(as_title(say(source.title, language)))
            where = f", {html.escape(say(source.where, language))}" if source.where is not None else ""
            link = f'<a href="{html.escape(source.url)}">{title}</a>' if source.url else title
            listed += f"<li>{link}{where}</li>"
        parts.append(f"<h4>{words('quiz.sources', language)}</h4><ol>{listed}</ol>")
    return inert("".join(parts))


def inert(page: str) -> str:
    """HTML in which Anki finds no sound to fetch, no LaTeX to run and no formula: ``[sound:…]``, ``[latex]``, ``\\(``.

    Anki looks for the brackets in the HTML, MathJax for its signs in the text of one element.
    """
    return re.sub(r"\\(?=[(\[])", r"\\<span></span>", page).replace("[", "&#91;")


def to_html(text: Bilingual, language: Language) -> str:
    return as_html(readable(text.say(language)))
