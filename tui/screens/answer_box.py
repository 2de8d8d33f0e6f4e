"""Where an answer is typed: a text area with the few keys that act in it, and nothing that scores as markup."""

from __future__ import annotations

from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.message import Message
from textual.widgets import TextArea

from tui.language.harmless import harmless

MAX_LENGTH = 20_000  # characters; what is pasted beyond is cut, and said


class AnswerBox(TextArea):
    """Not focused until the person asks for it, so that single keys act from the start."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+s", "submit", "Submit", id="answer.submit", tooltip="交卷 · submit"),
        Binding("escape", "leave_field", "Leave the field", id="answer.leave", tooltip="退出输入 · leave the field"),
    ]

    class Submitted(Message):
        """The person is done."""

    class TooLong(Message):
        """What was typed or pasted was cut at ``MAX_LENGTH``."""

    def __init__(self, **kwargs: str | None) -> None:
        super().__init__(soft_wrap=True, tab_behavior="focus", highlight_cursor_line=False, **kwargs)  # type: ignore[arg-type]

    def load_text(self, text: str) -> None:
        super().load_text(harmless(text))

    def action_submit(self) -> None:
        self.post_message(self.Submitted())

    def action_leave_field(self) -> None:
        self.screen.set_focus(None)

    def on_text_area_changed(self) -> None:
        if len(self.text) > MAX_LENGTH:
            self.load_text(self.text[:MAX_LENGTH])
            self.post_message(self.TooLong())
