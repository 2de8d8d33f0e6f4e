"""The shipped date model fed token by token, with the gold prefix, with its own, and with one wrong token put in."""

from __future__ import annotations

import random
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np

from mlxformer.backend import mx, to_numpy
from mlxformer.pretrained import load_pretrained
from mlxformer.pretrained.dates.formats import FORMATS, write_date
from mlxformer.pretrained.dates.reader import ISO_LENGTH
from mlxformer.pretrained.dates.split import held_out_dates
from tui.experiments.shared.kept import kept

PER_FORMAT = 1  # 12 dates: all ten places of an error are tried on each, and the run stays below a second


@cache
def reader() -> Any:
    """The model, loaded once: its weights never change here."""
    return load_pretrained("dates")


@cache
def _dates() -> list[Any]:
    """Found by hashing every date of two centuries, so once."""
    return held_out_dates()


@dataclass(frozen=True)
class Sources:
    """Encoded texts: memory [N, Ts, C], the mask of their padding, and the gold targets [N, T + 1] from [BOS] on."""

    memory: Any
    mask: Any
    gold: np.ndarray

    def repeated(self, times: int) -> Sources:
        """Each source ``times`` times in a row."""
        return self.taken(np.repeat(np.arange(len(self.gold)), times))

    def taken(self, rows: np.ndarray) -> Sources:
        """The sources at ``rows``, any of them any number of times."""
        at = mx.array(rows.astype(np.int32))
        batched = self.mask is not None and self.mask.shape[0] > 1
        mask = mx.take(self.mask, at, axis=0) if batched else self.mask
        return Sources(mx.take(self.memory, at, axis=0), mask, self.gold[rows])


@kept()
def held_out_sources(seed: int) -> Sources:
    """Dates of which no format was trained, each format as often; ``seed`` draws them."""
    source = random.Random(seed)
    dates = source.sample(_dates(), PER_FORMAT * len(FORMATS))
    texts = [write_date(date, list(FORMATS)[i % len(FORMATS)], source).text for i, date in enumerate(dates)]
    tokenizer = reader().tokenizer
    return encode(texts, tokenizer.pad([tokenizer.target(date.isoformat()) for date in dates]))


def encode(texts: list[str], gold: np.ndarray) -> Sources:
    model, tokenizer = reader().model, reader().tokenizer
    ids = mx.array(tokenizer.pad([tokenizer.source(text) for text in texts]))
    mask = model.source_padding(ids)
    return Sources(model.encode(ids, mask), mask, gold)


def one_pass(sources: Sources, inputs: np.ndarray) -> np.ndarray:
    """Teacher forcing: logits [N, T, V] of all the inputs [N, T] in one call of the decoder."""
    return to_numpy(reader().model.decode(mx.array(inputs), sources.memory, sources.mask))


def by_steps(sources: Sources, fixed: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """One token a call: the tokens fed and chosen, [N, T + 1], and the logits [N, T, V].

    ``fixed`` [N, T + 1] holds the tokens that are given; where it is -1 the model's own most probable token goes on. A
    beginning that is given to every row is a prompt and read in one call, unless all is given.
    """
    model = reader().model
    own_places = (fixed < 0).any(0)
    known = int(own_places.argmax()) if own_places.any() else 1
    state, tokens = model.decoder.make_cache(), fixed[:, :known]
    logits: list[np.ndarray] = []
    for step in range(known - 1, fixed.shape[1] - 1):
        new = tokens[:, -1:] if logits else tokens
        out = to_numpy(model.decode(mx.array(new), sources.memory, sources.mask, cache=state))  # [N, 1, V]
        own = out[:, -1].argmax(-1)
        given = fixed[:, step + 1]
        tokens = np.concatenate([tokens, np.where(given < 0, own, given)[:, None].astype(np.int32)], axis=1)
        logits.append(out)
    return tokens, np.concatenate(logits, axis=1)


def undisturbed(text: str) -> tuple[Sources, np.ndarray]:
    """A typed text, which has no gold target, and what the model writes for it by itself: [1, T + 1]."""
    tokenizer = reader().tokenizer
    start = np.full((1, ISO_LENGTH + 2), -1, np.int32)  # [BOS], the date, [EOS]
    start[0, 0] = tokenizer.bos_id
    sources = encode([text], start)
    return sources, by_steps(sources, start)[0]


def wrong_token(token: int, offset: int) -> int:
    """Another digit for a digit (``offset`` further, 9 followed by 0), and the digit ``offset`` for anything else."""
    digits = reader().tokenizer.target("0123456789")[1:-1]
    return int(digits[(digits.index(token) + offset) % 10 if token in digits else offset])


def with_error(gold: np.ndarray, step: int, offset: int) -> np.ndarray:
    """``gold`` [N, T + 1] with the token of ``step`` (1 is the first that is written) replaced by a wrong one."""
    column = np.array([wrong_token(int(token), offset) for token in gold[:, step]], np.int32)
    return np.concatenate([gold[:, :step], column[:, None], gold[:, step + 1 :]], axis=1)
