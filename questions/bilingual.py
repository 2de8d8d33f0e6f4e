"""A text in the two languages of the bank."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Language = Literal["zh", "en"]
LANGUAGES: tuple[Language, ...] = ("zh", "en")


@dataclass(frozen=True, slots=True)
class Bilingual:
    """One text in Chinese and in English.

    Shipped questions have both. A user's own file may give one only; ``say`` then gives that one,
    and ``missing`` tells the screen to mark it.
    """

    zh: str | None
    en: str | None

    def say(self, language: Language) -> str:
        """The text in ``language``, or in the other one where it has not been written."""
        wanted, other = (self.zh, self.en) if language == "zh" else (self.en, self.zh)
        return wanted if wanted is not None else (other or "")

    def missing(self, language: Language) -> bool:
        """Whether ``say(language)`` has to fall back to the other language."""
        return (self.zh if language == "zh" else self.en) is None


def say(text: Bilingual | str, language: Language) -> str:
    """``text`` in ``language``; a plain string (a token, a symbol) reads the same in both."""
    return text if isinstance(text, str) else text.say(language)
