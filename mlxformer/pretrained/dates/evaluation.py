"""What a date model can do, measured on dates of which no format was trained."""

from __future__ import annotations

import datetime
import random
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from mlxformer.backend import mx
from mlxformer.pretrained.dates.formats import FORMATS, Field, WrittenDate, write_date
from mlxformer.pretrained.dates.reader import ISO_LENGTH, DateReader
from mlxformer.pretrained.dates.split import held_out_dates
from mlxformer.pretrained.dates.tokenizer import DateTokenizer
from mlxformer.tracing import trace

SEED = 20_261_123
BATCH = 256
# Which field each character of 2026-11-23 belongs to; the dashes to none.
TARGET_FIELDS: tuple[Field | None, ...] = (
    "year", "year", "year", "year", None, "month", "month", None, "day", "day"
)  # fmt: skip
ENGLISH = tuple(name for name in FORMATS if name.isascii())
CHINESE = tuple(name for name in FORMATS if not name.isascii())
# Not what the model is for: what it gives is on its card.
OUTSIDE = (
    "03/04/2026", "23/11/26", "Nov 23", "30 February 2026", "2026-11-23", "31 April 2026", "2026年13月45日",
    "November 23, 1850", "tomorrow", "hello", "明天", "十一月二十三日",
)  # fmt: skip

Progress = Callable[[float], None]


def held_out(name: str, count: int | None = None) -> list[tuple[datetime.date, WrittenDate]]:
    """Held-out dates in one format, each with how it is written; the same at every call.

    Args:
        name: of the format, a key of ``FORMATS``.
        count: the first so many of a fixed shuffle, 29 February first; None means all.

    Returns:
        The dates, and where their fields stand in the text.

    >>> from mlxformer.pretrained.dates.evaluation import held_out
    >>> date, written = held_out("20261123", 1)[0]
    >>> written.text == f"{date:%Y%m%d}"
    True
    """
    generator = random.Random(f"{SEED}/{name}")
    dates = held_out_dates()
    if count is not None:
        leap_days = [date for date in dates if (date.month, date.day) == (2, 29)]
        others = [date for date in dates if (date.month, date.day) != (2, 29)]
        dates = (leap_days + generator.sample(others, len(others)))[:count]
    return [(date, write_date(date, name, generator)) for date in dates]


def exact(reader: DateReader, name: str, count: int | None = None) -> float:
    """The share of held-out dates of which every character is right.

    Args:
        reader: the model.
        name: of the format, a key of ``FORMATS``.
        count: of how many dates; None means all.

    Returns:
        0 to 1.

    >>> import mlxformer as mf
    >>> from mlxformer.pretrained.dates.evaluation import exact
    >>> exact(mf.load_pretrained("dates"), "23 November 2026", 10)
    1.0
    """
    pairs = held_out(name, count)
    right = 0
    for start in range(0, len(pairs), BATCH):
        batch = pairs[start : start + BATCH]
        read = reader([written.text for _, written in batch])
        right += sum(found == date.isoformat() for found, (date, _) in zip(read, batch, strict=True))
    return right / len(pairs)


def alignment(
    reader: DateReader, names: Sequence[str], count: int = 20, *, numbers_only: bool = False
) -> dict[str, float]:
    """For each cross-attention head, how often its peak lies in the source span of the field being written.

    Over the digits of the target, teacher-forced, on held-out dates.

    Args:
        reader: the model.
        names: of the formats, keys of ``FORMATS``.
        count: dates in each format.
        numbers_only: whether 年, 月, 日 and 号 are left out of the spans.

    Returns:
        ``layer.head`` -> share from 0 to 1.

    >>> import mlxformer as mf
    >>> from mlxformer.pretrained.dates.evaluation import alignment
    >>> len(alignment(mf.load_pretrained("dates"), ["20261123"], count=2))
    8
    """
    pairs = [pair for name in names for pair in held_out(name, count)]
    tokenizer: DateTokenizer = reader.tokenizer
    source_ids = mx.array(tokenizer.pad([tokenizer.source(written.text) for _, written in pairs]))
    target_ids = mx.array(tokenizer.pad([tokenizer.target(date.isoformat()) for date, _ in pairs]))
    with trace(only="*.cross_attention.weights") as steps:
        reader.model(source_ids, target_ids[:, :-1])
    spans = [
        {
            field: (start, end - (numbers_only and written.text[end - 1] in "年月日号"))
            for field, (start, end) in written.spans.items()
        }
        for _, written in pairs
    ]
    found: dict[str, float] = {}
    for layer, path in enumerate(steps.paths):
        peaks = steps[path].value.argmax(-1)  # [B, H, 11]
        for head in range(peaks.shape[1]):
            inside = [
                spans[row][field][0] <= peaks[row, head, position] < spans[row][field][1]
                for row in range(len(pairs))
                for position, field in enumerate(TARGET_FIELDS[:ISO_LENGTH])
                if field is not None
            ]
            found[f"{layer}.{head}"] = float(np.mean(inside))
    return found


