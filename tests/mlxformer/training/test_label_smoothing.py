"""Label smoothing by hand, by a float64 loop and beside torch; its minimum where the derivation puts it."""

from __future__ import annotations

import math

import numpy as np
import pytest

import mlxformer as mf
from mlxformer.backend import mx, to_numpy
from mlxformer.errors import ArgumentError
from mlxformer.training.label_smoothing import optimal_logit_gap, perplexity, smoothed_loss_floor, smoothed_targets
from tests.mlxformer.comparing import assert_close, assert_gradients, is_float32, numbers

LOGITS = numbers(3, 4, 7, scale=3)
IDS = np.random.default_rng(1).integers(0, 7, (3, 4)).astype(np.int32)


def by_loop(logits: np.ndarray, ids: np.ndarray, smoothing: float, pad_id: int | None = None) -> float:
    losses = []
    for row, target in zip(logits.reshape(-1, logits.shape[-1]).astype(np.float64), ids.reshape(-1), strict=True):
        if target == pad_id:
            continue
        total = sum(math.exp(z - row.max()) for z in row)
        logs = [z - row.max() - math.log(total) for z in row]
        shares = [smoothing / len(row) + (1 - smoothing) * (place == target) for place in range(len(row))]
        losses.append(-sum(share * log for share, log in zip(shares, logs, strict=True)))
    return sum(losses) / max(len(losses), 1)


@pytest.mark.parametrize("pad_id", [None, 2])
@pytest.mark.parametrize("smoothing", [0.0, 0.1, 0.9])
def test_the_loss_is_that_of_a_loop(smoothing: float, pad_id: int | None) -> None:
    loss = mf.label_smoothed_cross_entropy(mx.array(LOGITS), mx.array(IDS), smoothing=smoothing, pad_id=pad_id)
    assert loss.shape == () and is_float32(loss)
    assert float(loss) == pytest.approx(by_loop(LOGITS, IDS, smoothing, pad_id), rel=1e-5)


@pytest.mark.parametrize("smoothing", [0.0, 0.1, 0.5])
def test_the_loss_is_torch_s(smoothing: float) -> None:
    torch = pytest.importorskip("torch", reason="compared with torch's cross-entropy")
    flat, ids = torch.tensor(LOGITS.reshape(-1, 7), requires_grad=True), torch.tensor(IDS.reshape(-1)).long()
    theirs = torch.nn.functional.cross_entropy(flat, ids, label_smoothing=smoothing, ignore_index=2)
    theirs.backward()

    def loss(z: object) -> object:
        return mf.label_smoothed_cross_entropy(z, mx.array(IDS), smoothing=smoothing, pad_id=2)

    assert_close(loss(mx.array(LOGITS)), theirs)
    assert_close(mx.grad(loss)(mx.array(LOGITS)), flat.grad.numpy().reshape(LOGITS.shape))


def test_the_gradient_is_softmax_minus_target() -> None:
    def loss(z: object) -> object:
        return mf.label_smoothed_cross_entropy(z, mx.array(IDS), smoothing=0.2)

    assert_gradients(loss, [LOGITS])
    p = np.exp(LOGITS.astype(np.float64))
    p /= p.sum(-1, keepdims=True)
    target = to_numpy(smoothed_targets(mx.array(np.eye(7, dtype=np.float32)[IDS]), 0.2))
    assert_close(mx.grad(loss)(mx.array(LOGITS)), ((p - target) / IDS.size).astype(np.float32))


def test_probabilities_as_targets_are_the_mixture_of_their_labels() -> None:
    rows = np.array([[0.25, 0.75, 0.0]], np.float32)
    z = mx.array(numbers(1, 3))
    mixed = mf.label_smoothed_cross_entropy(z, mx.array(rows), smoothing=0.3)
    of_label = [mf.label_smoothed_cross_entropy(z, mx.array([k]), smoothing=0.3) for k in range(2)]
    assert float(mixed) == pytest.approx(0.25 * float(of_label[0]) + 0.75 * float(of_label[1]), rel=1e-5)


@pytest.mark.parametrize("vocab", [2, 10, 37_000])
@pytest.mark.parametrize("smoothing", [0.05, 0.1, 0.5])
def test_the_minimum_is_where_the_gap_says(smoothing: float, vocab: int) -> None:
    gap = optimal_logit_gap(smoothing, vocab)
    z = np.zeros((3, vocab), np.float32)
    z[:, 0] = gap + np.array([-0.2, 0.0, 0.2], np.float32)
    target = mx.array(np.zeros(1, np.int32))
    left, at, right = (
        float(mf.label_smoothed_cross_entropy(mx.array(row[None]), target, smoothing=smoothing)) for row in z
    )
    assert left > at < right
    # MLX adds 37,000 small exponentials to one large in float32, one after another.
    rounding = 2e-5 if vocab < 1000 else 2e-3
    assert at == pytest.approx(smoothed_loss_floor(smoothing, vocab), rel=rounding, abs=2e-5)


def test_numbers_by_hand() -> None:
    assert optimal_logit_gap(0.1, 10) == pytest.approx(math.log(0.91 / 0.01)) and optimal_logit_gap(0.0, 10) == math.inf
    assert smoothed_loss_floor(0.1, 10) == pytest.approx(0.5003, abs=5e-5) and smoothed_loss_floor(0.0, 10) == 0
    assert_close(smoothed_targets(mx.array([0.0, 1.0]), 0.2), np.array([0.1, 0.9], np.float32), 1e-7)
    assert perplexity(np.eye(4), np.full((4, 4), 0.25)) == pytest.approx(4)
    assert perplexity(np.array([[0.5, 0.5]]), np.array([[1.0, 0.0]])) == math.inf
    assert perplexity(np.array([[1.0, 0.0]]), np.array([[1.0, 0.0]])) == 1


def test_all_padding_gives_zero() -> None:
    z = mx.array(numbers(2, 5))
    assert float(mf.label_smoothed_cross_entropy(z, mx.array([3, 3]), pad_id=3)) == 0


def test_refusals() -> None:
    z, ids = mx.array(LOGITS), mx.array(IDS)
    for arguments, code in [
        ((z, ids[:2]), "wrong-shape"),
        ((z, mx.array(LOGITS[..., :3])), "wrong-shape"),
        ((ids, ids), "not-floating"),
        ((z, IDS.tolist()), "not-an-array"),
        ((z, ids + 5), "index-out-of-range"),
    ]:
        with pytest.raises(ArgumentError) as caught:
            mf.label_smoothed_cross_entropy(*arguments)
        assert caught.value.code == code
    for extra, code in [
        ({"smoothing": 1.0}, "not-a-probability"),
        ({"smoothing": -0.1}, "not-a-probability"),
        ({"pad_id": 7}, "id-out-of-range"),
        ({"pad_id": -1}, "id-out-of-range"),
    ]:
        with pytest.raises(ArgumentError) as caught:
            mf.label_smoothed_cross_entropy(z, ids, **extra)
        assert caught.value.code == code
    with pytest.raises(ArgumentError, match="vocab_size must be a whole number of at least 2"):
        optimal_logit_gap(0.1, 1)
