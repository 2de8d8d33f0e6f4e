"""Absorbed is expanded with less to keep and, in decoding, less to multiply; rotated keys cannot be absorbed."""

from __future__ import annotations

import pytest

import mlxformer as mf
from mlxformer.backend import mx
from tests.tui.experiments.checking import assert_hold_or_null
from tui.experiments.latent_attention.body import _decoding, _layer, _operations
from tui.experiments.latent_attention.declaration import EXPERIMENT


@pytest.mark.parametrize(("latent", "turned", "length"), [(16, 4, 64), (32, 32, 16), (64, 2, 256)])
def test_claims_hold_for_other_widths(latent: int, turned: int, length: int) -> None:
    for seed in range(2):
        settings = {"latent_dims": latent, "rope_dims": turned, "length": length, "seed": seed}
        assert_hold_or_null(EXPERIMENT.run(settings), settings)


def test_operations_by_hand() -> None:
    h, d, latent, turned, t = 8, 16, 32, 4, 10
    layer, x = _layer(latent, turned, 0), mx.ones((1, t, h * d))
    expand = 2 * 2 * latent * h * d  # of one token, to K and V
    by_hand = {
        False: t * expand + 2 * h * t * t * (d + turned) + 2 * h * t * t * d,
        True: t * expand + 2 * h * t * t * (latent + turned) + 2 * h * t * t * latent,
    }
    for absorbed, wanted in by_hand.items():
        with mf.trace(layer) as steps:
            layer(x, x, "causal", absorbed=absorbed)
        assert _operations(steps, latent) == wanted
    step = _decoding(layer, t, lambda fraction, text: None)
    assert step == (
        t * expand + 2 * h * t * (d + turned) + 2 * h * t * d,
        expand + 2 * h * t * (latent + turned) + 2 * h * t * latent,
    )


def test_deepseek_s_sizes() -> None:
    bars = EXPERIMENT.run().figures[0]
    assert dict(zip(bars.labels, bars.values, strict=True)) == {"MHA": 32_768, "GQA-8": 2048, "MQA": 256, "MLA": 576}


def test_an_odd_width_cannot_be_turned() -> None:
    assert all("in pairs" in check.reason.en for check in EXPERIMENT.run({"rope_dims": 3}).checks)
