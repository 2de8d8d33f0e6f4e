"""The masked language models: what is trained on and held out, the batches, the reader, and what the cards say."""

from __future__ import annotations

import dataclasses
import itertools
from typing import Any

import numpy as np
import pytest

import mlxformer as mf
from mlxformer.backend import mx, to_numpy
from mlxformer.errors import ArgumentError
from mlxformer.pretrained import pretrained_names, read_card
from mlxformer.pretrained.masked import batches, corpus, evaluation
from mlxformer.pretrained.masked.batches import CLS, MASK, PAD, SEP, UNK, Line
from mlxformer.pretrained.masked.family import FAMILY
from mlxformer.pretrained.masked.reader import MaskFiller
from mlxformer.pretrained.masked.recipe import MINI, RATES, RECIPES, MaskedRecipe, Mix
from mlxformer.pretrained.masked.samples import KINDS, alternatives, documents, samples
from mlxformer.pretrained.masked.sources import Document
from mlxformer.pretrained.masked.split import is_held_out
from mlxformer.pretrained.masked.vocabulary import ENGLISH_PIECES, SPECIAL, tokenizer, tokens
from mlxformer.pretrained.training import train

SHIPPED = [name for name in RECIPES if name in pretrained_names()]
SMALL: dict[str, Any] = {
    "hidden_size": 32, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 64
}  # fmt: skip


def fresh(recipe: MaskedRecipe = MINI) -> MaskFiller:
    """An untrained small one."""
    mx.random.seed(0)
    small = dataclasses.replace(recipe, config=dataclasses.replace(recipe.config, **SMALL))
    model = small.model()
    model.eval()
    known = tokenizer(english_only=recipe.english_only)
    return MaskFiller(model, known, dataclasses.replace(read_card("dates"), name=recipe.name))


@pytest.fixture
def few_texts(monkeypatch: pytest.MonkeyPatch) -> None:
    """The samples in place of the whole corpus, which only training fetches."""
    chinese = [Document(kind, each) for kind in ("tang", "lunyu", "sanzijing") for each in documents(kind)[:12]]
    english = [Document("verse", each) for each in documents("verse")[:30]]
    idioms = np.stack(corpus.encode(samples("idioms")[:40], tokenizer()))
    zh = corpus.of_documents(chinese, tokenizer())
    en = {whole: corpus.of_documents(english, tokenizer(english_only=whole)) for whole in (False, True)}
    monkeypatch.setattr(corpus, "chinese", lambda: zh)
    monkeypatch.setattr(corpus, "english", lambda whole=False: en[whole])
    monkeypatch.setattr(corpus, "idiom_ids", lambda: idioms)


def test_what_is_held_out_is_not_among_what_is_seen() -> None:
    for kind in KINDS:
        join = " ".join if kind in ("verse", "book") else "".join
        seen = {join(each) for each in documents(kind)}
        held = {join(each) for each in documents(kind, held_out=True)}
        assert seen and not seen & held and (held or kind == "idioms")
        if kind != "idioms":
            assert all(map(is_held_out, held)) and not any(map(is_held_out, seen))


def test_held_out_documents_never_reach_a_batch() -> None:
    texts = [Document("tang", each) for part in (False, True) for each in documents("tang", held_out=part)]
    kept = corpus.of_documents(texts, tokenizer())
    assert len(kept.documents) == len(documents("tang"))


def test_the_vocabulary_covers_the_samples_and_begins_with_english() -> None:
    assert len(set(tokens())) == len(tokens()) and tokens()[:5] == SPECIAL
    assert [tokenizer().id_of(token) for token in SPECIAL] == [PAD, UNK, CLS, SEP, MASK]
    assert all(token.isascii() for token in tokens()[5:ENGLISH_PIECES])
    for kind in KINDS:
        known = tokenizer(english_only=kind == "book")
        ids = np.concatenate(corpus.encode(samples(kind), known))
        assert (ids == known.unk_id).mean() < 0.002, kind  # a few characters outside the basic block


def test_idioms_have_one_or_two_masks_and_their_labels() -> None:
    idioms = np.stack(corpus.encode(samples("idioms")[:200], tokenizer()))
    batch = batches.of_idioms(idioms, np.random.default_rng(0))
    masks = (batch.input_ids == MASK).sum(-1)
    assert set(masks) == {1, 2} and 0.3 < (masks == 2).mean() < 0.5
    whole = batch.input_ids.copy().reshape(-1)
    whole[batch.places] = batch.labels
    np.testing.assert_array_equal(whole.reshape(-1, 6)[:, 1:5], idioms)


