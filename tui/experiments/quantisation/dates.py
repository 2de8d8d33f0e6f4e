"""The shipped date model with rounded weights: how many dates it still writes, and how far its predictions move."""

from __future__ import annotations

import random
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import Any

import numpy as np

import mlxformer as mf
from mlxformer.backend import mx, to_numpy, tree_flatten
from mlxformer.pretrained.dates.formats import FORMATS, write_date
from mlxformer.pretrained.dates.split import held_out_dates
from mlxformer.teaching.quantization import quantize_weights
from tui.experiments.shared.kept import kept
from tui.experiments.shared.knobs import SEEDS_BEFOREHAND

COUNT = 48  # held-out dates, four in each format
BITS = (8, 6, 5, 4, 3)


@dataclass(frozen=True)
class Reading:
    """exact: % of dates of which every token is right; divergence: mean KL(float32 ‖ this) of a token, in nats."""

    exact: float
    divergence: float
    kilobytes: float


@cache
def _reader() -> Any:
    """A model of our own, whose weights are set anew for every reading."""
    return mf.load_pretrained("dates")


@cache
def _weights() -> dict[str, Any]:
    return {path: mx.array(to_numpy(value)) for path, value in dict(tree_flatten(_reader().model.parameters())).items()}


@lru_cache(maxsize=8)
def _sources(seed: int) -> tuple[Any, np.ndarray]:
    source = random.Random(seed)
    dates = source.sample(held_out_dates(), COUNT)
    texts = [write_date(date, list(FORMATS)[i % len(FORMATS)], source).text for i, date in enumerate(dates)]
    tokenizer = _reader().tokenizer
    ids = mx.array(tokenizer.pad([tokenizer.source(text) for text in texts]))
    return ids, tokenizer.pad([tokenizer.target(date.isoformat()) for date in dates])


@lru_cache(maxsize=8)
def _log_probabilities(seed: int) -> np.ndarray:
    return _predict(seed)


def _predict(seed: int) -> np.ndarray:
    """[N, T, V] after the gold prefix, of the model as its weights stand."""
    ids, gold = _sources(seed)
    logits = to_numpy(_reader().model(ids, mx.array(gold[:, :-1]))).astype(np.float64)
    logits -= logits.max(-1, keepdims=True)
    return logits - np.log(np.exp(logits).sum(-1, keepdims=True))


def read(seed: int, bits: int, per_channel: bool) -> Reading:
    """With the weights in ``bits`` bits; 32 leaves them as they are."""
    return Reading(*_read(seed, bits, per_channel))


@kept(apart=True, beforehand=[(seed, 32, False) for seed in SEEDS_BEFOREHAND]
      + [(seed, bits, each) for seed in SEEDS_BEFOREHAND for bits in BITS for each in (True, False)])  # fmt: skip
def _read(seed: int, bits: int, per_channel: bool) -> tuple[float, float, float]:
    """The fields of ``Reading``."""
    model, weights = _reader().model, _weights()
    model.load_weights(list(weights.items()))
    whole = _log_probabilities(seed)
    size = 4 * sum(int(value.size) for value in weights.values())
    if bits < 32:
        size = quantize_weights(model, bits, per_channel=per_channel)["quantized"]
    rounded = _predict(seed)
    written = rounded.argmax(-1) == _sources(seed)[1][:, 1:]
    divergence = (np.exp(whole) * (whole - rounded)).sum(-1).mean()
    return 100 * float(written.all(1).mean()), max(float(divergence), 0.0), size / 1024
