"""Losses of a head against labels: classes, numbers, several classes at once, and the two ends of an answer.

A label of −100 is not looked at, as in torch and Hugging Face. Sums are in float32; where nothing is to be looked at
the loss is 0, and so are its gradients (torch's is NaN).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeAlias

import numpy as np

from mlxformer.axes import LABELS
from mlxformer.backend import is_array, is_evaluable, mx, nn, to_numpy
from mlxformer.errors import ArgumentError
from mlxformer.validation import require_shape, shape_text

IGNORED = -100

Labels: TypeAlias = "mx.array | np.ndarray | Sequence[Any]"  # nested lists, too


def class_loss(logits: mx.array, labels: Labels, name: str = "labels") -> mx.array:
    """``−(1/N) Σ log softmax(logits)[label]`` over the N labels that are not −100.

    Args:
        logits: floating point [..., V].
        labels: integers [...], 0 to V − 1, or −100; an array, or nested lists.
        name: what they are called in errors.

    Returns:
        A float32 scalar, in nats.

    Raises:
        ArgumentError: shapes that differ, labels that are no whole numbers or out of range (the range is not checked
            inside ``mx.compile``).

    >>> from mlxformer.backend import mx
    >>> from mlxformer.training.label_losses import class_loss
    >>> round(float(class_loss(mx.zeros((2, 8)), mx.array([3, -100]))), 4)  # ln 8
    2.0794
    """
    given = as_array(labels)
    if not mx.issubdtype(given.dtype, mx.integer):
        message = f"{name} must be whole numbers, a class each; got {given.dtype}"
        raise ArgumentError("labels-not-integers", message, name=name, given=str(given.dtype))
    _require_like(name, given, logits.shape[:-1])
    size = logits.shape[-1]
    if is_evaluable(given):
        values = to_numpy(given)
        wrong = values[(values != IGNORED) & ((values < 0) | (values >= size))]
        if wrong.size:
            raise ArgumentError(
                "label-out-of-range",
                f"{name} holds {wrong.flat[0]}; there are {size} classes, 0 to {size - 1}, and {IGNORED} is not looked "
                f"at",
                name=name,
                given=int(wrong.flat[0]),
                size=size,
            )
    counted = given != IGNORED
    wanted = mx.where(counted, given.astype(mx.int32), 0)
    losses = nn.losses.cross_entropy(logits.astype(mx.float32), wanted, reduction="none")
    return mx.sum(mx.where(counted, losses, 0.0)) / mx.maximum(mx.sum(counted.astype(mx.float32)), 1.0)


def classification_loss(logits: mx.array, labels: Labels, problem_type: str | None) -> mx.array:
    """The loss of a classifier of whole texts, by the kind of its labels.

    ``"regression"``: the mean of ``(logit − label)²``. ``"single_label_classification"``: ``class_loss``.
    ``"multi_label_classification"``: the mean of ``−y log σ(z) − (1 − y) log σ(−z)``. None: the first for one label,
    else the second for whole numbers and the third for others, as in Hugging Face.

    Args:
        logits: floating point [B, num_labels].
        labels: [B]; [B, num_labels] of several labels, or of several numbers.
        problem_type: which.

    Returns:
        A float32 scalar.

    Raises:
        ArgumentError: labels of another shape or kind.

    >>> from mlxformer.backend import mx
    >>> from mlxformer.training.label_losses import classification_loss
    >>> float(classification_loss(mx.array([[2.0], [5.0]]), mx.array([1.0, 5.0]), None))
    0.5
    """
    given = as_array(labels)
    count = logits.shape[-1]
    if problem_type is None:
        whole = mx.issubdtype(given.dtype, mx.integer)
        kinds = ("single_label_classification", "multi_label_classification")
        problem_type = "regression" if count == 1 else kinds[0] if whole else kinds[1]
    if problem_type == "single_label_classification":
        return class_loss(logits, given)
    values = logits.astype(mx.float32)
    if problem_type == "regression" and count == 1 and len(given.shape) == 1:
        values = values[:, 0]
    _require_like("labels", given, values.shape)
    wanted = given.astype(mx.float32)
    if problem_type == "regression":
        return mx.mean(mx.square(values - wanted))
    return mx.mean(nn.losses.binary_cross_entropy(values, wanted, reduction="none"))


def span_loss(
    start_logits: mx.array, end_logits: mx.array, start_positions: Labels | None, end_positions: Labels | None
) -> mx.array:
    """The mean of the two ends' ``class_loss``; a place beyond the text is not looked at, as in Hugging Face.

    Args:
        start_logits: floating point [B, T].
        end_logits: floating point [B, T].
        start_positions: integers [B], the answer's first token; T or more, or −100, is not looked at.
        end_positions: integers [B], its last.

    Returns:
        A float32 scalar, in nats.

    Raises:
        ArgumentError: one of the two positions without the other, other shapes, negative places.

    >>> from mlxformer.backend import mx
    >>> from mlxformer.training.label_losses import span_loss
    >>> zeros = mx.zeros((1, 8))
    >>> round(float(span_loss(zeros, zeros, mx.array([3]), mx.array([5]))), 4)  # ln 8
    2.0794
    """
    losses = []
    for name, logits, positions in (
        ("start_positions", start_logits, start_positions),
        ("end_positions", end_logits, end_positions),
    ):
        if positions is None:
            message = f"start_positions and end_positions are given together; {name} is missing"
            raise ArgumentError("positions-missing", message, name=name)
        places = as_array(positions)
        places = mx.where(places >= logits.shape[1], IGNORED, places)
        losses.append(class_loss(logits, places, name))
    return (losses[0] + losses[1]) * 0.5


def as_array(labels: Labels) -> mx.array:
    """Labels as an array of the running backend; lists and NumPy arrays are made one.

    Args:
        labels: numbers of any shape: an array of the running backend, or what NumPy makes an array of.

    Returns:
        The array; whole numbers are int32 or int64, which −100 and any length can be compared with.

    Raises:
        ArgumentError: words, nested lists of unequal lengths and whatever else is no array of numbers.

    >>> from mlxformer.training.label_losses import as_array
    >>> as_array([[1, 0]]).shape
    (1, 2)
    """
    if not is_array(labels):
        try:
            values = np.asarray(labels)
        except ValueError:  # of unequal lengths
            values = np.asarray(None)
        if values.dtype.kind not in "biuf":
            message = f"labels must be an array or nested lists of numbers; got {labels!r:.80}"
            raise ArgumentError("labels-not-numbers", message, given=f"{labels!r:.80}")
        labels = mx.array(values)
    narrow = mx.issubdtype(labels.dtype, mx.integer) and labels.dtype not in (mx.int32, mx.int64)
    return labels.astype(mx.int64) if narrow else labels


def _require_like(name: str, given: mx.array, shape: Sequence[int]) -> None:
    axes = LABELS[: len(shape)]
    if tuple(given.shape) != tuple(shape):
        wanted = f"[{', '.join(map(str, shape))}]"
        raise ArgumentError(
            "wrong-shape",
            f"{name} must have shape {wanted}, one for each of the logits; got {shape_text(given)}",
            name=name,
            wanted=wanted,
            given=shape_text(given),
        )
    require_shape(name, given, axes)
