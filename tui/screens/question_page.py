"""A question to be read without being asked: its answer, key points, misconception and sources, over a list."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.screen import ModalScreen
from textual.widgets import Static

from questions.bilingual import Language, say
from questions.model import Question
from tui.language.words import words
from tui.practice.written import task_of
from tui.text.plain_text import as_title, readable
from tui.widgets.markdown_view import MarkdownView

if TYPE_CHECKING:
    from tui.screens.program import Program


class QuestionPage(ModalScreen[None]):
    """Nothing is marked and nothing is scheduled by reading."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,space,q", "dismiss(None)", "Close", id="page.close"),
    ]
    app: Program

    def __init__(self, question: Question) -> None:
        super().__init__()
        self._question = question

    def compose(self) -> ComposeResult:
        language = self.app.language
        with VerticalScroll(classes="dialog page"):
            yield MarkdownView(page_markdown(self._question, language), language=language)
            yield Static(self.app.say("screens.help-close"), classes="dialog-hint", markup=False)

    def on_mount(self) -> None:
        self.query_one(VerticalScroll).focus()


def page_markdown(question: Question, language: Language) -> str:
    """All that a question says, its numbers as they are written."""
    parts = [f"## {as_title(question.question.say(language))}"]
    task = task_of(question)
    if task is not None:  # its solution is not to be read before it was tried
        blocks = [f"```python\n{text}\n```" for text in (task.signature, say(task.example, language))]
        example = [words("code.signature-is", language), blocks[0], words("code.example", language), blocks[1]]
        return "\n\n".join([*parts, *example])
    if question.brief is not None:
        parts += [f"### {words('quiz.brief', language)}", readable(question.brief.say(language))]
    parts += [f"### {words('quiz.answer', language)}", readable(question.answer.say(language))]
    points = [f"- {as_title(point.text.say(language))}" for point in question.key_points]
    parts += [f"### {words('quiz.key-points', language)}", "\n".join(points)]
    if question.misconception is not None:
        parts += [f"### {words('quiz.misconception', language)}", readable(question.misconception.text.say(language))]
    if question.sources:
        sources = [
            f"{number}. {as_title(say(each.title, language))}" for number, each in enumerate(question.sources, 1)
        ]
        parts += [f"### {words('quiz.sources', language)}", "\n".join(sources)]
    return "\n\n".join(parts)
