"""BERT's masking: the proportions, what is never masked, whole words; and the loss, against a float64 loop."""

from __future__ import annotations

import numpy as np
import pytest

import mlxformer as mf
from mlxformer.backend import mx, to_numpy
from mlxformer.training.masked_lm import KEPT, MASKED, RANDOM, MaskedTokens, whole_words
from tests.mlxformer.comparing import assert_gradients, numbers

PAD, CLS, SEP, MASK, VOCAB = 0, 2, 3, 4, 500
SPECIAL = (PAD, CLS, SEP, MASK)


def rows(count: int = 1000, length: int = 120) -> np.ndarray:
    """[CLS] … [SEP] and padding, of differing lengths."""
    generator = np.random.default_rng(5)
    ids = generator.integers(5, VOCAB, (count, length))
    ids[:, 0] = CLS
    for row, end in enumerate(generator.integers(20, length, count)):
        ids[row, end], ids[row, end + 1 :] = SEP, PAD
    return ids.astype(np.int32)


def masked(ids, seed: int = 0, **given) -> MaskedTokens:
    options = {"rate": 0.15, "special": SPECIAL, "mask_id": MASK, "vocab_size": VOCAB} | given
    return mf.mask_tokens(ids, np.random.default_rng(seed), **options)


@pytest.mark.parametrize(("rate", "split"), [(0.15, (0.8, 0.1, 0.1)), (0.4, (1.0, 0.0, 0.0)), (0.8, (0.2, 0.5, 0.3))])
def test_proportions(rate: float, split: tuple[float, ...]) -> None:
    ids = rows(2000)
    found = masked(ids, rate=rate, split=split)
    ordinary = ~np.isin(ids, SPECIAL)
    count = ordinary.sum()
    assert count > 1e5
    for kind, share in zip((MASKED, RANDOM, KEPT), split, strict=True):
        assert abs((found.treatment == kind).sum() / count - rate * share) < 0.005
    assert not found.predicted[~ordinary].any()
    np.testing.assert_array_equal(found.input_ids[~ordinary], ids[~ordinary])


def test_each_treatment_does_what_it_says() -> None:
    ids = rows()
    found = masked(ids)
    at = {kind: found.treatment == kind for kind in (0, MASKED, RANDOM, KEPT)}
    assert (found.input_ids[at[MASKED]] == MASK).all()
    for kind in (0, KEPT):
        np.testing.assert_array_equal(found.input_ids[at[kind]], ids[at[kind]])
    drawn = found.input_ids[at[RANDOM]]
    assert not np.isin(drawn, SPECIAL).any()
    assert abs((drawn == ids[at[RANDOM]]).mean() - 1 / (VOCAB - len(SPECIAL))) < 0.01
    assert abs(drawn.mean() - np.setdiff1d(np.arange(VOCAB), SPECIAL).mean()) < 10
    np.testing.assert_array_equal(found.predicted, found.treatment > 0)
    assert (found.input_ids.dtype, found.predicted.dtype) == (np.int32, np.bool_)


def test_a_seed_repeats_and_lower_rates_are_nested_in_higher_ones() -> None:
    ids = rows(50)
    for one, two in zip(masked(ids), masked(ids), strict=True):
        np.testing.assert_array_equal(one, two)
    assert (masked(ids).predicted != masked(ids, seed=1).predicted).any()
    low, high = masked(ids, rate=0.05), masked(ids, rate=0.4)
    assert not (low.predicted & ~high.predicted).any()
    np.testing.assert_array_equal(low.treatment[low.predicted], high.treatment[low.predicted])
    assert not masked(ids, rate=0.0).predicted.any()
    np.testing.assert_array_equal(masked(ids, rate=1.0).predicted, ~np.isin(ids, SPECIAL))


def test_one_row_is_a_batch_of_one_and_arrays_of_the_backend_do() -> None:
    ids = rows(1)
    for one, many in zip(masked(ids[0]), masked(ids), strict=True):
        np.testing.assert_array_equal(one, many[0])
    np.testing.assert_array_equal(masked(mx.array(ids)).input_ids, masked(ids).input_ids)
    assert masked(np.zeros((0,), np.int32), at_least_one=True).input_ids.shape == (0,)


def test_at_least_one() -> None:
    ids = np.array([[CLS, 9, SEP, PAD]] * 400 + [[CLS, SEP, PAD, PAD]], np.int32)
    assert 0.02 < masked(ids, rate=0.05).predicted[:-1].any(-1).mean() < 0.1
    found = masked(ids, rate=0.05, at_least_one=True).predicted
    assert found[:-1, 1].all() and found.sum() == 400


