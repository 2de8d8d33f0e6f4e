"""Wrong usage: what a person typed that the program cannot take, with the nearest thing that it can."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from questions.errors import nearest
from tui.language.words import words


class UsageError(Exception):
    """``code`` names its words in ``tui.language.messages.errors``; ``fields`` fill them."""

    def __init__(self, code: str, **fields: Any) -> None:
        self.code = code
        self.fields = fields
        super().__init__(words(f"errors.{code}", "en", **fields))


def unknown(code: str, given: str, known: Iterable[str], **fields: Any) -> UsageError:
    """A name that there is not, with the one most like it."""
    names = list(known)
    return UsageError(code, given=given, known=names, nearest=nearest(given, names), **fields)
