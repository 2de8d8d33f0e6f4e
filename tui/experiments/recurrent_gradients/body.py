"""Differentiates real recurrent cells and attention through time."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

import mlxformer as mf
from mlxformer.backend import mx, optimizers, to_numpy, tree_flatten
from mlxformer.layers.recurrent import GRUCell, LSTMCell, Recurrent, RNNCell
from questions.bilingual import Bilingual
from tui.experiments.contract import Check, Report, Result
from tui.experiments.recurrent_gradients.declaration import EXPERIMENT
from tui.experiments.recurrent_gradients.figures import figures
from tui.experiments.recurrent_gradients.reference import forget_product
from tui.experiments.recurrent_gradients.unrolling import (
    attention_jacobians,
    jacobians,
    shares,
    spectral_norms,
    whole_gradient,
)
from tui.experiments.shared.kept import kept
from tui.experiments.shared.random_weights import draw, load
from tui.experiments.shared.reported_trace import traced

WIDTH = 32  # of inputs and states
INPUT_STD = 0.1  # small inputs, so that activations work near their steepest point: the mildest case
MAX_NORM = 1.0
# Beside the length and the seed: which knobs each arm's numbers depend on.
TOUCHED_BY: Mapping[str, Sequence[str]] = {
    "rnn": ("sigma", "activation"),
    "linear": ("sigma",),
    "large": ("large_sigma", "activation"),
    "gru": ("update_bias",),
    "lstm": ("forget_bias",),
    "lstm-small": ("forget_bias", "same_init"),
    "lstm-open": ("large_bias",),
    "lstm-path": ("forget_bias",),
    "half": (),
    "attention": (),
}
LEAST = 1e-30  # below it float32 loses digits, and from 1e-45 on everything


class Arms(mf.Module):
    """All that is differentiated, under the names that the taps bear."""

    def __init__(self, knobs: Mapping[str, Any]) -> None:
        super().__init__()
        generator = np.random.default_rng(int(knobs["seed"]))
        sigma, activation = float(knobs["sigma"]), str(knobs["activation"])
        self.rnn = _rnn(generator, sigma, activation, int(knobs["seed"]))
        self.linear = _rnn(generator, sigma, "linear", int(knobs["seed"]))
        self.large = _rnn(generator, float(knobs["large_sigma"]), activation, int(knobs["seed"]))
        gru = GRUCell(WIDTH, WIDTH)
        gates = draw(generator, gru)
        gates["input_proj.bias"][WIDTH : 2 * WIDTH] = float(knobs["update_bias"])
        self.gru = load(gru, gates)
        self.lstm = LSTMCell(WIDTH, WIDTH)
        self.half = LSTMCell(WIDTH, WIDTH)
        weights = draw(generator, self.lstm)  # its biases are 0
        load(self.half, weights)
        bias = weights["input_proj.bias"].copy()
        bias[WIDTH : 2 * WIDTH] = float(knobs["forget_bias"])
        load(self.lstm, {**weights, "input_proj.bias": bias})
        self.small = load(LSTMCell(WIDTH, WIDTH), _scaled({**weights, "input_proj.bias": bias}, knobs))
        opened = weights["input_proj.bias"].copy()
        opened[WIDTH : 2 * WIDTH] = float(knobs["large_bias"])
        self.opened = load(LSTMCell(WIDTH, WIDTH), {**weights, "input_proj.bias": opened})
        attention = mf.MultiHeadAttention(WIDTH, 1, bias=False)
        self.attention = load(attention, draw(generator, attention))

    @property
    def lstm_weights(self) -> dict[str, np.ndarray]:
        parameters: dict[str, Any] = dict(tree_flatten(self.lstm.parameters()))
        return {path: to_numpy(parameter) for path, parameter in parameters.items()}


def _scaled(weights: dict[str, np.ndarray], knobs: Mapping[str, Any]) -> dict[str, np.ndarray]:
    """Matrices of the size that PyTorch begins with: uniform within 1/√H, which is a standard deviation of 1/√(3H)."""
    factor = np.float32(1.0 if knobs["same_init"] else 3**-0.5)
    return {path: value if path.endswith("bias") else factor * value for path, value in weights.items()}


def _rnn(generator: np.random.Generator, sigma: float, activation: str, seed: int) -> RNNCell:
    cell = RNNCell(WIDTH, WIDTH, activation=activation, recurrent_gain=sigma, seed=seed)
    recurrent = to_numpy(cell.hidden_proj.weight)
    return load(cell, {**draw(generator, cell), "hidden_proj.weight": recurrent})


@dataclass(frozen=True)
class Data:
    """What all arms are run on, [T, C] each, and the direction whose sum is the loss: L = goal · h_T, |goal| = 1."""

    x: np.ndarray
    tokens: np.ndarray  # of unit variance, for attention
    goal: np.ndarray


def run(knobs: Mapping[str, Any], report: Report) -> Result:
    length, seed = int(knobs["steps"]), int(knobs["seed"])
    arms = Arms(knobs)
    generator = np.random.default_rng([seed, 1])
    x, tokens = (generator.standard_normal((length, WIDTH)).astype(np.float32) for _ in range(2))
    goal = generator.standard_normal(WIDTH)
    data = Data(np.float32(INPUT_STD) * x, tokens, (goal / np.linalg.norm(goal)).astype(np.float32))
    norms = {name: _norms(name, *_about(knobs, name), arms=arms, data=data, report=report) for name in TOUCHED_BY}
    steps, terms = _shares("rnn", *_about(knobs, "rnn"), arms=arms, data=data, report=report)
    whole = _whole_gradient(*_about(knobs, "rnn"), arms=arms, data=data)
    factor = _clip_factor(whole)
    checks = [
        *_path_checks(arms, float(knobs["sigma"]), data, norms),
        _near_terms(terms, whole, bool(knobs["early_weights_only"])),
        _direct(_reordered(*_about(knobs, "attention"), arms=arms, data=data, report=report), norms["attention"]),
        *_lstm(norms, length, bool(knobs["cell_only"])),
        EXPERIMENT.measured(
            "gru-begins-half-open", _gru_gate(*_about(knobs, "gru"), arms=arms, data=data, report=report), 0.5, 0.1
        ),
        _exploding(norms["large"][0], length),
        EXPERIMENT.measured(
            "clipping-does-not-revive",
            MAX_NORM / _norm(terms[0]) if knobs["rescale_each_term"] else factor,
            1.0,
            1e-6,
        ),
    ]
    cell = str(knobs["cell"])
    if cell == "attention":
        steps = _attention_steps(arms, data, report)
    elif cell != "rnn":
        steps, terms = _shares(cell, *_about(knobs, cell), arms=arms, data=data, report=report)
    report(0.95, "figures")
    by_step = None if cell == "attention" else np.linalg.norm(terms, axis=(1, 2))
    drawn = figures(norms, by_step, factor if knobs["clip"] else 1.0, steps, knobs)
    return Result(drawn, checks, tuple(steps))


def _about(knobs: Mapping[str, Any], name: str) -> tuple[Any, ...]:
    """The values of all knobs that an arm depends on: what is remembered of it is remembered by them."""
    return tuple(knobs[knob] for knob in ("steps", "seed", *TOUCHED_BY[name]))


@kept()
def _norms(name: str, *about: Any, arms: Arms, data: Data, report: Report) -> np.ndarray:
    """Of an arm the spectral norms of ∂s_T/∂s_k, [T + 1]; of attention those of ∂y_T/∂x_k, [T]."""
    if name == "attention":
        return spectral_norms(attention_jacobians(arms.attention, data.tokens))
    x = np.zeros_like(data.x) if name == "half" else data.x
    cell = {"lstm-small": arms.small, "lstm-open": arms.opened, "lstm-path": arms.lstm}.get(name) or getattr(arms, name)
    part = 1 if name == "half" or name.startswith("lstm") else 0
    hold = name in ("half", "lstm-path")
    return spectral_norms(jacobians(cell, x, report, 0.3, part=part, hold_hidden=hold))


@kept(size=8)
def _shares(cell: str, *about: Any, arms: Arms, data: Data, report: Report) -> tuple[mf.Trace, np.ndarray]:
    return shares(arms, getattr(arms, cell), data.x, data.goal, report, 0.6)


@kept(size=8)
def _whole_gradient(*about: Any, arms: Arms, data: Data) -> Any:
    return whole_gradient(arms.rnn, data.x, data.goal)


def _path_checks(arms: Arms, sigma: float, data: Data, norms: dict[str, np.ndarray]) -> list[Check]:
    length = len(data.x)
    bounds = sigma ** np.arange(length, -1, -1.0)  # σ^(T − k)
    told = bounds > LEAST
    told[-1] = False  # ∂h_T/∂h_T is the identity: nothing to bound
    product = float(forget_product(arms.lstm_weights, data.x).max())
    return [
        _representable("linear-norm-is-sigma-power", norms["linear"][0], sigma**length),
        EXPERIMENT.measured("tanh-bounded-by-linear", float((norms["rnn"][told] / bounds[told]).max()), 1.0, 1e-4),
        _representable("lstm-path-is-forget-product", norms["lstm-path"][0], product),
        _representable("forget-gate-half-vanishes", norms["half"][0], 0.5**length),
    ]


def _representable(name: str, norm: float, expected: float) -> Check:
    if expected >= LEAST:
        return EXPERIMENT.measured(name, float(norm), expected, 1e-4 * expected)
    return EXPERIMENT.undefined(
        name,
        Bilingual(
            f"理论值 {expected:.1e} 已小到 float32 表示不了：在机器上它就是没有了。",
            f"In theory {expected:.1e}, too small for float32: on the machine it is gone altogether.",
        ),
    )


def _near_terms(terms: np.ndarray, whole: Any, early_only: bool) -> Check:
    """∂L/∂W as an optimizer gets it, against the term that the last step alone adds, where the first one's is gone."""
    name = "near-terms-survive"
    first, last = _norm(terms[0]), _norm(terms[-1])
    if first > 0.01 * last:
        return EXPERIMENT.undefined(
            name,
            Bilingual(
                f"这里最早一步的那一项还没有消失：它是最近一步的 {first / last:.2g} 倍。把 σ 调小或步数调大。",
                f"The first step's term has not vanished here: it is {first / last:.2g} times the last one's. "
                f"Lower σ or take more steps.",
            ),
        )
    norm = first if early_only else _norm(to_numpy(whole["input_proj"]["weight"]))
    return EXPERIMENT.measured(name, norm / last, 0.5)


