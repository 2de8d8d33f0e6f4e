"""Writes pairs into the delta rule's state and linear attention's, and reads them back by their keys."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from mlxformer.attention.delta_rule import chunked, delta_rule
from mlxformer.attention.linear import LinearAttentionState
from mlxformer.backend import mx, to_numpy
from questions.bilingual import Bilingual
from tui.experiments.contract import Report, Result
from tui.experiments.delta_rule.declaration import EXPERIMENT
from tui.figures.data import Bars, Curve, Figure, Series, Table

CHUNK = 16
COUNTS = (4, 8, 16, 32, 64, 128)  # pairs of the curve
LENGTHS = (1024, 8192, 65536)  # tokens of the table
DELTA = Bilingual("delta 规则", "delta rule")
LINEAR = Bilingual("线性注意力", "linear attention")


def run(knobs: Mapping[str, Any], report: Report) -> Result:
    width, pairs, seed = int(knobs["head_dim"]), int(knobs["pairs"]), int(knobs["seed"])
    step = 0.5 if knobs["half_step"] else 1.0
    k, v = _pairs(np.random.default_rng([seed, width]), max(*COUNTS, pairs, 3 * width), width)
    twice = np.concatenate([k[:pairs], k[:1]]), np.concatenate([v[:pairs], v[-1:]])
    report(0.2, "writes")
    replaced = _error(_read(*twice, k[:1], step), v[-1:])
    mixed = _error(_read(*twice, k[:1]) if knobs["same_arm"] else _linear(*twice, k[:1]), v[-1:])
    axes = np.linalg.qr(np.random.default_rng(seed).standard_normal((width, width)))[0].astype(np.float32)
    axes = np.concatenate([axes, k[:width]]) if knobs["too_many"] else axes
    count = width // 4 if knobs["few"] else 2 * width
    report(0.4, "capacity")
    states = _states(k, v, {*COUNTS, count, 2 * width})
    whole, parts = _both_ways(k[: max(pairs, CHUNK + 3)], v[: max(pairs, CHUNK + 3)])
    measured = EXPERIMENT.measured
    checks = [
        measured("replaced", replaced, 0.0, 1e-5),
        measured("linear-mixes", mixed, 0.3),
        measured("is-a-gradient-step", _against_gradient(k, v, bool(knobs["uphill"])), 0.0, 1e-5),
        measured("orthogonal-keys-fit", _error(_read(axes, v[: len(axes)], axes), v[: len(axes)]), 0.0, 1e-4),
        measured("more-do-not-fit", _error(k[:count] @ states[count], v[:count]), 0.75),
        measured("gate-clears", _cleared(k, v, width, states[2 * width], bool(knobs["no_gate"])), 0.7),
        measured("chunks-are-steps", float(np.abs(whole - parts).max() / np.abs(whole).max()), 0.0, 1e-5),
    ]
    report(0.7, "curve")
    figures: list[Figure] = [_curve(k, v, states, width, pairs), _bars(replaced, mixed), _table(width)]
    return Result(figures, checks)


def _pairs(generator: np.random.Generator, count: int, width: int) -> tuple[np.ndarray, np.ndarray]:
    """Keys of length 1 and values N(0, 1), both [N, D]."""
    k, v = generator.standard_normal((2, count, width)).astype(np.float32)
    return k / np.linalg.norm(k, axis=-1, keepdims=True), v


def _array(x: np.ndarray) -> Any:
    return mx.array(np.ascontiguousarray(x, np.float32)[None, None])


def _state(
    k: np.ndarray, v: np.ndarray, step: float = 1.0, alpha: np.ndarray | None = None, before: np.ndarray | None = None
) -> np.ndarray:
    """Pairs written one after another into the state ``before`` (None: an empty one): [D, D]."""
    keys = _array(k)
    gate = None if alpha is None else mx.array(alpha.astype(np.float32)[None, None])
    given = None if before is None else mx.array(before[None, None])
    _, state = delta_rule(keys, keys, _array(v), mx.full((1, 1, len(k)), step), gate, state=given)
    return to_numpy(state)[0, 0]


def _states(k: np.ndarray, v: np.ndarray, counts: set[int]) -> dict[int, np.ndarray]:
    """The state after so many pairs, each written once."""
    found: dict[int, np.ndarray] = {}
    done, state = 0, None
    for count in sorted(counts):
        found[count] = state = _state(k[done:count], v[done:count], before=state)
        done = count
    return found


def _read(k: np.ndarray, v: np.ndarray, asked: np.ndarray, step: float = 1.0) -> np.ndarray:
    """Pairs written one after another, then ``asked`` read: [n, D]."""
    return np.asarray(asked @ _state(k, v, step))


def _linear(k: np.ndarray, v: np.ndarray, asked: np.ndarray) -> np.ndarray:
    """The same with linear attention, whose state sums φ(k) vᵀ; a query reads it at the last token, each in a row of
    its own."""
    keys, values = (mx.array(np.repeat(x[None, None], len(asked), axis=0)) for x in (k, v))
    queries = np.repeat(k[None, None], len(asked), axis=0)
    queries[:, 0, -1] = asked
    return to_numpy(LinearAttentionState().update(mx.array(queries), keys, values))[:, 0, -1]


def _error(found: np.ndarray, wanted: np.ndarray) -> float:
    """Mean of ‖found − wanted‖ / ‖wanted‖."""
    return float((np.linalg.norm(found - wanted, axis=-1) / np.linalg.norm(wanted, axis=-1)).mean())


def _against_gradient(k: np.ndarray, v: np.ndarray, uphill: bool) -> float:
    """One write with β = 0.7 after four others, and one step of that size along the gradient, by automatic means."""
    keys, values = _array(k[:4]), _array(v[:4])
    _, before = delta_rule(keys, keys, values, mx.ones((1, 1, 4)))
    key, value = mx.array(k[4]), mx.array(v[4])
    slope = mx.grad(lambda state: 0.5 * mx.sum(mx.square(key @ state - value)))(before[0, 0])
    one = _array(k[4:5])
    _, after = delta_rule(one, one, _array(v[4:5]), mx.full((1, 1, 1), 0.7), state=before)
    wanted = to_numpy(before)[0, 0] + (0.7 if uphill else -0.7) * to_numpy(slope)
    return float(np.abs(to_numpy(after)[0, 0] - wanted).max())


def _cleared(k: np.ndarray, v: np.ndarray, width: int, before: np.ndarray, no_gate: bool) -> float:
    """What keys that were never written read (it should be nothing), with α = 0 at the new topic, over without.

    ``before``: the state after the old topic, of 2D pairs.
    """
    old, new = 2 * width, width // 8
    alpha = np.ones(new)
    alpha[0] = 1.0 if no_gate else 0.0
    topic, unknown = slice(old, old + new), k[old + new : 3 * width]
    with_gate, without = (unknown @ _state(k[topic], v[topic], alpha=gate, before=before) for gate in (alpha, None))
    return float(np.linalg.norm(with_gate) / np.linalg.norm(without))


def _both_ways(k: np.ndarray, v: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    keys, values, beta = _array(k), _array(v), mx.full((1, 1, len(k)), 0.8)
    whole, _ = delta_rule(keys, keys, values, beta)
    parts, _ = chunked(keys, keys, values, beta, chunk=CHUNK)
    return to_numpy(whole), to_numpy(parts)


def _curve(k: np.ndarray, v: np.ndarray, states: Mapping[int, np.ndarray], width: int, pairs: int) -> Curve:
    x = [float(count) for count in COUNTS]
    errors = {
        DELTA: [_error(k[:n] @ states[n], v[:n]) for n in COUNTS],
        LINEAR: [_error(_linear(k[:n], v[:n], k[:4]), v[:4]) for n in COUNTS],
    }
    return Curve(
        Bilingual(f"写进 N 对之后读回的误差（状态 {width} × {width}，随机的键）",
                  f"Error of what is read after N pairs (a state of {width} x {width}, random keys)"),
        Bilingual("键值对数 N", "pairs N"),
        Bilingual("相对误差", "relative error"),
        [Series(name, x, each) for name, each in errors.items()],
        log_x=True,
        marks=((float(width), "D"), (float(pairs), "N")),
        name="capacity",
    )  # fmt: skip


def _bars(replaced: float, mixed: float) -> Bars:
    return Bars(
        Bilingual("同一个键再写一个新值，然后读它", "A key is written again with a new value, and read"),
        labels=[DELTA, LINEAR],
        values=[replaced, mixed],
        value_label=Bilingual("与新值的相对差", "relative difference from the new value"),
        name="rewritten",
    )


def _table(width: int) -> Table:
    """Numbers that one head keeps after so many tokens."""
    one = mx.ones((1, 1, 1, width))
    _, state = delta_rule(one, one, one, mx.ones((1, 1, 1)))
    return Table(
        Bilingual(f"一个头要存的数（D = {width}）", f"Numbers that one head keeps (D = {width})"),
        columns=[
            Bilingual("词元", "tokens"),
            Bilingual("状态 D × D", "state, D x D"),
            Bilingual("KV 缓存 2TD", "KV cache, 2TD"),
        ],
        rows=[[length, int(state.size), 2 * length * width] for length in LENGTHS],
        name="sizes",
    )
