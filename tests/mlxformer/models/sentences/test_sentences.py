"""Sentence-transformers folders made here: every pooling, dense layers, limits; beside NumPy."""

from __future__ import annotations

import json

import numpy as np
import pytest

import mlxformer as mf
from mlxformer.backend import mx, to_numpy
from mlxformer.checkpoints.folder import save_checkpoint
from tests.mlxformer.comparing import assert_close, numbers
from tests.mlxformer.observing import filled

WORDS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", *"abcdefghijklmnop"]
TEXTS = ["a b c", "d", "e f g h i j k l m", "a a", "p o n m l k"]
SIZES = {"vocab_size": len(WORDS), "hidden_size": 12, "num_hidden_layers": 2, "num_attention_heads": 3,
         "intermediate_size": 20, "max_position_embeddings": 16}  # fmt: skip


def write(path, values):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(values))


def make(folder, flags=None, steps=("Transformer", "Pooling"), settings=None, shared=None):
    model = filled(mf.BertModel(mf.BertConfig(**SIZES)))
    model.save_pretrained(folder)
    mf.BertTokenizer.from_vocabulary(WORDS).save_pretrained(folder)
    listed = []
    for place, kind in enumerate(steps):
        path = "" if kind == "Transformer" else f"{place}_{kind}"
        listed.append({"idx": place, "path": path, "type": f"sentence_transformers.models.{kind}"})
        if kind == "Pooling":
            write(folder / path / "config.json", flags or {"pooling_mode_mean_tokens": True})
        if kind == "Dense":
            layer = {"linear.weight": numbers(5, 12, seed=4), "linear.bias": numbers(5, seed=5)}
            config = {"in_features": 12, "out_features": 5, "bias": True,
                      "activation_function": "torch.nn.modules.activation.Tanh"}  # fmt: skip
            save_checkpoint(folder / path, json.dumps(config), layer)
    write(folder / "modules.json", listed)
    if settings:
        write(folder / "sentence_bert_config.json", settings)
    if shared:
        write(folder / "config_sentence_transformers.json", shared)
    return model


def steps(folder, *kinds):
    listed = [{"type": f"x.{kind}", "path": "1_Pooling" if kind == "Pooling" else ""} for kind in kinds]
    write(folder / "modules.json", listed)


def prompted(folder, **more):
    write(folder / "1_Pooling" / "config.json", {"pooling_mode_mean_tokens": True, **more})
    write(folder / "config_sentence_transformers.json", {"prompts": {"q": "cat "}, "default_prompt_name": "q"})


def states(model, text, limit=16):
    """[T, C]: what the network makes of one text, alone."""
    ids = [2, *[WORDS.index(word) for word in text.split()][: limit - 2], 3]
    return to_numpy(model(mx.array(np.array([ids], np.int32))).last_hidden_state)[0].astype(np.float64)


POOLINGS = {
    "pooling_mode_cls_token": lambda h: h[0],
    "pooling_mode_max_tokens": lambda h: h.max(0),
    "pooling_mode_mean_tokens": lambda h: h.mean(0),
    "pooling_mode_mean_sqrt_len_tokens": lambda h: h.sum(0) / np.sqrt(len(h)),
    "pooling_mode_weightedmean_tokens": lambda h: np.average(h, axis=0, weights=np.arange(1, len(h) + 1)),
    "pooling_mode_lasttoken": lambda h: h[-1],
}


@pytest.mark.parametrize("flags", [*[(flag,) for flag in POOLINGS], tuple(POOLINGS)], ids=len)
def test_poolings(flags, tmp_path):
    model = make(tmp_path, {flag: flag in flags for flag in POOLINGS})
    encoder = mf.SentenceEncoder.from_pretrained(tmp_path)
    wanted = [np.concatenate([POOLINGS[flag](states(model, text)) for flag in flags]) for text in TEXTS]
    for size in (1, 2, 32):
        assert_close(encoder.encode(TEXTS, batch_size=size), np.stack(wanted), 1e-5)
    one = encoder.encode(TEXTS[2])
    assert one.shape == (12 * len(flags),)
    assert_close(one, wanted[2], 1e-5)