def test_whole_words() -> None:
    assert whole_words(["##s", "un", "##aff"]).tolist() == [0, 0, 0]
    words = whole_words(["un", "##aff", "##able", "a", "猫", "b", "##c"])
    assert words.tolist() == [0, 0, 0, 1, 2, 3, 3]
    ids = np.random.default_rng(0).integers(5, VOCAB, (3000, 7))
    found = masked(ids, words=np.tile(words, (3000, 1)))
    for word in range(4):
        together = found.predicted[:, words == word]
        assert (together == together[:, :1]).all()
        assert abs(together.mean() - 0.15) < 0.02
    pieces = found.treatment[found.predicted[:, 0]][:, :3]
    assert (pieces[:, 0] != pieces[:, 1]).any()  # each piece draws its own of the three
    apart = masked(ids).predicted
    assert (apart[:, 0] != apart[:, 1]).any()
    single = masked(np.tile(ids[:1], (200, 1)), rate=0.0, words=np.tile(words, (200, 1)), at_least_one=True).predicted
    assert set(single.sum(-1)) == {1, 2, 3}


def test_the_loss_is_a_mean_over_predicted_places() -> None:
    logits, labels = numbers(2, 5, 7), np.random.default_rng(1).integers(0, 7, (2, 5))
    predicted = np.array([[1, 0, 0, 1, 0], [0, 0, 1, 0, 0]], bool)
    wanted = []
    for place in np.argwhere(predicted):
        row = logits[tuple(place)].astype(np.float64)
        wanted.append(np.log(np.exp(row).sum()) - row[labels[tuple(place)]])
    loss = mf.masked_language_model_loss(mx.array(logits), labels, predicted)
    assert loss.dtype == mx.float32
    assert float(to_numpy(loss)) == pytest.approx(np.mean(wanted), abs=1e-6)
    other = np.where(predicted, labels, -100)  # what stands elsewhere is not even looked at
    assert float(to_numpy(mf.masked_language_model_loss(mx.array(logits), other, predicted))) == float(to_numpy(loss))
    nothing = mf.masked_language_model_loss(mx.array(logits), labels, np.zeros((2, 5), bool))
    assert float(to_numpy(nothing)) == 0.0


def test_the_gradient_of_the_loss() -> None:
    labels = np.random.default_rng(1).integers(0, 7, (2, 5))
    predicted = np.array([[1, 0, 0, 1, 0], [0, 0, 1, 0, 0]], bool)
    assert_gradients(lambda x: mf.masked_language_model_loss(x, labels, predicted), [numbers(2, 5, 7)])
    gradient = to_numpy(
        mx.grad(lambda x: mf.masked_language_model_loss(x, labels, predicted))(mx.array(numbers(2, 5, 7)))
    )
    assert (gradient[~predicted] == 0).all() and (np.abs(gradient[predicted]).sum(-1) > 0).all()


@pytest.mark.parametrize(
    ("given", "code"),
    [
        ({"rate": 1.5}, "not-a-share"),
        ({"rate": True}, "not-a-share"),
        ({"rate": float("nan")}, "not-a-share"),
        ({"split": (0.8, 0.1)}, "mlm-split"),
        ({"split": (0.8, 0.1, 0.2)}, "mlm-split"),
        ({"split": (1.2, -0.1, -0.1)}, "not-a-share"),
        ({"mask_id": VOCAB}, "id-out-of-range"),
        ({"special": [-1]}, "id-out-of-range"),
        ({"vocab_size": 0}, "not-positive"),
        ({"special": range(VOCAB)}, "mlm-all-special"),
        ({"words": np.zeros((2, 3), int)}, "wrong-shape"),
        ({"words": np.zeros((2, 4))}, "ids-not-integers"),
        ({"ids": [[1.0, 2.0]]}, "ids-not-integers"),
        ({"ids": [[VOCAB]]}, "id-out-of-range"),
        ({"ids": np.zeros((1, 2, 3), int)}, "mlm-shape"),
    ],
)
def test_bad_masking_is_refused(given: dict, code: str) -> None:
    with pytest.raises(mf.ArgumentError) as caught:
        masked(**({"ids": np.full((2, 4), 9)} | given))
    assert caught.value.code == code


@pytest.mark.parametrize(
    ("shape", "predicted", "code"),
    [((2, 3), np.ones((2, 3), bool), "wrong-shape"), ((2, 4), np.ones((2, 4), np.int32), "mlm-predicted")],
)
def test_a_bad_loss_is_refused(shape: tuple[int, ...], predicted: np.ndarray, code: str) -> None:
    with pytest.raises(mf.ArgumentError) as caught:
        mf.masked_language_model_loss(mx.array(numbers(2, 4, 7)), np.zeros(shape, np.int32), predicted)
    assert caught.value.code == code
