"""Greedy search: the most probable token at each step."""

from __future__ import annotations

import numpy as np

from mlxformer.generation.rules import NextLogits, SearchRules, constrain


def greedy_search(next_logits: NextLogits, batch: int, rules: SearchRules) -> np.ndarray:
    """The most probable next token, until every row has ended.

    Args:
        next_logits: the decoder, ``model.start_decoding(ids)``.
        batch: how many sources it has.
        rules: those of the search.

    Returns:
        int32 [B, T]; a finished row goes on with padding.

    >>> import mlxformer as mf
    >>> from mlxformer.backend import mx
    >>> from mlxformer.generation.greedy import greedy_search
    >>> from mlxformer.generation.rules import SearchRules
    >>> model, ids = mf.Transformer(mf.TransformerConfig(20, dims=8, num_heads=2, ffn_dims=16)), mx.array([[5, 6, 7]])
    >>> rules = SearchRules(start_id=1, pad_id=0, eos_ids=(2,), max_length=4)
    >>> greedy_search(model.start_decoding(ids), 1, rules)[:, 0].tolist()  # the start token
    [1]
    """
    sequences = np.full((batch, 1), rules.start_id, np.int32)
    running = np.ones(batch, bool)
    while running.any() and sequences.shape[1] < rules.max_length:
        scores = constrain(next_logits(sequences), sequences, rules)
        tokens = np.where(running, scores.argmax(axis=-1), rules.pad_id).astype(np.int32)
        sequences = np.concatenate([sequences, tokens[:, None]], axis=1)
        running &= ~np.isin(tokens, rules.eos_ids)
    return sequences
