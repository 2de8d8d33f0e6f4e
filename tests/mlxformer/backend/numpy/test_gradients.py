"""The gradient of every function that has one: beside MLX's, and beside finite differences."""

from __future__ import annotations

import dataclasses
import inspect
import tracemalloc
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple

import numpy as np
import pytest

from tests.mlxformer.backend.numpy.closed_list import closed_list
from tests.mlxformer.backend.numpy.comparing import assert_same, core, mlx, nn, values
from tests.mlxformer.backend.numpy.inputs import integers, normal

Inputs = list[np.ndarray]
CASES: list[tuple[str, Callable[..., Any], Inputs]] = []


def case(name: str, function: Callable[..., Any], *inputs: np.ndarray) -> None:
    CASES.append((name, function, list(inputs)))


X, Y, ROW = normal(3, 5), normal(3, 5, seed=1), normal(5, seed=2)
POSITIVE, OTHER_POSITIVE = np.abs(X) + np.float32(0.5), np.abs(Y) + np.float32(0.5)
CUBE = normal(2, 3, 4)

for name in ("abs", "cos", "erf", "exp", "expm1", "negative", "sigmoid", "sin", "square", "tanh"):
    case(name, lambda mx, x, name=name: getattr(mx, name)(x), X)
    case(name, lambda mx, x, name=name: getattr(mx, name)(x), np.float32(0.7))
for name in ("log", "log1p", "reciprocal", "rsqrt", "sqrt"):
    case(name, lambda mx, x, name=name: getattr(mx, name)(x), POSITIVE)
for name in ("add", "subtract", "multiply", "maximum", "minimum"):
    case(name, lambda mx, x, y, name=name: getattr(mx, name)(x, y), X, ROW)
    case(name, lambda mx, x, y, name=name: getattr(mx, name)(x, y), normal(2, 1, 5), normal(3, 1, seed=1))
    case(name, lambda mx, x, name=name: getattr(mx, name)(x, 0.25) + getattr(mx, name)(0.5, x), X)
for name in ("divide", "power"):
    case(name, lambda mx, x, y, name=name: getattr(mx, name)(x, y), POSITIVE, OTHER_POSITIVE[0])
    case(name, lambda mx, x, name=name: getattr(mx, name)(x, 3) + getattr(mx, name)(2.0, x), POSITIVE)
case("remainder", lambda mx, x, y: mx.remainder(x, y), POSITIVE * 3, OTHER_POSITIVE)
case("clip", lambda mx, x: mx.clip(x, -0.5, 0.5), X)
case("clip", lambda mx, x, low: mx.clip(x, low, None), X, ROW)
case("where", lambda mx, x, y: mx.where(mx.array(CHOICE), x, y), X, ROW)
case(
    "checkpoint", lambda mx, x, y: mx.checkpoint(lambda a, named: mx.tanh(a) * named["y"][0])(x, {"y": [y]}) * x, X, ROW
)
case("checkpoint", lambda mx, x, y: mx.checkpoint(lambda a, b: mx.tanh(a) * b["y"][0])(x, {"y": [y]}) * x, X, ROW)
case("checkpoint", lambda mx, x: mx.checkpoint(lambda a, kind, b=None: mx.ones_like(a))(x, "unused", b=x) + x, X)
case("stop_gradient", lambda mx, x: x * mx.stop_gradient(x) + x, X)
CHOICE = np.random.default_rng(3).random((3, 5)) < 0.5

for name in ("sum", "mean", "max", "min", "prod", "var", "std", "logsumexp"):
    for axis in (None, 0, -1):
        case(name, lambda mx, x, name=name, axis=axis: getattr(mx, name)(x, axis=axis), X)
    case(name, lambda mx, x, name=name: getattr(mx, name)(x, axis=(0, 2), keepdims=True), CUBE)
case("cumsum", lambda mx, x: mx.cumsum(x, axis=1) + mx.cumsum(x, axis=0, reverse=True, inclusive=False), X)
case("sort", lambda mx, x: mx.sort(x, axis=1), X)
case("topk", lambda mx, x: mx.sort(mx.topk(x, 3)), X)
for axes in (-1, 0, None, (0, 1)):
    case("softmax", lambda mx, x, axes=axes: mx.softmax(x, axis=axes), X)

