"""The shipped date model reading held-out dates with some of its parts switched off."""

from __future__ import annotations

import datetime
import random
from dataclasses import dataclass, replace
from functools import cache, lru_cache
from typing import Any, Literal

import numpy as np

import mlxformer as mf
from mlxformer.backend import mx, to_numpy
from mlxformer.inspection.ablation import PARTS, Part, switch_off
from mlxformer.pretrained import load_pretrained
from mlxformer.pretrained.dates.formats import FORMATS, write_date
from mlxformer.pretrained.dates.reader import ISO_LENGTH
from mlxformer.pretrained.dates.split import held_out_dates
from tui.experiments.contract import Report, silent
from tui.experiments.shared.kept import kept
from tui.experiments.shared.knobs import SEEDS_BEFOREHAND

DATE = "23 November 2026"  # as declared
PER_FORMAT = 8
HEADS = 4


@cache
def reader(name: str = "dates") -> Any:
    """A shipped model, loaded once: its weights never change here."""
    return load_pretrained(name)


@dataclass(frozen=True)
class Without:
    """What is switched off: parts, and all heads but the first so many."""

    parts: tuple[Part, ...] = ()
    heads: int = HEADS

    def is_whole(self) -> bool:
        return not self.parts and self.heads == HEADS


@dataclass(frozen=True)
class Dates:
    """Sources [N, Ts], and their targets [N, T + 1] from [BOS] on."""

    sources: np.ndarray
    gold: np.ndarray

    def other_sources(self) -> Dates:
        """Each target beside the source of another date."""
        return replace(self, sources=np.roll(self.sources, 1, axis=0))

    def shuffled(self, seed: int) -> Dates:
        """The characters of each source in another order, [EOS] and padding at their places."""
        generator, eos = np.random.default_rng(seed), reader().tokenizer.eos_id
        rows = []
        for row in self.sources:
            end = int(np.argmax(row == eos))
            rows.append(np.concatenate([generator.permutation(row[:end]), row[end:]]))
        return replace(self, sources=np.stack(rows))


@dataclass(frozen=True)
class Reading:
    """Shares in per cent of the dates, and of the characters after a right prefix, that are right; a date written."""

    dates: float
    characters: float
    written: str


@cache
def _all_held_out() -> list[datetime.date]:
    return held_out_dates()  # found by a hash of every date of two centuries


@lru_cache(maxsize=16)
def held_out(seed: int) -> Dates:
    """Dates of which no format was trained, each format as often; ``seed`` draws them."""
    source, tokenizer = random.Random(seed), reader().tokenizer
    dates = source.sample(_all_held_out(), PER_FORMAT * len(FORMATS))
    texts = [write_date(date, list(FORMATS)[i % len(FORMATS)], source).text for i, date in enumerate(dates)]
    return Dates(
        tokenizer.pad([tokenizer.source(text) for text in texts]),
        tokenizer.pad([tokenizer.target(date.isoformat()) for date in dates]),
    )


def logits(dates: Dates, off: Without, report: Report, name: str = "dates") -> np.ndarray:
    """Teacher-forced: [N, T, V]."""
    model = reader(name).model
    with mf.trace(on_step=lambda path: report(0.5, path), only="") as steps:  # to change it: nothing is recorded
        switch_off(steps, model, *off.parts, heads_kept=off.heads)
        return to_numpy(model(mx.array(dates.sources), mx.array(dates.gold[:, :-1])))


@kept(beforehand=[(seed, *change) for seed in SEEDS_BEFOREHAND
                  for change in (("other sources", ("cross_attention",)), ("shuffled", ("positions",)))])  # fmt: skip
def change(
    seed: int, how: Literal["other sources", "shuffled"], off: tuple[Part, ...], *, report: Report = silent
) -> tuple[float, float]:
    """The largest difference that changed sources make in the logits: as it is, and over the largest logit."""
    dates = held_out(seed)
    first = logits(dates, Without(off), report)
    second = logits(dates.other_sources() if how == "other sources" else dates.shuffled(seed), Without(off), report)
    difference = float(np.abs(first - second).max())
    return difference, difference / max(1.0, float(np.abs(first).max()))


def read(seed: int, text: str, off: Without, report: Report, name: str = "dates") -> Reading:
    """Greedy search writes the right date just where every most probable token after the right prefix is right.

    So one teacher-forced pass tells what generating token by token would write, all dates at once.
    """
    return Reading(
        *shares(seed, off.parts, off.heads, name, report=report),
        written(text, off.parts, off.heads, name, report=report),
    )


ALONE: tuple[tuple[tuple[Part, ...], int], ...] = (
    ((), HEADS),
    *(((part,), HEADS) for part in PARTS),
    ((), 1),
    ((), 2),
    ((), 3),
)


@kept(size=128, beforehand=[(seed, *off, "dates") for seed in SEEDS_BEFOREHAND for off in ALONE]
      + [(seed, (), HEADS, "dates-no-positions") for seed in SEEDS_BEFOREHAND])  # fmt: skip
def shares(seed: int, off: tuple[Part, ...], heads: int, name: str, *, report: Report = silent) -> tuple[float, float]:
    """In per cent of the dates, and of the characters after a right prefix: how many are right."""
    dates = held_out(seed)
    right = logits(dates, Without(off, heads), report, name).argmax(-1) == dates.gold[:, 1:]  # [N, T]
    return 100.0 * float(right.all(-1).mean()), 100.0 * float(right.mean())


@kept(beforehand=[(DATE, *off, "dates") for off in ALONE] + [(DATE, (), HEADS, "dates-no-positions")])
def written(text: str, off: tuple[Part, ...], heads: int, name: str, *, report: Report = silent) -> str:
    return write(text, Without(off, heads), report, name)


def write(text: str, off: Without, report: Report, name: str = "dates") -> str:
    """What the model, less what is off, generates for ``text``."""
    model, tokenizer = reader(name).model, reader(name).tokenizer
    source = mx.array(tokenizer.pad([tokenizer.source(text)]))
    with mf.trace(on_step=lambda path: report(0.5, path), only="") as steps:  # to change it: nothing is recorded
        switch_off(steps, model, *off.parts, heads_kept=off.heads)
        return str(tokenizer.decode(to_numpy(model.generate(source, max_length=ISO_LENGTH + 2))[0]))
