"""Marian's folders: what is read from which file, and what is said when something is wrong with one."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from mlxformer.backend import mx
from mlxformer.convert import convert
from mlxformer.errors import ArgumentError, CheckpointError
from mlxformer.models.marian.config import MarianConfig
from mlxformer.models.marian.generation import MarianGeneration
from mlxformer.models.marian.model import MarianModel
from mlxformer.positions import sinusoidal_positions
from tests.mlxformer.comparing import as_numpy, assert_bit_equal, assert_close

GOLDEN = Path(__file__).parents[2] / "golden"


@pytest.fixture(params=["marian-shared", "marian-separate"])
def folder(request, tmp_path):
    """A copy of a golden folder, to be changed."""
    return Path(shutil.copytree(GOLDEN / request.param, tmp_path / "model"))


def expected(folder):
    with np.load(folder / "expected.npz") as file:
        return dict(file)


def logits(folder):
    given = expected(folder)
    return MarianModel.from_pretrained(folder)(mx.array(given["source"]), mx.array(given["target"]))


def edit(path, **changes):
    values = json.loads(path.read_text())
    values |= changes
    path.write_text(json.dumps({name: value for name, value in values.items() if value != "remove"}))


def rewrite(folder, change):
    """The folder's tensors through ``change``, a function on a dict."""
    from safetensors.numpy import load_file, save_file

    tensors = load_file(folder / "model.safetensors")
    change(tensors)
    save_file(tensors, folder / "model.safetensors", metadata={"format": "pt"})


def refusal(folder):
    with pytest.raises(CheckpointError) as error:
        MarianModel.from_pretrained(folder)
    return error.value


# Tensors


def test_everything_is_loaded_and_reported(folder):
    model = MarianModel.from_pretrained(folder)
    assert not model.training
    assert model.load_report.loaded.count("final_logits_bias") == 1
    assert not (model.load_report.tied_copies or model.load_report.absent or model.load_report.constants)
    assert_close(logits(folder), expected(folder)["logits"])


def test_tied_copies_are_checked_and_left_out(folder):
    is_shared = json.loads((folder / "config.json").read_text())["share_encoder_decoder_embeddings"]
    original = "model.shared.weight" if is_shared else "model.decoder.embed_tokens.weight"
    copies = ["lm_head.weight"]
    if is_shared:
        copies += ["model.encoder.embed_tokens.weight", "model.decoder.embed_tokens.weight"]
    rewrite(folder, lambda tensors: tensors.update(dict.fromkeys(copies, tensors[original])))
    assert sorted(MarianModel.from_pretrained(folder).load_report.tied_copies) == sorted(copies)
    assert_close(logits(folder), expected(folder)["logits"])
    rewrite(folder, lambda tensors: tensors.update({"lm_head.weight": tensors[original] + 1}))
    error = refusal(folder)
    assert error.code == "checkpoint-mismatch" and error.fields["unequal"] == ["lm_head.weight"]


def test_a_copy_stands_in_for_an_original_that_is_not_stored(tmp_path):
    folder = Path(shutil.copytree(GOLDEN / "marian-shared", tmp_path / "model"))
    rewrite(folder, lambda tensors: tensors.update({"lm_head.weight": tensors.pop("model.shared.weight")}))
    assert_close(logits(folder), expected(folder)["logits"])


def test_names_without_their_prefix(folder):
    """As transformers' MarianModel, the network without its output matrix, is saved."""

    def strip(tensors):
        for name in list(tensors):
            tensors[name.removeprefix("model.")] = tensors.pop(name)

    rewrite(folder, strip)
    assert_close(logits(folder), expected(folder)["logits"])


