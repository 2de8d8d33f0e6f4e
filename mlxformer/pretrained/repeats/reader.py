"""The shipped models of repeats as they are used: ``reader("x7kq9x7") == "k"``."""

from __future__ import annotations

import numpy as np

from mlxformer.backend import mx, to_numpy
from mlxformer.pretrained.cards import Card
from mlxformer.pretrained.repeats.signs import SignTokenizer
from mlxformer.teaching.attention_only import AttentionOnlyLM


class RepeatReader:
    """A model with its tokenizer and card. Calling it gives the likeliest sign after a text.

    Args:
        model: trained.
        tokenizer: its signs.
        card: what it is.

    >>> import mlxformer as mf
    >>> mf.load_pretrained("induction")("x7kq9mx7")
    'k'
    """

    def __init__(self, model: AttentionOnlyLM, tokenizer: SignTokenizer, card: Card) -> None:
        self.model, self.tokenizer, self.card = model, tokenizer, card

    def __repr__(self) -> str:
        return f"RepeatReader({self.card!r})"

    def __call__(self, text: str) -> str:
        """The likeliest sign after a text.

        Args:
            text: letters a to z and digits.

        Returns:
            A sign.

        Raises:
            ArgumentError: as ``SignTokenizer.encode``.
        """
        logits = to_numpy(self.model(**self.encode([text])))
        return self.tokenizer.tokens[int(logits[0, -1].argmax())]

    def encode(self, texts: list[str]) -> dict[str, mx.array]:
        """What the model reads.

        Args:
            texts: of equal length.

        Returns:
            ``input_ids`` int32 [B, T].

        Raises:
            ArgumentError: as ``SignTokenizer.encode``.
        """
        return {"input_ids": mx.array(np.array([self.tokenizer.encode(text) for text in texts], np.int32))}
