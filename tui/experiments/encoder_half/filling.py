"""The shipped small BERT filling one [MASK], both ways or with a causal mask in every layer."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache, lru_cache
from typing import Any

import numpy as np

import mlxformer as mf
from mlxformer.backend import mx, nn, to_numpy
from mlxformer.pretrained.masked.samples import Kind, samples
from tui.experiments.shared.kept import kept
from tui.experiments.shared.knobs import SEEDS_BEFOREHAND

PLACES = ("first", "middle", "last")
LINES, LONGEST = 24, 24


@cache
def reader() -> Any:
    """The model, loaded once: its weights never change here."""
    return mf.load_pretrained("bert-mini")


@dataclass(frozen=True)
class Gaps:
    """Rows [N, T] with one [MASK] each, at ``places`` [N], where ``answers`` [N] belong."""

    rows: np.ndarray
    places: np.ndarray
    answers: np.ndarray


def ids_of(text: str) -> np.ndarray:
    return np.asarray(to_numpy(reader().encode(text).input_ids)[0], np.int32)


def words_of(ids: np.ndarray) -> list[int]:
    """Where letters and characters stand, not marks, [CLS] or [SEP]."""
    tokens = reader().tokenizer.tokens(ids)
    return [place for place in range(1, len(ids) - 1) if tokens[place].lstrip("#").isalnum()]


def gaps(texts: list[np.ndarray], where: str) -> Gaps:
    """Each text with its first, middle or last word masked."""
    tokenizer = reader().tokenizer
    rows = np.full((len(texts), max(map(len, texts))), tokenizer.pad_id, np.int32)
    places = []
    for row, ids in zip(rows, texts, strict=True):
        words = words_of(ids)
        places.append(words[{"first": 0, "middle": len(words) // 2, "last": -1}[where]])
        row[: len(ids)] = ids
    at = np.array(places, np.int32)
    answers = rows[np.arange(len(rows)), at]
    rows[np.arange(len(rows)), at] = tokenizer.mask_id
    return Gaps(rows, at, answers)


def hidden(rows: np.ndarray, *, causal: bool) -> Any:
    """The encoder's output [N, T, C]."""
    bert = reader().model.bert
    ids = mx.array(rows)
    past = mf.masks.causal(rows.shape[1], rows.shape[1]) if causal else None
    mask = mf.masks.combine(mf.masks.padding(ids != reader().tokenizer.pad_id), past)
    return bert.encoder(bert.embeddings(ids, mx.zeros(rows.shape, mx.int32)), mask)


def logits(found: Gaps, *, causal: bool) -> Any:
    """Of each row's [MASK], [N, V]."""
    model = reader().model
    picked = hidden(found.rows, causal=causal)[mx.arange(len(found.rows)), mx.array(found.places)]  # [N, C]
    return model.mlm_head(mx.expand_dims(picked, 0), model.bert.embeddings.word_embeddings)[0]


def costs(found: Gaps, *, causal: bool) -> np.ndarray:
    """−log p of each right answer, in nats, [N]."""
    losses = nn.losses.cross_entropy(logits(found, causal=causal), mx.array(found.answers), reduction="none")
    return np.asarray(to_numpy(losses), np.float64)


@kept(size=200, beforehand=[(kind, seed, where, causal) for kind in ("idioms", "lunyu", "tang", "verse")
                            for seed in SEEDS_BEFOREHAND for where in PLACES for causal in (False, True)])  # fmt: skip
def mean_cost(kind: Kind, seed: int, where: str, causal: bool) -> float:
    """The mean of ``costs`` over the texts drawn."""
    return float(costs(gaps(drawn(kind, seed), where), causal=causal).mean())


@lru_cache(maxsize=32)
def drawn(kind: Kind, seed: int) -> list[np.ndarray]:
    """Some of the texts of a kind that the model was trained on."""
    texts = [ids for text in samples(kind) if len(text) <= 120 and len(ids := _encoded(text)) <= LONGEST]
    order = np.random.default_rng(seed).permutation(len(texts))[:LINES]
    return [texts[index] for index in order if words_of(texts[index])]


@cache
def _encoded(text: str) -> np.ndarray:
    return ids_of(text)
