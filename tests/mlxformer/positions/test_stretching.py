"""What each recipe for longer texts does to the angles, pair by pair, and to the scores."""

from __future__ import annotations

import math

import numpy as np
import pytest

from mlxformer.backend import mx, to_numpy
from mlxformer.errors import ArgumentError
from mlxformer.positions import RotaryEmbedding
from mlxformer.positions.stretching import ntk_base, yarn_score_scale, yarn_stretch

D, BASE, S, T = 32, 10_000.0, 8.0, 512


def angles(**options: object) -> np.ndarray:
    """Of each pair at position 1, read off what the embedding turns (1, 0) into."""
    ones = mx.array(np.tile([1.0, 0.0], D // 2).astype(np.float32).reshape(1, 1, 1, D))
    turned = to_numpy(RotaryEmbedding(D, **options)(ones, offset=1)).reshape(-1, 2).astype(np.float64)
    return np.arctan2(turned[:, 1], turned[:, 0])


def test_ntk_keeps_the_fastest_pair_and_interpolates_the_slowest() -> None:
    plain, stretched = angles(), angles(base=ntk_base(BASE, S, D))
    ratio = plain / stretched
    np.testing.assert_allclose(ratio, S ** (np.arange(D // 2) / (D // 2 - 1)), rtol=1e-4)
    np.testing.assert_allclose(angles(scale=1 / S), plain / S, rtol=1e-4)


def test_yarn_by_parts_pair_by_pair() -> None:
    plain, found = angles(), angles(stretch=yarn_stretch(S, T))
    for theta, ours in zip(plain, found, strict=True):
        turns = T * theta / (2 * math.pi)
        kept = 0.0 if turns < 1 else 1.0 if turns > 32 else (turns - 1) / 31
        assert ours == pytest.approx((1 - kept) * theta / S + kept * theta, rel=1e-4)


def test_scores_are_sharpened_by_the_square_of_the_papers_factor() -> None:
    assert yarn_score_scale(16.0) == pytest.approx((0.1 * math.log(16) + 1) ** 2)
    assert yarn_score_scale(1.0) == yarn_score_scale(0.5) == 1.0


def test_bad_input_is_refused() -> None:
    for call, message in (
        (lambda: ntk_base(0.0, 2.0, 8), "base"),
        (lambda: ntk_base(1e4, 0.0, 8), "factor"),
        (lambda: ntk_base(1e4, 2.0, 2), "at least 4"),
        (lambda: ntk_base(1e4, 2.0, 7), "even"),
        (lambda: yarn_score_scale(0.0), "factor"),
        (lambda: yarn_stretch(2.0, 100, slow_turns=4, fast_turns=2), "high_freq_factor"),
    ):
        with pytest.raises(ArgumentError, match=message):
            call()
