"""Prefill shares one reading of the weights among its tokens, decoding among its rows; caches are shared by nobody."""

from __future__ import annotations

import pytest

from tests.tui.experiments.checking import assert_hold_or_null
from tui.experiments.prefill_decode.body import CONTEXT, DIMS, FFN, HEADS, Pass, _decode
from tui.experiments.prefill_decode.declaration import EXPERIMENT

WEIGHTS = 4 * DIMS * DIMS + 3 * DIMS * FFN  # of one layer with as many key/value heads as heads


@pytest.mark.parametrize(("kv_heads", "batch"), [(1, 4), (2, 64), (8, 1)])
def test_claims_hold_for_other_shapes(kv_heads: int, batch: int) -> None:
    settings = {"kv_heads": kv_heads, "batch": batch, "prompt": 64}
    assert_hold_or_null(EXPERIMENT.run(settings), settings)


@pytest.mark.parametrize(("kv_heads", "batch"), [(8, 1), (2, 5)])
def test_a_decoding_step_by_hand(kv_heads: int, batch: int) -> None:
    step = _decode(kv_heads, batch)
    weights = WEIGHTS - 2 * DIMS * (DIMS - kv_heads * DIMS // HEADS)
    kept = 2 * batch * kv_heads * CONTEXT * (DIMS // HEADS)
    assert step == Pass(2 * weights * batch, 4 * batch * CONTEXT * DIMS, 2 * weights, 2 * kept)


def test_the_bounds_of_a_large_model_by_hand() -> None:
    table = next(figure for figure in EXPERIMENT.run({"prompt": 1024, "batch": 64}).figures if figure.name == "times")
    cache = 2 * 32 * 8 * 128 * 2 * 1024  # bytes of one row: 128 MiB
    reading = [(16e9 + rows * cache) / 3.35e9 for rows in (1, 1, 64)]  # ms
    computing = [16e9 * tokens / (295 * 3.35e9) for tokens in (1024, 1, 64)]
    assert [row[2] for row in table.rows] == pytest.approx(reading)
    assert [row[1] for row in table.rows] == pytest.approx(computing)
    assert [row[3].en for row in table.rows] == ["compute", "bandwidth", "bandwidth"]


def test_heads_that_cannot_be_shared_out_are_said() -> None:
    result = EXPERIMENT.run({"kv_heads": 3})
    assert all(check.holds is None and "do not divide" in check.reason.en for check in result.checks)
