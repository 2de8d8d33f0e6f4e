"""What may follow: the rules of a search, what it asks of a decoder, which tokens are allowed next, and what ends.

Searching is bookkeeping on a few scores a token, so it is done by NumPy on the host, by the same code and with the
same result on both backends; the model alone runs on the device.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Literal, Protocol

import numpy as np

from mlxformer.errors import ArgumentError
from mlxformer.validation import (
    is_finite_number,
    is_whole,
    require_choice,
    require_positive,
    require_positive_number,
)


@dataclass(frozen=True)
class SearchRules:
    """What to search for. Ids are of the target vocabulary; lengths count the start token, as Hugging Face's do.

    Args:
        start_id: the first token of every sequence.
        pad_id: what follows a finished one; never generated.
        eos_ids: the tokens that end a sequence.
        max_length: the longest sequence.
        num_beams: K; 1, the default, is greedy search.
        length_penalty: α, see ``beam_search``; 1.0 by default.
        early_stopping: see ``beam_search``; False by default.
        bad_words: token sequences that may not occur.
        forced_bos_id: the token after the start token; None leaves it free.
        forced_eos_id: the token at the maximum length, so that a cut sequence ends as a whole one does; None leaves it
            free.
        renormalize: whether log-probabilities sum to one again after tokens were forbidden (beam search only: it
            changes no greedy choice); False by default.
        min_length: no sequence ends by one of ``eos_ids`` before it has so many tokens; 0 by default.
        repetition_penalty: θ > 0; the score of a token that has occurred is divided by θ where it is above 0 and
            multiplied by θ where it is below (Keskar et al. 2019, §4.1). 1, the default, changes nothing.
        no_repeat_ngram_size: n; no n tokens in a row occur twice. 0, the default, allows all.
        stop_sequences: token sequences after any of which a sequence has ended; they stay in the result.
        forbid_pad: whether ``pad_id`` is never generated (unless it is one of ``eos_ids``); True by default.

    Raises:
        ArgumentError: for numbers below 1 (those that may be 0, below 0), another early_stopping, a length penalty
            beyond float32, a repetition penalty not above 0, and stop sequences that are no lists of ids.

    >>> from mlxformer.generation.rules import SearchRules
    >>> SearchRules(start_id=1, pad_id=0, eos_ids=(2,), max_length=20).num_beams
    1
    """

    start_id: int
    pad_id: int
    eos_ids: tuple[int, ...]
    max_length: int
    num_beams: int = 1
    length_penalty: float = 1.0
    early_stopping: bool | Literal["never"] = False
    bad_words: tuple[tuple[int, ...], ...] = ()
    forced_bos_id: int | None = None
    forced_eos_id: int | None = None
    renormalize: bool = False
    min_length: int = 0
    repetition_penalty: float = 1.0
    no_repeat_ngram_size: int = 0
    stop_sequences: tuple[tuple[int, ...], ...] = ()
    forbid_pad: bool = True

    def __post_init__(self) -> None:
        require_positive(max_length=self.max_length, num_beams=self.num_beams)
        for name in ("min_length", "no_repeat_ngram_size"):
            value = getattr(self, name)
            if not is_whole(value, 0):
                message = f"{name} must be a whole number of at least 0; got {value!r}"
                raise ArgumentError("negative-count", message, name=name, given=value)
        require_positive_number("repetition_penalty", self.repetition_penalty)
        _check_stops(self.stop_sequences)
        require_choice("early_stopping", self.early_stopping, (False, True, "never"))
        alpha = self.length_penalty
        if not is_finite_number(alpha):
            raise ArgumentError("length-penalty", f"length_penalty must be a finite number; got {alpha!r}", given=alpha)
        if abs(alpha) * math.log(self.max_length) > 80:  # float32 ends at e^88
            raise ArgumentError(
                "length-penalty",
                f"length_penalty={alpha!r} is too large: {self.max_length} to that power is beyond float32. "
                f"Published values lie between 0 and 2",
                given=alpha,
            )


def _check_stops(stops: Any) -> None:
    is_list = isinstance(stops, list | tuple) and all(isinstance(stop, list | tuple) for stop in stops)
    if not is_list or not all(stop and all(is_whole(token, 0) for token in stop) for stop in stops):
        message = f"stop_sequences must be a list of lists of ids, [[13], [5, 6]], none empty; got {stops!r:.80}"
        raise ArgumentError("stop-sequences", message, given=stops)


@dataclass(frozen=True, eq=False)
class Start:
    """What every sequence begins with: the start token, or a prompt of many.

    Args:
        ids: int32 [N, T0], -1 where a row has nothing: a shorter prompt begins later than a longer one.
        uncounted: [N], how many of those places do not count as length; None means that all count.
        max_new_tokens: how many tokens each row may get; None means until ``max_length`` of the rules.
        padding: int32 [N, T0], the ids that stand where a row has nothing, else -1; None means that none do. Hugging
            Face's ``no_repeat_ngram_size`` looks at these too, its ``repetition_penalty`` does not.

    >>> import numpy as np
    >>> from mlxformer.generation.rules import Start
    >>> Start(np.array([[-1, 5], [6, 7]], np.int32)).lengths(4).tolist()  # of sequences four tokens wide
    [4, 4]
    """

    ids: np.ndarray
    uncounted: np.ndarray | None = None
    max_new_tokens: int | None = None
    padding: np.ndarray | None = None

    @staticmethod
    def of(batch: int, rules: SearchRules) -> Start:
        """The start token of ``rules``, for each of ``batch`` rows.

        Args:
            batch: N.
            rules: whose start token it is.
        """
        return Start(np.full((batch, 1), rules.start_id, np.int32))

    def repeated(self, times: int) -> Start:
        """Each row ``times`` times.

        Args:
            times: how many rows each row becomes, one after another.
        """
        uncounted = None if self.uncounted is None else np.repeat(self.uncounted, times)
        padding = None if self.padding is None else np.repeat(self.padding, times, axis=0)
        return Start(np.repeat(self.ids, times, axis=0), uncounted, self.max_new_tokens, padding)

    def padded(self, sequences: np.ndarray) -> np.ndarray:
        """``sequences`` [N, T], -1 where a row has nothing, with the padding that stands there.

        Args:
            sequences: int32 [N, T].
        """
        if self.padding is None:
            return sequences
        width = self.padding.shape[1]
        first = np.where(sequences[:, :width] < 0, self.padding, sequences[:, :width])
        return np.concatenate([first, sequences[:, width:]], axis=1)

    def lengths(self, width: int) -> np.ndarray:
        """The length [N] of sequences that are ``width`` wide now.

        Args:
            width: T, with what rows have nothing in.
        """
        return np.full(len(self.ids), width) - (0 if self.uncounted is None else self.uncounted)

    def room(self, rules: SearchRules, width: int) -> np.ndarray:
        """How many tokens [N] may still follow sequences that are ``width`` wide now.

        Args:
            rules: of which ``max_length`` is asked.
            width: T.
        """
        if self.max_new_tokens is not None:
            return np.full(len(self.ids), self.ids.shape[1] + self.max_new_tokens - width)
        return rules.max_length - self.lengths(width)


class NextLogits(Protocol):
    """The decoder as a search sees it: sequences in, logits of their next tokens out.

    >>> import mlxformer as mf
    >>> from mlxformer.backend import mx
    >>> from mlxformer.generation.rules import NextLogits
    >>> model, ids = mf.Transformer(mf.TransformerConfig(20, dims=8, num_heads=2, ffn_dims=16)), mx.array([[5, 6, 7]])
    >>> decoder: NextLogits = model.start_decoding(ids)
    >>> decoder(np.array([[1]], np.int32)).shape
    (1, 20)
    """

    def __call__(self, sequences: np.ndarray) -> np.ndarray:
        """int32 [N, T], -1 where a row has nothing, one column longer at each call -> float32 [N, V].

        Args:
            sequences: all that was written so far, the start with it.
        """

    def reorder(self, rows: np.ndarray) -> None:
        """From the next call on, row i continues what was row ``rows[i]``.

        Args:
            rows: integers [N], from 0 to N − 1, some twice.
        """


def checked_logits(logits: np.ndarray, place: int) -> np.ndarray:
    """``logits``, once they are numbers; -inf, which forbids a token, is one, but not for every token of a row.

    Args:
        logits: [N, V].
        place: how many tokens the sequences have, for the message.

    Returns:
        ``logits``.

    Raises:
        ArgumentError: NaN or +inf, or a row that forbids everything, saying where.

    >>> import mlxformer as mf
    >>> from mlxformer.generation.rules import checked_logits
    >>> try:
    ...     checked_logits(np.array([[0.0, np.nan]]), 3)
    ... except mf.ArgumentError as error:
    ...     print(error)
    the logits of the token after 3 tokens are not all numbers: row 0 has nan at id 1 (of 1 such rows). ...
    """
    with np.errstate(over="ignore", invalid="ignore"):
        if np.isfinite(logits.sum(axis=-1)).all():  # then all of them are, and one look was enough
            return logits
    wrong = np.isnan(logits) | (logits == np.inf)
    rows = np.flatnonzero(wrong.any(axis=-1) | (logits == -np.inf).all(axis=-1))
    if not len(rows):
        return logits
    row = int(rows[0])
    token = int(wrong[row].argmax())
    raise ArgumentError(
        "logits-not-numbers",
        f"the logits of the token after {place} tokens are not all numbers: row {row} has {logits[row, token]} at id "
        f"{token} (of {len(rows)} such rows). Are the weights numbers, and do they fit their dtype? "
        f"`with mf.trace() as steps: model(…)` shows where it begins",
        row=row,
        token=token,
        place=place,
    )


def constrain(scores: np.ndarray, sequences: np.ndarray, rules: SearchRules, start: Start | None = None) -> np.ndarray:
    """The scores of the next tokens, with -inf where the rules do not allow one.

    In Hugging Face's order: repeated tokens, repeated n-grams, forbidden tokens, the end before the least length, then
    the forced first and last token.

    Args:
        scores: logits or log-probabilities, [N, V].
        sequences: the tokens before, [N, T], -1 where a row has nothing.
        rules: those of the search.
        start: what the N sequences begin with, which says how long each is; None means the start token.

    Returns:
        [N, V], an array of its own.

    Raises:
        ArgumentError: no token is left that a row may go on with.

    >>> from mlxformer.generation.rules import SearchRules, constrain
    >>> rules = SearchRules(start_id=1, pad_id=0, eos_ids=(2,), max_length=20)
    >>> constrain(np.zeros((1, 3)), np.array([[1]]), rules).tolist()
    [[-inf, 0.0, 0.0]]
    """
    width = sequences.shape[1]
    start = Start.of(len(sequences), rules) if start is None else start
    scores = scores.copy()
    if rules.repetition_penalty != 1:
        _penalize(scores, sequences, rules.repetition_penalty)
    if rules.no_repeat_ngram_size:
        _forbid_ngrams(scores, start.padded(sequences), rules.no_repeat_ngram_size)
    if rules.forbid_pad and rules.pad_id not in rules.eos_ids:
        scores[:, rules.pad_id] = -np.inf
    for *prefix, last in rules.bad_words:
        if not prefix and last in rules.eos_ids:
            continue
        if len(prefix) <= width:
            scores[(sequences[:, width - len(prefix) :] == prefix).all(axis=1), last] = -np.inf
    if rules.eos_ids:
        scores[np.ix_(start.lengths(width) < rules.min_length, np.array(rules.eos_ids))] = -np.inf
    if rules.forced_bos_id is not None and width == 1:
        _force(scores, slice(None), rules.forced_bos_id)
    if rules.forced_eos_id is not None:
        _force(scores, start.room(rules, width) == 1, rules.forced_eos_id)
    stuck = np.flatnonzero(scores.max(axis=-1) == -np.inf)
    if len(stuck):
        raise ArgumentError(
            "nothing-allowed",
            f"after {width} tokens the rules allow row {stuck[0]} no token at all: loosen no_repeat_ngram_size, "
            f"min_length or the forbidden tokens",
            row=int(stuck[0]),
            place=width,
        )
    return scores


def has_ended(sequences: np.ndarray, rules: SearchRules) -> np.ndarray:
    """Whether a sequence has come to its end: an end token, or a stop sequence.

    Args:
        sequences: [N, T], the newest token last.
        rules: those of the search.

    Returns:
        Boolean [N].

    >>> from mlxformer.generation.rules import SearchRules, has_ended
    >>> rules = SearchRules(start_id=1, pad_id=0, eos_ids=(2,), max_length=20, stop_sequences=((5, 6),))
    >>> has_ended(np.array([[1, 5, 2], [1, 5, 6], [1, 6, 5]]), rules).tolist()
    [True, True, False]
    """
    ended = np.isin(sequences[:, -1], rules.eos_ids)
    for stop in rules.stop_sequences:
        if len(stop) <= sequences.shape[1]:
            ended |= (sequences[:, -len(stop) :] == stop).all(axis=1)
    return ended


def _penalize(scores: np.ndarray, sequences: np.ndarray, penalty: float) -> None:
    """Keskar et al. 2019, §4.1, in place: what has occurred becomes less probable, whatever the sign of its score.

    In float32 as in Hugging Face; where it leads out of float32 it leads to its end, as ``0 / 0`` is no number and of
    two infinities none is greater.
    """
    factor, end = np.float32(min(max(penalty, 1e-30), 1e30)), np.finfo(np.float32).max / 2
    for row, tokens in zip(scores, sequences, strict=True):
        seen = np.unique(tokens[tokens >= 0])
        given = row[seen]
        with np.errstate(over="ignore"):
            penalized = np.where(given < 0, given * factor, given / factor).clip(-end, end)
        row[seen] = np.where(np.isfinite(given), penalized, given)


def _forbid_ngrams(scores: np.ndarray, sequences: np.ndarray, size: int) -> None:
    """-inf, in place, for what would complete n tokens that stand in the row already."""
    if sequences.shape[1] < size:
        return
    grams = np.lib.stride_tricks.sliding_window_view(sequences, size, axis=1)  # [N, T - n + 1, n]
    newest = sequences[:, sequences.shape[1] - size + 1 :]  # [N, n - 1]
    repeats = (grams[:, :, :-1] == newest[:, None]).all(axis=-1) & (grams >= 0).all(axis=-1)
    for row, place in zip(*np.nonzero(repeats), strict=True):
        if grams[row, place, -1] < scores.shape[1]:  # padding may lie beyond the vocabulary
            scores[row, grams[row, place, -1]] = -np.inf


def _force(scores: np.ndarray, rows: Any, token: int) -> None:
    scores[rows] = -np.inf
    scores[rows, token] = 0.0


def log_softmax(logits: np.ndarray) -> np.ndarray:
    """``x - log Σ exp(x)`` over the last axis, by the maximum so that nothing overflows.

    Args:
        logits: of any shape.

    Returns:
        The same shape.

    >>> from mlxformer.generation.rules import log_softmax
    >>> np.exp(log_softmax(np.zeros(4))).tolist()
    [0.25, 0.25, 0.25, 0.25]
    """
    shifted = logits - logits.max(axis=-1, keepdims=True)
    shifted -= np.log(np.exp(shifted).sum(axis=-1, keepdims=True))
    return shifted
