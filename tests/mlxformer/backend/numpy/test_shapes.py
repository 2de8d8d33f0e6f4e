"""Making, shaping and reading arrays: every function beside MLX."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from tests.mlxformer.backend.numpy.comparing import Cases, assert_same, core, mlx
from tests.mlxformer.backend.numpy.inputs import DTYPES, SHAPES, array, integers, normal

cases = Cases("mx")

for name in ("bool_", "uint8", "uint32", "int8", "int32", "int64", "float16", "float32"):
    cases.add(name, lambda mx, name=name: mx.array([0, 1, 2]).astype(getattr(mx, name)))
    cases.add(name, lambda mx, name=name: isinstance(getattr(mx, name), mx.Dtype))
for name in ("e", "pi", "inf", "newaxis"):
    cases.add(name, lambda mx, name=name: getattr(mx, name))
cases.add("nan", lambda mx: mx.array(mx.nan))
cases.add("Dtype", lambda mx: isinstance(mx.zeros((2,)).dtype, mx.Dtype))
for name in ("floating", "integer", "inexact", "number"):
    cases.add(name, lambda mx, name=name: [mx.issubdtype(getattr(mx, kind), getattr(mx, name)) for kind in DTYPES])
cases.add("issubdtype", lambda mx: [mx.issubdtype(mx.float32, mx.float32), mx.issubdtype(mx.float32, mx.int32)])
cases.add("finfo", lambda mx: [getattr(mx.finfo(mx.float32), field) for field in ("min", "max", "eps")])
cases.add("finfo", lambda mx: [getattr(mx.finfo(mx.float16), field) for field in ("min", "max", "eps")])

GIVEN: list[Any] = [1, 2.0, True, [1, 2], [1, 2.0], [True, 1], [True], [], [[1], [2.5]], (1, 2), 3_000_000_000]
GIVEN += [np.zeros(2), np.array([1, 2]), np.float64(1), np.int64(1), np.ones((2, 3), np.float16), np.array(True)]
GIVEN += [np.zeros((0, 3), np.float32), np.arange(6, dtype=np.float32).reshape(2, 3).T]
cases.add("array", lambda mx: [mx.array(given) for given in GIVEN])
cases.add("array", lambda mx: [mx.array([mx.array([1.0, 2.0]), mx.array([3, 4])]), mx.array(mx.array([1, 2]))])
cases.add("array", lambda mx: [mx.array([1.7, -1.7, 0.0], getattr(mx, kind)) for kind in DTYPES if kind[0] != "u"])
cases.add("array", lambda mx: [mx.array([1.5, 0.0]).astype(getattr(mx, kind)) for kind in DTYPES])
cases.add("zeros", lambda mx: [mx.zeros(shape) for shape in (3, *SHAPES)] + [mx.zeros((2,), mx.int32)])
cases.add("ones", lambda mx: [mx.ones(shape) for shape in (3, *SHAPES)] + [mx.ones((2,), dtype=mx.bool_)])
cases.add("zeros_like", lambda mx: [mx.zeros_like(mx.array([1, 2])), mx.zeros_like(array(mx, normal(3, 0)))])
cases.add("ones_like", lambda mx: [mx.ones_like(mx.array([True])), mx.ones_like(mx.array(2.0))])
cases.add(
    "full",
    lambda mx: [mx.full((2,), 1), mx.full((2, 3), 1.5), mx.full(2, True), mx.full((2,), 1, mx.float32)],
    lambda mx: [mx.full((3, 2), mx.array([1.0, 2.0])), mx.full((), float("-inf")), mx.full((0,), 2)],
)
cases.add(
    "arange",
    lambda mx: [mx.arange(5), mx.arange(2, 8), mx.arange(2, 9, 3), mx.arange(5, 0, -2), mx.arange(0), mx.arange(3.0)],
    lambda mx: [mx.arange(0, 1, 0.25), mx.arange(4, dtype=mx.float32), mx.arange(1, 7, 2, dtype=mx.float16)],
)
cases.add(
    "linspace",
    lambda mx: [
        mx.linspace(0, 1, 5),
        mx.linspace(-2, 3),
        mx.linspace(0, 5, 6, dtype=mx.int32),
        mx.linspace(0, 1, 4, False),
        mx.linspace(1, 1, 1),
    ],
)
cases.add("eye", lambda mx: [mx.eye(3), mx.eye(2, 4), mx.eye(3, k=1), mx.eye(3, 4, -1, mx.int32)])
cases.add("tri", lambda mx: [mx.tri(3), mx.tri(2, 4), mx.tri(3, 3, -1), mx.tri(3, 5, 2, mx.int32)])
for name in ("tril", "triu"):
    cases.add(name, lambda mx, name=name: [getattr(mx, name)(array(mx, normal(3, 5)), k=k) for k in (-1, 0, 2)])
    cases.add(name, lambda mx, name=name: getattr(mx, name)(array(mx, normal(2, 3, 3))))

cases.add(
    "reshape",
    lambda mx: [mx.reshape(array(mx, normal(2, 3, 4)), shape) for shape in ((6, 4), (2, -1), (-1,), (24, 1, 1))],
    lambda mx: [mx.reshape(mx.array(2.0), (1, 1)), mx.reshape(mx.zeros((3, 0)), (0, 5))],
)
cases.add(
    "flatten",
    lambda mx: [
        mx.flatten(array(mx, normal(2, 3, 4))),
        mx.flatten(array(mx, normal(2, 3, 4)), 1),
        mx.flatten(mx.array(1)),
    ],
    lambda mx: mx.flatten(array(mx, normal(2, 3, 4, 5)), start_axis=1, end_axis=-2),
)
cases.add(
    "transpose",
    lambda mx: [mx.transpose(array(mx, normal(2, 3, 4))), mx.transpose(array(mx, normal(2, 3, 4)), (0, 2, 1))],
    lambda mx: [mx.transpose(array(mx, normal(2, 3)), [-1, 0]), mx.transpose(mx.array(1.0))],
)
cases.add(
    "swapaxes", lambda mx: [mx.swapaxes(array(mx, normal(2, 3, 4)), *axes) for axes in ((0, 2), (-1, -2), (1, 1))]
)
cases.add(
    "moveaxis", lambda mx: [mx.moveaxis(array(mx, normal(2, 3, 4)), *axes) for axes in ((0, 2), (-1, 0), (1, -1))]
)
cases.add(
    "expand_dims", lambda mx: [mx.expand_dims(array(mx, normal(2, 3)), axis) for axis in (0, 1, -1, (0, 3), [1, 2])]
)
cases.add(
    "squeeze",
    lambda mx: [mx.squeeze(array(mx, normal(1, 3, 1, 2)), axis) for axis in (None, 0, 2, (0, 2), [-2])],
    lambda mx: mx.squeeze(array(mx, normal(1, 1))),
)
cases.add("broadcast_to", lambda mx: [mx.broadcast_to(array(mx, normal(3, 1)), shape) for shape in ((3, 4), (2, 3, 1))])
cases.add("broadcast_to", lambda mx: mx.broadcast_to(mx.array(2), (2, 2)))
cases.add(
    "concatenate",
    lambda mx: [
        mx.concatenate([array(mx, normal(2, 3)), array(mx, normal(2, 3, seed=1))], axis) for axis in (0, 1, -1)
    ],
    lambda mx: mx.concatenate([mx.array([1.5]), mx.array([1, 2])]),
    lambda mx: mx.concatenate([mx.zeros((0, 2)), mx.ones((2, 2))]),
    lambda mx: mx.concatenate([array(mx, normal(2, 3)), array(mx, normal(2, 1))], axis=1),
)
cases.add(
    "stack",
    lambda mx: [mx.stack([array(mx, normal(2, 3)), array(mx, normal(2, 3, seed=1))], axis) for axis in (0, 1, 2, -1)],
    lambda mx: mx.stack([mx.array(1.0), mx.array(2)]),
)
cases.add(
    "split",
    lambda mx: [mx.split(array(mx, normal(4, 6)), 2), mx.split(array(mx, normal(4, 6)), 3, axis=-1)],
    lambda mx: mx.split(array(mx, normal(7)), [2, 5]),
)
cases.add(
    "repeat",
    lambda mx: [mx.repeat(array(mx, normal(2, 3)), 2, axis) for axis in (0, 1, -1, None)],
    lambda mx: mx.repeat(array(mx, normal(2, 3)), 0, 0),
)
cases.add("tile", lambda mx: [mx.tile(array(mx, normal(2, 3)), reps) for reps in (2, (2, 1), (2, 1, 3), (1,))])
cases.add("tile", lambda mx: mx.tile(mx.array(2.0), (2, 2)))
cases.add(
    "pad",
    lambda mx: [mx.pad(array(mx, normal(2, 3)), width) for width in (1, (1, 2), (1,), [(0, 1), (2, 0)], [(1, 2)])],
    lambda mx: mx.pad(mx.array([1, 2]), (2, 0), constant_values=7),
)

READS: list[Callable[[Any, Any], Any]] = [
    lambda mx, x: x[1],
    lambda mx, x: x[-1, 2],
    lambda mx, x: x[0, 1, 2],
    lambda mx, x: x[...],
    lambda mx, x: x[None],
    lambda mx, x: x[:, None, :, 1:3],
    lambda mx, x: x[..., -1],
    lambda mx, x: x[..., None],
    lambda mx, x: x[:, ::-1],
    lambda mx, x: x[:, 0:3:2, 1:],
    lambda mx, x: x[:0],
    lambda mx, x: x[1:100],
    lambda mx, x: x[mx.array([1, 0, 1])],
    lambda mx, x: x[mx.array([[1, -1], [0, 0]])],
    lambda mx, x: x[:, mx.array([2, 0])],
    lambda mx, x: x[mx.array([0, 1]), mx.array([2, 1])],
    lambda mx, x: x[mx.array([0, 1]), :, mx.array([2, 1])],
    lambda mx, x: x[0, :, mx.array([2, 1])],
    lambda mx, x: x[mx.array([[0], [1]]), mx.array([0, 2])],
    lambda mx, x: x[..., mx.array([3, 0])],
    lambda mx, x: x[[0, 1]],
    lambda mx, x: x[mx.array(1)],
    lambda mx, x: x[mx.array([], mx.int32)],
    lambda mx, x: x[mx.array([1, 0]).astype(mx.uint32), 1:],
]


@pytest.mark.parametrize("read", READS)
def test_reads_are_mlx(read: Callable[[Any, Any], Any]) -> None:
    x = normal(2, 3, 4)
    assert_same(read(core, core.array(x)), read(mlx, mlx.array(x)))


cases.add(
    "take",
    lambda mx: [mx.take(array(mx, normal(3, 4)), mx.array([1, 0, 1]), axis=axis) for axis in (0, 1, -1)],
    lambda mx: mx.take(array(mx, normal(3, 4)), mx.array([[5, 0], [11, -1]])),
    lambda mx: [mx.take(array(mx, normal(3, 4)), 1, axis=0), mx.take(array(mx, normal(3, 4)), 1)],
    lambda mx: mx.take(array(mx, normal(3, 4)), mx.array([[1, 0], [2, 2]]), axis=1),
)
cases.add(
    "take_along_axis",
    lambda mx: mx.take_along_axis(array(mx, normal(3, 4)), mx.array([[1, 0], [2, 3], [-1, 1]]), axis=1),
    lambda mx: mx.take_along_axis(array(mx, normal(3, 4)), mx.array([[1, 0, 2, 2]]), axis=0),
    lambda mx: mx.take_along_axis(array(mx, normal(3, 4)), mx.array([1, 11]), axis=None),
    lambda mx: mx.take_along_axis(array(mx, normal(2, 3, 4)), array(mx, integers(0, 4, 2, 3, 1)), axis=-1),
)


@pytest.mark.parametrize(("name", "function", "tolerance"), cases.parameters())
def test_is_mlx(name: str, function: Callable[..., Any], tolerance: float | None) -> None:
    cases.check(name, function, tolerance)


def test_methods_are_mlx() -> None:
    def run(mx: Any) -> Any:
        x = array(mx, normal(2, 3, 4))
        row = mx.array([1.5])
        return [
            *(x.reshape(6, 4), x.reshape((4, 6)), x.reshape(-1), x.reshape([2, 12]), x.transpose(), x.T),
            *(x.transpose(0, 2, 1), x.transpose((2, 0, 1)), x.swapaxes(0, 1), x.astype(mx.int32), list(x[0])),
            *(
                x.shape,
                x.ndim,
                x.size,
                x.nbytes,
                x.itemsize,
                len(x),
                row.item(),
                x[0, 0].tolist(),
                float(row),
                int(row),
            ),
            *(bool(row), range(mx.array(3)), mx.array([1, 2]).tolist(), mx.array(True).item(), mx.array(3).item()),
        ]

    assert_same(run(core), run(mlx))


def test_arrays_are_copied_and_pickled() -> None:
    x = core.array(normal(2, 3))
    for other in (copy.copy(x), copy.deepcopy(x), pickle.loads(pickle.dumps(x))):
        assert_same(other, mlx.array(normal(2, 3)))


def test_what_mlx_refuses_is_refused() -> None:
    x = core.array([1.0, 2.0])
    with pytest.raises(ValueError, match="Boolean indices"):
        x[x > 1]
    with pytest.raises(ValueError, match="integers"):
        x[x]
    with pytest.raises(ValueError, match="Invalid type range"):
        core.array(range(3))
    with pytest.raises(TypeError, match="float64"):
        core.zeros((2,), np.float64)
    with pytest.raises(ValueError, match="exactly one element"):
        bool(x)
    with pytest.raises(ValueError, match="equal parts"):
        core.split(core.zeros((5,)), 2)
    with pytest.raises(TypeError):
        core.zeros((2, 2))["rows"] = 1
    with pytest.raises(ValueError, match="Cannot index"):
        x["rows"]


def test_an_index_out_of_range_is_an_error_where_mlx_reads_garbage() -> None:
    with pytest.raises(IndexError):
        core.array([1.0, 2.0])[core.array([2])]
    with pytest.raises(IndexError):
        core.take(core.zeros((2, 3)), core.array([3]), axis=1)
