"""The shipped models that reverse strings as they are used: ``reverse("transformer") == "remrofsnart"``."""

from __future__ import annotations

from typing import overload

from mlxformer.backend import mx, to_numpy
from mlxformer.models.seq2seq import Seq2Seq
from mlxformer.models.transformer import Transformer
from mlxformer.pretrained.cards import Card
from mlxformer.pretrained.reverse.strings import StringTokenizer


class StringReverser:
    """A model with its tokenizer and card. Calling it reverses one string, or several at once.

    Args:
        model: a ``Seq2Seq`` or a ``Transformer``.
        tokenizer: its letters.
        card: what it is.
        source_length: tokens to which its sources are padded in front, as in training; 0 where they need no padding.

    >>> import mlxformer as mf
    >>> mf.load_pretrained("reverse-gru-attention")("transformer")
    'remrofsnart'
    """

    def __init__(
        self, model: Seq2Seq | Transformer, tokenizer: StringTokenizer, card: Card, source_length: int = 0
    ) -> None:
        self.model, self.tokenizer, self.card, self.source_length = model, tokenizer, card, source_length

    def __repr__(self) -> str:
        return f"StringReverser({self.card!r})"

    @overload
    def __call__(self, text: str) -> str: ...
    @overload
    def __call__(self, text: list[str]) -> list[str]: ...
    def __call__(self, text: str | list[str]) -> str | list[str]:
        """A string backwards as the model writes it, by greedy search: small letters, at most one more than it has.

        Args:
            text: one string, or a list of them.

        Returns:
            A string for each.

        Raises:
            ArgumentError: other characters than letters, an empty text, or one of more than 40.
        """
        texts = [text] if isinstance(text, str) else text
        if not texts:
            return []
        source_ids = mx.array(self.tokenizer.source_batch(texts, self.source_length))
        ids = to_numpy(self.model.generate(source_ids, max_length=max(map(len, texts)) + 2))
        found = [self.tokenizer.decode(row) for row in ids]
        return found[0] if isinstance(text, str) else found
