"""A router whose bias follows the load batch by batch, and coarse and fine experts side by side."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

import mlxformer as mf
from mlxformer.backend import mx, to_numpy, tree_flatten, without_values
from mlxformer.layers.mixture_of_experts import balance_bias_step
from questions.bilingual import Bilingual
from tui.experiments.contract import Check, Report, Result, silent
from tui.experiments.expert_balance.declaration import EXPERIMENT
from tui.experiments.shared.kept import kept
from tui.experiments.shared.random_weights import draw, load
from tui.figures.data import Bars, Curve, Figure, Series, Table

DIMS, HIDDEN, TOP_K, TOKENS = 16, 32, 2, 512  # C, F of a coarse expert, experts chosen, tokens of a batch
CUT = 4  # parts that a coarse expert is cut into


def run(knobs: Mapping[str, Any], report: Report) -> Result:
    experts, steps, seed = int(knobs["experts"]), int(knobs["steps"]), int(knobs["seed"])
    layer = _router(experts, seed)
    generator = np.random.default_rng([seed, 1])
    common = generator.standard_normal(DIMS)
    common *= float(knobs["skew"]) * math.sqrt(DIMS) / np.linalg.norm(common)

    def batch() -> Any:
        return mx.array((generator.standard_normal((TOKENS, DIMS)) + common).astype(np.float32))

    loads = []
    for step in range(0 if knobs["still"] else steps):
        report(0.1 + 0.5 * step / steps, "bias")
        _, chosen, _ = layer.route(batch())
        loads.append(_load(experts, chosen))
        layer.balance_bias = balance_bias_step(layer.balance_bias, chosen, float(knobs["rate"]))
    loads.append(_load(experts, layer.route(batch())[1]))
    fine, coarse, shared, tokens = _costs(experts, bool(knobs["wide"]), bool(knobs["no_shared"]), report=report)
    checks = [
        *_balanced(loads, knobs),
        EXPERIMENT.measured("router-untouched", _pull(layer, batch(), bool(knobs["by_loss"])), 0.0),
        EXPERIMENT.measured("gates-without-bias", _gates(layer, batch(), bool(knobs["bias_in_gates"])), 0.0, 1e-5),
        EXPERIMENT.measured("fine-costs-the-same", fine / coarse, 1.0, 1e-9),
        EXPERIMENT.measured("shared-reads-all", 100.0 * shared / tokens, 100.0),
    ]
    figures: list[Figure] = [_curve(loads), _bars(loads, layer), _table(experts)]
    return Result(figures, checks)


def _router(experts: int, seed: int) -> Any:
    with without_values():
        layer = mf.MixtureOfExperts(DIMS, HIDDEN, experts, TOP_K, scoring="sigmoid", balance_bias=True)
    weights = draw(np.random.default_rng(seed), layer)
    weights["balance_bias"] = np.zeros(experts, np.float32)
    return load(layer, weights)


def _load(experts: int, chosen: Any) -> np.ndarray:
    """Each expert's load over the mean."""
    counts = np.bincount(to_numpy(chosen).ravel(), minlength=experts)
    return np.asarray(counts / counts.mean())


def _balanced(loads: list[np.ndarray], knobs: Mapping[str, Any]) -> list[Check]:
    before, after = loads[0], loads[-1]
    if knobs["by_chance"]:
        chance = np.random.default_rng(0).integers(len(before), size=TOKENS * TOP_K)
        before = np.bincount(chance, minlength=len(before)) * len(before) / (TOKENS * TOP_K)
    checks = [_where(knobs["skew"] >= 1, "load-before", float(before.max()), 1.5)]
    # u moves a bias by u · steps at most: below 0.7 it cannot yet make up for the skew. The more experts, the closer
    # are their scores, and the more of a batch a step of u sends back and forth: u · E bounds the swing.
    rate = float(knobs["rate"])
    enough = rate * knobs["steps"] >= 0.7 and rate <= 0.02 and rate * len(before) <= 0.33 and knobs["skew"] <= 1.5
    return [
        *checks,
        _where(enough, "load-after", float(after.max()), 1.0 + 0.6 * float(before.max() - 1)),
        _where(enough, "least-after", float(after.min()), float(before.min()) + 0.05),
    ]


def _where(defined: bool, name: str, value: float, expected: float) -> Check:
    if not defined:
        reason = Bilingual(
            "要看均衡：相像 1 到 1.5，u 不大于 0.02，u·E 不大于 0.33，u·批数至少 0.7。",
            "To see the balance: alike by 1 to 1.5, u up to 0.02, u · E up to 0.33, and u · batches from 0.7 on.",
        )
        return EXPERIMENT.undefined(name, reason)
    return EXPERIMENT.measured(name, value, expected)


