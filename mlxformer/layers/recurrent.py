"""Recurrent cells, the sequence models that attention replaced, and the layer that runs one over time.

    h_t = f(x_t, h_{t-1})

A state is a tuple of arrays [B, H], the hidden state first: ``(h,)``, for the LSTM ``(h, c)``. (Here H is the width of
the state.) Every gate is tapped, once for each step: ``steps.all("cell.hidden")[t]``.
"""

from __future__ import annotations

from functools import partial
from typing import Any, ClassVar

import numpy as np

from mlxformer.attention.masks import padding
from mlxformer.axes import MODEL, TOKENS, VECTOR
from mlxformer.backend import fused_gru, mx, nn
from mlxformer.errors import ArgumentError
from mlxformer.layers.activations import activation as activation_named
from mlxformer.origins import Function, Named, Product, Total, projection
from mlxformer.tracing import Module, in_trace, is_tracing, tap
from mlxformer.validation import require_floating, require_positive, require_shape

State = tuple[mx.array, ...]


class Cell(Module):
    """A recurrent cell: ``cell(x, state)`` is one step. A subclass says what ``step`` computes.

    Args:
        input_dims: C.
        hidden_dims: H.
        hidden_bias: whether the projection of the state has a bias; that of the input always has one.

    Raises:
        ArgumentError: for sizes below 1; when called, for inputs and states that do not fit.

    >>> cell: Cell = GRUCell(4, 8)
    >>> cell.gates, cell.parts, [part.shape for part in cell.initial_state(batch=2)]
    (3, 1, [(2, 8)])
    """

    gates: ClassVar[int]  # how many H-wide parts a step computes
    parts: ClassVar[int]  # how many arrays a state has

    def __init__(self, input_dims: int, hidden_dims: int, *, hidden_bias: bool) -> None:
        super().__init__()
        require_positive(input_dims=input_dims, hidden_dims=hidden_dims)
        self.input_dims = input_dims
        self.hidden_dims = hidden_dims
        self.input_proj = nn.Linear(input_dims, self.gates * hidden_dims)
        self.hidden_proj = nn.Linear(hidden_dims, self.gates * hidden_dims, bias=hidden_bias)

    def _extra_repr(self) -> str:
        return f"input_dims={self.input_dims}, hidden_dims={self.hidden_dims}"

    def __call__(self, x: mx.array, state: State) -> State:
        """The state after x.

        Args:
            x: floating point [B, C].
            state: the one before it: ``(h,)``, of an LSTM ``(h, c)``, each [B, H].

        Returns:
            As many arrays.
        """
        require_floating("x", x)
        require_shape("x", x, VECTOR, (None, self.input_dims))
        _check_state(self, state, x.shape[0])
        return self.step(self.input_proj(x), state)

    def step(self, projected: mx.array, state: State) -> State:
        """The same from what needs no state, which a layer computes for all times at once.

        Args:
            projected: ``input_proj(x)`` [B, gates · H].
            state: as in ``__call__``.

        Returns:
            As ``__call__``.
        """
        raise NotImplementedError

    def initial_state(self, batch: int, dtype: mx.Dtype = mx.float32) -> State:
        """Zeros.

        Args:
            batch: B.
            dtype: of the zeros.

        Returns:
            As many arrays [B, H] as a state has.
        """
        return tuple(mx.zeros((batch, self.hidden_dims), dtype) for _ in range(self.parts))


def _both(a: mx.array | Named, b: mx.array | Named) -> Product:
    """``a ⊙ b`` of vectors [B, H]."""
    return Product("bh,bh->bh", (a, b))


