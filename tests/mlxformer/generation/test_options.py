"""What ``generate`` can be asked for beyond a search: draws, penalties, stops, prefixes, several results, scores."""

from __future__ import annotations

import inspect
import itertools
from typing import get_overloads

import numpy as np
import pytest

import mlxformer as mf
from mlxformer.backend import mx, to_numpy
from mlxformer.errors import ArgumentError
from mlxformer.generation.beam import beam_search
from mlxformer.generation.generate import GenerativeModel
from mlxformer.generation.greedy import greedy_search
from mlxformer.generation.rules import SearchRules, Start, constrain, log_softmax
from mlxformer.generation.sampling import SamplingRules, sample, sampling_probabilities
from tests.mlxformer.comparing import numbers
from tests.mlxformer.generation.decoders import EOS, PAD, START, Noise, rules
from tests.mlxformer.models.hub import ids, ours
from tests.mlxformer.observing import filled

LOGITS = numbers(4, 12, seed=3, scale=3.0)


def model(**changes):
    sizes = {"vocab_size": 19, "dims": 16, "num_heads": 4, "num_encoder_layers": 1, "num_decoder_layers": 2}
    made = filled(mf.Transformer(mf.TransformerConfig(**sizes | {"ffn_dims": 24} | changes)))
    made.source_embedding.weight = made.source_embedding.weight * 8  # few scores alike: sequences that differ
    return made


SOURCE = ours(ids(3, 5, size=19))


@pytest.mark.parametrize("min_p", [0.05, 0.4, 1.0])
@pytest.mark.parametrize("temperature", [0.5, 2.0])
def test_min_p_is_transformers(min_p, temperature):
    library = pytest.importorskip("transformers")
    import torch

    theirs = library.TemperatureLogitsWarper(temperature)(None, torch.tensor(LOGITS))
    wanted = torch.softmax(library.MinPLogitsWarper(min_p)(None, theirs), -1).numpy()
    found = sampling_probabilities(LOGITS, SamplingRules(temperature, min_p=min_p))
    np.testing.assert_allclose(found, wanted, atol=1e-6)


@pytest.mark.parametrize("temperature", [1e-300, 1e-40, 1e-5, 1e300])
def test_temperatures_far_out_do_what_they_say(temperature):
    found = sampling_probabilities(LOGITS, SamplingRules(temperature))
    best = LOGITS.argmax(-1)
    wanted = np.eye(12)[best] if temperature < 1 else np.full(LOGITS.shape, 1 / 12)
    np.testing.assert_allclose(found, wanted, atol=1e-6)


def test_penalties_are_transformers():
    library = pytest.importorskip("transformers")
    import torch

    before = ids(4, 9, size=12, low=0)
    before[:, 5] = before[:, 2]  # so that pairs repeat
    before[:, 8] = before[:, 2]
    given = (torch.tensor(before.astype(np.int64)), torch.tensor(LOGITS))
    for name, value, theirs in (
        ("repetition_penalty", 1.6, library.RepetitionPenaltyLogitsProcessor(1.6)),
        ("repetition_penalty", 0.4, library.RepetitionPenaltyLogitsProcessor(0.4)),
        ("no_repeat_ngram_size", 1, library.NoRepeatNGramLogitsProcessor(1)),
        ("no_repeat_ngram_size", 2, library.NoRepeatNGramLogitsProcessor(2)),
        ("min_length", 10, library.MinLengthLogitsProcessor(10, EOS)),
        ("min_length", 9, library.MinLengthLogitsProcessor(9, EOS)),
    ):
        found = constrain(LOGITS, before, rules(20, forbid_pad=False, **{name: value}))
        np.testing.assert_allclose(found, theirs(*given).numpy(), rtol=1e-6, err_msg=f"{name} {value}")


