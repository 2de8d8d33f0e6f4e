"""Sharing keys and values shrinks the cache and not the operations; from MHA to MQA it is one layer."""

from __future__ import annotations

import numpy as np
import pytest

import mlxformer as mf
from mlxformer.backend import mx, to_numpy
from tests.tui.experiments.checking import assert_hold_or_null
from tui.experiments.grouped_queries.converted import HEADS, accuracies, converted, pooled
from tui.experiments.grouped_queries.declaration import EXPERIMENT


@pytest.mark.parametrize("kv_heads", [1, 2, 4, 8])
def test_claims_hold_from_multi_query_to_multi_head(kv_heads: int) -> None:
    settings = {"kv_heads": kv_heads}
    result = EXPERIMENT.run(settings)
    assert_hold_or_null(result, settings)
    values = {check.name: check.measured for check in result.checks}
    assert values["cache-shrinks"] == kv_heads / 8
    assert values["kv-parameters"] == 2 * 64 * 8 * kv_heads
    assert values["operations-unchanged"] == 4 * 8**2 * 64
    assert values["latent-cache"] == 16 / (2 * 64)  # whatever g


def test_a_large_model_s_cache_by_hand() -> None:
    table = next(figure for figure in EXPERIMENT.run().figures if figure.name == "large")
    sizes = {row[0]: row[2] for row in table.rows}
    assert sizes == {"MHA": 512, "GQA-8": 128, "GQA-4": 64, "MQA": 16, "MLA, d_c = 4D": 32 * 512 * 2 / 1024}
    assert [row[1] for row in table.rows] == ["32", "8", "4", "1", "-"]
    assert table.rows[0][3] == 2.0  # GiB at 4,096 tokens


def test_a_model_whose_heads_are_not_averaged_reads_as_before() -> None:
    assert accuracies(HEADS, 0, False)[0] >= 97
    reader = mf.load_pretrained("dates")
    ids, targets = mx.array([[5, 6, 7]]), mx.array([[1, 9, 10]])
    np.testing.assert_allclose(
        to_numpy(converted(HEADS)(ids, targets)), to_numpy(reader.model(ids, targets)), atol=1e-5
    )


def test_heads_are_averaged_within_their_group() -> None:
    weight = np.arange(4 * 2 * 3, dtype=np.float32).reshape(8, 3)  # 4 heads of 2 rows
    np.testing.assert_array_equal(pooled(weight, 2, 4, 2)[:2], (weight[:2] + weight[2:4]) / 2)
    np.testing.assert_array_equal(pooled(weight, 1, 4, 2)[1], weight[1::2].mean(0))
    np.testing.assert_array_equal(pooled(weight, 4, 4, 2), weight)


def test_heads_that_cannot_be_shared_out_are_said() -> None:
    result = EXPERIMENT.run({"heads": 4, "kv_heads": 8})
    assert all(check.holds is None and "g must divide h" in check.reason.en for check in result.checks)
