"""The shipped date models as they are used: ``dates("23 November 2026") == "2026-11-23"``."""

from __future__ import annotations

from typing import overload

from mlxformer.backend import mx, to_numpy
from mlxformer.models.transformer import Transformer
from mlxformer.pretrained.cards import Card
from mlxformer.pretrained.dates.tokenizer import DateTokenizer

ISO_LENGTH = len("2026-11-23")


class DateReader:
    """A date model with its tokenizer and card. Calling it reads one text, or several at once.

    Args:
        model: the ``Transformer``.
        tokenizer: its characters.
        card: what it is.

    >>> import mlxformer as mf
    >>> mf.load_pretrained("dates")(["Nov 23, 2026", "二〇二六年十一月二十三日"])
    ['2026-11-23', '2026-11-23']
    """

    def __init__(self, model: Transformer, tokenizer: DateTokenizer, card: Card) -> None:
        self.model, self.tokenizer, self.card = model, tokenizer, card

    def __repr__(self) -> str:
        return f"DateReader({self.card!r})"

    @overload
    def __call__(self, text: str) -> str: ...
    @overload
    def __call__(self, text: list[str]) -> list[str]: ...
    def __call__(self, text: str | list[str]) -> str | list[str]:
        """The date as the model writes it, by greedy search; normally ISO 8601.

        What is no date gives something all the same: the card says what.

        Args:
            text: one text, or a list of them.

        Returns:
            A string for each.

        Raises:
            ArgumentError: an empty text, or one longer than any date.
        """
        texts = [text] if isinstance(text, str) else text
        if not texts:
            return []
        source_ids = mx.array(self.tokenizer.pad([self.tokenizer.source(each) for each in texts]))
        ids = to_numpy(self.model.generate(source_ids, max_length=ISO_LENGTH + 2))
        found = [self.tokenizer.decode(row) for row in ids]
        return found[0] if isinstance(text, str) else found
