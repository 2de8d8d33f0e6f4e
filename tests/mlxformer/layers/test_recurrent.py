"""Recurrent cells: against torch with its weights, MLX's layers, and the closed forms of their gradients."""

from __future__ import annotations

import numpy as np
import pytest

from mlxformer import backend
from mlxformer.backend import mx, nn, to_numpy
from mlxformer.errors import ArgumentError
from mlxformer.layers.recurrent import GRUCell, LSTMCell, Recurrent, RNNCell, orthogonal
from mlxformer.tracing import trace
from tests.mlxformer.comparing import assert_bit_equal, assert_close, assert_gradients, is_float32, numbers
from tests.mlxformer.observing import filled

B, T, C, H = 3, 6, 4, 5
CELLS = {"rnn": RNNCell, "gru": GRUCell, "lstm": LSTMCell}


def torch_layer(kind: str, cell, **options):
    """torch's layer with the weights of ``cell``, whose one bias is torch's first."""
    torch = pytest.importorskip("torch", reason="compares with torch")
    layer = {"rnn": torch.nn.RNN, "gru": torch.nn.GRU, "lstm": torch.nn.LSTM}[kind](C, H, batch_first=True, **options)
    with torch.no_grad():
        layer.weight_ih_l0.copy_(torch.tensor(to_numpy(cell.input_proj.weight)))
        layer.weight_hh_l0.copy_(torch.tensor(to_numpy(cell.hidden_proj.weight)))
        layer.bias_ih_l0.copy_(torch.tensor(to_numpy(cell.input_proj.bias)))
        if "bias" in cell.hidden_proj:
            layer.bias_hh_l0.copy_(torch.tensor(to_numpy(cell.hidden_proj.bias)))
        else:
            layer.bias_hh_l0.zero_()
    return torch, layer.double()


@pytest.mark.parametrize("kind", CELLS)
def test_a_whole_sequence_and_its_gradients_against_torch(kind):
    layer, x, wanted = filled(Recurrent(CELLS[kind](C, H))), numbers(B, T, C), numbers(B, T, H, seed=1)
    torch, theirs = torch_layer(kind, layer.cell)
    given = torch.tensor(x, dtype=torch.float64, requires_grad=True)
    hidden, last = theirs(given)
    (hidden * torch.tensor(wanted)).sum().backward()
    ours, state = layer(mx.array(x))
    assert is_float32(ours, *state)
    assert_close(ours, hidden)
    for part, reference in zip(state, last if kind == "lstm" else (last,), strict=True):
        assert_close(part, reference[0])
    gradient = mx.grad(lambda x: mx.sum(layer(x)[0] * mx.array(wanted)))(mx.array(x))
    assert_close(gradient, given.grad)


def test_a_relu_network_against_torch():
    layer, x = filled(Recurrent(RNNCell(C, H, activation="relu"))), numbers(B, T, C)
    torch, theirs = torch_layer("rnn", layer.cell, nonlinearity="relu")
    assert_close(layer(mx.array(x))[0], theirs(torch.tensor(x, dtype=torch.float64))[0])


@pytest.mark.parametrize("kind", CELLS)
def test_one_step_of_a_cell_against_torchs_cell(kind):
    cell = filled(CELLS[kind](C, H))
    torch, theirs = torch_layer(kind, cell)
    x, state = numbers(B, C), [numbers(B, H, seed=2), numbers(B, H, seed=3)][: 2 if kind == "lstm" else 1]
    given = [torch.tensor(part, dtype=torch.float64)[None] for part in state]
    _, wanted = theirs(torch.tensor(x, dtype=torch.float64)[:, None], tuple(given) if kind == "lstm" else given[0])
    ours = cell(mx.array(x), tuple(map(mx.array, state)))
    for part, reference in zip(ours, wanted if kind == "lstm" else (wanted,), strict=True):
        assert_close(part, reference[0])


