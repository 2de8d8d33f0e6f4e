"""Marian against transformers: logits, attention, the tokens of every search; golden, and live where torch is."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from mlxformer.attention import masks
from mlxformer.backend import mx, to_numpy, tree_flatten
from mlxformer.generation.rules import SearchRules
from mlxformer.models.marian.generation import MarianGeneration
from mlxformer.models.marian.model import MarianModel
from mlxformer.positions import SinusoidalPositions
from mlxformer.tracing import trace
from tests.mlxformer.comparing import assert_bit_equal, assert_close

GOLDEN = Path(__file__).parents[2] / "golden"
RANDOM = ("marian-shared", "marian-separate")
PAD = 22
SEARCHES = {
    **{
        f"beams={beams} length_penalty={penalty}": {"num_beams": beams, "length_penalty": penalty}
        for beams in (1, 4)
        for penalty in (0.6, 1.0, 2.0)
    },
    "defaults": {},
    "early_stopping=True": {"num_beams": 4, "early_stopping": True},
    "early_stopping=never": {"num_beams": 4, "early_stopping": "never"},
    "max_length=6": {"num_beams": 4, "max_length": 6},
    "renormalize_logits": {"num_beams": 4, "renormalize_logits": True},
    "bad_words_ids": {"num_beams": 4, "bad_words_ids": ((PAD,), (5, 6), (7,), (3, 3, 4))},
}


def golden(folder):
    with np.load(GOLDEN / folder / "expected.npz") as file:
        return MarianModel.from_pretrained(GOLDEN / folder), dict(file)


def found(model, source, **options):
    """``generate`` with options of the call and of the checkpoint's configuration."""
    fixed = {name: options.pop(name) for name in ("renormalize_logits", "bad_words_ids") if name in options}
    model.generation = replace(model.generation, **fixed)
    return to_numpy(model.generate(mx.array(source.astype(np.int32)), **options))


# Logits


@pytest.mark.parametrize("folder", RANDOM)
def test_logits_memory_and_cross_attention(folder):
    model, expected = golden(folder)
    source, target = mx.array(expected["source"]), mx.array(expected["target"])
    assert_close(model(source, target), expected["logits"])
    assert_close(model(source, target, masks.padding(source != 25)), expected["logits"])
    real = expected["source"] != 25
    assert_close(to_numpy(model.encode(source))[real], expected["memory"][real])
    with trace() as steps:
        assert_close(model(source, target), expected["logits"])
    for layer in range(2):
        assert_close(steps[f"decoder.layers.{layer}.cross_attention.weights"].value, expected[f"cross_{layer}"])


@pytest.mark.parametrize("folder", RANDOM)
def test_cached_decoding(folder):
    model, expected = golden(folder)
    source, target = mx.array(expected["source"]), mx.array(expected["target"])
    memory, mask, cache = model.encode(source), model.source_padding(source), model.decoder.make_cache()
    steps = [to_numpy(model.decode(target[:, t : t + 1], memory, mask, cache=cache)) for t in range(7)]
    assert_close(np.concatenate(steps, axis=1), expected["logits"])


# Logits, when something is wrong


def spoilers():
    """Every parameter neutral in turn, and mistakes that are easily made; each a name and a function of the model."""
    for path, _ in tree_flatten(MarianModel.from_pretrained(GOLDEN / "marian-shared").parameters()):
        yield path, lambda model, path=path: neutralize(model, path)
    for stack in ("encoder", "decoder"):
        yield f"{stack}: queries for keys", lambda model, stack=stack: swap(model, stack, "query_proj", "key_proj")
        yield f"{stack}: keys for values", lambda model, stack=stack: swap(model, stack, "key_proj", "value_proj")
        yield f"{stack}: eps", lambda model, stack=stack: other_eps(getattr(model, stack))
    yield "interleaved source positions", lambda model: other_positions(model, "source_positions")
    yield "interleaved target positions", lambda model: other_positions(model, "target_positions")
    yield "unscaled embeddings", lambda model: setattr(model, "embedding_scale", 1.0)
    yield "relu for swish", lambda model: setattr(model.encoder.layers[0].feed_forward, "_activate", relu)
    yield "no padding mask", lambda model: setattr(model, "pad_id", -1)


