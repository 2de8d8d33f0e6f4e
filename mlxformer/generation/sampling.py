"""Drawing the next token instead of searching for the best: temperature, top-k, top-p.

    p(v) ∝ exp(z_v / τ)   over the tokens that are kept, 0 elsewhere

Temperature comes first, then top-k, then top-p, as in Hugging Face's ``generate``. Like searching, this is bookkeeping
on a few scores a token and is done by NumPy on the host, with the same result on both backends.
"""

from __future__ import annotations

from dataclasses import dataclass
from numbers import Real

import numpy as np

from mlxformer.errors import ArgumentError
from mlxformer.generation.rules import NextLogits, SearchRules, constrain, log_softmax
from mlxformer.validation import require_positive, require_positive_number


@dataclass(frozen=True)
class SamplingRules:
    """How to draw a token from its logits.

    Args:
        temperature: τ > 0; below 1 sharpens, above 1 flattens, toward 0 it is greedy. 1 by default.
        top_k: keep the k tokens with the largest logits, and those equal to the last of them; None keeps all.
        top_p: keep the fewest most probable tokens that have together at least this probability, the nucleus; 1 keeps
            all.

    Raises:
        ArgumentError: for a temperature not above 0, a top_k below 1 and a top_p outside (0, 1].

    Source: Fan et al. 2018 (top-k); Holtzman et al. 2020 (top-p).

    >>> import mlxformer as mf
    >>> mf.SamplingRules(temperature=0.8, top_k=50)
    SamplingRules(temperature=0.8, top_k=50, top_p=1.0)
    """

    temperature: float = 1.0
    top_k: int | None = None
    top_p: float = 1.0

    def __post_init__(self) -> None:
        require_positive_number("temperature", self.temperature)
        if self.top_k is not None:
            require_positive(top_k=self.top_k)
        p = self.top_p
        if isinstance(p, bool) or not isinstance(p, Real) or not 0 < p <= 1:
            message = f"top_p must be above 0 and at most 1; got {p!r}"
            raise ArgumentError("top-p", message, given=p)


def filter_logits(logits: np.ndarray, rules: SamplingRules) -> np.ndarray:
    """``logits / τ``, with -inf for the tokens that top-k and top-p remove; one is always left.

    What is softmaxed from it sums to 1 over what is kept. Tokens that were -inf stay so.

    Args:
        logits: [N, V].
        rules: how to draw.

    Returns:
        float32 [N, V].

    >>> from mlxformer.generation.sampling import SamplingRules, filter_logits
    >>> filter_logits(np.array([[1.0, 3.0, 2.0]]), SamplingRules(top_k=2)).tolist()
    [[-inf, 3.0, 2.0]]
    """
    kept = np.asarray(logits, np.float32) / np.float32(rules.temperature)
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


def draw_tokens(probabilities: np.ndarray, generator: np.random.Generator) -> np.ndarray:
    """One token for each row; a token of probability 0 is never drawn.

    Args:
        probabilities: [N, V].
        generator: the random numbers.

    Returns:
        int32 [N].

    >>> from mlxformer.generation.sampling import draw_tokens
    >>> draw_tokens(np.array([[0.0, 1.0, 0.0]]), np.random.default_rng(0)).tolist()
    [1]
    """
    cumulative = np.cumsum(probabilities, axis=-1)
    thresholds = generator.random(len(probabilities))[:, None] * cumulative[:, -1:]
    return (cumulative <= thresholds).sum(-1).astype(np.int32)


def sample(
    next_logits: NextLogits, batch: int, rules: SearchRules, sampling: SamplingRules, generator: np.random.Generator
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
    sequences = np.full((batch, 1), rules.start_id, np.int32)
    running, total = np.ones(batch, bool), np.zeros(batch)
    while running.any() and sequences.shape[1] < rules.max_length:
        logits = next_logits(sequences)
        allowed = constrain(logits, sequences, rules)
        drawn = draw_tokens(sampling_probabilities(allowed, sampling), generator)
        own = np.take_along_axis(log_softmax(logits), drawn[:, None], axis=-1)[:, 0]
        total += np.where(running, own.astype(np.float64), 0.0)
        tokens = np.where(running, drawn, rules.pad_id).astype(np.int32)
        sequences = np.concatenate([sequences, tokens[:, None]], axis=1)
        running &= ~np.isin(tokens, rules.eos_ids)
    return sequences, total