def test_pairs_are_neighbors_or_not(few_texts: None) -> None:
    source = np.random.default_rng(0)
    texts = corpus.chinese()
    follows = {
        (tuple(a[-24:]), tuple(b[-24:])) for sentences in texts.documents for a, b in itertools.pairwise(sentences)
    }
    labels = []
    for _ in range(200):
        a, b, label = texts.pair(source)
        labels.append(label)
        if len(a) < 24 and len(b) < 24 and label == 0:
            assert (tuple(a), tuple(b)) in follows
    assert 0.35 < np.mean(labels) < 0.65


def test_rows_of_pairs_carry_types_and_marks(few_texts: None) -> None:
    source = np.random.default_rng(1)
    lines = [Line(*corpus.chinese().pair(source)) for _ in range(20)]
    batch = batches.of_rows(lines, 0.15, source, len(tokens()))
    for row, line in enumerate(lines):
        assert line.second is not None
        assert (batch.input_ids[row, [len(line.first) + 1, line.length - 1]] == SEP).all() and batch.input_ids[
            row, 0
        ] == CLS
        assert batch.attention_mask[row].sum() == line.length and (batch.input_ids[row, line.length :] == PAD).all()
        assert batch.token_type_ids[row].sum() == len(line.second) + 1
    assert (batch.labels > MASK).all() and list(batch.follows) == [line.follows for line in lines]


def test_lines_of_like_length_have_little_padding(few_texts: None) -> None:
    source = np.random.default_rng(2)
    lines = [Line(corpus.chinese().alone(source)) for _ in range(300)]
    for _ in range(10):
        chosen = batches.of_like_length(lines, 400, source)
        longest = max(line.length for line in chosen)
        assert longest * len(chosen) <= 400 and sum(line.length for line in chosen) > 0.6 * longest * len(chosen)


def test_the_rate_falls_anew() -> None:
    rates = MINI.learning_rate()
    first = [float(rates(mx.array(step))) for step in (0, MINI.warmup)]
    assert first[0] == 0 and first[1] == pytest.approx(MINI.peak)
    for since, again in MINI.again:
        before, now = (float(rates(mx.array(step))) for step in (since - 1, since))
        assert before < now == pytest.approx(again)
    assert float(rates(mx.array(MINI.steps - 1))) < 1e-6


def test_training_learns(few_texts: None) -> None:
    """A small one on few texts: the loss falls, and falls again once the mix has changed to harder batches."""
    mixes = (Mix(0, idioms=40, tokens=200, rate=0.15), Mix(40, idioms=20, tokens=300, rate=0.25))
    config = dataclasses.replace(MINI.config, **SMALL)
    small = dataclasses.replace(
        MINI, config=config, steps=72, warmup=10, peak=1.5e-2, mixes=mixes, again=(), falls_to=0
    )
    losses = train(small, seed=3, quiet=True).losses
    assert losses[0] > 8 and np.mean(losses[30:40]) < 0.65 * losses[0]
    assert np.mean(losses[-12:]) < np.mean(losses[40:52])


def test_ranks_are_those_of_the_whole_forward_pass() -> None:
    filler = fresh()
    texts = ["画蛇添足", "床前明月光，疑是地上霜。"]
    cases = sorted(evaluation.masked_one_by_one(texts, filler.tokenizer), key=lambda case: len(case[0]))
    assert len(cases) == 4 + 10
    expected = []
    for ids, place, right in cases:
        row = ids.copy()
        row[place] = MASK
        logits = to_numpy(filler.model(mx.array(row[None])).prediction_logits)[0, place]
        expected.append(int((logits[MASK:] > logits[right]).sum()))
    assert list(evaluation.ranks(filler, texts)) == expected


