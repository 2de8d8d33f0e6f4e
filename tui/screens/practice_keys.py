"""The keys of Practice in words: on the bar, in help, and what a small letter would have done."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from tui.practice.session import Practice
from tui.screens.answer_box import AnswerBox
from tui.screens.key_bar import KeyHint
from tui.screens.place import Place

if TYPE_CHECKING:
    from tui.screens.live_panel import LivePanel


class PracticeKeys(Place):
    """The part of Practice that says its keys."""

    practice: Practice
    live: LivePanel | None = None  # the experiment beside the answer, once it is there

    def screen_hints(self) -> list[KeyHint]:
        """What the bar says, the most needed first; help, which has all, at the end."""
        say, attempt = self.app.say, self.practice.attempt
        undo = KeyHint("u", say("screens.key-undo"), "screen.undo")
        if self.app.is_typing:
            return self._typing()
        if attempt is None:
            browse = KeyHint("B", say("screens.key-browse"), "app.go('browse')")
            lab = KeyHint("E", say("screens.key-lab"), "app.go('lab')")
            return [browse, lab, undo, *self.last_hints()]
        if attempt.revealed:
            return [*self._hints_revealed(), undo, *self.last_hints()]
        typing = "key-write" if attempt.question.kind == "code" else "key-type"
        shown = [KeyHint("i", say(f"screens.{typing}"), "screen.type_or_write")]
        if attempt.question.predict is not None:
            letters = list(attempt.question.predict.choices)
            action = f"screen.choose('{letters[0]}')"
            shown.append(KeyHint(f"{letters[0]}-{letters[-1]}", say("screens.key-predict"), action, letters[0]))
        shown.append(KeyHint("␣", say("screens.key-reveal"), "screen.reveal", "space"))
        shown.append(KeyHint("n", say("screens.key-skip"), "screen.skip"))
        shown.append(KeyHint("z", say("screens.key-bury"), "screen.bury"))
        return [*shown, undo, *self.last_hints()]

    def _typing(self) -> list[KeyHint]:
        say, last = self.app.say, self.typing_hints()
        if isinstance(self.focused, AnswerBox):
            submit = KeyHint("^S", say("screens.key-submit"), "submit", "ctrl+s")
            return [submit, KeyHint("Esc", say("screens.key-leave-field"), "leave_field", "escape"), *last]
        if self.focus_hints():  # a number is being typed into a knob: it says its keys itself
            return last
        return [KeyHint("Enter", say("screens.key-take-text"), "close", "enter"), *last]

    def _hints_revealed(self) -> list[KeyHint]:
        say, attempt = self.app.say, self.practice.attempt
        shown = []
        if self.live is not None and self.live.experiment is not None:
            if self.has_class("-narrow"):
                there = "answer-tab" if self.has_class("experiment-side") else "experiment-tab"
                shown.append(KeyHint("x", say(f"screens.{there}").lower(), "screen.other_side"))
            else:
                shown.append(KeyHint("Tab", say("screens.key-next-part"), "screen.next_part", "tab"))
            shown.append(KeyHint("o", say("screens.key-whole"), "screen.whole"))
            shown.append(KeyHint(".", say("screens.key-figure"), "screen.figure(1)", "full_stop"))
            shown.append(KeyHint("c", say("screens.key-checks"), "screen.c"))
        assert attempt is not None
        if attempt.question.key_points:
            shown.append(KeyHint("t", say("screens.key-tick"), "screen.tick"))
        return shown

    def all_keys(self) -> Sequence[KeyHint]:
        """Every key of the screen, for help."""
        names = {
            "i / Enter": "key-type", "space": "key-reveal", "a – d": "key-predict", "1 – 4": "key-rate",
            "u / Ctrl+Z": "undo-command", "n": "skip-command", "z": "bury-command", "Z": "suspend-command",
            "f": "flag-command", "Ctrl+E": "edit-command",
            "t": "tick-command", "Tab": "key-next-part", "x / F8": "key-side",
            "o": "whole-command",
            ", .": "key-figure", "c": "checks-command", "e": "sentence-command", "T": "key-preset", "D": "key-defaults",
            "r": "key-again", "P / F5": "go-practice", "I / F3": "go-interview",
            "G / F4": "go-progress", "E / F6": "go-own-experiment", "B / F7": "go-browse",
            "Esc": "key-come-back",
            "O / F9": "go-look",
            "H / F12": "go-by-hand", "L / F2": "switch-language", "Ctrl+P": "palette-command", "? / F1": "help",
            "q / Ctrl+Q": "leave",
        }  # fmt: skip
        return [KeyHint(key, self.app.say(f"screens.{name}"), "") for key, name in names.items()]

    def meaning_of(self, key: str) -> str | None:
        """What a small letter does at this moment, for one who meant it and has Caps Lock on; None where nothing."""
        attempt = self.practice.attempt
        if attempt is None:
            return None
        if key == "i" and not attempt.revealed:
            return self.app.say("screens.key-type")
        predict = attempt.question.predict
        if key == "b" and not attempt.revealed and predict is not None and "b" in predict.choices:
            return self.app.say("screens.key-predict")
        if key == "e" and attempt.revealed:
            return self.app.say("screens.sentence-command")
        return super().meaning_of(key)
