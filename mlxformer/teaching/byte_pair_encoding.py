"""Byte pair encoding learned merge by merge, so that each can be watched; fast training is the tokenizers library's.

    start with single characters; again and again, join the pair of neighbors with the highest score into one piece

    frequency    n(ab)                     BPE (Sennrich et al. 2016, §3.2, Algorithm 1)
    likelihood   n(ab) / (n(a) · n(b))     the score usually given for WordPiece (Schuster & Nakajima 2012 merge what
                                           raises the likelihood most; Google's trainer was never published)

Merges stay within a word; a word is what stands between blanks, with ``▁`` in front of it for the blank.

learned = learn_merges(words_of(lines), 200)
apply_merges("▁lowest", learned)          # ["▁low", "est"]
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

from mlxformer.errors import ArgumentError
from mlxformer.validation import is_whole, require_choice

BLANK = "▁"
Pair = tuple[str, str]
Criterion = Literal["frequency", "likelihood"]


@dataclass(frozen=True)
class Merge:
    """One step of learning: which neighbors became one piece.

    Args:
        pair: the two pieces that were joined.
        count: how often they stood beside each other in the text then.
        score: what they won by; for ``"frequency"`` the count.

    >>> from mlxformer.teaching.byte_pair_encoding import Merge
    >>> Merge(("lo", "w"), count=5, score=5.0).piece
    'low'
    """

    pair: Pair
    count: int
    score: float

    @property
    def piece(self) -> str:
        """The new piece."""
        return self.pair[0] + self.pair[1]


def words_of(lines: Iterable[str]) -> Counter[str]:
    """How often each word occurs, its blank ``▁`` in front.

    Args:
        lines: texts; words stand between blanks.

    Returns:
        word -> how often.

    >>> from mlxformer.teaching.byte_pair_encoding import words_of
    >>> words_of(["low low new"])
    Counter({'▁low': 2, '▁new': 1})
    """
    return Counter(BLANK + word for line in lines for word in line.split())


def learn_merges(words: Mapping[str, int], number: int, *, criterion: Criterion = "frequency") -> list[Merge]:
    """Byte pair encoding: again and again the pair of neighbors with the highest score becomes one piece.

    Of equal scores the pair whose pieces came into being first wins (characters count in the order of their code
    points): for ``"frequency"`` the same merges as the tokenizers library's ``BpeTrainer``.

    Args:
        words: word -> how often, as ``words_of`` counts them.
        number: how many merges, at least 0; fewer are made where no pair is left.
        criterion: the score, ``"frequency"`` n(ab) or ``"likelihood"`` n(ab) / (n(a) · n(b)).

    Returns:
        The merges, in the order in which they were made.

    Raises:
        ArgumentError: a number that is not whole or negative, or another criterion.

    Source: Sennrich et al. 2016, §3.2, Algorithm 1; for the likelihood Schuster & Nakajima 2012.

    >>> from mlxformer.teaching.byte_pair_encoding import learn_merges
    >>> [merge.piece for merge in learn_merges({"low": 5, "lot": 2}, 2)]
    ['lo', 'low']
    """
    if not is_whole(number, 0):
        message = f"the number of merges must be a whole number of at least 0; got {number!r}"
        raise ArgumentError("merges-number", message, given=number)
    require_choice("criterion", criterion, ("frequency", "likelihood"))
    learner = _Learner(words, criterion)
    merges: list[Merge] = []
    while len(merges) < number and (merge := learner.step()) is not None:
        merges.append(merge)
    return merges


def apply_merges(word: Sequence[str], merges: Sequence[Merge]) -> list[str]:
    """The pieces of ``word``: its characters, joined by each merge in the order in which it was learned.

    Args:
        word: as in ``words_of``, its blank in front; or its pieces, to go on from earlier merges.
        merges: of ``learn_merges``.

    Returns:
        The pieces; joined they are the word.

    Source: Sennrich et al. 2016, §3.2.

    >>> from mlxformer.teaching.byte_pair_encoding import apply_merges, learn_merges
    >>> apply_merges("lows", learn_merges({"low": 5, "lot": 2}, 2))
    ['low', 's']
    """
    pieces = list(word)
    for merge in merges:
        if merge.pair[0] in pieces and merge.pair[1] in pieces:
            pieces = _joined(pieces, merge.pair)
    return pieces


class _Learner:
    """The words as pieces, and how often each pair and each piece occurs, kept up to date by the words that change."""

    def __init__(self, words: Mapping[str, int], criterion: Criterion) -> None:
        self.criterion = criterion
        self.words = [(list(word), count) for word, count in words.items()]
        characters = sorted({character for pieces, _ in self.words for character in pieces})
        self.born = {piece: number for number, piece in enumerate(characters)}
        self.pairs: Counter[Pair] = Counter()
        self.pieces: Counter[str] = Counter()
        self.homes: dict[Pair, set[int]] = {}  # the words that a pair has been seen in
        self.ages: dict[Pair, tuple[int, int]] = {}  # when its pieces came into being
        for place in range(len(self.words)):
            self._count(place, 1)

    def step(self) -> Merge | None:
        if not self.pairs:
            return None
        scores = self._scores()
        best = max(scores)
        equals = [pair for pair, score in zip(self.pairs, scores, strict=True) if score == best]
        pair = min(equals, key=self.ages.__getitem__)
        merge = Merge(pair, self.pairs[pair], float(best))
        self.born.setdefault(merge.piece, len(self.born))
        for place in self.homes.pop(pair):
            pieces, count = self.words[place]
            self._count(place, -1)
            self.words[place] = (_joined(pieces, pair), count)
            self._count(place, 1)
        return merge

    def _scores(self) -> Collection[float]:
        """Of all pairs, in their order."""
        if self.criterion == "frequency":
            return self.pairs.values()
        pieces = self.pieces
        return [count / (pieces[left] * pieces[right]) for (left, right), count in self.pairs.items()]

    def _count(self, place: int, sign: int) -> None:
        """Add a word's pairs and pieces to the counts, or take them away."""
        pieces, count = self.words[place]
        for piece in pieces:
            self.pieces[piece] += sign * count
        for pair in pairwise(pieces):
            self.pairs[pair] += sign * count
            if sign > 0:
                if pair not in self.homes:
                    self.homes[pair] = set()
                    self.ages[pair] = (self.born[pair[0]], self.born[pair[1]])
                self.homes[pair].add(place)
            elif self.pairs[pair] == 0:
                del self.pairs[pair]


def _joined(pieces: Sequence[str], pair: Pair) -> list[str]:
    """``pieces`` with every occurrence of ``pair`` made one piece, from left to right."""
    found: list[str] = []
    left, right = pair
    end = ""  # the last piece that may still become the left one of the pair
    for piece in pieces:
        if piece == right and end == left:
            found[-1] = left + right
            end = ""
        else:
            found.append(piece)
            end = piece
    return found
