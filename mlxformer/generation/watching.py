"""``generate``, watched: what every step saw, and what was chosen from it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from mlxformer.backend import mx
from mlxformer.generation.generate import evaluation_mode, run_plan
from mlxformer.generation.plan import make_plan
from mlxformer.generation.rules import NextLogits, constrain, log_softmax
from mlxformer.generation.sampling import SamplingRules, sampling_probabilities

if TYPE_CHECKING:
    from mlxformer.generation.generate import GenerativeModel


@dataclass(frozen=True, eq=False)
class Moment:
    """One step of a search, before it goes on.

    Args:
        sequences: int32 [N, T], the rows so far: one, or the K beams, those that are equal only while a search begins.
        own: float64 [N, V], the model's own probabilities of the next token.
        drawn_from: float64 [N, V], what is drawn from or compared: after the rules, temperature, top-k and top-p; 0
            where a token was taken out.
        log_p: float64 [N], the log-probability of each row so far, by the model's own.

    >>> import mlxformer as mf
    >>> from mlxformer.generation.watching import watched_generate
    >>> model = mf.Transformer(mf.TransformerConfig(20, dims=8, num_heads=2, ffn_dims=16))
    >>> ids, score, moments = watched_generate(model, mx.array([[5, 6, 7]]), max_length=3)
    >>> moments[0].sequences.tolist(), moments[0].own.shape
    ([[1]], (1, 20))
    """

    sequences: np.ndarray
    own: np.ndarray
    drawn_from: np.ndarray
    log_p: np.ndarray


class _Watched:
    """A decoder that keeps what it was asked and what it said."""

    def __init__(self, decoder: NextLogits) -> None:
        self.decoder = decoder
        self.seen: list[tuple[np.ndarray, np.ndarray]] = []

    def __call__(self, sequences: np.ndarray) -> np.ndarray:
        logits = self.decoder(sequences)
        self.seen.append((sequences.copy(), logits))
        return logits

    def reorder(self, rows: np.ndarray) -> None:
        self.decoder.reorder(rows)


def watched_generate(
    model: GenerativeModel, input_ids: mx.array, attention_mask: mx.array | None = None, **options: Any
) -> tuple[np.ndarray, float, list[Moment]]:
    """What ``model.generate`` writes for one source, and each step of it.

    Args:
        model: any that writes.
        input_ids: int32 [1, T].
        attention_mask: as in ``generate``.
        options: those of ``generate``: ``max_new_tokens``, ``temperature``, ``top_k``, ``top_p``, ``num_beams``,
            ``seed`` and so on.

    Returns:
        The ids, int32 [T], as ``generate`` gives them; their score; the steps.

    Raises:
        ArgumentError: as ``generate`` does.

    >>> import mlxformer as mf
    >>> from mlxformer.generation.watching import watched_generate
    >>> model, ids = mf.Transformer(mf.TransformerConfig(20, dims=8, num_heads=2, ffn_dims=16)), mx.array([[5, 6, 7]])
    >>> written, score, moments = watched_generate(model, ids, max_new_tokens=3)
    >>> written.tolist() == model.generate(ids, max_new_tokens=3)[0].tolist()
    True
    >>> len(moments) == len(written) - 1
    True
    """
    given = {name: value for name, value in options.items() if value is not None}
    plan = make_plan(model, model._prompt(input_ids, attention_mask, None), given)
    names = ("temperature", "top_k", "top_p", "min_p")
    asked = {name: given[name] for name in names if name in given}
    sampling = SamplingRules(**asked) if asked.get("temperature") else SamplingRules()
    with evaluation_mode(model):
        watched = _Watched(model._decoder(input_ids, attention_mask, plan.rows_each, True))
        found, scores = run_plan(watched, plan)
    start = plan.start.repeated(plan.rows_each)
    moments: list[Moment] = []
    for sequences, logits in watched.seen:
        own = log_softmax(logits.astype(np.float64))
        left = sampling_probabilities(constrain(logits, sequences, plan.rules, start), sampling)
        log_p = _continued(moments[-1], sequences) if moments else np.zeros(len(sequences))
        moments.append(Moment(sequences, np.exp(own), left, log_p))
    return found[0].astype(np.int32), float(scores[0]), moments


def _continued(before: Moment, sequences: np.ndarray) -> np.ndarray:
    """The log-probability [N] of rows that are one token longer than those of the moment before."""
    rows = {tuple(row): at for at, row in reversed(list(enumerate(before.sequences.tolist())))}
    totals = []
    for *prefix, token in sequences.tolist():
        at = rows[tuple(prefix)]
        totals.append(before.log_p[at] + np.log(before.own[at, token]))
    return np.array(totals)
