"""Losses."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..absent import absent
from ..broadcasting import sum
from ..cross_entropies import cross_entropy_of_ids
from ..elementwise import clip, log, multiply, square, stop_gradient, subtract
from ..operands import operand
from ..reductions import logsumexp, max, mean
from .activations import softplus

REDUCTIONS = ("none", "mean", "sum")


def _reduced(loss: Any, reduction: str) -> Any:
    if reduction not in REDUCTIONS:
        raise ValueError(f"Invalid reduction. Must be 'none', 'mean' or 'sum', not {reduction!r}.")
    return {"mean": mean, "sum": sum, "none": lambda loss: loss}[reduction](loss)


def _weighted(loss: Any, weights: Any) -> Any:
    if weights is None:
        return loss
    weights = operand(weights)
    if weights.shape != loss.shape:
        raise ValueError(f"Weights with shape {weights.shape} is not the same as output loss with shape {loss.shape}.")
    return multiply(loss, weights)


def cross_entropy(
    logits: Any,
    targets: Any,
    weights: Any = None,
    axis: int = -1,
    label_smoothing: float = 0.0,
    reduction: str = "none",
) -> Any:
    """−log softmax(logits)[target] along ``axis``; ``targets`` are class ids, or probabilities of logits' rank.

    With smoothing ε the target is (1 − ε)·onehot + ε/K (Szegedy et al. 2016, §7).
    """
    if label_smoothing < 0 or label_smoothing >= 1:
        raise ValueError(f"Label smoothing must be in [0, 1), got {label_smoothing}.")
    logits, targets = operand(logits), operand(targets)
    as_probabilities = targets.ndim == logits.ndim
    if (as_probabilities and targets.shape != logits.shape) or (
        not as_probabilities and targets.shape != _without(logits.shape, axis)
    ):
        raise ValueError(f"Targets shape {targets.shape} does not match logits shape {logits.shape}.")
    if as_probabilities:
        loss = _of_probabilities(logits, targets, axis, label_smoothing)
    else:
        loss = cross_entropy_of_ids(logits, targets, axis, label_smoothing)
    return _reduced(_weighted(loss, weights), reduction)


def _of_probabilities(logits: Any, targets: Any, axis: int, smoothing: float) -> Any:
    # Shifted first, as in MLX: it matters where probabilities do not sum to 1.
    logits = subtract(logits, stop_gradient(max(logits, axis, True)))
    loss = logsumexp(logits, axis=axis) - (1 - smoothing) * sum(multiply(logits, targets), axis=axis)
    return loss - smoothing * mean(logits, axis=axis) if smoothing else loss


def _without(shape: tuple[int, ...], axis: int) -> tuple[int, ...]:
    return tuple(np.delete(shape, axis).tolist())


def binary_cross_entropy(
    inputs: Any, targets: Any, weights: Any = None, with_logits: bool = True, reduction: str = "mean"
) -> Any:
    """−t·log p − (1 − t)·log(1 − p), where p is σ(inputs), or ``inputs`` itself (its logs held at −100)."""
    inputs, targets = operand(inputs), operand(targets)
    if inputs.shape != targets.shape:
        raise ValueError(f"Inputs shape {inputs.shape} does not match targets shape {targets.shape}.")
    if with_logits:
        loss = softplus(inputs) - inputs * targets
    else:
        positive = clip(log(inputs), -100, None)
        negative = clip(log(1 - inputs), -100, None)
        loss = -(targets * positive + (1 - targets) * negative)
    return _reduced(_weighted(loss, weights), reduction)


def mse_loss(predictions: Any, targets: Any, reduction: str = "mean") -> Any:
    """(prediction − target)²"""
    predictions, targets = operand(predictions), operand(targets)
    if predictions.shape != targets.shape:
        raise ValueError(f"Predictions shape {predictions.shape} does not match targets shape {targets.shape}.")
    return _reduced(square(predictions - targets), reduction)


__all__ = ["binary_cross_entropy", "cross_entropy", "mse_loss"]


def __getattr__(name: str) -> Any:
    raise absent("nn.losses", name)
