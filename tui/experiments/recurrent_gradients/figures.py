"""What is drawn of gradients through time: their norms by distance, each step's share, and the gates."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

import mlxformer as mf
from questions.bilingual import Bilingual
from tui.figures.data import Bars, Curve, Figure, Label, Series, Table

_GATES: dict[str, dict[str, Label]] = {
    "rnn": {"hidden": Bilingual("|h| 的均值", "mean |h|")},
    "gru": {"reset_gate": Bilingual("重置门", "reset gate"), "update_gate": Bilingual("更新门", "update gate")},
    "lstm": {
        "input_gate": Bilingual("输入门", "input gate"),
        "forget_gate": Bilingual("遗忘门", "forget gate"),
        "output_gate": Bilingual("输出门", "output gate"),
    },
}


def figures(
    norms: dict[str, np.ndarray], terms: np.ndarray | None, factor: float, steps: mf.Trace, knobs: Mapping[str, Any]
) -> list[Figure]:
    """``norms`` by arm and step, ``terms`` [T] of the chosen cell (None for attention), ``factor`` of clipping."""
    found: list[Figure] = [_by_distance(norms, knobs), _of_lstm(norms, knobs)]
    if terms is None:
        found.append(_last_row(steps))
    else:
        found += [_shares(factor * terms, factor, knobs), _gates(steps, str(knobs["cell"]))]
    return [*found, _ends(norms)]


def _by_distance(norms: dict[str, np.ndarray], knobs: Mapping[str, Any]) -> Curve:
    sigma, seed = float(knobs["sigma"]), knobs["seed"]
    return _curve(
        Bilingual(
            f"梯度随距离怎样变（随机权重，种子 {seed}）", f"The gradient by distance (random weights, seed {seed})"
        ),
        norms,
        {
            "rnn": Bilingual(f"RNN，σ = {sigma:g}", f"RNN, σ = {sigma:g}"),
            "gru": "GRU",
            "lstm": Bilingual("LSTM 细胞状态", "LSTM cell state"),
            "attention": Bilingual("注意力", "attention"),
        },
        Bilingual("‖∂h_T/∂h_k‖（谱范数）", "‖∂h_T/∂h_k‖ (spectral)"),
        "norms",
    )


def _of_lstm(norms: dict[str, np.ndarray], knobs: Mapping[str, Any]) -> Curve:
    bias = float(knobs["forget_bias"])
    return _curve(
        Bilingual(f"LSTM（遗忘门偏置 {bias:g}）：梯度走哪条路", f"LSTM (forget bias {bias:g}): which way gradients go"),
        norms,
        {
            "lstm": Bilingual("所有路径", "all paths"),
            "lstm-small": Bilingual("所有路径，PyTorch 默认大小的权重", "all paths, weights of PyTorch's size"),
            "lstm-path": Bilingual("只沿细胞：遗忘门之积", "along the cell alone: product of forget gates"),
        },
        Bilingual("‖∂c_T/∂c_k‖（谱范数）", "‖∂c_T/∂c_k‖ (spectral)"),
        "lstm",
    )


def _curve(
    title: Bilingual, norms: dict[str, np.ndarray], names: Mapping[str, Label], y_label: Bilingual, name: str
) -> Curve:
    series = []
    for arm, label in names.items():
        backwards = norms[arm][::-1]  # from distance 0
        series.append(Series(label, [float(d) for d in range(len(backwards))], _positive(backwards)))
    return Curve(
        title,
        x_label=Bilingual("距离 T − k", "distance T − k"),
        y_label=y_label,
        series=series,
        log_y=True,
        name=name,
    )


def _shares(terms: np.ndarray, factor: float, knobs: Mapping[str, Any]) -> Curve:
    clipped = (
        Bilingual(f"，裁剪后（× {factor:.3g}）", f", clipped (× {factor:.3g})") if knobs["clip"] else Bilingual("", "")
    )
    return Curve(
        Bilingual(
            f"共享的 W 的梯度里，每一步各占多少{clipped.zh}",
            f"What each step adds to the gradient of the shared W{clipped.en}",
        ),
        x_label=Bilingual("距离 T − k", "distance T − k"),
        y_label=Bilingual("该步那一项的范数", "norm of the step's term"),
        series=[
            Series(
                Bilingual("‖∂L/∂W 的第 k 项‖", "‖term k of ∂L/∂W‖"),
                [float(d) for d in range(len(terms))],
                _positive(terms[::-1]),
            )
        ],
        log_y=True,
        name="shares",
    )


def _gates(steps: mf.Trace, cell: str) -> Curve:
    """The mean of each gate over its units, by time; of an RNN the mean |h|, where tanh would saturate near 1."""
    series = []
    for gate, label in _GATES[cell].items():
        values = [float(np.abs(step.value).mean()) for step in steps.all(f"{cell}.{gate}")]
        series.append(Series(label, [float(time + 1) for time in range(len(values))], values))
    return Curve(
        Bilingual("各步的门（均值）", "Gates by step (means)")
        if cell != "rnn"
        else Bilingual("各步的状态", "State by step"),
        x_label=Bilingual("步", "step"),
        y_label=Bilingual("均值", "mean"),
        series=series,
        name="gates",
    )


def _last_row(steps: mf.Trace) -> Bars:
    weights = steps["attention.weights"].value[0, 0, -1]
    return Bars(
        Bilingual(
            "最后一个查询的权重：每个位置都只隔一步", "Weights of the last query: every position is one step away"
        ),
        labels=[str(position) for position in range(len(weights))],
        values=weights.astype(float).tolist(),
        value_label=Bilingual("注意力权重", "attention weight"),
        reference=(1 / len(weights), Bilingual("均匀", "uniform")),
        name="last-row",
    )


def _ends(norms: dict[str, np.ndarray]) -> Table:
    names: dict[str, Label] = {
        "rnn": "RNN",
        "linear": Bilingual("线性 RNN", "linear RNN"),
        "large": Bilingual("RNN，σ = 2", "RNN, σ = 2"),
        "gru": "GRU",
        "lstm": Bilingual("LSTM 细胞状态", "LSTM cell state"),
        "lstm-small": Bilingual("LSTM，PyTorch 默认大小的权重", "LSTM, weights of PyTorch's size"),
        "lstm-open": Bilingual("LSTM，遗忘门开得更大", "LSTM, forget gates opened wider"),
        "lstm-path": Bilingual("LSTM 只沿细胞", "LSTM along the cell alone"),
        "half": Bilingual("LSTM 遗忘门半开", "LSTM, forget gates half open"),
        "attention": Bilingual("注意力（∂y_T/∂x_k）", "attention (∂y_T/∂x_k)"),
    }
    return Table(
        Bilingual("最远与最近的梯度", "The farthest and the nearest gradient"),
        columns=[Bilingual("单元", "cell"), Bilingual("最远", "farthest"), Bilingual("隔一步", "one step away")],
        rows=[
            [label, float(norms[name][0]), float(norms[name][-2 if len(norms[name]) > 1 else -1])]
            for name, label in names.items()
        ],
        name="ends",
    )


def _positive(norms: np.ndarray) -> list[float]:
    """A logarithmic axis has no place for 0: what float32 could not represent is a gap."""
    return [float(norm) if norm > 0 else math.nan for norm in norms]
