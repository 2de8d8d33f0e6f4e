"""Puts A and B beside the date model's attention, trains them on a format that it has never seen, and merges them."""

from __future__ import annotations

import datetime
import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np

import mlxformer as mf
from mlxformer.backend import mx, nn, optimizers, to_numpy, tree_flatten
from mlxformer.pretrained.dates.formats import FIRST, LAST
from mlxformer.pretrained.dates.recipe import DatesRecipe
from mlxformer.pretrained.dates.split import is_held_out
from questions.bilingual import Bilingual
from tui.experiments.contract import Check, Report, Result
from tui.experiments.lora.declaration import EXPERIMENT
from tui.experiments.meanwhile import nobody
from tui.experiments.shared.kept import kept
from tui.experiments.shared.knobs import SEEDS_BEFOREHAND
from tui.figures.data import Bars, Curve, Figure, Series, Table

BATCH, RATE, ASKED = 16, 1e-3, 48
EVERY = 10  # steps from one point of the curve to the next
ALPHA = 8.0
SHOWN_RANKS = (1, 4, 16)
BEYOND = 4  # singular values after number r that are looked at
BEFOREHAND = [(rank, steps, 0, ()) for rank in (1, 2, 4, 8, 16, 32) for steps in range(0, 61, 10)]


@dataclass(frozen=True)
class Trained:
    """What one training gives: accuracies at ``steps``, and the measurements before, at the end and after merging."""

    steps: tuple[int, ...]
    right: tuple[float, ...]  # held-out dates of the new format, %
    start: float  # largest difference of the logits
    first_gradient: float
    share: float  # of the parameters, %
    singular: Sequence[float]  # of the change of one projection, largest first, up to ``BEYOND`` after number r
    rank: int
    untouched: float
    merged: float


def run(knobs: Mapping[str, Any], report: Report) -> Result:
    rank, steps, seed = int(knobs["rank"]), int(knobs["steps"]), int(knobs["seed"])
    how = tuple(name for name in ("b_drawn", "full", "unscaled", "wrong_dates") if knobs[name])
    report(0.1, "LoRA")

    def so_far(share: float, points: Sequence[int], right: Sequence[float]) -> None:
        report(0.1 + 0.8 * points[-1] / max(steps, 1), "LoRA")
        EXPERIMENT.meanwhile(lambda: _curve(share, points, right, rank))

    found = trained(rank, steps, seed, how, so_far)
    report(0.9, "checks")
    figures: list[Figure] = [_curve(found.share, found.steps, found.right, rank), _singular(found, rank), _sizes()]
    return Result(figures, _checks(found, rank, steps))


SoFar = Callable[[float, Sequence[int], Sequence[float]], object]  # share, steps and right, as in ``Trained``


def trained(rank: int, steps: int, seed: int, how: tuple[str, ...], so_far: SoFar = nobody) -> Trained:
    """One training, of the kind that ``how`` makes wrong."""
    return Trained(*_trained(rank, steps, seed, how, so_far=so_far))


