"""The poets: what they read, that their scores hold, that their poems have the form, that this code makes them."""

from __future__ import annotations

import dataclasses
import itertools

import numpy as np
import pytest

import mlxformer as mf
from mlxformer.backend import mx
from mlxformer.errors import ArgumentError
from mlxformer.pretrained import cards
from mlxformer.pretrained.masked.split import is_held_out
from mlxformer.pretrained.poems import corpus, evaluation
from mlxformer.pretrained.poems.forms import FORMS, form_of, lines_of, written
from mlxformer.pretrained.poems.reader import Poet
from mlxformer.pretrained.poems.recipe import RECIPES, VOCABULARY
from mlxformer.pretrained.poems.samples import EACH, held_out
from mlxformer.pretrained.poems.trigram import Trigram
from mlxformer.pretrained.poems.vocabulary import SPECIAL, ids_of, tokenizer
from mlxformer.pretrained.training import train

WANG = "白日依山尽，黄河入海流。欲穷千里目，更上一层楼。"
READERS: dict[str, Poet] = {}


def reader(name: str) -> Poet:
    if name not in READERS:
        READERS[name] = mf.load_pretrained(name)
    return READERS[name]


def test_the_held_out_poems_are_of_each_form_and_none_is_trained_on() -> None:
    for form in FORMS.values():
        assert sum(form_of(lines_of(text)) == form for text in held_out()) == EACH
    assert all(map(is_held_out, held_out())) and len(set(held_out())) == len(held_out())
    assert all(written(lines_of(text)) == text for text in held_out())


def test_a_poem_is_its_form_its_text_and_the_end() -> None:
    using = tokenizer()
    ids = using.poem(WANG.replace("，", "、"))
    assert [using.tokens[each] for each in ids] == ["[五绝]", *WANG, "[END]"]
    assert using.decode(ids) == WANG and using.vocab_size == VOCABULARY
    assert using.tokens[: len(SPECIAL)] == SPECIAL and ids_of([WANG])["五绝"].tolist() == [ids]


@pytest.mark.parametrize("text, code", [("春眠不觉晓", "poem-whole"), (WANG.replace("白", "嘅"), "poem-character")])
def test_what_is_no_poem_is_refused(text: str, code: str) -> None:
    with pytest.raises(ArgumentError) as raised:
        tokenizer().poem(text)
    assert raised.value.code == code


@pytest.mark.once  # slow on MLX's CPU build; test_both_backends holds each model's probabilities there to NumPy's
@pytest.mark.parametrize("name", RECIPES)
def test_shipped_scores_hold(name: str) -> None:
    """On a third of the draws and of the poems: within what so many can differ by chance."""
    model, card = reader(name), cards.read_card(name)
    assert evaluation.perplexity(model, held_out()[::3]) == pytest.approx(card.score("perplexity"), rel=0.1)
    drawn = {form: evaluation.draw(model, form, 60, seed=1) for form in evaluation.QUATRAINS}
    in_form = np.mean([evaluation.share_in_form(poems, form) for form, poems in drawn.items()])
    assert in_form == pytest.approx(card.score("form"), abs=0.05)
    rhymed = evaluation.share_rhymed([poem for poems in drawn.values() for poem in poems], model.tokenizer)
    spread = (card.score("rhyme") * (1 - card.score("rhyme")) / 120) ** 0.5
    assert rhymed == pytest.approx(card.score("rhyme"), abs=3.5 * spread)


def test_the_poet_is_as_good_as_was_asked() -> None:
    card = cards.read_card("poet")
    assert card.parameters <= 4_000_000
    assert card.score("form") >= 0.95
    assert card.score("rhyme") >= 0.85 * card.score("rhyme-real")
    assert card.score("perplexity") <= 0.9 * card.score("perplexity-trigram")
    small = cards.read_card("poet-small")
    assert small.parameters < card.parameters / 5 and small.score("perplexity") > card.score("perplexity")


def test_a_beginning_is_gone_on_with_in_its_form() -> None:
    poet = reader("poet")
    for beginning, form in (("白日依山尽，", "五绝"), ("朝辞白帝彩云间，千里", "七绝"), ("", "七绝"), ("白日", "七绝")):
        poem = poet(beginning, seed=3)
        assert poem.startswith(beginning) and form_of(lines_of(poem)) == FORMS[form], poem
    assert form_of(lines_of(poet("白日", form="五律", seed=0))) == FORMS["五律"]
    assert poet("白日依山尽", form="五绝", seed=1) == poet("白日依山尽，", seed=1)
    assert poet("", temperature=0) == poet("", temperature=None) and poet(seed=1) != poet(seed=2)


