"""Greedy search: the most probable token at each step."""

from __future__ import annotations

import numpy as np

from mlxformer.generation.rules import NextLogits, SearchRules, constrain


def greedy_search(next_logits: NextLogits, batch: int, rules: SearchRules) -> np.ndarray:
    """The most probable next token, until every row has ended: int32 [B, T]; a finished row goes on with padding."""
    sequences = np.full((batch, 1), rules.start_id, np.int32)
    running = np.ones(batch, bool)
    while running.any() and sequences.shape[1] < rules.max_length:
        scores = constrain(next_logits(sequences), sequences, rules)
        tokens = np.where(running, scores.argmax(axis=-1), rules.pad_id).astype(np.int32)
        sequences = np.concatenate([sequences, tokens[:, None]], axis=1)
        running &= ~np.isin(tokens, rules.eos_ids)
    return sequences
