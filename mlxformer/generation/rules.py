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

    start_id: the first token of every sequence. pad_id: what follows a finished one; never generated.
    eos_ids: the tokens that end a sequence. length_penalty, early_stopping: see ``beam_search``.
    bad_words: token sequences that may not occur. forced_bos_id: the token after the start token.
    forced_eos_id: the token at the maximum length, so that a cut sequence ends as a whole one does.
    renormalize: whether log-probabilities sum to one again after tokens were forbidden (beam search only: it changes
    no greedy choice).
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
    """``scores`` [N, V] of the tokens after ``sequences`` [N, T], with -inf where the rules do not allow one.

    In Hugging Face's order: forbidden tokens, then the forced first and last token.
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
    """``x - log Σ exp(x)`` over the last axis, by the maximum so that nothing overflows."""
    shifted = logits - logits.max(axis=-1, keepdims=True)
    return shifted - np.log(np.exp(shifted).sum(axis=-1, keepdims=True))