@pytest.mark.parametrize(
    "given, code",
    [
        ({"beginning": "白日依山尽黄河入海流"}, "poem-form"),
        ({"beginning": "白日依，山尽，"}, "poem-form"),
        ({"beginning": WANG + "白日"}, "poem-form"),
        ({"beginning": "hello"}, "poem-character"),
        ({"form": "词"}, "poem-form-unknown"),
        ({"temperature": -1.0}, "not-a-positive-number"),
    ],
)
def test_a_beginning_of_no_form_is_refused(given: dict[str, object], code: str) -> None:
    with pytest.raises(ArgumentError) as raised:
        reader("poet-small")(**given)  # type: ignore[arg-type]
    assert code in raised.value.code


def test_log_probabilities_are_those_of_the_next_characters() -> None:
    poet = reader("poet")
    found = poet.log_probabilities(WANG)
    assert found.shape == (len(WANG) + 1,)
    for at in (3, 13, 21):
        beginning = WANG[:at]
        by_character = dict(poet.next(beginning, VOCABULARY, form="五绝"))
        assert sum(by_character.values()) == pytest.approx(1, abs=1e-4)
        assert np.log(by_character[WANG[at]]) == pytest.approx(found[at], abs=1e-3)


def test_kneser_ney_is_a_distribution_and_is_what_its_formula_says() -> None:
    rows = [[0, 1, 2, 1, 3], [0, 1, 2, 2, 3], [0, 2, 1, 3]]
    model = Trigram(rows, 5)
    for first, second in itertools.product((-1, 0, 1, 2, 4), range(5)):
        assert sum(model.probability(first, second, third) for third in range(5)) == pytest.approx(1)
    # By hand: "0 1" is followed by 2 twice; in the middle order 1 stands before 2 (after 0) and before 3 (after 2);
    # below, 2 stands after 1, 2 and 0 of the eight pairs.
    kinds = {2: {0, 1, 2}, 1: {0, 2}, 3: {1, 2}}
    pairs = sum(map(len, kinds.values()))
    lowest = ((3 - 0.75) + 0.75 * 3 / 5) / pairs
    after_one = {2: {0}, 3: {2}}
    contexts = sum(map(len, after_one.values()))
    middle = ((1 - 0.75) + 0.75 * 2 * lowest) / contexts
    assert model.probability(0, 1, 2) == pytest.approx(((2 - 0.75) + 0.75 * 1 * middle) / 2)


def test_rhymes_are_told_by_the_finals() -> None:
    using = tokenizer()
    assert using.rhymes("光", "霜") and not using.rhymes("光", "光") and not using.rhymes("光", "月")
    assert evaluation.share_rhymed(["床前明月光，疑是地上霜。举头望明月，低头思故乡。", WANG], using) == 0.0
    assert evaluation.share_rhymed([WANG.replace("楼", "秋")], using) == 1.0


def test_of_two_versions_of_a_poem_none_is_trained_on_where_one_is_held_out(monkeypatch: pytest.MonkeyPatch) -> None:
    one = held_out()[0]
    lines = lines_of(one)
    other = written([*lines[:2], *lines_of(WANG)[:2]])
    assert not is_held_out(other) and not is_held_out(WANG)
    monkeypatch.setattr(corpus, "fetch", lambda folder: None)
    monkeypatch.setattr(corpus, "poems", lambda folder: [one, other, WANG])
    corpus.split.cache_clear()
    try:
        assert corpus.split() == ([WANG], [one])
    finally:
        corpus.split.cache_clear()


@pytest.mark.once  # slow on MLX's CPU build; that training works there, test_masked shows on a smaller model
def test_this_code_makes_the_models(monkeypatch: pytest.MonkeyPatch) -> None:
    """On the held-out poems, a few steps: the loss falls well below that of guessing by frequency at the start."""
    monkeypatch.setattr(corpus, "training_ids", lambda: ids_of(held_out()))
    recipe = dataclasses.replace(RECIPES["poet-small"], tokens=512, warmup=10)
    model = recipe.model()
    assert model(mx.array(ids_of([WANG])["五绝"])).shape == (1, 26, VOCABULARY)
    losses = train(recipe, seed=5, steps=30, quiet=True).losses
    assert losses[0] == pytest.approx(np.log(VOCABULARY), abs=0.4) and np.mean(losses[-5:]) < 0.9 * losses[0]