@pytest.mark.parametrize(("penalty", "like"), [(1e300, 1e30), (1e-300, 1e-30)])
@pytest.mark.filterwarnings("error")
def test_penalties_far_out_give_numbers(penalty, like):
    """0 / 0 and 0 · inf are none; of what would be infinite all is alike."""
    logits = np.array([[0.0, 2e20, -2e20, 1.0, -1.0, 5.0]], np.float32)
    before = np.array([[0, 1, 2, 3, 4]])
    found = constrain(logits, before, rules(20, forbid_pad=False, repetition_penalty=penalty))
    assert np.isfinite(found).all() and found[0, 0] == 0 and found[0, 5] == 5
    assert found.tolist() == constrain(logits, before, rules(20, forbid_pad=False, repetition_penalty=like)).tolist()
    assert (found[0, 3] < 1e-20) == (penalty > 1) and (found[0, 4] < -1e20) == (penalty > 1)


def test_a_row_that_begins_later_is_what_it_is_alone():
    laid = Start(np.array([[-1, -1, START, 3], [START, 4, 3, 4]], np.int32), np.array([2, 0]))
    given = rules(9, repetition_penalty=1.5, no_repeat_ngram_size=2, min_length=6)
    scores = LOGITS[:2, :6]
    found = constrain(scores, laid.ids, given, laid)
    assert found[:1].tolist() == constrain(scores[:1], laid.ids[:1, 2:], given).tolist()
    assert laid.room(given, 4).tolist() == [7, 5]


def test_stop_sequences_end_a_row_and_stay():
    plain = greedy_search(Noise(8, 1), 8, rules(12, forbid_pad=False))
    row = next(row for row in plain.tolist() if EOS not in row[:6])
    stop = tuple(row[3:5])
    stopped = greedy_search(Noise(8, 1), 8, rules(12, forbid_pad=False, stop_sequences=(stop,)))
    for found, whole in zip(stopped.tolist(), plain.tolist(), strict=True):
        ends = [n for n in range(2, len(whole) + 1) if tuple(whole[max(0, n - 2) : n]) == stop]
        kept = whole[: ends[0]] if ends else whole
        assert found[: len(kept)] == kept[: len(found)] and set(found[len(kept) :]) <= {PAD}
    beams, _ = beam_search(Noise(8, 3), 8, rules(12, num_beams=3, stop_sequences=((3,), (4,))))
    for found in beams.tolist():
        body = [token for token in found[1:] if token not in (PAD, EOS)]
        assert not any(token in (3, 4) for token in body[:-1])


def test_beam_search_from_a_prefix_finds_the_best_of_all():
    prefix = np.array([[START, 3, 4], [START, 4, 4]], np.int32)
    decoder = Noise(2, 60)
    found, scores = beam_search(decoder, 2, rules(6, num_beams=60, length_penalty=0.7), Start(prefix))
    for source in range(2):
        best = -np.inf
        for tail in itertools.chain.from_iterable(itertools.product(range(5), repeat=n) for n in (1, 2, 3)):
            if PAD in tail or EOS in tail[:-1] or (len(tail) < 3 and tail[-1] != EOS):
                continue
            whole, total = prefix[source].tolist(), 0.0
            for token in tail:
                total += float(log_softmax(decoder.of(source, whole).astype(np.float64))[token])
                whole.append(token)
            best = max(best, total / len(tail) ** 0.7)
        np.testing.assert_allclose(scores[source], best, atol=1e-5)
        assert found[source, :3].tolist() == prefix[source].tolist()


@pytest.mark.parametrize("options", [{}, {"num_beams": 3}, {"temperature": 0.8, "seed": 3}], ids=str)
def test_a_prefix_goes_on_as_what_was_written(options):
    made = model()
    if "temperature" in options:
        drawn = made.generate(SOURCE, max_length=9, decoder_input_ids=ours([[1, 5]] * 3), **options)
        assert to_numpy(drawn)[:, :2].tolist() == [[1, 5]] * 3
        return
    whole = to_numpy(made.generate(SOURCE, max_length=9, **options))
    prefix = whole[:, :3]
    given = {"max_length": 9} | options
    if not options:
        assert to_numpy(made.generate(SOURCE, decoder_input_ids=ours(prefix), **given)).tolist() == whole.tolist()
    with_start = made.generate(SOURCE, decoder_input_ids=ours([[5], [6], [7]]), max_new_tokens=4, **options)
    assert to_numpy(with_start)[:, :2].tolist() == [[1, 5], [1, 6], [1, 7]]
    assert with_start.shape[1] <= 6


