"""What a change of W_Q, W_K or W_V moves, and what it leaves alone."""

from __future__ import annotations

import numpy as np
import pytest

from tests.tui.experiments.checking import (
    assert_hold_or_null,
    values_of,
)
from tui.experiments.qkv.declaration import EXPERIMENT


def before_and_after(**settings: object) -> tuple[np.ndarray, np.ndarray, dict[str, np.ndarray]]:
    result = EXPERIMENT.run(settings)
    before, after = result.figures[0].stages[-1].values
    return before, after, {step.path: step.value for step in result.steps}


@pytest.mark.parametrize("width", [16, 256])
@pytest.mark.parametrize(
    "sentence", ["甲乙丙丁戊己", "the quick brown fox jumps over the lazy dog", "真真假假真真假假"]
)
def test_claims_hold_together(sentence: str, width: int) -> None:
    for seed in range(6):
        settings = {"sentence": sentence, "d_model": width, "seed": seed}
        assert_hold_or_null(EXPERIMENT.run(settings), settings)


def test_scaling_values_leaves_the_map_and_scales_the_output() -> None:
    before, after, plain = before_and_after(change="none")
    np.testing.assert_array_equal(before, after)
    before, after, doubled = before_and_after(change="none", value_scale=2.0)
    np.testing.assert_array_equal(before, after)
    np.testing.assert_allclose(doubled["output"], 2 * plain["output"], rtol=1e-5)


def test_zeroed_values_leave_the_map_and_nothing_of_the_output() -> None:
    before, after, steps = before_and_after(change="zero-v")
    np.testing.assert_array_equal(before, after)
    assert np.abs(steps["output"]).max() == 0


def test_swapping_queries_and_keys_transposes_the_scores() -> None:
    _, _, plain = before_and_after(change="none")
    before, after, swapped = before_and_after(change="swap-qk")
    np.testing.assert_allclose(swapped["scores"], plain["scores"].swapaxes(-1, -2), rtol=1e-4, atol=1e-5)
    assert np.abs(before - after).max() > 0.1


def test_rotating_both_projections_moves_queries_and_keys_but_not_the_map() -> None:
    _, _, plain = before_and_after(change="none")
    before, after, rotated = before_and_after(change="rotate-qk")
    np.testing.assert_allclose(before, after, atol=1e-6)
    assert np.abs(rotated["queries"] - plain["queries"]).max() > 1
    np.testing.assert_allclose(rotated["output"], plain["output"], atol=1e-5)


def test_shared_projections_give_symmetric_scores_and_an_asymmetric_softmax() -> None:
    _, after, steps = before_and_after(change="tie-qk")
    np.testing.assert_allclose(steps["scores"], steps["scores"].swapaxes(-1, -2), atol=1e-5)
    assert np.abs(after - after.T).max() > 0.01  # each row is shared out by itself


def test_all_equal_grows_into_the_identity_with_the_width() -> None:
    curve = EXPERIMENT.run({"sentence": "the cat sat on a mat because it was so very tired"}).figures[-1]
    weights = dict(zip(curve.series[0].x, curve.series[0].y, strict=True))
    assert weights[16] == pytest.approx(0.70, abs=0.12)
    assert weights[64] > 0.95  # 0.987 over many draws
    assert weights[256] > 0.9999


def test_an_asymmetry_needs_some_different_tokens() -> None:
    check = next(check for check in EXPERIMENT.run({"sentence": "好 好 好 坏"}).checks if "asymmetric" in check.name)
    assert check.holds is None and "2 different tokens" in check.reason.en


def test_another_sentence_gives_other_numbers() -> None:
    assert values_of(EXPERIMENT) == values_of(EXPERIMENT)
    assert values_of(EXPERIMENT) != values_of(EXPERIMENT, {"sentence": "老鼠在追我看见猫"})
