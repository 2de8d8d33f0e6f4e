"""InfoNCE against a float64 loop, its gradient by finite differences, and what it refuses."""

from __future__ import annotations

import numpy as np
import pytest

from mlxformer.backend import mx
from mlxformer.errors import ArgumentError
from mlxformer.training.contrastive import info_nce
from tests.mlxformer.comparing import assert_gradients, numbers


@pytest.mark.parametrize("extra", [0, 3])
def test_against_a_loop(extra: int) -> None:
    q, k = numbers(4, 6, seed=1), numbers(4 + extra, 6, seed=2)
    total = 0.0
    for i in range(4):
        scores = [
            float(q[i].astype(np.float64) @ k[j]) / np.linalg.norm(q[i]) / np.linalg.norm(k[j]) / 0.2
            for j in range(4 + extra)
        ]
        total += np.log(np.exp(scores).sum()) - scores[i]
    assert float(info_nce(mx.array(q), mx.array(k), 0.2)) == pytest.approx(total / 4, rel=1e-5)


def test_gradients_by_finite_differences() -> None:
    assert_gradients(lambda q, k: info_nce(q, k, 0.5), [numbers(3, 4, seed=3), numbers(3, 4, seed=4)])


@pytest.mark.parametrize(
    ("queries", "keys", "temperature"), [((3, 4), (2, 4), 1.0), ((3, 4), (3, 5), 1.0), ((3, 4), (3, 4), 0.0)]
)
def test_what_does_not_fit_is_refused(queries: tuple[int, int], keys: tuple[int, int], temperature: float) -> None:
    with pytest.raises(ArgumentError, match=r"keys|temperature"):
        info_nce(mx.array(numbers(*queries)), mx.array(numbers(*keys)), temperature)