case("reshape", lambda mx, x: mx.reshape(x, (5, 3)), X)
case("flatten", lambda mx, x: mx.flatten(x, 1), CUBE)
case("transpose", lambda mx, x: mx.transpose(x, (2, 0, 1)), CUBE)
case("swapaxes", lambda mx, x: mx.swapaxes(x, 0, 2), CUBE)
case("moveaxis", lambda mx, x: mx.moveaxis(x, 0, -1), CUBE)
case("expand_dims", lambda mx, x: mx.expand_dims(x, (0, 2)), X)
case("squeeze", lambda mx, x: mx.squeeze(x, 1), normal(3, 1, 5))
case("broadcast_to", lambda mx, x: mx.broadcast_to(x, (2, 3, 5)), normal(3, 1))
case("concatenate", lambda mx, x, y: mx.concatenate([x, y, x], axis=1), X, normal(3, 2))
case("stack", lambda mx, x, y: mx.stack([x, y], axis=1), X, Y)
case("split", lambda mx, x: mx.split(x, [1, 3], axis=1)[1], X)
case("repeat", lambda mx, x: mx.repeat(x, 2, 0), X)
case("tile", lambda mx, x: mx.tile(x, (2, 1, 2)), X)
case("pad", lambda mx, x: mx.pad(x, [(1, 0), (2, 1)]), X)
case("tril", lambda mx, x: mx.tril(x, k=1), X)
case("triu", lambda mx, x: mx.triu(x, k=-1), X)
case("take", lambda mx, x: mx.take(x, mx.array([[0, 2], [2, 2]]), axis=0), X)
case("take", lambda mx, x: mx.take(x, mx.array([1, 1, 4]), axis=1), X)
case("take_along_axis", lambda mx, x: mx.take_along_axis(x, mx.array(integers(0, 5, 3, 2)), axis=1), X)
case("take_along_axis", lambda mx, x: mx.take_along_axis(x, mx.array([[1, 1, 4], [0, 0, 0], [2, 3, 2]]), axis=1), X)
case("take_along_axis", lambda mx, x: mx.take_along_axis(x, mx.array([[0, 0, 1, 2, 2]]), axis=0), X)

for first, second in [((3, 4), (4, 5)), ((4,), (4, 5)), ((3, 4), (4,)), ((4,), (4,)), ((2, 3, 4), (4, 5))]:
    case("matmul", lambda mx, x, y: mx.matmul(x, y), normal(*first), normal(*second, seed=1))
for first, second in [((2, 3, 4), (2, 4, 5)), ((2, 1, 3, 4), (5, 4, 2)), ((2, 3, 4), (4,)), ((3, 4), (2, 4, 5))]:
    case("matmul", lambda mx, x, y: mx.matmul(x, y), normal(*first), normal(*second, seed=1))
case("outer", lambda mx, x, y: mx.outer(x, y), normal(3), normal(4, seed=1))
case("inner", lambda mx, x, y: mx.inner(x, y), X, normal(2, 5, seed=1))
case("tensordot", lambda mx, x, y: mx.tensordot(x, y, axes=[[0, 2], [2, 0]]), CUBE, normal(4, 5, 2, seed=1))
case("einsum", lambda mx, x, y: mx.einsum("bhqd,bhkd->bhqk", x, y), normal(2, 3, 4, 5), normal(2, 3, 2, 5, seed=1))
case("einsum", lambda mx, x, y: mx.einsum("ij,k->i", x, y), X, normal(4, seed=1))
case("linalg.norm", lambda mx, x: mx.linalg.norm(x, axis=1), X)
case("linalg.norm", lambda mx, x: mx.linalg.norm(x, ord=1, axis=0), X)
WEIGHT, BIAS = normal(8, seed=1), normal(8, seed=2)
case("fast.layer_norm", lambda mx, x, w, b: mx.fast.layer_norm(x, w, b, 1e-5), normal(2, 3, 8), WEIGHT, BIAS)
case("fast.layer_norm", lambda mx, x: mx.fast.layer_norm(x, None, None, 1e-5), normal(2, 3, 8))
case("fast.rms_norm", lambda mx, x, w: mx.fast.rms_norm(x, w, 1e-5), normal(2, 3, 8), WEIGHT)
for traditional in (True, False):

    def rotate(mx: Any, x: Any, traditional: bool = traditional) -> Any:
        return mx.fast.rope(x, 6, traditional=traditional, base=100.0, scale=1.0, offset=1)

    case("fast.rope", rotate, normal(2, 3, 5, 8))
