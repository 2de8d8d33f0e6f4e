"""Help: what the focused thing is and does, and the keys of the screen."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from rich.cells import cell_len
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.screen import ModalScreen, Screen
from textual.widget import Widget
from textual.widgets import Static

from questions.bilingual import Language
from tui.language.words import words
from tui.screens.key_bar import KeyHint
from tui.screens.message_line import MessageLine
from tui.screens.passage import Passage
from tui.text.layout import pad


class HelpScreen(ModalScreen[None]):
    """Opened over ``screen``, about ``focused``: a screen says its keys by ``all_keys``, a widget by ``help_keys``."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,question_mark,f1,enter", "dismiss(None)", "Close", id="help.close")
    ]

    def __init__(self, screen: Screen[object], focused: Widget | None) -> None:
        super().__init__()
        self._about, self._focused = screen, focused

    def compose(self) -> ComposeResult:
        language: Language = getattr(self.app, "language", "en")
        with VerticalScroll(classes="dialog"):
            for line in self._about.query(MessageLine):
                if line.message is not None:  # the line may have cut it
                    yield (message := Passage(classes="dialog-message"))
                    message.show(line.message.text)
            focused = focused_keys(self._focused, language)
            if focused:
                yield Static(words("screens.help-focus", language), classes="dialog-title", markup=False)
                yield Static(key_table(focused, language), markup=False)
            keys: list[KeyHint] = getattr(self._about, "all_keys", list)()
            yield Static(words("screens.help-title", language), classes="dialog-title", markup=False)
            yield Static(key_table(keys, language), markup=False)
            yield Static(words("screens.help-typing", language), classes="dialog-hint", markup=False)
            yield Static(words("screens.help-close", language), classes="dialog-hint", markup=False)


def focused_keys(widget: Widget | None, language: Language) -> list[KeyHint]:
    """The keys of the focused widget, or of the nearest widget round it that can tell them."""
    while widget is not None and not isinstance(widget, Screen):
        tell = getattr(widget, "help_keys", None)
        if tell is not None:
            return [KeyHint(key, label, "") for key, label in tell(language)]
        parent = widget.parent
        widget = parent if isinstance(parent, Widget) else None
    return []


def key_table(hints: Sequence[KeyHint], language: Language) -> str:
    """A line for each key, what it does in one column."""
    space = words("screens.space", language)
    keys = [hint.key.replace("space", space) for hint in hints]
    width = max(map(cell_len, keys), default=0)
    return "\n".join(f"{pad(key, width)}  {hint.label}" for key, hint in zip(keys, hints, strict=True))
