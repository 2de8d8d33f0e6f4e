"""Label smoothing: the target is no longer one token but a mixture of it with the uniform distribution.

    t = (1 − ε)·onehot(y) + ε/V          loss = −Σ_v t_v log softmax(z)_v

(Szegedy et al. 2016, §7; Vaswani et al. 2017, §5.4, with ε = 0.1.) The uniform part includes the right token, as in
torch and MLX; tensor2tensor and fairseq share ε out among the V − 1 others instead, which is this loss with
ε·V/(V − 1).
"""

from __future__ import annotations

import math

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
    logits: mx.array, targets: mx.array, *, smoothing: float = 0.1, pad_id: int | None = None
) -> mx.array:
    """The mean over all positions of ``−Σ_v t_v log softmax(z)_v``, t the target mixed with the uniform distribution.

        t = (1 − ε)·onehot(y) + ε/V

    Args:
        logits: z, floating point [..., V].
        targets: ids, integers [...], or probabilities [..., V] to be smoothed likewise.
        smoothing: ε, at least 0 and below 1; with 0 it is the cross-entropy itself.
        pad_id: positions with this target id are left out of the mean; None takes all. Where none is left it is 0.

    Returns:
        A scalar, float32, in nats.

    Raises:
        ArgumentError: logits that are not floating point, targets of another shape or outside the vocabulary (not
            checked inside ``mx.compile``), ``pad_id`` beside probabilities, ``smoothing`` outside [0, 1).

    Source: Szegedy et al. 2016, §7; Vaswani et al. 2017, §5.4, with ε = 0.1.

    >>> import mlxformer as mf
    >>> from mlxformer.backend import mx
    >>> logits, targets = mx.zeros((2, 3, 10)), mx.array([[4, 5, 0], [6, 0, 0]])
    >>> round(float(mf.label_smoothed_cross_entropy(logits, targets, pad_id=0)), 4)  # ln 10
    2.3026
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
    # In float32: the sum over the vocabulary leaves float16 at V = 58,101 already.
    losses = nn.losses.cross_entropy(logits.astype(mx.float32), targets, label_smoothing=smoothing)  # [...]
    if pad_id is None:
        return mx.mean(losses)
    counted = (targets != pad_id).astype(mx.float32)
    return mx.sum(losses * counted) / mx.maximum(mx.sum(counted), 1.0)


def smoothed_targets(probabilities: mx.array, smoothing: float) -> mx.array:
    """``(1 − ε)·p + ε/V``: what the loss asks the model for.

    A one-hot row gives the target of a single label. It is also the minimizer: the loss against it is least, for logits
    that are free, where the softmax equals it, so that more data do not take the uniform part away.

    Args:
        probabilities: p, distributions, floating point [..., V].
        smoothing: ε, at least 0 and below 1.

    Returns:
        [..., V]; each row sums to 1.

    Raises:
        ArgumentError: numbers that are not floating point, or ``smoothing`` outside [0, 1).

    Source: Szegedy et al. 2016, §7.

    >>> from mlxformer.backend import mx
    >>> from mlxformer.training.label_smoothing import smoothed_targets
    >>> [round(share, 3) for share in smoothed_targets(mx.array([1.0, 0.0, 0.0, 0.0]), 0.1).tolist()]
    [0.925, 0.025, 0.025, 0.025]
    """
    require_floating("probabilities", probabilities)
    require_probability("smoothing", smoothing)
    return (1.0 - smoothing) * probabilities + smoothing / probabilities.shape[-1]


def optimal_logit_gap(smoothing: float, vocab_size: int) -> float:
    """How far the right token's logit stands above the others where the loss is least.

        ln((1 − ε + ε/V) / (ε/V))

    Args:
        smoothing: ε, at least 0 and below 1.
        vocab_size: V, at least 2.

    Returns:
        The difference of logits; infinite at ε = 0.

    Raises:
        ArgumentError: numbers outside these ranges.

    >>> from mlxformer.training.label_smoothing import optimal_logit_gap
    >>> round(optimal_logit_gap(0.1, 37_000), 2)
    12.72
    """
    right, other = _target(smoothing, vocab_size)
    return math.log(right / other) if other > 0 else math.inf


def smoothed_loss_floor(smoothing: float, vocab_size: int) -> float:
    """The least value of the smoothed loss: the entropy of its target, ``−Σ_v t_v ln t_v``.

    Args:
        smoothing: ε, at least 0 and below 1.
        vocab_size: V, at least 2.

    Returns:
        Nats; 0 at ε = 0.

    Raises:
        ArgumentError: numbers outside these ranges.

    >>> from mlxformer.training.label_smoothing import smoothed_loss_floor
    >>> round(smoothed_loss_floor(0.1, 37_000), 3)
    1.377
    """
    right, other = _target(smoothing, vocab_size)
    return -right * math.log(right) - (vocab_size - 1) * (other * math.log(other) if other > 0 else 0.0)


def perplexity(probabilities: np.ndarray, predicted: np.ndarray) -> float:
    """``exp(−(1/N) Σ_n Σ_v p_nv ln q_nv)``, in float64; for language models it is taken without smoothing.

    Args:
        probabilities: p, the true distributions, [N, V].
        predicted: q, those of a model, [N, V].

    Returns:
        At least 1; infinite where a token that occurs was given no probability.

    >>> import numpy as np
    >>> from mlxformer.training.label_smoothing import perplexity
    >>> round(perplexity(np.eye(4), np.full((4, 4), 0.25)), 6)
    4.0
    """
    p, q = np.asarray(probabilities, np.float64), np.asarray(predicted, np.float64)
    if ((p > 0) & (q <= 0)).any():
        return math.inf
    return float(np.exp(-(p * np.log(np.where(q > 0, q, 1.0))).sum(-1).mean()))


def _target(smoothing: float, vocab_size: int) -> tuple[float, float]:
    """The right token's share of the target, and each other's."""
    require_probability("smoothing", smoothing)
    if not is_whole(vocab_size, 2):
        message = f"vocab_size must be a whole number of at least 2; got {vocab_size!r}"
        raise ArgumentError("too-few-tokens", message, given=vocab_size)
    return 1.0 - smoothing + smoothing / vocab_size, smoothing / vocab_size
