"""Tiny models of transformers with no number left at its default, saved as folders for ours to read."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from mlxformer.backend import mx


def redrawn(model: Any, scale: float = 0.3, seed: int = 0) -> Any:
    """Every parameter drawn anew, so that a bias or a gain that is left out changes the result: gains around 1."""
    import torch

    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for name, value in model.named_parameters():
            noise = torch.randn(value.shape, generator=generator) * scale
            is_gain = value.ndim == 1 and name.endswith("weight")
            value.copy_(noise + float(is_gain))
    return model.eval()


def saved(model: Any, folder: Path, **options: Any) -> Path:
    model.save_pretrained(folder, **options)
    return folder


def ids(*shape: int, size: int, low: int = 3, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(low, size, shape).astype(np.int32)


def left_padded(rows: int, length: int, size: int, pad: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Prompts of different lengths, padded on the left, and their mask."""
    tokens, mask = ids(rows, length, size=size, seed=seed), np.ones((rows, length), np.int32)
    for row in range(1, rows):
        mask[row, : row % length] = 0
    return np.where(mask, tokens, pad).astype(np.int32), mask


def torch_of(array: np.ndarray) -> Any:
    import torch

    return torch.tensor(array.astype(np.int64))


def ours(array: Any) -> Any:
    return mx.array(np.asarray(array, np.int32))
