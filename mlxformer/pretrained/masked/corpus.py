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
    """Documents of one language: their sentences as ids, and where each sentence stands."""

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

    def alone(self, source: np.random.Generator, whole: float = 0.5) -> np.ndarray:
        """A sentence, or, ``1 - whole`` of the time, some clauses of one; sometimes without its last mark, as typed."""
        number, at = self.places[source.integers(len(self.places))]
        ids = self.documents[number][at]
        if source.random() < 1 - whole:
            ids = self._clauses(ids, source)
        if source.random() < 0.3 and len(ids) > 1 and int(ids[-1]) in self.end_ids:
            ids = ids[:-1]
        return _window(ids, LONGEST, source)

    def pair(self, source: np.random.Generator) -> tuple[np.ndarray, np.ndarray, int]:
        """Two sentences and the label of next-sentence prediction: 0 where B follows A, 1 where it was drawn."""
        number, at = self.followed[source.integers(len(self.followed))]
        first, second, label = self.documents[number][at], self.documents[number][at + 1], 0
        if source.random() < 0.5:
            other, place = self.places[source.integers(len(self.places))]
            second, label = self.documents[other][place], 1 if (other, place) != (number, at + 1) else 0
        return _window(first, LONGEST_OF_PAIR, source), _window(second, LONGEST_OF_PAIR, source), label

    def _clauses(self, ids: np.ndarray, source: np.random.Generator) -> np.ndarray:
        cuts = [0, *(place + 1 for place, each in enumerate(ids[:-1]) if int(each) in self.clause_ids), len(ids)]
        first = int(source.integers(len(cuts) - 1))
        last = int(source.integers(first + 1, len(cuts)))
        return ids[cuts[first] : cuts[last]]


def _window(ids: np.ndarray, longest: int, source: np.random.Generator) -> np.ndarray:
    if len(ids) <= longest:
        return ids
    start = int(source.integers(len(ids) - longest + 1))
    return ids[start : start + longest]


def encode(texts: Sequence[str], using: BertTokenizer) -> list[np.ndarray]:
    """Ids of each text, without special tokens."""
    found = []
    for start in range(0, len(texts), 512):
        batch = using(texts[start : start + 512], add_special_tokens=False)
        found += [np.array([using.id_of(token) for token in row if token != "[PAD]"], np.int32) for row in batch.tokens]
    return found


def of_documents(documents: Sequence[Document], using: BertTokenizer) -> Texts:
    """The documents that may be trained on."""
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
    sources.fetch(FOLDER)
    return of_documents(sources.chinese_documents(FOLDER), tokenizer())


@cache
def english(*, whole: bool = False) -> Texts:
    sources.fetch(FOLDER)
    return of_documents(sources.verses(FOLDER, whole=whole), tokenizer(english_only=whole))


@cache
def idiom_ids() -> np.ndarray:
    """[N, 4]."""
    sources.fetch(FOLDER)
    return np.stack(encode(sources.idioms(FOLDER), tokenizer()))