def neutralize(model, path):
    value = dict(tree_flatten(model.parameters()))[path]
    model.load_weights([(path, mx.zeros(value.shape) + float(path.endswith("norm.weight")))], strict=False)


def swap(model, stack, one, other):
    attention = getattr(model, stack).layers[0].self_attention
    first, second = attention[one], attention[other]
    setattr(attention, one, second)
    setattr(attention, other, first)


def other_eps(stack):
    stack.layers[0].self_attention_norm.eps = 1e-3


def other_positions(model, name):
    setattr(model, name, SinusoidalPositions(16, layout="interleaved"))


def relu(x):
    return mx.maximum(x, 0.0)


SPOILERS = dict(spoilers())


@pytest.mark.parametrize("name", SPOILERS)
def test_parity_fails_when_something_is_wrong(name):
    """But for a key's bias: it adds ``q · b`` to a whole row of scores, which softmax cannot feel."""
    model, expected = golden("marian-shared")
    SPOILERS[name](model)
    logits = to_numpy(model(mx.array(expected["source"]), mx.array(expected["target"])))
    error = np.abs(logits - expected["logits"]).max()
    limit = 1e-5 * max(1.0, np.abs(expected["logits"]).max())
    assert error <= limit if name.endswith("key_proj.bias") else error > 2 * limit


# Tokens


@pytest.mark.parametrize("name", SEARCHES)
def test_tokens_are_those_of_transformers(name):
    model, expected = golden("marian-reverse")
    tokens = found(model, expected["source"], **SEARCHES[name])
    assert tokens.dtype == np.int32
    assert tokens.tolist() == expected[name].tolist()


def test_the_golden_searches_are_worth_comparing_with():
    """Fifty different results that end by themselves, and searches that come to different ones."""
    _, expected = golden("marian-reverse")
    base = expected["beams=4 length_penalty=1.0"]
    assert len(base) == 50 and len({tuple(row) for row in base}) == 50
    assert len({int((row != PAD).sum()) for row in expected["source"]}) >= 8, "sources of many lengths"
    assert len(set((base == 0).argmax(axis=1))) >= 8, "results of many lengths"
    assert base.shape[1] < 20, "none was cut"
    for name in SEARCHES:
        if name != "beams=4 length_penalty=1.0":
            rows = {tuple(np.trim_zeros(np.where(row == PAD, 0, row), "b")) for row in expected[name]}
            same = {tuple(np.trim_zeros(np.where(row == PAD, 0, row), "b")) for row in base}
            assert len(rows - same) >= 8, f"{name} differs from plain beam search"
    for name in ("defaults", "beams=1 length_penalty=1.0"):
        assert (expected[name][:, 1:] != 1).all() and (expected[name][:, 0] == PAD).all()


@pytest.mark.parametrize("beams", [1, 4])
def test_tokens_without_a_cache_and_in_any_batch(beams):
    model, expected = golden("marian-reverse")
    source = expected["source"][:12]
    wanted = expected[f"beams={beams} length_penalty=1.0"][:12]
    options = {"num_beams": beams, "length_penalty": 1.0}

    def trimmed(rows):
        return [np.trim_zeros(np.where(row == PAD, 0, row), "b").tolist() for row in rows]

    assert trimmed(found(model, source, use_cache=False, **options)) == trimmed(wanted)
    assert trimmed(found(model, np.pad(source, ((0, 0), (0, 5)), constant_values=PAD), **options)) == trimmed(wanted)
    alone = [found(model, row[None, : int((row != PAD).sum())], **options)[0] for row in source]
    assert trimmed(alone) == trimmed(wanted)


