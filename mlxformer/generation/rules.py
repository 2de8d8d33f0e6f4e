"""What may follow: the rules of a search, what it asks of a decoder, and which tokens are allowed next.

Searching is bookkeeping on a few scores a token, so it is done by NumPy on the host, by the same code and with the
same result on both backends; the model alone runs on the device.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from numbers import Real
from typing import Literal, Protocol

import numpy as np

from mlxformer.errors import ArgumentError
from mlxformer.validation import require_choice, require_positive


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

    Raises:
        ArgumentError: for numbers below 1, another early_stopping, and a length penalty beyond float32.

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

    def __post_init__(self) -> None:
        require_positive(max_length=self.max_length, num_beams=self.num_beams)
        require_choice("early_stopping", self.early_stopping, (False, True, "never"))
        alpha = self.length_penalty
        if isinstance(alpha, bool) or not isinstance(alpha, Real) or not math.isfinite(alpha):
            raise ArgumentError("length-penalty", f"length_penalty must be a finite number; got {alpha!r}", given=alpha)
        if abs(alpha) * math.log(self.max_length) > 80:  # float32 ends at e^88
            raise ArgumentError(
                "length-penalty",
                f"length_penalty={alpha!r} is too large: {self.max_length} to that power is beyond float32. "
                f"Published values lie between 0 and 2",
                given=alpha,
            )


class NextLogits(Protocol):
    """The decoder as a search sees it: sequences in, logits of their next tokens out."""

    def __call__(self, sequences: np.ndarray) -> np.ndarray:
        """int32 [N, T], one column longer at each call -> float32 [N, V]."""

    def reorder(self, rows: np.ndarray) -> None:
        """From the next call on, row i continues what was row ``rows[i]``."""


def constrain(scores: np.ndarray, sequences: np.ndarray, rules: SearchRules) -> np.ndarray:
    """The scores of the next tokens, with -inf where the rules do not allow one.

    In Hugging Face's order: forbidden tokens, then the forced first and last token.

    Args:
        scores: logits or log-probabilities, [N, V].
        sequences: the tokens before, [N, T].
        rules: those of the search.

    Returns:
        [N, V], an array of its own.

    >>> from mlxformer.generation.rules import SearchRules, constrain
    >>> rules = SearchRules(start_id=1, pad_id=0, eos_ids=(2,), max_length=20)
    >>> constrain(np.zeros((1, 3)), np.array([[1]]), rules).tolist()
    [[-inf, 0.0, 0.0]]
    """
    length = sequences.shape[1]
    forced = None
    if length == 1 and rules.forced_bos_id is not None:
        forced = rules.forced_bos_id
    if length == rules.max_length - 1 and rules.forced_eos_id is not None:
        forced = rules.forced_eos_id
    if forced is not None:
        scores = np.full_like(scores, -np.inf)
        scores[:, forced] = 0.0
        return scores
    scores = scores.copy()
    if rules.pad_id not in rules.eos_ids:
        scores[:, rules.pad_id] = -np.inf
    for *prefix, last in rules.bad_words:
        if not prefix and last in rules.eos_ids:
            continue
        if len(prefix) <= length:
            scores[(sequences[:, length - len(prefix) :] == prefix).all(axis=1), last] = -np.inf
    return scores


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
    return shifted - np.log(np.exp(shifted).sum(axis=-1, keepdims=True))
