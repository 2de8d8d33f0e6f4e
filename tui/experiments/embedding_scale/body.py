"""Embeddings beside positions at initialization, and a trained model whose factor is changed on its way."""

from __future__ import annotations

import math
import random
from collections.abc import Mapping
from functools import cache, lru_cache
from typing import Any

import numpy as np

import mlxformer as mf
from mlxformer.backend import mx, nn, to_numpy, tree_flatten, without_values
from mlxformer.pretrained.dates.formats import FORMATS, write_date
from mlxformer.pretrained.dates.split import held_out_dates
from questions.bilingual import Bilingual
from tui.experiments.contract import Report, Result
from tui.experiments.embedding_scale.declaration import EXPERIMENT
from tui.experiments.shared.kept import kept
from tui.experiments.shared.knobs import SEEDS_BEFOREHAND
from tui.experiments.shared.random_weights import draw, load
from tui.experiments.shared.reported_trace import traced
from tui.figures.data import Curve, Figure, Series, Table

VOCAB, LENGTH, HEADS = 64, 32, 8
WIDTHS = (16, 64, 256, 1024)
DATES = 48
FACTORS = {"1/√d": 0.0, "1/2": 0.5, "3/4": 0.75, "1": 1.0, "3/2": 1.5, "2": 2.0}  # 0: see _multiple


def run(knobs: Mapping[str, Any], report: Report) -> Result:
    width, seed = int(knobs["d_model"]), int(knobs["seed"])
    generator = np.random.default_rng(seed)
    ids = generator.integers(3, VOCAB, (1, LENGTH)).astype(np.int32)
    weights = dict(_weights(width, seed))
    if knobs["unit_rows"]:
        weights["source_embedding.weight"] = weights["source_embedding.weight"] * np.float32(math.sqrt(width))

    def encoded(scale: bool) -> mf.Trace:
        """Without positions, so that words alone make the scores; what positions weigh is measured beside them."""
        model = load(_model(width, scale and not knobs["no_scale"]), weights)
        with traced(report, 0.3, model) as steps:
            model.encode(mx.array(ids))
        return steps

    with_factor, without = encoded(True), encoded(False)
    words, raw = (steps["source_tokens"].value.astype(np.float64) for steps in (with_factor, without))
    positions = to_numpy(mf.sinusoidal_positions(LENGTH, width)).astype(np.float64)
    shares = [100.0 * _square(positions) / (_square(positions) + _square(x)) for x in (raw, words)]
    scores = [float(steps["encoder.layers.0.self_attention.scaled"].value.std()) for steps in (with_factor, without)]
    logits = _tied_logits(weights["source_embedding.weight"], generator)
    report(0.6, "dates")
    readings = {name: _exact(name, seed) for name in FACTORS}
    kept, taken, doubled = readings["1"], readings["1/√d"], readings["2"]
    if knobs["no_scale"]:
        kept = taken
    elif knobs["keep_factor"]:
        taken = doubled = kept
    measured = EXPERIMENT.measured
    checks = [
        measured("raw-std", float(raw.std()), width**-0.5, 0.1 * width**-0.5),
        measured("scaled-std", float(words.std()), 1.0, 0.1),
        measured("positions-without", shares[0], 100.0 * width / (width + 2), 1.0),
        measured("positions-with", shares[1], 100.0 / 3, 5.0),
        measured("tied-logits-std", float(logits.std()), 1.0, 0.1),
        measured("scores-grow-by-d", scores[0] / scores[1], float(width), 1e-3 * width),
        measured("trained-as-it-is", kept, 95.0),
        measured("trained-without", taken, 5.0),
        measured("trained-doubled", doubled, kept - 30.0),
    ]
    figures: list[Figure] = [
        _trained_curve(readings, str(knobs["factor"])),
        _widths(width, seed),
        _summary(width, raw, words, shares, scores, positions),
        _readings(str(knobs["factor"]), seed),
    ]
    return Result(figures, checks, tuple(with_factor))


def _model(width: int, scale: bool) -> mf.Transformer:
    config = mf.TransformerConfig(
        VOCAB, width, HEADS, 1, 1, ffn_dims=1, dropout=0.0, positions="none", scale_embeddings=scale
    )
    with without_values():
        return mf.Transformer(config)


@lru_cache(maxsize=2)
def _weights(width: int, seed: int) -> dict[str, np.ndarray]:
    """The decoder, which is never run, holds zeros."""
    model = _model(width, True)
    parameters: dict[str, Any] = dict(tree_flatten(model.parameters()))
    zeros = {path: np.zeros(tuple(value.shape), np.float32) for path, value in parameters.items()}
    model.decoder = nn.Identity()  # type: ignore[assignment]
    return zeros | draw(np.random.default_rng([seed, 1]), model)


def _square(x: np.ndarray) -> float:
    return float(np.square(x).mean())