def test_newer_spelling_of_the_pooling(tmp_path):
    model = make(tmp_path, {"embedding_dimension": 12, "pooling_mode": "cls"})
    found = mf.SentenceEncoder.from_pretrained(tmp_path).encode(TEXTS)
    assert_close(found, np.stack([states(model, text)[0] for text in TEXTS]), 1e-5)


def test_normalize_follows_the_folder_unless_told(tmp_path):
    model = make(tmp_path, steps=("Transformer", "Pooling", "Normalize"))
    encoder = mf.SentenceEncoder.from_pretrained(tmp_path)
    plain = np.stack([states(model, text).mean(0) for text in TEXTS])
    unit = plain / np.linalg.norm(plain, axis=1, keepdims=True)
    assert_close(encoder.encode(TEXTS), unit, 1e-5)
    assert_close(encoder.encode(TEXTS, normalize=False), plain, 1e-5)
    make(tmp_path / "without")
    without = mf.SentenceEncoder.from_pretrained(tmp_path / "without")
    assert_close(without.encode(TEXTS), plain, 1e-5)
    assert_close(without.encode(TEXTS, normalize=True), unit, 1e-5)
    assert encoder.encode(TEXTS).dtype == mx.float32


def test_dense_layers_small_letters_prompts_and_limits(tmp_path):
    model = make(
        tmp_path, steps=("Transformer", "Pooling", "Dense"),
        settings={"max_seq_length": 6, "do_lower_case": True},
        shared={"prompts": {"query": "a b "}, "default_prompt_name": "query"},
    )  # fmt: skip
    found = mf.SentenceEncoder.from_pretrained(tmp_path).encode(["C D", "E F G H"])
    for text, row in zip(("a b c d", "a b e f"), to_numpy(found), strict=True):
        wanted = np.tanh(states(model, text, 6).mean(0) @ numbers(5, 12, seed=4).T + numbers(5, seed=5))
        assert_close(row, wanted, 1e-5)


def test_a_network_alone_gives_the_mean(tmp_path):
    model = make(tmp_path)
    (tmp_path / "modules.json").unlink()
    found = mf.SentenceEncoder.from_pretrained(tmp_path).encode(TEXTS)
    assert_close(found, np.stack([states(model, text).mean(0) for text in TEXTS]), 1e-5)


ACTIVATIONS = {
    "sigmoid of one label": ({}, lambda z: 1 / (1 + np.exp(-z))),
    "older field": ({"sbert_ce_default_activation_function": "torch.nn.modules.linear.Identity"}, lambda z: z),
    "newer field": ({"sentence_transformers": {"activation_fn": "torch.nn.modules.activation.Tanh"}}, np.tanh),
}


@pytest.mark.parametrize("kind", ["bert", "roberta"])
@pytest.mark.parametrize("case", ACTIVATIONS)
def test_ranking(kind, case, tmp_path):
    fields, activation = ACTIVATIONS[case]
    labels = {"id2label": {0: "score"}}
    if kind == "bert":
        model = filled(mf.BertForSequenceClassification(mf.BertConfig(**SIZES, **labels)))
    else:
        model = filled(
            mf.RobertaForSequenceClassification(
                mf.RobertaConfig(**SIZES | {"type_vocab_size": 2, "pad_token_id": 0}, **labels)
            )
        )
    model.save_pretrained(tmp_path)
    mf.BertTokenizer.from_vocabulary(WORDS).save_pretrained(tmp_path)
    values = json.loads((tmp_path / "config.json").read_text())
    (tmp_path / "config.json").write_text(json.dumps(values | fields))
    ranker = mf.CrossEncoder.from_pretrained(tmp_path)
    wanted = []
    for text in TEXTS:
        query, words = [WORDS.index(w) for w in ["b", "c"]], [WORDS.index(w) for w in text.split()]
        ids, types = [2, *query, 3, *words, 3], [0] * 4 + [1] * (len(words) + 1)
        logit = model(mx.array(np.array([ids], np.int32)), token_type_ids=mx.array(np.array([types], np.int32))).logits
        wanted.append(activation(float(logit[0, 0])))
    ranked = ranker.rank("b c", TEXTS, batch_size=2)
    assert [index for index, _ in ranked] == np.argsort(-np.array(wanted)).tolist()
    np.testing.assert_allclose([score for _, score in ranked], sorted(wanted, reverse=True), atol=1e-5)


