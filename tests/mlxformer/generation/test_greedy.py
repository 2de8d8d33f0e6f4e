"""Greedy search: on scores known by hand, and one step after another."""

from __future__ import annotations

import numpy as np
import pytest

from mlxformer.generation.greedy import greedy_search
from mlxformer.generation.search import search
from tests.mlxformer.generation.decoders import EOS, PAD, START, Noise, Table, rules


def test_greedy_takes_the_most_probable_token_and_pads_what_has_ended():
    table = Table({(): {3: 0.6, 4: 0.4}, (3,): {5: 0.7, EOS: 0.3}, (3, 5): {EOS: 0.8, 3: 0.2}})
    assert greedy_search(table, 1, rules()).tolist() == [[START, 3, 5, EOS]]
    assert [seen.shape for seen in table.seen] == [(1, 1), (1, 2), (1, 3)]  # and stops as soon as all have ended


def test_greedy_is_the_argmax_one_step_after_another():
    decoder = Noise(6, 1)
    found = greedy_search(decoder, 6, rules(9))
    for source, row in enumerate(found):
        sequence = [START]
        while sequence[-1] != EOS and len(sequence) < 9:
            scores = decoder.of(source, sequence)
            scores[PAD] = -np.inf
            sequence.append(int(scores.argmax()))
        assert row.tolist() == sequence + [PAD] * (found.shape[1] - len(sequence))
    assert len({tuple(row) for row in found}) == 6
    assert len(set((found == EOS).argmax(axis=1))) > 2, "rows end at different lengths"


@pytest.mark.parametrize("beams", [1, 3])
def test_max_length_of_one_is_the_start_token_alone(beams):
    found = search(Noise(2, beams), 2, rules(1, num_beams=beams))
    assert found.tolist() == [[START], [START]] and found.dtype == np.int32
