"""Shipped weights: float16 on the disk, float32 in the model."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from safetensors.numpy import save_file

from mlxformer.backend import nn, to_numpy, tree_flatten
from mlxformer.checkpoints.loading import load_into
from mlxformer.checkpoints.safetensors import SafetensorsFile
from mlxformer.pretrained.cards import WEIGHTS, checksum


def named(tree: Any) -> dict[str, Any]:
    """The arrays of a tree by their paths.

    Args:
        tree: parameters, or an optimizer's state: nested dicts and lists.

    Returns:
        path -> array.

    >>> from mlxformer.backend import nn
    >>> from mlxformer.pretrained.weights import named
    >>> sorted(named(nn.Linear(2, 3).parameters()))
    ['bias', 'weight']
    """
    pairs: Any = tree_flatten(tree)
    return dict(pairs)


def write_weights(model: nn.Module, folder: Path) -> str:
    """Write the parameters of a model as float16.

    Args:
        model: any module.
        folder: where ``model.safetensors`` goes; it is made if need be.

    Returns:
        The checksum of the file.

    >>> import tempfile
    >>> from pathlib import Path
    >>> from mlxformer.backend import nn
    >>> from mlxformer.pretrained.weights import read_weights, write_weights
    >>> layer = nn.Linear(2, 3)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     digits = len(write_weights(layer, Path(folder)))
    ...     read_weights(layer, Path(folder) / "model.safetensors")
    >>> digits
    64
    """
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / WEIGHTS
    # Row by row, whatever order training left an array in: the file has no other.
    arrays = {name: to_numpy(value).astype(np.float16, order="C") for name, value in named(model.parameters()).items()}
    save_file(arrays, path, metadata={"format": "np"})
    path.chmod(0o644)  # it is written for its owner alone, and would be packed so
    return checksum(path)


def read_weights(model: nn.Module, path: Path) -> None:
    """Give a model the parameters in a file, as float32, and set it to evaluation mode.

    Args:
        model: any module, changed in place.
        path: of a safetensors file.

    Raises:
        CheckpointError: they are not exactly its own.

    >>> from pathlib import Path
    >>> from mlxformer.backend import nn
    >>> from mlxformer.pretrained.weights import read_weights
    >>> read_weights(nn.Linear(2, 3), Path("none.safetensors"))
    Traceback (most recent call last):
    mlxformer.errors.CheckpointError: none.safetensors cannot be read: No such file or directory
    """
    names = {name: name for name in named(model.parameters())}
    load_into(model, SafetensorsFile(path), names)
    model.eval()
