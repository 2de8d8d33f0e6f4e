"""Speculative decoding writes what the target alone would: by enumeration, by drawing, and at the edges."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from mlxformer.errors import ArgumentError
from mlxformer.generation.sampling import SamplingRules
from mlxformer.generation.speculative import acceptance, residual, speculate, verify

V = 4
PLAIN = SamplingRules()


def rows(*shape: int, seed: int) -> np.ndarray:
    return np.random.default_rng(seed).dirichlet(np.ones(V) * 0.7, size=shape)


def markov(seed: int):
    """Logits that depend on the last token alone."""
    table = rows(V, seed=seed)
    return table, lambda ids: np.log(table)[ids]


def test_acceptance_is_one_less_the_total_variation_distance() -> None:
    p, q = rows(50, seed=1), rows(50, seed=2)
    np.testing.assert_allclose(acceptance(p, q), 1 - 0.5 * np.abs(p - q).sum(-1), atol=1e-12)


def test_what_is_kept_and_what_replaces_it_add_up_to_the_target() -> None:
    p, q = rows(50, seed=3), rows(50, seed=4)
    out = np.minimum(p, q) + (1 - acceptance(p, q))[:, None] * residual(p, q)
    np.testing.assert_allclose(out, p, atol=1e-12)
    np.testing.assert_allclose(residual(p, p), p)


def test_pairs_of_tokens_come_as_the_target_draws_them() -> None:
    """Two steps of a Markov chain, 4,000 times: each pair within five standard deviations of p(a) p(b | a)."""
    (p, target), (_, draft) = markov(5), markov(6)
    generator, counts, times = np.random.default_rng(0), np.zeros((V, V)), 4_000
    for _ in range(times):
        found = speculate(target, draft, np.array([0]), ahead=2, max_new_tokens=2, sampling=PLAIN, generator=generator)
        counts[tuple(found.tokens)] += 1
    wanted = p[0][:, None] * p
    assert (np.abs(counts / times - wanted) < 5 * np.sqrt(wanted * (1 - wanted) / times)).all()


def test_a_draft_that_is_the_target_is_always_kept() -> None:
    _, target = markov(7)
    found = speculate(target, target, np.array([1]), ahead=3, max_new_tokens=12, sampling=PLAIN,
                      generator=np.random.default_rng(1))  # fmt: skip
    assert (len(found.tokens), found.runs) == (12, 3)  # three that were proposed and one more, each time


def test_what_the_target_never_writes_is_never_kept() -> None:
    p, q = np.array([[0.0, 1.0, 0, 0]] * 2), np.array([[1.0, 0, 0, 0]])
    for seed in range(20):
        new, kept = verify(p, q, np.array([0]), np.random.default_rng(seed))
        assert (new.tolist(), kept) == ([1], 0)


def test_the_likeliest_alone_is_greedy_search_whatever_the_draft() -> None:
    (p, target), (_, draft) = markov(8), markov(9)
    greedy = list(itertools.accumulate(range(8), lambda last, _: int(p[last].argmax()), initial=0))[1:]
    found = speculate(target, draft, np.array([0]), ahead=3, max_new_tokens=8, sampling=SamplingRules(top_k=1),
                      generator=np.random.default_rng(0))  # fmt: skip
    assert found.tokens.tolist() == greedy and found.tokens.dtype == np.int32


def test_the_end_ends_it() -> None:
    after = lambda ids: 100.0 * np.eye(V)[(ids + 1) % V]  # noqa: E731
    found = speculate(after, after, np.array([0]), ahead=5, max_new_tokens=9, sampling=PLAIN, eos_id=2,
                      generator=np.random.default_rng(0))  # fmt: skip
    assert found.tokens.tolist() == [1, 2]


def test_bad_input_is_refused() -> None:
    _, target = markov(1)
    wide = lambda ids: np.zeros((len(ids), V + 1))  # noqa: E731
    for changed, message in (
        ({"ahead": 0}, "ahead"),
        ({"max_new_tokens": 0}, "max_new_tokens"),
        ({"prompt": np.array([], np.int32)}, "at least one token"),
        ({"draft": wide}, "one vocabulary"),
    ):
        options = {
            "prompt": np.array([0]),
            "draft": target,
            "ahead": 2,
            "max_new_tokens": 4,
            "sampling": PLAIN,
        } | changed
        with pytest.raises(ArgumentError, match=message):
            speculate(target, generator=np.random.default_rng(0), **options)


@pytest.mark.parametrize("value", [np.nan, np.inf])
@pytest.mark.parametrize("which", [0, 1])
def test_logits_that_are_no_numbers_are_said(value: float, which: int) -> None:
    models = [lambda ids: np.zeros((len(ids), V))] * 2
    models[which] = lambda ids: np.full((len(ids), V), value)
    with pytest.raises(ArgumentError, match="are not all numbers") as error:
        speculate(*models, np.array([0]), ahead=2, max_new_tokens=4, sampling=PLAIN,
                  generator=np.random.default_rng(0))  # fmt: skip
    assert error.value.code == "logits-not-numbers"