@kept(apart=True, beforehand=[*BEFOREHAND, *((4, 60, seed, ()) for seed in SEEDS_BEFOREHAND[1:])])
def _trained(rank: int, steps: int, seed: int, how: tuple[str, ...], *, so_far: SoFar = nobody) -> tuple[Any, ...]:
    """The fields of ``Trained``."""
    base, reader = _base(), mf.load_pretrained("dates")
    generator = np.random.default_rng([seed, rank])
    model = mf.lora(reader.model, rank=rank, alpha=ALPHA)
    _draw(model, generator, "b_drawn" in how)
    source, target = asked(reader.tokenizer, random.Random(seed), ASKED, held_out=True)
    before = _logits(base, source, target)
    start = _largest(_logits(model, source, target) - before)
    if "full" in how:
        model.unfreeze()
    share = 100.0 * _count(model.trainable_parameters()) / _count(base.parameters())
    optimizer, step = optimizers.Adam(RATE), nn.value_and_grad(model, DatesRecipe().loss)
    choose = random.Random(f"{seed} {rank}")
    points, right, first_gradient = [0], [_right(model, source, target)], 0.0
    for number in range(max(steps, 1)):
        ids, written = asked(reader.tokenizer, choose, BATCH, held_out=False)
        written = written[::-1].copy() if "wrong_dates" in how else written
        _, slopes = step(model, ids, mx.array(written))
        if number == 0:
            slopes_of_a = [value for path, value in dict(tree_flatten(slopes)).items() if path.endswith("lora_a")]
            first_gradient = max(_largest(to_numpy(value)) for value in slopes_of_a)
        if number < steps:
            optimizer.update(model, slopes)
            mx.eval(model.parameters(), optimizer.state)
            if (number + 1) % EVERY == 0:
                points.append(number + 1)
                right.append(_right(model, source, target))
        so_far(share, points, right)
    changes = _changes(model, base)
    values = {path: np.linalg.svd(change, compute_uv=False) for path, change in changes.items()}
    ranks = [int((each > 1e-5 * max(each[0], 1e-12)).sum()) for each in values.values()]
    shown = max(values, key=lambda path: values[path][0])
    untouched = _largest(_without_adapters(model, source, target) - before)
    after = _logits(model, source, target)
    if "unscaled" in how:
        for adapter in _adapters(model).values():
            adapter.alpha = float(adapter.rank)
    merged = _largest(_logits(mf.merge_lora(model), source, target) - after) / _largest(after)
    singular = tuple(values[shown][: rank + BEYOND].tolist())
    return tuple(points), tuple(right), start, first_gradient, share, singular, max(ranks), untouched, merged


@cache
def _base() -> Any:
    return mf.load_pretrained("dates").model


def _adapters(model: Any) -> dict[str, Any]:
    return {path: layer for path, layer in model.named_modules() if "lora_a" in layer}


def _draw(model: Any, generator: np.random.Generator, b_drawn: bool) -> None:
    """A uniform as ``mf.lora`` has it, but the same numbers on each backend; B is zero."""
    for adapter in _adapters(model).values():
        bound = adapter.lora_a.shape[1] ** -0.5
        adapter.lora_a = mx.array(generator.uniform(-bound, bound, adapter.lora_a.shape).astype(np.float32))
        if b_drawn:
            adapter.lora_b = mx.array(generator.normal(0, bound, adapter.lora_b.shape).astype(np.float32))


def _changes(model: Any, base: Any) -> dict[str, np.ndarray]:
    """W after training, A and B taken in, minus W before, of each adapted projection: float64 [out, in]."""
    before: dict[str, Any] = dict(base.named_modules())
    found = {}
    for path, adapter in _adapters(model).items():
        a, b = (to_numpy(each).astype(np.float64) for each in (adapter.lora_a, adapter.lora_b))
        moved = to_numpy(adapter.base.weight).astype(np.float64) - to_numpy(before[path].weight)
        found[path] = moved + adapter.scale * b @ a
    return found


def _without_adapters(model: Any, source: Any, target: np.ndarray) -> np.ndarray:
    kept = {path: adapter.alpha for path, adapter in _adapters(model).items()}
    for adapter in _adapters(model).values():
        adapter.alpha = 0.0
    logits = _logits(model, source, target)
    for path, adapter in _adapters(model).items():
        adapter.alpha = kept[path]
    return logits


def asked(tokenizer: Any, choose: random.Random, count: int, *, held_out: bool) -> tuple[Any, np.ndarray]:
    """Sources as 23.11.2026 and targets as 2026-11-23, of dates that the shipped model was or was not trained on."""
    days = (LAST - FIRST).days
    dates: list[datetime.date] = []
    while len(dates) < count:
        date = FIRST + datetime.timedelta(days=choose.randint(0, days))
        if is_held_out(date) == held_out:
            dates.append(date)
    sources = [tokenizer.source(f"{date.day:02d}.{date.month:02d}.{date.year}") for date in dates]
    return mx.array(tokenizer.pad(sources)), tokenizer.pad([tokenizer.target(date.isoformat()) for date in dates])


