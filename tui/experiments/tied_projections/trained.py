"""Two trained date models: how far apart the projections of the ordinary one are, and one trained with K = V."""

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
from questions.bilingual import Bilingual
from tui.experiments.contract import Report

PER_FORMAT = 2  # held-out dates in each of the 12 formats


@dataclass(frozen=True)
class Reading:
    """What one model reads of the held-out dates."""

    label: Bilingual
    right: float  # per cent
    first: str  # what it makes of the first text
    parameters: int


@dataclass(frozen=True)
class Trained:
    """The attentions' paths with ‖W_Q − W_K‖ / ‖W_Q‖ of each, and the readings: separate, tied, tied afterwards."""

    layers: list[str]
    distances: list[float]
    text: str
    separate: Reading
    tied: Reading
    tied_later: Reading


def measure(copy_query: bool, report: Report) -> Trained:
    """Reads held-out dates with both models as they ship, and with the ordinary one tied only after its training."""
    report(0.5, "dates")
    return _measured(copy_query)


@cache  # no knob that people turn changes it
def _measured(copy_query: bool) -> Trained:
    reader, twin = load_pretrained("dates"), load_pretrained("dates-tied-kv")
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
    separate = _read(Bilingual("三个投影各自训练", "three projections, as trained"), reader, texts, dates)
    tied = _read(Bilingual("从头就用 K = V 训练", "trained with K = V from the start"), twin, texts, dates)
    keys = {f"{layer}.value_proj.weight": weights[f"{layer}.key_proj.weight"] for layer in layers}
    reader.model.load_weights([(path, mx.array(value)) for path, value in (weights | keys).items()])
    later = _read(Bilingual("训练之后才令 W_V = W_K", "W_V := W_K only after training"), reader, texts, dates)
    return Trained(layers, distances, texts[0], separate, tied, later)


def _read(label: Bilingual, reader: Any, texts: list[str], dates: list[str]) -> Reading:
    found = reader(texts)
    right = 100 * sum(one == other for one, other in zip(found, dates, strict=True)) / len(dates)
    parameters: dict[str, Any] = dict(tree_flatten(reader.model.parameters()))
    return Reading(label, right, found[0], sum(int(value.size) for value in parameters.values()))


def _held_out() -> tuple[list[str], list[str]]:
    """Dates that were never trained on, as many in each format, and how they should be read."""
    source = random.Random(0)
    names = list(FORMATS) * PER_FORMAT
    dates = source.sample(held_out_dates(), len(names))
    texts = [write_date(date, name, source).text for date, name in zip(dates, names, strict=True)]
    return texts, [date.isoformat() for date in dates]


def _distance(one: np.ndarray, other: np.ndarray) -> float:
    return float(np.linalg.norm(one - other) / np.linalg.norm(one))
