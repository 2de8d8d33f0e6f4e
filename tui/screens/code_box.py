"""Where code is typed beside its task."""

from __future__ import annotations

from textual.message import Message

from tui.screens.answer_box import AnswerBox


class CodeBox(AnswerBox):
    """Who leaves it is told: it is there only while one writes."""

    class Left(Message):
        """The person leaves the field."""

    def __init__(self, *, id: str) -> None:
        super().__init__(id=id)
        self.for_code()

    def action_leave_field(self) -> None:
        self.post_message(self.Left())
