"""Speculative decoding: a small model drafts K tokens, the large one reads them at once and keeps a prefix.

    accept x_i with probability min(1, p_i(x_i) / q_i(x_i));   at the first that is refused draw from max(0, p − q) / Σ

p are the large model's probabilities and q those of the draft. What is written is distributed as if the large model
had drawn every token itself: q(x) min(1, p(x)/q(x)) = min(p, q) is accepted, and the rest of p is what is drawn after a
refusal. Bookkeeping on a few rows of probabilities, done by NumPy on the host, alike on both backends.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from mlxformer.errors import ArgumentError
from mlxformer.generation.rules import checked_logits
from mlxformer.generation.sampling import SamplingRules, draw_tokens, sampling_probabilities
from mlxformer.validation import require_positive

Scores = Callable[[np.ndarray], np.ndarray]  # ids [T] -> logits of the token after each, [T, V]


@dataclass(frozen=True)
class Speculated:
    """What ``speculate`` wrote, and how.

    Args:
        tokens: int32 [T], what was written after the prompt.
        runs: how often the target ran.

    >>> import numpy as np
    >>> from mlxformer.generation.speculative import Speculated
    >>> Speculated(np.arange(6), runs=2).runs
    2
    """

    tokens: np.ndarray
    runs: int


def acceptance(target: np.ndarray, draft: np.ndarray) -> np.ndarray:
    """``β = Σ min(p, q)``: how probably a token that q draws is kept, 1 less their total variation distance.

    Args:
        target: p, probabilities [..., V].
        draft: q, probabilities [..., V].

    Returns:
        float64 [...].

    Source: Leviathan et al. 2023, §3.1 and §3.2.

    >>> import numpy as np
    >>> from mlxformer.generation.speculative import acceptance
    >>> float(acceptance(np.array([0.5, 0.5]), np.array([1.0, 0.0])))
    0.5
    """
    return np.minimum(np.asarray(target, np.float64), draft).sum(-1)


def residual(target: np.ndarray, draft: np.ndarray) -> np.ndarray:
    """``max(p − q, 0) / Σ max(p − q, 0)``: what a token is drawn from where q's was not kept.

    Args:
        target: p, probabilities [..., V].
        draft: q, probabilities [..., V].

    Returns:
        float64 [..., V]; p itself where the two are equal and nothing can be refused.

    Source: Leviathan et al. 2023, §2.3.

    >>> import numpy as np
    >>> from mlxformer.generation.speculative import residual
    >>> residual(np.array([0.5, 0.25, 0.25]), np.array([1.0, 0.0, 0.0])).tolist()
    [0.0, 0.5, 0.5]
    """
    wide = np.asarray(target, np.float64)
    more = np.maximum(wide - draft, 0.0)
    total = more.sum(-1, keepdims=True)
    return np.where(total > 0, more / np.where(total > 0, total, 1.0), wide)


def speculative_step(
    target: np.ndarray, draft: np.ndarray, tokens: Sequence[int] | np.ndarray, uniforms: Sequence[float] | np.ndarray
) -> tuple[int, np.ndarray]:
    """How many of the drafted tokens are kept, and what the token after them is drawn from.

    Args:
        target: p, the large model's probabilities at each drafted place and at the one after, [K + 1, V].
        draft: q, the probabilities that the drafted tokens were drawn from, [K, V].
        tokens: what was drafted, K ids.
        uniforms: K numbers in [0, 1), drawn evenly; token i is kept where ``uniforms[i] < p / q``.

    Returns:
        n, from 0 to K, and float64 [V], which sums to 1: max(0, p_n − q_n) over its sum where token n was refused, p_K
            where all were kept.

    Raises:
        ArgumentError: shapes that do not fit each other.

    Source: Leviathan et al. 2023, "Fast Inference from Transformers via Speculative Decoding", Algorithm 1.

    >>> import numpy as np
    >>> from mlxformer.generation.speculative import speculative_step
    >>> target, draft = np.array([[0.5, 0.5], [0.1, 0.9]]), np.array([[1.0, 0.0]])
    >>> kept, after = speculative_step(target, draft, [0], [0.6])  # 0.6 is not below 0.5 / 1
    >>> kept, after.tolist()
    (0, [0.0, 1.0])
    """
    p, q = np.asarray(target, np.float64), np.asarray(draft, np.float64)
    ids, lots = np.asarray(tokens, np.int64), np.asarray(uniforms, np.float64)
    count = len(ids)
    given = {"target": p, "draft": q, "uniforms": lots}
    vocab = p.shape[-1] if p.ndim else 0
    wanted = {"target": (count + 1, vocab), "draft": (count, vocab), "uniforms": (count,)}
    for name, value in given.items():
        if value.shape != wanted[name]:
            message = f"{name} must have shape {list(wanted[name])} with {count} tokens; got {list(value.shape)}"
            raise ArgumentError(
                "wrong-shape", message, name=name, wanted=str(list(wanted[name])), given=str(list(value.shape))
            )
    place = np.arange(count)
    # u < p / q without the division, which a draft of probability 0 would not survive.
    kept = lots * q[place, ids] < p[place, ids]
    accepted = int(np.cumprod(kept).sum())
    if accepted == count:
        return accepted, p[count]
    return accepted, residual(p[accepted], q[accepted])


def verify(
    target: np.ndarray, draft: np.ndarray, proposed: np.ndarray, generator: np.random.Generator
) -> tuple[np.ndarray, int]:
    """``speculative_step`` with its random numbers drawn: the proposed tokens that stay, and the one that follows them.

    Args:
        target: p at each proposed place and after the last, [G + 1, V].
        draft: q that each proposed token was drawn from, [G, V].
        proposed: the tokens, int32 [G].
        generator: the random numbers.

    Returns:
        int32 [kept + 1], and how many were kept.

    Source: Leviathan et al. 2023, algorithm 1.

    >>> import numpy as np
    >>> from mlxformer.generation.speculative import verify
    >>> p = np.eye(3)  # certain of 0, then 1, then 2
    >>> verify(p, p[:2], np.array([0, 1]), np.random.default_rng(0))
    (array([0, 1, 2], dtype=int32), 2)
    """
    kept, after = speculative_step(target, draft, proposed, generator.random(len(proposed)))
    return np.concatenate([proposed[:kept], draw_tokens(after[None], generator)]).astype(np.int32), kept


def speculate(
    target: Scores,
    draft: Scores,
    prompt: np.ndarray,
    *,
    ahead: int,
    max_new_tokens: int,
    sampling: SamplingRules,
    generator: np.random.Generator,
    eos_id: int | None = None,
) -> Speculated:
    """Text of the target's distribution, in fewer of its passes.

    Both models read the whole text in each pass; keeping and cutting caches is left to the two functions.

    Args:
        target: the large model, ids [T] -> logits [T, V].
        draft: the cheap one, of the same vocabulary.
        prompt: int32 [T], at least one token.
        ahead: G, how many tokens are proposed for each pass, at least 1.
        max_new_tokens: when to stop.
        sampling: how tokens are drawn from logits, the same for both.
        generator: the random numbers.
        eos_id: what ends a text; None lets it run on.

    Returns:
        What was written, the end among it.

    Raises:
        ArgumentError: numbers below 1, a prompt without tokens, models of different vocabularies, and logits that are
            not numbers.

    Source: Leviathan et al. 2023, "Fast Inference from Transformers via Speculative Decoding"; Chen et al. 2023.

    >>> import numpy as np
    >>> import mlxformer as mf
    >>> from mlxformer.generation.speculative import speculate
    >>> after = lambda ids: 100.0 * np.eye(4)[(ids + 1) % 4]  # counts on
    >>> found = speculate(after, after, np.array([0]), ahead=3, max_new_tokens=8, sampling=mf.SamplingRules(),
    ...                   generator=np.random.default_rng(0))
    >>> found.tokens.tolist(), found.runs
    ([1, 2, 3, 0, 1, 2, 3, 0], 2)
    """
    require_positive(ahead=ahead, max_new_tokens=max_new_tokens)
    ids = np.asarray(prompt, np.int32)
    if ids.ndim != 1 or not ids.size:
        message = f"prompt must be ids [T] with at least one token; got shape {list(ids.shape)}"
        raise ArgumentError("speculative-prompt", message, given=list(ids.shape))
    start, runs = len(ids), 0
    while len(ids) - start < max_new_tokens and (len(ids) == start or ids[-1] != eos_id):
        room = min(ahead, max_new_tokens - (len(ids) - start) - 1)
        text, guesses = ids, []
        for _ in range(room):
            guesses.append(sampling_probabilities(checked_logits(draft(text)[-1:], len(text)), sampling)[0])
            text = np.concatenate([text, draw_tokens(guesses[-1][None], generator)])
        logits = checked_logits(target(text)[len(ids) - 1 :], len(text))
        p = sampling_probabilities(logits, sampling)  # [room + 1, V]
        q = np.array(guesses).reshape(room, -1) if room else p[:0]
        if q.shape[1] != p.shape[1]:
            message = f"target and draft must have one vocabulary; got {p.shape[1]} and {q.shape[1]} tokens"
            raise ArgumentError("speculative-vocabulary", message, target=p.shape[1], draft=q.shape[1])
        new, _ = verify(p, q, text[len(ids) :], generator)
        runs += 1
        ended = np.flatnonzero(new == eos_id) if eos_id is not None else new[:0]
        ids = np.concatenate([ids, new[: ended[0] + 1] if ended.size else new])
    return Speculated(ids[start:], runs)
