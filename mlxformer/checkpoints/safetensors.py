"""Reading one safetensors file: its header checked to the last byte, its tensors mapped and not copied.

A file is 8 bytes (the header's length N, little-endian), N bytes of JSON (name -> dtype, shape, data_offsets), and the
data, without a gap. The format's own reader has no NumPy type for bfloat16 and copies each tensor; this one maps the
file, so that a float32 weight is a view of the page cache and 16-bit weights are widened once.

Source: https://github.com/huggingface/safetensors, README, "Format".
"""

from __future__ import annotations

import math
import mmap
import os
import reprlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from mlxformer.checkpoints.reading import open_regular, parse_json, too_large
from mlxformer.errors import CheckpointError

# The format allows 100 MB of header. The largest models' files have one of a few: what is beyond these is no model.
MAX_HEADER_BYTES = 16_000_000
MAX_TENSORS = 100_000
_METADATA = "__metadata__"
_FLOATS = ("F32", "F16", "BF16")
_EXACT = {
    "BOOL": np.dtype("?"), "U8": np.dtype("u1"), "I8": np.dtype("i1"), "U16": np.dtype("<u2"), "I16": np.dtype("<i2"),
    "U32": np.dtype("<u4"), "I32": np.dtype("<i4"), "U64": np.dtype("<u8"), "I64": np.dtype("<i8"),
}  # fmt: skip
# Widths in bits of the types that a file may hold. F64, complex and 8-bit floats are sized, and refused when read.
_BITS = {name: dtype.itemsize * 8 for name, dtype in _EXACT.items()} | {
    "F64": 64, "F32": 32, "F16": 16, "BF16": 16, "F8_E4M3": 8, "F8_E5M2": 8, "F8_E8M0": 8, "C64": 64,
}  # fmt: skip


@dataclass(frozen=True)
class StoredTensor:
    """A tensor that lies in a file; ``read()`` gives its values.

    Args:
        name: in the file.
        dtype: as stored, by the format's names: ``"F32"``, ``"BF16"``, ``"I64"`` and so on.
        shape: as stored.
        path: of the file.

    >>> import numpy as np
    >>> from pathlib import Path
    >>> from mlxformer.checkpoints.safetensors import StoredTensor
    >>> StoredTensor("bias", "F32", (2,), Path("x"), np.array([1, 2], np.float32).view(np.uint8)).read().tolist()
    [1.0, 2.0]
    """

    name: str
    dtype: str
    shape: tuple[int, ...]
    path: Path
    _bytes: np.ndarray = field(repr=False)

    @property
    def is_floating(self) -> bool:
        """Whether ``read`` gives float32."""
        return self.dtype in _FLOATS

    def read(self, wide: bool = True) -> np.ndarray:
        """The values: F32, F16 and BF16 as float32, integers and booleans as they are.

        Float32 is a view of the mapped file (copied only where the file holds it at an odd address); the 16-bit types
        are widened, which is exact.

        Args:
            wide: False gives F16 as float16, a view too.

        Returns:
            An array of the stored shape, read-only.

        Raises:
            CheckpointError: any other type.
        """
        if self.dtype == "BF16":  # the upper half of a float32
            bits = np.left_shift(self._bytes.view("<u2"), np.uint32(16), dtype=np.uint32)
            values = bits.view(np.float32)
        elif self.dtype == "F16":
            halves = np.require(self._bytes.view("<f2"), np.float16, "A")
            values = halves.astype(np.float32) if wide else halves
        elif self.dtype == "F32":
            values = np.require(self._bytes.view("<f4"), np.float32, "A")
        elif self.dtype in _EXACT:
            values = self._bytes.view(_EXACT[self.dtype])
        else:
            raise CheckpointError(
                "tensor-dtype",
                f"{self.path}: tensor {self.name!r} is stored as {self.dtype}; weights are read from "
                f"{', '.join(_FLOATS)}. Save it again as float32",
                path=str(self.path),
                tensor=self.name,
                dtype=self.dtype,
            )
        values = values.reshape(self.shape)
        values.flags.writeable = False
        return values


