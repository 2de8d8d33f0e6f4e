"""Characters to ids and back. Case and width are folded first: ``ＮＯＶ`` reads as ``nov``, as in an uncased BERT."""

from __future__ import annotations

import os
import unicodedata
from collections.abc import Sequence

import numpy as np

from mlxformer.errors import ArgumentError
from mlxformer.tokenization.characters import save_characters

PAD, BOS, EOS, UNKNOWN = "[PAD]", "[BOS]", "[EOS]", "[UNK]"
CHARACTERS = " ,-./0123456789abcdefghijlmnoprstuvwy〇一七三九二五八六十四○零天年日星月期周号"
MAX_LENGTH = 48  # characters of a source; the longest format has 31


class DateTokenizer:
    """Characters to ids and back. A source ends with [EOS]; a target begins with [BOS] and ends with [EOS].

    >>> from mlxformer.pretrained.dates.tokenizer import DateTokenizer
    >>> tokenizer = DateTokenizer()
    >>> tokenizer.decode(tokenizer.target("2026-11-23"))
    '2026-11-23'
    """

    def __init__(self) -> None:
        self.tokens = (PAD, BOS, EOS, UNKNOWN, *CHARACTERS)
        self._ids = {token: number for number, token in enumerate(self.tokens)}
        self.pad_id, self.bos_id, self.eos_id, self.unknown_id = range(4)

    def __len__(self) -> int:
        return len(self.tokens)

    def __repr__(self) -> str:
        return f"DateTokenizer({len(self)} tokens)"

    @staticmethod
    def normalize(text: str) -> str:
        """Half-width and lower case; nothing changes its place, so that spans stay true.

        Args:
            text: any string.

        Returns:
            A string of the same length.
        """
        folded = "".join(
            form if len(form := unicodedata.normalize("NFKC", character).lower()) == 1 else character
            for character in text
        )
        return folded

    def source(self, text: str) -> list[int]:
        """The ids of a text and [EOS].

        Args:
            text: a date.

        Returns:
            Whole numbers; characters that no format has are [UNK].

        Raises:
            ArgumentError: it is empty or too long.
        """
        if not text.strip():
            raise ArgumentError("date-empty", "there is no date in an empty text: give one, as 23 November 2026")
        if len(text) > MAX_LENGTH:
            raise ArgumentError(
                "date-too-long",
                f"the text has {len(text)} characters; a date has at most {MAX_LENGTH}. Give the date alone",
                length=len(text),
                longest=MAX_LENGTH,
            )
        return [self._ids.get(character, self.unknown_id) for character in self.normalize(text)] + [self.eos_id]

    def target(self, iso: str) -> list[int]:
        """[BOS], the characters of an ISO date, [EOS].

        Args:
            iso: ``2026-11-23``.

        Returns:
            12 whole numbers.
        """
        return [self.bos_id, *(self._ids[character] for character in iso), self.eos_id]

    def decode(self, ids: Sequence[int]) -> str:
        """The characters up to [EOS], without the special tokens.

        Args:
            ids: whole numbers [T].

        Returns:
            A string.
        """
        characters = []
        for number in ids:
            if number == self.eos_id:
                break
            if number not in (self.pad_id, self.bos_id):
                characters.append(self.tokens[int(number)])
        return "".join(characters)

    def pad(self, rows: Sequence[Sequence[int]]) -> np.ndarray:
        """Rows of one length, filled with [PAD].

        Args:
            rows: B lists of ids.

        Returns:
            int32 [B, T], T the longest.
        """
        length = max(map(len, rows))
        return np.array([[*row, *[self.pad_id] * (length - len(row))] for row in rows], np.int32)

    def save_pretrained(self, folder: str | os.PathLike[str]) -> None:
        """Write ``tokenizer.json`` and ``tokenizer_config.json``: ``mf.Tokenizer`` and transformers read sources by it.

        Args:
            folder: where to; it is made if need be.

        Raises:
            CheckpointError: the folder cannot be written.
        """
        special = {"pad": PAD, "bos": BOS, "eos": EOS, "unk": UNKNOWN}
        save_characters(folder, self.tokens, special, template=f"$A {EOS}", fold=self.normalize)
