"""Values between the judge and the process that runs a person's code: JSON for what they are, bytes for the numbers.

Nothing is unpickled: what comes from that process is only ever read as numbers, texts and lists of them.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from tui.judge.contract import Earlier

LARGEST = 32 << 20  # bytes of one array
MOST = 100_000  # elements of lists, all together
DEEPEST = 12
_HEAD = struct.Struct(">QQ")
HEAD_SIZE = _HEAD.size


@dataclass(frozen=True)
class Array:
    """An array as it came: whose it is (``numpy``, ``torch``, ``mlx``), its dtype's name there, and its numbers."""

    framework: str
    dtype: str
    values: np.ndarray
    scalar: bool = False  # a NumPy scalar, which is of a dtype but no array


@dataclass(frozen=True)
class Foreign:
    """What is neither numbers, texts nor lists of them: its type's name."""

    kind: str


Take = Callable[[Any], Array | None]


def _none(value: Any) -> Array | None:
    return None


class Writer:
    """Values to JSON and one run of bytes. ``take`` tells a framework's array from other things."""

    def __init__(self, take: Take = _none) -> None:
        self.take = take
        self.blob = bytearray()
        self.count = 0

    def write(self, value: Any, depth: int = 0) -> Any:
        self.count += 1
        if self.count > MOST or depth > DEEPEST:
            return ["o", "too many values"]
        if value is None or type(value) in (bool, str):
            return value if type(value) is not str else value[:100_000]
        if type(value) is int:
            return ["i", str(value)] if abs(value) < 10**300 else ["o", "int"]
        if type(value) is float:
            return ["f", value.hex()]
        if isinstance(value, Earlier):
            return ["e", value.call, value.output]
        if isinstance(value, Array):
            return self._array(value)
        if type(value) in (list, tuple):
            return ["l" if type(value) is list else "t", [self.write(each, depth + 1) for each in value]]
        if type(value) is dict:
            return ["d", [[self.write(a, depth + 1), self.write(b, depth + 1)] for a, b in value.items()]]
        taken = self.take(value)
        return ["o", type(value).__name__[:100]] if taken is None else self._array(taken)

    def _array(self, value: Array) -> Any:
        numbers = np.ascontiguousarray(value.values)
        if numbers.nbytes > LARGEST or numbers.dtype.kind not in "fiub":
            return ["o", f"{value.framework} array of {value.dtype}"]
        shape = list(np.shape(value.values))
        start = len(self.blob)
        self.blob += numbers.tobytes()
        return ["a", value.framework, value.dtype, numbers.dtype.str, shape, start, numbers.nbytes, value.scalar]


def read(data: Any, blob: bytes | bytearray) -> Any:
    """What ``Writer`` wrote. Raises ``ValueError`` (or its like) for what it could not have written."""
    if data is None or isinstance(data, bool | str):
        return data
    kind = data[0]
    if kind == "i":
        return int(data[1])
    if kind == "f":
        return float.fromhex(data[1])
    if kind == "e":
        return Earlier(data[1], data[2])
    if kind == "o":
        return Foreign(str(data[1]))
    if kind in ("l", "t"):
        values = [read(each, blob) for each in data[1]]
        return values if kind == "l" else tuple(values)
    if kind == "d":
        return {read(a, blob): read(b, blob) for a, b in data[1]}
    if kind != "a":
        raise ValueError("not a value")
    _, framework, dtype, code, shape, start, size, scalar = data
    if np.dtype(code).kind not in "fiub" or start < 0 or start + size > len(blob):
        raise ValueError("not an array")
    numbers = np.frombuffer(blob[start : start + size], np.dtype(code)).reshape(shape)
    return Array(str(framework), str(dtype), numbers.copy(), bool(scalar))


def frame(header: Any, blob: bytes | bytearray = b"") -> bytes:
    """A message: the lengths of its two parts, then the parts."""
    text = json.dumps(header, allow_nan=False).encode()
    return _HEAD.pack(len(text), len(blob)) + text + bytes(blob)


def lengths(head: bytes) -> tuple[int, int]:
    return _HEAD.unpack(head)
