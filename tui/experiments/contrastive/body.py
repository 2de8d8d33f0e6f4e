"""A linear map on bert-mini's frozen vectors, trained by InfoNCE and by positives alone, judged on held-out verses."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import Any

import numpy as np

from mlxformer.backend import mx, nn, optimizers, to_numpy
from mlxformer.pretrained.masked.samples import documents
from mlxformer.training.contrastive import cosine_scores, info_nce
from questions.bilingual import Bilingual
from tui.experiments.cls_vector.lines import passage_vectors, same_passage_auc, untraced_vectors
from tui.experiments.contract import Report, Result
from tui.experiments.contrastive.declaration import EXPERIMENT
from tui.experiments.meanwhile import nobody
from tui.experiments.shared.kept import kept
from tui.experiments.shared.knobs import SEEDS_BEFOREHAND
from tui.figures.data import Bars, Curve, Figure, Series

DIMS, STEPS, RATE, EVERY = 64, 60, 3e-3, 10
TEMPERATURES = (0.02, 0.05, 0.1, 0.2, 0.5, 1.0)
LOW = 0.05
Scores = tuple[tuple[float, ...], float]  # accuracies by step, and the mean cosine of different passages at the end


def run(knobs: Mapping[str, Any], report: Report) -> Result:
    temperature, batch, seed = float(knobs["temperature"]), int(knobs["batch"]), int(knobs["seed"])
    alone = bool(knobs["positives_only"])
    report(0.1, "bert-mini")
    arms: list[tuple[float, ...]] = []

    def so_far(right: tuple[float, ...]) -> None:
        report(0.1 + 0.35 * (len(arms) + len(right) / (1 + STEPS // EVERY)), ("negatives", "positives")[len(arms)])
        EXPERIMENT.meanwhile(lambda: _curve(*arms, right))

    by_contrast, apart = _trained(temperature, batch, seed, not alone, so_far=so_far)
    arms.append(by_contrast)
    by_positives, together = _trained(temperature, batch, seed, bool(knobs["with_negatives"]), so_far=so_far)
    report(0.8, "temperature")
    shares = _hardest(batch, seed)
    low = shares[-1] if knobs["hot"] else shares[TEMPERATURES.index(LOW)]
    same = np.ones((batch, DIMS), np.float32)
    if knobs["unlike"]:
        same = np.random.default_rng(seed).standard_normal(same.shape).astype(np.float32)
    nothing = float(info_nce(mx.array(same), mx.array(same), temperature))
    measured = EXPERIMENT.measured
    checks = [
        measured("all-alike-is-ln-n", nothing - float(np.log(batch)), 0.0, 1e-4),
        measured("held-out-auc", by_contrast[-1], 65.0),
        measured("negatives-matter", by_contrast[-1] - by_positives[-1], 5.0),
        measured("collapse", together, 0.95),
        measured("spread", apart, 0.7),
        measured("low-looks-at-hardest", low - shares[-1], 10.0),
        measured("accumulation-differs", _accumulated(temperature, batch, seed, alone), 2.0),
    ]
    figures: list[Figure] = [
        _curve(by_contrast, by_positives), _cosines(apart, together), _shares(shares, temperature, batch),
    ]  # fmt: skip
    return Result(figures, checks)


@cache
def _material() -> tuple[np.ndarray, tuple[np.ndarray, ...]]:
    """bert-mini's mean vectors of the training verses, and the places of each passage that has two or more."""
    numbered = [(text, number) for number, passage in enumerate(documents("verse", held_out=False)) for text in passage]
    vectors = untraced_vectors(tuple(text for text, _ in numbered))["mean"][-1]
    numbers = np.array([number for _, number in numbered])
    groups = (np.flatnonzero(numbers == number) for number in np.unique(numbers))
    return vectors, tuple(group for group in groups if len(group) > 1)


def _start(seed: int) -> np.ndarray:
    width = _material()[0].shape[1]
    return (np.random.default_rng(seed).standard_normal((DIMS, width)) / width**0.5).astype(np.float32)


def _batch(size: int, generator: np.random.Generator) -> tuple[Any, Any]:
    """Two verses of each of ``size`` passages: no passage twice, so none is a negative of its own."""
    vectors, groups = _material()
    chosen = generator.permutation(len(groups))[:size]
    pairs = np.array([generator.choice(groups[each], 2, replace=False) for each in chosen])
    return mx.array(vectors[pairs[:, 0]]), mx.array(vectors[pairs[:, 1]])


def _loss(weight: Any, left: Any, right: Any, temperature: float, negatives: bool) -> Any:
    left, right = left @ weight.T, right @ weight.T
    if negatives:
        return info_nce(left, right, temperature)
    ones = mx.arange(left.shape[0])
    return -mx.mean(cosine_scores(left, right, temperature)[ones, ones])


SETTINGS = [
    (temperature, batch, seed) for temperature in (0.05, 0.1, 0.2) for batch in (8, 16, 32)
    for seed in (SEEDS_BEFOREHAND if (temperature, batch) == (0.1, 32) else (0,))
]  # fmt: skip