def test_other_idioms_that_fit_are_known() -> None:
    idioms = samples("idioms")
    known = set(idioms)
    for idiom in idioms[:300]:
        also = alternatives(idiom)
        for place, others in enumerate(also):
            assert idiom[place] not in others
            among = {
                each[place] for each in known if each[:place] + each[place + 1 :] == idiom[:place] + idiom[place + 1 :]
            }
            assert among <= {idiom[place], *others}
    _, possible = evaluation.idioms_completed(fresh(), idioms[:50])
    assert possible == pytest.approx(np.mean([1 / (1 + len(o)) for each in idioms[:50] for o in alternatives(each)]))


def test_nll_is_minus_the_mean_log_probability() -> None:
    filler = fresh(RATES[1])
    nll, accuracy = evaluation.nll_and_accuracy(filler, samples("book", held_out=True)[:20], 0.15)
    assert nll == pytest.approx(np.log(ENGLISH_PIECES), rel=0.15) and accuracy < 0.1


def test_fill_gives_probabilities_highest_first() -> None:
    filler = fresh()
    found = filler.fill("画蛇添[MASK]", k=7)
    assert len(found) == 7 and [p for _, p in found] == sorted((p for _, p in found), reverse=True)
    assert filler("画蛇添[MASK]") == found[:5]
    everything = filler.fill("画蛇添[MASK]", k=filler.tokenizer.vocab_size)
    assert sum(p for _, p in everything) == pytest.approx(1, abs=0.01)
    assert len(filler.fill_each("床前[MASK][MASK]光")) == 2
    assert 0 < filler.next_sentence("床前明月光，", "疑是地上霜。") < 1


def test_what_cannot_be_filled_is_refused() -> None:
    filler = fresh()
    for text, match in (
        ("画蛇添足", "no \\[MASK\\]"),
        ("[MASK]蛇[MASK]足", "2 \\[MASK\\]"),
        ("字" * 70 + "[MASK]", "73"),
    ):
        with pytest.raises(ArgumentError, match=match):
            filler.fill(text)
    with pytest.raises(ArgumentError, match="whole number"):
        filler.fill("画蛇添[MASK]", k=0)
    with pytest.raises(ArgumentError, match="bert-mini"):
        fresh(RATES[0]).next_sentence("a", "b")
    with pytest.raises(ArgumentError, match="idioms"):
        documents("idiom")  # type: ignore[arg-type]


def test_the_models_of_one_rate_differ_in_the_rate_alone() -> None:
    assert [recipe.mixes[0].rate for recipe in RATES] == [0.05, 0.15, 0.4, 0.8]
    assert len({repr(dataclasses.replace(recipe, name="", mixes=())) for recipe in RATES}) == 1
    for recipe in RATES:
        assert mf.count_parameters(recipe.config) <= 600_000


def test_cards_know_what_was_read() -> None:
    assert set(FAMILY.recipes) == set(RECIPES)
    assert any("idioms" in source for source in FAMILY.describe(MINI)["data"])
    assert next(iter(FAMILY.describe(RATES[0])["data"])).startswith("verses")


@pytest.mark.once  # slow on MLX's CPU build; test_both_backends holds each model's probabilities there to NumPy's
@pytest.mark.parametrize("name", SHIPPED)
def test_shipped_scores_are_held_on_a_sample(name: str) -> None:
    reader = mf.load_pretrained(name)
    card = reader.card
    if name == "bert-mini":
        for kind in ("idioms", "tang", "sanzijing"):
            found = evaluation.recall(reader, samples(kind)[-40:])[0]
            assert found == pytest.approx(card.score(f"{kind}-top-1"), abs=0.12), kind
        completed, _ = evaluation.idioms_completed(reader, samples("idioms")[-60:])
        assert completed >= 0.95 and card.score("idioms-completed") >= 0.98
    else:
        _, accuracy = evaluation.nll_and_accuracy(reader, samples("book", held_out=True)[:100], 0.15)
        assert accuracy == pytest.approx(card.score("held-out-accuracy@15"), abs=0.06)


@pytest.mark.skipif("bert-mini" not in SHIPPED, reason="bert-mini is not shipped")
@pytest.mark.parametrize(
    ("text", "token"),
    [
        ("画蛇添[MASK]", "足"),
        ("守株[MASK]兔", "待"),
        ("床前明[MASK]光", "月"),
        ("In the beginning God created the heaven and the [MASK].", "earth"),
    ],
)
def test_what_everybody_knows_comes_out(text: str, token: str) -> None:
    assert mf.load_pretrained("bert-mini").fill(text)[0][0] == token
