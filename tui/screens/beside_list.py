"""A place with a list, and beside it the panel of what was opened from it: the lab, and look."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.events import ScreenResume
from textual.widgets import Input, Static

from tui.screens.key_bar import KeyBar, KeyHint
from tui.screens.listing import Listing
from tui.screens.live_panel import LivePanel
from tui.screens.message_line import MessageLine
from tui.screens.place import Place
from tui.screens.top_bar import TopBar
from tui.widgets.holding import give_focus
from tui.widgets.line_input import LineInput

if TYPE_CHECKING:
    from tui.experiments.contract import Experiment


class BesideList(Place):
    """On a narrow terminal one of the two is seen: the panel where the screen has the class ``opened``.

    A subclass binds the keys, and says what is in the list, what is open, and what it is called.
    """

    CSS_PATH = "beside_list.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [Binding("slash", "filter", "Filter", id="list.filter")]

    def compose(self) -> ComposeResult:
        yield TopBar()
        with Horizontal(id="sides"):
            with Vertical(id="list-side"):
                yield LineInput(id="filter")
                yield Static("", id="none-found", markup=False)
                yield Listing(id="list")
            yield LivePanel()
        yield MessageLine()
        yield KeyBar()

    # --- what a subclass says ----------------------------------------------------------------------------------

    @property
    def is_open(self) -> bool:
        """Whether the panel shows anything."""
        raise NotImplementedError

    def name_and_title(self) -> tuple[str, str]:
        """The place, and what is open in it or "", for the top line."""
        raise NotImplementedError

    def entries(self) -> tuple[list[tuple[str, str, str]], str | None]:
        """The list as ``Listing.show`` takes it: id, title and note of each, and which of them is chosen."""
        raise NotImplementedError

    def own_hints(self) -> list[KeyHint]:
        """The keys that act on what is open."""
        raise NotImplementedError

    # --- what is shown -----------------------------------------------------------------------------------------

    def show_again(self) -> None:
        """The words, in the present language."""
        self.show_list()
        self.query_one(LivePanel).language = self.app.language
        self.show_top()
        self.show_keys()

    def show_list(self) -> None:
        """What is in the list, or what of it has every word of the filter in its id, title or note."""
        say, field = self.app.say, self.query_one("#filter", LineInput)
        entries, chosen = self.entries()
        words = field.value.casefold().split()
        found = [entry for entry in entries if all(word in " ".join(entry).casefold() for word in words)]
        listing, none = self.query_one(Listing), self.query_one("#none-found", Static)
        listing.show(found, chosen)
        field.placeholder = say("screens.filter-here")
        none.update(say("screens.none-listed"))
        listing.display, none.display = bool(found), not found

    def show_top(self) -> None:
        say = self.app.say
        top, live = self.query_one(TopBar), self.query_one(LivePanel)
        top.left = " · ".join(part for part in self.name_and_title() if part)
        top.right = " · ".join(part for part in (live.status, say("screens.this-language")) if part)
        live.lead = "" if self.has_class("whole") else say("screens.list-tab")

    def screen_hints(self) -> list[KeyHint]:
        say = self.app.say
        last = self.last_hints()
        if self.query_one("#filter").has_focus:
            return [KeyHint("Enter", say("screens.key-to-list"), "", "enter"), *self.typing_hints()]
        if self.app.is_typing:
            typing = KeyHint("Enter", say("screens.key-take-text"), "close", "enter")
            return [*([] if self.focus_hints() else [typing]), *self.typing_hints()]
        back = KeyHint("Esc", say("screens.key-back"), "screen.back", "escape")
        if not self.is_open or self.query_one(Listing).has_focus:
            found = KeyHint("/", say("screens.key-filter"), "screen.filter", "slash")
            return [KeyHint("Enter", say("screens.key-open"), "select", "enter"), found, back, *last]
        held = {hint.binds or hint.key for hint in self.focus_hints()}
        return [*self.own_hints(), *([] if "escape" in held else [back]), *last]

    def show_panel(self, experiment: Experiment, settings: Mapping[str, object]) -> None:
        """Open ``experiment`` in the panel, bring it to the front, and give its picture the keyboard."""
        self.add_class("opened")
        self.set_focus(None)
        panel = self.query_one(LivePanel)
        panel.visible = True
        panel.show(experiment, settings)
        panel.knobs_to_top()
        panel.focus_figure()

    # --- going about -------------------------------------------------------------------------------------------

    async def action_back(self) -> None:
        """From the picture alone to all, from what is open to the list, from a part of the list to all of it, and from
        there to where one came from."""
        in_list = self.query_one("#filter").has_focus or self.query_one(Listing).has_focus
        if self.has_class("filtering") and in_list:
            self._end_filter()
        elif self.has_class("whole"):
            self.action_whole()
        elif self.has_class("opened") and not self.query_one(Listing).has_focus:
            self.to_list()
        else:
            await super().action_back()

    def action_filter(self) -> None:
        """A field above the list: what is typed leaves of it what has these words."""
        self.to_list()
        self.add_class("filtering")
        field = self.query_one("#filter")
        field.display = True  # at once: what is typed in the same burst belongs into it
        if not give_focus(self, field):
            self.call_after_refresh(give_focus, self, field)

    def _end_filter(self) -> None:
        self.remove_class("filtering")
        field = self.query_one("#filter", LineInput)
        field.value, field.display = "", False
        self.show_list()
        self.to_list()

    @on(Input.Changed, "#filter")
    def filter_changed(self) -> None:
        self.show_list()

    @on(Input.Submitted, "#filter")
    def filter_taken(self) -> None:
        if not give_focus(self, self.query_one(Listing)):
            self._end_filter()
        self.show_keys()

    def to_list(self) -> None:
        self.remove_class("opened", "whole")
        give_focus(self, self.query_one(Listing))
        self.show_top()

    def action_other_side(self) -> None:
        if self.is_open and self.query_one(Listing).has_focus:
            self.add_class("opened")
            self.query_one(LivePanel).focus_figure()
            self.show_top()
        else:
            self.to_list()

    @on(LivePanel.AnswerWanted)
    def list_wanted(self) -> None:
        self.to_list()

    def action_figure(self, step: int) -> None:
        self.query_one(LivePanel).next_figure(step)

    def action_whole(self) -> None:
        """The picture alone, or all that was beside it."""
        if self.is_open:
            self.add_class("opened")
            self.toggle_class("whole")
            self.show_top()
            self.call_after_refresh(self.query_one(LivePanel).focus_figure)

    def action_sentence(self) -> None:
        if self.is_open:
            self.add_class("opened")
            self.remove_class("whole")
            self.call_after_refresh(self._open_sentence)

    def _open_sentence(self) -> None:
        if not self.query_one(LivePanel).focus_sentence():
            self.app.notify(self.app.say("screens.no-sentence"))

    def action_again(self) -> None:
        self.query_one(LivePanel).action_again()

    def action_defaults(self) -> None:
        self.query_one(LivePanel).action_defaults()

    def action_save(self) -> None:
        self.query_one(LivePanel).save()

    @property
    def can_save(self) -> bool:
        return self.is_mounted and self.is_open and self.query_one(LivePanel).can_save

    @on(ScreenResume)
    def back_again(self) -> None:
        self.resume()

    def resume(self) -> None:
        """Run again what another screen took the compute thread from."""
        self.query_one(LivePanel).resume()

    @on(LivePanel.Ran)
    def ran(self) -> None:
        self.show_top()
        self.show_keys()

    @on(LivePanel.Told)
    def told(self) -> None:
        self.show_top()
