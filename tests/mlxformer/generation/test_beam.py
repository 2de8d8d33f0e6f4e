"""Beam search: on scores known by hand, and against an exhaustive search."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from mlxformer.generation.beam import beam_search
from mlxformer.generation.greedy import greedy_search
from mlxformer.generation.search import search
from tests.mlxformer.generation.decoders import EOS, PAD, START, Noise, Table, rules


def hypotheses(decoder, source, max_length, alpha):
    """Every sequence that ends, by EOS or by length, with its score; the best first."""
    found = []
    tokens = [token for token in range(decoder.vocab) if token not in (PAD, EOS)]
    for length in range(max_length):
        for body in itertools.product(tokens, repeat=length):
            sequence = [START, *body]
            if len(sequence) < max_length:
                sequence.append(EOS)
            total = 0.0
            for place in range(1, len(sequence)):
                logits = decoder.of(source, sequence[:place]).astype(np.float64)
                total += logits[sequence[place]] - np.log(np.exp(logits).sum())
            found.append((total / (len(sequence) - 1) ** alpha, sequence))
    return sorted(found, reverse=True)


@pytest.mark.parametrize("alpha", [0.0, 0.6, 1.0, 2.0])
def test_wide_enough_beam_search_finds_the_best_of_all(alpha):
    """27 beams hold every prefix of three letters, so nothing is cut before it has been scored."""
    decoder, limit = Noise(5, 27), 4
    settings = rules(limit, num_beams=27, length_penalty=alpha, early_stopping="never")
    found, scores = beam_search(decoder, 5, settings)
    lengths = set()
    for source in range(5):
        best, sequence = hypotheses(decoder, source, limit, alpha)[0]
        assert found[source, : len(sequence)].tolist() == sequence
        assert (found[source, len(sequence) :] == PAD).all()
        assert abs(scores[source] - best) < 1e-5
        lengths.add(len(sequence))
    assert len(lengths) > 1 or alpha > 1  # which makes the longest win


LONG_SHORT = {
    (): {3: 0.5, 4: 0.5},
    (3,): {EOS: 0.5, 5: 0.5},
    (4,): {6: 0.999, EOS: 0.001},
    (4, 6): {7: 0.55, EOS: 0.45},
    (4, 6, 7): {EOS: 1.0},
}


@pytest.mark.parametrize(
    ("alpha", "sequence", "total"),
    [
        # log p is -1.386 of [3 EOS], -1.293 of [4 6 7 EOS] and -1.493 of [4 6 EOS], by hand
        (0.0, [4, 6, 7, EOS], np.log(0.5 * 0.999 * 0.55)),
        (1.0, [4, 6, 7, EOS], np.log(0.5 * 0.999 * 0.55) / 4),
        (-1.0, [3, EOS], np.log(0.25) * 2),
    ],
)
def test_length_penalty_by_hand(alpha, sequence, total):
    found, scores = beam_search(
        Table(LONG_SHORT), 1, rules(8, num_beams=3, length_penalty=alpha, early_stopping="never")
    )
    assert found.tolist() == [[START, *sequence]]
    assert abs(scores[0] - total) < 1e-5


def test_beams_find_what_greedy_misses():
    """Greedy takes 3 (0.6) and then can only have 0.6 · 0.4; through 4 there is 0.4 · 0.9."""
    table = {(): {3: 0.6, 4: 0.4}, (3,): {5: 0.4, 6: 0.35, 7: 0.25}, (4,): {5: 0.9, 6: 0.1}}
    assert greedy_search(Table(table), 1, rules()).tolist() == [[START, 3, 5, EOS]]
    found, scores = beam_search(Table(table), 1, rules(num_beams=2))
    assert found.tolist() == [[START, 4, 5, EOS]]
    assert abs(scores[0] - np.log(0.36) / 3) < 1e-5


# After two steps [EOS] (log 0.3 / 1) and [3 EOS] (log 0.3 / 2 = -0.60) have ended. [3 5] could still beat the worse of
# them, and does, at its end: log 0.2 / 3 = -0.54.
GOING_ON = {(): {3: 0.5, EOS: 0.3, 4: 0.2}, (3,): {EOS: 0.6, 5: 0.4}, (4,): {6: 0.9, 7: 0.1}}
# After two steps [3 EOS] and [4 EOS] have ended. [3 6], if it ended now, would be worse than both (log 0.16 / 2), but
# [3 6 EOS] is better: log 0.16 / 3 = -0.61 against log 0.24 / 2 = -0.71.
GIVING_UP = {(): {3: 0.40, 4: 0.38, 5: 0.22}, (3,): {EOS: 0.6, 6: 0.4}, (4,): {EOS: 0.6, 7: 0.4}}


@pytest.mark.parametrize(
    ("table", "early_stopping", "sequence", "is_stopped_after_two"),
    [
        (GOING_ON, True, [3, EOS], True),
        (GOING_ON, False, [3, 5, EOS], False),
        (GOING_ON, "never", [3, 5, EOS], False),
        (GIVING_UP, True, [3, EOS], True),
        (GIVING_UP, False, [3, EOS], True),
        (GIVING_UP, "never", [3, 6, EOS], False),
    ],
)
def test_early_stopping_by_hand(table, early_stopping, sequence, is_stopped_after_two):
    decoder = Table(table)
    found, _ = beam_search(decoder, 1, rules(7, num_beams=2, early_stopping=early_stopping))
    assert found.tolist() == [[START, *sequence]]
    assert (len(decoder.seen) == 2) == is_stopped_after_two


def test_a_batch_finds_what_each_source_finds_alone():
    settings = rules(8, num_beams=3)
    together = search(Noise(6, 3), 6, settings)
    for source in range(6):
        decoder = Noise(1, 3)
        decoder.source[:] = source
        alone = search(decoder, 1, settings)[0]
        assert together[source, : len(alone)].tolist() == alone.tolist()
        assert (together[source, len(alone) :] == PAD).all()


@pytest.mark.parametrize("beams", [2, 9])
def test_more_beams_than_continuations(beams):
    """Two tokens besides padding: the first step cannot fill the beams."""
    found = search(Noise(2, beams, vocab=4), 2, rules(4, num_beams=beams))
    assert found.shape[0] == 2 and (found[:, 0] == START).all()
