"""Weights in ``.npz`` and ``.safetensors`` files, as ``Module.save_weights`` and ``load_weights`` use them."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..arrays import array


def save(file: str, weights: dict[str, Any]) -> None:
    arrays = {name: np.ascontiguousarray(value) for name, value in weights.items()}
    if file.endswith(".npz"):
        np.savez(file, allow_pickle=False, **arrays)
    elif file.endswith(".safetensors"):
        from safetensors.numpy import save_file

        save_file(arrays, file)
    else:
        raise ValueError(f"Unsupported file extension for {file}. Use '.npz' or '.safetensors'.")


def load(file: str) -> dict[str, array]:
    if file.endswith(".npz"):
        with np.load(file, allow_pickle=False) as stored:
            return {name: array(stored[name]) for name in stored.files}
    if file.endswith(".safetensors"):
        from safetensors.numpy import load_file

        return {name: array(value) for name, value in load_file(file).items()}
    raise ValueError(f"Unsupported file extension for {file}. Use '.npz' or '.safetensors'.")
