"""Which outputs move when one input does: under each mask, exactly those that may."""

from __future__ import annotations

import numpy as np
import pytest

from tests.tui.experiments.checking import (
    assert_hold_or_null,
)
from tui.experiments.leak_tester.declaration import EXPERIMENT


@pytest.mark.parametrize("seed", [1])
def test_claims_hold_at_other_seeds(seed: int) -> None:
    assert_hold_or_null(EXPERIMENT.run({"seed": seed, "sentence": "the cat sat on the mat"}), {"seed": seed})


def moved(settings: dict[str, object], index: int = 0) -> np.ndarray:
    figure = next(figure for figure in EXPERIMENT.run(settings).figures if figure.name == f"influence-{index}")
    return np.asarray(figure.stages[1].values)[0]


def test_patterns_are_those_of_the_masks() -> None:
    """Words 8, padding 2: padding's own outputs move with what they see, and nobody sees the padding."""
    bert, gpt = moved({"model": "bert"}), moved({"model": "gpt"})
    assert bert[:8, :8].all() and not bert[:8, 8:].any()
    np.testing.assert_array_equal(gpt[:8, :8], np.tri(8, dtype=bool))
    assert moved({"model": "bert", "padding_mask": False})[:8, 8:].all()
    np.testing.assert_array_equal(moved({}), np.tri(7, dtype=bool))
    assert moved({"causal": False}).all() and moved({"causal": False, "cross_causal": True}).all()
    assert moved({}, 1)[:, :8].all() and not moved({}, 1)[:, 8:].any()


def test_table_blames_the_causal_mask_alone() -> None:
    table = next(figure for figure in EXPERIMENT.run().figures if figure.name == "combinations")
    leaks = {(causal, cross): leak for causal, cross, leak in table.rows}
    assert leaks[True, False] == leaks[True, True] == 0
    assert min(leaks[False, False], leaks[False, True]) > 0.05


def test_without_padding_there_is_no_claim_about_it() -> None:
    checks = {check.name: check for check in EXPERIMENT.run({"pads": 0}).checks}
    assert checks["source-padding-hidden"].holds is None
    assert checks["causal-alone-is-enough"].holds is True
