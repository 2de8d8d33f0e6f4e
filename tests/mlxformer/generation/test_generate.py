"""``generate`` of a model: its own logits and scores, what must not change a token, and what is refused."""

from __future__ import annotations

import numpy as np
import pytest

from mlxformer.backend import mx, to_numpy
from mlxformer.errors import ArgumentError
from mlxformer.generation.beam import beam_search
from mlxformer.generation.rules import log_softmax
from mlxformer.tracing import trace
from tests.mlxformer.generation.decoders import rules
from tests.mlxformer.transformer_reference import filled, ids


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
