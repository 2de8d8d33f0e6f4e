"""Pre-LN's last gradient falls as one over the root of the depth, post-LN's does not; RMSNorm keeps the mean."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from tests.tui.experiments.checking import (
    assert_hold_or_null,
    values_of,
)
from tui.experiments.norm_placement.body import HEADS, PRE, Kind, _draw, _last_gradient
from tui.experiments.norm_placement.declaration import EXPERIMENT


def test_the_last_gradient_beside_float64_by_hand() -> None:
    """One pre-norm layer and its last norm, differentiated by the chain rule: ∂L/∂W_2 = Σ_tokens δ hᵀ."""
    one = _draw(1, 32, [3])
    layer_weights = {path.removeprefix("layers.0."): value.astype(np.float64) for path, value in one.weights.items()}
    encoder = one.given_to(Kind(PRE, "pre", final=True).stack(1, 32))
    x, target = (np.array(value, np.float64) for value in (one.x, one.target))

    def normed(y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        root = np.sqrt(y.var(-1, keepdims=True) + 1e-5)
        return (y - y.mean(-1, keepdims=True)) / root, root

    def attention(y: np.ndarray) -> np.ndarray:
        q, k, v = (y @ layer_weights[f"self_attention.{name}_proj.weight"].T for name in ("query", "key", "value"))
        size = 32 // HEADS
        joined = np.zeros_like(y)
        for head in range(HEADS):
            part = slice(head * size, (head + 1) * size)
            scores = np.einsum("bqd,bkd->bqk", q[..., part], k[..., part]) / np.sqrt(size)
            powers = np.exp(scores - scores.max(-1, keepdims=True))
            joined[..., part] = powers / powers.sum(-1, keepdims=True) @ v[..., part]
        return joined @ layer_weights["self_attention.out_proj.weight"].T

    x = x + attention(normed(x)[0])
    hidden = np.maximum(normed(x)[0] @ layer_weights["feed_forward.up_proj.weight"].T, 0)
    out, root = normed(x + hidden @ layer_weights["feed_forward.down_proj.weight"].T)
    given = target / (target.shape[0] * target.shape[1])
    delta = (given - given.mean(-1, keepdims=True) - out * (given * out).mean(-1, keepdims=True)) / root
    wanted = np.linalg.norm(np.einsum("btc,btf->cf", delta, hidden))
    assert _last_gradient(encoder, encoder.layers[0], one.x, one.target) == pytest.approx(wanted, rel=1e-4)


def test_the_laws_hold_for_another_seed() -> None:
    settings = {"seed": 1, "depth": 4}
    assert_hold_or_null(EXPERIMENT.run(settings), settings)


def test_a_larger_offset_moves_rms_norm_further_and_layer_norm_not_at_all() -> None:
    small, large = (values_of(EXPERIMENT, {"depth": 4, "offset": c})["rms-keeps-the-mean"] for c in (0.5, 8.0))
    assert small is not None and large is not None and small < large
    table: Any = EXPERIMENT.run({"depth": 4}).figures[-1]
    assert table.rows[0][-1] < 1e-4 and table.rows[1][-1] < 1e-4 < 0.1 < table.rows[2][-1]


def test_the_curve_of_pre_ln_falls_beside_theory() -> None:
    curve: Any = EXPERIMENT.run({"depth": 4}).figures[0]
    post, pre, rms, theory = (np.array(series.y) for series in curve.series)
    np.testing.assert_allclose(pre, theory, rtol=0.2)
    np.testing.assert_allclose(rms, pre, rtol=0.1)
    assert (post > 1.5 * pre).all() and post[-1] / post[0] > 0.8