@kept(size=8)
def _reordered(*about: Any, arms: Arms, data: Data, report: Report) -> tuple[np.ndarray, np.ndarray]:
    """All tokens but the query in reverse order: what was nearest is farthest. The order, and the norms in it."""
    report(0.7, "attention")
    order = np.array([*range(len(data.tokens) - 2, -1, -1), len(data.tokens) - 1])
    return order, spectral_norms(attention_jacobians(arms.attention, data.tokens[order]))


def _direct(reordered: tuple[np.ndarray, np.ndarray], norms: np.ndarray) -> Check:
    order, moved = reordered
    change = np.abs(moved - norms[order]) / norms[order]
    return EXPERIMENT.measured("attention-path-is-direct", float(change.max()), 0.0, 1e-4)


def _lstm(norms: dict[str, np.ndarray], length: int, cell_only: bool) -> list[Check]:
    """All paths from c_0 to c_T, those through the hidden states too, against the one along the cell alone."""
    names = ("lstm-paths-through-hidden", "lstm-weights-decide", "lstm-can-explode")
    if length < 20:
        short = Bilingual(f"{length} 步太短，看不出差别。", f"{length} steps are too few to see a difference.")
        return [EXPERIMENT.undefined(name, short) for name in names]
    path, small, opened = (float(norms[name][0]) for name in ("lstm-path", "lstm-small", "lstm-open"))
    every = path if cell_only else float(norms["lstm"][0])
    lost = Bilingual(
        "这里的梯度小到 float32 表示不了，或已经爆炸，没有什么可比。",
        "Gradients here are too small for float32, or have exploded: none to compare.",
    )
    return [
        EXPERIMENT.measured(names[0], math.log10(every / path), 1.0)
        if path > LEAST
        else EXPERIMENT.undefined(names[0], lost),
        EXPERIMENT.measured(names[1], math.log10(float(norms["lstm"][0]) / small), 0.1)
        if small > LEAST and norms["lstm"][0] < 10
        else EXPERIMENT.undefined(names[1], lost),
        EXPERIMENT.measured(names[2], opened, 10.0),
    ]