def test_position_tables_are_checked_and_left_out(folder):
    table = as_numpy(sinusoidal_positions(20, 16, layout="halves"))
    names = [f"model.{stack}.embed_positions.weight" for stack in ("encoder", "decoder")]
    rewrite(folder, lambda tensors: tensors.update(dict.fromkeys(names, table)))
    assert sorted(MarianModel.from_pretrained(folder).load_report.constants) == sorted(names)
    assert_close(logits(folder), expected(folder)["logits"])
    rewrite(folder, lambda tensors: tensors.update({names[1]: table.astype(np.float16)}))
    assert len(MarianModel.from_pretrained(folder).load_report.constants) == 2
    for wrong in (as_numpy(sinusoidal_positions(20, 16)), table[:19], table + np.float32(1e-3)):
        rewrite(folder, lambda tensors, wrong=wrong: tensors.update({names[0]: wrong}))
        error = refusal(folder)
        assert error.code == "positions-differ" and error.fields["tensor"] == names[0]


def test_without_a_bias_on_the_logits(folder):
    given = expected(folder)
    bias = {}
    rewrite(folder, lambda tensors: bias.update(found=tensors.pop("final_logits_bias")))
    model = MarianModel.from_pretrained(folder)
    assert model.load_report.absent == ("final_logits_bias",) and "final_logits_bias" not in model
    assert_close(logits(folder), given["logits"] - bias["found"])


def test_the_bias_on_the_logits_is_not_trained(folder):
    model = MarianModel.from_pretrained(folder)
    assert "final_logits_bias" in model.parameters()
    assert "final_logits_bias" not in model.trainable_parameters()


def test_everything_that_does_not_fit_in_one_error(folder):
    def break_it(tensors):
        del tensors["model.encoder.layers.0.fc1.bias"]
        tensors["model.decoder.layers.1.fc2.bias"] = np.zeros(3, np.float32)
        tensors["model.decoder.layers.2.fc2.bias"] = np.zeros(16, np.float32)
        tensors["model.encoder.layers.1.fc1.bias"] = np.zeros(24, np.int32)

    rewrite(folder, break_it)
    error = refusal(folder)
    assert error.fields["missing"] == ["model.encoder.layers.0.fc1.bias"]
    assert error.fields["wrong_shape"] == ["model.decoder.layers.1.fc2.bias"]
    assert error.fields["unexpected"] == ["model.decoder.layers.2.fc2.bias"]
    assert error.fields["wrong_dtype"] == ["model.encoder.layers.1.fc1.bias"]


# Files


def test_a_folder_without_a_configuration(folder):
    (folder / "config.json").unlink()
    error = refusal(folder)
    assert error.code == "checkpoint-file-missing" and "config.json" in str(error)


def test_no_folder_and_nothing_in_the_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path))
    with pytest.raises(CheckpointError, match="hf download Helsinki-NLP/opus-mt-en-de"):
        MarianModel.from_pretrained("Helsinki-NLP/opus-mt-en-de")
    with pytest.raises(CheckpointError, match="there is no folder"):
        MarianModel.from_pretrained(tmp_path / "nowhere")


@pytest.mark.parametrize("kept", [0, 7, 100, -1])
def test_a_file_that_is_cut_off(folder, kept):
    content = (folder / "model.safetensors").read_bytes()
    (folder / "model.safetensors").write_bytes(content[:kept])
    assert "model.safetensors" in str(refusal(folder))


def test_a_pickle_is_not_opened_but_converted(folder):
    """The error names the command; what the command makes is read, tied copies and all."""
    (folder / "model.safetensors").rename(folder / "kept")
    (folder / "pytorch_model.bin").write_bytes(b"not even a pickle")
    error = refusal(folder)
    assert error.code == "checkpoint-pickle" and f"python -m mlxformer.convert {folder}" in str(error)

    torch = pytest.importorskip("torch", reason="pickles are made and converted by torch")
    from safetensors.torch import load_file

    tensors = load_file(folder / "kept")
    shared = tensors.get("model.shared.weight")
    if shared is not None:  # one storage under four names, as older versions of transformers saved it
        tensors |= {f"model.{stack}.embed_tokens.weight": shared for stack in ("encoder", "decoder")}
        tensors["lm_head.weight"] = shared
    for stack in ("encoder", "decoder"):
        table = torch.tensor(as_numpy(sinusoidal_positions(20, 16, layout="halves")))
        tensors[f"model.{stack}.embed_positions.weight"] = table
    torch.save(tensors, folder / "pytorch_model.bin")
    convert(folder)
    assert_close(logits(folder), expected(folder)["logits"])
    report = MarianModel.from_pretrained(folder).load_report
    assert len(report.tied_copies) == (3 if shared is not None else 0) and len(report.constants) == 2