def _tied_logits(table: np.ndarray, generator: np.random.Generator) -> np.ndarray:
    """What the embedding, used as output layer, makes of outputs of unit variance, as a layer norm gives them."""
    embedding = nn.Embedding(*table.shape)
    embedding.weight = mx.array(table)
    outputs = generator.standard_normal((LENGTH, table.shape[1])).astype(np.float32)
    return to_numpy(embedding.as_linear(mx.array(outputs))).astype(np.float64)


@cache
def _reader() -> Any:
    """The model, loaded once: its weights never change here."""
    return mf.load_pretrained("dates")


def _multiple(name: str) -> float:
    """By how much the embeddings, √d times the rows already, are multiplied once more; 1/√d undoes the factor."""
    return FACTORS[name] or _reader().model.config.dims ** -0.5


@lru_cache(maxsize=64)
def _read(multiple: float, seed: int) -> tuple[tuple[str, str, str], ...]:
    """Held-out dates, each (text, what is due, what the model writes) with its embeddings times ``multiple``."""
    source = random.Random(seed)
    dates = source.sample(held_out_dates(), DATES)
    texts = [write_date(date, list(FORMATS)[i % len(FORMATS)], source).text for i, date in enumerate(dates)]
    tokenizer, model = _reader().tokenizer, _reader().model
    ids = mx.array(tokenizer.pad([tokenizer.source(text) for text in texts]))
    with mf.trace(only="source_tokens") as steps:
        for side in ("source", "target"):
            steps.replace(f"{side}_tokens", lambda x: x * multiple)
        written = to_numpy(model.generate(ids, max_length=12))
    return tuple(
        (text, date.isoformat(), tokenizer.decode(row)) for text, date, row in zip(texts, dates, written, strict=True)
    )


@kept(beforehand=[(name, seed) for name in FACTORS for seed in SEEDS_BEFOREHAND])
def _exact(name: str, seed: int) -> float:
    """The percentage of ``DATES`` that are read right with the factor ``name``."""
    read = _read(_multiple(name), seed)
    return 100.0 * sum(due == written for _, due, written in read) / len(read)


def _trained_curve(readings: dict[str, float], factor: str) -> Curve:
    return Curve(
        Bilingual(f"训练好的日期模型，运行时改倍数（{DATES} 个训练集之外的日期）",
                  f"The trained date model, its factor changed at run time ({DATES} held-out dates)"),
        Bilingual("倍数是原来的几倍（1/8 就是去掉 √64）", "times the factor it was trained with (1/8 takes √64 away)"),
        Bilingual("全对 %", "all right, %"),
        [Series(Bilingual("全对的日期", "all right"), [_multiple(name) for name in FACTORS], list(readings.values()))],
        log_x=True,
        marks=[(_multiple(factor), Bilingual("旋钮", "knob"))],
        name="trained",
    )  # fmt: skip


def _widths(width: int, seed: int) -> Curve:
    """Root mean squares by width; the rows drawn anew for each."""
    raw, positions = [], []
    for dims in WIDTHS:
        generator = np.random.default_rng([seed, dims])
        table = nn.Embedding(VOCAB, dims)
        raw.append(math.sqrt(_square(draw(generator, table)["weight"])))
        positions.append(math.sqrt(_square(to_numpy(mf.sinusoidal_positions(LENGTH, dims)))))
    return Curve(
        Bilingual("每个元素的均方根：嵌入与正弦位置", "Root mean square of an element: embeddings and sinusoids"),
        Bilingual("宽度 d", "width d"),
        Bilingual("均方根", "root mean square"),
        [
            Series(Bilingual("嵌入", "embeddings"), WIDTHS, raw),
            Series(Bilingual("嵌入 × √d", "embeddings × √d"), WIDTHS,
                   [value * math.sqrt(dims) for value, dims in zip(raw, WIDTHS, strict=True)]),
            Series(Bilingual("正弦位置", "sinusoids"), WIDTHS, positions),
        ],
        log_x=True,
        log_y=True,
        marks=[(float(width), "d")],
        name="by-width",
    )  # fmt: skip


def _summary(
    width: int, raw: np.ndarray, words: np.ndarray, shares: list[float], scores: list[float], positions: np.ndarray
) -> Table:
    size = math.sqrt(_square(positions))
    return Table(
        Bilingual(f"d = {width}，新初始化", f"d = {width}, newly initialized"),
        columns=[
            "",
            Bilingual("词的标准差", "words, std"),
            Bilingual("位置的均方根", "positions, rms"),
            Bilingual("位置占 %", "positions, %"),
            Bilingual("首层得分标准差", "1st layer's scores, std"),
        ],
        rows=[
            [Bilingual("不乘", "without"), float(raw.std()), size, shares[0], scores[1]],
            [Bilingual("乘 √d", "with √d"), float(words.std()), size, shares[1], scores[0]],
        ],
        name="summary",
    )


def _readings(factor: str, seed: int) -> Table:
    return Table(
        Bilingual(f"倍数是原来的 {factor} 倍时它写出什么", f"What it writes at {factor} times the factor"),
        columns=[Bilingual("日期", "date"), Bilingual("应为", "due"), Bilingual("写出", "written")],
        rows=[list(row) for row in _read(_multiple(factor), seed)[:4]],
        name="readings",
    )
