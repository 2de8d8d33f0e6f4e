"""Strings of small letters: their ids, and which of them are trained on and which are held out."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Sequence

import numpy as np

from mlxformer.errors import ArgumentError
from mlxformer.tokenization.characters import save_characters

PAD, BOS, EOS = "[PAD]", "[BOS]", "[EOS]"
ALPHABET = "abcdefghijklmnopqrstuvwxyz"
SHORTEST, LONGEST = 4, 40
HELD_OUT = 16  # one string in so many


class StringTokenizer:
    """One id a letter. Sources and targets begin with [BOS] and end with [EOS]: who writes backwards stops at [BOS].

    >>> from mlxformer.pretrained.reverse.strings import StringTokenizer
    >>> tokenizer = StringTokenizer()
    >>> tokenizer.decode(tokenizer.target("abc"))
    'cba'
    """

    def __init__(self) -> None:
        self.tokens = (PAD, BOS, EOS, *ALPHABET)
        self._ids = {token: number for number, token in enumerate(self.tokens)}
        self.pad_id, self.bos_id, self.eos_id = range(3)

    def __len__(self) -> int:
        return len(self.tokens)

    def __repr__(self) -> str:
        return f"StringTokenizer({len(self)} tokens)"

    def source(self, text: str) -> list[int]:
        """[BOS], the letters of a string, in any case, [EOS].

        Args:
            text: letters.

        Returns:
            Whole numbers.

        Raises:
            ArgumentError: it is empty, longer than the strings of training, or has other signs than a-z.
        """
        folded = text.lower()
        if not 0 < len(folded) <= LONGEST:
            raise ArgumentError(
                "string-length",
                f"the text has {len(folded)} characters; give 1 to {LONGEST} letters",
                length=len(folded),
                longest=LONGEST,
            )
        others = sorted(set(folded) - set(ALPHABET))
        if others:
            raise ArgumentError(
                "string-letters",
                f"only the letters a to z can be read; the text also has {' '.join(map(repr, others[:5]))}",
                others=others[:5],
            )
        return [self.bos_id, *(self._ids[letter] for letter in folded), self.eos_id]

    def target(self, text: str) -> list[int]:
        """[BOS], the letters of a string backwards, [EOS].

        Args:
            text: letters.

        Returns:
            Whole numbers.

        Raises:
            ArgumentError: as ``source``.
        """
        return self.source(text[::-1])

    def decode(self, ids: Sequence[int]) -> str:
        """The letters up to [EOS], without the special tokens.

        Args:
            ids: whole numbers [T].

        Returns:
            A string.
        """
        letters = []
        for number in ids:
            if number == self.eos_id:
                break
            if number not in (self.pad_id, self.bos_id):
                letters.append(self.tokens[int(number)])
        return "".join(letters)

    def source_batch(self, texts: Sequence[str], length: int = 0) -> np.ndarray:
        """The sources of several strings, padded *in front*.

        So the letters stand at places that count from the end, and where ``length`` is that of the longest source, the
        k-th letter from the end stands at the same place in every string.

        Args:
            texts: B strings.
            length: T is at least this.

        Returns:
            int32 [B, T].

        Raises:
            ArgumentError: as ``source``.
        """
        rows = [self.source(text) for text in texts]
        length = max(length, *map(len, rows))
        return np.array([[*[self.pad_id] * (length - len(row)), *row] for row in rows], np.int32)

    def target_batch(self, texts: Sequence[str]) -> np.ndarray:
        """The targets of several strings, padded at the end.

        Args:
            texts: B strings.

        Returns:
            int32 [B, T].

        Raises:
            ArgumentError: as ``source``.
        """
        rows = [self.target(text) for text in texts]
        length = max(map(len, rows))
        return np.array([[*row, *[self.pad_id] * (length - len(row))] for row in rows], np.int32)

    def save_pretrained(self, folder: str | os.PathLike[str]) -> None:
        """Write ``tokenizer.json`` and ``tokenizer_config.json``: ``mf.Tokenizer`` and transformers read sources by it.

        Args:
            folder: where to; it is made if need be.

        Raises:
            CheckpointError: the folder cannot be written.
        """
        special = {"pad": PAD, "bos": BOS, "eos": EOS}
        save_characters(folder, self.tokens, special, template=f"{BOS} $A {EOS}", fold=str.lower, padding_side="left")


TOKENIZER = StringTokenizer()


def is_held_out(text: str) -> bool:
    """Whether a string is never trained on: by a hash of it, and so the same for every seed and in every version.

    Args:
        text: small letters.

    Returns:
        True for one string in 16.

    >>> from mlxformer.pretrained.reverse.evaluation import held_out
    >>> from mlxformer.pretrained.reverse.strings import is_held_out
    >>> all(is_held_out(text) for text in held_out(4, 3))
    True
    """
    digest = hashlib.sha256(text.encode()).digest()
    return int.from_bytes(digest[:4], "big") % HELD_OUT == 0


def draw(generator: np.random.Generator, length: int, count: int, *, held_out: bool) -> list[str]:
    """Strings of one length, each letter as likely, all of them held out or none.

    Args:
        generator: what draws.
        length: letters.
        count: how many.
        held_out: which.

    Returns:
        The strings.

    >>> import numpy as np
    >>> from mlxformer.pretrained.reverse.strings import draw
    >>> len(draw(np.random.default_rng(0), 5, 3, held_out=False))
    3
    """
    found: list[str] = []
    while len(found) < count:
        letters = generator.integers(len(ALPHABET), size=(count, length))
        texts = ("".join(ALPHABET[letter] for letter in row) for row in letters)
        found += [text for text in texts if is_held_out(text) == held_out]
    return found[:count]
