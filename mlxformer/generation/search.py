"""Search: greedy for one beam, beam search for more."""

from __future__ import annotations

import numpy as np

from mlxformer.generation.beam import beam_search
from mlxformer.generation.greedy import greedy_search
from mlxformer.generation.rules import NextLogits, SearchRules


def search(next_logits: NextLogits, batch: int, rules: SearchRules) -> np.ndarray:
    """The best sequence found for each source, by greedy search for one beam and beam search for more.

    Args:
        next_logits: the decoder, ``model.start_decoding(ids, rows_each=rules.num_beams)``.
        batch: how many sources it has.
        rules: those of the search.

    Returns:
        int32 [B, T], T at most ``max_length``.

    >>> import mlxformer as mf
    >>> from mlxformer.backend import mx
    >>> from mlxformer.generation.rules import SearchRules
    >>> from mlxformer.generation.search import search
    >>> model, ids = mf.Transformer(mf.TransformerConfig(20, dims=8, num_heads=2, ffn_dims=16)), mx.array([[5, 6, 7]])
    >>> rules = SearchRules(start_id=1, pad_id=0, eos_ids=(2,), max_length=4, num_beams=3)
    >>> search(model.start_decoding(ids, rows_each=3), 1, rules)[:, 0].tolist()  # the start token
    [1]
    """
    if rules.num_beams == 1:
        return greedy_search(next_logits, batch, rules)
    return beam_search(next_logits, batch, rules)[0]
