"""Whole Jacobians ∂h_T/∂h_k through time, by one backward pass of the library's own differentiation.

The batch holds one copy of the sequence for each of the H features. To the state after each step a tensor of zeros is
added; of the sum over i of copy i's last feature i, the gradient by the zeros of step k is then the Jacobian
∂h_T/∂h_k, row by row. Each is [H, H], so the gradients of all steps are all the Jacobians.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from mlxformer.backend import mx, nn, to_numpy
from mlxformer.layers.recurrent import Recurrent
from tui.experiments.contract import Report
from tui.experiments.shared.reported_trace import traced


def jacobians(
    cell: Any, x: np.ndarray, report: Report, fraction: float, *, part: int = 0, hold_hidden: bool = False
) -> np.ndarray:
    """∂s_T/∂s_k for k = 0 … T of ``cell`` run on x [T, C]: [T + 1, H, H] in float64, the last the identity.

    part: which part of the state s is, 0 for the hidden state, 1 for an LSTM's cell. hold_hidden: no gradient through
    the hidden state, which leaves the path along the cell alone. No trace is opened, as nobody looks at H copies of
    every gate: ``report`` is asked at each step instead.
    """
    width = cell.hidden_dims
    projected = cell.input_proj(mx.array(x)[None])  # [1, T, gates · H]
    last = mx.array(np.eye(width, dtype=np.float32))

    def probe(nudges: list[Any]) -> Any:
        state = _nudged(cell.initial_state(width), part, nudges[0])
        for time in range(x.shape[0]):
            report(fraction, f"step {time}")
            if hold_hidden:
                state = (mx.stop_gradient(state[0]), *state[1:])
            state = _nudged(cell.step(projected[:, time], state), part, nudges[time + 1])
        return mx.sum(state[part] * last)

    nudges = [mx.zeros((width, width)) for _ in range(x.shape[0] + 1)]
    gradients = mx.grad(probe)(nudges)
    return np.stack([to_numpy(gradient).astype(np.float64) for gradient in gradients])


def _nudged(state: tuple[Any, ...], part: int, nudge: Any) -> tuple[Any, ...]:
    return tuple(value + nudge if index == part else value for index, value in enumerate(state))


def attention_jacobians(layer: Any, x: np.ndarray) -> np.ndarray:
    """∂y_T/∂x_k of self-attention on x [T, C], y_T the last query's output: [T, C, C] in float64, by batch copies."""
    length, width = x.shape
    last = mx.array(np.eye(width, dtype=np.float32))

    def probe(tokens: Any) -> Any:
        return mx.sum(layer(tokens[:, -1:], tokens, tokens)[:, 0] * last)

    copies = mx.array(np.broadcast_to(x, (width, length, width)))
    gradient = to_numpy(mx.grad(probe)(copies))  # [C, T, C]
    return gradient.astype(np.float64).swapaxes(0, 1)


def spectral_norms(matrices: np.ndarray) -> np.ndarray:
    """The largest singular value of each of [N, H, H]."""
    return np.linalg.svd(matrices, compute_uv=False)[:, 0]


def shares(
    root: Any, cell: Any, x: np.ndarray, goal: np.ndarray, report: Report, fraction: float
) -> tuple[Any, np.ndarray]:
    """The terms of ∂L/∂W that each step adds, L = goal · h_T: the trace of the run, and [T, gates · H, C].

    W is the cell's one input matrix, used at every step; its term of step t is (∂L/∂a_t) x_tᵀ with a_t = W x_t + b.
    """
    projected = to_numpy(cell.input_proj(mx.array(x)[None]))[0]  # [T, gates · H]
    aim = mx.array(goal)

    def loss(inputs: list[Any]) -> Any:
        state = cell.initial_state(1)
        for one in inputs:
            state = cell.step(one, state)
        return mx.sum(state[0] * aim)

    inputs = [mx.array(row)[None] for row in projected]
    with traced(report, fraction, root) as steps:
        gradients = mx.grad(loss)(inputs)
    slopes = np.stack([to_numpy(gradient)[0].astype(np.float64) for gradient in gradients])  # [T, gates · H]
    return steps, slopes[:, :, None] * x[:, None, :].astype(np.float64)


def whole_gradient(cell: Any, x: np.ndarray, goal: np.ndarray) -> Any:
    """∂L/∂(every parameter of ``cell``) of the same L, as the library gives it to an optimizer."""
    layer = Recurrent(cell)
    tokens, aim = mx.array(x)[None], mx.array(goal)
    _, gradients = nn.value_and_grad(layer, lambda: mx.sum(layer(tokens)[0][:, -1] * aim))()
    return gradients["cell"]