@pytest.mark.skipif(backend.name != "mlx", reason="compares with MLX's own layers")
def test_mlx_has_the_same_conventions():
    import mlx.nn as theirs

    x = mx.array(numbers(B, T, C))
    rnn, gru, lstm = (filled(Recurrent(CELLS[kind](C, H))) for kind in CELLS)
    for ours, layer in ((rnn, theirs.RNN(C, H)), (lstm, theirs.LSTM(C, H)), (gru, theirs.GRU(C, H))):
        cell = ours.cell
        if ours is rnn:
            layer.Wxh, layer.Whh, layer.bias = cell.input_proj.weight, cell.hidden_proj.weight, cell.input_proj.bias
        else:
            layer.Wx, layer.Wh = cell.input_proj.weight, cell.hidden_proj.weight
        if ours is lstm:
            layer.bias = cell.input_proj.bias
        if ours is gru:  # one bias for both projections, except the one inside the reset gate
            second = cell.hidden_proj.bias
            layer.b = cell.input_proj.bias + mx.concatenate([second[: 2 * H], mx.zeros((H,))])
            layer.bhn = second[2 * H :]
        found = layer(x)
        assert_close(ours(x)[0], found[0] if ours is lstm else found)


@pytest.mark.parametrize("kind", CELLS)
@pytest.mark.parametrize("reverse", [False, True])
def test_padding_changes_nothing(kind, reverse):
    layer, x = filled(Recurrent(CELLS[kind](C, H), reverse=reverse)), numbers(2, T, C)
    x[1, 4:] = 100.0
    valid = mx.array(np.array([[True] * T, [True] * 4 + [False] * 2]))
    hidden, state = layer(mx.array(x), valid=valid)
    for row, length in ((0, T), (1, 4)):
        alone, last = layer(mx.array(x[row : row + 1, :length]))
        assert_close(to_numpy(hidden)[row, :length], to_numpy(alone)[0])
        for part, reference in zip(state, last, strict=True):
            assert_close(to_numpy(part)[row], to_numpy(reference)[0])


def test_reverse_reads_the_sequence_backwards():
    layer, x = filled(Recurrent(GRUCell(C, H))), numbers(B, T, C)
    backwards = Recurrent(layer.cell, reverse=True)
    turned, _ = layer(mx.array(np.ascontiguousarray(x[:, ::-1])))
    assert_bit_equal(backwards(mx.array(x))[0], to_numpy(turned)[:, ::-1])


def test_a_sequence_in_two_parts_is_the_whole():
    layer, x = filled(Recurrent(LSTMCell(C, H))), mx.array(numbers(B, T, C))
    whole, last = layer(x)
    first, state = layer(x[:, :2])
    second, state = layer(x[:, 2:], state)
    assert_close(np.concatenate([to_numpy(first), to_numpy(second)], axis=1), whole)
    assert_close(state[1], last[1])


def test_the_future_does_not_reach_the_past():
    layer, x = filled(Recurrent(GRUCell(C, H))), numbers(1, T, C)
    before = to_numpy(layer(mx.array(x))[0])
    x[:, 3:] = 9.0
    assert_bit_equal(to_numpy(layer(mx.array(x))[0])[:, :3], before[:, :3])


def test_every_gate_of_every_step_is_traced():
    layer, x = filled(Recurrent(LSTMCell(C, H))), mx.array(numbers(B, T, C))
    with trace() as steps:
        hidden, _ = layer(x)
    gates = ["input_gate", "forget_gate", "candidate", "output_gate", "cell", "hidden"]
    assert steps.paths == [f"cell.{name}" for name in gates]
    read = {name: np.stack([step.value for step in steps.all(f"cell.{name}")], axis=1) for name in gates}
    assert_bit_equal(read["hidden"], hidden)
    before = np.concatenate([np.zeros((B, 1, H), np.float32), read["cell"][:, :-1]], axis=1)
    assert_close(read["forget_gate"] * before + read["input_gate"] * read["candidate"], read["cell"])
    assert_close(read["output_gate"] * np.tanh(read["cell"]), read["hidden"])


# The forget gate, and gradients


@pytest.mark.parametrize(("bias", "share"), [(0.0, 0.5), (1.0, 0.7310586), (4.6, 0.99)])
def test_the_forget_bias_sets_how_much_is_kept(bias, share):
    cell = LSTMCell(C, H, forget_bias=bias)
    assert_bit_equal(to_numpy(cell.input_proj.bias)[H : 2 * H], np.full(H, bias, np.float32))
    cell.input_proj.weight, cell.hidden_proj.weight = mx.zeros((4 * H, C)), mx.zeros((4 * H, H))
    with trace() as steps:
        Recurrent(cell)(mx.array(numbers(1, 2, C)))
    assert_close(steps.all("cell.forget_gate")[0].value, np.full((1, H), share), tolerance=1e-4)


