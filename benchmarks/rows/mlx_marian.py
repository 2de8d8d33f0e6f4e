"""OPUS-MT's network on MLX against the same written by hand with ``mlx.nn``: all target tokens at once, no cache."""

from __future__ import annotations

from functools import partial
from typing import Any

from benchmarks.row import Row, Sides
from benchmarks.timing import timed

LAYERS, VOCABULARY = 3, 6000  # fewer than OPUS-MT's, and its widths


def _forward(batch: int, tokens: int, with_peer: bool) -> Sides:
    import mlx.core as mx
    from mlx.utils import tree_flatten

    import mlxformer as mf
    from benchmarks.models import MARIAN, ids, require_same

    sizes = {**MARIAN, "encoder_layers": LAYERS, "decoder_layers": LAYERS, "vocab_size": VOCABULARY}
    config = mf.MarianConfig(
        **sizes, activation_function="swish", scale_embedding=True, pad_token_id=0, decoder_start_token_id=0
    )
    model = mf.MarianModel(config)
    model.eval()
    weights = dict(tree_flatten(model.parameters()))
    mx.eval(weights)
    source, target = mx.array(ids(batch, tokens, VOCABULARY)), mx.array(ids(batch, tokens, VOCABULARY - 1) + 1)

    def ours() -> mx.array:
        logits = model(source, target)
        mx.eval(logits)
        return logits

    def peer() -> mx.array:
        logits = _by_hand(weights, source, target, config)
        mx.eval(logits)
        return logits

    require_same(ours(), peer())
    return Sides(timed(ours), timed(peer))


def _by_hand(weights: dict[str, Any], source: Any, target: Any, config: Any) -> Any:
    """The plainest OPUS-MT that MLX can run, from the parameters of ours by their paths."""
    import mlx.core as mx
    import mlx.nn as nn

    dims = config.d_model
    words = weights["source_embedding.weight"]

    def linear(path: str, x: mx.array) -> mx.array:
        return mx.addmm(weights[f"{path}.bias"], x, weights[f"{path}.weight"].T)

    def norm(path: str, x: mx.array) -> mx.array:
        return mx.fast.layer_norm(x, weights[f"{path}.weight"], weights[f"{path}.bias"], 1e-5)

    def split(x: mx.array) -> mx.array:
        return mx.unflatten(x, -1, (config.encoder_attention_heads, -1)).transpose(0, 2, 1, 3)

    def attention(path: str, x: mx.array, memory: mx.array, mask: str | None = None) -> mx.array:
        q = split(linear(f"{path}.query_proj", x))
        k, v = (split(linear(f"{path}.{name}_proj", memory)) for name in ("key", "value"))
        heads = mx.fast.scaled_dot_product_attention(q, k, v, scale=q.shape[-1] ** -0.5, mask=mask)
        return norm(f"{path}_norm", x + linear(f"{path}.out_proj", heads.transpose(0, 2, 1, 3).flatten(-2)))

    def feed_forward(path: str, x: mx.array) -> mx.array:
        hidden = nn.silu(linear(f"{path}.feed_forward.up_proj", x))
        return norm(f"{path}.feed_forward_norm", x + linear(f"{path}.feed_forward.down_proj", hidden))

    def embedded(tokens: mx.array) -> mx.array:
        turns = mx.power(10000.0, -mx.arange(0, dims, 2) / dims)
        angles = mx.arange(tokens.shape[1])[:, None] * turns
        return words[tokens] * dims**0.5 + mx.concatenate([mx.sin(angles), mx.cos(angles)], axis=-1)

    x, y = embedded(source), embedded(target)
    for layer in range(LAYERS):
        path = f"encoder.layers.{layer}"
        x = feed_forward(path, attention(f"{path}.self_attention", x, x))
    for layer in range(LAYERS):
        path = f"decoder.layers.{layer}"
        y = attention(f"{path}.self_attention", y, y, "causal")
        y = feed_forward(path, attention(f"{path}.cross_attention", y, x))
    return y @ words.T + weights["final_logits_bias"]


ROWS = tuple(
    Row(f"mlx-marian-{batch}x{tokens}", f"OPUS-MT on MLX, 3 + 3 layers, V = 6,000, {batch} × {tokens}", 1.03,
        partial(_forward, batch, tokens), "by hand with mlx.nn", needs=("mlx",), backend="mlx")
    for batch, tokens in ((1, 16), (4, 16))
)  # fmt: skip
