"""T5's span corruption: stretches of the text are replaced by one sentinel each, and the target spells them out.

    text      Thank you for inviting me to your party last week
    input     Thank you <X> me to your party <Y> week
    target    <X> for inviting <Y> last <Z>

Source: Raffel et al. 2020, "Exploring the Limits of Transfer Learning with a Unified Text-to-Text Transformer", §3.1.4
and Figure 2; the drawing of the spans as in Google's code (text-to-text-transfer-transformer, preprocessors.py,
random_spans_noise_mask), whose targets end with the end-of-sequence token where the paper's figure has a last sentinel.

mask = span_noise_mask(len(ids), np.random.default_rng(0), density=0.15, mean_span=3.0)
inputs, targets = corrupt_spans(ids, mask, sentinels)
"""

from __future__ import annotations

from collections.abc import Sequence
from numbers import Real

import numpy as np

from mlxformer.errors import ArgumentError
from mlxformer.validation import is_whole

Ids = Sequence[int] | np.ndarray


def span_noise_mask(
    length: int,
    generator: np.random.Generator,
    *,
    density: float = 0.15,
    mean_span: float = 3.0,
    roll: bool = False,
) -> np.ndarray:
    """Which of ``length`` tokens are dropped.

    ``round(length · density)`` tokens, at least 1 and at most ``length − 1``, in ``round(tokens / mean_span)`` spans,
    at least 1. Kept and dropped stretches alternate, a kept one first, all divisions being equally likely. So the last
    token is always dropped, and a single span always stands at the end, unless ``roll`` is given.

    Args:
        length: T, at least 2, so that something is kept.
        generator: what draws.
        density: the share of tokens to drop, between 0 and 1, both excluded; 0.15 in the paper.
        mean_span: the mean length of a span in tokens, at least 1; 3 in the paper.
        roll: True turns the mask by a random number of places, as an option of Google's code does.

    Returns:
        Booleans [T], True at what is dropped.

    Raises:
        ArgumentError: numbers outside these ranges.

    Source: Raffel et al. 2020, §3.1.4, and its code.

    >>> import numpy as np
    >>> from mlxformer.training.span_corruption import span_noise_mask
    >>> int(span_noise_mask(100, np.random.default_rng(0)).sum())
    15
    """
    if not is_whole(length, 2):
        message = f"length must be a whole number of at least 2, so that something is kept; got {length!r}"
        raise ArgumentError("spans-length", message, given=length)
    if isinstance(density, bool) or not isinstance(density, Real) or not 0 < density < 1:
        message = f"density must lie between 0 and 1, both excluded; got {density!r}"
        raise ArgumentError("spans-density", message, given=density)
    if isinstance(mean_span, bool) or not isinstance(mean_span, Real) or not 1 <= mean_span < float("inf"):
        message = f"mean_span must be a number of at least 1; got {mean_span!r}"
        raise ArgumentError("spans-mean", message, given=mean_span)
    dropped = min(max(round(length * density), 1), length - 1)
    spans = min(max(round(dropped / mean_span), 1), dropped, length - dropped)
    lengths = np.stack([_segments(length - dropped, spans, generator), _segments(dropped, spans, generator)], axis=1)
    mask = np.repeat(np.tile([False, True], spans), lengths.reshape(-1))
    return np.roll(mask, int(generator.integers(length))) if roll else mask


def corrupt_spans(ids: Ids, mask: np.ndarray, sentinels: Sequence[int]) -> tuple[np.ndarray, np.ndarray]:
    """T5's input and target: each dropped span stands as one sentinel in the input, and the target spells it out.

    Args:
        ids: whole numbers [T].
        mask: booleans [T], True at what is dropped; ``span_noise_mask`` makes one.
        sentinels: ids that stand for the spans, the first for the first; at least one more than there are spans, for
            the last one ends the target.

    Returns:
        The input and the target, int32 arrays.

    Raises:
        ArgumentError: a mask of another length, too few sentinels, one used twice, a text that holds one.

    Source: Raffel et al. 2020, §3.1.4 and Figure 2.

    >>> from mlxformer.training.span_corruption import corrupt_spans
    >>> inputs, targets = corrupt_spans([1, 2, 3, 4, 5], [False, True, True, False, True], sentinels=[99, 98, 97])
    >>> inputs.tolist(), targets.tolist()
    ([1, 99, 4, 98], [99, 2, 3, 98, 5, 97])
    """
    tokens, dropped = np.asarray(ids, np.int32), np.asarray(mask, bool)
    if dropped.shape != tokens.shape or tokens.ndim != 1:
        message = f"mask must say of each of the {len(tokens)} ids whether it is dropped; got shape {dropped.shape}"
        raise ArgumentError("spans-mask", message, length=len(tokens), given=str(dropped.shape))
    begins = dropped & ~np.concatenate([[False], dropped[:-1]])
    spans = int(begins.sum())
    marks = _sentinels(sentinels, tokens, spans + 1)
    inputs: list[int] = []
    targets: list[int] = []
    for token, gone, first in zip(tokens.tolist(), dropped.tolist(), begins.tolist(), strict=True):
        if first:
            inputs.append(marks[0])
            targets.append(marks.pop(0))
        (targets if gone else inputs).append(token)
    targets.append(marks[0])
    return np.array(inputs, np.int32), np.array(targets, np.int32)


def restore_spans(inputs: Ids, targets: Ids, sentinels: Sequence[int]) -> np.ndarray:
    """The text that ``corrupt_spans`` made ``inputs`` and ``targets`` of: nothing of it is lost.

    Args:
        inputs: the corrupted input, whole numbers [Ti].
        targets: its target, whole numbers [Tt].
        sentinels: those that it was made with.

    Returns:
        int32 [T].

    Raises:
        ArgumentError: an input that holds a sentinel which the target does not spell out.

    >>> from mlxformer.training.span_corruption import restore_spans
    >>> restore_spans([1, 99, 4, 98], [99, 2, 3, 98, 5, 97], sentinels=[99, 98, 97]).tolist()
    [1, 2, 3, 4, 5]
    """
    marks = {int(mark) for mark in sentinels}
    spelled: dict[int, list[int]] = {}
    span: list[int] = []
    for token in np.asarray(targets).tolist():
        if token in marks:
            span = spelled.setdefault(token, [])
        else:
            span.append(token)
    text: list[int] = []
    for token in np.asarray(inputs).tolist():
        if token in marks and token not in spelled:
            message = f"the input holds the sentinel {token}, which the target does not spell out"
            raise ArgumentError("spans-sentinel-missing", message, sentinel=token)
        text.extend(spelled[token] if token in marks else [token])
    return np.array(text, np.int32)


def _segments(items: int, segments: int, generator: np.random.Generator) -> np.ndarray:
    """``segments`` lengths of at least 1 that add up to ``items``, each such division as likely as any other."""
    cuts = np.sort(generator.permutation(items - 1)[: segments - 1]) + 1
    return np.diff(np.concatenate([[0], cuts, [items]]))


def _sentinels(sentinels: Sequence[int], tokens: np.ndarray, wanted: int) -> list[int]:
    marks = [int(mark) for mark in sentinels]
    if len(marks) < wanted:
        message = f"{wanted - 1} spans need {wanted} sentinels, one of them for the end; got {len(marks)}"
        raise ArgumentError("spans-sentinels-few", message, wanted=wanted, given=len(marks))
    if len(set(marks)) < len(marks) or np.isin(tokens, marks).any():
        message = "each sentinel must be an id of its own, that the text does not hold"
        raise ArgumentError("spans-sentinels-used", message)
    return marks
