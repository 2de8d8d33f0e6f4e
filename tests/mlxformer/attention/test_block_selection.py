"""Each query reads its own block and the best of those before it, as a loop over queries and blocks says."""

from __future__ import annotations

import numpy as np
import pytest

from mlxformer.attention.block_selection import select_blocks
from mlxformer.attention.masks import causal
from mlxformer.backend import mx, to_numpy
from mlxformer.errors import ArgumentError
from tests.mlxformer.comparing import numbers


@pytest.mark.parametrize(
    ("queries", "keys", "size", "count"), [(9, 9, 3, 2), (3, 11, 4, 2), (7, 7, 2, 3), (1, 10, 3, 1)]
)
def test_against_a_loop(queries: int, keys: int, size: int, count: int) -> None:
    q, k = numbers(2, 2, queries, 4, seed=1), numbers(2, 2, keys, 4, seed=2)
    found = to_numpy(select_blocks(mx.array(q), mx.array(k), size, count))
    for b, h, i in np.ndindex(2, 2, queries):
        place = i + keys - queries
        own = place // size
        gates = {n: float(q[b, h, i] @ k[b, h, n * size : (n + 1) * size].mean(0)) for n in range(own)}
        chosen = {own, *sorted(gates, key=gates.get, reverse=True)[: count - 1]}
        wanted = [j <= place and j // size in chosen for j in range(keys)]
        assert found[b, h, i].tolist() == wanted, (b, h, i)


def test_with_all_blocks_it_is_causal() -> None:
    x = mx.array(numbers(1, 2, 7, 4))
    whole = to_numpy(select_blocks(x, x, 3, 5))
    assert (whole == to_numpy(causal(7, 7))).all()


def test_bad_input_is_refused() -> None:
    x = mx.array(numbers(1, 1, 4, 4))
    for call in (
        lambda: select_blocks(x, x, 0, 1),
        lambda: select_blocks(x, x, 2, 0),
        lambda: select_blocks(x[0], x, 2, 1),
    ):
        with pytest.raises(ArgumentError):
            call()
