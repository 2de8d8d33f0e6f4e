"""The paper's encoder-decoder once more: float64 NumPy, one sentence at a time, from the formulas and no code of ours.

Only the parameters are taken from the model, by their paths.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from mlxformer.backend import mx, to_numpy, tree_flatten
from mlxformer.models.transformer import Transformer, TransformerConfig
from tests.mlxformer.comparing import numbers

TINY: dict[str, Any] = {
    "vocab_size": 19,
    "dims": 12,
    "num_heads": 3,
    "num_encoder_layers": 2,
    "num_decoder_layers": 2,
    "ffn_dims": 20,
    "dropout": 0.0,
}


def filled(**changes: Any) -> Transformer:
    """A tiny model in evaluation mode, every parameter drawn: biases and layer norms too."""
    model = Transformer(TransformerConfig(**(TINY | changes)))
    redraw(model)
    model.eval()
    return model


def redraw(model: Any, scale: float = 0.25) -> None:
    weights = []
    for index, (path, value) in enumerate(sorted(tree_flatten(model.parameters()))):
        drawn = numbers(*value.shape, seed=50 + index, scale=scale)
        weights.append((path, mx.array(drawn + np.float32(path.endswith("norm.weight")))))
    model.load_weights(weights)


def ids(batch: int, length: int, *, vocab: int = 19, seed: int = 0) -> np.ndarray:
    """Ids without the special ones, 0 to 2."""
    return np.random.default_rng(seed).integers(3, vocab, (batch, length)).astype(np.int32)


def forward(model: Transformer, source: np.ndarray, target: np.ndarray) -> np.ndarray:
    """Logits [Tt, V] of one target on one source, neither of them padded."""
    config = model.config
    weights = {path: to_numpy(value).astype(np.float64) for path, value in tree_flatten(model.parameters())}
    side = _Side(weights, config)
    x = side.embedded(source, "source")
    for layer in range(config.num_encoder_layers):
        path = f"encoder.layers.{layer}"
        x = side.sublayer(x, f"{path}.self_attention", lambda y, p=path: side.attention(y, y, f"{p}.self_attention"))
        x = side.sublayer(x, f"{path}.feed_forward", lambda y, p=path: side.feed_forward(y, f"{p}.feed_forward"))
    memory = side.final(x, "encoder")
    x = side.embedded(target, "target")
    for layer in range(config.num_decoder_layers):
        path = f"decoder.layers.{layer}"
        x = side.sublayer(
            x, f"{path}.self_attention", lambda y, p=path: side.attention(y, y, f"{p}.self_attention", causal=True)
        )
        x = side.sublayer(
            x, f"{path}.cross_attention", lambda y, p=path: side.attention(y, memory, f"{p}.cross_attention")
        )
        x = side.sublayer(x, f"{path}.feed_forward", lambda y, p=path: side.feed_forward(y, f"{p}.feed_forward"))
    x = side.final(x, "decoder")
    return x @ weights["source_embedding.weight" if config.tie_embeddings else "output_proj.weight"].T


class _Side:
    def __init__(self, weights: dict[str, np.ndarray], config: TransformerConfig) -> None:
        self.weights, self.config = weights, config

    def embedded(self, tokens: np.ndarray, side: str) -> np.ndarray:
        shared = self.config.tie_embeddings
        table = self.weights["source_embedding.weight" if shared else f"{side}_embedding.weight"]
        width = self.config.dims
        rows = []
        for position, token in enumerate(tokens):
            row = table[token] * (math.sqrt(width) if self.config.scale_embeddings else 1)
            if self.config.positions == "sinusoidal":
                for i in range(width // 2):
                    angle = position / 10_000 ** (2 * i / width)
                    row = row + np.eye(width)[2 * i] * math.sin(angle) + np.eye(width)[2 * i + 1] * math.cos(angle)
            if self.config.positions == "learned":
                row = row + self.weights[f"{side}_positions.embedding.weight"][position]
            rows.append(row)
        return np.array(rows)

    def attention(self, queries: np.ndarray, keys: np.ndarray, path: str, causal: bool = False) -> np.ndarray:
        q, k = self.linear(queries, f"{path}.query_proj"), self.linear(keys, f"{path}.key_proj")
        v = self.linear(keys, f"{path}.value_proj")
        width = self.config.dims // self.config.num_heads
        joined = np.zeros_like(q)
        for head in range(self.config.num_heads):
            columns = slice(head * width, (head + 1) * width)
            for i in range(len(q)):
                seen = i + 1 if causal else len(k)
                scores = k[:seen, columns] @ q[i, columns] / math.sqrt(width)
                weights = np.exp(scores - scores.max())
                joined[i, columns] = weights / weights.sum() @ v[:seen, columns]
        return self.linear(joined, f"{path}.out_proj")

    def feed_forward(self, x: np.ndarray, path: str) -> np.ndarray:
        return self.linear(np.maximum(self.linear(x, f"{path}.up_proj"), 0), f"{path}.down_proj")

    def linear(self, x: np.ndarray, path: str) -> np.ndarray:
        y = x @ self.weights[f"{path}.weight"].T
        return y + self.weights[f"{path}.bias"] if f"{path}.bias" in self.weights else y

    def norm(self, x: np.ndarray, path: str) -> np.ndarray:
        if self.config.norm_type == "rms":
            root = np.sqrt((x**2).mean(axis=-1, keepdims=True) + self.config.norm_eps)
            return x / root * self.weights[f"{path}.weight"]
        centered = x - x.mean(axis=-1, keepdims=True)
        scaled = centered / np.sqrt((centered**2).mean(axis=-1, keepdims=True) + self.config.norm_eps)
        return scaled * self.weights[f"{path}.weight"] + self.weights[f"{path}.bias"]

    def sublayer(self, x: np.ndarray, path: str, f: Any) -> np.ndarray:
        if self.config.norm == "post":
            return self.norm(x + f(x), f"{path}_norm")
        return x + f(self.norm(x, f"{path}_norm"))

    def final(self, x: np.ndarray, stack: str) -> np.ndarray:
        path = f"{stack}.final_norm"
        return self.norm(x, path) if f"{path}.weight" in self.weights else x
