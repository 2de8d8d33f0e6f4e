"""A module's parameters as a safetensors file holds them, each in its own dtype: what is 16 bits wide stays so.

NumPy has no bfloat16. Between the model and the file such numbers travel as ``BFLOAT16``, their 16 bits in a field of
that name, so that they can be cut, transposed and joined as any array.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Mapping
from typing import Any

import numpy as np

from mlxformer.backend import mx, nn, to_numpy, tree_flatten
from mlxformer.errors import CheckpointError

BFLOAT16 = np.dtype([("bfloat16", "<u2")])
DTYPES = ("float32", "float16", "bfloat16")
_NAMES = {BFLOAT16: "BF16", np.dtype("<f4"): "F32", np.dtype("<f2"): "F16", np.dtype("<u4"): "U32",
          np.dtype("u1"): "U8"}  # fmt: skip


def stored_parameters(module: nn.Module) -> dict[str, np.ndarray]:
    """The parameters by path, as they are to be stored.

    What adapters were put round (``mf.lora``) is stored as the one projection that it computes; quantized weights are
    stored as they are packed.

    Args:
        module: the model.

    Returns:
        path -> values: float32, float16, ``BFLOAT16``, or the packed integers of a quantized layer.

    >>> from mlxformer.backend import nn
    >>> from mlxformer.checkpoints.writing import stored_parameters
    >>> sorted(stored_parameters(nn.Linear(2, 3)))
    ['bias', 'weight']
    """
    found = {path: storable(value) for path, value in dict(tree_flatten(module.parameters())).items()}
    for place, layer in module.named_modules():
        merged = getattr(layer, "merged", None)
        if merged is None:
            continue
        prefix = f"{place}." if place else ""
        found = {path: value for path, value in found.items() if not path.startswith(prefix)}
        for path, value in dict(tree_flatten(merged().parameters())).items():
            found[prefix + path] = storable(value)
    return found


def as_dtype(name: str, values: np.ndarray, dtype: str | None) -> np.ndarray:
    """``values`` in another floating dtype; integers stay.

    Args:
        name: of the tensor, for the error.
        values: as ``stored_parameters`` gives them.
        dtype: one of ``DTYPES``; None leaves them as they are.

    Returns:
        An array.

    Raises:
        CheckpointError: a number that float16 cannot hold.

    >>> import numpy as np
    >>> from mlxformer.checkpoints.writing import as_dtype
    >>> as_dtype("a", np.ones(2, np.float32), "bfloat16")["bfloat16"].tolist()  # the upper half of 1.0's bits
    [16256, 16256]
    """
    if values.dtype.kind == "f" and values.dtype.itemsize == 8:
        values = values.astype(np.float32)
    if dtype is None or (values.dtype != BFLOAT16 and values.dtype.kind != "f"):
        return values
    wide = _widened(values)
    if dtype == "bfloat16":
        return values if values.dtype == BFLOAT16 else _bfloat16(wide)
    with np.errstate(over="ignore"):
        stored = wide.astype(dtype)
    if dtype == "float16" and not np.array_equal(np.isfinite(stored), np.isfinite(wide)):
        message = f"{name} holds {np.abs(wide).max():g}; float16 ends at 65504. Save it as float32"
        raise CheckpointError("save-overflow", message, tensor=name)
    return stored


def dtype_of(tensors: Mapping[str, np.ndarray]) -> str:
    """The dtype that most of the stored numbers have, as ``config.json`` names it.

    Args:
        tensors: name -> values.

    Returns:
        One of ``DTYPES``; ``"float32"`` where there is none.

    >>> import numpy as np
    >>> from mlxformer.checkpoints.writing import dtype_of
    >>> dtype_of({"a": np.ones(3, np.float16), "b": np.ones(1, np.float32)})
    'float16'
    """

    def held(dtype: str) -> int:
        return sum(values.size for values in tensors.values() if _name_of(values.dtype) == dtype)

    return max(DTYPES, key=held)


def _name_of(dtype: np.dtype) -> str:
    return "bfloat16" if dtype == BFLOAT16 else dtype.name


def serialize(tensors: Mapping[str, np.ndarray]) -> bytes:
    """The bytes of a safetensors file.

    Args:
        tensors: name -> values, of the dtypes that ``stored_parameters`` gives.

    Returns:
        8 bytes of the header's length, the header, and the data end to end.

    Source: https://github.com/huggingface/safetensors, README, "Format".

    >>> import numpy as np
    >>> from safetensors.numpy import load
    >>> from mlxformer.checkpoints.writing import serialize
    >>> load(serialize({"a": np.ones(2, np.float32)}))["a"].tolist()
    [1.0, 1.0]
    """
    header: dict[str, Any] = {"__metadata__": {"format": "pt"}}
    parts, end = [], 0
    # Wide types first, so that every tensor lies at a multiple of its own width.
    for name in sorted(tensors, key=lambda name: (-np.dtype(tensors[name].dtype).itemsize, name)):
        values = tensors[name]
        content = np.ascontiguousarray(values).tobytes()
        header[name] = {
            "dtype": _NAMES[values.dtype],
            "shape": list(values.shape),
            "data_offsets": [end, end + len(content)],
        }
        parts.append(content)
        end += len(content)
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    return b"".join([struct.pack("<Q", len(text)), text, *parts])


def quantization_of(module: nn.Module) -> dict[str, Any] | None:
    """How the quantized layers of a module were quantized, for ``config.json``; None where there are none.

    Args:
        module: the model.

    Returns:
        group_size, bits and mode.

    Raises:
        CheckpointError: the layers were not all quantized alike.

    >>> from mlxformer.backend import nn
    >>> from mlxformer.checkpoints.writing import quantization_of
    >>> quantization_of(nn.Linear(2, 3)) is None
    True
    """
    found = []
    for _, layer in module.named_modules():
        if "scales" in layer:
            how = {"group_size": layer.group_size, "bits": layer.bits, "mode": getattr(layer, "mode", "affine")}
            if how not in found:
                found.append(how)
    if len(found) > 1:
        message = f"the layers are quantized in several ways ({found}); a folder has one for all"
        raise CheckpointError("save-quantised-ways", message, found=found)
    return found[0] if found else None


def storable(value: mx.array) -> np.ndarray:
    """One array as it is to be stored.

    Args:
        value: an array of the backend.

    Returns:
        Its values, bfloat16 as ``BFLOAT16``.

    >>> from mlxformer.backend import mx
    >>> from mlxformer.checkpoints.writing import storable
    >>> storable(mx.ones((2,), dtype=mx.float16)).dtype.name
    'float16'
    """
    values = to_numpy(value)
    if values.dtype == np.float32 and value.dtype != mx.float32:
        return _bfloat16(values)  # exact: it was widened from there
    return values


def _widened(values: np.ndarray) -> np.ndarray:
    if values.dtype == BFLOAT16:
        return np.left_shift(values["bfloat16"], np.uint32(16), dtype=np.uint32).view(np.float32)
    return values.astype(np.float32, copy=False)


def _bfloat16(values: np.ndarray) -> np.ndarray:
    """Rounded to the nearest, ties to even; NaN stays NaN."""
    bits = np.ascontiguousarray(values, np.float32).view(np.uint32)
    rounded = (bits + np.uint32(0x7FFF) + ((bits >> np.uint32(16)) & np.uint32(1))) >> np.uint32(16)
    rounded = np.where(np.isnan(values), np.uint32(0x7FC0), rounded).astype("<u2")
    return np.ascontiguousarray(rounded).view(BFLOAT16)