class RNNCell(Cell):
    """``h' = act(W x + b + U h)``: Elman 1990; as ``torch.nn.RNNCell``, whose two biases are this one's sum.

    Args:
        input_dims: C.
        hidden_dims: H.
        activation: ``"tanh"``, the default, ``"relu"``, ``"linear"`` or another of ``mlxformer.layers.activations``.
        recurrent_gain: makes U that multiple of a random orthogonal matrix, all of whose singular values it then is:
            without a non-linearity ``|∂h_T/∂h_k| = gain^(T-k)`` exactly (Pascanu et al. 2013, §2.1). None draws U as
            other layers are.
        seed: of that matrix.

    Raises:
        ArgumentError: for sizes below 1 and an unknown activation; when called, for inputs and states that do not fit.

    >>> from mlxformer.backend import mx
    >>> from mlxformer.layers.recurrent import RNNCell
    >>> cell = RNNCell(4, 8)
    >>> (hidden,) = cell(mx.ones((2, 4)), cell.initial_state(2))
    >>> hidden.shape
    (2, 8)
    """

    gates = 1
    parts = 1

    def __init__(
        self,
        input_dims: int,
        hidden_dims: int,
        *,
        activation: str = "tanh",
        recurrent_gain: float | None = None,
        seed: int = 0,
    ) -> None:
        super().__init__(input_dims, hidden_dims, hidden_bias=False)
        self.activation = activation
        self._activate = activation_named(activation)
        if recurrent_gain is not None:
            self.hidden_proj.weight = orthogonal(hidden_dims, recurrent_gain, np.random.default_rng(seed))

    @in_trace
    def step(self, projected: mx.array, state: State) -> State:
        before = state[0]
        hidden = tap(
            "hidden",
            self._activate(projected + self.hidden_proj(before)),
            axes=VECTOR,
            formula=f"{self.activation}(W x + b + U h)",
            of=lambda: self._of_hidden(projected, before),
        )
        return (hidden,)

    def _of_hidden(self, projected: mx.array, before: mx.array) -> Function | None:
        recurrent = projection(before, self.hidden_proj, "U", "bc,oc->bo")
        return None if recurrent is None else Function(self.activation, Total((Named("W x + b", projected), recurrent)))


class GRUCell(Cell):
    """The gated recurrent unit, in the form of cuDNN, torch and ``mlx.nn.GRU``; gates stacked r, z, n:

        r = σ(W_r x + U_r h + b_r),  z = σ(W_z x + U_z h + b_z)
        n = tanh(W_n x + b_n + r ⊙ (U_n h + d_n)),  h' = (1 - z) ⊙ n + z ⊙ h

    Cho et al. 2014 (§2.3, Eq. 5-8) have ``U (r ⊙ h)`` for ``r ⊙ (U h + d)``: the reset gate before the matrix and not
    after, which is not the same function. Bahdanau et al. 2015 (A.1.1) call 1 - z what is z here. Both projections have
    biases as in torch; ``mlx.nn.GRU`` keeps one, and of the second only d_n.

    Args:
        input_dims: C.
        hidden_dims: H.

    Raises:
        ArgumentError: for sizes below 1; when called, for inputs and states that do not fit.

    >>> from mlxformer.backend import mx
    >>> from mlxformer.layers.recurrent import GRUCell
    >>> cell = GRUCell(4, 8)
    >>> (hidden,) = cell(mx.ones((2, 4)), cell.initial_state(2))
    >>> hidden.shape
    (2, 8)
    """

    gates = 3
    parts = 1

    def __init__(self, input_dims: int, hidden_dims: int) -> None:
        super().__init__(input_dims, hidden_dims, hidden_bias=True)

    @in_trace
    def step(self, projected: mx.array, state: State) -> State:
        (hidden,) = state
        if not is_tracing() and projected.shape[:-1] == hidden.shape[:-1]:
            states = fused_gru(mx.expand_dims(projected, 1), self.hidden_proj, hidden)
            if states is not None:
                return (states[:, 0],)
        x_r, x_z, x_n = mx.split(projected, 3, axis=-1)  # [B, H] each
        h_r, h_z, h_n = mx.split(self.hidden_proj(hidden), 3, axis=-1)
        reset = tap(
            "reset_gate",
            mx.sigmoid(x_r + h_r),
            axes=VECTOR,
            formula="r = σ(W_r x + U_r h)",
            of=lambda: Function("sigmoid", Total((Named("W_r x", x_r), Named("U_r h", h_r)))),
        )
        update = tap(
            "update_gate",
            mx.sigmoid(x_z + h_z),
            axes=VECTOR,
            formula="z = σ(W_z x + U_z h)",
            of=lambda: Function("sigmoid", Total((Named("W_z x", x_z), Named("U_z h", h_z)))),
        )
        candidate = tap(
            "candidate",
            mx.tanh(x_n + reset * h_n),
            axes=VECTOR,
            formula="n = tanh(W_n x + r ⊙ U_n h)",
            of=lambda: Function("tanh", Total((Named("W_n x", x_n), _both(reset, Named("U_n h", h_n))))),
        )
        kept = 1.0 - update
        new = tap(
            "hidden",
            kept * candidate + update * hidden,
            axes=VECTOR,
            formula="(1 - z) ⊙ n + z ⊙ h",
            of=lambda: Total((_both(Named("1 - z", kept), candidate), _both(update, Named("h", hidden)))),
        )
        return (new,)


