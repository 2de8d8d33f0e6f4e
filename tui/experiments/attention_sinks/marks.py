"""How much of their attention words give to [CLS] and [SEP] in the shipped bert-mini."""

from __future__ import annotations

from functools import cache
from typing import Any, NamedTuple

import numpy as np

import mlxformer as mf
from mlxformer.backend import to_numpy
from mlxformer.pretrained.masked.samples import Kind, samples
from tui.experiments.shared.kept import kept

LINES = 8  # of each kind
LONGEST = 16


class Marks(NamedTuple):
    """By layer, the weight to [CLS] and [SEP] together; and what uniform attention would give. In per cent."""

    per_cent: list[float]
    uniform: float


@cache
def _reader() -> Any:
    return mf.load_pretrained("bert-mini")


@kept()
def weight_to_marks() -> Marks:
    """Over a few held-out lines of each kind, from words alone, all heads alike."""
    kinds: tuple[Kind, ...] = ("tang", "lunyu", "verse")
    texts = [text for kind in kinds for text in samples(kind, held_out=True)[:LINES]]
    batch = _reader().tokenizer(texts, max_length=LONGEST)
    lengths = to_numpy(batch.attention_mask).sum(1)
    rows = np.arange(len(lengths))
    place = np.arange(batch.input_ids.shape[1])
    is_word = (place[None] > 0) & (place[None] < lengths[:, None] - 1)
    with mf.trace(only="*.self_attention.weights") as steps:
        _reader().model.bert(**batch)
    per_cent = []
    for layer in range(len(_reader().model.bert.encoder.layers)):
        weights = steps[f"encoder.layers.{layer}.self_attention.weights"].value.mean(1)  # [N, T, T]
        given = weights[:, :, 0] + weights[rows, :, lengths - 1]
        per_cent.append(100.0 * float(given[is_word].mean()))
    return Marks(per_cent, 100.0 * float((2.0 / lengths)[:, None].repeat(len(place), 1)[is_word].mean()))
