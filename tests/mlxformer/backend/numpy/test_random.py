"""Random numbers: MLX's shapes and dtypes, our own numbers, and the right distribution."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from tests.mlxformer.backend.numpy.comparing import Cases, core, values

cases = Cases("mx")


def _form(x: Any) -> Any:
    """What must agree although the numbers do not: zeros of the same shape and dtype."""
    return x != x if str(x.dtype).endswith("bool") else x * 0


cases.add(
    "random.uniform",
    lambda mx: [
        _form(x) for x in (mx.random.uniform(), mx.random.uniform(-1, 1, (2, 3)), mx.random.uniform(shape=(0,)))
    ],
    lambda mx: [_form(mx.random.uniform(0, 1, (2,), mx.float16)), _form(mx.random.uniform(mx.zeros((3,)), 1, (2, 3)))],
)
cases.add(
    "random.normal",
    lambda mx: [_form(x) for x in (mx.random.normal(), mx.random.normal((2, 3)), mx.random.normal((2,), mx.float16))],
    lambda mx: _form(mx.random.normal((2, 3), loc=1.0, scale=mx.array([1.0, 2.0, 3.0]))),
)
cases.add(
    "random.randint",
    lambda mx: [_form(mx.random.randint(0, 5, (2, 3))), _form(mx.random.randint(0, 5, (4,), mx.uint32))],
    lambda mx: _form(mx.random.randint(mx.array([0, 10]), mx.array([5, 20]), (3, 2))),
)
cases.add(
    "random.bernoulli",
    lambda mx: [_form(x) for x in (mx.random.bernoulli(), mx.random.bernoulli(0.3, (2, 3)))],
    lambda mx: _form(mx.random.bernoulli(mx.array([0.1, 0.9]))),
)
cases.add(
    "random.categorical",
    lambda mx: [_form(mx.random.categorical(mx.zeros((2, 5)))), _form(mx.random.categorical(mx.zeros((2, 5)), axis=0))],
    lambda mx: [_form(mx.random.categorical(mx.zeros((2, 5)), num_samples=7))],
    lambda mx: [_form(mx.random.categorical(mx.zeros((2, 5)), shape=(3, 2)))],
)
cases.add(
    "random.permutation",
    lambda mx: [mx.sort(mx.random.permutation(7)), mx.sort(mx.random.permutation(mx.array([3.0, 1.0, 2.0])))],
    lambda mx: mx.sort(mx.random.permutation(mx.array([[1, 2], [3, 4]]), axis=1), axis=1),
)
cases.add("random.seed", lambda mx: mx.random.seed(3))


@pytest.mark.parametrize(("name", "function", "tolerance"), cases.parameters())
def test_is_mlx(name: str, function: Callable[..., Any], tolerance: float | None) -> None:
    cases.check(name, function, tolerance)


def test_a_seed_gives_the_same_numbers_again_from_one_generator() -> None:
    def draw() -> list[np.ndarray]:
        core.random.seed(11)
        return [
            values(x)
            for x in (core.random.normal((3,)), core.random.uniform(shape=(3,)), core.random.bernoulli(0.5, (9,)))
        ]

    for first, second in zip(draw(), draw(), strict=True):
        np.testing.assert_array_equal(first, second)


def test_distributions() -> None:
    """20,000 draws; each bound is about five standard errors."""
    core.random.seed(0)
    n = 20_000
    x = values(core.random.normal((n,), loc=2.0, scale=3.0))
    assert abs(x.mean() - 2) < 5 * 3 / n**0.5 and abs(x.std() - 3) < 5 * 3 / (2 * n) ** 0.5
    u = values(core.random.uniform(-1, 3, (n,)))
    assert u.min() >= -1 and u.max() < 3 and abs(u.mean() - 1) < 5 * (16 / 12 / n) ** 0.5
    assert abs(values(core.random.bernoulli(0.3, (n,))).mean() - 0.3) < 5 * (0.21 / n) ** 0.5
    counts = np.bincount(values(core.random.randint(2, 6, (n,))), minlength=7)
    assert counts[:2].sum() == 0 and counts[6] == 0 and (np.abs(counts[2:6] / n - 0.25) < 5 * (0.1875 / n) ** 0.5).all()
    p = np.array([0.1, 0.2, 0.7], np.float32)
    drawn = np.bincount(values(core.random.categorical(core.array(np.log(p)), num_samples=n)), minlength=3) / n
    assert (np.abs(drawn - p) < 5 * (p * (1 - p) / n) ** 0.5).all(), drawn


def test_refusals() -> None:
    with pytest.raises(ValueError, match="floats"):
        core.random.normal((2,), core.int32)
    with pytest.raises(ValueError, match="not both"):
        core.random.categorical(core.zeros((2,)), shape=(1,), num_samples=1)
