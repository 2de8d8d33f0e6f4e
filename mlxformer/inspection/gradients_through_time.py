"""How much the last state of a recurrent layer still depends on an earlier one.

∂h_T/∂h_k = Π_{t=k+1..T} ∂h_t/∂h_{t-1},   for the RNN  Π Uᵀ diag(act'(·))      (Pascanu et al. 2013, §2, Eq. 5)
"""

from __future__ import annotations

from typing import Any

from mlxformer.backend import mx
from mlxformer.errors import ArgumentError
from mlxformer.layers.recurrent import Recurrent, State
from mlxformer.validation import require_choice, require_floating, require_shape


def state_jacobians(layer: Recurrent, x: Any, state: State | None = None, *, of: str = "hidden") -> Any:
    """``∂s_T/∂s_k`` for each step k = 1 … T of one sequence: [T, H, H], row = component of s_T, the last the identity.

    x [1, T, C]. of: which part of the state s is, ``"hidden"`` or, of an LSTM, ``"cell"``; the other part of the state
    at k is held fixed. By one backward pass: the sequence is run H times side by side, each asking for another
    component of s_T, with a zero added to s_k at every step to differentiate by.

    Raises ``ArgumentError`` for more than one sequence, or a part that the state does not have.
    """
    require_floating("x", x)
    require_shape("x", x, ("batch", "time", "dims"), (1, None, layer.cell.input_dims))
    require_choice("of", of, ("hidden", "cell"))
    cell = layer.cell
    width, length = cell.hidden_dims, x.shape[1]
    start = cell.initial_state(1) if state is None else state
    part = ("hidden", "cell").index(of)
    if part >= len(start):
        raise ArgumentError("no-cell-state", f"{type(cell).__name__} has no cell state, only of='hidden'", given=of)
    start = tuple(mx.repeat(one, width, axis=0) for one in start)  # [H, H]
    projected = mx.repeat(cell.input_proj(x), width, axis=0)  # [H, T, gates · H]
    times = list(range(length))[::-1] if layer.reverse else list(range(length))

    def last_state(nudges: list[Any]) -> Any:
        moved = start
        for order, time in enumerate(times):
            moved = cell.step(projected[:, time], moved)
            moved = tuple(s + nudges[order] if place == part else s for place, s in enumerate(moved))
        return mx.sum(moved[part] * mx.eye(width))  # of copy i, component i

    return mx.stack(mx.grad(last_state)([mx.zeros((width, width)) for _ in times]))
