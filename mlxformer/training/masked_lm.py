"""BERT's masked language modeling: which tokens to predict, what to put in their places, and the loss.

    chosen      each token that may be, with probability ``rate``                     (15 % in the paper)
    of those    80 % become [MASK], 10 % a random token, 10 % stay as they are        (``split``)
    loss        the mean of −log p(token) over the chosen places alone

Source: Devlin et al. 2019, §3.1 and App. A.1. Google's code (google-research/bert, create_pretraining_data.py) takes an
exact count of each sequence and writes several masked copies of the data beforehand (static masking); drawing anew in
each epoch, as RoBERTa does (Liu et al. 2019, §4.1), is calling ``mask_tokens`` anew. Each token draws for itself here.

masked = mask_tokens(ids, np.random.default_rng(0), rate=0.15, special=[0, 2, 3, 4], mask_id=4, vocab_size=8000)
loss = masked_language_model_loss(model(mx.array(masked.input_ids)).logits, ids, masked.predicted)
"""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence
from numbers import Real
from typing import Any, NamedTuple

import numpy as np

from mlxformer.axes import TOKENS, VOCAB
from mlxformer.backend import is_array, mx, nn, to_numpy
from mlxformer.errors import ArgumentError
from mlxformer.validation import fields_text, is_whole, require_floating, require_positive, require_shape

MASKED, RANDOM, KEPT = 1, 2, 3
"""What ``MaskedTokens.treatment`` says of a chosen place; 0 where it was not chosen."""


class MaskedTokens(NamedTuple):
    """What ``mask_tokens`` gives: NumPy arrays of the ids' shape, [T] or [B, T].

    Args:
        input_ids: int32, the corrupted ids: what the model reads.
        predicted: bool, True at the chosen places: what it is to predict.
        treatment: int8, 0 where nothing was chosen, else ``MASKED`` (1), ``RANDOM`` (2) or ``KEPT`` (3).

    >>> import numpy as np
    >>> from mlxformer.training.masked_lm import MaskedTokens
    >>> MaskedTokens(np.array([4, 9]), np.array([True, False]), np.array([1, 0])).predicted.sum()
    np.int64(1)
    """

    input_ids: np.ndarray
    predicted: np.ndarray
    treatment: np.ndarray

    def __repr__(self) -> str:
        return fields_text(self)