@pytest.mark.parametrize("kind", CELLS)
def test_parameter_gradients_by_finite_differences(kind):
    layer, x = filled(Recurrent(CELLS[kind](3, 4))), mx.array(numbers(2, 4, 3))
    wanted, shapes = mx.array(numbers(2, 4, 4, seed=2)), sorted(backend.tree_flatten(layer.parameters()))
    names = [path for path, _ in shapes]

    def loss(*values):
        layer.update(backend.tree_unflatten(list(zip(names, values, strict=True))))
        return mx.sum(layer(x)[0] * wanted)

    assert_gradients(loss, [to_numpy(value) for _, value in shapes])


# Orthogonal matrices


@pytest.mark.parametrize("gain", [1.0, 0.3])
def test_orthogonal_matrices_are_orthogonal_and_seeded(gain):
    matrix = orthogonal(20, gain, np.random.default_rng(3))
    assert matrix.dtype == mx.float32
    assert_close(matrix @ matrix.T, gain**2 * np.eye(20), tolerance=1e-6)
    assert_bit_equal(orthogonal(20, gain, np.random.default_rng(3)), to_numpy(matrix))
    assert_bit_equal(RNNCell(2, 20, recurrent_gain=gain, seed=3).hidden_proj.weight, to_numpy(matrix))


def test_orthogonal_matrices_are_uniform():
    # Without the signs of R's diagonal, the trace would be far from its mean of 0 (Mezzadri 2007, §5).
    traces = [np.trace(to_numpy(orthogonal(4, 1.0, np.random.default_rng(seed)))) for seed in range(400)]
    assert abs(np.mean(traces)) < 0.15 and abs(np.var(traces) - 1) < 0.25


# Bad input


@pytest.mark.parametrize(
    ("call", "code", "says"),
    [
        (lambda: RNNCell(0, 4), "not-positive", "input_dims"),
        (lambda: GRUCell(4, 0), "not-positive", "hidden_dims"),
        (lambda: RNNCell(4, 4, activation="tan"), "unknown-activation", "Did you mean 'tanh'"),
        (lambda: Recurrent(GRUCell(C, H))(mx.zeros((T, C))), "wrong-shape", "[batch, time, model=4]"),
        (lambda: Recurrent(GRUCell(C, H))(mx.zeros((1, 0, C))), "empty-axis", "time"),
        (lambda: Recurrent(GRUCell(C, H))(np.zeros((1, 2, C), np.float32)), "not-an-array", "x"),
        (lambda: Recurrent(GRUCell(C, H))(mx.zeros((1, 2, C + 1))), "wrong-shape", f"model={C}"),
        (lambda: Recurrent(GRUCell(C, H))(mx.zeros((1, 2, C)), valid=mx.ones((1, 2))), "mask-not-boolean", "valid"),
        (
            lambda: Recurrent(GRUCell(C, H))(mx.zeros((1, 2, C)), valid=mx.ones((1, 3), dtype=mx.bool_)),
            "wrong-shape",
            "time=2",
        ),
    ],
)
def test_bad_input_is_named(call, code, says):
    with pytest.raises(ArgumentError) as caught:
        call()
    assert caught.value.code == code
    assert says in str(caught.value)


def test_a_wrapped_projection_is_called_and_not_read() -> None:
    """As LoRA wraps it: what is computed by one function on NumPy goes step by step then, with the same numbers."""

    class Doubled(nn.Module):
        def __init__(self, inner):
            super().__init__()
            self.inner = inner

        def __call__(self, x):
            return 2 * self.inner(x)

    cell = GRUCell(3, 4)
    x = mx.array(np.random.default_rng(0).standard_normal((2, 5, 3)).astype(np.float32))
    weight, bias, inner = cell.hidden_proj.weight, cell.hidden_proj.bias, cell.hidden_proj
    cell.hidden_proj = Doubled(inner)
    wrapped = Recurrent(cell)(x)[0]
    cell.hidden_proj = inner
    inner.weight, inner.bias = 2 * weight, 2 * bias
    assert_close(wrapped, Recurrent(cell)(x)[0])
