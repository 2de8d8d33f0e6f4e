"""Reading one safetensors file: every type, against the format's own library and torch; every way to be broken."""

from __future__ import annotations

import json
import os
import struct

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.numpy import save, save_file

from mlxformer.checkpoints.safetensors import SafetensorsFile
from mlxformer.errors import CheckpointError
from tests.mlxformer.comparing import numbers


def written(tmp_path, header, data: bytes = b"", *, length: int | None = None):
    """A file with this header (an object, or raw bytes) and data."""
    raw = header if isinstance(header, bytes) else json.dumps(header).encode()
    path = tmp_path / "model.safetensors"
    path.write_bytes(struct.pack("<Q", len(raw) if length is None else length) + raw + data)
    return path


def entry(dtype="F32", shape=(2,), offsets=(0, 8)):
    return {"dtype": dtype, "shape": list(shape), "data_offsets": list(offsets)}


class TestReading:
    def test_every_type_that_numpy_has(self, tmp_path):
        arrays = {
            "f32": numbers(3, 5), "f16": numbers(4, 3).astype(np.float16), "i64": np.arange(-3, 3)[None],
            "i32": np.array([-(2**31), 7], np.int32), "u8": np.arange(7, dtype=np.uint8),
            "bool": np.array([True, False]),
            "scalar": np.array(2.5, np.float32), "empty": np.zeros((0, 4), np.float32),
        }  # fmt: skip
        save_file(arrays, tmp_path / "x.safetensors", {"format": "pt"})
        file = SafetensorsFile(tmp_path / "x.safetensors")
        assert file.metadata == {"format": "pt"} and set(file) == set(arrays) and len(file) == 8
        for name, array in arrays.items():
            values = file[name].read()
            assert values.shape == array.shape == file[name].shape
            np.testing.assert_array_equal(values, array)
            assert values.dtype == (np.float32 if array.dtype.kind == "f" else array.dtype)

    def test_bfloat16_exactly_as_torch_widens_it(self, tmp_path):
        torch = pytest.importorskip("torch", reason="torch writes bfloat16")
        from safetensors.torch import save_file as save_torch

        special = torch.tensor([0.0, -0.0, float("inf"), float("-inf"), float("nan"), 3.3895e38, 1e-45, -1.0])
        tensor = torch.cat([special, torch.randn(1001)]).bfloat16()
        save_torch({"w": tensor}, tmp_path / "x.safetensors")
        values = SafetensorsFile(tmp_path / "x.safetensors")["w"].read()
        assert values.dtype == np.float32
        np.testing.assert_array_equal(values.view(np.uint32), tensor.float().numpy().view(np.uint32))

    def test_bfloat16_by_hand(self, tmp_path):
        bits = np.array([0x3F80, 0xC040, 0x3DCD, 0x7F80], "<u2")  # 1, -3, 0.1 rounded, infinity
        path = written(tmp_path, {"w": entry("BF16", (2, 2), (0, 8))}, bits.tobytes())
        np.testing.assert_array_equal(SafetensorsFile(path)["w"].read(), np.float32([[1, -3], [0.10009765625, np.inf]]))

    def test_float32_is_the_mapped_file_itself(self, tmp_path):
        save_file({"w": numbers(64, 8)}, tmp_path / "x.safetensors")
        file = SafetensorsFile(tmp_path / "x.safetensors")
        values = file["w"].read()
        assert np.shares_memory(values, file["w"].read())
        assert not values.flags.writeable and not values.flags.owndata

    def test_data_at_an_odd_address_are_copied_and_right(self, tmp_path):
        array = numbers(2, 3)
        raw = json.dumps({"a": entry("U8", (1,), (0, 1)), "w": entry("F32", (2, 3), (1, 25))}).encode()
        raw += b" " * (-len(raw) % 8)
        values = SafetensorsFile(written(tmp_path, raw, b"\x07" + array.tobytes()))["w"].read()
        np.testing.assert_array_equal(values, array)
        assert values.flags.aligned

    def test_it_outlives_the_file_that_is_replaced(self, tmp_path):
        path, array = tmp_path / "x.safetensors", numbers(1000)
        save_file({"w": array}, path)
        values = SafetensorsFile(path)["w"].read()
        other = tmp_path / "y"
        other.write_bytes(b"short")
        os.replace(other, path)
        np.testing.assert_array_equal(values, array)

    @pytest.mark.parametrize("dtype", ["F64", "F8_E4M3", "C64"])
    def test_types_that_are_no_weights_are_refused_when_read(self, tmp_path, dtype):
        size = {"F64": 8, "F8_E4M3": 1, "C64": 8}[dtype]
        path = written(tmp_path, {"w": entry(dtype, (1,), (0, size))}, bytes(size))
        file = SafetensorsFile(path)
        with pytest.raises(CheckpointError, match=rf"tensor 'w' is stored as {dtype}.*F32, F16, BF16.*as float32"):
            file["w"].read()


