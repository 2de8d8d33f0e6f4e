"""A decoder-only model as ``generation.batching.serve`` asks it: sequences in a pool, their next ids, logits."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from mlxformer.attention.paged_cache import PagedSequence, real_tokens
from mlxformer.backend import mx, to_numpy
from mlxformer.errors import ArgumentError
from mlxformer.generation.batching import Step
from mlxformer.layers.decoder_cache import DecoderCache
from mlxformer.models.gpt.model import GPT


def paged_step(model: GPT) -> Step:
    """The model's pass over the next tokens of some sequences, whichever they are this time.

    Args:
        model: with learned positions. Keys that were rotated by their place in the row would stand elsewhere when a
            longer row joins.

    Returns:
        (sequences, ids [B, n]) -> logits of the token after the last, float32 [B, V].

    Raises:
        ArgumentError: for a model with rotary positions.

    >>> import mlxformer as mf
    >>> import numpy as np
    >>> from mlxformer.attention.paged_cache import BlockPool
    >>> from mlxformer.models.gpt.paged import paged_step
    >>> step = paged_step(mf.GPT(mf.GPTConfig(20, dims=8, num_heads=2, num_layers=1)))
    >>> step([BlockPool(4, 4, num_layers=1).sequence()], np.array([[5, 6]], np.int32)).shape
    (1, 20)
    """
    if model.config.positions != "learned":
        message = (
            "paged_step needs learned positions: rotated keys would have to move when a longer row joins the batch"
        )
        raise ArgumentError("paged-positions", message, given=model.config.positions)

    def step(sequences: Sequence[PagedSequence], ids: np.ndarray) -> np.ndarray:
        valid = mx.array(real_tokens(sequences, ids.shape[1]))
        return to_numpy(model(mx.array(ids), valid, DecoderCache.paged(sequences))[:, -1])

    return step