def _logits(model: Any, source: Any, target: np.ndarray) -> np.ndarray:
    return to_numpy(model(source, mx.array(target[:, :-1])))


def _right(model: Any, source: Any, target: np.ndarray) -> float:
    """Dates of which every character is the likeliest after the right ones before it, %."""
    return 100.0 * float((_logits(model, source, target).argmax(-1) == target[:, 1:]).all(1).mean())


def _count(parameters: Any) -> int:
    leaves: dict[str, Any] = dict(tree_flatten(parameters))
    return sum(int(value.size) for value in leaves.values())


def _checks(found: Trained, rank: int, steps: int) -> list[Check]:
    measured = EXPERIMENT.measured
    widths = [tuple(layer.weight.shape) for path, layer in _base().named_modules() if path.endswith("_proj")
              and "attention" in path]  # fmt: skip
    share = 100.0 * sum(rank * sum(shape) for shape in widths) / _count(_base().parameters())
    checks = [
        measured("starts-as-it-was", found.start, 0.0),
        measured("a-waits-for-b", found.first_gradient, 0.0),
        measured("trained-share", found.share, share, 1e-9),
    ]
    if steps >= 50:
        checks.append(measured("learns-the-format", found.right[-1], 50.0))
    else:
        reason = Bilingual("不到 50 步：学到多少看曲线。", "Fewer than 50 steps: see the curve for what is learned.")
        checks.append(EXPERIMENT.undefined("learns-the-format", reason))
    return [
        *checks,
        measured("rank-of-the-change", float(found.rank), float(rank)),
        measured("base-untouched", found.untouched, 0.0),
        measured("merged-is-the-same", found.merged, 0.0, 1e-5),
    ]


def _curve(share: float, steps: Sequence[int], right: Sequence[float], rank: int) -> Curve:
    return Curve(
        Bilingual(f"只训练 {share:.1f} % 的参数（r = {rank}）：新格式读对多少",
                  f"{share:.1f} % of the parameters trained (r = {rank}): the new format"),
        Bilingual("训练步数", "steps of training"),
        Bilingual("训练集之外的日期读对 %", "held-out dates right, %"),
        [Series(f"r = {rank}", [float(step) for step in steps], list(right))],
        name="accuracy",
    )  # fmt: skip


def _singular(found: Trained, rank: int) -> Bars:
    shown = found.singular
    return Bars(
        Bilingual(f"改变量 ΔW 的奇异值（变得最多的投影）：第 {rank} 个之后是 0",
                  f"Singular values of the change ΔW (the projection that changed most): 0 after number {rank}"),
        labels=[str(number + 1) for number in range(len(shown))],
        values=[float(value) for value in shown],
        value_label=Bilingual("奇异值", "singular value"),
        name="singular-values",
    )  # fmt: skip


def _sizes() -> Table:
    """For a square projection of a large model: what has a gradient and two moments of Adam, 4 bytes each."""
    width, rows = 4096, []
    for name, trained_numbers in [(f"LoRA, r = {rank}", 2 * rank * width) for rank in SHOWN_RANKS] + [
        (Bilingual("全量微调", "full fine-tuning"), width * width)
    ]:
        rows.append([name, trained_numbers, 100.0 * trained_numbers / width**2, trained_numbers * 12 / 2**20])
    return Table(
        Bilingual("一个 4096 × 4096 的投影（梯度和 Adam 的 m、v 按 float32 算）",
                  "One projection of 4096 × 4096 (gradient and Adam's m and v in float32)"),
        columns=[Bilingual("做法", "method"), Bilingual("训练的数", "trained"), Bilingual("占全部 %", "% of all"),
                 Bilingual("梯度 + m + v，MiB", "gradient + m + v, MiB")],
        rows=rows,
        name="sizes",
    )  # fmt: skip


def _largest(difference: np.ndarray) -> float:
    return float(np.abs(difference).max())
