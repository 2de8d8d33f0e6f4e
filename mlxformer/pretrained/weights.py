"""Shipped weights: float16 on the disk, float32 in the model."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from safetensors.numpy import save_file

from mlxformer.backend import to_numpy, tree_flatten
from mlxformer.checkpoints.loading import load_into
from mlxformer.checkpoints.safetensors import SafetensorsFile
from mlxformer.pretrained.cards import WEIGHTS, checksum


def named(tree: Any) -> dict[str, Any]:
    """The arrays of a tree (parameters, an optimizer's state) by their paths."""
    pairs: Any = tree_flatten(tree)
    return dict(pairs)


def write_weights(model: Any, folder: Path) -> str:
    """Write the parameters of ``model`` as float16 and return the checksum of the file."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / WEIGHTS
    # Row by row, whatever order training left an array in: the file has no other.
    arrays = {name: to_numpy(value).astype(np.float16, order="C") for name, value in named(model.parameters()).items()}
    save_file(arrays, path, metadata={"format": "np"})
    path.chmod(0o644)  # it is written for its owner alone, and would be packed so
    return checksum(path)


def read_weights(model: Any, path: Path) -> None:
    """Give ``model`` the parameters in ``path``; ``CheckpointError`` where they are not exactly its own."""
    names = {name: name for name in named(model.parameters())}
    load_into(model, SafetensorsFile(path), names)
    model.eval()