def _pull(layer: Any, x: Any, by_loss: bool) -> float:
    """The largest gradient of the router's weights from balancing: none, as a bias asks for none; or of the loss."""
    weight = layer.router.weight

    def loss(value: Any) -> Any:
        layer.router.weight = value
        p, chosen, _ = layer.route(x)
        if by_loss:
            return mf.load_balancing_loss(p / mx.sum(p, axis=-1, keepdims=True), chosen)
        return mx.sum(balance_bias_step(layer.balance_bias, chosen, 0.01))

    slope = mx.grad(loss)(weight)
    layer.router.weight = weight
    return float(np.abs(to_numpy(slope)).max())


def _gates(layer: Any, x: Any, bias_in_gates: bool) -> float:
    """The layer's gates against σ(x W) of the chosen over their sum, in float64."""
    _, chosen, gates = (to_numpy(each) for each in layer.route(x))
    logits = to_numpy(x).astype(np.float64) @ to_numpy(layer.router.weight).astype(np.float64).T
    scores = 1.0 / (1.0 + np.exp(-logits))
    wanted = np.take_along_axis(scores, chosen, axis=-1)
    found = gates.astype(np.float64)
    if bias_in_gates:
        moved = np.take_along_axis(scores + to_numpy(layer.balance_bias), chosen, axis=-1)
        found = moved / moved.sum(-1, keepdims=True)
    return float(np.abs(found - wanted / wanted.sum(-1, keepdims=True)).max())


@kept()
def _costs(experts: int, wide: bool, no_shared: bool, *, report: Report = silent) -> tuple[int, int, int, int]:
    """Operations of the routed experts, fine and coarse, rows of the shared expert, and tokens: read off traces."""
    x = mx.array(np.random.default_rng(2).standard_normal((1, 32, DIMS)).astype(np.float32))
    width = HIDDEN if wide else HIDDEN // CUT
    with without_values():
        coarse = mf.MixtureOfExperts(DIMS, HIDDEN, experts, TOP_K)
        fine = mf.MixtureOfExperts(DIMS, width, experts * CUT, TOP_K * CUT, num_shared_experts=0 if no_shared else 1)
    found = []
    for layer in (fine, coarse):  # what their weights hold changes who reads a token, and not how many do
        with mf.trace(layer, on_step=lambda path: report(0.8, path), only="*.hidden") as hidden:
            layer(x)
        routed = sum(step.value.size for step in hidden if step.path.startswith("experts."))
        found.append((4 * DIMS * routed, sum(step.value.shape[1] for step in hidden if step.path.startswith("shared"))))
    return found[0][0], found[1][0], found[0][1], x.shape[1]


def _curve(loads: list[np.ndarray]) -> Curve:
    x = [float(step) for step in range(len(loads))]
    return Curve(
        Bilingual("偏置跟着负载走：最忙和最闲的专家，负载是平均的几倍",
                  "The bias follows the load: the busiest and the least loaded expert, over the mean"),
        Bilingual("批", "batch"),
        Bilingual("负载/平均", "load over mean"),
        [
            Series(Bilingual("最忙", "busiest"), x, [float(each.max()) for each in loads]),
            Series(Bilingual("最闲", "least loaded"), x, [float(each.min()) for each in loads]),
            Series(Bilingual("均匀", "even"), x, [1.0] * len(x)),
        ],
        name="load",
    )  # fmt: skip


def _bars(loads: list[np.ndarray], layer: Any) -> Bars:
    bias = to_numpy(layer.balance_bias)
    order = np.argsort(-loads[0])
    return Bars(
        Bilingual(
            "最后的偏置，专家按原来的负载从忙到闲排",
            "The bias at the end; experts from busiest to least loaded at first",
        ),
        labels=[Bilingual(f"原来 {loads[0][e]:.2f} 倍", f"was {loads[0][e]:.2f}") for e in order],
        values=[float(bias[e]) for e in order],
        value_label=Bilingual("偏置 b", "bias b"),
        name="bias",
    )


def _table(experts: int) -> Table:
    rows: list[list[Any]] = []
    for name, count, chosen, width in (
        (Bilingual("粗", "coarse"), experts, TOP_K, HIDDEN),
        (Bilingual(f"切成 {CUT} 份", f"cut in {CUT}"), experts * CUT, TOP_K * CUT, HIDDEN // CUT),
    ):
        with without_values():
            layer = mf.MixtureOfExperts(DIMS, width, chosen, chosen, bias=False)  # one expert is as another
        leaves: dict[str, Any] = dict(tree_flatten(layer.experts[0].parameters()))
        one = sum(int(value.size) for value in leaves.values())
        rows.append([name, count, chosen, count * one, 2 * chosen * one, float(math.comb(count, chosen))])
    return Table(
        Bilingual("参数和运算一样，组合多得多", "As many parameters and operations, far more combinations"),
        columns=[
            Bilingual("专家", "experts"), "E", "k", Bilingual("参数", "parameters"),
            Bilingual("一个词元的运算", "operations a token"), Bilingual("选法", "combinations"),
        ],
        rows=rows,
        name="fine",
    )  # fmt: skip
