"""The keys of the interview in words: on the bar and in help."""

from __future__ import annotations

from collections.abc import Sequence

from tui.screens.answer_box import AnswerBox
from tui.screens.key_bar import KeyHint
from tui.screens.place import Place


class InterviewKeys(Place):
    """The part of the interview that says its keys."""

    @property
    def stage(self) -> str:
        raise NotImplementedError

    @property
    def _writes_code(self) -> bool:
        raise NotImplementedError

    @property
    def _can_be_wrong(self) -> bool:
        """Whether a misconception in circulation stands below the marks."""
        raise NotImplementedError

    def screen_hints(self) -> list[KeyHint]:
        say = self.app.say
        if self.app.is_typing:
            return self._typing()
        last = [
            KeyHint("Esc", say("screens.key-back"), "screen.back", "escape"),
            *self.last_hints(),
        ]
        ending = KeyHint("X", say("interview.key-end"), "screen.end")
        if self.stage == "wishing":
            return [KeyHint("i", say("interview.key-begin"), "screen.begin_or_type"), *last]
        if self.stage == "asked":
            code = [
                KeyHint("e", say("code.edit"), "screen.edit"),
                KeyHint("f", say("code.next-framework"), "screen.framework"),
            ]
            return [
                KeyHint("i", say("screens.key-type"), "screen.begin_or_type"),
                *(code if self._writes_code else []),
                KeyHint("s", say("interview.key-spoken"), "screen.spoken"),
                KeyHint("␣", say("interview.key-give"), "screen.reveal", "space"),
                ending,
                *last,
            ]
        if self.stage == "revealed":
            shown = [KeyHint("n", say("interview.key-go-on"), "screen.go_on")]
            marks = self.focused is not None and type(self.focused).__name__ == "MarkList"
            if marks:
                shown.append(KeyHint("␣", say("interview.key-mark"), "turn", "space"))
            if self._can_be_wrong:
                shown.append(KeyHint("M", say("interview.key-misconception"), "screen.misconception"))
            if self.has_class("pictured"):
                shown.append(KeyHint("x", say("screens.key-side"), "screen.other_side"))
            return [*shown, ending, *last]
        return [
            KeyHint("w", say("interview.key-save"), "screen.save"),
            KeyHint("W", say("interview.key-save-page"), "screen.save_page"),
            KeyHint("N", say("interview.key-another"), "screen.another"),
            *last,
        ]

    def _typing(self) -> list[KeyHint]:
        say, last = self.app.say, self.typing_hints()
        if isinstance(self.focused, AnswerBox):
            submit = KeyHint("^S", say("screens.key-submit"), "submit", "ctrl+s")
            return [submit, KeyHint("Esc", say("screens.key-leave-field"), "leave_field", "escape"), *last]
        return last

    def all_keys(self) -> Sequence[KeyHint]:
        """Every key of this screen, for help."""
        say = self.app.say
        own = {
            "i / Enter": "key-begin-or-answer", "s": "key-spoken-help", "space": "key-space-help",
            "M": "key-misconception", "n": "key-go-on", "X": "key-end", "N": "key-another", "w": "key-save-help",
            "W": "key-save-page", "e": "key-edit", "f": "key-framework",
        }  # fmt: skip
        names = {
            "x / F8": "key-side", ", .": "key-figure", "c": "checks-command", "r": "key-again",
            "Esc": "key-come-back", "P / F5": "go-practice",
            "E / F6": "go-lab", "B / F7": "go-browse", "G / F4": "go-progress",
            "O / F9": "go-look", "H / F12": "go-by-hand", "L / F2": "switch-language",
            "Ctrl+P": "palette-command", "? / F1": "help", "q / Ctrl+Q": "leave",
        }  # fmt: skip
        hints = [KeyHint(key, say(f"interview.{name}"), "") for key, name in own.items()]
        return [*hints, *(KeyHint(key, say(f"screens.{name}"), "") for key, name in names.items())]

    def meaning_of(self, key: str) -> str | None:
        """The small ``i`` types here, where Caps Lock sends ``I``, which goes back."""
        if key == "i" and self.stage == "asked":
            return self.app.say("screens.key-type")
        return super().meaning_of(key)
