"""Pooling by a loop; a probe whose gradient is zero, and which reads what is there to be read."""

from __future__ import annotations

import numpy as np
import pytest

import mlxformer as mf
from mlxformer.backend import mx, to_numpy
from mlxformer.inspection.probes import fit_probe
from mlxformer.models.bert.pooling import POOLINGS, pool
from tests.mlxformer.comparing import assert_close, assert_gradients, booleans, numbers


def by_hand(hidden: np.ndarray, real: np.ndarray, how: str) -> np.ndarray:
    rows = []
    for states, mask in zip(hidden.astype(np.float64), real, strict=True):
        chosen = [state for state, is_real in zip(states, mask, strict=True) if is_real]
        if how == "cls":
            rows.append(states[0])
        elif not chosen:
            rows.append(np.zeros(states.shape[1]))
        else:
            rows.append({"mean": np.mean(chosen, 0), "max": np.max(chosen, 0), "last": chosen[-1]}[how])
    return np.array(rows)


@pytest.mark.parametrize("how", POOLINGS)
def test_pooling_against_a_loop(how) -> None:
    hidden, real = numbers(4, 6, 3) - 2, booleans(4, 6)
    real[3] = False
    assert_close(pool(mx.array(hidden), mx.array(real), how), by_hand(hidden, real, how))
    assert_close(pool(mx.array(hidden), mx.array(real.astype(np.int32)), how), by_hand(hidden, real, how))
    assert_close(pool(mx.array(hidden), how=how), by_hand(hidden, np.ones_like(real), how))
    assert pool(mx.array(hidden), how=how).dtype == mx.float32


@pytest.mark.parametrize("how", POOLINGS)
def test_pooling_has_the_right_gradient(how) -> None:
    slope, real = mx.array(numbers(3, 4, seed=9)), mx.array(booleans(3, 5))
    assert_gradients(lambda x: mx.sum(pool(x, real, how) * slope), [numbers(3, 5, 4)], step=1e-3)


def test_what_is_not_real_does_not_matter() -> None:
    hidden, real = numbers(2, 5, 3), booleans(2, 5)
    other = np.where(real[..., None], hidden, np.float32(np.nan))
    for how in ("mean", "max", "last"):
        assert_close(pool(mx.array(other), mx.array(real), how), to_numpy(pool(mx.array(hidden), mx.array(real), how)))


def test_the_gradient_of_the_ridge_loss_is_zero_at_the_probe() -> None:
    x, y = numbers(40, 6).astype(np.float64), np.random.default_rng(0).integers(0, 3, 40)
    probe = fit_probe(x, y, strength=2.5)
    targets = np.eye(3)[y]
    wrong = x @ probe.weights + probe.bias - targets
    np.testing.assert_allclose(x.T @ wrong + 2.5 * probe.weights, 0, atol=1e-9)
    np.testing.assert_allclose(wrong.sum(0), 0, atol=1e-9)


def test_a_probe_reads_a_linear_rule_and_no_noise() -> None:
    x = numbers(400, 8).astype(np.float64)
    y = (x @ np.arange(8) > 0.5).astype(int)
    assert fit_probe(x[:200], y[:200]).accuracy(x[200:], y[200:]) > 0.9
    noise = np.random.default_rng(3).integers(0, 2, 400)
    assert abs(fit_probe(x[:200], noise[:200]).accuracy(x[200:], noise[200:]) - 0.5) < 0.15
    same = np.ones((10, 4))
    assert (fit_probe(same, [0] * 4 + [1] * 6).predict(same) == 1).all()  # nothing to tell apart: the commoner class


def test_fewer_rows_than_features() -> None:
    x = numbers(5, 50).astype(np.float64)
    assert fit_probe(x, [0, 1, 0, 1, 1], strength=1e-6).accuracy(x, [0, 1, 0, 1, 1]) == 1.0


@pytest.mark.parametrize(
    ("call", "code"),
    [
        (lambda: pool(mx.zeros((2, 3)), how="cls"), "wrong-shape"),
        (lambda: pool(mx.zeros((2, 3, 4)), how="first"), "unknown-choice"),
        (lambda: pool(mx.zeros((2, 3, 4)), mx.ones((2, 4), dtype=mx.int32), "max"), "wrong-shape"),
        (lambda: fit_probe(np.zeros((3, 2)), [0, 1]), "probe-shapes"),
        (lambda: fit_probe(np.zeros((0, 2)), np.zeros(0, int)), "probe-shapes"),
        (lambda: fit_probe(np.zeros((2, 2)), [0.0, 1.0]), "probe-labels"),
        (lambda: fit_probe(np.zeros((2, 2)), [-1, 1]), "probe-labels"),
        (lambda: fit_probe(np.zeros((2, 2)), [0, 1], strength=0.0), "not-a-positive-number"),
    ],
)
def test_bad_input_is_refused(call, code: str) -> None:
    with pytest.raises(mf.ArgumentError) as caught:
        call()
    assert caught.value.code == code