class LSTMCell(Cell):
    """Long short-term memory with a forget gate, as ``torch.nn.LSTMCell`` and ``mlx.nn.LSTM``; gates i, f, g, o:

        i, f, o = σ(W x + U h + b),  g = tanh(W_g x + U_g h + b_g)
        c' = f ⊙ c + i ⊙ g,  h' = o ⊙ tanh(c')

    (Hochreiter & Schmidhuber 1997, whose carousel had f = 1; the gate is Gers et al. 2000's.) Along c alone the
    gradient is the product of the forget gates. One bias, torch's two added; ``mlx.nn.LSTM`` has one.

    Args:
        input_dims: C.
        hidden_dims: H.
        forget_bias: what b_f starts from; 1, the default, keeps those gates open at first (Jozefowicz et al. 2015),
            None draws it like the others.

    Raises:
        ArgumentError: for sizes below 1; when called, for inputs and states that do not fit.

    >>> from mlxformer.backend import mx
    >>> from mlxformer.layers.recurrent import LSTMCell
    >>> cell = LSTMCell(4, 8)
    >>> hidden, memory = cell(mx.ones((2, 4)), cell.initial_state(2))
    >>> memory.shape
    (2, 8)
    """

    gates = 4
    parts = 2

    def __init__(self, input_dims: int, hidden_dims: int, *, forget_bias: float | None = 1.0) -> None:
        super().__init__(input_dims, hidden_dims, hidden_bias=False)
        if forget_bias is not None:
            drawn = self.input_proj.bias
            forget = mx.full((hidden_dims,), float(forget_bias))
            self.input_proj.bias = mx.concatenate([drawn[:hidden_dims], forget, drawn[2 * hidden_dims :]])

    @in_trace
    def step(self, projected: mx.array, state: State) -> State:
        hidden, cell = state
        i, f, g, o = mx.split(projected + self.hidden_proj(hidden), 4, axis=-1)  # [B, H] each
        write, keep, candidate, show = (
            tap(
                name,
                mx.tanh(x) if function == "tanh" else mx.sigmoid(x),
                axes=VECTOR,
                formula=f"{sign} = {'tanh' if function == 'tanh' else 'σ'}(W_{sign} x + U_{sign} h)",
                of=partial(Function, function, Named(f"W_{sign} x + U_{sign} h", x)),
            )
            for name, function, sign, x in (
                ("input_gate", "sigmoid", "i", i),
                ("forget_gate", "sigmoid", "f", f),
                ("candidate", "tanh", "g", g),
                ("output_gate", "sigmoid", "o", o),
            )
        )
        new = tap(
            "cell",
            keep * cell + write * candidate,
            axes=VECTOR,
            formula="c' = f ⊙ c + i ⊙ g",
            of=lambda: Total((_both(keep, Named("c", cell)), _both(write, candidate))),
        )
        seen = mx.tanh(new)
        hidden = tap(
            "hidden",
            show * seen,
            axes=VECTOR,
            formula="h' = o ⊙ tanh(c')",
            of=lambda: _both(show, Named("tanh(c')", seen)),
        )
        return hidden, new