def test_roberta_classifiers_are_transformers(tmp_path):
    transformers = pytest.importorskip("transformers")
    from tests.mlxformer.models.hub import ours, redrawn, saved, torch_of

    config = transformers.RobertaConfig(**SIZES | {"pad_token_id": 0, "num_labels": 3})
    theirs = redrawn(transformers.RobertaForSequenceClassification(config))
    model = mf.RobertaForSequenceClassification.from_pretrained(saved(theirs, tmp_path))
    ids, labels = np.random.default_rng(0).integers(1, 20, (3, 8)), np.array([0, 2, 1])
    wanted = theirs(torch_of(ids), labels=torch_of(labels))
    found = model(ours(ids), labels=ours(labels))
    assert_close(found.logits, wanted.logits, 2e-5)
    assert_close(found.loss, wanted.loss, 2e-5)
    model.save_pretrained(tmp_path / "back")
    again = type(theirs).from_pretrained(tmp_path / "back").eval()
    assert_close(again(torch_of(ids)).logits, wanted.logits, 1e-6)


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (lambda f: write(f / "modules.json", {}), "sentence-modules"),
        (lambda f: write(f / "modules.json", [{"type": "x.Transformer"}]), "sentence-modules"),
        (lambda f: write(f / "modules.json", [{"type": "x.Pooling", "path": "../up"}]), "sentence-modules"),
        (lambda f: write(f / "modules.json", [{"type": "x.CNN", "path": ""}]), "sentence-module"),
        (lambda f: (f / "modules.json").write_text("{"), "json-broken"),
        (lambda f: write(f / "1_Pooling" / "config.json", {}), "sentence-pooling"),
        (lambda f: write(f / "1_Pooling" / "config.json", {"pooling_mode": "median"}), "sentence-pooling"),
        (lambda f: write(f / "1_Pooling" / "config.json", {"pooling_mode": 3}), "sentence-pooling"),
        (lambda f: write(f / "1_Pooling" / "config.json", {"pooling_mode": ["mean"] * 9}), "sentence-pooling"),
        (lambda f: steps(f), "sentence-order"),
        (lambda f: steps(f, "Pooling"), "sentence-order"),
        (
            lambda f: steps(f, "Transformer", "Pooling", "Normalize", "Dense"),
            "sentence-order",
        ),  # it would not be done last
        (lambda f: steps(f, "Transformer", "Normalize", "Pooling"), "sentence-order"),
        (lambda f: steps(f, "Transformer", "Pooling", "Pooling"), "sentence-order"),
        (lambda f: write(f / "modules.json", [{"type": "x.Pooling", "path": "a" * 5000}]), "sentence-modules"),
        (lambda f: write(f / "modules.json", [{"type": "x.Pooling", "path": "\ud800"}]), "sentence-modules"),
        (lambda f: prompted(f, include_prompt=False), "sentence-prompt"),
        (lambda f: write(f / "config.json", {"model_type": "mpnet"}), "model-type"),
        (lambda f: write(f / "config.json", {"model_type": ["bert"]}), "model-type"),
        (lambda f: (f / "1_Pooling" / "config.json").unlink(), "checkpoint-file-missing"),
    ],
)
def test_folders_that_are_refused(change, code, tmp_path):
    make(tmp_path)
    change(tmp_path)
    with pytest.raises(mf.CheckpointError) as error:
        mf.SentenceEncoder.from_pretrained(tmp_path)
    assert error.value.code == code


@pytest.mark.parametrize("sizes", [{"in_features": 10**9}, {"out_features": 10**9}, {"in_features": True},
                                   {"out_features": "5"}, {"in_features": 10**30}, {"in_features": None}])  # fmt: skip