def without_head(reader: DateReader, path: str, head: int, names: Sequence[str], count: int) -> float:
    """Exact match with one head's output switched off.

    Args:
        reader: the model.
        path: of the heads in a trace, ``encoder.layers.0.self_attention.heads``.
        head: its number, from 0.
        names: of the formats, keys of ``FORMATS``.
        count: dates in each format.

    Returns:
        The mean over the formats, 0 to 1.

    >>> import mlxformer as mf
    >>> from mlxformer.pretrained.dates.evaluation import without_head
    >>> 0 <= without_head(mf.load_pretrained("dates"), "encoder.layers.0.self_attention.heads", 0, ["20261123"], 4) <= 1
    True
    """

    def off(heads: mx.array) -> mx.array:
        keep = np.ones((1, heads.shape[1], 1, 1), np.float32)
        keep[0, head] = 0.0
        return heads * mx.array(keep)

    with trace(only="") as steps:
        steps.replace(path, off)
        return float(np.mean([exact(reader, name, count) for name in names]))


def ablations(reader: DateReader, count: int = 10, progress: Progress | None = None) -> dict[str, float]:
    """Exact match with each head switched off, one at a time.

    Args:
        reader: the model.
        count: dates in each format.
        progress: told the share that is done.

    Returns:
        ``encoder.layers.0.self_attention/2`` -> share from 0 to 1.

    >>> import mlxformer as mf
    >>> from mlxformer.pretrained.dates.evaluation import ablations
    >>> shares = ablations(mf.load_pretrained("dates"))  # doctest: +SKIP
    >>> shares["decoder.layers.1.cross_attention/0"]  # doctest: +SKIP
    """
    config = reader.model.config
    places = [f"encoder.layers.{layer}.self_attention" for layer in range(config.num_encoder_layers)]
    for layer in range(config.num_decoder_layers):
        places += [f"decoder.layers.{layer}.self_attention", f"decoder.layers.{layer}.cross_attention"]
    todo = [(place, head) for place in places for head in range(config.num_heads)]
    scores = {}
    for done, (place, head) in enumerate(todo):
        scores[f"{place}/{head}"] = without_head(reader, f"{place}.heads", head, list(FORMATS), count)
        if progress is not None:
            progress((done + 1) / len(todo))
    return scores


def measure(reader: DateReader, progress: Progress | None = None) -> tuple[dict[str, float], dict[str, Any]]:
    """The scores and the reports of the card.

    Args:
        reader: the model.
        progress: told the share that is done.

    Returns:
        name -> score, and name -> report.

    >>> import mlxformer as mf
    >>> from mlxformer.pretrained.dates.evaluation import measure
    >>> scores, reports = measure(mf.load_pretrained("dates"))  # doctest: +SKIP
    """
    scores = {}
    for done, name in enumerate(FORMATS):
        scores[name] = exact(reader, name)
        if progress is not None:
            progress((done + 1) / len(FORMATS) / 2)
    scores["worst-format"] = min(scores.values())
    heads: dict[str, Mapping[str, float]] = {"en": alignment(reader, ENGLISH), "zh": alignment(reader, CHINESE)}
    for language, by_head in heads.items():
        scores[f"best-head-alignment-{language}"] = max(by_head.values())
    best = {head: min(heads["en"][head], heads["zh"][head]) for head in heads["en"]}
    scores["best-head-alignment"] = max(best.values())
    later = None if progress is None else (lambda fraction: progress(0.5 + fraction / 2))
    reports = {
        "held-out dates": len(held_out_dates()),
        "alignment by cross-attention head": heads,
        "alignment without 年, 月, 日 and 号": {"zh": alignment(reader, CHINESE, numbers_only=True)},
        "exact match without one head": ablations(reader, progress=later),
        "outside its purpose": {text: reader(text) for text in OUTSIDE},
    }
    return scores, reports
