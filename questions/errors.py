"""The errors that the bank raises and the problems that it finds, each with a ``code`` and ``fields``.

The message is English and whole: what was found, where, and the cure. A program that speaks another language builds
its own message from ``code`` and ``fields``.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

# What a terminal would obey or a reader would not see: control codes, directions, line and paragraph separators.
UNSHOWN = re.compile(
    "[\x00-\x1f\x7f-\x9f\xad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\ud800-\udfff"
    "\U000e0000-\U000e007f]"
)
MOST_NAMES = 20  # that a message lists
LONGEST_KEY, LONGEST_MESSAGE = 200, 1000
LONGEST_QUOTE = 60  # of what was written in the file, in a message; a longer one is cut


class QuestionError(Exception):
    """The base of all errors raised on purpose. ``code`` is stable; ``fields`` are the values in the message."""

    def __init__(self, code: str, message: str, **fields: Any) -> None:
        super().__init__(message)
        self.code = code
        self.fields = {name: _shown(value) for name, value in fields.items()}


class UnknownQuestionError(QuestionError, KeyError):
    """There is no question of that id."""

    def __str__(self) -> str:  # KeyError's own puts the message in quotes
        return str(self.args[0])


class NumberError(QuestionError, ValueError):
    """What stands where a number should is not one."""


@dataclass(frozen=True)
class Problem:
    """What is wrong at one place of one file. ``line`` and ``column`` count from 1; 0 means the file as a whole.

    Its texts can be written to a terminal: what a stranger's file holds of control characters is spelled out in them.
    """

    file: str
    line: int
    column: int
    key: str  # where in the item, as ``sqrt-dk: key_points[2].match``; empty for the file as a whole
    code: str
    message: str
    fields: dict[str, Any] = field(default_factory=dict, compare=False)

    def __post_init__(self) -> None:
        for name in ("file", "key", "message", "fields"):
            object.__setattr__(self, name, _shown(getattr(self, name)))
        for name, longest in (("key", LONGEST_KEY), ("message", LONGEST_MESSAGE)):
            text = getattr(self, name)
            if len(text) > longest:
                object.__setattr__(self, name, text[: longest - 1] + "…")

    def __str__(self) -> str:
        place = f"{self.file}:{self.line}:{self.column}" if self.line else self.file
        return f"{place}: {self.key}: {self.message}" if self.key else f"{place}: {self.message}"


def shown(text: str) -> str:
    """``text`` with what is not to be seen spelled out: an escape is ``\\u001b``."""
    return UNSHOWN.sub(lambda match: f"\\u{ord(match[0]):04x}", text)


def _shown(value: Any) -> Any:
    if isinstance(value, str):
        return shown(value)
    if isinstance(value, dict):
        return {name: _shown(each) for name, each in value.items()}
    return [_shown(each) for each in value] if isinstance(value, list) else value


def quoted(text: str) -> str:
    """``text`` as a message shows it: quoted, on one line, and cut where it is long."""
    return repr(text if len(text) <= LONGEST_QUOTE else text[: LONGEST_QUOTE - 1] + "…")


def nearest(name: str, known: Iterable[str]) -> str | None:
    """The known name most like ``name``, or None where none is like it."""
    if len(name) > LONGEST_QUOTE:  # difflib's time grows with the product of the lengths
        return None
    import difflib  # nothing that goes well needs it

    names = list(known)
    folded = {known_name.casefold(): known_name for known_name in names}
    near = difflib.get_close_matches(name.casefold(), folded, 1)
    return folded[near[0]] if near else None


def hint(name: str, known: Iterable[str]) -> str:
    """``; did you mean 'x'?`` where a known name is near, and the names there are, or the first of many."""
    names = list(known)
    near = nearest(name, names)
    listed = ", ".join(names[:MOST_NAMES]) + (", …" if len(names) > MOST_NAMES else "")
    return (f"; did you mean {near!r}?" if near else ";") + f" there is: {listed or 'none'}"