def test_a_mask_stands_for_the_padding():
    model, expected = golden("marian-reverse")
    source = expected["source"][:8]
    mask = (source != PAD).astype(np.int32)
    hidden = np.where(mask, source, 9).astype(np.int32)  # some letter instead, masked
    tokens = to_numpy(model.generate(mx.array(hidden), mx.array(mask), num_beams=4, length_penalty=1.0))
    wanted = expected["beams=4 length_penalty=1.0"][:8, : tokens.shape[1]]
    assert tokens.tolist() == wanted.tolist()


def test_a_search_that_breaks_a_rule_finds_other_tokens():
    """The comparison above can fail: each rule of ours changed in turn."""
    model, expected = golden("marian-reverse")
    source = expected["source"]
    wanted = expected["beams=4 length_penalty=2.0"].tolist()
    options = {"num_beams": 4, "length_penalty": 2.0}
    assert found(model, source, **options).tolist() == wanted
    for spoiled in ({"num_beams": 3}, {"length_penalty": 1.9}, {"early_stopping": True}, {"max_length": 19}):
        assert found(model, source, **(options | spoiled)).tolist() != wanted, spoiled
    model.final_logits_bias = mx.zeros_like(model.final_logits_bias)
    assert found(model, source, **options).tolist() != wanted


def test_forced_end_only_at_the_maximum_length():
    model, expected = golden("marian-reverse")
    tokens = found(model, expected["source"], num_beams=1, max_length=6)
    full = tokens[tokens[:, -1] != PAD]
    assert len(full) > 20 and (full[:, -1] == 0).all()
    model.generation = replace(model.generation, forced_eos_token_id=None)
    free = found(model, expected["source"], num_beams=1, max_length=6)
    assert (free[:, -1] > 1).sum() > 20


# What the checkpoint says of searching


def test_generation_defaults_come_from_the_checkpoint_and_give_way_to_the_call():
    model, _ = golden("marian-reverse")
    assert model.generation == MarianGeneration(
        decoder_start_token_id=PAD, pad_token_id=PAD, eos_token_id=(0,), forced_eos_token_id=0,
        bad_words_ids=((PAD,), (1,)), max_length=20, num_beams=3, length_penalty=1.5,
    )  # fmt: skip
    rules = model.generation.rules(model.config, {"max_length": 7, "early_stopping": True})
    assert rules == SearchRules(
        start_id=PAD, pad_id=PAD, eos_ids=(0,), max_length=7, num_beams=3, length_penalty=1.5, early_stopping=True,
        bad_words=((PAD,), (1,)), forced_eos_id=0,
    )  # fmt: skip


def test_without_a_length_hugging_face_generates_twenty_tokens():
    model, _ = golden("marian-shared")
    assert model.generation.rules(model.config, {}).max_length == 20  # it reads 20 positions
    assert model.generation.rules(replace(model.config, max_position_embeddings=99), {}).max_length == 21


# Live


def transformers():
    pytest.importorskip("torch", reason="the live comparison needs torch")
    return pytest.importorskip("transformers", reason="the live comparison needs transformers")


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"share_encoder_decoder_embeddings": False, "decoder_vocab_size": 27},
        {"share_encoder_decoder_embeddings": False, "decoder_vocab_size": 27, "tie_word_embeddings": False},
        {"scale_embedding": False, "activation_function": "gelu", "d_model": 24, "encoder_layers": 1},
    ],
)
def test_logits_live(tmp_path, changes):
    transformers()
    import torch

    from tests.mlxformer.golden.make_marian import inputs, redraw, run, tiny

    torch.manual_seed(3)
    theirs = tiny(**changes)
    redraw(theirs)
    theirs.save_pretrained(tmp_path)
    model = MarianModel.from_pretrained(tmp_path)
    expected = run(theirs, *inputs(theirs, seed=4))
    source, target = (mx.array(expected[name].astype(np.int32)) for name in ("source", "target"))
    assert_close(model(source, target), expected["logits"])


