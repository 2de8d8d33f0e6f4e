"""Temperature, top-k and top-p by hand, by a loop and beside transformers; draws that follow what is left."""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np
import pytest

import mlxformer as mf
from mlxformer.backend import mx, to_numpy
from mlxformer.errors import ArgumentError
from mlxformer.generation.beam import beam_hypotheses, beam_search
from mlxformer.generation.greedy import greedy_search
from mlxformer.generation.rules import SearchRules, log_softmax
from mlxformer.generation.sampling import SamplingRules, draw_tokens, filter_logits, sample, sampling_probabilities
from tests.mlxformer.comparing import numbers
from tests.mlxformer.generation.decoders import EOS, PAD, START, Noise, Table, rules
from tests.mlxformer.transformer_reference import filled, ids

LOGITS = numbers(6, 11, scale=3)


def by_loop(logits: np.ndarray, temperature: float, top_k: int | None, top_p: float) -> list[float]:
    """The probabilities of one row, token by token in float64 (no ties among the logits)."""
    scaled = [float(z) / temperature for z in logits]
    ranked = sorted(range(len(scaled)), key=lambda v: -scaled[v])[: top_k or len(scaled)]
    total = sum(math.exp(scaled[v]) for v in ranked)
    kept, mass = [], 0.0
    for v in ranked:
        kept.append(v)
        mass += math.exp(scaled[v]) / total
        if mass >= top_p:
            break
    total = sum(math.exp(scaled[v]) for v in kept)
    return [math.exp(scaled[v]) / total if v in kept else 0.0 for v in range(len(scaled))]


@pytest.mark.parametrize("row", [[0.0, np.nan, 1.0], [np.inf, 0.0, 0.0], [0.0, 0.0, 0.0]])
def test_what_is_no_probability_is_not_drawn_from(row):
    with pytest.raises(ArgumentError, match="row 1 of the probabilities cannot be drawn from") as error:
        draw_tokens(np.array([[0.5, 0.5, 0.0], row]), np.random.default_rng(0))
    assert error.value.code == "probabilities"


@pytest.mark.parametrize("top_p", [0.05, 0.5, 0.9, 1.0])
@pytest.mark.parametrize("top_k", [None, 1, 4, 50])
@pytest.mark.parametrize("temperature", [0.3, 1.0, 2.5])
def test_the_probabilities_are_those_of_a_loop(temperature: float, top_k: int | None, top_p: float) -> None:
    found = sampling_probabilities(LOGITS, SamplingRules(temperature, top_k, top_p))
    expected = [by_loop(row, temperature, top_k, top_p) for row in LOGITS]
    np.testing.assert_allclose(found, expected, atol=2e-6)


@pytest.mark.parametrize(("temperature", "top_k", "top_p"), [(0.7, 5, 0.8), (1.3, None, 0.3), (1.0, 3, 1.0)])
def test_the_filters_are_those_of_transformers(temperature: float, top_k: int | None, top_p: float) -> None:
    torch = pytest.importorskip("torch", reason="compared with transformers' warpers, which need torch")
    transformers = pytest.importorskip("transformers", reason="compared with transformers' warpers")
    theirs = transformers.TemperatureLogitsWarper(temperature)(None, torch.tensor(LOGITS))
    if top_k is not None:
        theirs = transformers.TopKLogitsWarper(top_k)(None, theirs)
    if top_p < 1:
        theirs = transformers.TopPLogitsWarper(top_p)(None, theirs)
    ours = filter_logits(LOGITS, SamplingRules(temperature, top_k, top_p))
    assert ours.dtype == np.float32
    np.testing.assert_allclose(ours, theirs.numpy(), rtol=1e-6)


def test_by_hand() -> None:
    logits = np.log(np.array([[0.5, 0.3, 0.15, 0.05]], np.float32))
    np.testing.assert_allclose(
        sampling_probabilities(logits, SamplingRules(top_p=0.8)), [[0.625, 0.375, 0, 0]], atol=1e-6
    )
    np.testing.assert_allclose(sampling_probabilities(logits, SamplingRules(top_k=1)), [[1, 0, 0, 0]])
    np.testing.assert_allclose(
        sampling_probabilities(logits, SamplingRules(temperature=0.5)),
        [[0.25 / 0.365, 0.09 / 0.365, 0.0225 / 0.365, 0.0025 / 0.365]],
        atol=1e-6,
    )
    ties = np.zeros((1, 4), np.float32)
    assert np.isfinite(filter_logits(ties, SamplingRules(top_k=2))).sum() == 4, "equals of the last are kept"
    assert np.isfinite(filter_logits(ties, SamplingRules(top_p=0.45))).sum() == 2, "the fewest are kept"


def test_what_was_forbidden_stays_so_and_one_is_always_left() -> None:
    logits = np.array([[-np.inf, 1.0, -np.inf, 0.5]], np.float32)
    for given in (SamplingRules(), SamplingRules(top_k=3), SamplingRules(top_p=1e-6), SamplingRules(1e-3)):
        probabilities = sampling_probabilities(logits, given)
        assert probabilities[0, 0] == probabilities[0, 2] == 0 and probabilities.sum() == pytest.approx(1)


def test_draws_follow_the_probabilities() -> None:
    probabilities = np.array([[0.0, 0.5, 0.3, 0.2, 0.0]])
    drawn = draw_tokens(np.repeat(probabilities, 40_000, axis=0), np.random.default_rng(0))
    assert drawn.dtype == np.int32
    shares = np.bincount(drawn, minlength=5) / len(drawn)
    assert shares[0] == shares[4] == 0
    np.testing.assert_allclose(shares, probabilities[0], atol=5 * math.sqrt(0.25 / len(drawn)))


