"""The methods of arrays are MLX's, and what MLX has besides is refused with the cure."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from mlxformer.backend.numpy.absent import AbsentError
from mlxformer.backend.numpy.names_of_mlx import NAMES
from mlxformer.errors import MlxformerError
from tests.mlxformer.backend.numpy.comparing import (
    assert_same,
    core,
    mlx,
    mlx_nn,
    mlx_optimizers,
    nn,
    optimizers,
    values,
)
from tests.mlxformer.backend.numpy.inputs import DTYPES, normal, of_dtype

METHODS: dict[str, Callable[[Any], Any]] = {
    **{
        name: lambda x, name=name: [getattr(x, name)(), getattr(x, name)(0), getattr(x, name)(axis=-1, keepdims=True)]
        for name in ("all", "any", "argmax", "argmin", "max", "mean", "min", "prod", "std", "sum", "var")
    },
    **{name: lambda x, name=name: getattr(x, name)() for name in ("abs", "cos", "exp", "sin", "square")},
    **{
        name: lambda x, name=name: getattr(abs(x) + 1, name)()
        for name in ("log", "log1p", "reciprocal", "rsqrt", "sqrt")
    },
    "logsumexp": lambda x: [x.astype(_like(x, "float32")).logsumexp(axis) for axis in (None, 0, -1)],
    "cumsum": lambda x: [x.cumsum(), x.cumsum(1), x.cumsum(0, reverse=True, inclusive=False)],
    "round": lambda x: [x.round(), (x * 10.0).round(decimals=1)],
    "flatten": lambda x: [x.flatten(), x.flatten(start_axis=1), x.flatten(0, 1)],
    "squeeze": lambda x: [x[:1].squeeze(), x[:1].squeeze(0), x[:, :1].squeeze(axis=[1])],
    "split": lambda x: [*x.split(2, axis=1), *x.split([1, 3])],
    "moveaxis": lambda x: x.moveaxis(0, -1),
    "swapaxes": lambda x: x.swapaxes(0, 1),
    "transpose": lambda x: [x.transpose(), x.transpose(1, 0), x.transpose([1, 0])],
    "reshape": lambda x: [x.reshape(-1), x.reshape(2, 10), x.reshape((10, 2))],
    "mT": lambda x: x.mT,
    "T": lambda x: x.T,
    "astype": lambda x: x.astype(_like(x, "float32")),
    "item": lambda x: x[0, 0].item(),
    "tolist": lambda x: [x.tolist(), x[0, 0].tolist()],
    "size": lambda x: [x.size, x.ndim, x.shape, x.itemsize, x.nbytes, len(x)],
}


def _like(x: Any, dtype: str) -> Any:
    return getattr(core if isinstance(x, core.array) else mlx, dtype)


def _given(mx: Any, dtype: str) -> Any:
    return of_dtype(mx, dtype, (5, 4))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", METHODS)
def test_is_mlx(name: str, dtype: str) -> None:
    found, expected = METHODS[name](_given(core, dtype)), METHODS[name](_given(mlx, dtype))
    assert_same(found, expected, tolerance=4e-3 if dtype == "float16" else 4e-6)


def test_every_method_that_mlx_has_is_compared_or_refused() -> None:
    own = {name for name in NAMES["array"] if hasattr(core.ones((2, 2)), name)}
    assert own == set(METHODS) | {"dtype", "itemsize", "nbytes", "ndim", "shape"}


def test_methods_have_gradients() -> None:
    """Of a sum over what each differentiable method gives, beside MLX's."""

    def loss(x: Any) -> Any:
        y = (x.square() + 1).log().mean(0) + x.exp().sum(0) * x.max() + x.flatten().split(4)[0].cumsum()[:4].sum()
        return (y.abs() + 1).sqrt().var() + x.std() + x.logsumexp() + x[:1].squeeze().moveaxis(0, 0).min()

    found, expected = (mx.grad(loss)(mx.array(normal(5, 4))) for mx in (core, mlx))
    assert_same(found, expected, tolerance=1e-5)


