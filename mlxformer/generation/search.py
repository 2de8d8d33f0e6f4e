"""Search: greedy for one beam, beam search for more."""

from __future__ import annotations

import numpy as np

from mlxformer.generation.beam import beam_search
from mlxformer.generation.greedy import greedy_search
from mlxformer.generation.rules import NextLogits, SearchRules


def search(next_logits: NextLogits, batch: int, rules: SearchRules) -> np.ndarray:
    """The best sequence found for each of ``batch`` sources: int32 [B, T], T at most ``max_length``."""
    if rules.num_beams == 1:
        return greedy_search(next_logits, batch, rules)
    return beam_search(next_logits, batch, rules)[0]
