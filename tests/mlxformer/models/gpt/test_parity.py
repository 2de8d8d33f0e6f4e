"""GPT beside transformers' GPT-2 and Llama: logits, cache, generation, folders there and back."""

from __future__ import annotations

import json

import numpy as np
import pytest

import mlxformer as mf
from mlxformer.backend import mx, to_numpy
from mlxformer.generation.plan import make_plan
from mlxformer.generation.rules import constrain
from mlxformer.generation.sampling import sampling_probabilities
from tests.mlxformer.comparing import assert_close
from tests.mlxformer.models.hub import ids, left_padded, ours, redrawn, saved, torch_of


@pytest.fixture(scope="module", autouse=True)
def library():
    """Imported here and not above: each worker collects, most run nothing of it."""
    global transformers
    transformers = pytest.importorskip("transformers")


# transformers fills up beams with the end token where the padding id is 0 (`pad or end`), so it is another here.
V, EOS, PAD = 23, 1, 22


def gpt2(**changes):
    settings = {
        "vocab_size": V, "n_positions": 40, "n_embd": 12, "n_layer": 2, "n_head": 3, "layer_norm_epsilon": 0.03,
        "eos_token_id": EOS, "bos_token_id": 2, "pad_token_id": PAD,
    }  # fmt: skip
    return transformers.GPT2LMHeadModel(transformers.GPT2Config(**settings | changes))


def llama(**changes):
    settings = {
        "vocab_size": V, "hidden_size": 12, "intermediate_size": 20, "num_hidden_layers": 2, "num_attention_heads": 6,
        "num_key_value_heads": 2, "rms_norm_eps": 0.03, "eos_token_id": EOS, "bos_token_id": 2, "pad_token_id": PAD,
        "max_position_embeddings": 64, "head_dim": 4,
    }  # fmt: skip
    return transformers.LlamaForCausalLM(transformers.LlamaConfig(**settings | changes))


LLAMA3 = {
    "rope_type": "llama3", "factor": 4.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0,
    "original_max_position_embeddings": 16,
}  # fmt: skip
MODELS = {
    "gpt2": gpt2,
    "gpt2-relu-inner-untied": lambda: gpt2(
        activation_function="relu", n_inner=17, tie_word_embeddings=False, layer_norm_epsilon=1e-5
    ),
    "gpt2-gelu": lambda: gpt2(activation_function="gelu"),
    "llama": llama,
    "llama-biased-tied-mha": lambda: llama(
        attention_bias=True, mlp_bias=True, tie_word_embeddings=True, num_key_value_heads=6, hidden_act="gelu"
    ),
    "llama-theta": lambda: llama(rope_parameters={"rope_type": "default", "rope_theta": 73.0}),
    "llama-linear": lambda: llama(rope_parameters={"rope_type": "linear", "factor": 3.0, "rope_theta": 100.0}),
    "llama3": lambda: llama(rope_parameters=LLAMA3 | {"rope_theta": 50.0}),
}


@pytest.fixture(params=MODELS, scope="module")
def pair(request, tmp_path_factory, library):
    """Theirs and ours; no test changes either."""
    theirs = redrawn(MODELS[request.param](), 0.6)
    return theirs, mf.GPT.from_pretrained(saved(theirs, tmp_path_factory.mktemp("theirs")))


def test_logits(pair):
    theirs, model = pair
    tokens = ids(3, 11, size=V)
    wanted = theirs(torch_of(tokens)).logits.detach().numpy()
    assert_close(model(ours(tokens)), wanted, 2e-5)
    mask = np.ones((3, 11), np.int32)
    mask[1, 7:] = 0
    padded = theirs(torch_of(tokens), attention_mask=torch_of(mask)).logits.detach().numpy()
    real = mask.astype(bool)
    assert_close(to_numpy(model(ours(tokens), ours(mask)))[real], padded[real], 2e-5)