SPACES = {
    "mx": (core, mlx),
    "mx.fast": (core.fast, mlx.fast),
    "mx.random": (core.random, mlx.random),
    "mx.linalg": (core.linalg, mlx.linalg),
    "nn": (nn, mlx_nn),
    "nn.losses": (nn.losses, mlx_nn.losses),
    "nn.init": (nn.init, mlx_nn.init),
    "optimizers": (optimizers, mlx_optimizers),
    "array": (core.ones((2, 2)), mlx.ones((2, 2))),
}
BROUGHT_ALONG = {"Any", "Callable", "Literal", "get_args", "math", "mx", "nn", "partial", "reduce"}
BROUGHT_ALONG |= {"tree_flatten", "tree_map", "tree_merge", "tree_reduce", "tree_unflatten", "Optional", "List"}
BROUGHT_ALONG |= {"Tuple", "Union", "Dict", "Sequence", "textwrap", "warnings", "linear", "quantize_module", "wraps"}


@pytest.mark.parametrize("space", SPACES)
def test_every_name_of_mlx_is_known(space: str) -> None:
    """If this fails after an upgrade of MLX: add its new names to mlxformer/backend/numpy/names_of_mlx.py."""
    theirs = {name for name in dir(SPACES[space][1]) if not name.startswith("_")}
    assert theirs - BROUGHT_ALONG - NAMES[space] == set()


@pytest.mark.parametrize("space", SPACES)
def test_what_is_not_there_says_how_to_get_it(space: str) -> None:
    ours = SPACES[space][0]
    lacking = [name for name in sorted(NAMES[space]) if not hasattr(ours, name)]
    assert lacking
    for name in lacking:
        with pytest.raises(AttributeError, match=r"not on the list of the NumPy.*MLXFORMER_BACKEND=mlx") as found:
            getattr(ours, name)
        assert isinstance(found.value, MlxformerError) and found.value.code == "not-on-numpy"
        assert found.value.fields["what"] == f"{space}.{name}" and str(found.value).startswith(f"{space}.{name} is")
    with pytest.raises(AttributeError, match="has no attribute 'nowhere'") as other:
        ours.nowhere  # noqa: B018
    assert not isinstance(other.value, AbsentError) and "MLXFORMER_BACKEND" not in str(other.value)


def test_writing_into_an_array_says_what_to_do() -> None:
    x = core.zeros((3,))
    for write in (lambda: x.__setitem__(0, 1), lambda: x.at[0].add(1)):
        with pytest.raises(AbsentError, match="MLXFORMER_BACKEND=mlx"):
            write()
    with pytest.raises(TypeError, match=r"immutable.*mx\.where"):
        x[0] = 1
    assert x.tolist() == [0, 0, 0]


def test_arrays_travel() -> None:
    x = core.array(normal(2, 3))
    for moved in (copy.copy(x), copy.deepcopy(x), pickle.loads(pickle.dumps(x))):
        assert type(moved) is core.array and np.array_equal(values(moved), values(x))


def test_what_cannot_be_formatted_or_shifted_says_so() -> None:
    x = core.array([1, 2])
    with pytest.raises(TypeError, match=r"Only an array of rank 0 can be formatted; this one has shape \(2,\)"):
        f"{x:.2f}"
    assert f"{x}" == str(x)
    for library in (core, mlx):
        scalars = library.array(1.5), library.array(3), library.array(True), library.array(0.25).astype(library.float16)
        assert [f"{a:.3f} {b:4d} {c:d} {d:>8}" for a, b, c, d in [scalars]] == ["1.500    3 1     0.25"]
    for shifted in (lambda: x << 1, lambda: 1 << x, lambda: x >> x):
        with pytest.raises(AbsentError, match="MLXFORMER_BACKEND=mlx"):
            shifted()
