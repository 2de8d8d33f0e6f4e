"""Padding kept out by the right mask and by no other; each wrong recipe is wrong as its claim says."""

from __future__ import annotations

import numpy as np
import pytest

from tests.tui.experiments.checking import (
    assert_hold_or_null,
)
from tui.experiments.padding.declaration import EXPERIMENT


@pytest.mark.parametrize("pads", [1, 12])
@pytest.mark.parametrize("seed", range(1, 5))
def test_claims_hold_at_other_seeds(seed: int, pads: int) -> None:
    settings = {"seed": seed, "pads": pads, "sentence": "the cat sat on the mat"}
    assert_hold_or_null(EXPERIMENT.run(settings), settings)


def weights(recipe: str) -> np.ndarray:
    figure = next(figure for figure in EXPERIMENT.run({"recipe": recipe}).figures if figure.name == "attention")
    return np.asarray(figure.stages[-1].values)


def test_what_is_drawn_is_the_recipe() -> None:
    """8 words and 4 of padding."""
    for recipe in ("mask", "additive", "renormalised"):
        drawn = weights(recipe)
        assert (drawn[..., 8:] == 0).all()
        np.testing.assert_allclose(drawn.sum(-1), 1, atol=1e-5)
    np.testing.assert_allclose(weights("mask"), weights("renormalised"), atol=1e-6)
    assert (weights("none")[..., 8:] > 0).all() and (weights("queries")[:, :8, 8:] > 0).all()
    assert (weights("queries")[:, 8:] == 0).all()
    assert weights("after").sum(-1).max() < 1


def test_more_padding_more_error_without_a_mask_only() -> None:
    curve = next(figure for figure in EXPERIMENT.run().figures if figure.name == "by-padding")
    none, after, small, mask = (series.y for series in curve.series)
    assert none[-1] > none[1] > 0.05 and after[-1] > 0.05
    assert max(mask) < 1e-5 < small[-1] < 0.01


def test_without_padding_there_is_no_claim_about_it() -> None:
    checks = {check.name: check for check in EXPERIMENT.run({"pads": 0}).checks}
    assert checks["no-mask-leaks"].holds is None and checks["empty-row-gives-zeros"].holds is True
