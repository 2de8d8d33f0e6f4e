"""A history asked by itself, by three queries at once, and by one candidate through DIN's activation unit."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

import mlxformer as mf
from mlxformer.backend import mx
from mlxformer.teaching.target_attention import TargetAttention
from questions.bilingual import Bilingual
from tui.experiments.contract import Check, Report, Result
from tui.experiments.shared.random_weights import load
from tui.experiments.shared.reported_trace import traced
from tui.experiments.target_attention.declaration import EXPERIMENT
from tui.figures.data import Curve, Figure, Heatmap, Series, Stage, Table, TokenRow, Tokens

WIDTH = 16
KINDS = ("clothes", "electronics", "books")
LETTERS = "CEB"
CANDIDATES = ("t-shirt", "phone", "novel")  # one of each kind, in their order
SPREAD = 0.1  # deviation of an item from its kind, in each of WIDTH places: its norm is 0.4, the kind's 1
SLOPE, SCALE = 16.0, 4.0  # of the activation unit's sigmoid, and of the dot products' softmax
MOST = 20  # of a kind on the curve
EMPTY = Bilingual("历史是空的：至少放一件商品。", "The history is empty: put at least one item into it.")


class Arms(mf.Module):
    """``din``: a unit of one hidden neuron, a(e, v) = σ(SLOPE (e·v − ½)), as training on clicks might shape it."""

    def __init__(self) -> None:
        super().__init__()
        first = np.concatenate([np.zeros(WIDTH), np.full(WIDTH, SLOPE), np.zeros(WIDTH)])
        weights = {
            "unit.layers.0.weight": first.astype(np.float32)[None],
            "unit.layers.0.bias": np.full(1, -SLOPE / 2, np.float32),
            "unit.layers.1.weight": np.ones((1, 1), np.float32),
            "unit.layers.1.bias": np.zeros(1, np.float32),
        }
        self.din = load(TargetAttention(WIDTH, (1,)), weights)


@dataclass(frozen=True)
class Shop:
    """Vectors of the three candidates [3, C] and of MOST items of each kind [3, MOST, C], with one item to spare."""

    candidates: np.ndarray
    items: np.ndarray
    spare: np.ndarray

    def history(self, counts: tuple[int, ...]) -> np.ndarray:
        return np.concatenate([self.items[kind, :count] for kind, count in enumerate(counts)])


def stock(seed: int) -> Shop:
    generator = np.random.default_rng(seed)
    kinds = np.linalg.qr(generator.standard_normal((WIDTH, WIDTH)))[0][:3]  # three unit vectors at right angles
    noise = SPREAD * generator.standard_normal((3, MOST + 1, WIDTH))
    items = (kinds[:, None] + noise).astype(np.float32)
    spare = generator.standard_normal(WIDTH).astype(np.float32)
    return Shop(items[:, MOST], items[:, :MOST], spare / np.linalg.norm(spare))


class Asked:
    """What the two arms that ask from outside answer, with the softmax where it belongs, or exchanged."""

    def __init__(self, shop: Shop, swap: bool, report: Report) -> None:
        self.arms, self.shop, self.swap, self.report = Arms(), shop, swap, report

    def target(self, history: np.ndarray) -> mf.Trace:
        return self._softmax(history) if self.swap else self._sum(history)

    def cross(self, history: np.ndarray) -> mf.Trace:
        return self._sum(history) if self.swap else self._softmax(history)

    def _sum(self, history: np.ndarray) -> mf.Trace:
        with traced(self.report, 0.5, self.arms) as steps:
            self.arms.din(mx.array(self.shop.candidates)[None], mx.array(history)[None])
        return steps

    def _softmax(self, history: np.ndarray) -> mf.Trace:
        return attend(self.shop.candidates, history, self.report)


def attend(queries: np.ndarray, history: np.ndarray, report: Report, mask: Any = None) -> mf.Trace:
    """Dot-product attention without projections: queries [N, C] over the history [T, C]."""
    q, k = (mx.array(x)[None, None] for x in (queries, history))
    with traced(report, 0.5) as steps:
        mf.scaled_dot_product_attention(q, k, k, scale=SCALE, mask=mask)
    return steps


def weights_of(steps: mf.Trace) -> np.ndarray:
    """[N, T] of either arm."""
    return _last(steps, "weights")[0, 0]


def users_of(steps: mf.Trace) -> np.ndarray:
    """[N, C] of either arm."""
    return _last(steps, "output", "heads").reshape(-1, WIDTH)


def _last(steps: mf.Trace, *names: str) -> np.ndarray:
    found: np.ndarray = next(step.value for step in steps if step.path.rsplit(".", 1)[-1] in names)
    return found


def run(knobs: Mapping[str, Any], report: Report) -> Result:
    counts = tuple(int(knobs[kind]) for kind in KINDS)
    if not sum(counts):
        return EXPERIMENT.nothing_to_run(EMPTY)
    shop, chosen = stock(int(knobs["seed"])), CANDIDATES.index(str(knobs["candidate"]))
    history, asked = shop.history(counts), Asked(shop, bool(knobs["swap"]), report)
    names = [f"{letter}{i + 1}" for letter, count in zip(LETTERS, counts, strict=True) for i in range(count)]
    target, cross = asked.target(history), asked.cross(history)
    mask = mx.array(np.eye(len(history), dtype=bool)) if knobs["isolate"] else None
    own = attend(history[:1] if knobs["one_asks"] else history, history, report, None if knobs["one_asks"] else mask)
    checks = [
        EXPERIMENT.measured("self-scores", own["scores"].value.size / len(history), float(len(history))),
        *_doubled(asked, target, cross, history, chosen),
        _sum_of_weights(weights_of(target)[chosen], counts[chosen], len(history)),
        _two_candidates(users_of(target), counts),
        *_replaced(asked, target, own, history, chosen, mask, report),
    ]
    figures: list[Figure] = [
        _strips(names, weights_of(target)[chosen], weights_of(cross)[chosen]),
        _intensity(asked, counts, chosen),
        _kinds(len(history), target, cross, own),
        _map(names, own["weights"].value[0]),
    ]
    return Result(figures, checks, tuple(target))


def _doubled(asked: Asked, target: mf.Trace, cross: mf.Trace, history: np.ndarray, chosen: int) -> list[Check]:
    twice = np.concatenate([history, history])
    checks = []
    for name, once, again, factor in (
        ("doubling-the-sum", target, asked.target(twice), 2.0),
        ("doubling-the-softmax", cross, asked.cross(twice), 1.0),
    ):
        before, after = users_of(once)[chosen], users_of(again)[chosen]
        checks.append(EXPERIMENT.measured(name, float(np.dot(after, before) / np.dot(before, before)), factor, 1e-4))
    return checks


def _sum_of_weights(weights: np.ndarray, count: int, length: int) -> Check:
    """Each item of the kind counts nearly 1 and each other nearly 0: a twentieth of an item each is allowed."""
    return EXPERIMENT.measured("sum-of-weights", float(weights.sum()), float(count), 0.05 * max(length, 8))


def _two_candidates(users: np.ndarray, counts: tuple[int, ...]) -> Check:
    name = "candidate-changes-user"
    if not counts[0] + counts[1]:
        reason = Bilingual(
            "历史里既没有衣服也没有电子产品，两个候选都激活不了什么。",
            "The history has neither clothes nor electronics: neither candidate activates anything.",
        )
        return EXPERIMENT.undefined(name, reason)
    largest = np.linalg.norm(users[:2], axis=-1).max()
    return EXPERIMENT.measured(name, float(np.linalg.norm(users[0] - users[1]) / largest), 0.5)


def _replaced(
    asked: Asked, target: mf.Trace, own: mf.Trace, history: np.ndarray, chosen: int, mask: Any, report: Report
) -> list[Check]:
    """The first item becomes another one; what happens to the others?"""
    names = ("weights-are-separate", "self-attention-mixes")
    if len(history) == 1 or len(own["weights"].value[0, 0]) == 1:
        reason = Bilingual("历史里只有一件，没有“其余各件”。", "The history has one item only: there are no others.")
        return [EXPERIMENT.undefined(name, reason) for name in names]
    other = np.concatenate([asked.shop.spare[None], history[1:]])
    change = weights_of(asked.target(other))[chosen, 1:] - weights_of(target)[chosen, 1:]
    before, after = users_of(own)[1:], users_of(attend(other, other, report, mask))[1:]
    moved = np.linalg.norm(after - before, axis=-1) / np.linalg.norm(before, axis=-1)
    return [
        EXPERIMENT.measured(names[0], float(np.abs(change).max()), 0.0, 1e-6),
        EXPERIMENT.measured(names[1], float(moved.max()), 1e-3),
    ]


def _strips(names: list[str], target: np.ndarray, cross: np.ndarray) -> Tokens:
    def strip(zh: str, en: str, weights: np.ndarray) -> TokenRow:
        label = Bilingual(f"{zh}，和 {weights.sum():.2f}", f"{en}, sum {weights.sum():.2f}")
        return TokenRow(label, names, [float(min(max(weight, 0.0), 1.0)) for weight in weights])

    return Tokens(
        Bilingual(
            "候选商品给历史里每一件的权重（C 衣服，E 电子，B 书）",
            "The candidate's weight on each item (C clothes, E electronics, B books)",
        ),
        [strip("目标注意力", "target", target), strip("交叉注意力", "cross", cross)],
        name="weights",
    )


def _intensity(asked: Asked, counts: tuple[int, ...], chosen: int) -> Curve:
    """The candidate's own kind from 1 to MOST items, the rest as the knobs say."""
    numbers, lengths = list(range(1, MOST + 1)), []
    for count in numbers:
        history = asked.shop.history((*counts[:chosen], count, *counts[chosen + 1 :]))
        lengths.append([float(np.linalg.norm(users_of(ask(history))[chosen])) for ask in (asked.target, asked.cross)])
    sums, means = zip(*lengths, strict=True)
    return Curve(
        Bilingual("兴趣强度：同类商品越多，用户向量越长吗？", "Intensity: does more of a kind make a longer vector?"),
        Bilingual("历史里与候选同类的件数", "items of the candidate's kind in the history"),
        Bilingual("用户向量的范数", "norm of the user vector"),
        [
            Series(Bilingual("目标注意力（求和）", "target (sum)"), numbers, sums),
            Series(Bilingual("交叉注意力（softmax）", "cross (softmax)"), numbers, means),
        ],
        marks=[(float(counts[chosen]), Bilingual("现在这里", "here"))] if counts[chosen] else (),
        name="intensity",
    )