def test_left_padding_changes_nothing(pair):
    _, model = pair
    tokens, mask = left_padded(4, 7, PAD, PAD)
    found = to_numpy(model(ours(tokens), ours(mask)))
    for row in range(4):
        alone = tokens[row, mask[row] == 1][None]
        assert_close(found[row, mask[row] == 1][None], to_numpy(model(ours(alone))), 1e-5)


def test_a_cache_changes_nothing(pair):
    _, model = pair
    tokens, mask = left_padded(3, 9, PAD, PAD)
    whole = to_numpy(model(ours(tokens), ours(mask)))
    cache, found = model.make_cache(), []
    for first, last in ((0, 4), (4, 5), (5, 9)):
        found.append(to_numpy(model(ours(tokens[:, first:last]), ours(mask[:, :last]), cache)))
    real = mask.astype(bool)
    assert_close(np.concatenate(found, axis=1)[real], whole[real], 1e-5)


OPTIONS = [
    {},
    {"repetition_penalty": 1.7},
    {"no_repeat_ngram_size": 2},
    {"min_length": 14},
    {"num_beams": 4},
    {"num_beams": 3, "length_penalty": 0.3, "early_stopping": True, "num_return_sequences": 3},
    {"num_beams": 3, "no_repeat_ngram_size": 3, "repetition_penalty": 1.3, "early_stopping": "never"},
    {"no_repeat_ngram_size": 1},
]


@pytest.mark.parametrize("options", OPTIONS, ids=str)
def test_generation_is_theirs_token_for_token(pair, options):
    theirs, model = pair
    tokens, mask = left_padded(4, 6, PAD, PAD)
    asked = {"max_new_tokens": 11} | options
    wanted = theirs.generate(
        torch_of(tokens), attention_mask=torch_of(mask), do_sample=False, return_dict_in_generate=True,
        output_scores=True, **asked,
    )  # fmt: skip
    found, scores = model.generate(ours(tokens), ours(mask), return_scores=True, **asked)
    assert to_numpy(found).tolist() == wanted.sequences.tolist()
    assert found.dtype == mx.int32
    if "num_beams" in options:
        np.testing.assert_allclose(to_numpy(scores), wanted.sequences_scores.numpy(), atol=2e-5)
    elif not options:
        steps = theirs.compute_transition_scores(wanted.sequences, wanted.scores, normalize_logits=True).numpy()
        for row, written in enumerate(to_numpy(found)[:, 6:].tolist()):
            last = written.index(EOS) + 1 if EOS in written else 11
            np.testing.assert_allclose(to_numpy(scores)[row], steps[row, :last].sum(), atol=2e-4)


DRAWS = [
    {"temperature": 0.7, "top_k": 6},
    {"temperature": 1.8, "top_p": 0.8, "repetition_penalty": 1.4},
    {"temperature": 0.6, "min_p": 0.05, "no_repeat_ngram_size": 2, "min_length": 12},
    {"temperature": 3.0, "top_k": 9, "top_p": 0.7, "min_p": 0.1, "repetition_penalty": 0.8},
]


@pytest.mark.parametrize("pair", ["gpt2", "llama3"], indirect=True, scope="module")
@pytest.mark.parametrize("options", DRAWS, ids=str)
def test_each_token_is_drawn_with_their_probabilities(pair, options):
    """Which token comes is chance; with what probability each could have come, at every step, is not."""
    import torch

    theirs, model = pair
    tokens, mask = left_padded(3, 6, PAD, PAD)
    torch.manual_seed(0)
    drawn = theirs.generate(
        torch_of(tokens), attention_mask=torch_of(mask), do_sample=True, max_new_tokens=8, return_dict_in_generate=True,
        output_scores=True, **({"top_k": 0} | options),
    )  # fmt: skip
    limits = {name: options[name] for name in ("temperature", "top_k", "top_p", "min_p") if name in options}
    plan = make_plan(model, model._prompt(ours(tokens), ours(mask), None), {"max_new_tokens": 8} | options)
    going = np.ones(3, bool)
    for step, scores in enumerate(drawn.scores):
        so_far, seen = drawn.sequences[:, : 6 + step].numpy(), np.pad(mask, ((0, 0), (0, step)), constant_values=1)
        logits = to_numpy(model(ours(so_far), ours(seen)))[:, -1]
        allowed = constrain(logits, np.where(seen, so_far, -1), plan.rules, plan.start)
        found = sampling_probabilities(allowed, mf.SamplingRules(**limits))
        wanted = torch.softmax(scores, -1).numpy()
        np.testing.assert_allclose(found[going], wanted[going], atol=1e-5)
        going = going & (drawn.sequences[:, 6 + step].numpy() != EOS)


