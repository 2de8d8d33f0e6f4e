"""The models of repeats: what was trained on, what every seed reached, which heads do it; and this code makes them."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

import mlxformer as mf
from mlxformer.backend import mx, to_numpy
from mlxformer.errors import ArgumentError
from mlxformer.pretrained import cards
from mlxformer.pretrained.repeats.evaluation import LENGTHS, accuracy, prefix_matching, previous_token
from mlxformer.pretrained.repeats.recipe import RECIPES
from mlxformer.pretrained.repeats.signs import LONGEST, SHORTEST, SIGNS, twice
from mlxformer.pretrained.seeds import read_results
from mlxformer.pretrained.training import train

BOTH = ("induction", "induction-one-layer")


def test_each_stretch_has_unlike_signs_twice_and_every_length_is_trained() -> None:
    lengths = set()
    for step in range(150):
        (ids,) = RECIPES["induction"].batch(np.random.default_rng((0, step)), step)
        rows = to_numpy(ids)
        half = rows.shape[1] // 2
        assert np.array_equal(rows[:, :half], rows[:, half:]) and rows.min() >= 0 and rows.max() < len(SIGNS)
        assert all(len(set(row)) == half for row in rows[:, :half].tolist())
        lengths.add(half)
    assert lengths == set(range(SHORTEST, LONGEST + 1))


def test_the_twins_differ_in_their_layers_alone() -> None:
    two, one = (RECIPES[name] for name in BOTH)
    assert one == dataclasses.replace(two, name="induction-one-layer", num_layers=1)
    # A layer is four matrices of 64 x 64; the rest is two tables of signs, and one of positions.
    sizes = [cards.read_card(name).parameters for name in BOTH]
    assert sizes[1] == 2 * 36 * 64 + 48 * 64 + 4 * 64 * 64 and sizes[0] == sizes[1] + 4 * 64 * 64


@pytest.mark.parametrize("name", BOTH)
def test_shipped_scores_hold_on_other_stretches(name: str) -> None:
    reader = mf.load_pretrained(name)
    for length in LENGTHS:
        ids = twice(np.random.default_rng((7, length)), length, 40)
        found = accuracy(to_numpy(reader.model(mx.array(ids))), ids)
        assert found == pytest.approx(reader.card.score(f"accuracy@{length}"), abs=0.12)


def test_two_layers_do_it_from_every_seed_and_one_from_none() -> None:
    for name in BOTH:
        runs, card = read_results(name), cards.read_card(name)
        assert [run.seed for run in runs] == list(range(5)) and runs[0].sha256 == card.sha256
        reached = [run.scores["accuracy@16"] for run in runs]
        assert min(reached) > 0.99 if name == "induction" else max(reached) < 0.4
    for run in read_results("induction"):
        first, second = run.reports["prefix matching by layer and head"]
        assert max(first) < 0.2 and max(second) > 0.9
        assert max(run.reports["attention to the previous sign, by layer and head"][0]) > 0.7


def test_the_scores_of_a_head_by_hand() -> None:
    weights = np.zeros((1, 2, 6, 6))  # a stretch of three, twice
    for query, key in ((3, 1), (4, 2), (5, 3)):
        weights[0, 0, query, key] = 0.5
    for query, key in ((1, 0), (2, 1)):
        weights[0, 1, query, key] = 0.25
    assert prefix_matching(weights).tolist() == [0.5, 0.0] and previous_token(weights).tolist() == [0.0, 0.25]


def test_accuracy_leaves_out_what_nothing_foretells() -> None:
    ids = np.array([[0, 1, 2, 0, 1, 2]])
    logits = np.zeros((1, 6, 3))
    logits[0, np.arange(5), [0, 0, 1, 1, 0]] = 1.0  # after 0: right; after 1: wrong
    assert accuracy(logits, ids) == 0.5


@pytest.mark.parametrize("text", ["", "a" * 49, "a-b", "反转"])
def test_what_cannot_be_read_is_refused(text: str) -> None:
    with pytest.raises(ArgumentError):
        mf.load_pretrained("induction")(text)


def test_this_code_makes_the_models() -> None:
    losses = train(dataclasses.replace(RECIPES["induction-one-layer"], tokens=256), seed=7, steps=60, quiet=True).losses
    assert np.mean(losses[:5]) > 3.5 and np.mean(losses[-10:]) < np.mean(losses[:5])
