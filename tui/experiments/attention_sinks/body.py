"""Trains a head with each softmax, looks where its weight goes, and streams texts through caches that forget."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

import mlxformer as mf
from mlxformer.backend import mx, to_numpy
from questions.bilingual import Bilingual
from tui.experiments.attention_sinks.declaration import EXPERIMENT
from tui.experiments.attention_sinks.marks import Marks, weight_to_marks
from tui.experiments.attention_sinks.successors import (
    BOS,
    TRAINED_LETTERS,
    Kind,
    Streamed,
    Texts,
    draw_texts,
    embed,
    stream,
    trained_head,
)
from tui.experiments.contract import Check, Report, Result
from tui.experiments.shared.reported_trace import traced
from tui.figures.data import Bars, Curve, Figure, Heatmap, Series, Stage

STREAMS, STREAM_LETTERS = 8, 48
SHOWN_TEXTS = 64
FIRST = 1  # tokens kept beside the window: [BOS] alone, since older letters would be answers out of date
EARLY = 4  # before that a row has so few keys that [BOS] has much weight anyway


def run(knobs: Mapping[str, Any], report: Report) -> Result:
    letters, window = int(knobs["letters"]), int(knobs["window"])
    seed, steps = int(knobs["seed"]), int(knobs["training_steps"])
    other: Kind = "plus-one" if knobs["plus_one"] else "softmax"
    plain = trained_head(letters, "softmax", seed, steps, report, 0.0, 0.4)
    plus = trained_head(letters, other, seed, steps, report, 0.4, 0.8)

    short = draw_texts(
        np.random.default_rng([seed, letters, 1]), SHOWN_TEXTS, TRAINED_LETTERS, letters, TRAINED_LETTERS
    )
    with traced(report, 0.8) as plain_steps:
        weights, values, outputs = _run(plain, short, letters, plain_steps)
    with traced(report, 0.85) as plus_steps:
        plus_weights, plus_values, plus_outputs = _run(plus, short, letters, plus_steps)
    report(0.9, "streaming")
    long = draw_texts(np.random.default_rng([seed, letters, 2]), STREAMS, STREAM_LETTERS, letters, window)
    keep = FIRST if knobs["keep_first"] else 0
    arms = {
        "window": stream(plain, long, letters, 0 if knobs["evict_first"] else FIRST, window),
        "kept": stream(plain, long, letters, keep, window if knobs["evict"] else None),
        "plus-window": stream(plus, long, letters, 0, window),
        "plus-kept": stream(plus, long, letters, FIRST, window),
    }
    marks = weight_to_marks()
    bare = values.copy()
    bare[:, 0] = 0.0  # [BOS] without its value
    changed = _error(weights @ bare, short) - _error(outputs, short)
    idle = ~short.answered
    idle[:, :EARLY] = False
    checks = [
        EXPERIMENT.measured("sink-mass", 100.0 * float(weights[idle][:, 0].mean()), 80.0),
        EXPERIMENT.measured("sink-is-idle", 100.0 * _value_ratio(plain, letters), 10.0),
        EXPERIMENT.measured("value-removed", abs(changed), 0.01),
        *_streaming(arms, long, window),
        EXPERIMENT.measured("rows-below-one", 100.0 * float(plus_weights[idle].sum(-1).mean()), 30.0),
        EXPERIMENT.measured("bert-mini-marks", max(marks.per_cent), 100 / 3),
        _key_more(plus_steps, plus_values, plus_outputs, bool(knobs["ghost_value"])),
    ]
    figures: list[Figure] = [_curve(arms, window), _maps(short, weights, plus_weights, letters), _marks(marks)]
    return Result(figures, checks, tuple(plain_steps))


def _run(head: Any, texts: Texts, letters: int, steps: Any) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Weights [N, T + 1, T + 1], values [N, T + 1, D] and outputs [N, T + 1, V + 1] over whole texts."""
    x = embed(texts.ids, letters)
    outputs = to_numpy(head(x, x, x, "causal"))
    return steps["weights"].value[:, 0], steps["values"].value[:, 0], outputs


def _error(outputs: np.ndarray, texts: Texts) -> float:
    return float(np.square(outputs - texts.wanted, dtype=np.float64).sum(-1)[:, EARLY:].mean())


def _value_ratio(head: Any, letters: int) -> float:
    """‖v([BOS])‖ over the mean of ‖v(letter)‖."""
    values = to_numpy(head.out_proj(head.value_proj(embed(np.arange(letters + 1)[None], letters))))[0]
    lengths = np.linalg.norm(values.astype(np.float64), axis=-1)
    return float(lengths[-1] / lengths[:-1].mean())