@pytest.mark.parametrize("name", SEARCHES)
def test_tokens_live(name):
    """The golden checkpoint read by transformers now, on fifty other sources."""
    library = transformers()
    import torch

    from tests.mlxformer.golden.make_marian import batch

    theirs = library.MarianMTModel.from_pretrained(GOLDEN / "marian-reverse").eval()
    source, _ = batch(np.random.default_rng(11), 50)
    options = dict(SEARCHES[name])
    if "bad_words_ids" in options:
        options["bad_words_ids"] = [list(word) for word in options["bad_words_ids"]]
    with torch.no_grad():
        wanted = theirs.generate(source, attention_mask=source != PAD, **options).numpy()
    model = MarianModel.from_pretrained(GOLDEN / "marian-reverse")
    assert found(model, source.numpy(), **SEARCHES[name]).tolist() == wanted.tolist()


@pytest.mark.parametrize("options", [{}, {"num_beams": 3}], ids=str)
def test_a_decoder_prefix_live(options):
    """Targets that begin as they are told to; the start token is put before them by both."""
    library = transformers()
    import torch

    from tests.mlxformer.golden.make_marian import batch

    theirs = library.MarianMTModel.from_pretrained(GOLDEN / "marian-reverse").eval()
    source, target = batch(np.random.default_rng(12), 20)
    prefix = target[:, 1:3]
    with torch.no_grad():
        wanted = theirs.generate(
            source, attention_mask=source != PAD, decoder_input_ids=prefix, max_length=14, **options
        ).numpy()
    model = MarianModel.from_pretrained(GOLDEN / "marian-reverse")
    prefixed = mx.array(prefix.numpy().astype(np.int32))
    assert (
        found(model, source.numpy(), decoder_input_ids=prefixed, max_length=14, **options).tolist() == wanted.tolist()
    )


@pytest.mark.parametrize("folder", RANDOM)
def test_golden_values_are_what_transformers_computes(folder):
    library = transformers()
    from tests.mlxformer.golden.make_marian import run

    theirs = library.MarianMTModel.from_pretrained(GOLDEN / folder, attn_implementation="eager").eval()
    _, expected = golden(folder)
    made = run(theirs, expected["source"].astype(np.int64), expected["target"].astype(np.int64))
    assert made.keys() == expected.keys()
    for name, value in made.items():
        assert_close(expected[name].astype(np.float64), value.astype(np.float64), 1e-6)


@pytest.mark.parametrize("folder", RANDOM)
def test_saved_and_read_again_by_both(tmp_path, folder):
    model, expected = golden(folder)
    model.save_pretrained(tmp_path)
    source, target = mx.array(expected["source"]), mx.array(expected["target"])
    again = MarianModel.from_pretrained(tmp_path)
    assert (again.config, again.generation) == (model.config, model.generation)
    assert_bit_equal(again(source, target), model(source, target))
    model.save_pretrained(tmp_path / "half", dtype="float16")
    half = MarianModel.from_pretrained(tmp_path / "half")
    assert half.final_logits_bias.dtype == mx.float32
    assert_close(half(source, target), expected["logits"], 1e-2)

    library = transformers()
    from tests.mlxformer.golden.make_marian import run

    theirs, info = library.MarianMTModel.from_pretrained(
        tmp_path, output_loading_info=True, attn_implementation="eager"
    )
    # Position tables are made, not stored; everything else is there and nothing is left over.
    assert not [name for name in info["missing_keys"] if "embed_positions" not in name]
    assert not info["unexpected_keys"] and not info["mismatched_keys"]
    made = run(theirs.eval(), expected["source"].astype(np.int64), expected["target"].astype(np.int64))
    assert_close(made["logits"], expected["logits"], 1e-6)
    assert theirs.generation_config.forced_eos_token_id == model.generation.forced_eos_token_id
