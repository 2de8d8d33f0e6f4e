"""The projections of the trained date model: how far apart they are, and what exchanging them does."""

from __future__ import annotations

import random
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np

from mlxformer.backend import mx, to_numpy, tree_flatten
from mlxformer.pretrained import load_pretrained
from mlxformer.pretrained.dates.formats import FORMATS, write_date
from mlxformer.pretrained.dates.split import held_out_dates
from tui.experiments.contract import Report

REPLACEMENTS = (("key", "value"), ("value", "key"), ("query", "key"), ("key", "query"))  # (what, by what)
LETTERS = {"query": "W_Q", "key": "W_K", "value": "W_V"}


@dataclass(frozen=True)
class Reading:
    """What the model reads with ``what`` replaced ``by`` another projection in every layer; None: untouched."""

    what: str | None
    by: str | None
    right: float  # per cent
    first: str  # what it makes of the first text


@dataclass(frozen=True)
class Trained:
    """The attentions' paths with ‖W_Q − W_K‖ / ‖W_Q‖ of each, and the readings."""

    layers: list[str]
    distances: list[float]
    text: str
    readings: list[Reading]


def measure(copy_query: bool, replace: bool, report: Report) -> Trained:
    """Reads one held-out date in each format, with the model as it ships and with each replacement."""
    report(0.5, "dates")
    return _measured(copy_query, replace)


@cache  # no knob that people turn changes it
def _measured(copy_query: bool, replace: bool) -> Trained:
    reader = load_pretrained("dates")
    weights: dict[str, Any] = dict(tree_flatten(reader.model.parameters()))
    projections = {path: value for path, value in weights.items() if path.endswith("query_proj.weight")}
    if copy_query:
        weights |= {path.replace("query_proj", "key_proj"): value for path, value in projections.items()}
    layers = [path.removesuffix(".query_proj.weight") for path in projections]
    distances = [
        _distance(to_numpy(weights[f"{layer}.query_proj.weight"]), to_numpy(weights[f"{layer}.key_proj.weight"]))
        for layer in layers
    ]
    texts, dates = _held_out()
    readings = []
    for what, by in ((None, None), *REPLACEMENTS):
        changed = dict(weights)
        if replace and what is not None:
            changed |= {f"{layer}.{what}_proj.weight": weights[f"{layer}.{by}_proj.weight"] for layer in layers}
        reader.model.load_weights([(path, mx.array(value)) for path, value in changed.items()])
        found = reader(texts)
        right = 100 * sum(one == other for one, other in zip(found, dates, strict=True)) / len(dates)
        readings.append(Reading(what, by, right, found[0]))
    return Trained(layers, distances, texts[0], readings)


def _held_out() -> tuple[list[str], list[str]]:
    """One date that was never trained on for each format, and how it should be read."""
    source = random.Random(0)
    dates = source.sample(held_out_dates(), len(FORMATS))
    texts = [write_date(date, name, source).text for date, name in zip(dates, FORMATS, strict=True)]
    return texts, [date.isoformat() for date in dates]


def _distance(one: np.ndarray, other: np.ndarray) -> float:
    return float(np.linalg.norm(one - other) / np.linalg.norm(one))
