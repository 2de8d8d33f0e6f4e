"""Arithmetic, functions of one element and comparisons: every one beside MLX, in every dtype."""

from __future__ import annotations

import itertools
import operator
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from tests.mlxformer.backend.numpy.comparing import Cases, assert_same, core, mlx
from tests.mlxformer.backend.numpy.inputs import DTYPES, SHAPES, array, normal, of_dtype

UNARY = ["abs", "ceil", "cos", "erf", "exp", "expm1", "floor", "isfinite", "isinf", "isnan", "logical_not"]
UNARY += ["negative", "round", "sigmoid", "sign", "sin", "square", "tanh"]
UNARY_POSITIVE = ["log", "log1p", "reciprocal", "rsqrt", "sqrt"]
BINARY = ["add", "divide", "equal", "greater", "greater_equal", "less", "less_equal", "logical_and", "logical_or"]
BINARY += ["maximum", "minimum", "multiply", "not_equal", "subtract"]
BINARY_POSITIVE = ["floor_divide", "power", "remainder"]

cases = Cases("mx")


def _of_all_shapes(name: str, positive: bool) -> Callable[[Any], Any]:
    return lambda mx: [getattr(mx, name)(of_dtype(mx, "float32", shape, positive=positive)) for shape in SHAPES]


def _of_all_dtypes(name: str, positive: bool) -> Callable[[Any], Any]:
    kinds = [kind for kind in DTYPES if not (name == "negative" and kind == "bool_")]
    # Negative unsigned numbers wrap, and MLX has no reciprocal of an integer.
    kinds = [kind for kind in kinds if not (name == "reciprocal" and kind not in ("float16", "float32"))]
    return lambda mx: [getattr(mx, name)(of_dtype(mx, kind, (3, 5), positive=positive)) for kind in kinds]


for name in UNARY + UNARY_POSITIVE:
    positive = name in UNARY_POSITIVE
    cases.add(name, _of_all_shapes(name, positive), _of_all_dtypes(name, positive))
    cases.add(name, lambda mx, name=name: getattr(mx, name)(0.5))


def _broadcasts(name: str, positive: bool) -> Callable[[Any], Any]:
    def run(mx: Any) -> Any:
        results = []
        for first, second in itertools.product([(), (0,), (5,), (3, 1), (2, 3, 5)], repeat=2):
            if (first, second) in [((0,), (2, 3, 5)), ((2, 3, 5), (0,)), ((5,), (0,)), ((0,), (5,))]:
                continue
            a = of_dtype(mx, "float32", first, seed=1, positive=positive)
            results.append(getattr(mx, name)(a, of_dtype(mx, "float32", second, seed=2, positive=positive)))
        return results

    return run


def _promotes(name: str, positive: bool) -> Callable[[Any], Any]:
    kinds = [kind for kind in DTYPES if not (kind == "bool_" and name in BINARY_POSITIVE)]
    return lambda mx: [
        getattr(mx, name)(
            of_dtype(mx, one, (3, 5), seed=1, positive=positive), of_dtype(mx, two, (3, 5), seed=2, positive=True)
        )
        for one, two in itertools.product(kinds, repeat=2)
        if not (name == "divide" and two == "bool_")
    ]


def _with_scalars(name: str, positive: bool) -> Callable[[Any], Any]:
    kinds = [kind for kind in DTYPES if not (kind == "bool_" and name in BINARY_POSITIVE)]
    scalars = [2, 2.5] if name in BINARY_POSITIVE else [True, 2, 2.5]
    return lambda mx: [
        (
            getattr(mx, name)(of_dtype(mx, kind, (3, 5), positive=True), scalar),
            getattr(mx, name)(scalar, of_dtype(mx, kind, (3, 5), positive=True)),
        )
        for kind, scalar in itertools.product([kind for kind in kinds if kind != "bool_"], scalars)
    ]


for name in BINARY + BINARY_POSITIVE:
    positive = name in BINARY_POSITIVE
    cases.add(name, _broadcasts(name, positive), _promotes(name, positive), _with_scalars(name, positive))

for name in ("add", "multiply", "maximum", "equal", "less", "divide"):
    cases.add(
        name,
        lambda mx, name=name: [
            getattr(mx, name)(mx.array([True, False]), scalar) for scalar in (True, 2, 2.5, np.float64(2.5))
        ],
    )

NAN, INF = float("nan"), float("inf")
SPECIAL = np.array([NAN, INF, -INF, 0.0, -0.0, 1e30, -1e30, 3.5, -3.5, 0.5, 1.5, 2.5, -0.5], np.float32)

for name in [*UNARY, *UNARY_POSITIVE]:
    if name not in ("sin", "cos"):
        cases.add(name, lambda mx, name=name: getattr(mx, name)(mx.array(SPECIAL)))
