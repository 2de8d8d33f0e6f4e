"""Label smoothing: the target is no longer one token but a mixture of it with the uniform distribution.

    t = (1 − ε)·onehot(y) + ε/V          loss = −Σ_v t_v log softmax(z)_v

(Szegedy et al. 2016, §7; Vaswani et al. 2017, §5.4, with ε = 0.1.) The uniform part includes the right token, as in
torch and MLX; tensor2tensor and fairseq share ε out among the V − 1 others instead, which is this loss with
ε·V/(V − 1).
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from mlxformer.backend import mx, nn
from mlxformer.errors import ArgumentError
from mlxformer.validation import (
    is_whole,
    require_array,
    require_floating,
    require_indices,
    require_probability,
    shape_text,
)


def label_smoothed_cross_entropy(
    logits: Any, targets: Any, *, smoothing: float = 0.1, pad_id: int | None = None
) -> Any:
    """The mean loss in nats of logits [..., V]: a scalar; with ``smoothing`` 0 the cross-entropy itself.

    targets: ids [...], or probabilities [..., V] to be smoothed likewise. pad_id: positions with this target id are
    left out of the mean; where none is left it is 0.

    Raises ``ArgumentError`` for logits that are not floating point, targets of another shape or outside the vocabulary
    (not checked inside ``mx.compile``), ``pad_id`` beside probabilities, and ``smoothing`` outside [0, 1).
    """
    require_floating("logits", logits)
    require_array("targets", targets)
    require_probability("smoothing", smoothing)
    is_ids = mx.issubdtype(targets.dtype, mx.integer)
    wanted = tuple(logits.shape[:-1]) if is_ids else tuple(logits.shape)
    if logits.ndim == 0 or tuple(targets.shape) != wanted:
        raise ArgumentError(
            "wrong-shape",
            f"targets must be ids of shape logits.shape[:-1] or probabilities of logits' shape {shape_text(logits)}; "
            f"got {targets.dtype} {shape_text(targets)}",
            name="targets",
            wanted=f"{shape_text(logits)[:-1]} (probabilities), or ids without the last axis]",
            given=shape_text(targets),
        )
    vocab = logits.shape[-1]
    if is_ids:
        require_indices("targets", targets.reshape(-1), vocab, "the vocabulary")
    if pad_id is not None and (not is_ids or not is_whole(pad_id, 0) or pad_id >= vocab):
        raise ArgumentError(
            "id-out-of-range",
            f"pad_id={pad_id!r} must be an id of the vocabulary, 0 to {vocab - 1}, and goes with targets that are ids",
            name="pad_id",
            given=pad_id,
            size=vocab,
        )
    losses = nn.losses.cross_entropy(logits, targets, label_smoothing=smoothing)  # [...]
    if pad_id is None:
        return mx.mean(losses)
    counted = (targets != pad_id).astype(mx.float32)
    return mx.sum(losses * counted) / mx.maximum(mx.sum(counted), 1.0)


def smoothed_targets(probabilities: Any, smoothing: float) -> Any:
    """(1 − ε)·p + ε/V for the distributions ``probabilities`` [..., V]: what the loss asks the model for.

    A one-hot row gives the target of a single label. It is also the minimizer: the loss against it is least, for
    logits that are free, where the softmax equals it, so that more data do not take the uniform part away.
    """
    require_floating("probabilities", probabilities)
    require_probability("smoothing", smoothing)
    return (1.0 - smoothing) * probabilities + smoothing / probabilities.shape[-1]


def optimal_logit_gap(smoothing: float, vocab: int) -> float:
    """How far the right token's logit stands above the others at the minimum, ln((1 − ε + ε/V) / (ε/V)); ∞ at ε = 0."""
    right, other = _target(smoothing, vocab)
    return math.log(right / other) if other > 0 else math.inf


def smoothed_loss_floor(smoothing: float, vocab: int) -> float:
    """The least value of the loss in nats: the entropy of its target, 0 at ε = 0."""
    right, other = _target(smoothing, vocab)
    return -right * math.log(right) - (vocab - 1) * (other * math.log(other) if other > 0 else 0.0)


def perplexity(probabilities: np.ndarray, predicted: np.ndarray) -> float:
    """exp of the mean cross-entropy of the true ``probabilities`` [N, V] against ``predicted`` [N, V], in float64.

    Infinite where a token that occurs was given no probability. For language models it is taken without smoothing.
    """
    p, q = np.asarray(probabilities, np.float64), np.asarray(predicted, np.float64)
    if ((p > 0) & (q <= 0)).any():
        return math.inf
    return float(np.exp(-(p * np.log(np.where(q > 0, q, 1.0))).sum(-1).mean()))


def _target(smoothing: float, vocab: int) -> tuple[float, float]:
    """The right token's share of the target, and each other's."""
    require_probability("smoothing", smoothing)
    if not is_whole(vocab, 2):
        message = f"vocab must be a whole number of at least 2; got {vocab!r}"
        raise ArgumentError("too-few-tokens", message, given=vocab)
    return 1.0 - smoothing + smoothing / vocab, smoothing / vocab
