"""Random embeddings and weights: the same on every machine, of the variance that the claims rest on."""

from __future__ import annotations

import numpy as np
import pytest

import mlxformer as mf
from mlxformer.backend import mx, to_numpy
from tui.experiments.shared.random_weights import draw, embed, load


def test_a_token_has_one_vector_wherever_it_stands() -> None:
    vectors = embed(["猫", "dog", "猫"], 8, seed=3)
    assert vectors.shape == (3, 8) and vectors.dtype == np.float32
    np.testing.assert_array_equal(vectors[0], vectors[2])
    np.testing.assert_array_equal(embed(["dog"], 8, seed=3)[0], vectors[1])
    for other in (embed(["猫"], 8, seed=4)[0], vectors[1]):
        assert np.abs(other - vectors[0]).max() > 0.5


def test_the_numbers_are_the_same_on_every_machine() -> None:
    """Written down once: a change here changes what everybody's bank shows."""
    np.testing.assert_allclose(embed(["猫"], 3, seed=0)[0], [0.0318618231, -0.432523221, -1.47554636], rtol=1e-6)


def test_half_of_a_surrogate_pair_is_a_token_too() -> None:
    assert np.isfinite(embed(["\ud83d"], 4, seed=0)).all()


def test_embeddings_have_unit_variance() -> None:
    vectors = embed([str(number) for number in range(200)], 64, seed=0)
    assert vectors.var() == pytest.approx(1, abs=0.05) and abs(vectors.mean()) < 0.03


def test_weights_keep_the_variance_of_their_inputs() -> None:
    layer = mf.EncoderLayer(128, 4, 256)
    values = draw(np.random.default_rng(0), layer)
    assert all(value.dtype == np.float32 for value in values.values())
    for path, value in values.items():
        if path.endswith("bias"):
            assert not value.any(), path
        elif value.ndim == 1:
            assert (value == 1).all(), path
        else:
            assert value.var() * value.shape[-1] == pytest.approx(1, abs=0.05), path
    load(layer, values)
    assert not layer.training
    x = mx.array(np.random.default_rng(1).standard_normal((1, 200, 128)).astype(np.float32))
    assert to_numpy(layer.self_attention.query_proj(x)).var() == pytest.approx(1, abs=0.05)