cases.add("isclose", lambda mx: mx.isclose(mx.array(SPECIAL), mx.array(SPECIAL + np.float32(1e-6))))
cases.add("isclose", lambda mx: mx.isclose(mx.array(SPECIAL), mx.array(SPECIAL), equal_nan=True))
cases.add("isclose", lambda mx: mx.isclose(mx.array([1.0, 1.2]), mx.array([1.1, 1.1]), rtol=0.01, atol=0.1))
cases.add("round", lambda mx: mx.round(array(mx, normal(7) * 100), 1))
cases.add("round", lambda mx: mx.round(array(mx, normal(7) * 1e3), -1))
cases.add(
    "clip",
    lambda mx: mx.clip(array(mx, normal(3, 5)), -0.5, 0.5),
    lambda mx: mx.clip(array(mx, normal(3, 5)), None, 0.5),
    lambda mx: mx.clip(array(mx, normal(3, 5)), mx.array([0.0, 0.1, 0.2, 0.3, 0.4]), None),
    lambda mx: mx.clip(of_dtype(mx, "int32", (7,)), 0, 3),
    lambda mx: mx.clip(mx.array(3.0), 0, 1),
)
cases.add(
    "where",
    lambda mx: mx.where(mx.array([True, False]), mx.array([1.0, 2.0]), 0),
    lambda mx: mx.where(mx.array([[True], [False]]), array(mx, normal(2, 3)), array(mx, normal(3))),
    lambda mx: mx.where(mx.array(True), 1, 2.0),
    lambda mx: mx.where(mx.array([1, 0]), mx.array([1, 2]), mx.array([0.5, 0.5])),
    lambda mx: mx.where(mx.array([True, False]), array(mx, normal(2), "float16"), -1e9),
    lambda mx: mx.where(mx.zeros((0,), mx.bool_), 1.0, 2.0),
)
cases.add("array_equal", lambda mx: [mx.array_equal(mx.array(a), mx.array(b)) for a, b in [([1, 2], [1, 2])]])
cases.add(
    "array_equal",
    lambda mx: mx.array_equal(mx.array([1, 2]), mx.array([1, 3])),
    lambda mx: mx.array_equal(mx.array([1, 2]), mx.array([1.0, 2.0])),
    lambda mx: mx.array_equal(mx.array([1, 2]), mx.array([[1, 2]])),
    lambda mx: mx.array_equal(mx.array([NAN]), mx.array([NAN])),
    lambda mx: mx.array_equal(mx.array([NAN]), mx.array([NAN]), equal_nan=True),
)
cases.add(
    "allclose",
    lambda mx: mx.allclose(mx.array([1.0, 2.0]), mx.array([1.0, 2.0 + 1e-6])),
    lambda mx: mx.allclose(mx.array([1.0, 2.0]), mx.array([1.0, 2.1])),
    lambda mx: mx.allclose(mx.array([1.0, 2.0]), mx.array([1.0, 2.1]), rtol=0.1),
    lambda mx: mx.allclose(mx.zeros((0,)), mx.zeros((0,))),
)
cases.add("stop_gradient", lambda mx: mx.stop_gradient(mx.array([1.0, 2.0])))


@pytest.mark.parametrize(("name", "function", "tolerance"), cases.parameters())
def test_is_mlx(name: str, function: Callable[..., Any], tolerance: float | None) -> None:
    cases.check(name, function, tolerance)


BOTH_WAYS = ["add", "sub", "mul", "truediv", "floordiv", "mod", "pow", "eq", "ne", "lt", "le", "gt", "ge"]


@pytest.mark.parametrize("name", BOTH_WAYS)
def test_operators_take_arrays_and_scalars_on_either_side(name: str) -> None:
    apply = getattr(operator, name)

    def run(mx: Any) -> Any:
        a, b = (of_dtype(mx, "float32", (3, 5), seed=seed, positive=True) for seed in (1, 2))
        ids = of_dtype(mx, "int32", (3, 5), positive=True)
        return [apply(a, b), apply(a, 2), apply(2, a), apply(ids, 2.5), apply(2, ids), apply(a, ids), apply(ids, ids)]

    assert_same(run(core), run(mlx))


def test_operators_on_booleans_and_signs() -> None:
    def run(mx: Any) -> Any:
        a, b = mx.array([True, True, False]), mx.array([True, False, False])
        ids = mx.array([1, -2, 3])
        return [a & b, a | b, a ^ b, ~a, a + b, a - b, a * b, ids & 3, ids | 4, ~ids, -ids, abs(ids), a & True, a * 2.0]

    assert_same(run(core), run(mlx))


def test_the_error_function_is_right_to_7e7() -> None:
    """erf and GELU against the standard library's, in float64, over where they change and far out."""
    import math

    x = np.concatenate([np.linspace(-6, 6, 40_001), [-1e4, 1e4, -40.0, 40.0]]).astype(np.float32)
    exact = np.array([math.erf(value) for value in x.tolist()])
    error = np.abs(np.array(core.erf(core.array(x)), np.float64) - exact).max()
    assert error < 7e-7, error


def test_a_small_probability_keeps_its_digits() -> None:
    """σ(−80) is 1.8e-35: an absolute tolerance would not see it vanish."""
    x = np.linspace(-80, 20, 1001).astype(np.float32)
    exact = 1 / (1 + np.exp(-x.astype(np.float64)))
    np.testing.assert_allclose(np.array(core.sigmoid(core.array(x))), exact, rtol=1e-6)


def test_numpy_never_takes_over_an_operator() -> None:
    for result in (np.ones(2) * core.array([1.5, 2.5]), np.float64(2) * core.array([1.5, 2.5])):
        assert isinstance(result, core.array) and result.dtype == core.float32, result
    np.testing.assert_array_equal(np.array(np.float64(2) * core.array([1.5, 2.5])), [3, 5])


@pytest.mark.filterwarnings("error")
def test_overflow_and_zero_division_are_silent() -> None:
    x = core.array([0.0, 1e38, -1.0])
    for result in (x / 0, x * 1e10, core.log(x), core.exp(x), x.astype(core.float16), core.sqrt(x), core.sum(x * 10)):
        assert result.size


def test_arrays_are_immutable_and_augmented_assignment_makes_a_new_one() -> None:
    x = core.array([1.0, 2.0])
    before = x
    with pytest.raises(TypeError, match="immutable"):
        x[0] = 3.0
    x += 1
    assert before.tolist() == [1, 2] and x.tolist() == [2, 3]
    outside = np.ones(2, np.float32)
    copied = core.array(outside)
    outside[0] = 9
    view = np.asarray(copied)
    view[0] = 7
    assert copied.tolist() == [1, 1]
