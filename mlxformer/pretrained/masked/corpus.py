"""The training texts as token ids: idioms, and documents as lists of sentences, of which pieces are drawn."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path

import numpy as np

from mlxformer.pretrained.masked import sources
from mlxformer.pretrained.masked.sources import Document
from mlxformer.pretrained.masked.split import is_held_out
from mlxformer.pretrained.masked.vocabulary import tokenizer
from mlxformer.tokenization.bert import BertTokenizer

FOLDER = Path("trained/texts")
LONGEST = 40  # tokens of a text that stands alone
LONGEST_OF_PAIR = 24
_CLAUSE_MARKS = "，、,"
_ENDS = "。？！；：.:;?!" + _CLAUSE_MARKS


@dataclass(frozen=True)
class Texts:
    """Documents of one language, of which pieces are drawn.

    Args:
        documents: each a list of sentences, each ids [T].
        clause_ids: the marks after which a clause ends.
        end_ids: the marks with which a sentence ends.

    >>> import numpy as np
    >>> from mlxformer.pretrained.masked.corpus import Texts
    >>> Texts([[np.array([7, 8]), np.array([9])]], frozenset(), frozenset()).followed
    [(0, 0)]
    """

    documents: list[list[np.ndarray]]
    clause_ids: frozenset[int]
    end_ids: frozenset[int]

    @cached_property
    def places(self) -> list[tuple[int, int]]:
        """Every sentence: the number of its document, and where it stands in it."""
        return [(number, at) for number, sentences in enumerate(self.documents) for at in range(len(sentences))]

    @cached_property
    def followed(self) -> list[tuple[int, int]]:
        """Those after which another sentence comes."""
        return [(number, at) for number, at in self.places if at + 1 < len(self.documents[number])]

    def alone(self, generator: np.random.Generator, whole: float = 0.5) -> np.ndarray:
        """A sentence, or some clauses of one; sometimes without its last mark, as typed.

        Args:
            generator: what draws.
            whole: how often it is a whole sentence, 0 to 1.

        Returns:
            ids [T], at most 40.
        """
        number, at = self.places[generator.integers(len(self.places))]
        ids = self.documents[number][at]
        if generator.random() < 1 - whole:
            ids = self._clauses(ids, generator)
        if generator.random() < 0.3 and len(ids) > 1 and int(ids[-1]) in self.end_ids:
            ids = ids[:-1]
        return _window(ids, LONGEST, generator)

    def pair(self, generator: np.random.Generator) -> tuple[np.ndarray, np.ndarray, int]:
        """Two sentences and the label of next-sentence prediction.

        Args:
            generator: what draws.

        Returns:
            A, B, and 0 where B follows A, 1 where it was drawn.
        """
        number, at = self.followed[generator.integers(len(self.followed))]
        first, second, label = self.documents[number][at], self.documents[number][at + 1], 0
        if generator.random() < 0.5:
            other, place = self.places[generator.integers(len(self.places))]
            second, label = self.documents[other][place], 1 if (other, place) != (number, at + 1) else 0
        return _window(first, LONGEST_OF_PAIR, generator), _window(second, LONGEST_OF_PAIR, generator), label

    def _clauses(self, ids: np.ndarray, generator: np.random.Generator) -> np.ndarray:
        cuts = [0, *(place + 1 for place, each in enumerate(ids[:-1]) if int(each) in self.clause_ids), len(ids)]
        first = int(generator.integers(len(cuts) - 1))
        last = int(generator.integers(first + 1, len(cuts)))
        return ids[cuts[first] : cuts[last]]


def _window(ids: np.ndarray, longest: int, generator: np.random.Generator) -> np.ndarray:
    if len(ids) <= longest:
        return ids
    start = int(generator.integers(len(ids) - longest + 1))
    return ids[start : start + longest]


def encode(texts: Sequence[str], using: BertTokenizer) -> list[np.ndarray]:
    """Ids of each text, without special tokens.

    Args:
        texts: strings.
        using: the tokenizer.

    Returns:
        int32 [T] for each.

    >>> from mlxformer.pretrained.masked.corpus import encode
    >>> from mlxformer.pretrained.masked.vocabulary import tokenizer
    >>> len(encode(["画蛇添足"], tokenizer())[0])
    4
    """
    found = []
    for start in range(0, len(texts), 512):
        batch = using(texts[start : start + 512], add_special_tokens=False)
        found += [np.array([using.id_of(token) for token in row if token != "[PAD]"], np.int32) for row in batch.tokens]
    return found


def of_documents(documents: Sequence[Document], using: BertTokenizer) -> Texts:
    """The documents that may be trained on.

    Args:
        documents: all, the held-out ones among them.
        using: the tokenizer.

    Returns:
        Their sentences as ids.

    >>> from mlxformer.pretrained.masked.corpus import of_documents
    >>> from mlxformer.pretrained.masked.sources import Document
    >>> from mlxformer.pretrained.masked.vocabulary import tokenizer
    >>> len(of_documents([Document("tang", ("白日依山尽，", "黄河入海流。"))], tokenizer()).places)
    2
    """
    kept = [document for document in documents if not is_held_out(document.text)]
    flat = encode([sentence for document in kept for sentence in document.sentences], using)
    encoded, start = [], 0
    for document in kept:
        encoded.append(flat[start : start + len(document.sentences)])
        start += len(document.sentences)
    known = {token: using.id_of(token) for token in _ENDS if token in _known(using)}
    clause_ids = frozenset(known[mark] for mark in _CLAUSE_MARKS if mark in known)
    return Texts(encoded, clause_ids, frozenset(known.values()))


def _known(using: BertTokenizer) -> set[str]:
    return {str(token) for token in using.tokens(list(range(using.vocab_size)))}


@cache
def chinese() -> Texts:
    """The Chinese documents, fetched if they are not there. Training needs them, nothing else does.

    Returns:
        Those that may be trained on.

    >>> from mlxformer.pretrained.masked.corpus import chinese
    >>> texts = chinese()  # doctest: +SKIP
    """
    sources.fetch(FOLDER)
    return of_documents(sources.chinese_documents(FOLDER), tokenizer())


@cache
def english(*, whole: bool = False) -> Texts:
    """The English verses, fetched if they are not there. Training needs them, nothing else does.

    Args:
        whole: the whole book, for the models of one masking rate; False: bert-mini's chapters.

    Returns:
        Those that may be trained on.

    >>> from mlxformer.pretrained.masked.corpus import english
    >>> texts = english(whole=True)  # doctest: +SKIP
    """
    sources.fetch(FOLDER)
    return of_documents(sources.verses(FOLDER, whole=whole), tokenizer(english_only=whole))


@cache
def idiom_ids() -> np.ndarray:
    """The idioms as ids, fetched if they are not there. Training needs them, nothing else does.

    Returns:
        int32 [N, 4].

    >>> from mlxformer.pretrained.masked.corpus import idiom_ids
    >>> ids = idiom_ids()  # doctest: +SKIP
    """
    sources.fetch(FOLDER)
    return np.stack(encode(sources.idioms(FOLDER), tokenizer()))
