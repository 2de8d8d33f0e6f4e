"""Tiny random BERTs made by transformers, with every parameter drawn, and inputs for them.

At transformers' own initialization (0.02, biases 0, layer norms 1 and 0) a lost bias or two swapped matrices change
the output by less than the tolerance: nothing would be proven.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

TINY: dict[str, Any] = {
    "vocab_size": 37, "hidden_size": 24, "num_hidden_layers": 2, "num_attention_heads": 3, "intermediate_size": 40,
    "max_position_embeddings": 16, "type_vocab_size": 3, "initializer_range": 0.2,
}  # fmt: skip


def random_model(architecture: str = "BertModel", *, seed: int = 0, **changes: Any) -> Any:
    """``architecture`` of transformers in eval mode: matrices N(0, 0.2²), biases too, layer norms' weights about 1."""
    import torch
    import transformers

    torch.manual_seed(seed)
    model = getattr(transformers, architecture)(transformers.BertConfig(**(TINY | changes))).eval()
    redraw(model)
    return model


def redraw(model: Any) -> None:
    import torch

    with torch.no_grad():
        for name, parameter in model.named_parameters():
            parameter.copy_(0.2 * torch.randn(parameter.shape))
            if name.endswith("LayerNorm.weight"):
                parameter.add_(1)


def inputs(
    batch: int = 3, time: int = 9, *, seed: int = 0, vocab_size: int = TINY["vocab_size"], types: int = 3
) -> dict[str, np.ndarray]:
    """int32 ids and type ids, and an attention mask with full, half and nearly empty rows."""
    rng = np.random.default_rng(seed)
    mask = np.zeros((batch, time), np.int32)
    for row in range(batch):
        mask[row, : max(1, time - row * (time // 2))] = 1
    return {
        "input_ids": rng.integers(0, vocab_size, (batch, time), dtype=np.int32),
        "token_type_ids": rng.integers(0, types, (batch, time), dtype=np.int32),
        "attention_mask": mask,
    }


def run(model: Any, arrays: dict[str, np.ndarray], **options: Any) -> Any:
    """transformers' output for NumPy inputs."""
    import torch

    with torch.no_grad():
        return model(**{name: torch.tensor(values, dtype=torch.long) for name, values in arrays.items()}, **options)


def save(model: Any, folder: Path) -> Path:
    model.save_pretrained(folder)
    return folder