def test_the_recurrent_model_reads_a_whole_prefix():
    made = filled(mf.Seq2Seq(mf.Seq2SeqConfig(19, dims=8, hidden_dims=8)))
    prefix = ours([[1, 5, 6]] * 3)
    logits = to_numpy(made(SOURCE, prefix))[:, -1]
    logits[:, 0] = -np.inf
    found = to_numpy(made.generate(SOURCE, decoder_input_ids=prefix, max_new_tokens=1))
    assert found[:, 3].tolist() == logits.argmax(-1).tolist()


def test_draws_repeat_by_their_seed_alone_and_several_come_one_after_another():
    made = model()
    options = {"max_new_tokens": 6, "temperature": 1.5, "num_return_sequences": 4}
    first, again = (to_numpy(made.generate(SOURCE, seed=7, **options)) for _ in range(2))
    assert first.shape[0] == 12 and first.tolist() == again.tolist()
    assert first.tolist() != to_numpy(made.generate(SOURCE, seed=8, **options)).tolist()
    unseeded = [to_numpy(made.generate(SOURCE, **options)).tolist() for _ in range(3)]
    assert len({str(one) for one in unseeded}) > 1


def test_scores_are_the_log_probabilities_of_what_was_written():
    made = model()
    for options in ({}, {"temperature": 0.7, "top_k": 5, "seed": 1}, {"num_beams": 4, "num_return_sequences": 2}):
        written, scores = made.generate(SOURCE, max_new_tokens=6, return_scores=True, **options)
        each = written.shape[0] // 3
        source = mx.repeat(SOURCE, each, axis=0)
        log_p = log_softmax(to_numpy(made(source, written[:, :-1])).astype(np.float64))
        for row, tokens in enumerate(to_numpy(written)):
            length = tokens.tolist().index(2) if 2 in tokens else len(tokens) - 1
            total = sum(log_p[row, place, tokens[place + 1]] for place in range(length))
            wanted = total / length if "num_beams" in options else total
            np.testing.assert_allclose(to_numpy(scores)[row], wanted, atol=2e-4)


def test_beams_come_best_first_and_the_first_is_the_result():
    made = model()
    several, scores = made.generate(SOURCE, num_beams=4, num_return_sequences=4, max_length=8, return_scores=True)
    table = to_numpy(scores).reshape(3, 4)
    assert (np.diff(table, axis=1) <= 0).all()
    best = to_numpy(made.generate(SOURCE, num_beams=4, max_length=8))
    assert to_numpy(several)[::4, : best.shape[1]].tolist() == best.tolist()


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("search", ["greedy", "beams", "draws"])
def test_logits_that_are_not_numbers_say_where(value, search):
    class Broken(Noise):
        def __call__(self, sequences):
            logits = super().__call__(sequences)
            if sequences.shape[1] == 3:
                logits[1, 2:] = value
                logits[1, :2] = -np.inf
            return logits

    with pytest.raises(ArgumentError, match=r"token after 3 tokens.*row 1 has") as error:
        if search == "greedy":
            greedy_search(Broken(6, 1), 6, rules(9))
        elif search == "beams":
            beam_search(Broken(6, 2), 6, rules(9, num_beams=2))
        else:
            sample(Broken(6, 1), 6, rules(9), SamplingRules(), np.random.default_rng(0))
    assert error.value.code == "logits-not-numbers" and error.value.fields["row"] == 1


def test_broken_weights_stop_generation():
    made = model()
    made.source_embedding.weight = made.source_embedding.weight * mx.array(np.float32(np.nan))
    for options in ({}, {"num_beams": 2}, {"temperature": 1.0}):
        with pytest.raises(ArgumentError, match="not all numbers"):
            made.generate(SOURCE, max_length=5, **options)


