"""However requests are batched, each gets the text that it gets alone; only steps and blocks differ."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

import mlxformer as mf
from mlxformer.attention.paged_cache import BlockPool, PagedSequence
from mlxformer.backend import mx, to_numpy
from mlxformer.generation.batching import Request, Served, serve
from mlxformer.models.gpt.paged import paged_step

LENGTHS = (9, 2, 2, 5, 1, 3)


def _counting(sequences: Sequence[PagedSequence], ids: np.ndarray) -> np.ndarray:
    for sequence in sequences:
        sequence.reserve(sequence.length + ids.shape[1])
    return np.eye(50)[(ids[:, -1] + 1) % 50]


def _asked() -> list[Request]:
    return [Request(np.arange(10 * n, 10 * n + 3, dtype=np.int32) % 50, length) for n, length in enumerate(LENGTHS)]


def test_steps_by_hand() -> None:
    """Two slots. A prompt gives the first token, so n tokens take n − 1 steps. Static: (9, 2), (2, 5), (1, 3) take
    8 + 4 + 2. Continuous: one slot has 9, the other 2, 2, 5 and, as 1 needs no step, 3; 1 + 1 + 4 + 2 = 8."""
    static, continuous = (
        serve(_asked(), _counting, BlockPool(40, 4, num_layers=1), slots=2, continuous=way) for way in (False, True)
    )
    assert (static.steps, continuous.steps) == (14, 8)
    assert continuous.occupancy(2) == 1 and static.occupancy(2) == 16 / 28
    for found in (static, continuous):
        for request, text in zip(_asked(), found.texts, strict=True):
            assert text.tolist() == [(request.prompt[-1] + 1 + n) % 50 for n in range(request.max_new_tokens)]


def test_a_text_ends_at_its_end() -> None:
    found = serve(_asked()[:2], _counting, BlockPool(9, 4, num_layers=1), slots=2, eos_ids=(5, 13))
    assert [text.tolist() for text in found.texts] == [[3, 4, 5], [13]]


def _interrupted(served: Served) -> list[int]:
    """The requests that got a token in two steps and in a step between them none."""
    steps = {n: [at for at, running in enumerate(served.running) if n in running] for n in range(len(served.texts))}
    return [n for n, at in steps.items() if at and at != list(range(at[0], at[-1] + 1))]


def test_the_last_that_came_makes_room_and_is_read_again() -> None:
    pool = BlockPool(6, 2, num_layers=1)
    found = serve(_asked(), _counting, pool, slots=4)
    roomy = serve(_asked(), _counting, BlockPool(60, 2, num_layers=1), slots=4)
    assert _interrupted(found) and not _interrupted(roomy)
    assert all((a == b).all() for a, b in zip(found.texts, roomy.texts, strict=True))
    assert pool.in_use == 0 and max(found.blocks) <= 6


def test_a_request_beyond_the_whole_pool_is_refused() -> None:
    with pytest.raises(mf.ArgumentError, match="pool"):
        serve(_asked()[:1], _counting, BlockPool(2, 4, num_layers=1), slots=1)
    with pytest.raises(mf.ArgumentError, match="slots"):
        serve(_asked(), _counting, BlockPool(2, 4, num_layers=1), slots=0)
    with pytest.raises(mf.ArgumentError, match="max_new_tokens"):
        serve([Request(np.array([1]), 0)], _counting, BlockPool(2, 4, num_layers=1), slots=1)


@pytest.mark.parametrize("continuous", [False, True])
def test_a_model_writes_what_it_writes_alone(continuous: bool) -> None:
    model: Any = mf.GPT(mf.GPTConfig(50, dims=16, num_heads=2, num_layers=2, max_positions=16, initializer_range=0.5))
    pool = BlockPool(14, 2, num_layers=2)
    found = serve(_asked(), paged_step(model), pool, slots=3, continuous=continuous)
    for request, text in zip(_asked(), found.texts, strict=True):
        out = to_numpy(model.generate(mx.array(request.prompt[None]), max_new_tokens=request.max_new_tokens))[0]
        assert text.tolist() == out[len(request.prompt) :].tolist()


def test_rotated_keys_are_refused() -> None:
    with pytest.raises(mf.ArgumentError, match="learned"):
        paged_step(mf.GPT(mf.GPTConfig(9, dims=8, num_heads=2, num_layers=1, positions="rotary")))