def test_a_dense_step_of_other_sizes_is_refused_before_it_is_made(sizes, tmp_path):
    make(tmp_path, None, ("Transformer", "Pooling", "Dense"))
    path = tmp_path / "2_Dense" / "config.json"
    write(path, json.loads(path.read_text()) | sizes)
    with pytest.raises(mf.CheckpointError, match=r"those of linear.weight, \[5, 12\]; got") as error:
        mf.SentenceEncoder.from_pretrained(tmp_path)
    assert error.value.code == "sentence-dense"


def test_a_default_prompt_of_another_kind_is_none(tmp_path):
    make(tmp_path)
    plain = mf.SentenceEncoder.from_pretrained(tmp_path).encode("cat")
    for shared in ({"prompts": {"q": "cat "}, "default_prompt_name": ["q"]}, {"prompts": ["q"]}):
        write(tmp_path / "config_sentence_transformers.json", shared)
        assert mf.SentenceEncoder.from_pretrained(tmp_path).encode("cat").tolist() == plain.tolist()
    prompted(tmp_path)
    assert mf.SentenceEncoder.from_pretrained(tmp_path).encode("cat").tolist() != plain.tolist()


@pytest.mark.parametrize(
    ("call", "code"),
    [
        (lambda e: e.encode([]), "not-text"),
        (lambda e: e.encode(["a", 3]), "not-text"),
        (lambda e: e.encode(None), "not-text"),
        (lambda e: e.encode(["a"], batch_size=0), "not-positive"),
        (lambda e: e.encode(["a"], normalize="yes"), "unknown-choice"),
    ],
)
def test_texts_that_are_refused(call, code, tmp_path):
    make(tmp_path)
    with pytest.raises(mf.ArgumentError) as error:
        call(mf.SentenceEncoder.from_pretrained(tmp_path))
    assert error.value.code == code


def byte_level(folder, config):
    tokenizers = pytest.importorskip("tokenizers")
    made = tokenizers.Tokenizer(tokenizers.models.BPE())
    made.pre_tokenizer = tokenizers.pre_tokenizers.ByteLevel(add_prefix_space=False)
    made.decoder = tokenizers.decoders.ByteLevel()
    trainer = tokenizers.trainers.BpeTrainer(
        vocab_size=300,
        special_tokens=["<|endoftext|>"],
        initial_alphabet=tokenizers.pre_tokenizers.ByteLevel.alphabet(),
    )
    made.train_from_iterator(["the cat sat on the mat"] * 3, trainer)
    made.save(str(folder / "tokenizer.json"))
    write(folder / "tokenizer_config.json", config)
    return mf.Tokenizer.from_pretrained(folder)


def test_a_tokenizer_without_padding_pads_with_the_end(tmp_path):
    tokenizer = byte_level(tmp_path, {"eos_token": "<|endoftext|>", "bos_token": "<|endoftext|>"})
    batch = tokenizer(["the cat", "the cat sat on 猫"])
    assert set(batch) == {"input_ids", "attention_mask"} and tokenizer.eos_id == tokenizer.pad_id
    assert tokenizer.decode(batch["input_ids"]) == ["the cat", "the cat sat on 猫"]
    gpt = mf.GPT(mf.GPTConfig(tokenizer.vocab_size, dims=8, num_layers=1))
    assert gpt.generate(**batch, max_new_tokens=2).shape == (2, batch["input_ids"].shape[1] + 2)


def test_types_come_where_the_folder_asks_for_them(tmp_path):
    asked = byte_level(tmp_path, {"eos_token": "<|endoftext|>", "model_input_names": ["input_ids", "token_type_ids"]})
    assert "token_type_ids" in asked("the")
    make(tmp_path / "bert")
    assert "token_type_ids" in mf.Tokenizer.from_pretrained(tmp_path / "bert")("a")
    with pytest.raises(mf.ArgumentError, match="names no bos_token"):
        _ = mf.Tokenizer.from_pretrained(tmp_path / "bert").bos_id


@pytest.mark.parametrize("flags", [{"pooling_mode_cls_token": True, "pooling_mode_max_tokens": True},
                                   {"pooling_mode": ["max", "mean"]}], ids=str)  # fmt: skip
