"""Sharing keys and values shrinks the cache and not the operations; from MHA to MQA it is one layer."""

from __future__ import annotations

import pytest

from tests.tui.experiments.checking import (
    assert_hold_or_null,
    values_of,
)
from tui.experiments.grouped_queries.declaration import EXPERIMENT


@pytest.mark.parametrize("kv_heads", [1, 2, 4, 8])
def test_claims_hold_from_multi_query_to_multi_head(kv_heads: int) -> None:
    for seed in range(4):
        settings = {"kv_heads": kv_heads, "seed": seed}
        assert_hold_or_null(EXPERIMENT.run(settings), settings)
    values = values_of(EXPERIMENT, {"kv_heads": kv_heads})
    assert values["cache-shrinks"] == kv_heads / 8
    assert values["kv-parameters"] == 2 * 64 * 8 * kv_heads
    assert values["operations-unchanged"] == 4 * 8**2 * 64
    assert values["latent-cache"] == 16 / (2 * 64)  # whatever g


def test_a_large_model_s_cache_by_hand() -> None:
    table = next(figure for figure in EXPERIMENT.run().figures if figure.name == "large")
    sizes = {row[0]: row[2] for row in table.rows}
    assert sizes == {"MHA": 512, "GQA-8": 128, "GQA-4": 64, "MQA": 16, "MLA, L = 4D": 32 * 512 * 2 / 1024}
    assert [row[1] for row in table.rows] == ["32", "8", "4", "1", "-"]
    assert table.rows[0][3] == 2.0  # GiB at 4,096 tokens


def test_heads_that_cannot_be_shared_out_are_said() -> None:
    result = EXPERIMENT.run({"heads": 4, "kv_heads": 8})
    assert all(check.holds is None and "g must divide h" in check.reason.en for check in result.checks)
