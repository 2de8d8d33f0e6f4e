"""Weights under noise of several sizes and a decay, by three optimizers; and rare classes by SGD and Adam."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any

import numpy as np

from mlxformer.backend import mx, nn, optimizers, to_numpy, tree_flatten
from questions.bilingual import Bilingual
from tui.experiments.contract import Report, Result
from tui.experiments.decoupled_decay.declaration import EXPERIMENT
from tui.figures.data import Bars, Curve, Figure, Series

RATE = 0.02  # η of all three
SCALES = (1e-3, 1e-2, 1e-1, 1.0, 10.0)  # of the noise; one group of weights for each
PAIRS = 32  # of weights in a group: each has a partner with the opposite noise, so that noise leaves the mean alone
CLASSES, WIDTH, CLASS_STEPS = 64, 64, 60
COMMON = 10.0  # length of what all inputs share; their own parts have length 1
SGD_RATES, ADAM_RATE = (0.03, 0.1, 0.3, 1.0), 0.1
OFTEN = 1.0 / np.arange(1, CLASSES + 1) / (1.0 / np.arange(1, CLASSES + 1)).sum()
PENALTY, DECOUPLED, PLAIN = Bilingual("Adam + L2", "Adam + L2"), "AdamW", Bilingual("SGD + L2", "SGD + L2")


def run(knobs: Mapping[str, Any], report: Report) -> Result:
    decay, steps, seed = float(knobs["decay"]), int(knobs["steps"]), int(knobs["seed"])
    noise = _noise(steps, seed)
    report(0.1, "decay")

    def adam() -> Any:
        return optimizers.SGD(RATE) if knobs["sgd"] else optimizers.Adam(RATE, eps=1e-12, bias_correction=True)

    def adamw() -> Any:
        return optimizers.AdamW(RATE, eps=1e-12, weight_decay=decay, bias_correction=True)

    runs = {
        PENALTY: _left(adamw(), noise, 0.0) if knobs["decoupled"] else _left(adam(), noise, decay),
        DECOUPLED: _left(adam(), noise, decay) if knobs["coupled"] else _left(adamw(), noise, 0.0),
        PLAIN: _left(adam() if knobs["adaptive"] else optimizers.SGD(RATE), noise, decay),
    }
    kept = {name: 100.0 * ended.mean(-1) for name, ended in runs.items()}
    by_decay = _left(adamw() if knobs["adaptive"] else optimizers.SGD(RATE, weight_decay=decay), noise, 0.0)
    moved = np.abs(_left(adam(), noise, 0.0) - 1.0).sum(-1)
    state = adam()
    state.init({"w": mx.zeros((PAIRS,))})
    held = dict(tree_flatten(state.state["w"]))
    report(0.6, "classes")
    by_sgd = min((_classes("SGD", rate, seed) for rate in SGD_RATES), key=_overall)
    by_adam = by_sgd if knobs["sgd"] else _classes("Adam", ADAM_RATE, seed)
    half = CLASSES // 2
    measured = EXPERIMENT.measured
    left = 100.0 * (1 - RATE * decay) ** steps
    checks = [
        measured("scale-free", float(moved[3] / moved[0]), 1.0, 1e-3),
        measured("sgd-penalty-is-decay", float(np.abs(runs[PLAIN] - by_decay).max()), 0.0, 1e-4),
        measured("decoupled-keeps", float(kept[DECOUPLED].mean()), left, 0.05),
        measured("decoupled-alike", float(kept[DECOUPLED][-1] - kept[DECOUPLED][0]), 0.0, 0.05),
        measured("penalty-spares-large", float(kept[PENALTY][-1] - kept[PENALTY][0]), 40.0),
        measured("two-numbers-more", sum(value.size for value in held.values()) / PAIRS, 2.0),
        measured("rare-by-adam", float((by_sgd - by_adam)[half:].mean()), 0.5),
    ]
    figures: list[Figure] = [_curve(kept, left), _bars(by_sgd, by_adam)]
    return Result(figures, checks)


def _noise(steps: int, seed: int) -> np.ndarray:
    """float32 [T, scale, 2 × pair]: the same draws at each scale, and each draw with both signs."""
    drawn = np.random.default_rng(seed).standard_normal((steps, 1, PAIRS))
    return (np.concatenate([drawn, -drawn], -1) * np.array(SCALES)[:, None]).astype(np.float32)


def _left(optimizer: Any, noise: np.ndarray, penalty: float) -> np.ndarray:
    """The weights after steps on ``noise · w + penalty/2 · w²``, from 1 on."""
    weights = {"w": mx.ones(noise.shape[1:])}
    for drawn in noise:
        slope = mx.array(drawn) + penalty * weights["w"] if penalty else mx.array(drawn)
        weights = optimizer.apply_gradients({"w": slope}, weights)
        mx.eval(weights, optimizer.state)
    return to_numpy(weights["w"]).astype(np.float64)


@cache
def _classes(name: str, rate: float, seed: int) -> np.ndarray:
    """Each class's cross-entropy [class] after training a linear layer on one input a class, class c 1/c as often."""
    optimizer: Any = optimizers.SGD(rate) if name == "SGD" else optimizers.Adam(rate, bias_correction=True)
    generator = np.random.default_rng([seed, 1])
    own, common = generator.standard_normal((CLASSES, WIDTH)) / WIDTH**0.5, generator.standard_normal(WIDTH)
    x = mx.array((own + COMMON * common / np.linalg.norm(common)).astype(np.float32))
    share, names = mx.array(OFTEN.astype(np.float32)), mx.arange(CLASSES)
    layer = nn.Linear(WIDTH, CLASSES, bias=False)
    layer.weight = mx.zeros((CLASSES, WIDTH))

    def losses() -> Any:
        return nn.losses.cross_entropy(layer(x), names)

    step = nn.value_and_grad(layer, lambda: mx.sum(share * losses()))
    for _ in range(CLASS_STEPS):
        optimizer.update(layer, step()[1])
        mx.eval(layer.parameters(), optimizer.state)
    return to_numpy(losses()).astype(np.float64)


