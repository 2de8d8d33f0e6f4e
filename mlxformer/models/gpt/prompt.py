"""Prompts of different lengths side by side: where their tokens are, and how they are laid out to be gone on with."""

from __future__ import annotations

import numpy as np

from mlxformer.attention import masks
from mlxformer.backend import mx, to_numpy
from mlxformer.errors import ArgumentError
from mlxformer.generation.rules import Start
from mlxformer.models.gpt.config import GPTConfig


def real_tokens(config: GPTConfig, input_ids: mx.array, attention_mask: mx.array | None) -> np.ndarray:
    """Which tokens of a prompt are real: those of the mask, else, as in Hugging Face, all that are not padding.

    Padding can be told by its id only where the configuration has one that does not also end a text.

    Args:
        config: for its ``pad_id``.
        input_ids: integers [B, T], checked before.
        attention_mask: [B, T], 1 or True at real tokens, or None.

    Returns:
        Boolean [B, T].

    Raises:
        ArgumentError: a mask of another shape or kind, and a row without one real token.

    >>> import mlxformer as mf
    >>> from mlxformer.backend import mx
    >>> from mlxformer.models.gpt.prompt import real_tokens
    >>> real_tokens(mf.GPTConfig(20, dims=8, pad_id=0), mx.array([[0, 5], [6, 7]]), None).tolist()
    [[False, True], [True, True]]
    """
    if attention_mask is not None:
        shape = (input_ids.shape[0], input_ids.shape[1])
        real = to_numpy(masks.from_attention_mask(attention_mask, shape))
    else:
        ids = to_numpy(input_ids)
        telling = config.pad_id is not None and config.pad_id not in config.eos_ids
        real = ids != config.pad_id if telling else np.ones(ids.shape, bool)
    empty = np.flatnonzero(~real.any(axis=1))
    if len(empty):
        message = f"row {empty[0]} of the prompt has no real token to go on from; give at least one"
        raise ArgumentError("prompt-empty", message, row=int(empty[0]))
    return real


def prompt_of(input_ids: mx.array, real: np.ndarray) -> Start:
    """The prompt with every row's tokens at its end and -1 before them.

    Args:
        input_ids: integers [B, T].
        real: boolean [B, T], at least one True in each row.

    Returns:
        What the rows begin with. Padding on the left counts as length, as in Hugging Face; padding elsewhere does not,
        so that such a row is what it is alone.

    >>> from mlxformer.backend import mx
    >>> from mlxformer.models.gpt.prompt import prompt_of
    >>> start = prompt_of(mx.array([[5, 0], [6, 7]]), np.array([[True, False], [True, True]]))
    >>> start.ids.tolist(), start.uncounted.tolist()
    ([[-1, 5], [6, 7]], [1, 0])
    """
    ids = to_numpy(input_ids).astype(np.int32)
    laid, padding = np.full(ids.shape, -1, np.int32), np.full(ids.shape, -1, np.int32)
    uncounted = np.zeros(len(ids), np.int64)
    for row, kept in enumerate(real):
        count = int(kept.sum())
        laid[row, len(kept) - count :] = ids[row, kept]
        is_left = bool(kept[len(kept) - count :].all())
        uncounted[row] = 0 if is_left else len(kept) - count
        if is_left:
            padding[row, : len(kept) - count] = ids[row, : len(kept) - count]
    return Start(laid, uncounted, padding=padding)


def next_rows(sequences: np.ndarray, vocab_size: int) -> tuple[np.ndarray, np.ndarray]:
    """What a model reads of sequences being written: ids, 0 where there is none, and where there is one.

    Args:
        sequences: int32 [N, T], -1 where a row has nothing.
        vocab_size: V; padding after a row's end may be beyond it, and what is read there counts for nothing.

    Returns:
        int32 and boolean, [N, T] each.

    >>> from mlxformer.models.gpt.prompt import next_rows
    >>> next_rows(np.array([[-1, 5, 99]], np.int32), 20)[0].tolist()
    [[0, 5, 0]]
    """
    return np.where((sequences < 0) | (sequences >= vocab_size), 0, sequences).astype(np.int32), sequences >= 0