# config.json


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"model_type": "bart"}, "model-type"),
        ({"normalize_before": True}, "not-implemented"),
        ({"static_position_embeddings": False}, "not-implemented"),
        ({"d_model": 18}, "dims-not-divisible"),
        ({"encoder_layers": 0}, "not-positive"),
        ({"encoder_layers": "2"}, "not-positive"),
        ({"activation_function": "swich"}, "unknown-activation"),
        ({"activation_function": ["relu"]}, "unknown-activation"),
        ({"dropout": 2}, "not-a-probability"),
        ({"pad_token_id": 30}, "id-out-of-range"),
        ({"eos_token_id": -1}, "id-out-of-range"),
        ({"decoder_start_token_id": "<pad>"}, "id-out-of-range"),
    ],
)
def test_configurations_that_cannot_be(folder, changes, code):
    edit(folder / "config.json", **changes)
    error = refusal(folder)
    assert error.code == code and str(folder / "config.json") in str(error)


def test_unknown_activations_name_the_nearest(folder):
    edit(folder / "config.json", activation_function="swich")
    assert "'swish'" in str(refusal(folder))


def test_fields_of_the_first_conversions_are_passed_over(folder):
    edit(
        folder / "config.json", normalize_before=False, add_final_layer_norm=False, static_position_embeddings=True,
        classif_dropout=0.0, id2label={"0": "LABEL_0"}, extra_pos_embeddings=2, num_hidden_layers=2,
    )  # fmt: skip
    assert_close(logits(folder), expected(folder)["logits"])


def test_separate_vocabularies_have_their_own_limits(tmp_path):
    model = MarianModel.from_pretrained(GOLDEN / "marian-separate")
    ids = {size: mx.array(np.array([[size - 1]], np.int32)) for size in (27, 28, 30, 31)}
    model(ids[30], ids[27])
    for source, target, words in ((31, 27, "source vocabulary has ids 0 to 29"), (30, 28, "target vocabulary.*26")):
        with pytest.raises(ArgumentError, match=words):
            model(ids[source], ids[target])


def test_sequences_longer_than_the_model_reads():
    model = MarianModel.from_pretrained(GOLDEN / "marian-shared")
    short, long = (mx.array(np.full((1, length), 3, np.int32)) for length in (20, 21))
    model(short, short)
    for source, target, name in ((long, short, "source_ids"), (short, long, "target_ids")):
        with pytest.raises(ArgumentError, match=f"{name} is 21 tokens long; this model reads at most 20"):
            model(source, target)
    with pytest.raises(ArgumentError, match="max_length=22"):
        model.generate(short, max_length=22)
    with pytest.raises(ArgumentError, match="input_ids is 21 tokens long"):
        model.generate(long, max_length=5)


# generation_config.json


def test_generation_config_goes_before_config(folder):
    """And where it is missing, config.json is read, in which older checkpoints have the same fields."""
    edit(folder / "config.json", num_beams=6, max_length=17, bad_words_ids=[[25]], length_penalty=0.5)
    edit(folder / "generation_config.json", num_beams=2, early_stopping=True)
    generation = MarianModel.from_pretrained(folder).generation
    assert (generation.num_beams, generation.early_stopping, generation.max_length) == (2, True, None)
    assert (generation.length_penalty, generation.bad_words_ids) == (1.0, ())
    (folder / "generation_config.json").unlink()
    generation = MarianModel.from_pretrained(folder).generation
    assert (generation.num_beams, generation.max_length, generation.length_penalty) == (6, 17, 0.5)
    assert generation.bad_words_ids == ((25,),) and generation.forced_eos_token_id == 0


