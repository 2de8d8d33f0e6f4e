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
    """Every held-out date (or the first ``count`` of a fixed shuffle), written in the format ``name``."""
    source = random.Random(f"{SEED}/{name}")
    dates = held_out_dates()
    if count is not None:
        leap_days = [date for date in dates if (date.month, date.day) == (2, 29)]
        others = [date for date in dates if (date.month, date.day) != (2, 29)]
        dates = (leap_days + source.sample(others, len(others)))[:count]
    return [(date, write_date(date, name, source)) for date in dates]


def exact(reader: DateReader, name: str, count: int | None = None) -> float:
    """The fraction of held-out dates in the format ``name`` of which every character is right."""
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

    Over the digits of the target, teacher-forced, on ``count`` held-out dates in each of the formats ``names``.
    numbers_only: leaves 年, 月, 日 and 号 out of the spans.
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
    """Exact match with one head's output switched off."""

    def off(heads: Any) -> Any:
        keep = np.ones((1, heads.shape[1], 1, 1), np.float32)
        keep[0, head] = 0.0
        return heads * mx.array(keep)

    with trace(only="") as steps:
        steps.replace(path, off)
        return float(np.mean([exact(reader, name, count) for name in names]))


def ablations(reader: DateReader, count: int = 10, progress: Progress | None = None) -> dict[str, float]:
    """Exact match with each head switched off, one at a time: ``encoder.layers.0.self_attention/2`` -> score."""
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
    """The scores and the reports of the card."""
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