Q, K, V = normal(2, 4, 3, 8), normal(2, 2, 5, 8, seed=1), normal(2, 2, 5, 8, seed=2)
VISIBLE = np.random.default_rng(0).random((2, 1, 3, 5)) < 0.7
VISIBLE[..., 0] = True
for mask in (None, "causal", VISIBLE):

    def attend(mx: Any, q: Any, k: Any, v: Any, mask: Any = mask) -> Any:
        given = mx.array(mask) if isinstance(mask, np.ndarray) else mask
        return mx.fast.scaled_dot_product_attention(q, k, v, scale=0.3, mask=given)

    case("fast.scaled_dot_product_attention", attend, Q, K, V)
case(
    "fast.scaled_dot_product_attention",
    lambda mx, q, k, v, bias: mx.fast.scaled_dot_product_attention(q, k, v, scale=0.3, mask=bias),
    *(Q, K, V, normal(1, 4, 3, 5)),
)

# Operators and methods, under the names of their functions.
case("add", lambda mx, x, y: 2 * x - y / 3 + (x * y) ** 2 - -x + abs(y) + x % 2.5, X, Y)
case("matmul", lambda mx, x, y: x @ y.T, X, Y)
case("take", lambda mx, x: x[mx.array([[0, 1], [1, 1]])] * x[0, 0, None, None], CUBE)
case("reshape", lambda mx, x: x.reshape(4, -1).transpose(1, 0).swapaxes(0, 1).astype(mx.float32)[1:, ::2], CUBE)
case("take", lambda mx, x: x[mx.array([0, 1, 0]), :, mx.array([2, 1, 2])], CUBE)

WITHOUT = """
    all any argmax argmin argsort array_equal allclose isclose isfinite isinf isnan equal not_equal less less_equal
    greater greater_equal logical_and logical_or logical_not floor ceil round sign floor_divide arange array eye full
    linspace ones ones_like tri zeros zeros_like Dtype finfo issubdtype compile eval grad value_and_grad
"""


def test_every_function_has_a_gradient_case_or_none_to_give() -> None:
    functions = {name for name in closed_list(core) if not name.startswith("random.")}
    functions = {name for name in functions if callable(_named(name)) or inspect.isclass(_named(name))}
    assert functions == {name for name, _, _ in CASES} | set(WITHOUT.split())


def _named(name: str) -> Any:
    found: Any = core
    for part in name.split("."):
        found = getattr(found, part)
    return found


def _weights(shape: tuple[int, ...]) -> np.ndarray:
    """A direction for the output, so that a sum over it does not hide a mistake."""
    return np.random.default_rng(9).uniform(0.5, 1.5, shape).astype(np.float32)


def _gradients(mx: Any, function: Callable[..., Any], inputs: Inputs) -> tuple[Any, Any]:
    def loss(*arrays: Any) -> Any:
        y = function(mx, *arrays)
        return (y * mx.array(_weights(tuple(y.shape)))).sum() if mx is mlx else mx.sum(y * mx.array(_weights(y.shape)))

    return mx.value_and_grad(loss, argnums=tuple(range(len(inputs))))(*(mx.array(x) for x in inputs))


IDS = [f"{name}-{number}" for number, (name, _, _) in enumerate(CASES)]


@pytest.mark.parametrize(("name", "function", "inputs"), CASES, ids=IDS)
def test_is_mlx(name: str, function: Callable[..., Any], inputs: Inputs) -> None:
    assert_same(_gradients(core, function, inputs), _gradients(mlx, function, inputs), tolerance=2e-5)


# The gradient of stop_gradient is not that of its values: that is what it is for.
MEASURED = [given for given in CASES if given[0] != "stop_gradient"]


