"""Speculative decoding: a small model drafts K tokens, the large one reads them at once and keeps a prefix.

    accept x_i with probability min(1, p_i(x_i) / q_i(x_i));   at the first that is refused draw from max(0, p − q) / Σ

p are the large model's probabilities and q those of the draft. What is written is distributed as if the large model
had drawn every token itself: q(x) min(1, p(x)/q(x)) = min(p, q) is accepted, and the rest of p is what is drawn after a
refusal. Bookkeeping on a few rows of probabilities, done by NumPy on the host, alike on both backends.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from mlxformer.errors import ArgumentError


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
    left = np.maximum(p[accepted] - q[accepted], 0.0)
    total = left.sum()
    return accepted, left / total if total > 0 else p[accepted]
