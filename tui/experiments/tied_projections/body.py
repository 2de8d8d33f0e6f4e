"""Runs the same random tokens through four layers that differ in which projections are one, and a trained model."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

import mlxformer as mf
from mlxformer.backend import mx, tree_flatten
from questions.bilingual import Bilingual
from tui.experiments.contract import Check, Report, Result
from tui.experiments.shared.random_weights import draw, load
from tui.experiments.shared.reported_trace import traced
from tui.experiments.tied_projections import theory
from tui.experiments.tied_projections.declaration import EXPERIMENT
from tui.experiments.tied_projections.trained import Trained, measure
from tui.figures.data import Bars, Curve, Figure, Heatmap, Label, Series, Stage, Table

SENTENCES, HEADS = 16, 8  # tokens and matrices drawn anew so often: means over both are what theory speaks of
SWEEP = (16, 32, 64, 128, 256)
SWEEP_SENTENCES, SWEEP_HEADS = 8, 2
ARMS: dict[str, tuple[str, Label]] = {  # by the knob's value: attribute and title
    "none": ("separate", Bilingual("各自独立", "separate")),
    "kv": ("keys_are_values", "K = V"),
    "qk": ("queries_are_keys", "Q = K"),
    "all": ("all_equal", "Q = K = V = X"),
}


class Arms(mf.Module):
    """Four layers of heads as wide as the tokens, on the same W_Q and W_K; ``all_equal`` projects by the identity."""

    def __init__(self, d: int, heads: int, seed: int, *, copy_query: bool = False, untie: bool = False) -> None:
        super().__init__()

        def layer(heads: int, tie: Any = None) -> Any:
            return mf.MultiHeadAttention(d, heads, head_dim=d, bias=False, tie=tie)

        weights = draw(np.random.default_rng([seed, d]), layer(heads))
        if copy_query:
            weights["key_proj.weight"] = weights["query_proj.weight"]
        shared_kv = {path: value for path, value in weights.items() if not path.startswith("value")}
        shared_qk = {path: value for path, value in weights.items() if not path.startswith("key")}
        eye = np.eye(d, dtype=np.float32)
        self.separate = load(layer(heads), weights)
        self.keys_are_values = load(layer(heads), weights) if untie else load(layer(heads, "kv"), shared_kv)
        self.queries_are_keys = load(layer(heads, "qk"), shared_qk)
        self.all_equal = load(layer(1, "qkv"), {"query_proj.weight": eye, "out_proj.weight": eye})


def run(knobs: Mapping[str, Any], report: Report) -> Result:
    d, n, seed = int(knobs["d_model"]), int(knobs["tokens"]), int(knobs["seed"])
    arms = Arms(d, HEADS, seed, copy_query=bool(knobs["copy_query"]), untie=bool(knobs["untie"]))
    x = np.random.default_rng([seed, d, n]).standard_normal((SENTENCES, n, d)).astype(np.float32)
    traces = {tie: _trace(arms, tie, x, report) for tie in ARMS}
    trained = measure(bool(knobs["trained_copy"]), report)
    twin = trained.tied_later if knobs["tied_later"] else trained.tied
    checks = _checks(d, n, arms, x, traces, trained.distances, twin.right)
    tie = str(knobs["tie"])
    figures: list[Figure] = [
        _map(traces[tie], tie, n, seed),
        _comparison(arms, x, traces),
        _sweep(n, seed, d, report),
        _distances(trained),
        _readings(trained),
    ]
    return Result(figures, checks, tuple(traces[tie]))


def _trace(arms: Arms, tie: str, x: np.ndarray, report: Report) -> mf.Trace:
    tokens = mx.array(x)  # [B, T, C]
    with traced(report, 0.2, arms) as steps:
        getattr(arms, ARMS[tie][0])(tokens, tokens, tokens)
    return steps


def _of(traces: Mapping[str, mf.Trace], tie: str, name: str) -> np.ndarray:
    return traces[tie][f"{ARMS[tie][0]}.{name}"].value.astype(np.float64)


def _checks(
    d: int, n: int, arms: Arms, x: np.ndarray, traces: Mapping[str, mf.Trace], distances: list[float], twin: float
) -> list[Check]:
    measured = EXPERIMENT.measured
    weights = {tie: _of(traces, tie, "weights") for tie in ARMS}
    own = {tie: _own_weight(weights[tie]) for tie in ARMS}
    # The mean scatters with tr(W_Qᵀ W_K), one number a head, and with the tokens; five deviations.
    spread = 5 / n * math.sqrt(1 / (HEADS * d) + (math.e - 1) / (HEADS * SENTENCES * n))
    equal = theory.all_equal(d, n)
    change = _change(x, _of(traces, "all", "heads"))
    keys, values = (_of(traces, "kv", name) for name in ("keys", "values"))
    return [
        measured("separate-own-weight-uniform", own["none"], 1 / n, spread),
        measured(
            "separate-scores-asymmetric",
            _asymmetry(_of(traces, "none", "scores")),
            theory.asymmetry(d, n),
            0.75 / math.sqrt(d) + 0.5 / n,
        ),
        measured("tied-qk-symmetric", _asymmetry(_of(traces, "qk", "scores")), 0.0, 2e-6),
        measured("tied-qk-looks-at-itself", own["qk"], theory.tied_query_key(d, n), 0.08),
        measured("all-equal-looks-at-itself", own["all"], equal.weight, 0.06),
        measured("all-equal-changes-little", change, equal.change, 0.02 + 0.3 * equal.change),
        measured("tied-kv-same-map", float(np.abs(weights["kv"] - weights["none"]).max()), 0.0),
        measured("tied-kv-one-tensor", float(np.abs(keys - values).max()), 0.0),
        measured("tied-kv-parameters", float(_parameters(arms.keys_are_values) // HEADS), 3.0 * d**2),
        measured("trained-projections-differ", min(distances), 0.5),
        measured("twin-reads", twin, 95.0),
    ]


def _own_weight(weights: np.ndarray) -> float:
    return float(np.diagonal(weights, axis1=-2, axis2=-1).mean())


def _asymmetry(scores: np.ndarray) -> float:
    return float(np.linalg.norm(scores - scores.swapaxes(-1, -2)) / np.linalg.norm(scores))


def _change(x: np.ndarray, heads: np.ndarray) -> float:
    """‖out − in‖ / ‖in‖ of heads [B, H, T, C] before W_O."""
    inputs = np.broadcast_to(x.astype(np.float64)[:, None], heads.shape)
    return float(np.linalg.norm(heads - inputs) / np.linalg.norm(inputs))


def _parameters(layer: Any) -> int:
    parameters: dict[str, Any] = dict(tree_flatten(layer.parameters()))
    return sum(int(parameter.size) for parameter in parameters.values())


def _map(steps: mf.Trace, tie: str, n: int, seed: int) -> Heatmap:
    """The first sentence under the first head."""
    attribute, title = ARMS[tie]
    named = title if isinstance(title, Bilingual) else Bilingual(title, title)
    tokens = [f"x{index}" for index in range(1, n + 1)]

    def first(name: str) -> np.ndarray:
        return steps[f"{attribute}.{name}"].value[0, :1]  # [1, T, T]

    return Heatmap(
        Bilingual(
            f"注意力，{named.zh}（随机词元和权重，种子 {seed}）",
            f"Attention, {named.en} (random tokens and weights, seed {seed})",
        ),
        [
            Stage("scaled", Bilingual("得分 / √d", "scores / √d"), first("scaled"), "signed"),
            Stage("weights", Bilingual("权重", "weights"), first("weights")),
        ],
        rows=tokens,
        columns=tokens,
        name="attention",
    )


def _comparison(arms: Arms, x: np.ndarray, traces: Mapping[str, mf.Trace]) -> Table:
    rows: list[list[Label | float | int]] = []
    for tie, (attribute, title) in ARMS.items():
        weights = _of(traces, tie, "weights")
        largest = weights.argmax(-1) == np.arange(weights.shape[-1])
        layer = getattr(arms, attribute)
        parameters: int = 0 if tie == "all" else _parameters(layer) // HEADS
        rows.append(
            [
                title,
                _asymmetry(_of(traces, tie, "scores")),
                _own_weight(weights),
                100 * float(largest.mean()),
                _change(x, _of(traces, tie, "heads")),
                parameters,
            ]
        )
    return Table(
        Bilingual(f"四种做法（{SENTENCES} 句的平均）", f"The four ways (means over {SENTENCES} sentences)"),
        columns=[
            "",
            Bilingual("得分的不对称", "asymmetry of scores"),
            Bilingual("看自己的权重", "weight on itself"),
            Bilingual("自己最大的行 %", "rows with itself largest %"),
            "‖out − in‖ / ‖in‖",
            Bilingual("一层的参数", "parameters of a layer"),
        ],
        rows=rows,
        name="comparison",
    )


def _sweep(n: int, seed: int, d: int, report: Report) -> Curve:
    """The weight on itself against the width; K = V has the map of separate projections."""
    own: dict[str, list[float]] = {"none": [], "qk": [], "all": []}
    for width in SWEEP:
        arms = Arms(width, SWEEP_HEADS, seed)
        x = np.random.default_rng([seed, width, n, 1]).standard_normal((SWEEP_SENTENCES, n, width)).astype(np.float32)
        for tie, values in own.items():
            steps = _trace(arms, tie, x, report)
            values.append(_own_weight(steps[f"{ARMS[tie][0]}.weights"].value.astype(np.float64)))
    widths = [float(width) for width in SWEEP]
    return Curve(
        Bilingual("一个词元放在自己身上的权重", "The weight that a token puts on itself"),
        Bilingual("宽度 d", "width d"),
        Bilingual("平均权重", "mean weight"),
        [
            Series(Bilingual("各自独立（K = V 也是）", "separate (and K = V)"), widths, own["none"]),
            Series("Q = K", widths, own["qk"]),
            Series("Q = K = V = X", widths, own["all"]),
            Series("1/n", widths, [1 / n] * len(widths)),
        ],
        log_x=True,
        marks=[(float(d), "d")],
        name="own-weight",
    )


def _layer_name(path: str) -> Bilingual:
    stack, _, layer, attention = path.split(".")[:4]
    kind = attention.removesuffix("_attention")
    chinese = {"encoder": "编码器", "decoder": "解码器", "self": "自注意力", "cross": "交叉注意力"}
    return Bilingual(f"{chinese[stack]} {int(layer) + 1} {chinese[kind]}", f"{stack} {int(layer) + 1} {kind}")


def _distances(trained: Trained) -> Bars:
    return Bars(
        Bilingual("训练好的日期模型：W_Q 离 W_K 有多远", "The trained date model: how far W_Q is from W_K"),
        labels=[_layer_name(path) for path in trained.layers],
        values=trained.distances,
        value_label=Bilingual("相差多少 ‖W_Q − W_K‖ / ‖W_Q‖", "how far apart, ‖W_Q − W_K‖ / ‖W_Q‖"),
        reference=(math.sqrt(2), Bilingual("两个无关的等长矩阵", "unrelated, of one norm")),
        name="distances",
    )


def _readings(trained: Trained) -> Table:
    return Table(
        Bilingual("训练好的日期模型，训练集之外的日期", "Trained date models on held-out dates"),
        columns=[
            "",
            Bilingual("读对的日期 %", "dates read right %"),
            Bilingual("参数", "parameters"),
            Bilingual(f"“{trained.text}”读成", f'"{trained.text}" is read as'),
        ],
        rows=[
            [one.label, one.right, one.parameters, one.first]
            for one in (trained.separate, trained.tied, trained.tied_later)
        ],
        name="readings",
    )
