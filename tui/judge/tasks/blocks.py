"""A layer of attention and feed-forward, pre- or post-norm: what GPT-2's block and the encoder layer are made of."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from tui.judge.stages import look
from tui.judge.tasks.attending import attend

Parts = Mapping[str, Any]
"""``norm_1``, ``norm_2``: (weight, bias); ``q k v o up down``: (weight used as ``x @ w``, bias or None)."""


def component(x: Any, parts: Parts, num_heads: int, norm: Any, activation: str, mask: Any) -> Any:
    """What mlxformer's layer with these weights makes of x; ``mask`` [B, T], "causal" or None."""
    import mlxformer as mf
    from mlxformer.backend import mx, to_numpy

    (width, hidden), bias = parts["up"][0].shape, parts["q"][1] is not None
    config = mf.LayerConfig(norm=norm, activation=activation, attention_bias=bias)
    layer = mf.EncoderLayer(width, num_heads, hidden, config)
    attention, feed = layer.self_attention, layer.feed_forward
    places: dict[str, Any] = {
        "q": attention.query_proj,
        "k": attention.key_proj,
        "v": attention.value_proj,
        "o": attention.out_proj,
    }
    places |= {"up": feed.up_proj, "down": feed.down_proj}
    places |= {"norm_1": layer.self_attention_norm, "norm_2": layer.feed_forward_norm}
    for name, place in places.items():
        weight, shift = parts[name]
        place.weight = mx.array(weight if weight.ndim == 1 else weight.T)
        if shift is not None:
            place.bias = mx.array(shift)
    return to_numpy(layer(mx.array(x), mf.masks.padding(mx.array(mask)) if isinstance(mask, np.ndarray) else mask))


def normalized(x: Any, part: Any, eps: float = 1e-5) -> Any:
    centered = x - x.mean(axis=-1, keepdims=True)
    return centered / np.sqrt((centered**2).mean(axis=-1, keepdims=True) + eps) * part[0] + part[1]


def linear(x: Any, part: Any) -> Any:
    return x @ part[0] if part[1] is None else x @ part[0] + part[1]


def layer(
    x: Any,
    parts: Parts,
    num_heads: int,
    mask: Any,
    activation: Callable[[Any], Any],
    *,
    norm: str,
    residual: str = "both",
    of: str = "stream",
    norms: str = "right",
    parallel: bool = False,
    split: str = "transposed",
    out: bool = True,
    **change: Any,
) -> Any:
    """The right layer; each of the arguments from ``residual`` on is a mistake.

    norm: ``pre``, ``post``, or (a mistake) ``sublayer``, of what the sub-layer returns. of: what the residual adds.
    """
    batch, length, width = x.shape
    first, second = parts["norm_1"], parts["norm_2"]
    if norms == "swapped":
        first, second = second, first
    elif norms == "first-twice":
        second = first

    def attention(z: Any) -> Any:
        def heads(name: str) -> Any:  # [B, T, C] -> [B, H, T, D]
            y = linear(z, parts[name])
            if split == "reshaped":
                return y.reshape(batch, num_heads, length, -1)
            return y.reshape(batch, length, num_heads, -1).transpose(0, 2, 1, 3)

        mixed = attend(heads("q"), heads("k"), heads("v"), mask, **change)
        merged = mixed.transpose(0, 2, 1, 3).reshape(batch, length, width)
        return look("attended", linear(merged, parts["o"]) if out else merged)

    def feed(z: Any) -> Any:
        return look("fed", linear(look("hidden", activation(linear(z, parts["up"]))), parts["down"]))

    def step(x: Any, sublayer: Callable[[Any], Any], part: Any, name: str, source: Any = None) -> Any:
        inner = x if source is None else source
        own = normalized(inner, part) if norm == "pre" and norms != f"no-{name}" else inner
        y = sublayer(own)
        if norm == "sublayer":
            y = normalized(y, part)
        stream = {"stream": x, "normalized": own, "input": given}[of]
        x = y if residual in ("none", f"no-{name}") else stream + y
        return normalized(x, part) if norm == "post" and norms != f"no-{name}" else x

    given = x
    after = look("after_self_attention", step(x, attention, first, "attention"))
    return look("output", step(after, feed, second, "feed", x if parallel else None))
