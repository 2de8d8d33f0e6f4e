"""Arrays of other libraries, and lists, where a function of the NumPy backend takes an array."""

from __future__ import annotations

import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.mlxformer.backend.numpy import (
    test_attention,
    test_elementwise,
    test_layers,
    test_products,
    test_reductions,
    test_shapes,
)
from tests.mlxformer.backend.numpy.comparing import assert_same, core, mlx, nn, values
from tests.mlxformer.backend.numpy.inputs import normal

FILES = (test_attention, test_elementwise, test_layers, test_products, test_reductions, test_shapes)


class Foreign:
    """What two libraries' arrays have in common: it can be read by NumPy, it is no array of this backend."""

    def __init__(self, own: Any) -> None:
        self._own = own

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        return np.array(self._own, dtype)

    def astype(self, dtype: Any) -> Foreign:
        return Foreign(self._own.astype(dtype))

    @property
    def dtype(self) -> Any:
        return self._own.dtype


class Namespace:
    """Ours, but what it makes of numbers is foreign."""

    def __init__(self, namespace: Any) -> None:
        self._namespace = namespace

    def __getattr__(self, name: str) -> Any:
        if name == "array":
            return lambda *args: Foreign(core.array(*args))
        return getattr(self._namespace, name)


def _cases() -> list[Any]:
    found = []
    for file in FILES:
        if file.cases.side != "mx":
            continue
        for parameter in file.cases.parameters():
            found.append(pytest.param(*parameter.values[:2], id=parameter.id))
    return found


@pytest.mark.parametrize(("name", "function"), _cases())
def test_functions_take_arrays_of_others(name: str, function: Callable[..., Any]) -> None:
    expected = function(core)
    try:
        found = function(Namespace(core))
    except AttributeError as error:
        if Path(traceback.extract_tb(error.__traceback__)[-1].filename).parent == Path(__file__).parent:
            pytest.skip(f"the case itself asks something of the array: {error}")
        raise
    assert_same(_own(found), _own(expected))


def _own(tree: Any) -> Any:
    if isinstance(tree, (list, tuple)):
        return type(tree)(map(_own, tree))
    return mlx.array(values(tree)) if isinstance(tree, (core.array, Foreign)) else tree


X, IDS = normal(4, 6), np.array([3, 0, 5, 1], np.int32)
LAYERS: dict[str, Callable[[Any, Any], Any]] = {
    **{name: lambda x, ids, name=name: getattr(nn, name)(x) for name in (
        "elu", "gelu", "gelu_approx", "gelu_fast_approx", "glu", "leaky_relu", "log_softmax", "relu", "sigmoid",
        "silu", "softmax", "softplus", "tanh",
    )},
    "Linear": lambda x, ids: _with_ones(nn.Linear(6, 3))(x),
    "Linear without bias": lambda x, ids: _with_ones(nn.Linear(6, 3, bias=False))(x),
    "Embedding": lambda x, ids: _with_ones(nn.Embedding(6, 3))(ids),
    "as_linear": lambda x, ids: _with_ones(nn.Embedding(5, 6)).as_linear(x),
    "LayerNorm": lambda x, ids: nn.LayerNorm(6)(x),
    "RMSNorm": lambda x, ids: nn.RMSNorm(6)(x),
    "BatchNorm": lambda x, ids: nn.BatchNorm(6)(x),
    "Dropout": lambda x, ids: core.array(nn.Dropout(0.5).eval()(x)),
    "cross_entropy": lambda x, ids: nn.losses.cross_entropy(x, ids),
    "binary_cross_entropy": lambda x, ids: nn.losses.binary_cross_entropy(x, x),
    "mse_loss": lambda x, ids: nn.losses.mse_loss(x, np.zeros((4, 6), np.float32)),
    "stop_gradient": lambda x, ids: core.stop_gradient(x),
    "index": lambda x, ids: core.array(X)[:, ids],
    "operators": lambda x, ids: core.array(X) * x - x / core.array(X) + (core.array(X) @ core.transpose(x)).sum(),
    "in a list": lambda x, ids: core.array([x, x]),
}  # fmt: skip


def _with_ones(layer: Any) -> Any:
    return layer.apply(core.ones_like)


def _of(library: str, x: np.ndarray) -> Any:
    if library == "list":
        return x.tolist()
    if library == "torch":
        return pytest.importorskip("torch").tensor(x)
    return {"mlx": mlx.array, "numpy": np.array, "any": lambda x: Foreign(core.array(x))}[library](x)


@pytest.mark.parametrize("library", ["mlx", "torch", "numpy", "any"])
@pytest.mark.parametrize("name", LAYERS)
def test_layers_and_operators_take_arrays_of_others(name: str, library: str) -> None:
    found, expected = (LAYERS[name](*given) for given in (
        (_of(library, X), _of(library, IDS)), (core.array(X), core.array(IDS)),
    ))  # fmt: skip
    assert type(found) is core.array
    assert_same(found, mlx.array(values(expected)))


@pytest.mark.parametrize("library", ["mlx", "torch", "list", "any"])
def test_gradients_pass_by_arrays_of_others(library: str) -> None:
    other = _of(library, normal(6, 3))

    def loss(x: Any) -> Any:
        return core.sum(core.matmul(x, other) * core.sum(core.multiply(x, _of(library, X))))

    expected = core.grad(lambda x: core.sum((x @ core.array(normal(6, 3))) * core.sum(x * core.array(X))))
    assert_same(core.grad(loss)(core.array(X)), mlx.array(values(expected(core.array(X)))))


def test_dtypes_of_others_are_mlx() -> None:
    torch = pytest.importorskip("torch")
    for dtype in ("float16", "float32", "float64", "int8", "uint8", "int32", "int64", "bool"):
        given = torch.tensor([0, 1, 1]).to(getattr(torch, dtype))
        assert_same(core.array(given), mlx.array(given))
    for half in (torch.ones(2, dtype=torch.bfloat16), mlx.ones((2,), mlx.bfloat16)):
        assert_same(core.array(half), mlx.ones((2,)))  # NumPy has no bfloat16: float32 holds all of it
    assert core.array(mlx.ones((2,)), core.int32).dtype == core.int32


def test_what_was_taken_in_is_a_copy() -> None:
    torch = pytest.importorskip("torch")
    theirs = torch.zeros(3)
    ours = core.array(theirs)
    theirs[0] = 5
    torch.from_dlpack(ours)[1] = 7
    assert ours.tolist() == [0, 0, 0]
    assert mlx.array(ours).tolist() == [0, 0, 0]


def test_what_cannot_be_read_says_why() -> None:
    torch = pytest.importorskip("torch")
    with pytest.raises(ValueError, match=r"A torch\.Tensor could not be read as an array: .*detach\(\)"):
        core.exp(torch.ones(2, requires_grad=True))
    with pytest.raises(ValueError, match="Invalid type dict"):
        core.exp({})
