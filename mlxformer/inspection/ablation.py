"""Parts of a running model switched off: what does it do without its residual connections, or without its positions?

    with mf.trace() as steps:
        switch_off(steps, model, "residual", heads_kept=1)
        logits = model(source_ids, target_ids)

No weight changes and nothing is copied: tensors are replaced on their way. Sub-layers and positions give zeros; without
the residual connection ``LayerNorm(x + f(x))`` becomes ``LayerNorm(f(x))``, without the layer norm ``x + f(x)``. What
comes out tells what *this* model, trained with the part, relies on. What one trained without it could learn is another
question (Meyes et al. 2019, "Ablation Studies in Artificial Neural Networks", on such lesions).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Literal

import numpy as np

from mlxformer.attention.multi_head import MultiHeadAttention
from mlxformer.backend import mx
from mlxformer.errors import ArgumentError
from mlxformer.layers.decoder import DecoderLayer
from mlxformer.layers.encoder import EncoderLayer
from mlxformer.models.bert.model import BertEmbeddings
from mlxformer.positions import LearnedPositions, SinusoidalPositions, T5RelativeBias
from mlxformer.tracing import Module, Trace
from mlxformer.validation import is_whole, require_choice

Part = Literal["positions", "self_attention", "cross_attention", "feed_forward", "residual", "layer_norm"]
PARTS: tuple[Part, ...] = ("positions", "self_attention", "cross_attention", "feed_forward", "residual", "layer_norm")
_SUBLAYERS = ("self_attention", "cross_attention", "feed_forward")


def switch_off(steps: Trace, model: Module, *parts: Part, heads_kept: int | None = None) -> None:
    """In the open trace ``steps``, let ``model`` run without ``parts``; call it before the model runs.

    Args:
        steps: an open trace, inside which the model will be called.
        model: what is called inside the trace.
        parts: any of ``PARTS``; ``"layer_norm"`` means those after the sub-layers.
        heads_kept: the outputs of all heads but the first so many are zero, in every attention; None keeps all.

    Raises:
        ArgumentError: an unknown part, one that the model does not have (positions inside the attention, as rotary ones
            and ALiBi, cannot be taken out here), ``"layer_norm"`` in a pre-norm model, whose norms stand before the
            sub-layers, where no tensor is marked, ``heads_kept`` below 1.

    Source: Meyes et al. 2019, "Ablation Studies in Artificial Neural Networks".

    >>> import mlxformer as mf
    >>> from mlxformer.backend import mx
    >>> from mlxformer.inspection.ablation import switch_off
    >>> encoder = mf.Encoder(1, 8, 2, 16)
    >>> with mf.trace() as steps:
    ...     switch_off(steps, encoder, "self_attention")
    ...     y = encoder(mx.ones((1, 3, 8)))
    >>> float(abs(steps["layers.0.self_attention.output"].value).max())
    0.0
    """
    for part in parts:
        require_choice("part", part, PARTS)
    if heads_kept is not None and not is_whole(heads_kept, 1):
        raise ArgumentError(
            "not-positive",
            f"heads_kept must be a whole number of at least 1; got {heads_kept!r}",
            name="heads_kept",
            given=heads_kept,
        )
    modules = dict(model.named_modules())
    layers = {path: module for path, module in modules.items() if isinstance(module, (EncoderLayer, DecoderLayer))}
    for part in parts:
        places = _places(part, modules, layers)
        if not places:
            raise ArgumentError(
                "ablation-part-missing", f"this model has no {part} that could be switched off here", part=part
            )
        if part not in ("residual", "layer_norm"):
            for path in places:
                steps.replace(path, mx.zeros_like)
    if heads_kept is not None:
        for path, module in modules.items():
            if isinstance(module, MultiHeadAttention) and heads_kept < module.num_heads:
                steps.replace(_join(path, "heads"), _first_heads(module.num_heads, heads_kept))
    if "residual" in parts or "layer_norm" in parts:
        for path, layer in layers.items():
            _rewire(steps, path, layer, residual="residual" not in parts, norm="layer_norm" not in parts)


def _places(part: Part, modules: dict[str, Any], layers: dict[str, Any]) -> list[str]:
    """The taps that ``part`` passes; for what is rewired, the layers that have it."""
    if part == "positions":
        return list(_position_taps(modules))
    if part == "layer_norm" and any(layer.config.norm == "pre" for layer in layers.values()):
        raise ArgumentError(
            "ablation-pre-norm",
            "layer norms can be switched off after the sub-layers (post-norm) only; this model is pre-norm. "
            "Take a post-norm model, or leave layer_norm on",
        )
    if part in ("residual", "layer_norm"):
        return list(layers)
    return [_join(path, f"{part}.output") for path, layer in layers.items() if part in layer]


def _position_taps(modules: dict[str, Any]) -> Iterator[str]:
    for path, module in modules.items():
        if isinstance(module, (SinusoidalPositions, LearnedPositions, T5RelativeBias)):
            yield _join(path, "output")
        elif isinstance(module, BertEmbeddings):
            yield _join(path, "position")


def _first_heads(heads: int, kept: int) -> Callable[[mx.array], mx.array]:
    keep = mx.array((np.arange(heads) < kept).astype(np.float32)).reshape(1, heads, 1, 1)
    return lambda x: x * keep.astype(x.dtype)


def _rewire(steps: Trace, path: str, layer: EncoderLayer | DecoderLayer, *, residual: bool, norm: bool) -> None:
    """Follow x and f(x) through one layer: f(x) − x stands for f(x) where the residual is off, so that the sum is f(x).

    Each sub-layer's output comes after its x, so what was last seen is what belongs to it.
    """
    seen: dict[str, mx.array] = {}

    def stream(x: mx.array) -> mx.array:
        seen["x"] = x
        return x

    def sublayer(y: mx.array) -> mx.array:
        seen["f"] = y if residual else y - seen["x"]
        return seen["f"]

    def after(y: mx.array) -> mx.array:
        return stream(y if norm else seen["x"] + seen["f"])

    steps.replace(_join(path, "input"), stream)
    for name in _SUBLAYERS:
        if name in layer:
            steps.replace(_join(path, f"{name}.output"), sublayer)
            steps.replace(_join(path, "output" if name == "feed_forward" else f"after_{name}"), after)


def _join(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name
