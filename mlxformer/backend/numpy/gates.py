"""A GRU over time as one function with its own gradient: a step costs three products and no call on the tape."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from .arrays import array, wrap
from .elementwise import sigmoid_array
from .operands import quiet, wide
from .primitives import Function, differentiable, plain


class _Steps(NamedTuple):
    """What the way back needs, by time: h before each step and after it, the gates r and z side by side [T, B, 2H],
    the candidates n, and U_n h + d_n, which r multiplies. ``order`` is that of the steps."""

    order: range
    before: np.ndarray
    after: np.ndarray
    gates: np.ndarray
    candidates: np.ndarray
    recurrent: np.ndarray


@quiet
def _forward(projected: Any, weight: Any, bias: Any, initial: Any, reverse: bool) -> _Steps:
    x, u, d, hidden = wide(projected), wide(weight), wide(bias), wide(initial)
    batch, length, width = x.shape[0], x.shape[1], u.shape[1]
    before, after, candidates, recurrents = (np.empty((length, batch, width), x.dtype) for _ in range(4))
    gates = np.empty((length, batch, 2 * width), x.dtype)
    order = range(length - 1, -1, -1) if reverse else range(length)
    for time in order:
        before[time] = hidden
        recurrent = hidden @ u.T
        recurrent += d
        gates[time] = sigmoid_array(x[:, time, : 2 * width] + recurrent[:, : 2 * width])
        recurrents[time] = recurrent[:, 2 * width :]
        candidate = gates[time, :, :width] * recurrents[time]
        candidate += x[:, time, 2 * width :]
        np.tanh(candidate, out=candidates[time])
        hidden = hidden - candidates[time]
        hidden *= gates[time, :, width:]
        hidden += candidates[time]
        after[time] = hidden
    return _Steps(order, before, after, gates, candidates, recurrents)


def _states(steps: _Steps, projected: Any) -> array:
    return wrap(steps.after.swapaxes(0, 1).astype(projected.dtype, copy=False))


def _value(projected: Any, weight: Any, bias: Any, initial: Any, reverse: bool) -> array:
    return _states(_forward(projected, weight, bias, initial, reverse), projected)


def _rule(needed: tuple[int, ...], projected: Any, weight: Any, bias: Any, initial: Any, reverse: bool) -> Any:
    plain("gru", projected, weight, bias, initial)
    steps = _forward(projected, weight, bias, initial, reverse)

    def pullback(g: Any) -> list[array]:
        plain("gru", g)
        found = _backward(wide(g), wide(weight), steps)
        operands = (projected, weight, bias, initial)
        return [wrap(found[position].astype(operands[position].dtype, copy=False)) for position in needed]

    return _states(steps, projected), pullback


@quiet
def _backward(given: np.ndarray, u: np.ndarray, steps: _Steps) -> tuple[np.ndarray, ...]:
    """The gradients of the four arguments, from that of all the states [B, T, H]."""
    length, batch, width = steps.before.shape
    of_x, of_h = (np.empty((length, batch, 3 * width), given.dtype) for _ in range(2))  # of W x + b, of U h + d
    carried = np.zeros((batch, width), given.dtype)
    for time in reversed(steps.order):
        reset, update = steps.gates[time, :, :width], steps.gates[time, :, width:]
        candidate = steps.candidates[time]
        carried += given[:, time]
        kept = carried * update
        new = of_x[time, :, 2 * width :]  # n's argument
        np.multiply(carried - kept, 1 - candidate * candidate, out=new)
        np.multiply(new, reset, out=of_h[time, :, 2 * width :])
        of_x[time, :, :width] = new * steps.recurrent[time] * reset * (1 - reset)
        # h' - n = z (h - n): so z's argument, with g (h - n) z (1 - z), has g (h' - n) (1 - z).
        of_x[time, :, width : 2 * width] = carried * (steps.after[time] - candidate) * (1 - update)
        of_h[time, :, : 2 * width] = of_x[time, :, : 2 * width]
        carried = of_h[time] @ u
        carried += kept
    flat = of_h.reshape(-1, 3 * width)
    of_u = flat.T @ steps.before.reshape(-1, width)
    return of_x.swapaxes(0, 1), of_u, np.einsum("ni->i", flat), carried


_gru: Function = differentiable(_value, _rule)


def gru(projected: Any, weight: Any, bias: Any, initial: Any, *, reverse: bool = False) -> Any:
    """All hidden states [B, T, H] of a GRU from ``projected`` = W x + b [B, T, 3H], U [3H, H], d [3H], h_0 [B, H].

    The gates are stacked r, z, n, as in ``mlxformer.layers.recurrent.GRUCell``; ``reverse`` begins at the last time.
    """
    return _gru(projected, weight, bias, initial, reverse)
