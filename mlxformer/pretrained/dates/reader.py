"""The shipped date models as they are used: ``dates("23 November 2026") == "2026-11-23"``."""

from __future__ import annotations

from typing import Any, overload

from mlxformer.backend import mx, to_numpy
from mlxformer.pretrained.cards import Card
from mlxformer.pretrained.dates.tokenizer import DateTokenizer

ISO_LENGTH = len("2026-11-23")


class DateReader:
    """A date model with its tokenizer and card. Calling it reads one text, or several at once."""

    def __init__(self, model: Any, tokenizer: DateTokenizer, card: Card) -> None:
        self.model, self.tokenizer, self.card = model, tokenizer, card

    @overload
    def __call__(self, text: str) -> str: ...
    @overload
    def __call__(self, text: list[str]) -> list[str]: ...
    def __call__(self, text: str | list[str]) -> str | list[str]:
        """The date in ``text`` as the model writes it, by greedy search; normally ISO 8601.

        What is no date gives something all the same: the card says what. Raises ``ArgumentError`` for an empty text
        and for one longer than any date.
        """
        texts = [text] if isinstance(text, str) else text
        if not texts:
            return []
        source_ids = mx.array(self.tokenizer.pad([self.tokenizer.source(each) for each in texts]))
        ids = to_numpy(self.model.generate(source_ids, max_length=ISO_LENGTH + 2))
        found = [self.tokenizer.decode(row) for row in ids]
        return found[0] if isinstance(text, str) else found
