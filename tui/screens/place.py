"""What every place has: a guarded focus, the message line, and a key bar that follows the focus."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar, TypeVar

from textual.binding import Binding, BindingType
from textual.events import ScreenResume
from textual.screen import ModalScreen, Screen
from textual.widget import Widget
from textual.widgets import Input, TextArea

from tui.screens.key_bar import KeyBar, KeyHint
from tui.screens.message_line import MessageLine
from tui.screens.program import Program, Said
from tui.screens.top_bar import TopBar
from tui.widgets.holding import stands
from tui.widgets.speaking import SpeakingWidget

if TYPE_CHECKING:
    from tui.widgets.knob_panel import KnobSays

W = TypeVar("W", bound=Widget)

MOST_OF_THE_FOCUS = 5  # hints of the focused thing, before those of the screen


class Place(Screen[None]):
    """A screen that one goes to by a capital letter, and comes back from by Esc or the same letter."""

    AUTO_FOCUS = ""  # single keys act from the start
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("tab", "app.focus_next", "Next part", id="place.next"),
        Binding("shift+tab", "app.focus_previous", "Part before", id="place.previous"),
        Binding("escape", "back", "Back", id="place.back"),
    ]

    app: Program

    def __init__(self) -> None:
        super().__init__()
        app, size = self.app, self.app.size
        # Textual styles a screen when it is registered. It does so again for one that has not got its count of sheets,
        # or whose sheet is new to it, after parsing all of them anew and styling the place before it with them, and for
        # one that gets its breakpoints' classes later.
        self._css_update_count = app._css_update_count
        app.stylesheet.read_all([path for path in self.css_path if not app.stylesheet.has_source(str(path))])
        wide = self._get_breakpoint_classes(size.width, app.HORIZONTAL_BREAKPOINTS or [])
        self.set_classes(wide | self._get_breakpoint_classes(size.height, app.VERTICAL_BREAKPOINTS or []))

    def on_screen_resume(self, event: ScreenResume) -> None:
        """Textual says twice of a place that opens that it has come back, and would style it twice more."""
        if self.stack_updates < 2:
            event.refresh_styles = False
        else:
            self.show_keys()

    def on_screen_suspend(self) -> None:
        """What opens over the place leaves the bar in sight."""
        self.show_keys()

    def set_focus(self, widget: Widget | None, scroll_visible: bool = True, from_app_focus: bool = False) -> None:
        """The focus goes to what stands: all ways to give it end here."""
        if widget is not None and not stands(widget):
            if self.focused is None or stands(self.focused):
                return
            widget = None
        super().set_focus(widget, scroll_visible, from_app_focus)
        spoken = [line for line in self._own(MessageLine) if line.standing]
        if spoken:  # what a knob is for; away from its panel nothing says it
            from tui.widgets.knob_panel import KnobPanel  # what spoke has imported it

            if self.focused is None or not any(isinstance(above, KnobPanel) for above in self.focused.ancestors):
                for line in spoken:
                    line.standing = None

    def _own(self, kind: type[W]) -> list[W]:
        """The bar or the line of the screen itself: a query looks through all of it, and the focus moves often."""
        return [each for each in self.children if isinstance(each, kind)]

    @property
    def focus_chain(self) -> list[Widget]:
        """Tab stops at no text: only its own key begins the typing, and until then single keys act."""
        return [each for each in super().focus_chain if each is self.focused or not isinstance(each, Input | TextArea)]

    async def action_back(self) -> None:
        await self.app.go_back()

    def on_resize(self) -> None:
        for bar in self.query(TopBar):
            bar.refresh()  # it says where the window is too small, also where its own line stays as wide as it was
        self.call_after_refresh(self.show_keys)  # what lies behind another tab in a narrow window has a key there

    # --- the key bar -------------------------------------------------------------------------------------------

    def show_keys(self) -> None:
        """The keys that act where the focus is, then the screen's own; none of them acts below a dialog."""
        if not self.is_active and isinstance(self.app.screen, ModalScreen):
            hints = [KeyHint("Esc", self.app.say("screens.key-close"), "", "escape")]
        else:
            hints = [*self.focus_hints()[:MOST_OF_THE_FOCUS], *self.screen_hints()]
        for bar in self._own(KeyBar):
            bar.show(hints)
        for line in self._own(MessageLine):
            line.refresh()  # the key that shows all of a message is another where something is typed

    def focus_hints(self) -> list[KeyHint]:
        """What the focused widget, and those around it, say of their keys."""
        hints: list[KeyHint] = []
        node = self.focused
        while node is not None and node is not self:
            if isinstance(node, SpeakingWidget):
                hints += [KeyHint(written, label, action, key) for written, label, action, key in node.bar_keys()]
            node = node.parent if isinstance(node.parent, Widget) else None
        return hints

    def meaning_of(self, key: str) -> str | None:
        """What a small letter does here, for one who meant it and has Caps Lock on; None for nothing."""
        hints = [*self.focus_hints(), *self.screen_hints()]
        return next((hint.label for hint in hints if key in (hint.binds, hint.key)), None)

    def typing_hints(self) -> list[KeyHint]:
        """The last keys of the bar where something is typed, which takes every letter."""
        return [
            KeyHint("F2", self.app.say("screens.key-language"), "app.switch_language", "f2"),
            KeyHint("^Q", self.app.say("screens.key-leave"), "app.quit", "ctrl+q"),
            KeyHint("F1", self.app.say("screens.key-help"), "app.help", "f1"),
        ]

    def last_hints(self) -> list[KeyHint]:
        """The same where a letter is a key: what the bar of every place ends with."""
        return [
            KeyHint("L", self.app.say("screens.key-language"), "app.switch_language"),
            KeyHint("q", self.app.say("screens.key-leave"), "app.quit"),
            KeyHint("?", self.app.say("screens.key-help"), "app.help", "question_mark"),
        ]

    def screen_hints(self) -> Sequence[KeyHint]:
        raise NotImplementedError

    def on_descendant_focus(self) -> None:
        self.focus_moved()

    def on_descendant_blur(self) -> None:
        self.focus_moved()

    def refresh_bindings(self) -> None:
        """Textual calls this whenever keys may act otherwise: the bar says what they do now."""
        super().refresh_bindings()
        if self.is_mounted and self.is_current:
            self.show_keys()

    def focus_moved(self) -> None:
        self.show_keys()

    def on_knob_says(self, event: KnobSays) -> None:
        """What the focused knob is for, or takes, on the message line: below the knob it would move the picture."""
        event.stop()
        severity = "error" if event.wrong else "standing"
        self.query_one(MessageLine).standing = Said(event.text, severity) if event.text else None
