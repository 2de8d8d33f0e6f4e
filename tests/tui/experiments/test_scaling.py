"""The scaling experiment tells what questions about √d_k claim, and can be proven wrong."""

from __future__ import annotations

import numpy as np
import pytest

from tui.experiments.contract import Cancelled
from tui.experiments.scaling import theory
from tui.experiments.scaling.declaration import EXPERIMENT


@pytest.mark.parametrize("seed", [0, 1])
def test_the_published_numbers_at_d_k_512(seed: int) -> None:
    """d_k = 512, n = 32: 59 to 68 % of rows saturate against none; the median ‖J‖ falls below 2.3 %."""
    checks = {check.name: check for check in EXPERIMENT.run({"seed": seed}).checks}
    assert checks["saturated-rows"].measured == pytest.approx(64, abs=8)
    assert checks["saturated-rows-scaled"].measured == 0
    assert checks["median-jacobian-ratio"].measured < 0.03
    assert checks["mean-gradient-larger-unscaled"].measured > 3
    assert checks["variance-grows"].measured == pytest.approx(512, rel=0.05)


def test_a_mean_and_a_median_disagree_about_the_gradient() -> None:
    table = EXPERIMENT.run({"scale": "sqrt"}).figures[-1]
    unscaled, scaled = 1, table.columns.index("1/√d_k")
    by_quantity = {row[0].en: row for row in table.rows}
    slope, gradient = by_quantity["median ‖∂L/∂s‖"], by_quantity["median ‖∂L/∂q‖"]
    assert slope[unscaled] < 0.01 * slope[scaled]
    assert gradient[unscaled] < 0.2 * gradient[scaled]
    assert by_quantity["mean ‖∂L/∂q‖"][unscaled] > 3 * by_quantity["mean ‖∂L/∂q‖"][scaled]


def test_small_widths_make_no_claim_about_saturation() -> None:
    checks = {check.name: check for check in EXPERIMENT.run({"d_k": 4}).checks}
    for name in ("median-jacobian-ratio", "median-gradient-smaller-unscaled"):
        assert checks[name].holds is None
        assert "d_k" in checks[name].reason.en and "d_k" in checks[name].reason.zh
    assert checks["variance-grows"].holds is True


def test_the_picture_follows_the_scale() -> None:
    spread = {}
    for scale in ("none", "sqrt", "dk"):
        stages = EXPERIMENT.run({"scale": scale, "d_k": 256}).figures[0].stages
        spread[scale] = float(np.std(stages[1].values))
        np.testing.assert_allclose(np.sum(stages[2].values, -1), 1.0, atol=1e-6)
    assert spread["none"] == pytest.approx(16 * spread["sqrt"], rel=1e-5)
    assert spread["none"] == pytest.approx(256 * spread["dk"], rel=1e-5)


def test_the_reference_agrees_with_rows_made_of_vectors() -> None:
    """The reference never makes a vector; here rows are made of them, by a plain float64 loop."""
    generator = np.random.default_rng(7)
    saturated, jacobians, gradients = [], [], []
    for _ in range(1500):
        q, k = generator.standard_normal(64), generator.standard_normal((8, 64))
        p = np.exp(k @ q - (k @ q).max())
        p /= p.sum()
        jacobian = np.diag(p) - np.outer(p, p)
        saturated.append(p.max() > 0.99)
        jacobians.append(np.linalg.norm(jacobian))
        gradients.append(np.linalg.norm(k.T @ jacobian @ generator.standard_normal(8)))
    expected = theory.rows(64, 8, 1.0)
    assert expected.saturated == pytest.approx(100 * np.mean(saturated), abs=5)
    assert expected.jacobian_norm == pytest.approx(np.median(jacobians), rel=0.2)
    assert expected.gradient_norm == pytest.approx(np.median(gradients), rel=0.2)
    assert expected.gradient_mean == pytest.approx(np.mean(gradients), rel=0.15)


def test_it_can_be_cancelled_at_every_tap() -> None:
    seen = []

    def report(fraction: float, text: str) -> None:
        seen.append(fraction)
        if len(seen) == stop:
            raise Cancelled

    stop = 0
    EXPERIMENT.run({"d_k": 16, "seed": 70}, report)
    total = len(seen)
    assert total >= 30 and seen == sorted(seen)
    for stop in (1, total // 2, total):
        seen.clear()
        with pytest.raises(Cancelled):
            EXPERIMENT.run({"d_k": 16, "seed": 71 + stop}, report)  # what was run before is remembered
        assert len(seen) == stop
