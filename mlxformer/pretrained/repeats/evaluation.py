"""What a model of repeats foretells of second copies, and how far each of its heads looks where induction asks."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

import mlxformer.tracing as tracing
from mlxformer.backend import mx, to_numpy
from mlxformer.pretrained.repeats.reader import RepeatReader
from mlxformer.pretrained.repeats.signs import twice

SEED, COUNT, LENGTHS = 20_261_123, 200, (4, 8, 16, 24)


def accuracy(logits: np.ndarray, ids: np.ndarray) -> float:
    """The share of the second copy's signs that are the likeliest, its first one left out: nothing foretells that.

    Args:
        logits: [N, 2 L, V], after each sign.
        ids: [N, 2 L], a stretch of L signs twice.

    Returns:
        0 to 1.

    >>> import numpy as np
    >>> from mlxformer.pretrained.repeats.evaluation import accuracy
    >>> accuracy(np.eye(3)[None, [0, 0, 1, 1, 2, 0]], np.array([[0, 1, 2, 0, 1, 2]]))
    1.0
    """
    length = ids.shape[1] // 2
    return float((logits[:, length:-1].argmax(-1) == ids[:, length + 1 :]).mean())


def prefix_matching(weights: np.ndarray) -> np.ndarray:
    """How much of its attention a sign of the second copy gives to the sign *after* itself in the first, by head.

    Args:
        weights: [N, H, 2 L, 2 L].

    Returns:
        [H], 0 to 1, the mean over texts and signs.

    Source: Olsson et al. 2022, "In-context Learning and Induction Heads" (the prefix-matching score).

    >>> import numpy as np
    >>> from mlxformer.pretrained.repeats.evaluation import prefix_matching
    >>> prefix_matching(np.full((1, 2, 4, 4), 0.25)).tolist()
    [0.25, 0.25]
    """
    length = weights.shape[-1] // 2
    found: np.ndarray = weights[:, :, np.arange(length, 2 * length), np.arange(1, length + 1)].mean((0, 2))
    return found


def previous_token(weights: np.ndarray) -> np.ndarray:
    """How much of its attention a sign of the first copy gives to the one before it, by head.

    Args:
        weights: [N, H, 2 L, 2 L].

    Returns:
        [H], 0 to 1, the mean over texts and signs.

    >>> import numpy as np
    >>> from mlxformer.pretrained.repeats.evaluation import previous_token
    >>> previous_token(np.full((1, 2, 4, 4), 0.25)).tolist()
    [0.25, 0.25]
    """
    length = weights.shape[-1] // 2
    found: np.ndarray = weights[:, :, np.arange(1, length), np.arange(length - 1)].mean((0, 2))
    return found


def measure(
    reader: RepeatReader, progress: Callable[[float], None] | None = None
) -> tuple[dict[str, float], dict[str, Any]]:
    """``accuracy@L``: of second copies of L signs; and by head, at L = 16, both scores.

    Args:
        reader: the model.
        progress: told the share that is done.

    Returns:
        name -> score, and name -> report.

    >>> import mlxformer as mf
    >>> from mlxformer.pretrained.repeats.evaluation import measure
    >>> measure(mf.load_pretrained("induction"))[0]["accuracy@16"] > 0.99
    True
    """
    scores, reports = {}, {}
    for done, length in enumerate(LENGTHS):
        ids = twice(np.random.default_rng((SEED, length)), length, COUNT)
        with tracing.trace(only="*.weights") as steps:
            scores[f"accuracy@{length}"] = accuracy(to_numpy(reader.model(mx.array(ids))), ids)
        if length == 16:
            by_layer = [steps[f"stack.layers.{layer}.weights"].value for layer in range(len(reader.model.stack.layers))]
            reports["prefix matching by layer and head"] = [prefix_matching(each).tolist() for each in by_layer]
            reports["attention to the previous sign, by layer and head"] = [
                previous_token(each).tolist() for each in by_layer
            ]
        if progress is not None:
            progress((done + 1) / len(LENGTHS))
    return scores, reports
