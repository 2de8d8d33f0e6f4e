"""GPT-2's network on MLX against the same written by hand with ``mlx.nn``: all tokens at once, without a cache."""

from __future__ import annotations

from functools import partial
from typing import Any

from benchmarks.row import Row, Sides
from benchmarks.timing import timed


def _forward(batch: int, tokens: int, with_peer: bool) -> Sides:
    import mlx.core as mx
    from mlx.utils import tree_flatten

    import mlxformer as mf
    from benchmarks.models import ids, require_same

    config = mf.GPTConfig(vocab_size=6000, dims=384, num_heads=12, num_layers=6, dropout=0.0)
    model = mf.GPT(config)
    model.eval()
    weights = dict(tree_flatten(model.parameters()))
    mx.eval(weights)
    given = mx.array(ids(batch, tokens, config.vocab_size))

    def ours() -> mx.array:
        logits = model(given)
        mx.eval(logits)
        return logits

    def peer() -> mx.array:
        logits = _by_hand(weights, given, config)
        mx.eval(logits)
        return logits

    require_same(ours(), peer())
    return Sides(timed(ours), timed(peer))


def _by_hand(weights: dict[str, Any], given: Any, config: Any) -> Any:
    """The plainest GPT-2 that MLX can run, from the parameters of ours by their paths."""
    import mlx.core as mx
    import mlx.nn as nn

    def linear(path: str, x: mx.array) -> mx.array:
        return mx.addmm(weights[f"{path}.bias"], x, weights[f"{path}.weight"].T)

    def norm(path: str, x: mx.array) -> mx.array:
        return mx.fast.layer_norm(x, weights[f"{path}.weight"], weights[f"{path}.bias"], config.norm_eps)

    def split(x: mx.array) -> mx.array:
        return mx.unflatten(x, -1, (config.num_heads, -1)).transpose(0, 2, 1, 3)

    words = weights["token_embedding.weight"]
    x = words[given] + weights["positions.embedding.weight"][: given.shape[1]]
    for layer in range(config.num_layers):
        path = f"stack.layers.{layer}"
        normed = norm(f"{path}.self_attention_norm", x)
        q, k, v = (split(linear(f"{path}.self_attention.{name}_proj", normed)) for name in ("query", "key", "value"))
        heads = mx.fast.scaled_dot_product_attention(q, k, v, scale=q.shape[-1] ** -0.5, mask="causal")
        x = x + linear(f"{path}.self_attention.out_proj", heads.transpose(0, 2, 1, 3).flatten(-2))
        hidden = nn.gelu_approx(linear(f"{path}.feed_forward.up_proj", norm(f"{path}.feed_forward_norm", x)))
        x = x + linear(f"{path}.feed_forward.down_proj", hidden)
    return norm("stack.final_norm", x) @ words.T


ROWS = tuple(
    Row(f"mlx-gpt-{batch}x{tokens}", f"GPT on MLX, 6 × 384, V = 6,000, {batch} × {tokens}", 1.03,
        partial(_forward, batch, tokens), "by hand with mlx.nn", needs=("mlx",), backend="mlx")
    for batch, tokens in ((1, 16), (4, 64))
)  # fmt: skip