@kept(size=8)
def _gru_gate(*about: Any, arms: Arms, data: Data, report: Report) -> float:
    """The share of the old state that a GRU keeps at each step, before any training: the mean of its update gates."""
    with traced(report, 0.72, arms, measure=True) as steps:
        Recurrent(arms.gru)(mx.array(data.x)[None])
    gates = [step.value for step in steps if step.path.endswith("update_gate")]
    return float(np.mean(gates))


def _exploding(norm: float, length: int) -> Check:
    name = "exploding-when-sigma-large"
    if length >= 20:
        return EXPERIMENT.measured(name, float(norm), 10.0)
    return EXPERIMENT.undefined(
        name, Bilingual(f"{length} 步太短，还来不及爆炸。", f"{length} steps are too few for an explosion.")
    )


def _clip_factor(whole: Any) -> float:
    """What clipping the norm of the RNN's whole gradient multiplies every term by."""
    clipped, _ = optimizers.clip_grad_norm(whole, MAX_NORM)
    before, after = (_norm(to_numpy(tree["input_proj"]["weight"])) for tree in (whole, clipped))
    return after / before


def _attention_steps(arms: Arms, data: Data, report: Report) -> mf.Trace:
    tokens = mx.array(data.tokens)[None]
    with traced(report, 0.9, arms) as steps:
        arms.attention(tokens[:, -1:], tokens, tokens)
    return steps


def _norm(matrix: np.ndarray) -> float:
    return float(np.linalg.norm(matrix.astype(np.float64)))