def _streaming(arms: Mapping[str, Streamed], texts: Texts, window: int) -> list[Check]:
    """Errors at the places at which something has been forgotten, the same for every arm."""
    late = slice(window + FIRST, None)
    error = {name: float(arm.errors[:, late].mean()) for name, arm in arms.items()}
    silence = float(texts.answered[:, late].mean())  # ‖0 − wanted‖² is 1 where there is an answer
    return [
        EXPERIMENT.measured("window-error", error["window"], 5.0 * error["kept"]),
        EXPERIMENT.measured("kept-error", error["kept"], 0.5 * silence),
        EXPERIMENT.measured("cache-held", float(arms["kept"].held), float(window + FIRST)),
        EXPERIMENT.measured("plus-one-loses-nothing", abs(error["plus-window"] - error["plus-kept"]), 0.05),
    ]


def _key_more(steps: Any, values: np.ndarray, outputs: np.ndarray, with_value: bool) -> Check:
    """The head's own queries, keys and values with one key more, through a plain softmax."""
    q, k = (mx.array(steps[name].value) for name in ("queries", "keys"))
    v = mx.array(values[:, None])
    pad = mx.zeros_like(k[:, :, :1])
    length = k.shape[2]
    mask = mx.concatenate([mf.masks.causal(length, length), mx.ones((length, 1), dtype=mx.bool_)], axis=1)
    more = mf.scaled_dot_product_attention(
        q, mx.concatenate([k, pad], axis=2), mx.concatenate([v, pad + 1.0 if with_value else pad], axis=2), mask=mask
    )
    return EXPERIMENT.measured(
        "plus-one-is-a-key-more", float(np.abs(to_numpy(more)[:, 0] - outputs).max()), 0.0, 1e-5
    )  # fmt: skip


def _curve(arms: Mapping[str, Streamed], window: int) -> Curve:
    """The error along the stream; each point is a mean over three places, and no mean spans the first eviction."""
    width = 3
    starts = range(window % width or width, STREAM_LETTERS + 2 - width, width)
    places = [start + (width - 1) / 2 for start in starts]

    def series(label: Bilingual, arm: str) -> Series:
        return Series(label, places, [float(arms[arm].errors[:, at : at + width].mean()) for at in starts])

    return Curve(
        Bilingual(f"流式：缓存留最近 {window} 个，误差沿文本的变化",
                  f"Streaming with the latest {window} tokens kept: the error along the text"),
        Bilingual("第几个字母", "letter of the text"),
        Bilingual("误差", "error"),
        [
            series(Bilingual("softmax，只留最近", "softmax, latest only"), "window"),
            series(Bilingual("softmax，加最早 1 个", "softmax, first kept"), "kept"),
            series(Bilingual("加一，只留最近", "plus one, latest only"), "plus-window"),
        ],
        log_y=True,
        marks=[(float(window), Bilingual("[BOS] 被丢掉", "[BOS] goes"))],
        name="stream",
    )  # fmt: skip


def _maps(texts: Texts, weights: np.ndarray, plus: np.ndarray, letters: int) -> Heatmap:
    """The text with about as many letters with an answer as without."""
    count = texts.answered.sum(-1)
    row = int(np.abs(count - texts.answered.shape[1] // 2).argmin())
    names = _names(texts.ids[row], letters)
    rows = [f"{name}?" if found else name for name, found in zip(names, texts.answered[row], strict=True)]
    return Heatmap(
        Bilingual("一段文本里每个字母看哪里（带 ? 的前文有它的后一个字母）",
                  "Where each letter of a text looks (with ?: its successor is there)"),
        [
            Stage("plus-one", Bilingual("softmax 加一", "softmax plus one"), plus[row][None]),
            Stage("softmax", Bilingual("softmax", "softmax"), weights[row][None]),
        ],
        rows=rows,
        columns=names,
        name="weights",
    )  # fmt: skip


def _marks(marks: Marks) -> Bars:
    layers = [Bilingual(f"第 {n} 层", f"layer {n}") for n in range(1, len(marks.per_cent) + 1)]
    return Bars(
        Bilingual("bert-mini：词给 [CLS] 和 [SEP] 的权重（各头平均）",
                  "bert-mini: weight that words give [CLS] and [SEP] (mean of the heads)"),
        layers,
        marks.per_cent,
        Bilingual("权重 %", "weight, %"),
        reference=(marks.uniform, Bilingual("均匀", "uniform")),
        name="bert-mini",
    )  # fmt: skip


def _names(ids: Sequence[int] | np.ndarray, letters: int) -> list[str]:
    return [BOS if index == letters else "ABCDEFGHIJKL"[int(index)] for index in ids]
