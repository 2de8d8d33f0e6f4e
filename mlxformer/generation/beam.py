"""Beam search: the K best prefixes of each source go on, and the best of those that have ended is the result.

    score(Y) = log p(Y | X) / |Y|^α                                    (Hugging Face; |Y| counts the end token)

α is ``length_penalty``: 0 compares bare probabilities, which favors short sequences; the larger α, the longer the
winner. Vaswani et al. 2017, §6.1, search with K = 4 and the rule of Wu et al. 2016, Eq. 14, α = 0.6:

    score(Y) = log p(Y | X) / ((5 + |Y|) / 6)^α

which is flatter for short sequences. The first rule is the one here, for ``Transformer`` too, because the values of α
in published configurations are meant for it.
"""

from __future__ import annotations

import numpy as np

from mlxformer.generation.rules import (
    NextLogits,
    SearchRules,
    Start,
    checked_logits,
    constrain,
    has_ended,
    log_softmax,
)

# Hugging Face's "out of the question", finite so that arithmetic on it stays finite.
_OUT = np.float32(-1e9)


def beam_search(
    next_logits: NextLogits, batch: int, rules: SearchRules, start: Start | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """The best sequences, and their scores.

    The rules are those of ``transformers``' ``generate`` and give the same tokens. At each step the 2K best
    continuations of a source are drawn up (twice as many, so that K are left even if K of them end). Those that end
    *and* are among the first K compete, by the score above, for the K places of the finished; the best K that have
    not ended go on. ``early_stopping`` says when a source is done:

    - ``True``: as soon as K sequences have ended.
    - ``False``: when the best running prefix, if it ended now, could not beat the worst of K that have ended.
    - ``"never"``: as before, but at the length that is best for it (``max_length`` if α > 0): nothing is missed.

    Args:
        next_logits: the decoder, ``model.start_decoding(ids, rows_each=K)``.
        batch: how many sources it has.
        rules: those of the search.
        start: what the B sources begin with; None means the start token. |Y| counts what comes after it.

    Returns:
        int32 [B, T], and float32 [B].

    Source: Wu et al. 2016, §7; the rules are those of Hugging Face.

    >>> import mlxformer as mf
    >>> from mlxformer.backend import mx
    >>> from mlxformer.generation.beam import beam_search
    >>> from mlxformer.generation.rules import SearchRules
    >>> model, ids = mf.Transformer(mf.TransformerConfig(20, dims=8, num_heads=2, ffn_dims=16)), mx.array([[5, 6, 7]])
    >>> rules = SearchRules(start_id=1, pad_id=0, eos_ids=(2,), max_length=4, num_beams=3)
    >>> best, scores = beam_search(model.start_decoding(ids, rows_each=3), 1, rules)
    >>> scores.shape
    (1,)
    """
    return _Search(next_logits, batch, rules, start).run()


def beam_hypotheses(
    next_logits: NextLogits, batch: int, rules: SearchRules, start: Start | None = None, *, best: int | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """The finished sequences of each source, the best first; ``beam_search`` gives the first of each.

    Args:
        next_logits: the decoder, ``model.start_decoding(ids, rows_each=K)``.
        batch: how many sources it has.
        rules: those of the search.
        start: what the B sources begin with; None means the start token. |Y| counts what comes after it.
        best: N, how many of each are wanted; None means all K.

    Returns:
        int32 [B, N, T] and their scores, float32 [B, N]. Fewer than K may have ended (``early_stopping`` False stops
        when no running one can win): the places left over have a score of -1e9.

    >>> import mlxformer as mf
    >>> from mlxformer.backend import mx
    >>> from mlxformer.generation.beam import beam_hypotheses
    >>> from mlxformer.generation.rules import SearchRules
    >>> model, ids = mf.Transformer(mf.TransformerConfig(20, dims=8, num_heads=2, ffn_dims=16)), mx.array([[5, 6, 7]])
    >>> rules = SearchRules(start_id=1, pad_id=0, eos_ids=(2,), max_length=4, num_beams=3)
    >>> beam_hypotheses(model.start_decoding(ids, rows_each=3), 1, rules)[1].shape
    (1, 3)
    """
    found = _Search(next_logits, batch, rules, start)
    found.run()
    longest = found.lengths[:, :best].max()
    return found.finished[:, :best, :longest], found.scores[:, :best]


class _Search:
    """State, K beams of each source: those running, sorted by log-probability, and those finished, by score."""

    def __init__(self, next_logits: NextLogits, batch: int, rules: SearchRules, start: Start | None) -> None:
        shape = (batch, rules.num_beams)
        self.next_logits, self.batch, self.rules = next_logits, batch, rules
        self.start = Start.of(batch, rules) if start is None else start
        first = self.start.ids[:, None]  # [B, 1, T0]
        self.first_length = first.shape[2]
        self.width = self.first_length + max(0, int(self.start.room(rules, self.first_length).max()))
        self.rows = self.start.repeated(rules.num_beams)  # what each of the B·K beams begins with
        self.running = np.repeat(first, rules.num_beams, axis=1)  # [B, K, T]
        # All beams begin alike: only the first counts, else every one would find the same continuations.
        self.log_probs: np.ndarray = np.where(np.arange(rules.num_beams) == 0, np.float32(0), _OUT) + np.zeros(
            shape, np.float32
        )
        self.finished = np.full((*shape, self.width), rules.pad_id, np.int32)  # [B, K, greatest width]
        self.finished[:, :, : self.first_length] = first
        self.lengths = np.full(shape, self.first_length, np.int64)  # of the finished, with what they begin with
        self.scores: np.ndarray = np.full(shape, _OUT, np.float32)
        self.ended = np.zeros(shape, bool)
        self.improvable = np.ones((batch, 1), bool)

    def run(self) -> tuple[np.ndarray, np.ndarray]:
        rules = self.rules
        while self.running.shape[2] < self.width:
            stop = self._step()
            if stop or not self.improvable.any() or (rules.early_stopping is True and self.ended.all()):
                break
        best = self.finished[:, 0, : self.lengths[:, 0].max()]
        return best, self.scores[:, 0]

    def _step(self) -> bool:
        """One token more for every beam; whether every continuation has come to its end."""
        log_probs, sources, tokens = self._continuations()  # [B, 2K] each
        sequences = np.take_along_axis(self.running, sources[:, :, None], axis=1)
        sequences = np.concatenate([sequences, tokens[:, :, None]], axis=2)  # [B, 2K, T + 1]
        length = sequences.shape[2]
        ends = has_ended(sequences.reshape(-1, length), self.rules).reshape(tokens.shape)
        ends = ends | (self.start.room(self.rules, length) <= 0)[:, None]
        self._finish(sequences, log_probs, ends)
        self._go_on(sequences, log_probs, ends, sources)
        self._judge(length)
        return bool(ends.all())

    def _continuations(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """The 2K most probable continuations of each source: log-probability, beam it comes from, token."""
        beams, length = self.rules.num_beams, self.running.shape[2]
        rows = self.running.reshape(self.batch * beams, length)
        logits = checked_logits(self.next_logits(rows), length)
        scores = constrain(log_softmax(logits), rows, self.rules, self.rows)  # [B·K, V]
        if self.rules.renormalize:
            scores = log_softmax(scores)
        vocab = scores.shape[-1]
        totals = scores.reshape(self.batch, beams, vocab) + self.log_probs[:, :, None]
        totals = totals.reshape(self.batch, beams * vocab)
        # With more than one end token, that many of a beam's continuations may end: one more is drawn up for each.
        wanted = max(2, 1 + len(self.rules.eos_ids)) * beams
        best = _largest(totals, min(wanted, beams * vocab))
        tokens = (best % vocab).astype(np.int32)
        return np.take_along_axis(totals, best, axis=1), best // vocab, tokens

    def _finish(self, sequences: np.ndarray, log_probs: np.ndarray, ends: np.ndarray) -> None:
        """Let the continuations that end compete with those that ended before."""
        beams, length = self.rules.num_beams, sequences.shape[2]
        accepted = ends & (np.arange(ends.shape[1]) < beams)
        closed = ~self.improvable
        if self.rules.early_stopping is True:
            closed = closed | self.ended.all(axis=1, keepdims=True)
        scores = log_probs / np.float32((length - self.first_length) ** self.rules.length_penalty)
        scores = scores + np.where(closed, _OUT, np.float32(0)) + np.where(accepted, np.float32(0), _OUT)
        padded = np.full((*sequences.shape[:2], self.width), self.rules.pad_id, np.int32)
        padded[:, :, :length] = sequences

        scores = np.concatenate([self.scores, scores], axis=1)  # [B, K + 2K]
        best = _largest(scores, beams)
        self.scores = np.take_along_axis(scores, best, axis=1)
        self.ended = np.take_along_axis(np.concatenate([self.ended, accepted], axis=1), best, axis=1)
        self.finished = np.take_along_axis(np.concatenate([self.finished, padded], axis=1), best[:, :, None], axis=1)
        lengths = np.concatenate([self.lengths, np.full(ends.shape, length)], axis=1)
        self.lengths = np.take_along_axis(lengths, best, axis=1)

    def _go_on(self, sequences: np.ndarray, log_probs: np.ndarray, ends: np.ndarray, sources: np.ndarray) -> None:
        """The K best continuations that have not ended are the next beams."""
        log_probs = log_probs + np.where(ends, _OUT, np.float32(0))
        best = _largest(log_probs, self.rules.num_beams)
        self.running = np.take_along_axis(sequences, best[:, :, None], axis=1)
        self.log_probs = np.take_along_axis(log_probs, best, axis=1)
        offsets = np.arange(self.batch)[:, None] * self.rules.num_beams
        self.next_logits.reorder((np.take_along_axis(sources, best, axis=1) + offsets).reshape(-1))

    def _judge(self, length: int) -> None:
        """Whether a running beam of each source may still get among the finished."""
        hopeful = length - self.first_length
        if self.rules.early_stopping == "never" and self.rules.length_penalty > 0:
            hopeful = self.width - self.first_length
        best = self.log_probs[:, :1] / np.float32(hopeful**self.rules.length_penalty)
        worst = np.where(self.ended, self.scores.min(axis=1, keepdims=True), _OUT)
        self.improvable &= (best > worst).any(axis=1, keepdims=True)


def _largest(values: np.ndarray, count: int) -> np.ndarray:
    """Positions of the ``count`` largest of each row, largest first, and of equals the first: [B, count]."""
    # As many of the largest of 64 are a bound for them: what is below it need not be put into order.
    each = values.shape[1] // 64
    largest = values[:, : 64 * each].reshape(-1, 64, each).max(axis=1) if each > count else values
    least = np.partition(largest, -count, axis=1)[:, -count]
    found = np.empty((len(values), count), np.int64)
    for row, place, bound in zip(values, found, least, strict=True):
        candidates = np.flatnonzero(row >= bound)
        place[:] = candidates[np.argsort(-row[candidates], kind="stable")[:count]]
    return found
