"""The shipped masked language models as they are used: ``bert.fill("画蛇添[MASK]", k=5)``."""

from __future__ import annotations

from typing import Any

import numpy as np

from mlxformer.backend import mx, to_numpy
from mlxformer.errors import ArgumentError
from mlxformer.models.bert.heads import BertForMaskedLM, BertForPreTraining
from mlxformer.pretrained.cards import Card
from mlxformer.pretrained.masked.vocabulary import MAX_LENGTH, SPECIAL
from mlxformer.tokenization.bert import BertTokenizer, TokenizedBatch

FOLLOWS = 0  # the index of "B follows A", as in Google's code


class MaskFiller:
    """A masked language model with its tokenizer and card.

    Args:
        model: a BERT with a masked-LM head.
        tokenizer: its WordPieces.
        card: what it is.

    >>> import mlxformer as mf
    >>> mf.load_pretrained("bert-mini").fill("画蛇添[MASK]")[0][0]
    '足'
    """

    def __init__(self, model: BertForPreTraining | BertForMaskedLM, tokenizer: BertTokenizer, card: Card) -> None:
        self.model, self.tokenizer, self.card = model, tokenizer, card

    def __repr__(self) -> str:
        return f"MaskFiller({self.card!r})"

    def __call__(self, text: str, k: int = 5) -> list[tuple[str, float]]:
        """``fill``.

        Args:
            text: with one ``[MASK]``.
            k: how many tokens.

        Returns:
            As ``fill``.
        """
        return self.fill(text, k)

    def fill(self, text: str, k: int = 5) -> list[tuple[str, float]]:
        """The likeliest tokens for the one ``[MASK]`` in a text.

        Args:
            text: with one ``[MASK]``.
            k: how many tokens, at most the vocabulary's.

        Returns:
            Tokens with their probabilities, highest first. Special tokens are left out; the probabilities are those of
            the whole vocabulary.

        Raises:
            ArgumentError: no ``[MASK]`` or several (``fill_each`` takes those), or more tokens than positions.
        """
        found = self.fill_each(text, k)
        if len(found) != 1:
            message = f"the text has {len(found)} [MASK]; give fill exactly one, or call fill_each"
            raise ArgumentError("fill-one-mask", message, masks=len(found))
        return found[0]

    def fill_each(self, text: str, k: int = 5) -> list[list[tuple[str, float]]]:
        """As ``fill``, for each ``[MASK]`` in turn, all of them masked at once.

        Args:
            text: with at least one ``[MASK]``.
            k: how many tokens, at most the vocabulary's.

        Returns:
            A list as ``fill`` gives for each ``[MASK]``.

        Raises:
            ArgumentError: no ``[MASK]``, or more tokens than positions.
        """
        if isinstance(k, bool) or not isinstance(k, int) or not 0 < k <= self.tokenizer.vocab_size:
            message = f"k must be a whole number from 1 to {self.tokenizer.vocab_size}; got {k!r}"
            raise ArgumentError("fill-k", message, given=k, longest=self.tokenizer.vocab_size)
        batch = self.encode(text)
        ids = to_numpy(batch.input_ids)[0]
        places = np.flatnonzero(ids == self.tokenizer.mask_id)
        if not len(places):
            message = "the text has no [MASK]; put one where a token is to be filled in, as in 画蛇添[MASK]"
            raise ArgumentError("fill-no-mask", message)
        probabilities = to_numpy(mx.softmax(self.logits(batch)[0], axis=-1))[places]  # [M, V]
        probabilities[:, : len(SPECIAL)] = 0.0
        found = []
        for row in probabilities:
            best = np.argsort(-row, kind="stable")[:k]
            found.append([(self.tokenizer.tokens([int(each)])[0], float(row[each])) for each in best])
        return found

    def next_sentence(self, first: str, second: str) -> float:
        """The probability that one text follows another.

        Args:
            first: A.
            second: B.

        Returns:
            0 to 1.

        Raises:
            ArgumentError: the model has no such head, or more tokens than positions.
        """
        if not isinstance(self.model, BertForPreTraining):
            message = f"{self.card.name} was not trained to tell whether a sentence follows; bert-mini was"
            raise ArgumentError("fill-no-next-sentence", message, name=self.card.name)
        out: Any = self.model(**self.encode(first, second))
        scores = out.seq_relationship_logits  # [1, 2]
        return float(to_numpy(mx.softmax(scores, axis=-1))[0, FOLLOWS])

    def logits(self, batch: TokenizedBatch) -> mx.array:
        """The scores of the masked-LM head.

        Args:
            batch: of its tokenizer.

        Returns:
            [B, T, V].
        """
        out: Any = self.model(**batch)
        return out.prediction_logits if isinstance(self.model, BertForPreTraining) else out.logits

    def encode(self, text: str | list[str], pair: str | list[str] | None = None) -> TokenizedBatch:
        """What the model reads.

        Args:
            text: one or several.
            pair: the second text of each; None means that there is none.

        Returns:
            Arrays [B, T].

        Raises:
            ArgumentError: more tokens than positions.
        """
        batch = self.tokenizer(text, pair)
        length = int(batch.input_ids.shape[1])
        if length > MAX_LENGTH:
            message = f"the text has {length} tokens, the model has positions for {MAX_LENGTH}; give a shorter one"
            raise ArgumentError("fill-too-long", message, given=length, longest=MAX_LENGTH)
        return batch