BROKEN = {
    "not whole numbers": ({"w": entry(shape=(2.0,))}, bytes(8), "shape of tensor 'w' must be a list of"),
    "negative size": ({"w": entry(shape=(-2,))}, bytes(8), "shape of tensor 'w' must be a list of"),
    "boolean size": ({"w": entry(shape=(True, 2))}, bytes(8), "shape of tensor 'w' must be a list of"),
    "huge size": ({"w": entry(shape=(2**70,))}, bytes(8), "shape of tensor 'w' must be a list of"),
    "empty but huge": ({"w": entry(shape=(0, 2**59, 2**59), offsets=(0, 0))}, b"", "shape of tensor 'w'"),
    "rank 33": ({"w": entry(shape=(1,) * 33, offsets=(0, 4))}, bytes(4), "at most 32 whole numbers"),
    "shape and bytes": ({"w": entry(shape=(3,))}, bytes(8), r"F32 \[3\], takes 12 bytes, but data_offsets \[0, 8\]"),
    "falling offsets": ({"w": entry(offsets=(8, 0))}, bytes(8), "two whole numbers, rising"),
    "three offsets": ({"w": entry(offsets=(0, 4, 8))}, bytes(8), "two whole numbers, rising"),
    "unknown dtype": ({"w": entry("F33")}, bytes(8), "unknown dtype 'F33'; known: BOOL, U8"),
    "dtype no string": ({"w": entry(7)}, bytes(8), "dtype of tensor 'w' must be a string"),
    "missing field": ({"w": {"dtype": "F32", "shape": [2]}}, bytes(8), "must have dtype, shape and data_offsets"),
    "no object": ({"w": [1, 2]}, bytes(8), "must have dtype, shape and data_offsets"),
    "overlap": ({"a": entry(), "b": entry(offsets=(4, 12))}, bytes(12), "tensor 'b' overlaps 'a'"),
    "gap": ({"a": entry(), "b": entry(offsets=(12, 20))}, bytes(20), "'b' leaves a gap of 4 bytes after 'a'"),
    "gap at the start": ({"a": entry(offsets=(4, 12))}, bytes(12), "gap of 4 bytes after 'the header'"),
    "rest": ({"a": entry()}, bytes(11), "3 bytes at its end belong to no tensor"),
    "metadata": (
        {"__metadata__": {"format": 3}, "a": entry()},
        bytes(8),
        "__metadata__ in its header must map strings",
    ),
    "not JSON": (b"{nonsense", bytes(8), "its header is not JSON"),
    "not UTF-8": (b'{"\xff": 1}', bytes(8), "its header is not JSON"),
    "a list": (b"[1, 2]  ", b"", "a JSON list and not an object"),
    "twice": (b'{"w": 1, "w": 2}', b"", "its header is not JSON .the key 'w' stands twice"),
    "nested without end": (b"[" * 200_000, b"", "its header is not JSON"),
    "a number of a million digits": (b'{"w": ' + b"9" * 1_000_000 + b"}", b"", "its header is not JSON"),
}


class TestBrokenFiles:
    @pytest.mark.parametrize(("header", "data", "message"), BROKEN.values(), ids=BROKEN)
    def test_headers(self, tmp_path, header, data, message):
        path = written(tmp_path, header, data)
        with pytest.raises(CheckpointError, match=message) as caught:
            SafetensorsFile(path)
        assert str(path) in str(caught.value) and len(str(caught.value)) < 1000
        assert caught.value.code == "safetensors-broken"

    def test_truncated_anywhere(self, tmp_path):
        whole = save({"a": numbers(5), "b": numbers(2, 3)}, {"format": "pt"})
        path = tmp_path / "x.safetensors"
        for length in range(len(whole)):
            path.write_bytes(whole[:length])
            with pytest.raises(CheckpointError, match=r"cut off|8 bytes|takes more|header"):
                SafetensorsFile(path)

    def test_truncated_data_says_so(self, tmp_path):
        path = tmp_path / "x.safetensors"
        path.write_bytes(save({"a": numbers(5)})[:-1])
        with pytest.raises(CheckpointError, match=r"tensor 'a' ends at byte \d+ of a file of \d+: the file is cut off"):
            SafetensorsFile(path)

    def test_a_huge_header_is_not_read(self, tmp_path):
        path = written(tmp_path, b"{}", length=2**62)
        with pytest.raises(CheckpointError, match=f"claims {2**62} bytes; at most 16000000 are allowed"):
            SafetensorsFile(path)
        path = written(tmp_path, b"{}", length=1000)
        with pytest.raises(CheckpointError, match="claims 1000 bytes, the file has 10: it is cut off"):
            SafetensorsFile(path)

    def test_a_git_lfs_pointer(self, tmp_path):
        path = tmp_path / "model.safetensors"
        path.write_text("version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 90868376\n")
        with pytest.raises(CheckpointError, match=r"Git LFS pointer and not the weights.*git lfs pull"):
            SafetensorsFile(path)

    def test_no_file_and_no_permission(self, tmp_path):
        with pytest.raises(CheckpointError, match=r"absent.safetensors cannot be read: No such file"):
            SafetensorsFile(tmp_path / "absent.safetensors")
        with pytest.raises(CheckpointError, match="cannot be read: Is a directory"):
            SafetensorsFile(tmp_path)

    @settings(max_examples=300, deadline=None)
    @given(data=st.data())
    def test_a_damaged_byte_is_an_error_or_does_no_harm(self, data, tmp_path_factory):
        """Whatever one byte becomes, reading ends in ``CheckpointError`` or in tensors that lie inside the file."""
        whole = bytearray(save({"a": numbers(3), "b": numbers(2, 2).astype(np.float16)}))
        place = data.draw(st.integers(0, len(whole) - 21))
        whole[place] = data.draw(st.integers(0, 255))
        path = tmp_path_factory.mktemp("damaged") / "x.safetensors"
        path.write_bytes(whole)
        try:
            for tensor in SafetensorsFile(path).values():
                assert tensor.read().nbytes <= 2 * len(whole)
        except CheckpointError as error:
            assert str(path) in str(error)