def test_several_draws_of_a_row_are_those_of_as_many_rows() -> None:
    probabilities = np.array([[0.0, 0.5, 0.3, 0.2, 0.0], [1.0, 0.0, 0.0, 0.0, 0.0]])
    several = draw_tokens(probabilities, np.random.default_rng(0), 50)
    singly = draw_tokens(np.repeat(probabilities, 50, axis=0), np.random.default_rng(0))
    assert several.shape == (2, 50) and several.dtype == np.int32
    assert several.ravel().tolist() == singly.tolist() and set(several[0]) == {1, 2, 3} and set(several[1]) == {0}


def test_near_temperature_zero_it_is_greedy() -> None:
    cold = SamplingRules(temperature=1e-3)
    drawn, _ = sample(Noise(6, 1), 6, rules(9), cold, np.random.default_rng(3))
    assert drawn.tolist() == greedy_search(Noise(6, 1), 6, rules(9)).tolist()


def test_sequences_come_as_often_as_they_are_probable_and_with_their_log_probability() -> None:
    tree = {(): {3: 0.6, 4: 0.4}, (3,): {5: 0.5, 6: 0.5}, (4,): {5: 1.0}}
    count = 4000
    found, log_p = sample(Table(tree), count, rules(), SamplingRules(), np.random.default_rng(1))
    assert found.shape == (count, 4) and (found[:, -1] == EOS).all()
    for body, probability in (((3, 5), 0.3), ((3, 6), 0.3), ((4, 5), 0.4)):
        rows = (found[:, 1:3] == body).all(-1)
        assert rows.mean() == pytest.approx(probability, abs=5 * math.sqrt(0.25 / count))
        np.testing.assert_allclose(log_p[rows], math.log(probability), atol=1e-5)


def test_padding_is_never_drawn_and_finished_rows_go_on_with_it() -> None:
    tree = {(): {PAD: 0.9, 3: 0.05, EOS: 0.05}, (3,): {5: 1.0}}
    found, _ = sample(Table(tree), 50, rules(), SamplingRules(), np.random.default_rng(2))
    short = found[:, 1] == EOS
    assert 0 < short.sum() < 50 and (found[short, 2:] == PAD).all()
    assert (found[~short, 1] == 3).all()


# Beside the search


def test_the_hypotheses_are_those_that_a_search_ends_with() -> None:
    settings = rules(8, num_beams=4, early_stopping="never")
    found, scores = beam_hypotheses(Noise(3, 4), 3, settings)
    best, best_scores = beam_search(Noise(3, 4), 3, settings)
    assert found.shape[:2] == scores.shape == (3, 4)
    np.testing.assert_array_equal(found[:, 0, : best.shape[1]], best)
    np.testing.assert_array_equal(scores[:, 0], best_scores)
    assert all(a >= b for row in scores for a, b in pairwise(row)), "the best first"
    for row in found:
        assert len({tuple(each) for each in row.tolist()}) == 4


@pytest.mark.parametrize("padded", [False, True])
def test_a_model_can_be_searched_from_outside(padded: bool) -> None:
    model = filled()
    source = mx.array(ids(2, 5))
    mask = mx.array(np.array([[1, 1, 1, 1, 1], [1, 1, 1, 0, 0]], np.int32)) if padded else None
    config = model.config
    settings = SearchRules(config.bos_id, config.pad_id, (config.eos_id,), 7, num_beams=3)
    found, _ = beam_search(model.start_decoding(source, mask, rows_each=3), 2, settings)
    expected = model.generate(source, mask, num_beams=3, max_length=7)
    np.testing.assert_array_equal(found, to_numpy(expected))
    drawn, log_p = mf.sample(model.start_decoding(source, mask), 2, settings, SamplingRules(), np.random.default_rng(0))
    for row, total in zip(drawn, log_p, strict=True):
        assert row[0] == START and total < 0


def test_the_log_probability_of_a_sample_is_the_model_s() -> None:
    model = filled()
    source = mx.array(ids(1, 5))
    config = model.config
    settings = SearchRules(config.bos_id, config.pad_id, (config.eos_id,), 7)
    drawn, log_p = sample(
        model.start_decoding(source), 1, settings, SamplingRules(temperature=2.0), np.random.default_rng(5)
    )
    logs = log_softmax(to_numpy(model(source, mx.array(drawn)))[0])
    total = sum(float(logs[place, drawn[0, place + 1]]) for place in range(drawn.shape[1] - 1))
    assert log_p[0] == pytest.approx(total, abs=1e-4)


def test_refusals() -> None:
    for bad, code in [
        ({"temperature": 0}, "not-a-positive-number"),
        ({"temperature": -1.0}, "not-a-positive-number"),
        ({"temperature": math.inf}, "not-a-positive-number"),
        ({"top_k": 0}, "not-positive"),
        ({"top_k": 2.5}, "not-positive"),
        ({"top_p": 0.0}, "top-p"),
        ({"top_p": 1.01}, "top-p"),
        ({"top_p": True}, "top-p"),
    ]:
        with pytest.raises(ArgumentError) as caught:
            SamplingRules(**bad)  # type: ignore[arg-type]
        assert caught.value.code == code
    with pytest.raises(ArgumentError, match="rows_each"):
        filled().start_decoding(mx.array(ids(1, 3)), rows_each=0)
