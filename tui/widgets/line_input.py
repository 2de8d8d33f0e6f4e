"""A field of one line that keeps all of what is pasted: Textual's own keeps the first line only."""

from __future__ import annotations

from textual import events
from textual.widgets import Input

from tui.language.harmless import in_a_line


class LineInput(Input):
    """Pasted lines are joined by blanks, and a tab is one; control characters are written out."""

    def validate_value(self, value: str) -> str:
        return in_a_line(value)

    def _on_paste(self, event: events.Paste) -> None:
        event.prevent_default()  # Textual calls the handlers of the parent classes too
        event.stop()
        line = " ".join(part.strip() for part in event.text.expandtabs(1).splitlines() if part.strip())
        if line:
            selection = self.selection
            if selection.is_empty:
                self.insert_text_at_cursor(line)
            else:
                self.replace(line, *selection)