def test_the_mode_stays_between_streamed_tokens():
    made = model(dropout=0.5)
    made.train()
    wanted = to_numpy(made.generate(SOURCE, max_new_tokens=5))[:, 1:].T.tolist()
    found = []
    for token in made.stream(SOURCE, max_new_tokens=5):
        assert made.training and made.decoder.layers[0].training
        assert token.dtype == mx.int32 and token.shape == (3,)
        found.append(to_numpy(token).tolist())
    assert found == wanted


@pytest.mark.parametrize(
    ("options", "code"),
    [
        ({"top_k": 3}, "sampling-without-temperature"),
        ({"temperature": 0, "top_p": 0.5}, "sampling-without-temperature"),
        ({"temperature": 0.0, "seed": 3}, "sampling-without-temperature"),
        ({"min_p": 0.0}, "sampling-without-temperature"),
        ({"temperature": -1.0}, "not-a-positive-number"),
        ({"temperature": float("nan")}, "not-a-positive-number"),
        ({"temperature": "hot"}, "not-a-positive-number"),
        ({"temperature": 1.0, "seed": -1}, "seed"),
        ({"temperature": 1.0, "seed": 1.5}, "seed"),
        ({"temperature": 1.0, "top_p": 0.0}, "top-p"),
        ({"temperature": 1.0, "min_p": 1.5}, "min-p"),
        ({"temperature": 1.0, "num_beams": 2}, "sampling-beams"),
        ({"num_return_sequences": 2}, "too-many-results"),
        ({"num_beams": 2, "num_return_sequences": 3}, "too-many-results"),
        ({"num_return_sequences": 0}, "not-positive"),
        ({"max_new_tokens": 0, "max_length": None}, "not-positive"),
        ({"max_new_tokens": 3}, "lengths-both"),
        ({"min_length": -1}, "negative-count"),
        ({"no_repeat_ngram_size": 1.5}, "negative-count"),
        ({"repetition_penalty": 0.0}, "not-a-positive-number"),
        ({"stop_sequences": [3]}, "stop-sequences"),
        ({"stop_sequences": "ab"}, "stop-sequences"),
        ({"stop_sequences": [[]]}, "stop-sequences"),
        ({"decoder_input_ids": ours([[1, 3]])}, "wrong-shape"),
        ({"decoder_input_ids": ours([[1, 99]] * 3)}, "id-out-of-range"),
        ({"decoder_input_ids": ours([[1, 3, 4, 5, 6, 7]] * 3)}, "no-room"),
    ],
    ids=str,
)
@pytest.mark.parametrize("method", ["generate", "stream"])
def test_what_is_refused_at_once(options, code, method):
    given = {name: value for name, value in ({"max_length": 6} | options).items() if value is not None}
    if method == "stream" and "num_beams" in given:
        pytest.skip("a stream has no beams")
    with pytest.raises(ArgumentError) as error:
        getattr(model(), method)(SOURCE, **given)
    assert error.value.code == code


def test_rules_that_leave_no_token_say_so():
    settings = SearchRules(START, PAD, (EOS,), 9, no_repeat_ngram_size=1, min_length=9)
    with pytest.raises(ArgumentError, match="allow row 0 no token") as error:
        greedy_search(Noise(1, 1), 1, settings)
    assert error.value.code == "nothing-allowed"


def test_what_a_type_checker_reads_has_every_option_and_its_default():
    options = inspect.signature(GenerativeModel.generate).parameters
    plain, with_scores = (inspect.signature(each).parameters for each in get_overloads(GenerativeModel.generate))
    for read in (plain, with_scores):
        assert list(read) == list(options)
        differing = {name for name in options if read[name] != options[name]}
        assert differing == {"return_scores"}
    assert plain["return_scores"].default is False and with_scores["return_scores"].default is inspect.Parameter.empty
