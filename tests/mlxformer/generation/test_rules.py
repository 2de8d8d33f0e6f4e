"""What a search may write: never padding, no bad words, the tokens that are forced, the ends that there are."""

from __future__ import annotations

import numpy as np

from mlxformer.generation.beam import beam_search
from mlxformer.generation.greedy import greedy_search
from mlxformer.generation.rules import SearchRules, constrain, log_softmax
from mlxformer.generation.search import search
from tests.mlxformer.comparing import assert_close, numbers
from tests.mlxformer.generation.decoders import EOS, PAD, START, Table, rules


def test_padding_is_never_generated():
    decoder = Table({(): {PAD: 0.9, 3: 0.1}, (3,): {PAD: 0.9, EOS: 0.1}})
    assert greedy_search(decoder, 1, rules()).tolist() == [[START, 3, EOS]]
    assert search(decoder, 1, rules(num_beams=2)).tolist() == [[START, 3, EOS]]


def test_constrain_by_hand():
    sequences = np.array([[1, 3, 4], [1, 4, 4]], np.int32)
    scores = np.zeros((2, 8), np.float32)
    words = ((5,), (3, 4, 6), (4, 7), (EOS,), (9, 9, 9, 9, 3))
    found = constrain(scores, sequences, rules(bad_words=words))
    assert np.isneginf(found[0]).nonzero()[0].tolist() == [PAD, 5, 6, 7]
    assert np.isneginf(found[1]).nonzero()[0].tolist() == [PAD, 5, 7]
    assert (scores == 0).all(), "the caller's scores are left alone"


def test_forced_first_and_last_tokens():
    decoder = Table({(): {3: 1.0}, (4,): {3: 1.0}, (4, 3): {3: 1.0}, (4, 3, 3): {3: 1.0}})
    settings = {"forced_bos_id": 4, "forced_eos_id": EOS}
    assert greedy_search(decoder, 1, rules(5, **settings)).tolist() == [[START, 4, 3, 3, EOS]]
    found, scores = beam_search(decoder, 1, rules(5, num_beams=2, **settings))
    assert found.tolist() == [[START, 4, 3, 3, EOS]]
    assert abs(scores[0]) < 1e-5, "a forced token has probability one"
    assert greedy_search(decoder, 1, rules(5, forced_bos_id=4)).tolist() == [[START, 4, 3, 3, 3]]


def test_renormalizing_gives_the_allowed_tokens_all_the_probability():
    table = Table({(): {3: 0.5, 4: 0.25, 5: 0.25}})
    _, plain = beam_search(table, 1, rules(num_beams=2, bad_words=((3,),)))
    _, whole = beam_search(table, 1, rules(num_beams=2, bad_words=((3,),), renormalize=True))
    assert abs(plain[0] - np.log(0.25) / 2) < 1e-5 and abs(whole[0] - np.log(0.5) / 2) < 1e-5


def test_several_end_tokens():
    settings = SearchRules(start_id=START, pad_id=PAD, eos_ids=(EOS, 7), max_length=6)
    assert greedy_search(Table({(): {3: 1.0}, (3,): {7: 1.0}}), 1, settings).tolist() == [[START, 3, 7]]


def test_log_softmax():
    x = numbers(3, 7, scale=50)
    assert_close(np.exp(log_softmax(x).astype(np.float64)).sum(axis=-1), np.ones(3), 1e-6)
    assert log_softmax(x).dtype == np.float32
    assert np.isneginf(log_softmax(np.array([[0.0, -np.inf]], np.float32))[0, 1])