def test_an_encoder_saved_is_the_same_again(flags, tmp_path):
    steps = ("Transformer", "Pooling", "Normalize")
    make(tmp_path / "a", flags, steps, {"max_seq_length": 9}, {"prompts": {"q": "a "}, "default_prompt_name": "q"})
    encoder = mf.SentenceEncoder.from_pretrained(tmp_path / "a")
    encoder.save_pretrained(tmp_path / "b")
    again = mf.SentenceEncoder.from_pretrained(tmp_path / "b")
    assert repr(again) == repr(encoder)
    np.testing.assert_array_equal(to_numpy(again.encode(TEXTS)), to_numpy(encoder.encode(TEXTS)))


def test_dense_layers_are_saved_too(tmp_path):
    make(tmp_path / "a", None, ("Transformer", "Pooling", "Dense"))
    encoder = mf.SentenceEncoder.from_pretrained(tmp_path / "a")
    encoder.save_pretrained(tmp_path / "b")
    again = mf.SentenceEncoder.from_pretrained(tmp_path / "b")
    np.testing.assert_array_equal(to_numpy(again.encode(TEXTS)), to_numpy(encoder.encode(TEXTS)))


def test_a_ranker_saved_is_the_same_again(tmp_path):
    model = filled(mf.BertForSequenceClassification(mf.BertConfig(**SIZES, id2label={0: "relevance"})))
    tokenizer = mf.BertTokenizer.from_vocabulary(WORDS)
    ranker = mf.CrossEncoder(model, tokenizer, mx.tanh)
    ranker.save_pretrained(tmp_path)
    again = mf.CrossEncoder.from_pretrained(tmp_path)
    assert again.rank("a b", TEXTS) == ranker.rank("a b", TEXTS) and again.activation is mx.tanh
    with pytest.raises(mf.CheckpointError, match="has no name"):
        mf.CrossEncoder(model, tokenizer, lambda x: x * 2).save_pretrained(tmp_path)


def test_an_albert_body(tmp_path):
    model = filled(mf.AlbertModel(mf.AlbertConfig(**SIZES, embedding_size=6)))
    model.save_pretrained(tmp_path)
    mf.BertTokenizer.from_vocabulary(WORDS).save_pretrained(tmp_path)
    found = to_numpy(mf.SentenceEncoder.from_pretrained(tmp_path).encode(TEXTS))
    assert_close(found, np.stack([states(model, text).mean(0) for text in TEXTS]), 1e-5)


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_weights_that_are_no_numbers_are_said(value, tmp_path):
    make(tmp_path)
    encoder = mf.SentenceEncoder.from_pretrained(tmp_path)
    mf.BertForSequenceClassification.from_pretrained(tmp_path, num_labels=1).save_pretrained(tmp_path / "ranker")
    encoder.tokenizer.save_pretrained(tmp_path / "ranker")
    ranker = mf.CrossEncoder.from_pretrained(tmp_path / "ranker")
    for bert in (encoder.model, ranker.model.bert):
        norm = bert.encoder.layers[-1].feed_forward_norm
        norm.weight = norm.weight * value
    for call, what in ((lambda: encoder.encode(["cat"]), "vectors"), (lambda: ranker.rank("cat", ["cat"]), "logits")):
        with pytest.raises(mf.ArgumentError, match=rf"the {what}\[0, 0\] is ") as error:
            call()
        assert error.value.code == "not-finite"


@pytest.mark.parametrize(
    ("query", "texts", "says"), [(3, ["a"], "query must"), ("a", [], "texts must"), ("a", ["a", None], "texts must"),
                                 ("a", "b", "texts must")],
)  # fmt: skip
def test_a_ranking_names_what_it_cannot_rank(query, texts, says, tmp_path):
    make(tmp_path)
    mf.BertForSequenceClassification.from_pretrained(tmp_path, num_labels=1).save_pretrained(tmp_path)
    ranker = mf.CrossEncoder.from_pretrained(tmp_path)
    with pytest.raises(mf.ArgumentError, match=says):
        ranker.rank(query, texts)
    with pytest.raises(mf.ArgumentError, match="pairs must be"):
        ranker.predict(5)