class SafetensorsFile(Mapping[str, StoredTensor]):
    """The tensors of one file, by name. ``metadata`` holds the file's own strings.

    The mapping stays valid while a tensor of it lives, even if the file is replaced meanwhile.

    Args:
        path: of the file.

    Raises:
        CheckpointError: the file cannot be read, is cut off, or its header does not account for every byte exactly
            once.

    Source: https://github.com/huggingface/safetensors, README, "Format".

    >>> import tempfile
    >>> import numpy as np
    >>> from pathlib import Path
    >>> from safetensors.numpy import save_file
    >>> from mlxformer.checkpoints.safetensors import SafetensorsFile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     save_file({"bias": np.zeros(3, np.float32)}, Path(folder) / "model.safetensors")
    ...     {name: tensor.shape for name, tensor in SafetensorsFile(Path(folder) / "model.safetensors").items()}
    {'bias': (3,)}
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = Path(path)
        data = _mapped(self.path)
        header, begin = _header(self.path, data)
        self.metadata = _metadata(self.path, header.pop(_METADATA, None))
        self._tensors = {name: self._tensor(name, entry, data, begin) for name, entry in header.items()}
        self._require_no_gap({name: entry["data_offsets"] for name, entry in header.items()}, data.size - begin)

    def __repr__(self) -> str:
        return f"SafetensorsFile({self.path}: {len(self)} tensors)"

    def __getitem__(self, name: str) -> StoredTensor:
        return self._tensors[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._tensors)

    def __len__(self) -> int:
        return len(self._tensors)

    def _tensor(self, name: str, entry: Any, data: np.ndarray, begin: int) -> StoredTensor:
        dtype, shape, (first, last) = _entry(self.path, name, entry)
        if dtype not in _BITS:
            raise _broken(self.path, f"tensor {name!r} has the unknown dtype {dtype!r}; known: {', '.join(_BITS)}")
        wanted = math.prod(shape) * _BITS[dtype] // 8
        if last - first != wanted:
            raise _broken(
                self.path,
                f"tensor {name!r}, {dtype} {list(shape)}, takes {wanted} bytes, but data_offsets [{first}, {last}] "
                f"span {last - first}",
            )
        if begin + last > data.size:
            raise _broken(
                self.path,
                f"tensor {name!r} ends at byte {begin + last} of a file of {data.size}: the file is cut off. "
                f"Download or copy it again",
            )
        return StoredTensor(name, dtype, shape, self.path, data[begin + first : begin + last])

    def _require_no_gap(self, offsets: dict[str, list[int]], size: int) -> None:
        """The tensors lie end to end: an overlap or a gap means that the header is not this file's."""
        end, before = 0, "the header"
        for name, (first, last) in sorted(offsets.items(), key=lambda item: tuple(item[1])):
            if first != end:
                what = "overlaps" if first < end else f"leaves a gap of {first - end} bytes after"
                raise _broken(self.path, f"tensor {name!r} {what} {before!r}")
            end, before = last, name
        if end != size:
            raise _broken(self.path, f"{size - end} bytes at its end belong to no tensor")


def _mapped(path: Path) -> np.ndarray:
    """The file as read-only bytes, mapped."""
    try:
        with open_regular(path) as file:
            size = os.fstat(file.fileno()).st_size
            if size < 8:
                raise _broken(path, f"it has {size} bytes, and a header alone takes more. Download or copy it again")
            return np.frombuffer(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ), np.uint8)
    except OSError as error:
        message = f"{path} cannot be read: {error.strerror or error}"
        raise CheckpointError("checkpoint-unreadable", message, path=str(path)) from error


def _header(path: Path, data: np.ndarray) -> tuple[dict[str, Any], int]:
    """The header's JSON object, and the byte at which the data begin."""
    if data[:24].tobytes() == b"version https://git-lfs.":
        raise _broken(path, "it is a Git LFS pointer and not the weights. Fetch them with `git lfs pull`")
    length = int.from_bytes(data[:8].tobytes(), "little")
    if length > MAX_HEADER_BYTES:
        raise _broken(path, f"its header claims {length} bytes; at most {MAX_HEADER_BYTES} are allowed")
    if 8 + length > data.size:
        raise _broken(
            path,
            f"its header claims {length} bytes, the file has {data.size}: it is cut off. Download or copy it again",
        )
    try:
        header = parse_json(
            path, data[8 : 8 + length].tobytes(), 16 * MAX_TENSORS, object_pairs_hook=_without_duplicates
        )
    except CheckpointError:
        raise
    except (ValueError, RecursionError) as error:  # bad UTF-8 and bad JSON are ValueErrors
        raise _broken(path, f"its header is not JSON ({error})") from error
    if isinstance(header, dict) and len(header) > MAX_TENSORS:
        raise too_large(path, f"its header names {len(header):,} tensors; at most {MAX_TENSORS:,} are read")
    if not isinstance(header, dict):
        raise _broken(path, f"its header is a JSON {type(header).__name__} and not an object")
    return header, 8 + length


def _without_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made: dict[str, Any] = {}
    for name, value in pairs:
        if name in made:
            raise ValueError(f"the key {name!r} stands twice")
        made[name] = value
    return made


def _metadata(path: Path, metadata: Any) -> dict[str, str]:
    if metadata is None:
        return {}
    if not isinstance(metadata, dict) or not all(isinstance(value, str) for value in metadata.values()):
        raise _broken(path, f"{_METADATA} in its header must map strings to strings")
    return metadata


def _entry(path: Path, name: str, entry: Any) -> tuple[str, tuple[int, ...], tuple[int, int]]:
    def refused(what: str) -> CheckpointError:
        shown = reprlib.repr(entry)  # a damaged header may hold anything, of any length
        return _broken(path, f"{what}; got {shown}")

    if not isinstance(entry, dict) or entry.keys() != {"dtype", "shape", "data_offsets"}:
        raise refused(f"tensor {name!r} must have dtype, shape and data_offsets, and nothing else")
    dtype, shape, offsets = entry["dtype"], entry["shape"], entry["data_offsets"]
    if not isinstance(dtype, str):
        raise refused(f"the dtype of tensor {name!r} must be a string")
    # NumPy's limits on rank and size also hold where an axis of length 0 makes the tensor empty.
    if not _are_sizes(shape) or len(shape) > 32 or math.prod(size or 1 for size in shape) >= 2**60:
        raise refused(f"the shape of tensor {name!r} must be a list of at most 32 whole numbers")
    if not _are_sizes(offsets) or len(offsets) != 2 or offsets[0] > offsets[1]:
        raise refused(f"data_offsets of tensor {name!r} must be two whole numbers, rising")
    return dtype, tuple(shape), (offsets[0], offsets[1])


def _are_sizes(values: Any) -> bool:
    return isinstance(values, list) and all(type(value) is int and 0 <= value < 2**60 for value in values)


def _broken(path: Path, what: str) -> CheckpointError:
    message = f"{path} is not a whole safetensors file: {what}"
    return CheckpointError("safetensors-broken", message, path=str(path), what=what)
