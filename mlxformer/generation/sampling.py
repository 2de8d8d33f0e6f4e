"""Drawing the next token instead of searching for the best: temperature, top-k, top-p, min-p.

    p(v) ∝ exp(z_v / τ)   over the tokens that are kept, 0 elsewhere

Temperature comes first, then top-k, top-p and min-p, as in Hugging Face's ``generate``. Like searching, this is
bookkeeping on a few scores a token and is done by NumPy on the host, with the same result on both backends.
"""

from __future__ import annotations

from dataclasses import dataclass
from numbers import Real

import numpy as np

from mlxformer.errors import ArgumentError
from mlxformer.generation.greedy import Choose, collected, write
from mlxformer.generation.rules import NextLogits, SearchRules, Start, log_softmax
from mlxformer.validation import require_positive, require_positive_number


@dataclass(frozen=True)
class SamplingRules:
    """How to draw a token from its logits.

    Args:
        temperature: τ > 0; below 1 sharpens, above 1 flattens, toward 0 it is greedy. 1 by default.
        top_k: keep the k tokens with the largest logits, and those equal to the last of them; None keeps all.
        top_p: keep the fewest most probable tokens that have together at least this probability, the nucleus; 1 keeps
            all.
        min_p: keep the tokens that are at least this times as probable as the most probable; 0 keeps all.

    Raises:
        ArgumentError: for a temperature not above 0, a top_k below 1, a top_p outside (0, 1] and a min_p outside
            [0, 1].

    Source: Fan et al. 2018 (top-k); Holtzman et al. 2020 (top-p); Nguyen et al. 2024 (min-p).

    >>> import mlxformer as mf
    >>> mf.SamplingRules(temperature=0.8, top_k=50)
    SamplingRules(temperature=0.8, top_k=50, top_p=1.0, min_p=0.0)
    """

    temperature: float = 1.0
    top_k: int | None = None
    top_p: float = 1.0
    min_p: float = 0.0

    def __post_init__(self) -> None:
        require_positive_number("temperature", self.temperature)
        if self.top_k is not None:
            require_positive(top_k=self.top_k)
        p = self.top_p
        if isinstance(p, bool) or not isinstance(p, Real) or not 0 < p <= 1:
            message = f"top_p must be above 0 and at most 1; got {p!r}"
            raise ArgumentError("top-p", message, given=p)
        if isinstance(self.min_p, bool) or not isinstance(self.min_p, Real) or not 0 <= self.min_p <= 1:
            message = f"min_p must be at least 0 and at most 1; got {self.min_p!r}"
            raise ArgumentError("min-p", message, given=self.min_p)


def filter_logits(logits: np.ndarray, rules: SamplingRules) -> np.ndarray:
    """``z / τ``, with -inf for the tokens that top-k, top-p and min-p remove; one is always left.

    What is softmaxed from it sums to 1 over what is kept. Tokens that were -inf stay so.

    Args:
        logits: z, [N, V].
        rules: how to draw.

    Returns:
        float32 [N, V]; a row that τ takes out of float32's range is counted from its greatest instead.

    >>> from mlxformer.generation.sampling import SamplingRules, filter_logits
    >>> filter_logits(np.array([[1.0, 3.0, 2.0]]), SamplingRules(top_k=2)).tolist()
    [[-inf, 3.0, 2.0]]
    """
    wide = np.asarray(logits, np.float64)
    greatest = wide.max(axis=-1, keepdims=True)
    with np.errstate(over="ignore"):
        is_out = np.abs(greatest / rules.temperature) > np.finfo(np.float32).max
        kept = (wide - np.where(is_out, greatest, 0.0)) / float(rules.temperature)
        kept = kept.astype(np.float32)  # far below the greatest, toward temperature 0, -inf is right
    if rules.top_k is not None and rules.top_k < kept.shape[-1]:
        last = np.partition(kept, -rules.top_k, axis=-1)[:, -rules.top_k, None]  # the k-th largest
        kept = np.where(kept < last, np.float32(-np.inf), kept)
    if rules.top_p < 1:
        order = np.argsort(-kept, axis=-1, kind="stable")
        ranked = np.exp(log_softmax(np.take_along_axis(kept, order, axis=-1)).astype(np.float64))
        before = np.cumsum(ranked, axis=-1) - ranked  # of the more probable tokens together
        removed = before >= rules.top_p
        removed[:, 0] = False
        rank = np.argsort(order, axis=-1, kind="stable")
        kept = np.where(np.take_along_axis(removed, rank, axis=-1), np.float32(-np.inf), kept)
    if rules.min_p > 0:
        kept = np.where(np.exp(kept - kept.max(axis=-1, keepdims=True)) < rules.min_p, np.float32(-np.inf), kept)
    return kept


