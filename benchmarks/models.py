"""The same random weights for ours and the peer's: a folder written once a process, which both read."""

from __future__ import annotations

import tempfile
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

import mlxformer as mf
from mlxformer.backend import mx, to_numpy

BERT: dict[str, dict[str, Any]] = {
    "minilm": {"hidden_size": 384, "num_hidden_layers": 6, "num_attention_heads": 12, "intermediate_size": 1536},
    "base": {},
}
MARIAN: dict[str, Any] = {  # OPUS-MT's sizes
    "d_model": 512, "encoder_layers": 6, "decoder_layers": 6, "encoder_attention_heads": 8,
    "decoder_attention_heads": 8, "encoder_ffn_dim": 2048, "decoder_ffn_dim": 2048,
}  # fmt: skip
_FOLDERS = tempfile.TemporaryDirectory(prefix="benchmarks-")  # gone when the process ends


@cache
def bert_folder(size: str) -> Path:
    return _saved(mf.BertModel(mf.BertConfig(**BERT[size])), f"bert-{size}")


@cache
def marian_folder() -> Path:
    config = mf.MarianConfig(**MARIAN, activation_function="swish", scale_embedding=True, max_position_embeddings=512)
    return _saved(mf.MarianModel(config), "marian")


def ids(batch: int, tokens: int, vocabulary: int = 30_522) -> np.ndarray:
    """[batch, tokens], none of them a special one of BERT's."""
    return np.random.default_rng(0).integers(1000, vocabulary, (batch, tokens)).astype(np.int32)


def require_same(ours: Any, peers: Any, most: float = 1e-3) -> None:
    """Raise unless both computed the same: the time of something else would say nothing."""
    mine, other = to_numpy(ours) if isinstance(ours, mx.array) else np.asarray(ours), np.asarray(peers)
    if mine.shape != other.shape or not np.abs(mine - other).max() <= most:
        raise ValueError(f"ours and the peer's differ: {mine.shape} and {other.shape}, or by more than {most}")


def _saved(model: Any, name: str) -> Path:
    folder = Path(_FOLDERS.name, name)
    model.save_pretrained(folder)
    return folder
