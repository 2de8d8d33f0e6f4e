"""The hidden units of a decoder layer of the shipped date model: when each fires, what it promotes, what goes with it.

Read as Geva et al. 2021, §2, read a feed-forward: unit i has a key, its row of W_1, and a value, its column of W_2, and
the layer's output is the sum of the values, each as much as its key was hit.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache, lru_cache, partial
from typing import Any

import numpy as np

import mlxformer as mf
from mlxformer.backend import mx, to_numpy, tree_flatten
from mlxformer.pretrained.dates.formats import FORMATS, write_date
from mlxformer.pretrained.dates.split import held_out_dates
from tui.experiments.contract import Report, silent
from tui.experiments.shared.kept import kept

COUNT = 24  # held-out dates, two in each format
SIGNS = "0123456789-"  # all that a date is written with
Changes = Mapping[str, Callable[[Any], Any]]


@cache
def reader() -> Any:
    """The model, loaded once: its weights never change here."""
    return mf.load_pretrained("dates")


@cache
def sign_ids() -> list[int]:
    return [int(token) for token in reader().tokenizer.target(SIGNS)[1:-1]]


@cache
def _parameters() -> dict[str, np.ndarray]:
    found: dict[str, Any] = dict(tree_flatten(reader().model.parameters()))
    return {path: to_numpy(value).astype(np.float64) for path, value in found.items()}


@dataclass(frozen=True)
class Sources:
    """memory [N, Ts, C] of the encoder, the mask of its padding, and the gold targets [N, T + 1] from [BOS] on."""

    memory: Any
    mask: Any
    gold: np.ndarray

    @property
    def written(self) -> np.ndarray:
        """What is to be written: [N, T]."""
        return self.gold[:, 1:]


@lru_cache(maxsize=4)
def held_out(seed: int) -> Sources:
    """Dates of which no format was trained, each format as often; the encoder's part is not run again."""
    source = random.Random(seed)
    dates = source.sample(held_out_dates(), COUNT)
    texts = [write_date(date, list(FORMATS)[i % len(FORMATS)], source).text for i, date in enumerate(dates)]
    tokenizer, model = reader().tokenizer, reader().model
    ids = mx.array(tokenizer.pad([tokenizer.source(text) for text in texts]))
    mask = model.source_padding(ids)
    gold = tokenizer.pad([tokenizer.target(date.isoformat()) for date in dates])
    return Sources(model.encode(ids, mask), mask, gold)


def path_of(layer: int | str, name: str) -> str:
    return f"decoder.layers.{layer}.feed_forward.{name}"


def decode(sources: Sources, changes: Changes, opened: Callable[[], mf.Trace]) -> tuple[np.ndarray, mf.Trace]:
    """Whether each token is right, [N, T], after the gold prefix, and the trace.

    A date of which all are right is one that greedy search writes rightly.
    """
    with opened() as steps:
        for pattern, change in changes.items():
            steps.replace(pattern, change)
        logits = reader().model.decode(mx.array(sources.gold[:, :-1]), sources.memory, sources.mask)
    return to_numpy(logits).argmax(-1) == sources.written, steps


@kept(size=8)
def whole(seed: int, layer: int, *, report: Report = silent) -> tuple[np.ndarray, mf.Trace]:
    """Whether each token is right with nothing changed, and the trace of the layer."""
    only = path_of(layer, "*")
    opened = partial(mf.trace, on_step=lambda path: report(0.3, path), only=only, origins=True)
    return decode(held_out(seed), {}, opened)


@kept()
def right_without(seed: int, layer: int, units: tuple[int, ...], width: int, *, report: Report = silent) -> np.ndarray:
    """Whether each token is right with these hidden units of a layer at 0, [N, T]."""
    changes = {path_of(layer, "activated"): switched_off(np.array(units, int), width)}
    return decode(held_out(seed), changes, partial(mf.trace, on_step=lambda path: report(0.5, path), only=""))[0]


@kept()
def without_any(seed: int, *, report: Report = silent) -> np.ndarray:
    """Whether each token is right without the decoder's feed-forwards, [N, T]."""
    changes = {path_of("*", "output"): mx.zeros_like}
    return decode(held_out(seed), changes, partial(mf.trace, on_step=lambda path: report(0.6, path), only=""))[0]


@kept()
def read_unchanged(text: str, feeds: bool) -> list[str]:
    """``read_date`` with nothing changed, or without the decoder's feed-forwards."""
    return read_date(text, {} if feeds else {path_of("*", "output"): mx.zeros_like})


def switched_off(units: np.ndarray, width: int) -> Callable[[Any], Any]:
    """Multiplies these hidden units by 0 on their way."""
    kept = np.ones(width, np.float32)
    kept[units] = 0.0
    return lambda activated: activated * mx.array(kept)


@dataclass(frozen=True)
class Memory:
    """One layer's units on some text. activated [N, T, F], output [N, T, C], values [F, C], bias [C];
    fires [signs, F] the mean activation while a sign is written, promotes [signs, F] the value's product with its
    embedding."""

    activated: np.ndarray
    output: np.ndarray
    values: np.ndarray
    bias: np.ndarray
    fires: np.ndarray
    promotes: np.ndarray

    @property
    def strength(self) -> np.ndarray:
        """How much a unit adds to the output on average: mean activation times ‖value‖, [F]."""
        return self.activated.mean((0, 1)) * np.linalg.norm(self.values, axis=1)

    def summed(self) -> np.ndarray:
        """Σ_i a_i v_i + b, unit by unit in float64: [N, T, C]."""
        total = np.zeros(self.output.shape) + self.bias
        for unit, value in enumerate(self.values):
            total += self.activated[..., unit, None].astype(np.float64) * value
        return total

    def of_sign(self, sign: int, count: int) -> np.ndarray:
        """The ``count`` units that add most while ``sign`` is written, compared with the other signs."""
        others = np.delete(self.fires, sign, axis=0).mean(0)
        return np.argsort(-(self.fires[sign] - others) * np.linalg.norm(self.values, axis=1))[:count]


def memory_of(steps: mf.Trace, layer: int, sources: Sources) -> Memory:
    parameters = _parameters()
    activated = steps[path_of(layer, "activated")].value
    values = parameters[path_of(layer, "down_proj.weight")].T  # [F, C]
    ids = sign_ids()
    return Memory(
        activated,
        steps[path_of(layer, "output")].value,
        values,
        parameters[path_of(layer, "down_proj.bias")],
        np.stack([_mean_while(activated, sources.written == sign) for sign in ids]),
        parameters["source_embedding.weight"][ids] @ values.T,
    )


def _mean_while(activated: np.ndarray, written: np.ndarray) -> np.ndarray:
    """[F]; zero for a sign that none of the dates has."""
    return activated[written].mean(0) if written.any() else np.zeros(activated.shape[-1], activated.dtype)


def read_date(text: str, changes: Changes) -> list[str]:
    """The tokens that the model writes by greedy search, those that end it left out."""
    tokenizer = reader().tokenizer
    ids = mx.array(tokenizer.pad([tokenizer.source(text)]))
    with mf.trace(only="") as steps:
        for pattern, change in changes.items():
            steps.replace(pattern, change)
        written = to_numpy(reader().model.generate(ids, max_length=12))[0]
    special = {tokenizer.bos_id, tokenizer.eos_id, tokenizer.pad_id}
    return [tokenizer.tokens[int(token)] for token in written if int(token) not in special]