def test_ids_missing_from_the_generation_config_come_from_config(folder):
    changes = dict.fromkeys(("decoder_start_token_id", "pad_token_id", "eos_token_id", "forced_eos_token_id"), "remove")
    edit(folder / "generation_config.json", **changes)
    generation = MarianModel.from_pretrained(folder).generation
    assert (generation.decoder_start_token_id, generation.pad_token_id, generation.eos_token_id) == (25, 25, (0,))
    assert generation.forced_eos_token_id is None


@pytest.mark.parametrize(
    ("given", "field", "value"),
    [
        ({"eos_token_id": [0, 4]}, "eos_token_id", (0, 4)),
        ({"forced_eos_token_id": [0]}, "forced_eos_token_id", 0),
        ({"max_new_tokens": 9}, "max_length", 10),
        ({"renormalize_logits": True}, "renormalize_logits", True),
        ({"encoder_repetition_penalty": 1.0, "do_sample": False, "diversity_penalty": 0.0}, "not_implemented", ()),
        ({"encoder_repetition_penalty": 1.2}, "not_implemented", (("encoder_repetition_penalty", 1.2),)),
        ({"repetition_penalty": 1.2}, "repetition_penalty", 1.2),
        ({"no_repeat_ngram_size": 3}, "no_repeat_ngram_size", 3),
        ({"min_length": 5}, "min_length", 5),
    ],
)
def test_fields_of_the_generation_config(folder, given, field, value):
    edit(folder / "generation_config.json", **given)
    assert getattr(MarianModel.from_pretrained(folder).generation, field) == value


def test_a_way_of_generating_that_is_not_implemented(folder):
    """The model is read and computes; to generate by other rules than it asks for would be to mislead."""
    edit(folder / "generation_config.json", diversity_penalty=0.5, do_sample=True)
    assert_close(logits(folder), expected(folder)["logits"])
    source = mx.array(expected(folder)["source"])
    with pytest.raises(ArgumentError, match=r"do_sample=True, diversity_penalty=0\.5") as error:
        MarianModel.from_pretrained(folder).generate(source, max_length=4)
    assert error.value.code == "generation-not-implemented"


@pytest.mark.parametrize(
    ("given", "code"),
    [
        ({"num_beams": 0}, "not-positive"),
        ({"max_length": -1}, "not-positive"),
        ({"early_stopping": "sometimes"}, "unknown-choice"),
        ({"bad_words_ids": [[]]}, "bad-words"),
        ({"bad_words_ids": [5]}, "bad-words"),
        ({"bad_words_ids": [[99]]}, "id-out-of-range"),
        ({"forced_eos_token_id": [0, 1]}, "not-implemented"),
        ({"decoder_start_token_id": 30}, "id-out-of-range"),
    ],
)
def test_generation_configs_that_cannot_be(folder, given, code):
    edit(folder / "generation_config.json", **given)
    error = refusal(folder)
    assert error.code == code and "generation_config.json" in str(error)


def test_a_new_model_searches_as_its_configuration_says():
    config = MarianConfig(
        vocab_size=12, d_model=8, encoder_layers=1, decoder_layers=1, encoder_attention_heads=2, encoder_ffn_dim=8,
        decoder_attention_heads=2, decoder_ffn_dim=8, pad_token_id=11, decoder_start_token_id=11,
    )  # fmt: skip
    model = MarianModel(config)
    assert model.generation == MarianGeneration(
        decoder_start_token_id=11, pad_token_id=11, eos_token_id=(0,), forced_eos_token_id=0
    )
    model.eval()
    found = as_numpy(model.generate(mx.array(np.array([[3, 4, 0]], np.int32)), max_length=5, num_beams=2))
    assert found[0, 0] == 11 and (found[0, 1:] != 11).sum() >= 1
    assert_bit_equal(
        found, as_numpy(model.generate(mx.array(np.array([[3, 4, 0]], np.int32)), max_length=5, num_beams=2))
    )