class Recurrent(Module):
    """A cell run over time.

    Args:
        cell: an ``RNNCell``, ``GRUCell`` or ``LSTMCell``.
        reverse: whether from the last input to the first; False by default.

    Raises:
        ArgumentError: when called, for inputs and states of another kind or shape.

    >>> from mlxformer.backend import mx
    >>> from mlxformer.layers.recurrent import GRUCell, Recurrent
    >>> states, (last,) = Recurrent(GRUCell(4, 8))(mx.ones((2, 5, 4)))
    >>> states.shape, last.shape
    ((2, 5, 8), (2, 8))
    """

    def __init__(self, cell: Cell, *, reverse: bool = False) -> None:
        super().__init__()
        self.cell = cell
        self.reverse = reverse

    def _extra_repr(self) -> str:
        return f"reverse={self.reverse}"

    def __call__(
        self, x: mx.array, state: State | None = None, valid: mx.array | None = None
    ) -> tuple[mx.array, State]:
        """All states.

        Args:
            x: floating point [B, T, C].
            state: to start from; None is zeros.
            valid: boolean [B, T], True at real inputs; at the others the state stays as it was, so that padding changes
                neither the last state nor any other. None means that all are real.

        Returns:
            The hidden state at every input [B, T, H], and the last state.
        """
        require_floating("x", x)
        require_shape("x", x, MODEL, (None, None, self.cell.input_dims))
        if valid is not None:
            valid = padding(valid)[:, 0, 0]  # checked
            require_shape("valid", valid, TOKENS, x.shape[:2])
        projected = self.cell.input_proj(x)
        if state is None:
            state = self.cell.initial_state(x.shape[0], projected.dtype)
        _check_state(self.cell, state, x.shape[0])
        return run_cell(self.cell, projected, state, valid, reverse=self.reverse)


def run_cell(
    cell: Cell, projected: mx.array, state: State, valid: mx.array | None = None, *, reverse: bool = False
) -> tuple[mx.array, State]:
    """``cell`` over time, from what it makes of the inputs. A GRU without padding may be one fused function.

    Args:
        cell: as in ``Recurrent``.
        projected: ``cell.input_proj(x)`` [B, T, gates · H].
        state: to start from.
        valid: boolean [B, T], as in ``Recurrent``.
        reverse: as in ``Recurrent``.

    Returns:
        All hidden states [B, T, H], and the last state.

    >>> from mlxformer.backend import mx
    >>> from mlxformer.layers.recurrent import RNNCell, run_cell
    >>> cell = RNNCell(4, 8)
    >>> states, last = run_cell(cell, cell.input_proj(mx.ones((2, 5, 4))), cell.initial_state(2))
    >>> states.shape
    (2, 5, 8)
    """
    if isinstance(cell, GRUCell) and valid is None and not is_tracing():
        states = fused_gru(projected, cell.hidden_proj, state[0], reverse=reverse)
        if states is not None:
            return states, (states[:, 0 if reverse else -1],)
    times = range(projected.shape[1])
    hidden = {}
    for time in reversed(times) if reverse else times:
        moved = cell.step(projected[:, time], state)
        if valid is not None:
            here = valid[:, time : time + 1]  # [B, 1]
            moved = tuple(mx.where(here, new, old) for new, old in zip(moved, state, strict=True))
        state = moved
        hidden[time] = state[0]
    return mx.stack([hidden[time] for time in times], axis=1), state


def _check_state(cell: Cell, state: Any, batch: int) -> None:
    """A tuple of as many arrays [B, H] as the cell keeps: a bare array would be taken apart along the batch."""
    if not isinstance(state, tuple) or len(state) != cell.parts:
        given = f"{len(state)} arrays" if isinstance(state, tuple) else type(state).__name__
        wanted = "(h, c)" if cell.parts == 2 else "(h,)"
        raise ArgumentError("state-parts", f"state must be the tuple {wanted} of {type(cell).__name__}; got {given}")
    for part in state:
        require_floating("state", part)
        require_shape("state", part, VECTOR, (batch, cell.hidden_dims))


def orthogonal(size: int, gain: float, generator: np.random.Generator) -> mx.array:
    """A multiple of an orthogonal matrix, uniform among all of them.

    The Q of the QR decomposition of normal numbers, with the signs of R's diagonal.

    Args:
        size: H.
        gain: what it is multiplied by, all of its singular values.
        generator: the random numbers.

    Returns:
        float32 [H, H].

    Source: Saxe et al. 2014; Mezzadri 2007.

    >>> import numpy as np
    >>> from mlxformer.backend import mx
    >>> from mlxformer.layers.recurrent import orthogonal
    >>> u = orthogonal(4, 0.5, np.random.default_rng(0))
    >>> bool(mx.all(mx.abs(u @ u.T - 0.25 * mx.eye(4)) < 1e-6))
    True
    """
    q, r = np.linalg.qr(generator.standard_normal((size, size)))
    return mx.array((gain * q * np.sign(np.diagonal(r))).astype(np.float32))


CELLS: dict[str, Any] = {"rnn": RNNCell, "gru": GRUCell, "lstm": LSTMCell}