def test_padding_on_the_right_gives_what_each_row_gives_alone(pair):
    _, model = pair
    tokens, mask = left_padded(4, 6, PAD, PAD)
    for options in ({}, {"num_beams": 3}, {"no_repeat_ngram_size": 1, "repetition_penalty": 1.4, "min_length": 9}):
        for row in range(4):
            alone = tokens[row, mask[row] == 1][None]
            wanted = to_numpy(model.generate(ours(alone), max_new_tokens=7, **options))[0, alone.shape[1] :]
            flipped = np.concatenate([alone, np.full((1, 6 - alone.shape[1]), PAD)], axis=1)
            both = np.concatenate([flipped, tokens[:1]])
            valid = np.concatenate([flipped != PAD, np.ones((1, 6), bool)])
            found = to_numpy(model.generate(ours(both), ours(valid), max_new_tokens=7, **options))
            assert found[0, :6].tolist() == flipped[0].tolist()
            assert found[0, 6 : 6 + len(wanted)].tolist() == wanted.tolist()


def test_streams_what_generate_writes(pair):
    _, model = pair
    tokens, mask = left_padded(3, 5, PAD, PAD)
    for options in ({}, {"temperature": 0.7, "seed": 4, "top_p": 0.9, "num_return_sequences": 2}):
        written = to_numpy(model.generate(ours(tokens), ours(mask), max_new_tokens=6, **options))
        streamed = [to_numpy(token) for token in model.stream(ours(tokens), ours(mask), max_new_tokens=6, **options)]
        assert np.stack(streamed, 1).tolist() == written[:, 5:].tolist()


def test_folders_go_back_to_transformers(pair, tmp_path):
    theirs, model = pair
    model.save_pretrained(tmp_path / "back")
    back = transformers.AutoModelForCausalLM.from_pretrained(tmp_path / "back").eval()
    tokens = ids(2, 9, size=V)
    assert_close(back(torch_of(tokens)).logits.detach().numpy(), theirs(torch_of(tokens)).logits.detach().numpy(), 1e-6)
    again = mf.GPT.from_pretrained(tmp_path / "back")
    assert to_numpy(again(ours(tokens))).tolist() == to_numpy(model(ours(tokens))).tolist()


@pytest.mark.parametrize(
    "fields",
    [
        {"rope_theta": 73.0},
        {"rope_theta": 100.0, "rope_scaling": {"type": "linear", "factor": 3.0}},
        {"rope_theta": 50.0, "rope_scaling": LLAMA3},
        {"rope_parameters": {"full_attention": {"rope_type": "default", "rope_theta": 73.0}}},
    ],
    ids=str,
)
def test_older_and_newer_fields_of_rotary_positions(fields, tmp_path):
    theirs = redrawn(llama(), 0.6)
    saved(theirs, tmp_path)
    values = json.loads((tmp_path / "config.json").read_text())
    values.pop("rope_parameters", None)
    (tmp_path / "config.json").write_text(json.dumps(values | fields))
    model = mf.GPT.from_pretrained(tmp_path)
    flat = fields.get("rope_parameters", {}).get("full_attention") or {
        "rope_type": "default", "rope_theta": fields["rope_theta"], **fields.get("rope_scaling", {})
    }  # fmt: skip
    flat["rope_type"] = flat.pop("type", flat["rope_type"])
    wanted = llama(rope_parameters=flat)
    wanted.load_state_dict(theirs.state_dict())
    tokens = ids(2, 30, size=V)
    assert_close(model(ours(tokens)), wanted.eval()(torch_of(tokens)).logits.detach().numpy(), 2e-5)
