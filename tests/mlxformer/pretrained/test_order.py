"""The twins of sentence pairs: their batches, what they are asked, and what their cards say."""

from __future__ import annotations

import dataclasses
import itertools
from typing import Any

import numpy as np
import pytest

import mlxformer as mf
from mlxformer.backend import to_numpy
from mlxformer.pretrained import read_card
from mlxformer.pretrained.masked.batches import CLS, MASK, SEP
from mlxformer.pretrained.masked.corpus import encode
from mlxformer.pretrained.masked.vocabulary import tokenizer
from mlxformer.pretrained.order import recipe as recipes
from mlxformer.pretrained.order.evaluation import accuracy, follows, pairs
from mlxformer.pretrained.order.recipe import RECIPES
from mlxformer.pretrained.poems.samples import couplets_of, held_out
from mlxformer.pretrained.seeds import read_results

NSP, SOP = RECIPES["bert-nsp"], RECIPES["bert-sop"]


@pytest.fixture
def few_poems(monkeypatch: pytest.MonkeyPatch) -> dict[int, list[list[np.ndarray]]]:
    """Held-out poems in place of the whole corpus, which only training fetches."""
    poems: dict[int, list[list[np.ndarray]]] = {5: [], 7: []}
    for text in held_out()[::40]:
        couplets = couplets_of(text)
        poems[len(couplets[0]) // 2 - 1].append(encode(couplets, tokenizer()))
    monkeypatch.setattr(recipes, "poems_by_width", lambda: poems)
    return poems


def test_the_twins_differ_in_their_negatives_alone() -> None:
    assert dataclasses.replace(NSP, name=SOP.name, negatives="swapped") == SOP
    cards = [mf.load_pretrained(recipe.name).card for recipe in (NSP, SOP)]
    assert cards[0].parameters == cards[1].parameters and cards[0].steps == cards[1].steps


@pytest.mark.parametrize("recipe", [NSP, SOP], ids=lambda recipe: recipe.name)
def test_half_of_the_pairs_are_negatives_of_their_kind(recipe: Any, few_poems: Any) -> None:
    near, swapped = set(), set()
    for poem in (poem for poems in few_poems.values() for poem in poems):
        near |= {(tuple(a), tuple(b)) for a, b in itertools.pairwise(poem)}
    swapped = {(b, a) for a, b in near}
    generator = np.random.default_rng(3)
    labels, kinds = [], set()
    for step in range(4):
        batch = recipe.batch(generator, step)
        ids, places, hidden = (to_numpy(batch[part]) for part in (0, 3, 4))
        ids = ids.copy()
        ids.reshape(-1)[places] = hidden  # what was masked, put back
        width = (ids.shape[1] - 3) // 2
        assert (ids[:, 0] == CLS).all() and (ids[:, [1 + width, -1]] == SEP).all() and not (ids == MASK).any()
        for row, label in zip(ids.tolist(), to_numpy(batch[5]).tolist(), strict=True):
            pair = tuple(row[1 : 1 + width]), tuple(row[2 + width : -1])
            labels.append(label)
            kinds.add((label, "next" if pair in near else "swapped" if pair in swapped else "stranger"))
    assert 0.4 < np.mean(labels) < 0.6
    assert kinds == {(0, "next"), (1, "swapped" if recipe is SOP else "stranger")}


def test_what_they_are_asked_is_held_out() -> None:
    found = pairs()
    home = {couplet: text for text in held_out() for couplet in couplets_of(text)}
    assert {len(of) for of in found.values()} == {400}
    assert found["swapped"] == [(b, a) for a, b in found["next"]]
    for (a, b), (first, stranger) in zip(found["next"], found["random"], strict=True):
        assert home[a] == home[b] != home[stranger] and first == a and len(stranger) == len(b)


@pytest.mark.parametrize("name", RECIPES)
def test_the_card_holds(name: str) -> None:
    reader = mf.load_pretrained(name)
    few = {arm: follows(reader, of[::4]) for arm, of in pairs().items()}
    for task, negatives in (("nsp", "random"), ("sop", "swapped")):
        found = accuracy(few["next"], few[negatives])
        assert found == pytest.approx(reader.card.score(f"{task}-held-out"), abs=0.1)


def test_each_twin_knows_its_own_task_best_from_either_seed() -> None:
    runs = {name: read_results(name) for name in RECIPES}
    assert all(found[0].sha256 == read_card(name).sha256 for name, found in runs.items())
    for nsp, sop in itertools.product(runs["bert-nsp"], runs["bert-sop"]):
        assert nsp.scores["nsp-held-out"] > sop.scores["nsp-held-out"] + 0.15
        assert sop.scores["sop-held-out"] > nsp.scores["sop-held-out"] + 0.08


def test_accuracy_counts_both_kinds() -> None:
    assert accuracy(np.array([0.9, 0.2]), np.array([0.9, 0.1, 0.1, 0.1])) == pytest.approx(4 / 6)


def test_pairs_of_any_length_are_judged_together_as_each_alone() -> None:
    """Sorted by length for the model, they come back in the order in which they were asked."""
    reader, found = mf.load_pretrained("bert-nsp"), pairs()
    asked = [found[arm][index] for index, arm in enumerate(["next", "random", "swapped"] * 3)]
    assert len({sum(map(len, pair)) for pair in asked}) > 1
    alone = np.concatenate([follows(reader, [pair]) for pair in asked])
    assert np.ptp(alone) > 0.5
    np.testing.assert_allclose(follows(reader, asked), alone, atol=1e-5)
