"""Reductions and orders: every one beside MLX, over every axis, in every dtype."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from tests.mlxformer.backend.numpy.comparing import Cases, core, values
from tests.mlxformer.backend.numpy.inputs import DTYPES, array, integers, normal, of_dtype

REDUCTIONS = ["all", "any", "logsumexp", "max", "mean", "min", "prod", "std", "sum", "var"]
OF_EMPTY = ["all", "any", "prod", "sum"]
AXES: list[Any] = [None, 0, 1, -1, (0, 2), [1, 2], (0, 1, 2), ()]

cases = Cases("mx")


def _over_axes(name: str) -> Callable[[Any], Any]:
    return lambda mx: [
        getattr(mx, name)(array(mx, normal(2, 3, 5)), axis=axis, keepdims=keepdims)
        for axis in AXES
        for keepdims in (False, True)
    ]


def _of_dtypes(name: str, kinds: list[str]) -> Callable[[Any], Any]:
    return lambda mx: [getattr(mx, name)(of_dtype(mx, kind, (3, 5)), 0) for kind in kinds]


for name in REDUCTIONS:
    cases.add(name, _over_axes(name))
    # MLX takes the log of an int8 sum of exponentials in int8.
    cases.add(name, _of_dtypes(name, ["int32", "float16", "float32"] if name == "logsumexp" else DTYPES))
    cases.add(name, lambda mx, name=name: getattr(mx, name)(mx.array(1.5)))
for name in OF_EMPTY:
    cases.add(name, lambda mx, name=name: [getattr(mx, name)(mx.zeros((3, 0)), axis) for axis in (None, 0, 1)])

NAN, INF = float("nan"), float("inf")
cases.add(
    "logsumexp",
    lambda mx: mx.logsumexp(mx.array([[-INF, -INF], [1000.0, 999.0], [INF, 0.0], [-INF, 2.0], [NAN, 0.0]]), -1),
    lambda mx: mx.logsumexp(mx.array([-1e38, -3e38])),
)
cases.add("max", lambda mx: mx.max(mx.array([1.0, NAN, 2.0])))
cases.add("min", lambda mx: mx.min(mx.array([1.0, NAN, 2.0])))
for name in ("var", "std"):
    cases.add(name, lambda mx, name=name: getattr(mx, name)(array(mx, normal(3, 5)), 1, True, ddof=1))

for name in ("argmax", "argmin"):
    cases.add(
        name,
        lambda mx, name=name: [
            getattr(mx, name)(array(mx, normal(2, 3, 5)), axis=axis, keepdims=keepdims)
            for axis in (None, 0, -1)
            for keepdims in (False, True)
        ],
        lambda mx, name=name: getattr(mx, name)(mx.array([2.0, 3.0, 3.0, 2.0, 2.0])),
        lambda mx, name=name: [getattr(mx, name)(of_dtype(mx, kind, (3, 5)), 1) for kind in DTYPES],
        lambda mx, name=name: getattr(mx, name)(mx.array(3.0)),
    )
for name in ("argsort", "sort"):
    cases.add(
        name,
        lambda mx, name=name: [getattr(mx, name)(array(mx, normal(3, 5)), axis=axis) for axis in (0, 1, -1, None)],
        lambda mx, name=name: [getattr(mx, name)(of_dtype(mx, kind, (7,))) for kind in DTYPES if kind != "bool_"],
        lambda mx, name=name: getattr(mx, name)(mx.zeros((0,))),
    )
cases.add(
    "topk",
    lambda mx: mx.sort(mx.topk(array(mx, normal(3, 7)), 3)),
    lambda mx: mx.sort(mx.topk(array(mx, normal(4, 3)), 2, axis=0), axis=0),
    lambda mx: mx.sort(mx.topk(array(mx, normal(4, 3)), 5, axis=None)),
)
cases.add(
    "cumsum",
    lambda mx: [
        mx.cumsum(array(mx, normal(3, 5)), axis=axis, reverse=reverse, inclusive=inclusive)
        for axis in (None, 0, -1)
        for reverse in (False, True)
        for inclusive in (False, True)
    ],
    lambda mx: [mx.cumsum(of_dtype(mx, kind, (7,))) for kind in ("bool_", "int32", "float16")],
)
cases.add(
    "softmax",
    lambda mx: [
        mx.softmax(array(mx, normal(2, 3, 5, scale=3)), axis=axis) for axis in (None, 0, 1, -1, (1, 2), [0, 2])
    ],
    lambda mx: [mx.softmax(of_dtype(mx, kind, (3, 5)), axis=-1) for kind in ("int32", "float16", "float32", "bool_")],
    lambda mx: mx.softmax(array(mx, normal(3, 5), "float16"), axis=-1, precise=True),
    lambda mx: mx.softmax(mx.array([[-INF, -INF], [-INF, 0.0], [1e4, -1e4], [-3e38, -3e38], [NAN, 0.0]]), axis=-1),
    lambda mx: mx.softmax(mx.zeros((0, 3)), axis=-1),
    lambda mx: mx.softmax(array(mx, normal(3)), axis=-1),
)


@pytest.mark.parametrize(("name", "function", "tolerance"), cases.parameters())
def test_is_mlx(name: str, function: Callable[..., Any], tolerance: float | None) -> None:
    cases.check(name, function, tolerance)


def test_sums_stay_accurate_in_float32() -> None:
    """A million numbers against float64: pairwise addition, no float64 leak."""
    x = np.random.default_rng(0).random(1_000_000, dtype=np.float32)
    total = core.sum(core.array(x))
    assert total.dtype == core.float32
    assert abs(float(total) / float(x.astype(np.float64).sum()) - 1) < 1e-6


def test_softmax_rows_sum_to_one_in_long_rows() -> None:
    weights = values(core.softmax(core.array(normal(4, 20_000, scale=2)), axis=-1)).astype(np.float64)
    np.testing.assert_allclose(weights.sum(-1), 1, atol=1e-5)


def test_the_k_largest_come_in_ascending_order() -> None:
    x = normal(3, 9)
    np.testing.assert_array_equal(values(core.topk(core.array(x), 4)), np.sort(x)[:, -4:])
    with pytest.raises(ValueError, match="k is 10"):
        core.topk(core.array(x), 10)


def test_equal_elements_keep_their_order() -> None:
    ids = integers(0, 3, 50)
    np.testing.assert_array_equal(values(core.argsort(core.array(ids))), np.argsort(ids, kind="stable"))


def test_an_axis_out_of_range_is_an_error() -> None:
    with pytest.raises(ValueError, match="axis 2 is out of range"):
        core.sum(core.zeros((2, 3)), 2)


SUMMED: dict[str, tuple[Callable[[Any], Any], Callable[[np.ndarray], Any]]] = {
    "sum": (lambda x: core.sum(x, 0), lambda x: x.sum(0)),
    "mean": (lambda x: core.mean(x, 0), lambda x: x.mean(0)),
    "var": (lambda x: core.var(x, 0), lambda x: x.var(0)),
    "std": (lambda x: core.std(x, 0), lambda x: x.std(0)),
    "cumsum": (lambda x: core.cumsum(x, 0), lambda x: x.cumsum(0)),
    "logsumexp": (lambda x: core.logsumexp(x, 0), lambda x: np.log(np.exp(x).sum(0))),
    "norm": (lambda x: core.linalg.norm(x, axis=0), lambda x: np.sqrt((x * x).sum(0))),
    "matmul": (lambda x: core.ones((1, x.shape[0]), core.float16) @ x, lambda x: x.sum(0, keepdims=True)),
    "einsum": (lambda x: core.einsum("ij->j", x), lambda x: x.sum(0)),
    "gradient": (
        lambda x: core.grad(lambda b: core.sum((core.zeros(x.shape, core.float16) + b) * x))(x[0]),
        lambda x: x.sum(0),
    ),
}


@pytest.mark.parametrize("length", [8, 512, 8192])
@pytest.mark.parametrize("name", SUMMED)
def test_sums_of_float16_are_as_exact_as_float16_is(name: str, length: int) -> None:
    """Added up in float32 and rounded once: within two units of float16's last place of the float64 value."""
    ours, exact = SUMMED[name]
    x = (np.random.default_rng(length).uniform(0.5, 1.5, (length, 3)) * 4).astype(np.float16)
    found = ours(core.array(x))
    assert found.dtype == core.float16
    np.testing.assert_allclose(values(found).astype(float), exact(x.astype(float)), rtol=2e-3)
