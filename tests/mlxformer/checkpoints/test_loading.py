"""Checkpoint tensors into modules: what is taken, what is left, and the one error that says all that does not fit."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

from mlxformer import backend
from mlxformer.backend import mx, nn, to_numpy, tree_flatten
from mlxformer.checkpoints.loading import load_into
from mlxformer.checkpoints.safetensors import SafetensorsFile
from mlxformer.errors import CheckpointError
from mlxformer.models.bert.heads import BertForMaskedLM, BertForNextSentencePrediction, BertForSequenceClassification
from mlxformer.models.bert.model import BertModel
from tests.mlxformer.comparing import assert_bit_equal, assert_close, is_float32, numbers
from tests.mlxformer.models.bert.reference import inputs

GOLDEN = Path(__file__).parents[1] / "golden" / "bert"
ARRAYS = {name: mx.array(values) for name, values in inputs().items()}


@pytest.fixture(scope="module")
def tensors() -> dict[str, np.ndarray]:
    return load_file(GOLDEN / "model.safetensors")


def folder_of(tmp_path, tensors, **config) -> Path:
    save_file(tensors, tmp_path / "model.safetensors", {"format": "pt"})
    values = json.loads((GOLDEN / "config.json").read_text())
    (tmp_path / "config.json").write_text(json.dumps(values | config))
    return tmp_path


def hidden(model) -> np.ndarray:
    return to_numpy(model(**ARRAYS).last_hidden_state)


@pytest.fixture(scope="module")
def expected() -> np.ndarray:
    return hidden(BertModel.from_pretrained(GOLDEN))


class TestSpellings:
    """The same weights in every spelling that real checkpoints have."""

    def test_with_and_without_the_prefix(self, tensors, expected, tmp_path):
        bare = {name.removeprefix("bert."): x for name, x in tensors.items()}
        model = BertModel.from_pretrained(folder_of(tmp_path, bare))
        assert_bit_equal(hidden(model), expected)
        assert "embeddings.word_embeddings.weight" in model.load_report.loaded
        assert_bit_equal(hidden(BertForMaskedLM.from_pretrained(tmp_path)), expected)

    def test_gamma_and_beta(self, tensors, expected, tmp_path):
        old = {
            name.replace("LayerNorm.weight", "LayerNorm.gamma").replace("LayerNorm.bias", "LayerNorm.beta"): x
            for name, x in tensors.items()
        }
        model = BertForMaskedLM.from_pretrained(folder_of(tmp_path, old))
        assert_bit_equal(hidden(model), expected)
        assert "cls.predictions.transform.LayerNorm.gamma" in model.load_report.loaded

    @pytest.mark.parametrize("prefix", ["", "bert."])
    def test_position_ids(self, tensors, expected, tmp_path, prefix):
        positions = {f"{prefix}embeddings.position_ids": np.arange(16)[None]}
        model = BertModel.from_pretrained(folder_of(tmp_path, tensors | positions))
        assert_bit_equal(hidden(model), expected)
        assert model.load_report.constants == tuple(positions)

    def test_shards(self, tensors, expected, tmp_path):
        folder_of(tmp_path, tensors)
        (tmp_path / "model.safetensors").unlink()
        names = sorted(tensors)
        placed = {}
        for index in range(3):
            file = f"model-{index + 1:05}-of-00003.safetensors"
            save_file({name: tensors[name] for name in names[index::3]}, tmp_path / file)
            placed |= dict.fromkeys(names[index::3], file)
        (tmp_path / "model.safetensors.index.json").write_text(json.dumps({"weight_map": placed}))
        assert_bit_equal(hidden(BertModel.from_pretrained(tmp_path)), expected)

    def test_float16(self, tensors, expected, tmp_path):
        half = {name: x.astype(np.float16) for name, x in tensors.items()}
        model = BertModel.from_pretrained(folder_of(tmp_path, half))
        assert is_float32(*(value for _, value in tree_flatten(model.parameters())))
        rounded = {name: x.astype(np.float32) for name, x in half.items()}
        again = BertModel.from_pretrained(folder_of(tmp_path, rounded))
        assert_bit_equal(hidden(model), hidden(again))
        assert 0 < np.abs(hidden(model) - expected).max() < 0.05

    def test_bfloat16(self, tensors, tmp_path):
        torch = pytest.importorskip("torch", reason="torch writes bfloat16")
        from safetensors.torch import save_file as save_torch

        brain = {name: torch.tensor(x).bfloat16() for name, x in tensors.items()}
        rounded = BertModel.from_pretrained(folder_of(tmp_path, {name: x.float().numpy() for name, x in brain.items()}))
        wanted = hidden(rounded)
        save_torch(brain, tmp_path / "model.safetensors")
        model = BertModel.from_pretrained(tmp_path)
        assert_bit_equal(hidden(model), wanted)
        assert is_float32(*(value for _, value in tree_flatten(model.parameters())))


class TestPooler:
    def test_without_one_the_output_is_none(self, tensors, expected, tmp_path):
        bare = {name: x for name, x in tensors.items() if "pooler" not in name}
        model = BertModel.from_pretrained(folder_of(tmp_path, bare))
        out = model(**ARRAYS)
        assert out.pooler_output is None and model.load_report.absent == ("pooler",)
        assert_bit_equal(out.last_hidden_state, expected)
        model.save_pretrained(tmp_path / "again")
        assert BertModel.from_pretrained(tmp_path / "again")(**ARRAYS).pooler_output is None

    @pytest.mark.parametrize("cls", [BertForNextSentencePrediction, BertForSequenceClassification])
    def test_a_head_that_needs_it_does_not_make_it_up(self, cls, tensors, tmp_path):
        bare = {name: x for name, x in tensors.items() if "pooler" not in name}
        with pytest.raises(CheckpointError, match=r"missing: bert.pooler.dense.weight \[24, 24\]"):
            cls.from_pretrained(folder_of(tmp_path, bare))

    def test_half_a_pooler_is_missing_a_tensor(self, tensors, tmp_path):
        half = {name: x for name, x in tensors.items() if name != "bert.pooler.dense.bias"}
        with pytest.raises(CheckpointError, match=r"missing: bert.pooler.dense.bias \[24\]"):
            BertModel.from_pretrained(folder_of(tmp_path, half))


class TestTied:
    COPY = "cls.predictions.decoder.weight"
    WORDS = "bert.embeddings.word_embeddings.weight"

    def test_a_copy_is_checked_and_dropped(self, tensors, tmp_path):
        model = BertForMaskedLM.from_pretrained(folder_of(tmp_path, tensors))
        assert self.COPY in model.load_report.tied_copies
        assert "mlm_head.decoder.weight" not in dict(tree_flatten(model.parameters()))

    def test_a_copy_that_differs_is_an_error(self, tensors, tmp_path):
        other = tensors[self.COPY].copy()
        other[3, 3] += 1e-3
        with pytest.raises(CheckpointError, match=f"unequal: {self.COPY} is not equal to {self.WORDS}"):
            BertForMaskedLM.from_pretrained(folder_of(tmp_path, tensors | {self.COPY: other}))

    def test_a_copy_stands_in_for_an_original_that_was_not_saved(self, tensors, expected, tmp_path):
        only = {name: x for name, x in tensors.items() if name not in (self.WORDS, "cls.predictions.bias")}
        model = BertForMaskedLM.from_pretrained(folder_of(tmp_path, only))
        assert_bit_equal(hidden(model), expected)
        assert self.COPY in model.load_report.loaded and not model.load_report.tied_copies

    def test_untied_both_are_weights(self, tensors, tmp_path):
        other = tensors | {self.COPY: numbers(*tensors[self.COPY].shape)}
        model = BertForMaskedLM.from_pretrained(folder_of(tmp_path, other, tie_word_embeddings=False))
        np.testing.assert_array_equal(to_numpy(model.mlm_head.decoder.weight), other[self.COPY])
        assert model.load_report.unused == ("cls.predictions.bias",)

    def test_position_ids_that_are_not_a_range(self, tensors, tmp_path):
        shifted = {"bert.embeddings.position_ids": np.arange(2, 18)[None]}
        with pytest.raises(CheckpointError, match=r"unequal: bert.embeddings.position_ids does not hold what"):
            BertModel.from_pretrained(folder_of(tmp_path, tensors | shifted))


class TestWhatDoesNotFit:
    def test_everything_in_one_error(self, tensors, tmp_path):
        wrong = dict(tensors)
        del wrong["bert.encoder.layer.0.attention.self.query.weight"], wrong["cls.predictions.transform.dense.bias"]
        wrong["bert.encoder.layer.1.output.dense.weight"] = numbers(24, 41)
        wrong["bert.encoder.layer.2.output.dense.weight"] = numbers(24, 40)
        wrong["cls.predictions.extra"] = numbers(3)
        wrong["bert.pooler.dense.weight"] = np.zeros((24, 24), np.int32)
        wrong["bert.embeddings.position_ids"] = np.zeros((1, 16), int)
        with pytest.raises(CheckpointError) as caught:
            BertForMaskedLM.from_pretrained(folder_of(tmp_path, wrong))
        text = str(caught.value)
        assert "differ in 6 tensors" in text and str(tmp_path) in text and "BertForMaskedLM" in text
        for line in (
            "missing: bert.encoder.layer.0.attention.self.query.weight [24, 24], for the parameter "
            "bert.encoder.layers.0.self_attention.query_proj.weight",
            "missing: cls.predictions.transform.dense.bias [24], for the parameter mlm_head.dense.bias",
            "wrong_shape: bert.encoder.layer.1.output.dense.weight is [24, 41], the parameter "
            "bert.encoder.layers.1.feed_forward.down_proj.weight [24, 40]",
            "unexpected: bert.encoder.layer.2.output.dense.weight [24, 40] belongs to no part of it",
            "unexpected: cls.predictions.extra [3]",
            "unequal: bert.embeddings.position_ids",
        ):
            assert line in text, f"{line!r} not in:\n{text}"
        assert caught.value.fields["unexpected"] == [
            "bert.encoder.layer.2.output.dense.weight", "cls.predictions.extra"
        ]  # fmt: skip

    def test_integers_for_weights(self, tensors, tmp_path):
        wrong = tensors | {"bert.pooler.dense.weight": np.zeros((24, 24), np.int32)}
        with pytest.raises(
            CheckpointError, match=r"wrong_dtype: bert.pooler.dense.weight is I32, not F32, F16 or BF16"
        ):
            BertModel.from_pretrained(folder_of(tmp_path, wrong))

    def test_a_head_that_the_class_needs(self, tensors, tmp_path):
        bare = {name: x for name, x in tensors.items() if not name.startswith(("cls.", "classifier."))}
        folder_of(tmp_path, bare)
        with pytest.raises(CheckpointError, match=r"missing: cls.seq_relationship.weight \[2, 24\]"):
            BertForNextSentencePrediction.from_pretrained(tmp_path)
        with pytest.raises(CheckpointError, match=r"missing: classifier.weight \[4, 24\]"):
            BertForSequenceClassification.from_pretrained(tmp_path)
        with pytest.raises(CheckpointError, match="differ in 5 tensors"):
            BertForMaskedLM.from_pretrained(tmp_path)

    def test_another_number_of_labels(self, tensors, tmp_path):
        folder_of(tmp_path, tensors, id2label={"0": "no", "1": "yes"})
        with pytest.raises(
            CheckpointError, match=r"classifier.weight is \[4, 24\], the parameter classifier.weight \[2,"
        ):
            BertForSequenceClassification.from_pretrained(tmp_path)
        BertModel.from_pretrained(tmp_path)

    def test_one_tensor_under_two_names(self, tensors, tmp_path):
        twice = tensors | {"pooler.dense.bias": tensors["bert.pooler.dense.bias"]}
        with pytest.raises(CheckpointError, match=r"are the same tensor bert.pooler.dense.bias"):
            BertModel.from_pretrained(folder_of(tmp_path, twice))

    def test_another_model_altogether(self, tmp_path):
        with pytest.raises(CheckpointError, match=r"unexpected: h\.0\.mlp\.weight"):
            BertModel.from_pretrained(folder_of(tmp_path, {"h.0.mlp.weight": numbers(2, 2)}))


class TestMapping:
    def test_on_numpy_the_weights_are_the_file(self, tensors, tmp_path):
        if backend.name != "numpy":
            pytest.skip("MLX copies a weight into memory of its own")
        model = BertModel.from_pretrained(folder_of(tmp_path, tensors))
        for path, value in tree_flatten(model.parameters()):
            assert not np.array(value, copy=False).flags.owndata, path

    def test_saving_over_the_folder_it_was_loaded_from(self, tensors, expected, tmp_path):
        model = BertModel.from_pretrained(folder_of(tmp_path, tensors))
        model.save_pretrained(tmp_path)
        assert_bit_equal(hidden(model), expected)
        assert_bit_equal(hidden(BertModel.from_pretrained(tmp_path)), expected)

    def test_the_folder_may_go(self, tensors, expected, tmp_path):
        model = BertModel.from_pretrained(folder_of(tmp_path, tensors))
        shutil.rmtree(tmp_path)
        assert_bit_equal(hidden(model), expected)


class TestRoundTrip:
    @pytest.mark.parametrize("cls", [BertModel, BertForMaskedLM, BertForSequenceClassification])
    def test_every_parameter_comes_back_bit_for_bit(self, cls, tmp_path):
        model = cls.from_pretrained(GOLDEN)
        model.save_pretrained(tmp_path)
        again = cls.from_pretrained(tmp_path)
        assert again.config == model.config
        for (path, value), (same, other) in zip(
            tree_flatten(model.parameters()), tree_flatten(again.parameters()), strict=True
        ):
            assert path == same
            assert_bit_equal(other, value)
        assert not again.load_report.other_heads and not again.training

    def test_as_float16(self, expected, tmp_path):
        BertModel.from_pretrained(GOLDEN).save_pretrained(tmp_path, dtype="float16")
        assert {x.dtype for x in load_file(tmp_path / "model.safetensors").values()} == {np.dtype(np.float16)}
        assert_close(hidden(BertModel.from_pretrained(tmp_path)), expected, 0.01)


class TestAnyModule:
    """``load_into`` knows nothing of BERT."""

    def test_a_linear_layer(self, tmp_path):
        save_file({"w": numbers(3, 2), "b": numbers(3, seed=1), "old.head": numbers(1)}, tmp_path / "x.safetensors")
        layer = nn.Linear(2, 3)
        report = load_into(
            layer, SafetensorsFile(tmp_path / "x.safetensors"), {"weight": "w", "bias": "b"}, other_heads=["old."]
        )
        np.testing.assert_array_equal(to_numpy(layer.weight), numbers(3, 2))
        assert report.loaded == ("w", "b") and report.other_heads == ("old.head",)
        assert str(report) == "2 tensors loaded\n1 of other tasks' heads, left out: old.head"

    def test_names_that_are_not_the_modules(self, tmp_path):
        save_file({"w": numbers(3, 2)}, tmp_path / "x.safetensors")
        with pytest.raises(CheckpointError, match="and the module's parameters differ: bias, scale"):
            load_into(nn.Linear(2, 3), SafetensorsFile(tmp_path / "x.safetensors"), {"weight": "w", "scale": "s"})
