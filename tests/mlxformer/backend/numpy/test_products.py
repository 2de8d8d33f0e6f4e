"""Products, norms and the fused functions beside MLX."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mlxformer.backend.numpy.gemm import expect_one_row
from mlxformer.backend.numpy.products import linear
from tests.mlxformer.backend.numpy.comparing import Cases, core, values
from tests.mlxformer.backend.numpy.inputs import array, normal, of_dtype

cases = Cases("mx")

SHAPES = [((3, 4), (4, 5)), ((4,), (4, 5)), ((3, 4), (4,)), ((4,), (4,)), ((2, 3, 4), (4, 5)), ((2, 3, 4), (2, 4, 5))]
SHAPES += [((2, 1, 3, 4), (5, 4, 2)), ((2, 3, 4), (4,)), ((4,), (2, 4, 5)), ((3, 4), (2, 4, 5)), ((1, 1), (1, 1))]


def _operands(mx: Any, shapes: tuple[tuple[int, ...], tuple[int, ...]]) -> tuple[Any, Any]:
    return array(mx, normal(*shapes[0])), array(mx, normal(*shapes[1], seed=1))


cases.add(
    "matmul",
    lambda mx: [mx.matmul(*_operands(mx, shapes)) for shapes in SHAPES],
    lambda mx: [mx.matmul(mx.zeros((0, 3)), mx.zeros((3, 2))), mx.matmul(mx.zeros((2, 0)), mx.zeros((0, 3)))],
    lambda mx: [
        mx.matmul(of_dtype(mx, kind, (3, 4)), array(mx, normal(4, 2))) for kind in ("float16", "int32", "bool_")
    ],
    lambda mx: array(mx, normal(3, 4)).T @ array(mx, normal(3, 2)) + 0 * mx.matmul(mx.ones((4, 1)), mx.ones((1, 2))),
    lambda mx: mx.matmul(mx.broadcast_to(array(mx, normal(1, 4)), (3, 4)), mx.broadcast_to(mx.array(2.0), (4, 2))),
    tolerance=1e-5,
)
cases.add("outer", lambda mx: [mx.outer(*_operands(mx, ((3,), (4,)))), mx.outer(*_operands(mx, ((2, 2), (3,))))])
cases.add(
    "inner",
    lambda mx: [mx.inner(*_operands(mx, shapes)) for shapes in (((4,), (4,)), ((3, 4), (4,)), ((3, 4), (2, 4)))],
    tolerance=1e-5,
)
cases.add(
    "tensordot",
    lambda mx: [
        mx.tensordot(*_operands(mx, ((2, 3, 4), (3, 4, 5)))),
        mx.tensordot(*_operands(mx, ((2, 3), (3, 5))), axes=1),
        mx.tensordot(*_operands(mx, ((2, 3), (5,))), axes=0),
        mx.tensordot(*_operands(mx, ((2, 3, 4), (4, 5, 2))), axes=[[0, 2], [2, 0]]),
    ],
    tolerance=1e-5,
)
EINSUMS = [("ij,jk->ik", (3, 4), (4, 5)), ("bhqd,bhkd->bhqk", (2, 3, 4, 5), (2, 3, 6, 5)), ("ij,ij->i", (3, 4), (3, 4))]
EINSUMS += [
    ("ij,kj", (3, 4), (2, 4)),
    ("i,j->ij", (3,), (4,)),
    ("ij,j->", (3, 4), (4,)),
    ("ij, jk -> ki", (3, 4), (4, 5)),
]
cases.add(
    "einsum",
    lambda mx: [mx.einsum(formula, *_operands(mx, shapes)) for formula, *shapes in EINSUMS],
    lambda mx: [mx.einsum("ij->ji", array(mx, normal(3, 4))), mx.einsum("ijk->j", array(mx, normal(2, 3, 4)))],
    lambda mx: mx.einsum("ij,jk,kl->il", *(array(mx, normal(3, 3, seed=seed)) for seed in range(3))),
    tolerance=1e-5,
)
cases.add("linalg.norm", lambda mx: [mx.linalg.norm(array(mx, normal(3, 5)), axis=axis) for axis in (None, 0, -1)])
cases.add(
    "linalg.norm",
    lambda mx: [
        mx.linalg.norm(array(mx, normal(3, 5)), ord=ord, axis=1) for ord in (1, 2, float("inf"), float("-inf"))
    ],
    lambda mx: [mx.linalg.norm(array(mx, normal(7)), ord=ord) for ord in (None, 1, 2, float("inf"))],
    lambda mx: mx.linalg.norm(array(mx, normal(2, 3, 5)), axis=(1, 2), keepdims=True),
    lambda mx: mx.linalg.norm(array(mx, normal(3, 5)), ord="fro"),
)


def _norm_inputs(mx: Any, kind: str = "float32") -> tuple[Any, Any, Any]:
    return tuple(array(mx, x, kind) for x in (normal(2, 3, 8, scale=3) + 1, normal(8, seed=1), normal(8, seed=2)))


cases.add(
    "fast.layer_norm",
    lambda mx: mx.fast.layer_norm(*_norm_inputs(mx), 1e-5),
    lambda mx: mx.fast.layer_norm(_norm_inputs(mx)[0], None, None, 1e-12),
    lambda mx: mx.fast.layer_norm(_norm_inputs(mx)[0], _norm_inputs(mx)[1], None, 1e-5),
    lambda mx: mx.fast.layer_norm(*_norm_inputs(mx, "float16"), 1e-5),
    lambda mx: mx.fast.layer_norm(mx.zeros((0, 8)), None, None, 1e-5),
    lambda mx: mx.fast.layer_norm(mx.full((2, 8), 1000.0), None, None, 1e-5),
    lambda mx: mx.fast.layer_norm(array(mx, normal(8)), None, None, 1e-5),
    tolerance=2e-3,
)
cases.add("fast.layer_norm", lambda mx: mx.fast.layer_norm(*_norm_inputs(mx), 1e-5), tolerance=5e-6)
cases.add(
    "fast.rms_norm",
    lambda mx: mx.fast.rms_norm(*_norm_inputs(mx)[:2], 1e-5),
    lambda mx: mx.fast.rms_norm(_norm_inputs(mx)[0], None, 1e-6),
    tolerance=5e-6,
)
cases.add("fast.rms_norm", lambda mx: mx.fast.rms_norm(*_norm_inputs(mx, "float16")[:2], 1e-5), tolerance=4e-3)


ROTATIONS: list[dict[str, Any]] = [
    {"traditional": False, "base": 10_000.0, "scale": 1.0, "offset": 0},
    {"traditional": True, "base": 10_000.0, "scale": 1.0, "offset": 3},
    {"traditional": True, "base": 500.0, "scale": 0.25, "offset": 0},
]
for options in ROTATIONS:
    cases.add(
        "fast.rope",
        lambda mx, o=options: [mx.fast.rope(array(mx, normal(2, 3, 5, 8)), dims, **o) for dims in (8, 4)],
        lambda mx, o=options: mx.fast.rope(array(mx, normal(2, 5, 8)), 8, **o),
        tolerance=5e-6,
    )
cases.add(
    "fast.rope",
    lambda mx: mx.fast.rope(
        array(mx, normal(1, 2, 5, 8)),
        8,
        traditional=False,
        base=None,
        scale=1.0,
        offset=2,
        freqs=mx.array([1.0, 2, 5, 9]),
    ),
    lambda mx: mx.fast.rope(
        array(mx, normal(1, 2, 5, 8)), 8, traditional=True, base=100.0, scale=1.0, offset=mx.array(4)
    ),
    tolerance=5e-6,
)


@pytest.mark.parametrize(("name", "function", "tolerance"), cases.parameters())
def test_is_mlx(name: str, function: Callable[..., Any], tolerance: float | None) -> None:
    cases.check(name, function, tolerance)


def test_layer_norm_beside_a_float64_loop() -> None:
    """Numbers far from zero, where E[x²] − E[x]² would lose everything."""
    x, weight, bias = normal(50, 384, scale=0.5) + 100, normal(384, seed=1), normal(384, seed=2)
    ours = values(core.fast.layer_norm(core.array(x), core.array(weight), core.array(bias), 1e-12))
    wide = x.astype(np.float64)
    exact = (wide - wide.mean(-1, keepdims=True)) / np.sqrt(wide.var(-1, keepdims=True) + 1e-12) * weight + bias
    assert np.abs(ours - exact).max() < 1e-4, np.abs(ours - exact).max()


def test_rotation_is_right_at_a_late_position() -> None:
    """Position 100,000 against complex numbers in float64: float32 angles would be off by 0.004."""
    x = normal(1, 1, 1, 8)
    ours = core.fast.rope(core.array(x), 8, traditional=True, base=10_000.0, scale=1.0, offset=100_000)
    turns = np.exp(1j * 100_000 * 10_000.0 ** (-2 * np.arange(4) / 8))
    expected = (x[..., ::2] + 1j * x[..., 1::2]) * turns
    np.testing.assert_allclose(values(ours)[..., ::2] + 1j * values(ours)[..., 1::2], expected, atol=1e-5)


def test_rope_refuses_what_it_cannot_rotate() -> None:
    for shape, dims, base in (((5, 8), 8, 1e4), ((1, 5, 8), 3, 1e4), ((1, 5, 8), 10, 1e4), ((1, 5, 8), 8, None)):
        with pytest.raises(ValueError, match="rope takes"):
            core.fast.rope(core.ones(shape), dims, traditional=True, base=base, scale=1.0, offset=0)


def test_a_weight_for_one_row_changes_its_layout_and_nothing_else(tmp_path: Path) -> None:
    from mlxformer.backend.numpy import nn

    layer = nn.Linear(160, 130)
    weight, x = values(layer.weight), normal(1, 160)
    expected = x.astype(np.float64) @ weight.T.astype(np.float64) + values(layer.bias)
    before = [values(layer(core.array(x))) for _ in range(3)]
    np.testing.assert_array_equal(before, [before[0]] * 3)  # unasked nothing is laid out anew, and rounds differently
    expect_one_row(layer.weight)
    layer(core.zeros((3, 160)))
    assert layer.weight._data.flags.c_contiguous
    for _ in range(2):
        np.testing.assert_allclose(values(layer(core.array(x))), expected, atol=1e-5)
    assert layer.weight._data.flags.f_contiguous and layer.weight.shape == (130, 160)
    np.testing.assert_array_equal(values(layer.weight), weight)
    np.testing.assert_array_equal(values(layer.weight[7]), weight[7])
    layer.save_weights(str(tmp_path / "layer.npz"))
    again = nn.Linear(160, 130)
    again.load_weights(str(tmp_path / "layer.npz"))
    np.testing.assert_array_equal(values(again.weight), weight)


@pytest.mark.parametrize("shape", [(2, 1), (1, 5), (4, 8), (3, 11)], ids=str)
def test_few_rows_are_multiplied_as_many_are(shape: tuple[int, int]) -> None:
    x, weight, bias = normal(*shape, 600), normal(1700, 600, seed=1), normal(1700, seed=2)
    expected = x.astype(np.float64) @ weight.T.astype(np.float64) + bias
    found = linear(core.array(x), core.array(weight), core.array(bias))
    assert found.shape == (*shape, 1700) and found.dtype == core.float32
    np.testing.assert_allclose(values(found), expected, atol=2e-4)
    half = core.array(x.astype(np.float16))
    np.testing.assert_allclose(values(linear(half, core.array(weight))), expected - bias, atol=0.2)


def test_integers_are_not_multiplied_as_matrices() -> None:
    with pytest.raises(ValueError, match="multiplies floats"):
        core.array([[1]]) @ core.array([[1]])


def test_einsum_refuses_what_is_not_on_the_list() -> None:
    for formula in ("...i->i", "ii->i"):
        with pytest.raises(ValueError, match="list"):
            core.einsum(formula, core.ones((2, 2)))
