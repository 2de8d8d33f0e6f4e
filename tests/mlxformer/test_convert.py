"""``python -m mlxformer.convert``: pickles become safetensors, and code in a pickle does not run."""

from __future__ import annotations

import json
import os
import pickle
import sys

import numpy as np
import pytest

from mlxformer.backend import mx
from mlxformer.convert import main
from mlxformer.models.bert.heads import BertForMaskedLM
from tests.mlxformer.comparing import assert_close
from tests.mlxformer.models.bert.reference import inputs, random_model, run


def test_a_pickled_bert_then_loads(tmp_path, capsys):
    torch = pytest.importorskip("torch", reason="torch writes and reads the pickle")
    pytest.importorskip("transformers", reason="the reference is transformers' BERT")
    reference = random_model("BertForMaskedLM")
    reference.config.save_pretrained(tmp_path)
    torch.save(reference.state_dict(), tmp_path / "pytorch_model.bin")  # tied copies share memory in it
    assert main([str(tmp_path)]) == 0
    assert capsys.readouterr().out == f"{tmp_path / 'model.safetensors'}\n"
    model = BertForMaskedLM.from_pretrained(tmp_path)
    given = {name: mx.array(values) for name, values in inputs().items()}
    assert_close(model(**given).logits, run(reference, inputs()).logits)
    assert len(model.load_report.tied_copies) == 2
    assert main([str(tmp_path)]) == 2
    assert "is there already; remove it first" in capsys.readouterr().err


def test_shards_and_types(tmp_path):
    torch = pytest.importorskip("torch", reason="torch writes and reads the pickles")
    from mlxformer.checkpoints.folder import open_checkpoint

    torch.save({"a": torch.arange(6.0).reshape(2, 3).T}, tmp_path / "pytorch_model-1.bin")
    torch.save({"b": torch.ones(2, dtype=torch.bfloat16)}, tmp_path / "pytorch_model-2.bin")
    placed = {"a": "pytorch_model-1.bin", "b": "pytorch_model-2.bin"}
    (tmp_path / "pytorch_model.bin.index.json").write_text(json.dumps({"weight_map": placed}))
    assert main([str(tmp_path)]) == 0
    tensors = open_checkpoint(tmp_path).tensors
    np.testing.assert_array_equal(tensors["a"].read(), np.arange(6.0).reshape(2, 3).T)
    assert tensors["b"].dtype == "BF16"


class Bomb:
    def __init__(self, target):
        self.target = target

    def __reduce__(self):
        return os.mkdir, (str(self.target),)


def test_code_in_a_pickle_does_not_run(tmp_path, capsys):
    torch = pytest.importorskip("torch", reason="torch reads the pickle")
    target = tmp_path / "exploded"
    for written in (torch.save, lambda value, path: path.write_bytes(pickle.dumps(value, protocol=2))):
        written({"w": Bomb(target)}, tmp_path / "pytorch_model.bin")
        assert main([str(tmp_path)]) == 2
        assert "cannot be read as a file of tensors" in capsys.readouterr().err
        assert not target.exists() and not (tmp_path / "model.safetensors").exists()


@pytest.mark.parametrize("content", [{"epoch": 3}, [1, 2]])
def test_what_is_no_state_dict(tmp_path, capsys, content):
    torch = pytest.importorskip("torch", reason="torch reads the pickle")
    torch.save(content, tmp_path / "pytorch_model.bin")
    assert main([str(tmp_path)]) == 2
    assert "and not a" in capsys.readouterr().err


def test_nothing_to_convert(tmp_path, capsys):
    pytest.importorskip("torch", reason="torch is looked for first")
    assert main([str(tmp_path)]) == 2
    assert "has neither pytorch_model.bin nor" in capsys.readouterr().err
    (tmp_path / "pytorch_model.bin.index.json").write_text('{"weight_map": {"a": "../x.bin"}}')
    assert main([str(tmp_path)]) == 2
    assert "names shards that are not beside it: ../x.bin" in capsys.readouterr().err
    assert main([str(tmp_path / "absent")]) == 2
    assert "there is no folder" in capsys.readouterr().err


def test_without_torch(tmp_path, capsys, monkeypatch):
    monkeypatch.setitem(sys.modules, "torch", None)
    (tmp_path / "pytorch_model.bin").write_bytes(b"")
    assert main([str(tmp_path)]) == 2
    assert "needs torch, which cannot be imported" in capsys.readouterr().err
