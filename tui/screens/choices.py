"""The predict item: what will the experiment show? Chosen before the reveal, run after it."""

from __future__ import annotations

from textual.app import ComposeResult
from textual.message import Message
from textual.widget import Widget

from questions.bilingual import Language
from tui.language.words import words
from tui.practice.session import Attempt
from tui.screens.passage import Passage


class Choices(Widget):
    """The item's question and its choices a to d; the chosen one is marked."""

    DEFAULT_CSS = """
    Choices { height: auto; margin-bottom: 1; }
    Choices .choice { height: auto; padding: 0 1; }
    Choices .choice:hover { background: $boost; }
    """

    class Chosen(Message):
        """A choice was clicked."""

        def __init__(self, letter: str) -> None:
            super().__init__()
            self.letter = letter

    def compose(self) -> ComposeResult:
        yield Passage(id="predict-title")
        yield Passage(id="predict-question")
        for letter in "abcd":
            yield Passage(id=f"choice-{letter}", classes="choice")

    def show(self, attempt: Attempt, language: Language) -> None:
        predict = attempt.question.predict
        self.display = predict is not None and not attempt.revealed
        if predict is None:
            return
        title = words("screens.your-prediction", language)
        self.query_one("#predict-title", Passage).show(title, style="bold $text-accent")
        self.query_one("#predict-question", Passage).show_markdown(predict.question.say(language))
        for letter in "abcd":
            line = self.query_one(f"#choice-{letter}", Passage)
            line.display = letter in predict.choices
            if letter in predict.choices:
                chosen = attempt.choice == letter
                mark = "▸" if chosen else " "
                text = predict.choices[letter].say(language)
                line.show_markdown(text, mark=f"{mark} {letter}  ", style="bold reverse" if chosen else "")

    def on_click(self, event: object) -> None:
        widget = getattr(event, "widget", None)
        while widget is not None and widget is not self:
            if widget.id and widget.id.startswith("choice-"):
                self.post_message(self.Chosen(widget.id.removeprefix("choice-")))
                return
            widget = widget.parent
