"""Drafted tokens are kept or refused so that what is written is distributed as the large model's own."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from mlxformer.errors import ArgumentError
from mlxformer.generation.speculative import speculative_step


def rows(seed: int, count: int, vocab: int) -> np.ndarray:
    return np.random.default_rng(seed).dirichlet(np.ones(vocab), count)


def test_by_hand() -> None:
    target = np.array([[0.5, 0.5, 0.0], [0.2, 0.2, 0.6], [0.1, 0.3, 0.6]])
    draft = np.array([[0.25, 0.75, 0.0], [0.8, 0.1, 0.1]])
    kept, after = speculative_step(target, draft, [0, 1], [0.99, 0.99])  # both at least as likely as drafted
    assert kept == 2 and after.tolist() == [0.1, 0.3, 0.6]
    kept, after = speculative_step(target, draft, [0, 0], [0.99, 0.25])  # 0.2 / 0.8 is not above 0.25
    assert kept == 1
    np.testing.assert_allclose(after, [0, 1 / 6, 5 / 6], atol=1e-12)
    assert speculative_step(target, draft, [1, 1], [0.9, 0.0])[0] == 0  # what comes after a refusal does not count


def test_what_is_written_is_distributed_as_the_large_models_own() -> None:
    """Over all drafts and both outcomes of each lot, two tokens of four: exact, not by drawing."""
    vocab, target, draft = 4, rows(1, 3, 4), rows(2, 2, 4)
    first = np.zeros(vocab)
    second = np.zeros((vocab, vocab))
    for tokens in itertools.product(range(vocab), repeat=2):
        drafted = draft[0, tokens[0]] * draft[1, tokens[1]]
        accept = [min(1.0, target[i, token] / draft[i, token]) for i, token in enumerate(tokens)]
        for outcome in itertools.product((True, False), repeat=2):
            chance = np.prod([a if kept else 1 - a for a, kept in zip(accept, outcome, strict=True)])
            if chance == 0:
                continue
            lots = [a / 2 if kept else (1 + a) / 2 for a, kept in zip(accept, outcome, strict=True)]
            kept, after = speculative_step(target, draft, tokens, lots)
            assert kept == (2 if all(outcome) else outcome.index(False))
            weight = drafted * chance
            if kept == 0:
                first += weight * after
            else:
                first[tokens[0]] += weight
                second[tokens[0]] += weight * (np.eye(vocab)[tokens[1]] if kept == 2 else after)
    np.testing.assert_allclose(first, target[0], atol=1e-12)
    # Given that the first was kept, the second is the large model's.
    np.testing.assert_allclose(second / second.sum(1, keepdims=True), np.tile(target[1], (vocab, 1)), atol=1e-12)


def test_a_draft_of_no_probability_and_equal_models() -> None:
    same = rows(3, 2, 5)
    assert speculative_step(same, same[:1], [2], [0.999])[0] == 1
    kept, after = speculative_step(np.array([[0.0, 1.0], [0.5, 0.5]]), np.array([[0.0, 1.0]]), [0], [0.0])
    assert kept == 0 and after.tolist() == [0.0, 1.0]


def test_shapes_that_do_not_fit() -> None:
    with pytest.raises(ArgumentError, match=r"target must have shape \[2, 3\] with 1 tokens; got \[1, 3\]"):
        speculative_step(rows(0, 1, 3), rows(0, 1, 3), [0], [0.5])
    with pytest.raises(ArgumentError, match="uniforms"):
        speculative_step(rows(0, 2, 3), rows(0, 1, 3), [0], [0.5, 0.5])