@pytest.mark.parametrize(("name", "function", "inputs"), MEASURED)
def test_agrees_with_finite_differences(name: str, function: Callable[..., Any], inputs: Inputs) -> None:
    """Along three random directions: (f(x + h d) − f(x − h d)) / 2h, computed in float32."""
    _, found = _gradients(core, function, inputs)
    gradients = [values(g) for g in (found if len(inputs) > 1 else [found])]
    step = 4e-3

    def loss(direction: list[np.ndarray], sign: float) -> float:
        moved = (core.array((x + sign * step * d).astype(np.float32)) for x, d in zip(inputs, direction, strict=True))
        y = values(function(core, *moved)).astype(np.float64)
        return float((y * _weights(y.shape)).sum())

    for seed in range(3):
        draw = np.random.default_rng(100 + seed)
        direction = [draw.standard_normal(np.shape(x)) / np.sqrt(max(np.size(x), 1)) for x in inputs]
        measured = (loss(direction, 1) - loss(direction, -1)) / (2 * step)
        claimed = sum(float((g * d).sum()) for g, d in zip(gradients, direction, strict=True))
        assert abs(measured - claimed) < 5e-3 * max(1, abs(claimed)), (measured, claimed)


def test_ties_and_zeros_go_where_mlx_sends_them() -> None:
    def run(mx: Any) -> Any:
        x, ties = mx.array([0.0, -1.0, 1.0]), mx.array([1.0, 1.0, 0.0])
        return [
            mx.grad(lambda a: mx.sum(mx.maximum(a, 0)))(x),
            mx.grad(lambda a: mx.sum(mx.maximum(0, a)))(x),
            mx.grad(lambda a: mx.sum(mx.minimum(a, 0)))(x),
            mx.grad(lambda a: mx.sum(mx.abs(a)))(x),
            mx.grad(mx.max)(ties),
            mx.grad(mx.prod)(mx.array([0.0, 2.0, 3.0])),
            mx.grad(mx.prod)(mx.array([0.0, 2.0, 0.0])),
            mx.grad(lambda a: mx.sum(mx.power(a, 2)))(x),
            mx.grad(lambda a: mx.sum(mx.floor(a)))(x),
        ]

    assert_same(run(core), run(mlx))


def test_forms_of_grad_are_mlx() -> None:
    def run(mx: Any) -> Any:
        x, y = mx.array([1.0, 2.0]), mx.array([3.0, 4.0])

        def product(a: Any, b: Any) -> Any:
            return mx.sum(a * b)

        tree = {"layers": [{"w": x}, {"w": y}], "b": x}
        return [
            mx.grad(product)(x, y),
            mx.grad(product, argnums=1)(x, y),
            mx.grad(product, argnums=[0])(x, y),
            mx.grad(product, argnums=(0, 1))(x, y),
            mx.grad(product, argnames="b")(x, b=y),
            mx.grad(product, argnums=0, argnames=["b"])(x, b=y),
            mx.value_and_grad(lambda a, b: (product(a, b), a * 2, "kept"))(x, y),
            mx.value_and_grad(lambda p: mx.sum(p["layers"][0]["w"] * p["b"]))(tree),
            mx.grad(lambda a: mx.sum(a * mx.grad(lambda b: mx.sum(mx.exp(b) * a))(a)))(x),
        ]

    assert_same(run(core), run(mlx), tolerance=1e-5)


def test_second_derivatives_of_plain_operations_are_right() -> None:
    """Of Σ x³·sin x: the gradient of the gradient, against its formula."""
    x = normal(6)

    def first(a: Any) -> Any:
        return core.sum(core.grad(lambda b: core.sum(b**3 * core.sin(b)))(a))

    wide = x.astype(np.float64)
    expected = 6 * wide * np.sin(wide) + 6 * wide**2 * np.cos(wide) - wide**3 * np.sin(wide)
    np.testing.assert_allclose(values(core.grad(first)(core.array(x))), expected, rtol=1e-4, atol=1e-4)


def test_second_derivatives_of_fused_functions_are_refused() -> None:
    x = core.array(normal(4))
    with pytest.raises(NotImplementedError, match="softmax"):
        core.grad(lambda a: core.sum(core.grad(lambda b: core.sum(core.softmax(b, axis=-1) ** 2))(a)))(x)


def test_an_unused_argument_has_a_gradient_of_zeros() -> None:
    found = core.grad(lambda a, b: core.sum(a), argnums=(0, 1))(core.ones((2,)), core.ones((3,)))
    assert_same(found[1], mlx.zeros((3,)))