@kept(apart=True, beforehand=[(*setting, negatives) for setting in SETTINGS for negatives in (True, False)])
def _trained(
    temperature: float,
    batch: int,
    seed: int,
    negatives: bool,
    *,
    so_far: Callable[[tuple[float, ...]], object] = nobody,
) -> Scores:
    """On held-out passages, at each ``EVERY`` steps and at the end; ``so_far`` is told what there is."""
    layer = nn.Linear(_material()[0].shape[1], DIMS, bias=False)
    layer.weight = mx.array(_start(seed))
    generator, optimizer = np.random.default_rng([seed, 2]), optimizers.Adam(RATE, bias_correction=True)
    step = nn.value_and_grad(layer, lambda a, b: _loss(layer.weight, a, b, temperature, negatives))
    right = [_judged(layer.weight)[0]]
    for number in range(STEPS):
        optimizer.update(layer, step(*_batch(batch, generator))[1])
        mx.eval(layer.parameters(), optimizer.state)
        if (number + 1) % EVERY == 0:
            right.append(_judged(layer.weight)[0])
        so_far(tuple(right))
    return tuple(right), _judged(layer.weight)[1]


def _judged(weight: Any) -> tuple[float, float]:
    """On held-out passages: how often one passage's verses are closer, %, and the mean cosine of different ones."""
    vectors, passages = passage_vectors()
    mapped = vectors["mean"][-1] @ to_numpy(weight).T
    unit = mapped / np.linalg.norm(mapped, axis=1, keepdims=True)
    different = passages[:, None] != passages[None]
    return 100.0 * same_passage_auc(mapped, passages), float((unit @ unit.T)[different].mean())


def _first(batch: int, seed: int) -> tuple[Any, Any, Any]:
    """The weights before training, and a batch."""
    return mx.array(_start(seed)), *_batch(batch, np.random.default_rng([seed, 1]))


@kept(apart=True, beforehand=[(batch, 0) for batch in (8, 16)] + [(32, seed) for seed in SEEDS_BEFOREHAND])
def _hardest(batch: int, seed: int) -> Sequence[float]:
    """At each of ``TEMPERATURES``, before training."""
    return tuple(_hardest_share(*_first(batch, seed), each) for each in TEMPERATURES)


def _hardest_share(weight: Any, left: Any, right: Any, temperature: float) -> float:
    """Of the gradient by the negatives' scores, the share at each query's hardest one, %, the mean of queries."""
    scores = cosine_scores(left @ weight.T, right @ weight.T, temperature)
    slope = mx.grad(lambda s: mx.mean(nn.losses.cross_entropy(s, mx.arange(s.shape[0]))))(scores)
    pushed = to_numpy(slope).astype(np.float64)
    np.fill_diagonal(pushed, 0.0)
    return 100.0 * float((pushed.max(-1) / np.maximum(pushed.sum(-1), 1e-300)).mean())


@kept(apart=True, beforehand=[(*setting, False) for setting in SETTINGS])
def _accumulated(temperature: float, batch: int, seed: int, alone: bool) -> float:
    """By how much the gradients of two halves of a batch, averaged, miss the whole batch's, in %."""
    weight, left, right = _first(batch, seed)
    slope = mx.grad(lambda w, a, b: _loss(w, a, b, temperature, not alone))
    half = left.shape[0] // 2
    whole = to_numpy(slope(weight, left, right))
    parts = (slope(weight, left[here], right[here]) for here in (slice(None, half), slice(half, None)))
    summed = sum(to_numpy(part) for part in parts) / 2
    return 100.0 * float(np.linalg.norm(summed - whole) / np.linalg.norm(whole))


def _curve(*arms: tuple[float, ...]) -> Curve:
    """Accuracies by step, with negatives and without; of those that there are."""
    names = Bilingual("有负例", "with negatives"), Bilingual("没有负例", "without")
    x = [float(EVERY * number) for number in range(len(arms[0]))]
    ends = [(name, right[-1]) for name, right in zip(names, arms, strict=False)]
    return Curve(
        Bilingual(f"训练集之外，同段的两句更近：{'，'.join(f'{name.zh} {end:.0f} %' for name, end in ends)}",
                  "Held out, verses of one passage are closer: "
                  + ", ".join(f"{end:.0f} % {name.en}" for name, end in ends)),
        Bilingual("步", "step"),
        Bilingual("同段更近的 %", "same passage closer, %"),
        [
            *(Series(name, x[: len(right)], list(right)) for name, right in zip(names, arms, strict=False)),
            Series(Bilingual("瞎猜", "chance"), x, [50.0] * len(x)),
        ],
        name="auc",
    )  # fmt: skip


def _cosines(apart: float, together: float) -> Bars:
    return Bars(
        Bilingual("不同段两句的平均余弦：没有负例，所有向量挤成一个",
                  "Mean cosine of verses of different passages: without negatives all vectors become one"),
        labels=[Bilingual("有负例", "with negatives"), Bilingual("没有负例", "without")],
        values=[apart, together],
        value_label=Bilingual("余弦", "cosine"),
        name="cosines",
    )  # fmt: skip


def _shares(shares: Sequence[float], temperature: float, batch: int) -> Curve:
    return Curve(
        Bilingual(f"温度越低，梯度越集中在最难的负例上（{batch - 1} 个负例，训练之前）",
                  f"The lower the temperature, the more of the gradient is at the hardest of {batch - 1} negatives "
                  f"(before training)"),
        Bilingual("温度 τ", "temperature τ"),
        Bilingual("最难的负例占 %", "at the hardest, %"),
        [
            Series(Bilingual("实测", "measured"), list(TEMPERATURES), list(shares)),
            Series(Bilingual("均分", "even"), list(TEMPERATURES), [100.0 / (batch - 1)] * len(shares)),
        ],
        log_x=True,
        marks=((temperature, "τ"),),
        name="temperature",
    )  # fmt: skip
