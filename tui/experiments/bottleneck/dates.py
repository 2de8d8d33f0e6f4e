"""The cross-attention head of the trained date model that looks where a person would: an alignment nobody labeled."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np

from mlxformer.backend import mx
from mlxformer.pretrained import load_pretrained
from mlxformer.pretrained.dates.evaluation import alignment
from mlxformer.pretrained.dates.formats import FORMATS
from tui.experiments.contract import Report, silent
from tui.experiments.shared.kept import kept
from tui.experiments.shared.reported_trace import traced

PER_FORMAT = 8


@cache
def _reader() -> Any:
    return load_pretrained("dates")


@kept(apart=True, beforehand=[()])
def by_head() -> dict[str, float]:
    """``layer.head`` -> share of the digits written while its peak lies in the source's year, month or day for it."""
    return alignment(_reader(), list(FORMATS), count=PER_FORMAT)


def best_head() -> str:
    shares = by_head()
    return max(shares, key=lambda name: shares[name])


@kept(size=8)
def weights(head: str, text: str, *, report: Report = silent) -> tuple[list[str], str, np.ndarray]:
    """The source's tokens, what the model makes of ``text``, and the weights [Tt, Ts] of ``head`` as it is written."""
    reader = _reader()
    tokenizer, written = reader.tokenizer, reader(text)
    source, target = (tokenizer.pad([ids]) for ids in (tokenizer.source(text), tokenizer.target(written)))
    layer, number = head.split(".")
    with traced(report, 0.8) as steps:
        reader.model(mx.array(source), mx.array(target[:, :-1]))
    found = steps[f"decoder.layers.{layer}.cross_attention.weights"].value[0, int(number)]
    return [tokenizer.tokens[int(token)] for token in source[0]], written, found[: len(written)]
