"""Where an answer, or code, is typed: a text area with the few keys that act in it; nothing counts as markup."""

from __future__ import annotations

from typing import ClassVar

from textual import events
from textual.binding import Binding, BindingType
from textual.message import Message
from textual.widgets import TextArea
from textual.widgets.text_area import Selection

from tui.language.harmless import harmless
from tui.practice.written import BODY

INDENT = " " * 4  # of code
MAX_LENGTH, MAX_CODE = 20_000, 200_000  # characters; what is pasted beyond is cut, and said


class AnswerBox(TextArea):
    """Not focused until the person asks for it, so that single keys act from the start."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+s", "submit", "Submit", id="answer.submit", tooltip="交卷 · submit"),
        Binding("escape", "leave_field", "Leave the field", id="answer.leave", tooltip="退出输入 · leave the field"),
        Binding("ctrl+home", "to_the_start", "To the start", id="answer.start", tooltip="到开头 · to the start"),
        Binding("ctrl+end", "to_the_end", "To the end", id="answer.end", tooltip="到结尾 · to the end"),
        Binding("ctrl+shift+home", "to_the_start(True)", "Select to the start", id="answer.select-start"),
        Binding("ctrl+shift+end", "to_the_end(True)", "Select to the end", id="answer.select-end"),
    ]

    class Submitted(Message):
        """The person is done."""

    class TooLong(Message):
        """What was typed or pasted was cut at ``MAX_LENGTH``."""

    def __init__(self, **kwargs: str | None) -> None:
        super().__init__(soft_wrap=True, tab_behavior="focus", highlight_cursor_line=False, **kwargs)  # type: ignore[arg-type]
        self.code = False

    def for_code(self, code: bool = True) -> None:
        """Let Tab indent, and Enter go on at the indent of the line, one deeper after a colon; or let them not."""
        self.code, self.soft_wrap, self.show_line_numbers = code, not code, code
        self.tab_behavior = "indent" if code else "focus"

    @property
    def limit(self) -> int:
        """How many characters it takes."""
        return MAX_CODE if self.code else MAX_LENGTH

    async def _on_key(self, event: events.Key) -> None:
        if self.code and event.key == "enter":
            event.prevent_default().stop()
            row, column = self.cursor_location
            before = self.document.get_line(row)[:column]
            indent = before[: len(before) - len(before.lstrip(" "))]
            self.insert("\n" + indent + (INDENT if before.rstrip().endswith(":") else ""))
        elif self.code and event.key == "escape":
            event.prevent_default()  # Textual's would only give the focus to what comes next; ours leaves the field

    def load_text(self, text: str) -> None:
        super().load_text(harmless(text))

    def to_where_one_goes_on(self) -> None:
        """The cursor to the end of an answer, of code to where it was; what is typed first replaces an empty body."""
        lines = self.text.split("\n")
        if not self.code:
            self.move_cursor(self.document.end)
        elif BODY in lines and self.cursor_location == (0, 0):
            row = lines.index(BODY)
            self.selection = Selection((row, len(INDENT)), (row, len(BODY)))

    def action_submit(self) -> None:
        self.post_message(self.Submitted())

    def action_to_the_start(self, select: bool = False) -> None:
        self.move_cursor((0, 0), select=select)

    def action_to_the_end(self, select: bool = False) -> None:
        self.move_cursor(self.document.end, select=select)

    def action_leave_field(self) -> None:
        self.screen.set_focus(None)

    def on_text_area_changed(self) -> None:
        if len(self.text) > self.limit:
            self.load_text(self.text[: self.limit])
            self.post_message(self.TooLong())
