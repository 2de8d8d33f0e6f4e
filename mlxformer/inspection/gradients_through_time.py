"""How much the last state of a recurrent layer still depends on an earlier one.

∂h_T/∂h_k = Π_{t=k+1..T} ∂h_t/∂h_{t-1},   for the RNN  Π Uᵀ diag(act'(·))      (Pascanu et al. 2013, §2, Eq. 5)
"""

from __future__ import annotations

from mlxformer.backend import mx
from mlxformer.errors import ArgumentError
from mlxformer.layers.recurrent import Recurrent, State
from mlxformer.validation import require_choice, require_floating, require_shape


def state_jacobians(layer: Recurrent, x: mx.array, state: State | None = None, *, of: str = "hidden") -> mx.array:
    """``∂s_T/∂s_k`` of one sequence for each step k = 1 … T, row = component of s_T; the last is the identity.

    By one backward pass: the sequence is run H times side by side, each asking for another component of s_T, with a
    zero added to s_k at every step to differentiate by.

    Args:
        layer: a recurrent layer of H features.
        x: one sequence, floating point [1, T, C].
        state: the state before the first step; None means zeros.
        of: which part of the state s is, ``"hidden"`` or, of an LSTM, ``"cell"``; the other part at k is held fixed.

    Returns:
        float32 [T, H, H].

    Raises:
        ArgumentError: more than one sequence, or a part that the state does not have.

    Source: Pascanu et al. 2013, "On the difficulty of training recurrent neural networks", §2, Eq. 5.

    >>> from mlxformer.backend import mx
    >>> from mlxformer.inspection.gradients_through_time import state_jacobians
    >>> from mlxformer.layers.recurrent import GRUCell, Recurrent
    >>> jacobians = state_jacobians(Recurrent(GRUCell(4, 3)), mx.ones((1, 5, 4)))
    >>> jacobians.shape == (5, 3, 3), jacobians[-1].tolist()
    (True, [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]])
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

    def last_state(nudges: list[mx.array]) -> mx.array:
        moved = start
        for order, time in enumerate(times):
            moved = cell.step(projected[:, time], moved)
            moved = tuple(s + nudges[order] if place == part else s for place, s in enumerate(moved))
        return mx.sum(moved[part] * mx.eye(width))  # of copy i, component i

    return mx.stack(mx.grad(last_state)([mx.zeros((width, width)) for _ in times]))
