"""What a poet is held against: a model of the last two tokens, by interpolated Kneser-Ney smoothing."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence

import numpy as np

DISCOUNT = 0.75


class Trigram:
    """Interpolated Kneser-Ney of order 3.

        p(w | u v) = (max(c(u v w) − D, 0) + D · N(u v ·) · p(w | v)) / c(u v)

    and so on down to the uniform distribution; lower orders count in how many contexts a token stands, not how often.

    Args:
        rows: sequences of ids to count; the first id of each is given, not predicted.
        vocab_size: V.

    Source: Kneser and Ney 1995; Chen and Goodman 1998, "An Empirical Study of Smoothing Techniques", §2.7.

    >>> from mlxformer.pretrained.poems.trigram import Trigram
    >>> model = Trigram([[0, 1, 2], [0, 1, 2], [0, 1, 3]], 4)
    >>> round(sum(model.probability(0, 1, each) for each in range(4)), 12)
    1.0
    """

    def __init__(self, rows: Iterable[Sequence[int]], vocab_size: int) -> None:
        self.vocab_size = vocab_size
        three: Counter[tuple[int, int, int]] = Counter()
        for row in rows:
            padded = [-1, *map(int, row)]
            three.update(zip(padded, padded[1:], padded[2:], strict=False))
        self._three = dict(three)
        self._after_two: dict[tuple[int, int], list[int]] = defaultdict(lambda: [0, 0])  # count, distinct tokens
        two: Counter[tuple[int, int]] = Counter()  # (v, w) -> before how many u
        for (first, second, third), count in self._three.items():
            after = self._after_two[first, second]
            after[0] += count
            after[1] += 1
            two[second, third] += 1
        self._two = dict(two)
        self._after_one: dict[int, list[int]] = defaultdict(lambda: [0, 0])
        one: Counter[int] = Counter()  # w -> after how many v
        for (second, third), count in self._two.items():
            after = self._after_one[second]
            after[0] += count
            after[1] += 1
            one[third] += 1
        self._one, self._pairs = dict(one), sum(one.values())

    def __repr__(self) -> str:
        return f"Trigram({len(self._three):,} triples, V={self.vocab_size})"

    def probability(self, first: int, second: int, third: int) -> float:
        """p(third | first second).

        Args:
            first: an id; −1 before the beginning.
            second: an id.
            third: an id.

        Returns:
            Above 0.
        """
        distinct = len(self._one)
        lowest = max(self._one.get(third, 0) - DISCOUNT, 0.0) + DISCOUNT * distinct / self.vocab_size
        found = lowest / self._pairs
        for counts, (total, kinds) in (
            (self._two.get((second, third), 0), self._after_one.get(second, [0, 0])),
            (self._three.get((first, second, third), 0), self._after_two.get((first, second), [0, 0])),
        ):
            if total:
                found = (max(counts - DISCOUNT, 0.0) + DISCOUNT * kinds * found) / total
        return found

    def log_probabilities(self, row: Sequence[int]) -> np.ndarray:
        """ln p of each token of a sequence given the two before it.

        Args:
            row: T + 1 ids.

        Returns:
            float64 [T], of the tokens from the second on.
        """
        padded = [-1, *map(int, row)]
        triples = zip(padded, padded[1:], padded[2:], strict=False)
        return np.log([self.probability(*triple) for triple in triples])
