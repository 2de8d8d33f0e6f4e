"""Windows reach so far and no farther, a full layer reaches all, and chosen blocks find what a window misses."""

from __future__ import annotations

import numpy as np
import pytest

from tests.tui.experiments.checking import assert_hold_or_null, values_of
from tui.experiments.window_hybrids.declaration import EXPERIMENT


@pytest.mark.parametrize(("layers", "window", "every"), [(4, 6, 2), (8, 3, 4), (6, 2, 6)])
def test_claims_hold_for_other_stacks(layers: int, window: int, every: int) -> None:
    for seed in range(2):
        settings = {"layers": layers, "window": window, "every": every, "seed": seed}
        assert_hold_or_null(EXPERIMENT.run(settings), settings)


def test_reach_and_caches_by_hand() -> None:
    values = values_of(EXPERIMENT, {"layers": 6, "window": 4, "every": 6, "length": 64})
    assert values["reach"] == 6 * 3
    assert values["hybrid-cache"] == pytest.approx(100 * (64 + 5 * 4) / (6 * 64))
    bars = EXPERIMENT.run({"every": 2}).figures[1]
    assert list(bars.values) == [6 * 4, 3 * 64 + 3 * 4, 6 * 64]


def test_the_answer_s_thousandth() -> None:
    """The answer says that the far end feels less than a thousandth of what the window does."""
    assert max(values_of(EXPERIMENT, {"seed": seed})["far-effect"] for seed in range(4)) < 1e-3


def test_the_masks_of_the_figure_are_causal_and_of_as_many_keys() -> None:
    heatmap = EXPERIMENT.run().figures[2]
    chosen, window = (np.asarray(stage.values[0], bool) for stage in heatmap.stages)
    assert not np.triu(chosen, 1).any() and not np.triu(window, 1).any()
    assert chosen[-1].sum() == window[-1].sum() == 16
