"""Folders of 16-bit and quantized weights: loaded as asked for, saved as they are, and what is no number found."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import mlxformer as mf
from mlxformer.backend import dtype_named, mx, nn, to_numpy, tree_flatten
from mlxformer.checkpoints.folder import open_checkpoint, save_checkpoint
from mlxformer.errors import ArgumentError, CheckpointError
from tests.mlxformer.models.test_half_precision import BERT, MODELS, SOURCE

HAS_BFLOAT16 = dtype_named("bfloat16") is not None
STORED = {"float32": "F32", "float16": "F16", "bfloat16": "BF16"}
FAMILIES: dict[str, Any] = {"bert": lambda: mf.BertForMaskedLM(BERT), "marian": MODELS["marian"][0]}


def dtypes(model: Any) -> set[str]:
    return {str(value.dtype).rpartition(".")[2] for _, value in tree_flatten(model.parameters())}


@pytest.mark.parametrize("dtype", [None, "auto", "float16", "bfloat16", "float32"])
@pytest.mark.parametrize("stored", STORED)
@pytest.mark.parametrize("family", FAMILIES)
def test_loaded_as_asked_for_and_saved_as_it_is(family: str, stored: str, dtype: str | None, tmp_path: Path) -> None:
    model = FAMILIES[family]()
    model.save_pretrained(tmp_path / "a", dtype=stored)
    assert {tensor.dtype for tensor in open_checkpoint(tmp_path / "a").tensors.values()} == {STORED[stored]}
    assert json.loads((tmp_path / "a" / "config.json").read_text())["dtype"] == stored
    found = type(model).from_pretrained(tmp_path / "a", dtype=dtype)
    wanted = {None: "float32", "auto": stored}.get(dtype, dtype)
    assert wanted is not None
    widened = wanted == "bfloat16" and not HAS_BFLOAT16
    assert dtypes(found) == {"float32" if widened else wanted}
    assert bool(found.load_report.widened) == widened
    assert ("bfloat16, which this backend has not" in str(found.load_report)) == widened
    unit = sum({"bfloat16": 2.0**-8, "float16": 2.0**-11}.get(each, 0.0) for each in (stored, wanted))
    for (path, was), (_, now) in zip(tree_flatten(model.parameters()), tree_flatten(found.parameters()), strict=True):
        error = np.abs(to_numpy(now).astype(np.float64) - to_numpy(was))
        assert (error <= unit * np.abs(to_numpy(was)) + 1e-7).all(), path
    found.save_pretrained(tmp_path / "b")
    kept = "float32" if widened else wanted
    assert {tensor.dtype for tensor in open_checkpoint(tmp_path / "b").tensors.values()} == {STORED[kept]}
    if kept == stored:  # bit for bit
        first, second = (open_checkpoint(tmp_path / side).tensors for side in "ab")
        for name in first:
            np.testing.assert_array_equal(first[name]._bytes, second[name]._bytes)


def test_transformers_reads_what_was_saved(tmp_path: Path) -> None:
    transformers = pytest.importorskip("transformers", reason="the live comparison")
    torch = pytest.importorskip("torch", reason="the live comparison")
    model = mf.BertModel(BERT)
    model.eval()
    for dtype in STORED:
        model.save_pretrained(tmp_path / dtype, dtype=dtype)
        theirs = transformers.BertModel.from_pretrained(tmp_path / dtype)
        assert theirs.dtype == getattr(torch, dtype)
        ours = mf.BertModel.from_pretrained(tmp_path / dtype)
        got = to_numpy(ours(mx.array(SOURCE)).last_hidden_state)
        with torch.no_grad():
            wanted = theirs.float()(torch.tensor(SOURCE)).last_hidden_state.numpy()
        np.testing.assert_allclose(got, wanted, atol=2e-5)


def test_float16_is_a_view_of_the_file(tmp_path: Path) -> None:
    if mf.backend.name != "numpy":
        pytest.skip("MLX copies a weight into memory of its own")
    mf.BertModel(BERT).save_pretrained(tmp_path, dtype="float16")
    for _, value in tree_flatten(mf.BertModel.from_pretrained(tmp_path, dtype="auto").parameters()):
        assert value._data.dtype == np.float16 and not value._data.flags.owndata


@pytest.mark.parametrize("wrong", ["half", "float64", "int8", 16, np.float16, mx.float16])
def test_another_dtype(wrong: Any, tmp_path: Path) -> None:
    mf.BertModel(BERT).save_pretrained(tmp_path)
    with pytest.raises(ArgumentError, match='dtype must be None, "auto", "float16", "bfloat16" or "float32"') as caught:
        mf.BertModel.from_pretrained(tmp_path, dtype=wrong)
    assert caught.value.code == "load-dtype"


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("wrong", [np.nan, np.inf])
def test_what_is_not_a_number_is_found_on_request(family: str, wrong: float, tmp_path: Path) -> None:
    model = FAMILIES[family]()
    model.save_pretrained(tmp_path)
    checkpoint = open_checkpoint(tmp_path)
    tensors = {name: np.array(tensor.read()) for name, tensor in checkpoint.tensors.items()}
    name = next(name for name in tensors if name.endswith((".q_proj.weight", ".query.weight")))
    tensors[name][1, 2] = wrong
    save_checkpoint(tmp_path, (tmp_path / "config.json").read_text(), tensors)
    type(model).from_pretrained(tmp_path)  # nothing is read that need not be
    with pytest.raises(CheckpointError) as caught:
        type(model).from_pretrained(tmp_path, check=True)
    assert f"not_finite: {name}[1, 2] is {wrong} (1 of" in str(caught.value)
    assert caught.value.fields["not_finite"] == [name]


def test_what_float16_cannot_hold(tmp_path: Path) -> None:
    model = mf.BertModel(BERT)
    model.pooler.dense.bias = model.pooler.dense.bias + 70000.0
    model.save_pretrained(tmp_path)
    with pytest.raises(CheckpointError, match=r"overflow: pooler\.dense\.bias holds 70000; float16 ends at 65504"):
        mf.BertModel.from_pretrained(tmp_path, dtype="float16")


@pytest.mark.skipif(mf.backend.name != "mlx", reason="NumPy quantizes nothing")
@pytest.mark.parametrize("bits", [4, 8])
def test_a_quantized_folder(bits: int, tmp_path: Path) -> None:
    sizes = {"hidden_size": 64, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 128}
    bert = mf.BertForMaskedLM(mf.BertConfig(vocab_size=64, **sizes))  # type: ignore[arg-type]
    both = {f"{side}_{name}": size for side in ("encoder", "decoder")
            for name, size in {"layers": 1, "ffn_dim": 64, "attention_heads": 2}.items()}  # fmt: skip
    ids = {"pad_token_id": 0, "decoder_start_token_id": 1, "eos_token_id": 2}
    marian = mf.MarianModel(mf.MarianConfig(vocab_size=64, d_model=64, **both, **ids))  # type: ignore[arg-type]
    for model, call in ((bert, MODELS["bert-masked"][1]), (marian, MODELS["marian"][1])):
        model.eval()
        nn.quantize(model, group_size=32, bits=bits)
        folder = tmp_path / type(model).__name__
        model.save_pretrained(folder)
        assert json.loads((folder / "config.json").read_text())["quantization"] == {
            "group_size": 32, "bits": bits, "mode": "affine"
        }  # fmt: skip
        again = type(model).from_pretrained(folder)
        found, wanted = call(again), call(model)
        found, wanted = (x.logits if hasattr(x, "logits") else x for x in (found, wanted))
        np.testing.assert_array_equal(to_numpy(found), to_numpy(wanted))


def test_a_quantized_folder_on_numpy_names_the_cure(tmp_path: Path) -> None:
    if mf.backend.name != "numpy":
        pytest.skip("an error of the NumPy backend")
    mf.BertModel(BERT).save_pretrained(tmp_path)
    values = json.loads((tmp_path / "config.json").read_text()) | {"quantization": {"group_size": 32, "bits": 4}}
    (tmp_path / "config.json").write_text(json.dumps(values))
    with pytest.raises(CheckpointError, match=r"holds quantized weights.*MLXFORMER_BACKEND=mlx") as caught:
        mf.BertModel.from_pretrained(tmp_path)
    assert caught.value.code == "checkpoint-quantised"
