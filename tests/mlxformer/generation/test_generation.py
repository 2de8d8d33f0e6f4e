"""Greedy and beam search: on scores known by hand, against an exhaustive search, and what must not change a result."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from mlxformer.backend import mx, to_numpy
from mlxformer.errors import ArgumentError
from mlxformer.generation.beam import beam_search
from mlxformer.generation.greedy import greedy_search
from mlxformer.generation.rules import SearchRules, constrain, log_softmax
from mlxformer.generation.search import search
from mlxformer.tracing import trace
from tests.mlxformer.comparing import assert_close, numbers
from tests.mlxformer.transformer_reference import filled, ids

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


# Greedy


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


# Beam search


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


# What is allowed


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


# The model


@pytest.mark.parametrize("beams", [1, 4])
@pytest.mark.parametrize("positions", ["sinusoidal", "learned", "rotary", "alibi", "t5", "none"])
def test_the_cache_changes_no_token(positions, beams):
    model = filled(positions=positions)
    source = ids(6, 7)
    source[1, 3:] = source[4, 5:] = 0
    options = {"max_length": 10, "num_beams": beams}
    with_cache = to_numpy(model.generate(mx.array(source), **options))
    without = to_numpy(model.generate(mx.array(source), use_cache=False, **options))
    assert with_cache.tolist() == without.tolist()
    assert with_cache.dtype == np.int32 and (with_cache[:, 0] == 1).all()


def test_generate_is_greedy_on_the_models_own_logits():
    model = filled()
    source = mx.array(ids(5, 7))
    found = to_numpy(model.generate(source, max_length=9))
    for row in range(5):
        sequence = [1]
        while sequence[-1] != 2 and len(sequence) < 9:
            logits = to_numpy(model(source[row : row + 1], mx.array(np.array([sequence], np.int32))))[0, -1]
            logits[0] = -np.inf
            sequence.append(int(logits.argmax()))
        assert found[row, : len(sequence)].tolist() == sequence


def test_scores_of_the_found_are_the_models():
    """The score of a result is the mean log-probability that the model, teacher-forced, gives its tokens."""
    model, source = filled(), mx.array(ids(4, 7))

    class Seen:
        def __init__(self):
            self.memory = mx.repeat(model.encode(source), 3, axis=0)

        def __call__(self, sequences):
            return to_numpy(model.decode(mx.array(sequences), self.memory))[:, -1]

        def reorder(self, rows):
            pass

    found, scores = beam_search(Seen(), 4, rules(8, num_beams=3))
    assert found.tolist() == to_numpy(model.generate(source, num_beams=3, max_length=8)).tolist()
    logits = log_softmax(to_numpy(model(source, mx.array(found[:, :-1]))).astype(np.float64))
    for row in range(4):
        length = int((found[row] != 0).sum())
        gained = [logits[row, place - 1, found[row, place]] for place in range(1, length)]
        assert abs(np.mean(gained) - scores[row]) < 1e-5


@pytest.mark.parametrize("beams", [1, 3])
def test_padding_and_masks_of_the_source_change_no_token(beams):
    model, source = filled(), ids(4, 6)
    plain = to_numpy(model.generate(mx.array(source), max_length=8, num_beams=beams)).tolist()
    padded = np.pad(source, ((0, 0), (0, 3)))
    assert to_numpy(model.generate(mx.array(padded), max_length=8, num_beams=beams)).tolist() == plain
    padded[:, 6:] = 7  # masked by hand, whatever stands there
    for mask in (np.arange(9) < 6, (np.arange(9) < 6).astype(np.int32)):
        mask = mx.array(np.tile(mask, (4, 1)))
        assert to_numpy(model.generate(mx.array(padded), mask, max_length=8, num_beams=beams)).tolist() == plain


@pytest.mark.parametrize("beams", [1, 3])
def test_generate_passes_a_path_once_for_each_token(beams):
    model, source = filled(), mx.array(ids(2, 7))
    plain = to_numpy(model.generate(source, max_length=7, num_beams=beams)).tolist()
    with trace() as steps:
        found = to_numpy(model.generate(source, max_length=7, num_beams=beams))
    assert found.tolist() == plain
    crossed = steps.all("decoder.layers.1.cross_attention.weights")
    calls = len(steps.all("logits"))
    assert calls >= found.shape[1] - 1 and [step.call for step in crossed] == list(range(calls))
    assert {step.value.shape for step in crossed} == {(2 * beams, 3, 1, 7)}
    own = steps.all("decoder.layers.0.self_attention.weights")
    assert [step.value.shape[-1] for step in own] == list(range(1, calls + 1))
    assert steps["encoder.layers.0.self_attention.weights"].value.shape == (2, 3, 7, 7)


def test_generate_in_training_mode_drops_nothing_and_leaves_the_mode():
    model, source = filled(dropout=0.5, attention_dropout=0.5), mx.array(ids(3, 7))
    wanted = to_numpy(model.generate(source, max_length=8, num_beams=2)).tolist()
    model.train()
    model.encoder.layers[1].eval()
    before = {path: module.training for path, module in model.named_modules()}
    assert set(before.values()) == {True, False}
    for _ in range(2):
        assert to_numpy(model.generate(source, max_length=8, num_beams=2)).tolist() == wanted
    assert {path: module.training for path, module in model.named_modules()} == before
    with pytest.raises(ArgumentError):
        model.generate(source, max_length=0)
    assert {path: module.training for path, module in model.named_modules()} == before


# Bad input


SOURCE = ids(2, 5)


@pytest.mark.parametrize(
    ("options", "code"),
    [
        ({"max_length": 0}, "not-positive"),
        ({"max_length": -3}, "not-positive"),
        ({"max_length": None}, "max-length-missing"),
        ({"max_length": 2.5}, "not-positive"),
        ({"num_beams": 0}, "not-positive"),
        ({"num_beams": True}, "not-positive"),
        ({"length_penalty": float("nan")}, "length-penalty"),
        ({"early_stopping": "always"}, "unknown-choice"),
        ({"attention_mask": np.ones((2, 4), np.int32)}, "wrong-shape"),
        ({"attention_mask": np.full((2, 5), 2, np.int32)}, "attention-mask-values"),
        ({"input_ids": SOURCE[:, :0]}, "empty-axis"),
        ({"input_ids": SOURCE[0]}, "wrong-shape"),
        ({"input_ids": SOURCE + 17}, "id-out-of-range"),
        ({"input_ids": SOURCE.astype(np.float32)}, "ids-not-integers"),
    ],
)
def test_what_generate_refuses(options, code):
    given = {"input_ids": SOURCE, "max_length": 6} | options
    given = {name: value for name, value in given.items() if value is not None}
    given = {name: mx.array(value) if isinstance(value, np.ndarray) else value for name, value in given.items()}
    with pytest.raises(ArgumentError) as error:
        filled().generate(**given)
    assert error.value.code == code


def test_generating_past_the_learned_positions():
    """The last token is generated and not read: one more than there are positions can be had."""
    model, source = filled(positions="learned", max_positions=6, eos_id=18), mx.array(SOURCE)
    assert to_numpy(model.generate(source, max_length=7)).shape[1] <= 7
    with pytest.raises(ArgumentError, match="max_length=8, but this model reads at most 6") as error:
        model.generate(source, max_length=8)
    assert error.value.code == "too-long"
