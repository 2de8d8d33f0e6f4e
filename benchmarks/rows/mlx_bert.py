"""BERT on MLX against the same written by hand with ``mlx.nn``: what taps, checks and masks of ours cost there."""

from __future__ import annotations

from functools import partial
from typing import Any

from benchmarks.row import Row, Sides
from benchmarks.timing import timed


def _forward(batch: int, tokens: int, with_peer: bool) -> Sides:
    import mlx.core as mx
    from mlx.utils import tree_flatten

    import mlxformer as mf
    from benchmarks.models import BERT, ids, require_same

    config = mf.BertConfig(**BERT["minilm"])
    model = mf.BertModel(config)
    model.eval()
    weights = dict(tree_flatten(model.parameters()))
    mx.eval(weights)
    given = mx.array(ids(batch, tokens))

    def ours() -> mx.array:
        hidden = model(given).last_hidden_state
        mx.eval(hidden)
        return hidden

    def peer() -> mx.array:
        hidden = _by_hand(weights, given, config)
        mx.eval(hidden)
        return hidden

    require_same(ours(), peer())
    return Sides(timed(ours), timed(peer))


def _by_hand(weights: dict[str, Any], given: Any, config: Any) -> Any:
    """The plainest BERT that MLX can run, from the parameters of ours by their paths."""
    import mlx.core as mx
    import mlx.nn as nn

    def linear(path: str, x: mx.array) -> mx.array:
        return mx.addmm(weights[f"{path}.bias"], x, weights[f"{path}.weight"].T)

    def norm(path: str, x: mx.array) -> mx.array:
        return mx.fast.layer_norm(x, weights[f"{path}.weight"], weights[f"{path}.bias"], config.layer_norm_eps)

    def split(x: mx.array) -> mx.array:
        return mx.unflatten(x, -1, (config.num_attention_heads, -1)).transpose(0, 2, 1, 3)

    tables = {name: weights[f"embeddings.{name}_embeddings.weight"] for name in ("word", "position", "token_type")}
    x = norm("embeddings.norm", tables["word"][given] + tables["position"][: given.shape[1]] + tables["token_type"][0])
    for layer in range(config.num_hidden_layers):
        path = f"encoder.layers.{layer}"
        q, k, v = (split(linear(f"{path}.self_attention.{name}_proj", x)) for name in ("query", "key", "value"))
        heads = mx.fast.scaled_dot_product_attention(q, k, v, scale=q.shape[-1] ** -0.5)
        joined = heads.transpose(0, 2, 1, 3).flatten(-2)
        x = norm(f"{path}.self_attention_norm", x + linear(f"{path}.self_attention.out_proj", joined))
        hidden = nn.gelu(linear(f"{path}.feed_forward.up_proj", x))
        x = norm(f"{path}.feed_forward_norm", x + linear(f"{path}.feed_forward.down_proj", hidden))
    return x


ROWS = tuple(
    Row(f"mlx-bert-{batch}x{tokens}", f"BERT on MLX, minilm, {batch} × {tokens}", 1.03,
        partial(_forward, batch, tokens), "by hand with mlx.nn", needs=("mlx",), backend="mlx")
    for batch, tokens in ((1, 16), (1, 128), (4, 64))
)  # fmt: skip
