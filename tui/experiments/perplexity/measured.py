"""What each model needs for a text, in nats by token, and a text's probability over all its splits."""

from __future__ import annotations

import json
from functools import cache
from typing import Any

import numpy as np

import mlxformer as mf
from mlxformer.pretrained.poems.forms import FORMS
from mlxformer.pretrained.poems.reader import log_probabilities
from mlxformer.pretrained.poems.samples import held_out
from mlxformer.pretrained.poems.trigram import Trigram
from mlxformer.pretrained.poems.vocabulary import ids_of
from mlxformer.teaching.subword import train_subword_tokenizer
from tui.experiments.shared.kept import kept

UNIGRAM_PIECES = 2500
FORM_COST = float(np.log(len(FORMS)))  # nats: the poets are told which of four forms, and the trigrams are not


@cache
def counted_on() -> tuple[str, ...]:
    """The held-out poems that trigrams and pieces are learned on."""
    return held_out()[::4]


@cache
def quatrains() -> tuple[str, ...]:
    """Quatrains that no model here has seen: of every other held-out poem, none of them counted on."""
    return tuple(poem for poem in held_out()[1::2] if poem.count("。") == 2)


@cache
def poet(name: str) -> Any:
    return mf.load_pretrained(name)


def by_poet(name: str, poems: tuple[str, ...], shuffled: np.random.Generator | None = None) -> list[np.ndarray]:
    """−ln p of each token of each poem, marks and the end among them, in the order of the forms."""
    return _known_by_poet(name, poems) if shuffled is None else _by_poet(name, poems, shuffled)


def _by_poet(name: str, poems: tuple[str, ...], shuffled: np.random.Generator | None = None) -> list[np.ndarray]:
    found: list[np.ndarray] = []
    for ids in ids_of(poems).values():
        if len(ids):
            if shuffled is not None:
                ids = np.concatenate([ids[:, :1], shuffled.permuted(ids[:, 1:], axis=1)], axis=1)
            found += list(-log_probabilities(poet(name).model, ids).astype(np.float64))
    return found


_known_by_poet = kept(size=8)(_by_poet)


@cache
def _trigram(vocabulary: int) -> tuple[Any, int, Trigram]:
    tokenizer = train_subword_tokenizer("byte-bpe", counted_on(), vocabulary)
    end = tokenizer.get_vocab_size()
    rows = [[end, *encoded.ids, end] for encoded in tokenizer.encode_batch(list(counted_on()))]
    return tokenizer, end, Trigram(rows, end + 1)


@kept(size=8)
def by_trigram(vocabulary: int, poems: tuple[str, ...]) -> list[np.ndarray]:
    """−ln p of each token of each poem and its end, under a trigram of byte-level BPE; 256 are bytes."""
    tokenizer, end, model = _trigram(vocabulary)
    return [-model.log_probabilities([end, *encoded.ids, end]) for encoded in tokenizer.encode_batch(list(poems))]


@cache
def unigram() -> tuple[Any, dict[str, float]]:
    """A unigram tokenizer (Kudo 2018) and ln p of its pieces."""
    tokenizer = train_subword_tokenizer("unigram", counted_on(), UNIGRAM_PIECES)
    pieces: list[tuple[str, float]] = json.loads(tokenizer.to_str())["model"]["vocab"]
    return tokenizer, {piece: score for piece, score in pieces if piece != "[UNK]"}


def splits(text: str, pieces: dict[str, float]) -> tuple[float, float]:
    """ln of the sum over all splits of a text into pieces, and ln p of the likeliest: the forward recursion.

    −inf where no split covers the text.
    """
    longest = max(map(len, pieces))
    total, best = [0.0], [0.0]
    for end in range(1, len(text) + 1):
        starts = [start for start in range(max(0, end - longest), end) if text[start:end] in pieces]
        scores = [(pieces[text[start:end]], start) for start in starts]
        total.append(float(np.logaddexp.reduce([total[start] + score for score, start in scores] or [-np.inf])))
        best.append(max((best[start] + score for score, start in scores), default=-np.inf))
    return total[-1], best[-1]