def _overall(losses: np.ndarray) -> float:
    return float((OFTEN * losses).sum())


def _curve(kept: Mapping[Any, np.ndarray], left: float) -> Curve:
    low, high = round(kept[PENALTY][0]), round(kept[PENALTY][-1])
    return Curve(
        Bilingual(f"AdamW 一律剩 {left:.0f} %；Adam + L2 从 {low} % 到 {high} %，看梯度大小",
                  f"AdamW leaves {left:.0f} % of all; Adam + L2 from {low} to {high} %, by gradient"),
        Bilingual("梯度（噪声）的大小", "size of the gradients (noise)"),
        Bilingual("权重平均剩下 %", "mean weight left, %"),
        [Series(name, list(SCALES), each.tolist()) for name, each in kept.items()],
        log_x=True,
        name="left",
    )  # fmt: skip


def _bars(by_sgd: np.ndarray, by_adam: np.ndarray) -> Bars:
    labels, values = [], []
    quarters = np.split(np.arange(CLASSES), 4)
    for number, quarter in enumerate(quarters):
        for name, losses in (("SGD", by_sgd), ("Adam", by_adam)):
            zh, en = ("最常见", "most frequent") if number == 0 else ("", "")
            zh, en = ("最稀有", "rarest") if number == 3 else (zh, en)
            labels.append(Bilingual(f"{name} 第 {number + 1} 组{zh}", f"{name} quarter {number + 1} {en}".strip()))
            values.append(float(losses[quarter].mean()))
    return Bars(
        Bilingual(f"{CLASSES} 个类别，第 c 个的频率 ∝ 1/c，{CLASS_STEPS} 步之后的交叉熵",
                  f"{CLASSES} classes, number c as often as 1/c: cross-entropy after {CLASS_STEPS} steps"),
        labels=labels,
        values=values,
        value_label=Bilingual("交叉熵", "cross-entropy"),
        reference=(float(np.log(CLASSES)), f"ln {CLASSES}"),
        name="classes",
    )  # fmt: skip
