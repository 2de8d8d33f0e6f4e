from __future__ import annotations

import numpy as np
import pytest

import mlxformer as mf
from mlxformer.backend import mx, to_numpy
from tui.experiments.falsify import REPLACEMENTS, replacement


@pytest.mark.parametrize("how", REPLACEMENTS)
@pytest.mark.parametrize("dtype", ["float32", "float16"])
def test_a_replacement_keeps_shape_and_dtype_and_changes_the_numbers(how: str, dtype: str) -> None:
    x = mx.array(np.random.default_rng(0).standard_normal((2, 5, 5)).astype(dtype))
    changed = replacement(how)(x)
    assert tuple(changed.shape) == (2, 5, 5) and changed.dtype == x.dtype
    assert np.abs(to_numpy(changed).astype(float) - to_numpy(x)).max() > 0.1


@pytest.mark.parametrize(
    ("how", "expected"),
    [
        ("zeros", [0, 0, 0]),
        ("ones", [1, 1, 1]),
        ("uniform", [1 / 3, 1 / 3, 1 / 3]),
        ("first", [1, 0, 0]),
        ("double", [2, 4, 8]),
        ("negate", [-1, -2, -4]),
        ("shuffle", [4, 1, 2]),
    ],
)
def test_by_hand(how: str, expected: list[float]) -> None:
    changed = replacement(how)(mx.array([[1.0, 2.0, 4.0]]))
    np.testing.assert_allclose(to_numpy(changed), [expected], rtol=1e-6)


def test_noise_is_fresh_at_each_call_and_the_same_in_each_falsification() -> None:
    x = mx.zeros((3,))
    noise = replacement("noise")
    first, second = to_numpy(noise(x)), to_numpy(noise(x))
    assert np.abs(first - second).max() > 0.1
    np.testing.assert_array_equal(to_numpy(replacement("noise")(x)), first)


def test_replacements_are_differentiable() -> None:
    def loss(q):  # type: ignore[no-untyped-def]
        return mx.sum(mf.scaled_dot_product_attention(q, q, q))

    q = mx.array(np.random.default_rng(0).standard_normal((1, 1, 3, 4)).astype(np.float32))
    for how in REPLACEMENTS:
        with mf.trace() as steps:
            steps.replace("scores", replacement(how))
            gradient = to_numpy(mx.grad(loss)(q))
        assert np.isfinite(gradient).all()


def test_an_unknown_name_says_which_there_are() -> None:
    with pytest.raises(KeyError, match="no replacement 'tripled'; there are: zeros, ones"):
        replacement("tripled")
