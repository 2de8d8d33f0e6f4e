"""Single heads and whole layers switched off in a running model; no weight changes.

A head that is off gives zeros, as if its columns of W^O were zero (Michel et al. 2019, "Are Sixteen Heads Really Better
than One?", §2.2). A layer that is off hands on what came in, as if the model had been built without it (LayerDrop: Fan
et al. 2020, §3).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from mlxformer.backend import mx
from mlxformer.errors import ArgumentError
from mlxformer.inspection.attentions import Attention
from mlxformer.tracing import Trace


def switch_heads_off(steps: Trace, attention: Attention, heads: Sequence[int] | None = None) -> None:
    """In the open trace, let an attention run without some of its heads; call it before the model runs.

    Args:
        steps: an open trace, inside which the model will be called.
        attention: one of ``attentions(model)``.
        heads: which heads give zeros, counted from 0; None means all.

    Raises:
        ArgumentError: a head that there is not.

    >>> import mlxformer as mf
    >>> from mlxformer.backend import mx
    >>> from mlxformer.inspection.attentions import attentions
    >>> from mlxformer.inspection.switching import switch_heads_off
    >>> encoder = mf.Encoder(1, 8, 2, 16)
    >>> with mf.trace() as steps:
    ...     switch_heads_off(steps, attentions(encoder)[0], [1])
    ...     y = encoder(mx.ones((1, 3, 8)))
    >>> abs(steps["layers.0.self_attention.heads"].value).max(axis=(0, 2, 3)) > 0
    array([ True, False])
    """
    off = range(attention.heads) if heads is None else heads
    for head in off:
        if not 0 <= head < attention.heads:
            message = f"head={head} does not exist: {attention.path} has {attention.heads}, from 0"
            raise ArgumentError("no-such-place", message, name="head", given=head, count=attention.heads)
    keep = np.ones((1, attention.heads, 1, 1), np.float32)
    keep[:, list(off)] = 0.0
    steps.replace(f"{attention.path}.heads", _times(keep))


def skip_layer(steps: Trace, layer_path: str) -> None:
    """In the open trace, let a layer hand on what comes into it; call it before the model runs.

    Args:
        steps: an open trace, inside which the model will be called.
        layer_path: of an ``EncoderLayer`` or a ``DecoderLayer``, ``layer_path`` of an ``Attention``.

    >>> import mlxformer as mf
    >>> from mlxformer.backend import mx
    >>> from mlxformer.inspection.switching import skip_layer
    >>> encoder, x = mf.Encoder(1, 8, 2, 16), mx.ones((1, 3, 8))
    >>> with mf.trace() as steps:
    ...     skip_layer(steps, "layers.0")
    ...     y = encoder(x)
    >>> bool(mx.all(y == x))
    True
    """
    entered: list[mx.array] = []

    def enter(x: mx.array) -> mx.array:
        entered[:] = [x]
        return x

    steps.replace(f"{layer_path}.input", enter)
    steps.replace(f"{layer_path}.output", lambda y: entered[0])


def one_head_off_each(steps: Trace, attentions: Sequence[Attention]) -> int:
    """In the open trace, let each row of a batch run without another head: all heads in turn, in one pass.

    The model is to be called with ``1 + Σ heads`` equal rows. Row 0 keeps all heads; row r is without the r-th of all
    heads, those of the first attention first.

    Args:
        steps: an open trace, inside which the model will be called.
        attentions: some of ``attentions(model)``.

    Returns:
        How many rows the batch is to have.

    >>> import mlxformer as mf
    >>> from mlxformer.backend import mx
    >>> from mlxformer.inspection.attentions import attentions
    >>> from mlxformer.inspection.switching import one_head_off_each
    >>> encoder = mf.Encoder(2, 8, 2, 16)
    >>> with mf.trace() as steps:
    ...     rows = one_head_off_each(steps, attentions(encoder))
    ...     y = encoder(mx.ones((rows, 3, 8)))
    >>> rows
    5
    """
    rows = 1 + sum(each.heads for each in attentions)
    first = 1
    for attention in attentions:
        keep = np.ones((rows, attention.heads, 1, 1), np.float32)
        for head in range(attention.heads):
            keep[first + head, head] = 0.0
        first += attention.heads
        steps.replace(f"{attention.path}.heads", _times(keep))
    return rows


def _times(keep: np.ndarray) -> Callable[[mx.array], mx.array]:
    return lambda x: x * mx.array(keep).astype(x.dtype)