def _kinds(length: int, target: mf.Trace, cross: mf.Trace, own: mf.Trace) -> Table:
    def shape(queries: int) -> str:
        return f"{queries} × {length}"

    queries = len(weights_of(cross))
    return Table(
        Bilingual("谁来问谁，权重矩阵多大", "Who asks whom, and how large the map is"),
        columns=[
            Bilingual("注意力", "attention"), Bilingual("查询来自", "queries from"),
            Bilingual("键、值来自", "keys, values"), Bilingual("权重矩阵", "map"), Bilingual("每行的和", "row sum"),
        ],
        rows=[
            [Bilingual("自", "self"), Bilingual("历史", "history"), Bilingual("历史", "history"),
             shape(len(weights_of(own))), float(weights_of(own)[0].sum())],
            [Bilingual("交叉", "cross"), Bilingual(f"另一序列（{queries} 个）", f"another ({queries} items)"),
             Bilingual("历史", "history"), shape(queries), float(weights_of(cross)[0].sum())],
            [Bilingual("目标", "target"), Bilingual("一件候选", "one candidate"), Bilingual("历史", "history"),
             shape(1), float(weights_of(target)[0].sum())],
        ],
        name="kinds",
    )  # fmt: skip


def _map(names: list[str], weights: np.ndarray) -> Heatmap:
    return Heatmap(
        Bilingual("自注意力：历史里的每一件都问其余各件", "Self-attention: each item of the history asks all"),
        [Stage("weights", Bilingual("权重", "weights"), weights)],
        rows=names[: weights.shape[1]],
        columns=names,
        name="self",
    )