def test_refusals() -> None:
    x = core.ones((2,))
    with pytest.raises(ValueError, match="scalar"):
        core.grad(lambda a: a * 2)(x)
    with pytest.raises(ValueError, match="array"):
        core.grad(lambda a: 3.0)(x)
    with pytest.raises(ValueError, match=r"holds a str at '0\.name'"):
        core.grad(lambda tree: core.sum(tree["w"]))({"w": x, "name": "x"})


def test_values_can_be_read_while_differentiating() -> None:
    """As in MLX: shapes, dtypes, floats and branches on values, on the way."""
    seen: list[Any] = []

    def loss(a: Any) -> Any:
        y = core.exp(a)
        seen.append((y.shape, y.ndim, y.dtype.name, float(core.sum(y)), y.tolist(), np.asarray(y).sum()))
        return core.sum(y) if core.max(y) > 1 else core.sum(-y)

    assert_same(core.grad(loss)(core.array([0.0, 1.0])), mlx.exp(mlx.array([0.0, 1.0])))
    assert seen[0][:3] == ((2,), 2 - 1, "float32") and abs(seen[0][3] - (1 + np.e)) < 1e-6


@dataclasses.dataclass(frozen=True)
class Output:
    logits: Any
    name: str


class Pair(NamedTuple):
    first: Any
    second: Any


def test_what_else_a_function_returns_comes_without_its_history() -> None:
    def loss(x: Any) -> Any:
        y = core.exp(x)
        return core.sum(y), Output(y, "kept"), Pair(y, {"deep": [y]})

    (_, output, pair), _ = core.value_and_grad(loss)(core.zeros((2,)))
    assert output.name == "kept"
    for found in (output.logits, pair.first, pair.second["deep"][0]):
        assert type(found) is core.array and found.tolist() == [1, 1]


def test_the_backward_pass_lets_go_of_what_it_has_passed() -> None:
    """Twenty products, 1 MB each: as a gradient comes, what the forward pass kept for it goes. Else 40 are held."""
    weights = [core.ones((1 << 18,)) for _ in range(20)]

    def loss(weights: list[Any]) -> Any:
        x = core.full((1 << 18,), 2.0)
        for weight in weights:
            x = x * weight
        return core.sum(x)

    core.grad(loss)(weights[:1])
    tracemalloc.start()
    core.grad(loss)(weights)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 26 * weights[0].nbytes, peak / weights[0].nbytes


def test_a_long_chain_and_an_operand_used_many_times() -> None:
    """2,000 sums of x with itself's growing past: no depth of recursion, and every use counted once."""

    def loss(x: Any) -> Any:
        total, unused = x, x
        for _ in range(2000):
            total = total + x
            unused = unused * x  # on the tape, but nothing that the loss is made of
        return core.sum(total * x)

    assert core.grad(loss)(core.array([1.0, 3.0])).tolist() == [2 * 2001, 3 * 2 * 2001]


def test_gradients_of_one_thread_know_nothing_of_another() -> None:
    def slope(at: int) -> float:
        return core.grad(lambda x: core.sum(x**3))(core.array([float(at)])).item()

    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(slope, range(64))) == [3.0 * at * at for at in range(64)]


def test_gradients_keep_the_dtype_of_what_they_are_for() -> None:
    half = core.array(normal(3)).astype(core.float16)
    found = core.grad(lambda a, b: core.sum(a * b), argnums=(0, 1))(half, core.array(normal(3)))
    assert [g.dtype for g in found] == [core.float16, core.float32]


def test_an_exception_on_the_way_leaves_the_next_gradient_right() -> None:
    def fails(a: Any) -> Any:
        core.exp(a)
        raise KeyError("stop")

    x = core.array([2.0])
    for _ in range(3):
        with pytest.raises(KeyError):
            core.grad(fails)(x)
    assert core.grad(lambda a: core.sum(a * a))(x).tolist() == [4]


@pytest.mark.filterwarnings("error")
def test_gradients_that_overflow_do_so_without_a_word() -> None:
    """As MLX's: the backward pass of a fused function is as quiet as its forward pass."""
    x = core.array([3.0, -1.0]).astype(core.float16)
    found = core.grad(lambda x: core.sum(nn.gelu(x) * core.array(65504.0).astype(core.float16)))(x)
    assert found.dtype == core.float16 and found.tolist()[0] == np.inf