def sampling_probabilities(logits: np.ndarray, rules: SamplingRules) -> np.ndarray:
    """The probability that each token is drawn with.

    Args:
        logits: [N, V].
        rules: how to draw.

    Returns:
        float64 [N, V], rows sum to 1.

    >>> from mlxformer.generation.sampling import SamplingRules, sampling_probabilities
    >>> sampling_probabilities(np.zeros((1, 4)), SamplingRules()).tolist()
    [[0.25, 0.25, 0.25, 0.25]]
    """
    powers = np.exp(log_softmax(filter_logits(logits, rules)).astype(np.float64))
    return powers / powers.sum(-1, keepdims=True)


def draw_tokens(probabilities: np.ndarray, generator: np.random.Generator, each: int | None = None) -> np.ndarray:
    """One token for each row, or several; a token of probability 0 is never drawn.

    Args:
        probabilities: [N, V].
        generator: the random numbers.
        each: how many for each row, drawn independently; None means one, without an axis of its own.

    Returns:
        int32 [N], or [N, each].

    Raises:
        ArgumentError: a row that holds NaN or infinity, or nothing but zeros.

    >>> from mlxformer.generation.sampling import draw_tokens
    >>> draw_tokens(np.array([[0.0, 1.0, 0.0]]), np.random.default_rng(0)).tolist()
    [1]
    """
    cumulative = np.cumsum(probabilities, axis=-1)
    totals = cumulative[:, -1:]
    wrong = np.flatnonzero(~(np.isfinite(totals) & (totals > 0)))
    if len(wrong):
        row = int(wrong[0])
        message = f"row {row} of the probabilities cannot be drawn from: they add up to {totals[row, 0]}"
        raise ArgumentError("probabilities", message, row=row, total=str(totals[row, 0]))
    thresholds = generator.random((len(probabilities), 1 if each is None else each)) * totals
    found = [np.searchsorted(*row, side="right") for row in zip(cumulative, thresholds, strict=True)]
    drawn = np.array(found, np.int32).reshape(thresholds.shape)
    return drawn[:, 0] if each is None else drawn


def drawing(sampling: SamplingRules, generator: np.random.Generator) -> Choose:
    """How ``write`` chooses where it draws.

    Args:
        sampling: how to draw.
        generator: the random numbers.

    Returns:
        scores [N, V] -> int32 [N].

    >>> from mlxformer.generation.sampling import SamplingRules, drawing
    >>> drawing(SamplingRules(top_k=1), np.random.default_rng(0))(np.array([[0.0, 1.0]])).tolist()
    [1]
    """
    return lambda scores: draw_tokens(sampling_probabilities(scores, sampling), generator)


def sample(
    next_logits: NextLogits,
    batch: int,
    rules: SearchRules,
    sampling: SamplingRules,
    generator: np.random.Generator,
    start: Start | None = None,
) -> tuple[np.ndarray, np.ndarray]:
    """A sequence drawn token by token for each row, and its log-probability.

    The log-probability is the model's own, before temperature and filters, so that it can be compared with that of a
    search.

    Args:
        next_logits: the decoder, ``model.start_decoding(ids)``.
        batch: how many rows it has.
        rules: those of a search; ``num_beams`` and ``length_penalty`` play no part.
        sampling: how to draw.
        generator: the random numbers.
        start: what the rows begin with; None means the start token.

    Returns:
        int32 [B, T], of which a finished row goes on with padding, and float64 [B].

    >>> import mlxformer as mf
    >>> from mlxformer.backend import mx
    >>> from mlxformer.generation.rules import SearchRules
    >>> model, ids = mf.Transformer(mf.TransformerConfig(20, dims=8, num_heads=2, ffn_dims=16)), mx.array([[5, 6, 7]])
    >>> rules = SearchRules(start_id=1, pad_id=0, eos_ids=(2,), max_length=4)
    >>> generator = np.random.default_rng(0)
    >>> drawn, log_p = mf.sample(model.start_decoding(ids), 1, rules, mf.SamplingRules(top_p=0.9), generator)
    >>> log_p.shape
    (1,)
    """
    start = Start.of(batch, rules) if start is None else start
    return collected(write(next_logits, start, rules, drawing(sampling, generator)), start)
