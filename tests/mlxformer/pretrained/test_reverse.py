"""The models that reverse strings: what was trained on, what they reach at each length and seed, where the bottleneck
is, and that this code makes them."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

import mlxformer as mf
from mlxformer.backend import mx, to_numpy
from mlxformer.errors import ArgumentError
from mlxformer.pretrained import cards
from mlxformer.pretrained.reverse.evaluation import LENGTHS, held_out, right_letters
from mlxformer.pretrained.reverse.reader import StringReverser
from mlxformer.pretrained.reverse.recipe import RECIPES, ReverseRecipe
from mlxformer.pretrained.reverse.strings import LONGEST, SHORTEST, TOKENIZER, draw, is_held_out
from mlxformer.pretrained.seeds import Run, read_results
from mlxformer.pretrained.training import train

READERS: dict[str, StringReverser] = {}


def reader(name: str) -> StringReverser:
    if name not in READERS:
        READERS[name] = mf.load_pretrained(name)
    return READERS[name]


def texts_of(target_ids: mx.array) -> list[str]:
    return [TOKENIZER.decode(row)[::-1] for row in to_numpy(target_ids)]


@pytest.mark.parametrize("name", RECIPES)
def test_no_held_out_string_is_trained_on_and_every_length_is(name: str) -> None:
    recipe = dataclasses.replace(RECIPES[name], most=4)
    lengths = set()
    for step in range(400):
        source_ids, target_ids = recipe.batch(np.random.default_rng((0, step)), step)
        texts = texts_of(target_ids)
        assert not any(map(is_held_out, texts))
        np.testing.assert_array_equal(to_numpy(source_ids), TOKENIZER.source_batch(texts, recipe.source_length))
        lengths |= set(map(len, texts))
    assert lengths == set(range(SHORTEST, LONGEST + 1))


def test_sources_end_at_one_place_and_targets_begin_at_one() -> None:
    sources, targets = TOKENIZER.source_batch(["abc", "de"], 6), TOKENIZER.target_batch(["abc", "de"])
    a = TOKENIZER.source("a")[1]
    assert sources.tolist() == [[0, 1, a, a + 1, a + 2, 2], [0, 0, 1, a + 3, a + 4, 2]]
    assert targets.tolist() == [[1, a + 2, a + 1, a, 2], [1, a + 4, a + 3, 2, 0]]


@pytest.mark.parametrize("length", LENGTHS)
def test_evaluation_is_on_held_out_strings_only(length: int) -> None:
    texts = held_out(length)
    assert all(map(is_held_out, texts)) and {len(text) for text in texts} == {length}
    assert len(set(texts)) > 0.9 * len(texts)
    assert texts == held_out(length)


def test_one_string_in_sixteen_is_held_out() -> None:
    texts = draw(np.random.default_rng(0), 12, 2000, held_out=False)
    assert not any(map(is_held_out, texts))
    rng = np.random.default_rng(1)
    share = np.mean([is_held_out("".join(chr(97 + x) for x in rng.integers(26, size=9))) for _ in range(4000)])
    assert share == pytest.approx(1 / 16, abs=0.012)


def test_the_three_are_of_like_size_and_of_one_recipe() -> None:
    sizes = [cards.read_card(name).parameters for name in RECIPES]
    assert max(sizes) <= 1.1 * min(sizes)
    without, attended = RECIPES["reverse-gru"], RECIPES["reverse-gru-attention"]
    assert without == dataclasses.replace(attended, name="reverse-gru", config=without.config)
    assert without.config == dataclasses.replace(attended.config, attention=False)


@pytest.mark.parametrize("name", RECIPES)
def test_shipped_scores_hold_on_a_sample(name: str) -> None:
    model = reader(name)
    for length in (4, 20, 40):
        texts = held_out(length, 40)
        accuracy = float(right_letters(model(texts), texts).mean())
        assert accuracy == pytest.approx(model.card.score(f"accuracy@{length}"), abs=0.08)


@pytest.mark.parametrize("name", RECIPES)
def test_results_are_of_five_seeds_and_the_first_ships(name: str) -> None:
    runs, card = read_results(name), cards.read_card(name)
    assert [run.seed for run in runs] == list(range(5)) and card.seed == 0
    assert runs[0].sha256 == card.sha256 and runs[0].scores == card.scores
    for run in runs:
        assert set(run.scores) == set(card.scores) and run.steps == RECIPES[name].steps
        assert run.loss[-1][0] == run.steps and run.loss[-1][1] < 0.8 * run.loss[0][1]


def at_40(name: str) -> list[float]:
    return [run.scores["accuracy@40"] for run in read_results(name)]


def test_the_bottleneck_is_visible_from_every_seed() -> None:
    without, with_attention, transformer = (at_40(name) for name in RECIPES)
    assert min(with_attention) > max(without) + 0.3 and min(transformer) > max(without) + 0.3


def test_models_of_one_seed_have_no_results() -> None:
    with pytest.raises(ArgumentError, match="one seed"):
        read_results("dates")


def test_right_letters_are_counted_place_by_place() -> None:
    right = right_letters(["cba", "cb", "xbay"], ["abc", "abc", "abc"])
    assert right.tolist() == [[True] * 3, [True, True, False], [False, True, True]]


@pytest.mark.parametrize("name", RECIPES)
def test_strings_of_several_lengths_are_read_as_alone(name: str) -> None:
    model = reader(name)
    texts = [held_out(length, 1)[0] for length in (4, 9, 40)]
    assert model(texts) == [model(text) for text in texts]
    assert model([]) == [] and model(texts[1].upper()) == model(texts[1])


@pytest.mark.parametrize("text", ["", "a" * 41, "abc def", "naïve", "反转"])
def test_what_cannot_be_read_is_refused(text: str) -> None:
    with pytest.raises(ArgumentError):
        reader("reverse-gru")(text)


class OfFour(ReverseRecipe):
    """Strings of four letters only, which are learned in seconds."""

    def batch(self, source: np.random.Generator, step: int) -> tuple[mx.array, mx.array]:
        texts = draw(source, 4, 32, held_out=False)
        return mx.array(TOKENIZER.source_batch(texts)), mx.array(TOKENIZER.target_batch(texts))


@pytest.mark.parametrize("name", RECIPES)
def test_this_code_makes_the_models(name: str) -> None:
    """From another seed, on strings of four letters: before long the letters are better than guessed."""
    peak, steps = (5e-3, 70) if name == "reverse-transformer" else (1e-2, 40)  # which bears less
    recipe = OfFour(**{**vars(RECIPES[name]), "source_length": 0, "peak": peak, "warmup": steps // 8, "steps": 1000})
    losses = train(recipe, seed=7, steps=steps, quiet=True).losses
    guessing = 4 / 5 * np.log(26)  # [EOS] is known at once
    assert np.mean(losses[:5]) > 3.2 and np.mean(losses[-10:]) < 0.9 * guessing


def test_every_run_is_on_file() -> None:
    for name in RECIPES:
        assert (cards.shipped_folder(name) / "results.json").is_file()
        assert all(isinstance(run, Run) for run in read_results(name))
