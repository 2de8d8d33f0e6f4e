"""With a cache the outputs are those of the whole text, at a fraction of the rows; only a causal mask allows it."""

from __future__ import annotations

import numpy as np

from tests.tui.experiments.checking import (
    values_of,
)
from tui.experiments.kv_cache.declaration import EXPERIMENT


def test_eight_tokens_from_a_prompt_of_one_by_hand() -> None:
    values = values_of(EXPERIMENT, {"prompt": 1})
    assert values["rows-saved"] == 36 / 8  # 1 + 2 + … + 8 rows, against 8
    assert values["scores-saved"] == 204 / 36  # 1 + 4 + … + 64 scores, against 1 + 2 + … + 8
    assert values["cache-bytes"] == 2 * 2 * 4 * 8 * 8 * 4


def test_without_the_mask_the_first_layer_is_not_enough() -> None:
    checks = {check.name: check for check in EXPERIMENT.run({"layers": 1}).checks}
    assert checks["without-mask-past-changes"].holds is None
    assert checks["past-never-changes"].holds is True


def test_the_map_that_the_steps_make_is_the_whole_map() -> None:
    figure = EXPERIMENT.run({"prompt": 2}).figures[3]
    full, difference, cached = (np.asarray(stage.values) for stage in figure.stages)
    np.testing.assert_allclose(cached, full, atol=1e-6)
    np.testing.assert_allclose(cached.sum(-1), 1, atol=1e-6)
    assert np.abs(difference).max() < 1e-6


def test_fewer_key_value_heads_make_a_smaller_cache() -> None:
    sizes = [values_of(EXPERIMENT, {"kv_heads": kv_heads})["cache-bytes"] for kv_heads in (1, 2, 4)]
    assert sizes == [sizes[0], 2 * sizes[0], 4 * sizes[0]]