def mask_tokens(
    ids: mx.array | np.ndarray | Sequence[int] | Sequence[Sequence[int]],
    generator: np.random.Generator,
    *,
    rate: float,
    special: Collection[int],
    mask_id: int,
    vocab_size: int,
    split: Sequence[float] = (0.8, 0.1, 0.1),
    words: mx.array | np.ndarray | Sequence[int] | Sequence[Sequence[int]] | None = None,
    at_least_one: bool = False,
) -> MaskedTokens:
    """Corrupt ids as BERT's pre-training does: each token may be chosen, and a chosen one is masked, replaced or kept.

    What is drawn depends on ``generator`` and the shape of ``ids`` alone, so at one seed the places chosen at a lower
    rate are among those chosen at a higher one.

    Args:
        ids: whole numbers [T] or [B, T], of NumPy or the backend.
        generator: what draws.
        rate: the probability, 0 to 1, with which each token is chosen; 0.15 in the paper.
        special: ids that are never chosen and never drawn as random tokens ([CLS], [SEP], [PAD], [MASK]; where nothing
            is to be learned of it, [UNK]).
        mask_id: the id of [MASK].
        vocab_size: V; random tokens are drawn from 0 to V − 1 without ``special``.
        split: the shares of [MASK], random and unchanged among the chosen; they sum to 1. A random token may be the
            very one it replaces, as in Google's code.
        words: whole numbers of the ids' shape; neighbors of one number in a row are one word and chosen or spared
            together (whole-word masking, as google-research/bert has had since May 2019; ``whole_words`` makes them),
            each piece still with its own draw of the three. None: each token is a word.
        at_least_one: True: a row in which chance chose nothing predicts one token (one word) all the same, if it has
            any; it raises the share in short rows.

    Returns:
        The corrupted ids, the chosen places, and what was done there: a ``MaskedTokens``.

    Raises:
        ArgumentError: ids that are no whole numbers or outside the vocabulary, another rank, a rate outside 0 to 1,
            shares that are negative or do not sum to 1, a vocabulary that is all special.

    Source: Devlin et al. 2019, §3.1 and App. A.1.

    >>> import numpy as np
    >>> import mlxformer as mf
    >>> ids = np.arange(5, 105)
    >>> masked = mf.mask_tokens(ids, np.random.default_rng(0), rate=0.15, special=[4], mask_id=4, vocab_size=200)
    >>> bool((masked.input_ids[~masked.predicted] == ids[~masked.predicted]).all())
    True
    """
    given = _whole_numbers("ids", ids)
    if given.ndim not in (1, 2):
        raise ArgumentError("mlm-shape", f"ids must have shape [T] or [B, T]; got {given.ndim} axes", given=given.ndim)
    rows = np.atleast_2d(given)
    require_positive(vocab_size=vocab_size)
    _require_share("rate", rate)
    shares = _split(split)
    for index in (mask_id, *special):
        if not is_whole(index, 0) or index >= vocab_size:
            _out_of_range("mask_id and special", index, vocab_size)
    if rows.size and not (rows.min() >= 0 and rows.max() < vocab_size):
        _out_of_range("ids", int(rows.min()) if rows.min() < 0 else int(rows.max()), vocab_size)
    ordinary = np.setdiff1d(np.arange(vocab_size), np.array([*special], int))
    if not len(ordinary):
        message = f"all {vocab_size} ids are special: there is nothing to mask"
        raise ArgumentError("mlm-all-special", message, size=vocab_size)

    lots, kinds = generator.random(rows.shape), generator.random(rows.shape)
    replacements = ordinary[generator.integers(0, len(ordinary), rows.shape)]
    eligible = ~np.isin(rows, [*special])
    if words is not None:
        lots = _one_lot_a_word(lots, words, given.shape)
    chosen = lots < rate
    if at_least_one:
        least = np.where(eligible, lots, np.inf).min(axis=-1, keepdims=True, initial=np.inf)
        chosen |= lots == least
    chosen &= eligible
    treatment = np.where(kinds < shares[0], MASKED, np.where(kinds < shares[0] + shares[1], RANDOM, KEPT))
    treatment = np.where(chosen, treatment, 0).astype(np.int8)
    corrupted = np.where(treatment == MASKED, mask_id, np.where(treatment == RANDOM, replacements, rows))
    shape = given.shape
    return MaskedTokens(corrupted.astype(np.int32).reshape(shape), chosen.reshape(shape), treatment.reshape(shape))


def whole_words(tokens: Sequence[str]) -> np.ndarray:
    """Which word each WordPiece token belongs to: a piece with ``##`` belongs to the token before it.

    A Chinese character is a word of its own to WordPiece; for words of several characters (Cui et al. 2019) give
    ``mask_tokens`` a segmenter's numbers.

    Args:
        tokens: T tokens as they are written.

    Returns:
        int64 [T], counted from 0: ``words`` of ``mask_tokens``.

    >>> from mlxformer.training.masked_lm import whole_words
    >>> whole_words(["un", "##aff", "##able", "me"]).tolist()
    [0, 0, 0, 1]
    """
    begins = [not token.startswith("##") for token in tokens]
    return np.maximum(np.cumsum(begins, dtype=np.int64) - 1, 0)


