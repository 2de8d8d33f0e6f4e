"""Folders, shards and the local Hugging Face cache: what is found, and what each error says when it is not."""

from __future__ import annotations

import json
import os

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

from mlxformer.checkpoints.folder import find_folder, hub_cache, open_checkpoint, read_json, save_checkpoint
from mlxformer.errors import CheckpointError
from tests.mlxformer.comparing import numbers

COMMIT = "0123456789abcdef0123456789abcdef01234567"


def sharded(folder, shards, **index):
    """A folder of shards with its index, which ``index`` may spoil."""
    for name, tensors in shards.items():
        save_file(tensors, folder / name, {"format": "pt"})
    placed = {tensor: name for name, tensors in shards.items() for tensor in tensors}
    content = {"metadata": {}, "weight_map": placed} | index
    (folder / "model.safetensors.index.json").write_text(json.dumps(content))
    return folder


SHARDS = {
    "model-00001-of-00002.safetensors": {"a": numbers(2, 3), "b": numbers(4)},
    "model-00002-of-00002.safetensors": {"c": numbers(1).astype(np.float16)},
}


@pytest.fixture
def cache(tmp_path, monkeypatch):
    for variable in ("HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE", "HF_HOME", "XDG_CACHE_HOME"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setenv("HF_HOME", str(tmp_path / "hf"))
    return tmp_path / "hf" / "hub"


def cached(cache, name: str, commit: str = COMMIT, ref: str | None = "main"):
    repository = cache / f"models--{name.replace('/', '--')}"
    (repository / "snapshots" / commit).mkdir(parents=True)
    if ref:
        (repository / "refs").mkdir(exist_ok=True)
        (repository / "refs" / ref).write_text(commit)
    return repository / "snapshots" / commit


class TestFinding:
    def test_a_folder_is_itself(self, tmp_path, monkeypatch):
        assert find_folder(tmp_path) == tmp_path
        assert find_folder(str(tmp_path)) == tmp_path
        monkeypatch.setenv("HOME", str(tmp_path))
        (tmp_path / "bert").mkdir()
        assert find_folder("~/bert") == tmp_path / "bert"

    def test_a_name_in_the_cache(self, cache):
        snapshot = cached(cache, "google-bert/bert-base-uncased")
        assert find_folder("google-bert/bert-base-uncased") == snapshot
        older = cached(cache, "google-bert/bert-base-uncased", "f" * 40, ref="v1")
        assert find_folder("google-bert/bert-base-uncased", "v1") == older
        assert find_folder("google-bert/bert-base-uncased", "f" * 40) == older

    def test_where_huggingface_hub_looks(self, cache):
        hub = pytest.importorskip("huggingface_hub", reason="whose cache it is")
        repository = cache / "models--org--bert"
        (repository / "blobs").mkdir(parents=True)
        (repository / "blobs" / "abc").write_text("{}")
        (cached(cache, "org/bert") / "config.json").symlink_to("../../blobs/abc")
        theirs = hub.snapshot_download("org/bert", local_files_only=True, cache_dir=cache)
        assert str(find_folder("org/bert")) == theirs
        assert read_json(find_folder("org/bert") / "config.json") == {}

    def test_a_name_without_organization(self, cache):
        snapshot = cached(cache, "bert-tiny")
        assert find_folder("bert-tiny") == snapshot

    @pytest.mark.parametrize(
        ("variable", "below"),
        [
            ("HF_HUB_CACHE", ""),
            ("HUGGINGFACE_HUB_CACHE", ""),
            ("HF_HOME", "hub"),
            ("XDG_CACHE_HOME", "huggingface/hub"),
        ],
    )
    def test_where_the_cache_is(self, variable, below, tmp_path, monkeypatch):
        for other in ("HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE", "HF_HOME", "XDG_CACHE_HOME"):
            monkeypatch.delenv(other, raising=False)
        monkeypatch.setenv(variable, str(tmp_path))
        assert hub_cache() == tmp_path / below

    def test_the_cache_by_default(self, tmp_path, monkeypatch):
        for other in ("HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE", "HF_HOME", "XDG_CACHE_HOME"):
            monkeypatch.delenv(other, raising=False)
        monkeypatch.setenv("HOME", str(tmp_path))
        assert hub_cache() == tmp_path / ".cache/huggingface/hub"

    def test_not_cached_says_how_to_download(self, cache):
        with pytest.raises(CheckpointError, match=r"`hf download org/bert`.*or give a folder") as caught:
            find_folder("org/bert")
        assert caught.value.code == "checkpoint-not-cached" and str(cache) in str(caught.value)
        assert "nothing is fetched from the network" in str(caught.value)

    def test_another_revision_says_which_there_are(self, cache):
        cached(cache, "org/bert", ref=None)
        with pytest.raises(CheckpointError, match=rf"not its revision 'main'; there: {COMMIT}.*--revision main"):
            find_folder("org/bert")

    @pytest.mark.parametrize("given", ["./no-such", "/no/such/folder", "a/b/c", "../up", "x y", "a/..", ""])
    def test_what_cannot_be_a_name_is_a_missing_folder(self, given, cache, tmp_path, monkeypatch):
        monkeypatch.chdir(tmp_path)
        with pytest.raises(CheckpointError, match="there is no folder"):
            find_folder(given)

    def test_a_revision_cannot_leave_the_cache(self, cache):
        cached(cache, "org/bert")
        with pytest.raises(CheckpointError, match="not its revision"):
            find_folder("org/bert", "../../../../..")
        (cache / "models--org--bert" / "refs" / "odd").write_text(str(cache))
        with pytest.raises(CheckpointError, match="not its revision"):
            find_folder("org/bert", "odd")

    def test_a_file_is_no_folder(self, tmp_path):
        (tmp_path / "model.safetensors").write_bytes(b"")
        with pytest.raises(CheckpointError, match=r"is a file; give the folder that holds config.json"):
            find_folder(tmp_path / "model.safetensors")


class TestOpening:
    def test_one_file(self, tmp_path):
        save_file({"a": numbers(2, 3)}, tmp_path / "model.safetensors")
        checkpoint = open_checkpoint(tmp_path)
        assert list(checkpoint.tensors) == ["a"] and checkpoint.files == (tmp_path / "model.safetensors",)

    def test_shards(self, tmp_path):
        checkpoint = open_checkpoint(sharded(tmp_path, SHARDS))
        assert [file.name for file in checkpoint.files] == list(SHARDS)
        for tensors in SHARDS.values():
            for name, array in tensors.items():
                np.testing.assert_array_equal(checkpoint.tensors[name].read(), array.astype(np.float32))

    def test_one_file_goes_before_shards(self, tmp_path):
        save_file({"only": numbers(1)}, sharded(tmp_path, SHARDS) / "model.safetensors")
        assert list(open_checkpoint(tmp_path).tensors) == ["only"]

    def test_a_missing_shard(self, tmp_path):
        (sharded(tmp_path, SHARDS) / "model-00002-of-00002.safetensors").unlink()
        with pytest.raises(CheckpointError, match=r"1 of 2 shards are missing: model-00002-of-00002.safetensors"):
            open_checkpoint(tmp_path)

    def test_an_index_of_more_shards_than_can_be_named(self, tmp_path):
        sharded(tmp_path, SHARDS, weight_map={f"t{n}": f"{n:04}.safetensors" for n in range(5000)})
        with pytest.raises(CheckpointError, match=r"5000 of 5000 shards are missing: 0000\.safetensors, 0001") as error:
            open_checkpoint(tmp_path)
        assert len(str(error.value)) < 1000

    def test_half_a_character_in_a_shards_name(self, tmp_path):
        sharded(tmp_path, SHARDS, weight_map={"a": "\ud800.safetensors"})
        with pytest.raises(CheckpointError, match=r"shards are missing: \\ud800.safetensors"):
            open_checkpoint(tmp_path)

    @pytest.mark.parametrize("name", ["../outside.safetensors", "/etc/passwd", "sub/x.safetensors", "model.bin"])
    def test_a_shard_outside_the_folder(self, tmp_path, name):
        sharded(tmp_path, SHARDS, weight_map={"a": name})
        with pytest.raises(CheckpointError, match="is not the name of a safetensors file beside it"):
            open_checkpoint(tmp_path)

    def test_an_index_that_places_a_tensor_wrongly(self, tmp_path):
        first, second = SHARDS
        sharded(tmp_path, SHARDS, weight_map={"a": first, "b": first, "c": first, "d": second})
        with pytest.raises(CheckpointError, match=r"model-00001-of-00002.safetensors does not hold 'c' \(nor 1 others"):
            open_checkpoint(tmp_path)

    def test_a_tensor_in_two_shards(self, tmp_path):
        sharded(tmp_path, {"x.safetensors": {"a": numbers(2)}, "y.safetensors": {"a": numbers(2), "b": numbers(1)}},
                weight_map={"a": "x.safetensors", "b": "y.safetensors"})  # fmt: skip
        with pytest.raises(CheckpointError, match=r"x.safetensors and y.safetensors both hold 'a'"):
            open_checkpoint(tmp_path)

    @pytest.mark.parametrize("placed", [None, {}, [], {"a": 3}])
    def test_an_index_without_a_map(self, tmp_path, placed):
        sharded(tmp_path, SHARDS, weight_map=placed)
        with pytest.raises(CheckpointError, match="weight_map must map each tensor's name to a file"):
            open_checkpoint(tmp_path)

    @pytest.mark.parametrize("name", ["pytorch_model.bin", "pytorch_model.bin.index.json", "bert.pt", "last.ckpt"])
    def test_a_pickle_is_not_opened(self, tmp_path, name):
        class Bomb:
            def __reduce__(self):
                return os.mkdir, (str(tmp_path / "exploded"),)

        import pickle

        (tmp_path / name).write_bytes(pickle.dumps(Bomb()))
        with pytest.raises(CheckpointError, match=rf"python -m mlxformer.convert {tmp_path}") as caught:
            open_checkpoint(tmp_path)
        assert caught.value.code == "checkpoint-pickle" and name in str(caught.value)
        assert not (tmp_path / "exploded").exists()

    def test_other_formats_and_nothing(self, tmp_path):
        with pytest.raises(CheckpointError, match=r"neither model.safetensors nor .*It holds: nothing"):
            open_checkpoint(tmp_path)
        (tmp_path / "README.md").touch()
        with pytest.raises(CheckpointError, match=r"It holds: README.md"):
            open_checkpoint(tmp_path)
        (tmp_path / "tf_model.h5").touch()
        with pytest.raises(CheckpointError, match=r"but tf_model.h5. Save it from transformers"):
            open_checkpoint(tmp_path)


class TestJson:
    def test_errors(self, tmp_path):
        path = tmp_path / "config.json"
        with pytest.raises(CheckpointError, match=r"has no config.json; give a folder in Hugging Face's layout"):
            read_json(path)
        for content in (b"{", b"\xff\xfe", b"[" * 100_000):
            path.write_bytes(content)
            with pytest.raises(CheckpointError, match=r"config\.json is not JSON"):
                read_json(path)
        path.write_text("[1]")
        with pytest.raises(CheckpointError, match="holds a JSON list and not an object"):
            read_json(path)


class TestSaving:
    def test_float16(self, tmp_path):
        save_checkpoint(tmp_path / "new" / "folder", "{}\n", {"a": numbers(3).T}, "float16")
        stored = load_file(tmp_path / "new" / "folder" / "model.safetensors")
        np.testing.assert_array_equal(stored["a"], numbers(3).astype(np.float16))

    def test_arrays_that_are_not_contiguous(self, tmp_path):
        save_checkpoint(tmp_path, "{}\n", {"a": numbers(3, 4).T, "b": numbers(6)[::2]})
        stored = load_file(tmp_path / "model.safetensors")
        np.testing.assert_array_equal(stored["a"], numbers(3, 4).T)
        np.testing.assert_array_equal(stored["b"], numbers(6)[::2])

    def test_what_float16_cannot_hold(self, tmp_path):
        with pytest.raises(CheckpointError, match=r"a holds 70000; float16 ends at 65504. Save it as float32"):
            save_checkpoint(tmp_path, "{}", {"a": np.float32([70000, 1])}, "float16")
        assert not list(tmp_path.iterdir())

    def test_a_folder_that_cannot_be(self, tmp_path):
        (tmp_path / "file").touch()
        with pytest.raises(CheckpointError, match="cannot be written"):
            save_checkpoint(tmp_path / "file", "{}", {"a": numbers(1)})

    def test_another_dtype(self, tmp_path):
        with pytest.raises(ValueError, match="dtype must be one of 'float32', 'float16', 'bfloat16'; got 'int8'"):
            save_checkpoint(tmp_path, "{}", {"a": numbers(1)}, "int8")

    def test_no_part_file_stays(self, tmp_path):
        save_checkpoint(tmp_path, "{}", {"a": numbers(1)})
        save_checkpoint(tmp_path, "{}", {"a": numbers(1)})
        assert sorted(file.name for file in tmp_path.iterdir()) == ["config.json", "model.safetensors"]
