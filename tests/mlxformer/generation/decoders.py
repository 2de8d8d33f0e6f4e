"""Decoders that need no model: one whose probabilities are written down, and one that draws them."""

from __future__ import annotations

import numpy as np

from mlxformer.generation.rules import SearchRules

PAD, START, EOS = 0, 1, 2


def rules(max_length=6, **changes):
    return SearchRules(start_id=START, pad_id=PAD, eos_ids=(EOS,), max_length=max_length, **changes)


class Table:
    """A decoder that knows p(token | tokens so far) by heart: ``{(3, 4): {EOS: 0.9, 5: 0.1}}``; one source."""

    def __init__(self, table, vocab=8, sources=1):
        self.table, self.vocab, self.sources = table, vocab, sources
        self.seen = []

    def __call__(self, sequences):
        self.seen.append(sequences.copy())
        logits = np.full((len(sequences), self.vocab), -40.0, np.float32)
        for row, sequence in enumerate(sequences):
            for token, probability in self.table.get(tuple(sequence[1:].tolist()), {EOS: 1.0}).items():
                logits[row, token] = np.log(probability)
        return logits

    def reorder(self, rows):
        assert rows.shape == (len(self.seen[-1]),)


class Noise:
    """Logits that depend on the source and on the whole sequence, and on nothing else; rows are remembered."""

    def __init__(self, batch, beams, vocab=5, sharpness=2.0):
        self.vocab, self.sharpness = vocab, sharpness
        self.source = np.repeat(np.arange(batch), beams)

    def __call__(self, sequences):
        return np.stack([self.of(s, row) for s, row in zip(self.source, sequences, strict=True)])

    def of(self, source, sequence):
        seed = [int(source), *map(int, sequence)]
        return (self.sharpness * np.random.default_rng(seed).standard_normal(self.vocab)).astype(np.float32)

    def reorder(self, rows):
        assert (self.source[rows] == self.source).all(), "beams moved between sources"
