"""Random stretches of signs, each written twice: nothing but the first copy foretells the second."""

from __future__ import annotations

import numpy as np

from mlxformer.errors import ArgumentError

SIGNS = "abcdefghijklmnopqrstuvwxyz0123456789"
SHORTEST, LONGEST = 4, 24  # signs of a stretch


def twice(generator: np.random.Generator, length: int, count: int) -> np.ndarray:
    """Stretches of unlike signs, each twice in a row. There are so many that none is met again.

    Args:
        generator: what draws.
        length: L, signs of a stretch.
        count: N, how many.

    Returns:
        int32 [N, 2 L].

    >>> import numpy as np
    >>> from mlxformer.pretrained.repeats.signs import twice
    >>> ids = twice(np.random.default_rng(0), 5, 2)
    >>> ids.shape, bool((ids[:, :5] == ids[:, 5:]).all())
    ((2, 10), True)
    """
    stretch = generator.random((count, len(SIGNS))).argsort(axis=1)[:, :length]
    return np.concatenate([stretch, stretch], axis=1).astype(np.int32)


class SignTokenizer:
    """One id a sign.

    >>> from mlxformer.pretrained.repeats.signs import SignTokenizer
    >>> SignTokenizer().decode(SignTokenizer().encode("7ka"))
    '7ka'
    """

    def __init__(self) -> None:
        self.tokens = tuple(SIGNS)

    def __repr__(self) -> str:
        return f"SignTokenizer({len(self.tokens)} signs)"

    @property
    def vocab_size(self) -> int:
        """How many signs there are."""
        return len(self.tokens)

    def encode(self, text: str) -> list[int]:
        """The ids of a text, capital letters taken for small ones and blanks passed over.

        Args:
            text: letters a to z and digits.

        Returns:
            A whole number for each sign.

        Raises:
            ArgumentError: no sign, more than the model has positions for, or other characters.
        """
        signs = "".join(text.lower().split())
        others = sorted(set(signs) - set(SIGNS))
        if others or not 0 < len(signs) <= 2 * LONGEST:
            message = f"give 1 to {2 * LONGEST} letters a to z and digits; got {text[:60]!r}"
            raise ArgumentError("signs", message, given=text[:60], longest=2 * LONGEST)
        return [SIGNS.index(sign) for sign in signs]

    def decode(self, ids: np.ndarray | list[int]) -> str:
        """The text of ids.

        Args:
            ids: whole numbers.

        Returns:
            A string.
        """
        return "".join(SIGNS[int(each)] for each in ids)