def masked_language_model_loss(
    logits: mx.array, labels: mx.array | np.ndarray, predicted: mx.array | np.ndarray
) -> mx.array:
    """``−(1/N) Σ log softmax(logits)[label]`` over the N places to predict.

    Args:
        logits: floating point [B, T, V].
        labels: the uncorrupted ids, integers [B, T], of NumPy or the backend; only those to predict are looked at.
        predicted: booleans [B, T], of NumPy or the backend: where to predict.

    Returns:
        A scalar, float32, in nats; 0 where N is 0.

    Raises:
        ArgumentError: shapes that differ, or ``predicted`` that is not boolean.

    Source: Devlin et al. 2019, §3.1 and App. A.2.

    >>> import mlxformer as mf
    >>> from mlxformer.backend import mx
    >>> loss = mf.masked_language_model_loss(mx.zeros((1, 2, 8)), mx.array([[5, 6]]), mx.array([[False, True]]))
    >>> round(float(loss), 4)  # ln 8
    2.0794
    """
    require_floating("logits", logits)
    require_shape("logits", logits, VOCAB)
    wanted, chosen = _array(labels), _array(predicted)
    for name, x in (("labels", wanted), ("predicted", chosen)):
        require_shape(name, x, TOKENS, tuple(logits.shape[:2]))
    if chosen.dtype != mx.bool_:
        message = f"predicted must be boolean, True at the places to predict; got {chosen.dtype}"
        raise ArgumentError("mlm-predicted", message, given=str(chosen.dtype))
    wanted = mx.where(chosen, wanted.astype(mx.int32), 0)
    losses = nn.losses.cross_entropy(logits.astype(mx.float32), wanted, reduction="none")  # [B, T]
    count = mx.sum(chosen.astype(mx.float32))
    return mx.sum(mx.where(chosen, losses, 0.0)) / mx.maximum(count, 1.0)


def _array(x: Any) -> mx.array:
    return x if is_array(x) else mx.array(np.asarray(x))


def _whole_numbers(name: str, x: object) -> np.ndarray:
    array = to_numpy(x) if is_array(x) else np.asarray(x)
    if not np.issubdtype(array.dtype, np.integer):
        message = f"{name} must be whole numbers; got {array.dtype}"
        raise ArgumentError("ids-not-integers", message, name=name, given=str(array.dtype))
    return array


def _one_lot_a_word(lots: np.ndarray, words: object, shape: tuple[int, ...]) -> np.ndarray:
    """Each token's lot, replaced by that of the first token of its word."""
    numbers = _whole_numbers("words", words)
    if numbers.shape != shape:
        message = f"words must have the shape of ids, {list(shape)}; got {list(numbers.shape)}"
        raise ArgumentError(
            "wrong-shape", message, name="words", wanted=str(list(shape)), given=str(list(numbers.shape))
        )
    numbers = np.atleast_2d(numbers)
    begins = np.ones(numbers.shape, bool)
    begins[:, 1:] = numbers[:, 1:] != numbers[:, :-1]
    first = np.maximum.accumulate(np.where(begins, np.arange(numbers.shape[1]), 0), axis=1)
    return np.take_along_axis(lots, first, axis=1)


def _require_share(name: str, value: object) -> None:
    if isinstance(value, bool) or not isinstance(value, Real) or not 0 <= float(value) <= 1:
        raise ArgumentError("not-a-share", f"{name} must be from 0 to 1; got {value!r}", name=name, given=value)


def _split(split: Sequence[float]) -> tuple[float, ...]:
    shares = tuple(split)
    for share in shares:
        _require_share("each share of split", share)
    if len(shares) != 3 or not math.isclose(sum(shares), 1.0, abs_tol=1e-6):
        message = f"split must be three shares ([MASK], random, unchanged) that sum to 1; got {shares}"
        raise ArgumentError("mlm-split", message, given=shares)
    return shares


def _out_of_range(name: str, index: object, size: int) -> None:
    message = f"{name} hold {index!r}, but the vocabulary has ids 0 to {size - 1}"
    raise ArgumentError("id-out-of-range", message, name=name, given=index, size=size, what="the vocabulary")
