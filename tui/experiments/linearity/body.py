"""Feeds sums and multiples of inputs to real parts of a layer, with biases as BERT has them.

A part with a bias is affine, and superposition fails for f itself; f(X) − f(0) is what can be linear.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

import mlxformer as mf
from mlxformer.backend import mx, nn, to_numpy, tree_flatten
from mlxformer.models.bert.model import BertPooler
from mlxformer.models.counting import parameter_shapes
from questions.bilingual import Bilingual
from tui.experiments.contract import Check, Report, Result
from tui.experiments.linearity.declaration import EXPERIMENT
from tui.experiments.shared.random_weights import draw, load
from tui.figures.data import Bars, Curve, Figure, Label, Series, Table

WIDTH, HEADS = 32, 4
Part = Callable[[np.ndarray], np.ndarray]
BIAS = 0.5  # standard deviation of the drawn biases
FLOOR = 1e-9  # a bar on a log axis
FACTORS = (0.25, 0.5, 1.0, 2.0, 4.0, 8.0)
NAMES: dict[str, Label] = {
    "feed_forward": Bilingual("前馈层（带激活）", "feed-forward (activation)"),
    "flat_feed_forward": Bilingual("前馈层（无激活）", "feed-forward (none)"),
    "attention": Bilingual("softmax 注意力", "softmax attention"),
    "cubic_attention": Bilingual("注意力（无 softmax）", "attention (no softmax)"),
    "frozen_attention": Bilingual("注意力（权重冻结）", "attention (frozen)"),
    "norm": Bilingual("层归一化", "layer norm"),
    "pooler": Bilingual("池化层 tanh", "pooler's tanh"),
}


class Parts(mf.Module):
    """One of each, with weights that are the same on every backend; ``parts`` are functions of X [T, C]."""

    def __init__(self, knobs: Mapping[str, Any], x: np.ndarray, report: Report) -> None:
        super().__init__()
        generator = np.random.default_rng([int(knobs["seed"]), 1])
        self.report = report

        def drawn(module: Any) -> dict[str, np.ndarray]:
            return {
                path: generator.normal(0, BIAS, value.shape).astype(np.float32) if path.endswith("bias") else value
                for path, value in draw(generator, module).items()
            }

        activation = str(knobs["activation"])
        weights = drawn(mf.FeedForward(WIDTH, 4 * WIDTH))
        self.feed_forward, self.flat = (
            load(mf.FeedForward(WIDTH, 4 * WIDTH, activation=kind), weights)
            for kind in (
                "identity" if knobs["flatten"] else activation,
                activation if knobs["bend"] else "identity",
            )
        )
        attending = drawn(mf.MultiHeadAttention(WIDTH, HEADS))
        self.attention = load(mf.MultiHeadAttention(WIDTH, HEADS), attending)
        self.bare = load(
            mf.MultiHeadAttention(WIDTH, HEADS, bias=False),
            {path: value for path, value in attending.items() if not path.endswith("bias")},
        )
        self.norm, self.pooler = (
            load(module, drawn(module))
            for module in (
                nn.LayerNorm(WIDTH),
                BertPooler(mf.BertConfig(hidden_size=WIDTH, num_attention_heads=HEADS)),
            )
        )
        self.skip_norm, self.skip_tanh = bool(knobs["skip_norm"]), bool(knobs["skip_tanh"])
        self.frozen = self.attend_traced(x)["weights"].value
        keep = bool(knobs["keep_softmax"])
        self.functions: dict[str, Part] = {
            "feed_forward": lambda x: self._apply(self.feed_forward, x),
            "flat_feed_forward": lambda x: self._apply(self.flat, x),
            "attention": self._frozen if knobs["freeze"] else self._softmax,
            "cubic_attention": self._softmax if keep else self._without_softmax,
            "frozen_attention": self._softmax if knobs["thaw"] else self._frozen,
            "norm": lambda x: x if self.skip_norm else self._apply(self.norm, x),
            "pooler": lambda x: self._apply(self.pooler.dense if self.skip_tanh else self.pooler, x),
        }

    def attend_traced(
        self, x: np.ndarray, replace: Mapping[str, Callable[[Any], Any]] | None = None, *, biases: bool = True
    ) -> mf.Trace:
        tokens = mx.array(x.astype(np.float32))[None]
        with mf.trace(on_step=lambda path: self.report(0.4, path)) as steps:
            for pattern, change in (replace or {}).items():
                steps.replace(pattern, change)
            (self.attention if biases else self.bare)(tokens, tokens, tokens)
        return steps

    def _softmax(self, x: np.ndarray) -> np.ndarray:
        return self.attend_traced(x)["output"].value[0].astype(np.float64)

    def _frozen(self, x: np.ndarray) -> np.ndarray:
        """With the weights that the first X got, whatever x is."""
        weights = mx.array(self.frozen)
        return self.attend_traced(x, {"weights": lambda w: weights})["output"].value[0].astype(np.float64)

    def _without_softmax(self, x: np.ndarray) -> np.ndarray:
        """The scaled scores take the place of the weights. Without biases: they would add terms of lower degree."""
        held: list[Any] = []

        def keep(scaled: Any) -> Any:
            held.append(scaled)
            return scaled

        steps = self.attend_traced(x, {"scaled": keep, "weights": lambda w: held[-1]}, biases=False)
        return steps["output"].value[0].astype(np.float64)

    @staticmethod
    def _apply(module: Any, x: np.ndarray) -> np.ndarray:
        return to_numpy(module(mx.array(x.astype(np.float32))[None]))[0].astype(np.float64)


def run(knobs: Mapping[str, Any], report: Report) -> Result:
    a, b, n = float(knobs["a"]), float(knobs["b"]), int(knobs["tokens"])
    generator = np.random.default_rng(int(knobs["seed"]))
    x, y = generator.standard_normal((2, n, WIDTH))
    parts = Parts(knobs, x, report)
    errors = {}
    moved = {name: _from_zero(part, x) for name, part in parts.functions.items()}
    for index, (name, part) in enumerate(moved.items()):
        report(0.1 * index, name)
        errors[name] = _superposition(part, a, b, x, y)
    growth = {name: [_growth(part, x, factor) for factor in FACTORS] for name, part in moved.items()}
    doubled = {name: values[FACTORS.index(2.0)] for name, values in growth.items()}
    checks = [
        *(
            _bent(name, errors[part], a, b)
            for name, part in (
                ("gelu-feed-forward-is-not-linear", "feed_forward"),
                ("softmax-attention-is-not-linear", "attention"),
                ("layer-norm-is-not-linear", "norm"),
                ("pooler-is-not-linear", "pooler"),
            )
        ),
        EXPERIMENT.measured("frozen-attention-is-linear", errors["frozen_attention"], 0.0, 1e-5),
        EXPERIMENT.measured("attention-without-softmax-is-cubic", doubled["cubic_attention"], 8.0, 1e-4),
        EXPERIMENT.measured("feed-forward-without-activation-is-linear", errors["flat_feed_forward"], 0.0, 1e-5),
        EXPERIMENT.measured("two-matrices-collapse-into-one", _collapse(parts, x), 0.0, 1e-5),
        EXPERIMENT.measured("layer-norm-ignores-scale", doubled["norm"], 1.0, 1e-4),
        EXPERIMENT.measured(
            "feed-forward-share-of-parameters", _share(int(knobs["hidden_width"])), 100 * 2 / 3, 0.2
        ),
    ]  # fmt: skip
    figures: list[Figure] = [_bars(errors, a, b), _curve(growth), _table(errors, doubled)]
    return Result(figures, checks, tuple(parts.attend_traced(x)))


def _from_zero(part: Part, x: np.ndarray) -> Part:
    """f(X) − f(0): what is left of a part when its biases are taken off."""
    zero = part(np.zeros_like(x))
    return lambda given: part(given) - zero


def _superposition(part: Part, a: float, b: float, x: np.ndarray, y: np.ndarray) -> float:
    """‖f(aX + bY) − a f(X) − b f(Y)‖ over ‖f(aX + bY)‖ + |a| ‖f(X)‖ + |b| ‖f(Y)‖: 0 if linear, at most 1."""
    whole, one, other = part(a * x + b * y), part(x), part(y)
    size = np.linalg.norm(whole) + abs(a) * np.linalg.norm(one) + abs(b) * np.linalg.norm(other)
    return float(np.linalg.norm(whole - a * one - b * other) / size) if size else 0.0


def _growth(part: Part, x: np.ndarray, factor: float) -> float:
    return float(np.linalg.norm(part(factor * x)) / np.linalg.norm(part(x)))


def _bent(name: str, error: float, a: float, b: float) -> Check:
    if abs(a) < 0.5 or abs(b) < 0.5:
        return EXPERIMENT.undefined(
            name,
            Bilingual(
                "a 或 b 是 0，没有两项可以叠加：让两个都不为 0。",
                "a or b is 0 and leaves nothing to add: take both of them nonzero.",
            ),
        )
    return EXPERIMENT.measured(name, error, 0.02)


def _collapse(parts: Parts, x: np.ndarray) -> float:
    weights: dict[str, Any] = dict(tree_flatten(parts.flat.parameters()))
    up, down = (to_numpy(weights[f"{name}.weight"]).astype(np.float64).T for name in ("up_proj", "down_proj"))
    up_bias, down_bias = (to_numpy(weights[f"{name}.bias"]).astype(np.float64) for name in ("up_proj", "down_proj"))
    wanted = x @ (up @ down) + (up_bias @ down + down_bias)
    return float(np.abs(parts.functions["flat_feed_forward"](x) - wanted).max() / np.abs(wanted).max())


def _share(hidden_width: int) -> float:
    counts = {"self_attention": 0, "feed_forward": 0}
    for path, shape in parameter_shapes(mf.BertConfig(intermediate_size=hidden_width)).items():
        for part in counts:
            if f".{part}." in path:
                counts[part] += int(np.prod(shape))
    return 100 * counts["feed_forward"] / sum(counts.values())


def _bars(errors: Mapping[str, float], a: float, b: float) -> Bars:
    return Bars(
        Bilingual(
            f"叠加误差，f 减去 f(0)，a = {a:g}，b = {b:g}（线性为 0）",
            f"Superposition error of f − f(0), a = {a:g}, b = {b:g} (linear: 0)",
        ),
        labels=list(NAMES.values()),
        values=[max(errors[name], FLOOR) for name in NAMES],
        value_label=Bilingual("相对误差", "relative error"),
        reference=(1e-5, Bilingual("舍入", "rounding")),
        log=True,
        name="errors",
    )


def _curve(growth: Mapping[str, list[float]]) -> Curve:
    shown = ("flat_feed_forward", "cubic_attention", "attention", "norm")
    return Curve(
        Bilingual("输入放大 c 倍，输出放大几倍", "Input times c: by what factor does the output grow?"),
        Bilingual("输入乘的倍数 c", "factor of the input c"),
        Bilingual(
            "输出变成几倍 ‖f(cX) − f(0)‖ / ‖f(X) − f(0)‖", "factor of the output, ‖f(cX) − f(0)‖ / ‖f(X) − f(0)‖"
        ),
        [Series(NAMES[name], list(FACTORS), growth[name]) for name in shown],
        log_x=True,
        log_y=True,
        name="growth",
    )


def _table(errors: Mapping[str, float], doubled: Mapping[str, float]) -> Table:
    return Table(
        Bilingual(
            "线性的部件：误差 0，放大 2 倍得 2 倍", "A linear part has error 0, and twice the output at twice the input"
        ),
        columns=[
            Bilingual("部件", "part"),
            Bilingual("叠加误差", "superposition error"),
            Bilingual("放大 2 倍得几倍", "growth at 2X"),
        ],
        rows=[[label, errors[name], doubled[name]] for name, label in NAMES.items()],
        name="parts",
    )
