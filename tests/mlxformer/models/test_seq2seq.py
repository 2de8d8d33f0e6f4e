"""The recurrent encoder-decoder: against one built of torch's cells, step by step, and with and without attention."""

from __future__ import annotations

import numpy as np
import pytest

from mlxformer import backend
from mlxformer.attention import masks
from mlxformer.backend import mx, nn, optimizers, to_numpy
from mlxformer.errors import ArgumentError
from mlxformer.models.seq2seq import Seq2Seq, Seq2SeqConfig
from mlxformer.tracing import trace
from tests.mlxformer.comparing import assert_bit_equal, assert_close, assert_gradients, numbers
from tests.mlxformer.observing import filled, token_ids

V, C, H = 13, 6, 5
CELLS = ["rnn", "gru", "lstm"]


def seq2seq(**options) -> Seq2Seq:
    return filled(Seq2Seq(Seq2SeqConfig(V, C, H, attention_dims=4, readout_dims=3, **options)))


def sources(padded: bool = True):
    ids = np.asarray(to_numpy(token_ids(2, 6, size=V)))
    if padded:
        ids[1, 4:] = 0
    return mx.array(ids)


def targets():
    ids = to_numpy(token_ids(2, 4, size=V, seed=1))
    ids[:, 0] = 1
    return mx.array(ids)


def by_torch(model: Seq2Seq, source: np.ndarray, target: np.ndarray) -> np.ndarray:
    """Bahdanau's equations for one sentence at a time, on torch's own recurrent layers, in float64."""
    torch = pytest.importorskip("torch", reason="compares with torch")
    config, kind = model.config, model.config.cell

    def tensor(x):
        return torch.tensor(to_numpy(x), dtype=torch.float64)

    def linear(layer, x):
        return x @ tensor(layer.weight).T + (tensor(layer.bias) if "bias" in layer else 0)

    def network(cell, cell_kind, width):
        made = {"rnn": torch.nn.RNN, "gru": torch.nn.GRU, "lstm": torch.nn.LSTM}[cell_kind]
        layer = made(width, H, batch_first=True).double()
        with torch.no_grad():
            weights = [cell.input_proj.weight, cell.hidden_proj.weight, cell.input_proj.bias]
            for name, value in zip(("weight_ih_l0", "weight_hh_l0", "bias_ih_l0"), weights, strict=True):
                getattr(layer, name).copy_(tensor(value))
            bias = tensor(cell.hidden_proj.bias) if "bias" in cell.hidden_proj else torch.zeros(layer.bias_hh_l0.shape)
            layer.bias_hh_l0.copy_(bias)
        return layer

    def extended(cell):  # the decoder's cell reads [y; c]: W and the context's matrix side by side
        layer = network(cell, kind, C)
        wide = type(layer)(C + model.context_proj.weight.shape[1], H, batch_first=True).double()
        with torch.no_grad():
            wide.weight_ih_l0.copy_(torch.cat([tensor(cell.input_proj.weight), tensor(model.context_proj.weight)], 1))
            for name in ("weight_hh_l0", "bias_ih_l0", "bias_hh_l0"):
                getattr(wide, name).copy_(getattr(layer, name))
        return wide

    decoder, logits = extended(model.decoder_cell), []
    for sentence, words in zip(source, target, strict=True):
        x = tensor(model.source_embedding.weight)[sentence[sentence != config.pad_id]][None]
        annotations, last = network(model.forward_rnn.cell, kind, C)(x)
        h, c = last if kind == "lstm" else (last, None)
        summary = h[0]
        if config.bidirectional:
            backward, last = network(model.backward_rnn.cell, kind, C)(x.flip(1))
            h, c = last if kind == "lstm" else (last, None)
            annotations = torch.cat([annotations, backward.flip(1)], -1)
            summary = torch.cat([summary, h[0]], -1)
        h, rows = torch.tanh(linear(model.initial_proj, h)), []
        for word in tensor(model.target_embedding.weight)[words]:
            context = summary[0]
            if config.attention:
                scores = linear(
                    model.attention.score_proj,
                    torch.tanh(
                        linear(model.attention.query_proj, h[0, 0]) + linear(model.attention.key_proj, annotations[0])
                    ),
                )
                context = (scores.softmax(0) * annotations[0]).sum(0)
            _, last = decoder(torch.cat([word, context])[None, None], (h, c) if kind == "lstm" else h)
            h, c = last if kind == "lstm" else (last, None)
            pairs = linear(model.readout_proj, torch.cat([h[0, 0], word, context]))
            rows.append(linear(model.output_proj, pairs.reshape(-1, 2).max(-1).values))
        logits.append(torch.stack(rows))
    return torch.stack(logits).detach().numpy()


@pytest.mark.parametrize("cell", CELLS)
@pytest.mark.parametrize("attention", [True, False])
@pytest.mark.parametrize("bidirectional", [True, False])
def test_logits_against_torch_one_sentence_at_a_time(cell, attention, bidirectional):
    model = seq2seq(cell=cell, attention=attention, bidirectional=bidirectional)
    source, target = sources(), targets()
    logits = model(source, target)
    assert logits.dtype == mx.float32 and logits.shape == (2, 4, V)
    assert_close(logits, by_torch(model, to_numpy(source), to_numpy(target)))


@pytest.mark.parametrize("cell", CELLS)
@pytest.mark.parametrize("attention", [True, False])
def test_greedy_generation_takes_the_most_probable_word_each_time(cell, attention):
    model, source = seq2seq(cell=cell, attention=attention), sources()
    found = to_numpy(model.generate(source, max_length=9))
    assert found.dtype == np.int32
    for row in range(2):
        words = [1]
        while len(words) < found.shape[1] and words[-1] != 2:
            logits = to_numpy(model(source[row : row + 1], mx.array([words])))[0, -1].copy()
            logits[0] = -np.inf  # padding is never generated
            words.append(int(logits.argmax()))
        assert found[row].tolist() == words + [0] * (found.shape[1] - len(words))


@pytest.mark.parametrize("attention", [True, False])
def test_beams_of_one_are_greedy_and_more_find_no_worse(attention):
    model, source = seq2seq(attention=attention), sources()

    def score(words: list[int]) -> float:
        logits = to_numpy(model(source[:1], mx.array([words[:-1]])))[0].astype(np.float64)
        logits[:, 0] = -np.inf
        logs = logits - np.log(np.exp(logits).sum(-1, keepdims=True))
        return float(sum(logs[place, word] for place, word in enumerate(words[1:])))

    greedy = to_numpy(model.generate(source[:1], max_length=4))[0].tolist()
    # With as many beams as words, length 2 and no length penalty, the search is exhaustive.
    best = to_numpy(model.generate(source[:1], num_beams=V, max_length=3, length_penalty=0.0))[0].tolist()
    every = [[1, a, b] for a in range(3, V) for b in range(1, V)] + [[1, 2]]
    assert score([word for word in best if word]) == pytest.approx(max(map(score, every)), abs=1e-4)
    assert to_numpy(model.generate(source[:1], num_beams=1, max_length=4))[0].tolist() == greedy


@pytest.mark.parametrize("attention", [True, False])
@pytest.mark.parametrize("cell", CELLS)
def test_beams_continue_from_the_state_of_the_row_they_follow(cell, attention):
    model, source, beams = seq2seq(cell=cell, attention=attention), sources(), 3
    decoding = model.start_decoding(source, rows_each=beams)
    sequences = np.full((2 * beams, 1), 1, np.int32)
    generator = np.random.default_rng(0)
    for rows in ([0, 1, 2, 3, 4, 5], [2, 0, 0, 4, 3, 5], [1, 1, 0, 5, 5, 5], [0, 2, 1, 3, 4, 4]):
        found = decoding(sequences)
        wanted = model(mx.repeat(source, beams, axis=0), mx.array(sequences))
        assert_close(found, to_numpy(wanted)[:, -1])
        words = generator.integers(3, V, (2 * beams, 1)).astype(np.int32)
        decoding.reorder(np.array(rows))
        sequences = np.concatenate([sequences[rows], words], axis=1)


@pytest.mark.parametrize("cell", CELLS)
def test_padding_changes_nothing(cell):
    model, source, target = seq2seq(cell=cell), sources(), targets()
    logits = to_numpy(model(source, target))
    alone = to_numpy(model(source[1:, :4], target[1:]))
    assert_close(logits[1:], alone)
    valid = source != 0
    assert_bit_equal(model(source, target, masks.padding(valid)), logits)
    assert_bit_equal(model.generate(source, valid.astype(mx.int32), max_length=6), model.generate(source, max_length=6))


def test_the_decoder_does_not_see_the_words_to_come():
    model, source, target = seq2seq(), sources(), to_numpy(targets())
    before = to_numpy(model(source, mx.array(target)))
    target[:, 2:] = 9
    assert_bit_equal(to_numpy(model(source, mx.array(target)))[:, :2], before[:, :2])


def test_without_attention_one_context_serves_every_word():
    source, target = sources(), targets()
    with trace() as steps:
        seq2seq(attention=False)(source, target)
    contexts = [step.value for step in steps.all("context")]
    assert len(contexts) == 4
    for context in contexts[1:]:
        np.testing.assert_array_equal(context, contexts[0])
    assert not any(path.startswith("attention") for path in steps.paths)


def test_with_attention_each_word_has_its_own_and_its_weights_sum_to_one():
    source, target = sources(), targets()
    model = seq2seq()
    with trace() as steps:
        model(source, target)
    contexts = [step.value for step in steps.all("context")]
    weights = [step.value for step in steps.all("attention.weights")]
    annotations = steps["annotations"].value
    assert len(contexts) == len(weights) == 4
    for context, row in zip(contexts, weights, strict=True):
        assert row.shape == (2, 1, 1, 6)
        np.testing.assert_allclose(row.sum(-1), 1, atol=1e-6)
        assert not row[1, ..., 4:].any()  # padding
        assert_close(context, (row[:, 0] @ annotations)[:, 0])
    assert np.abs(contexts[1] - contexts[0]).max() > 1e-3


def test_every_step_of_encoder_and_decoder_is_traced_beside_its_parameters():
    model = seq2seq(cell="lstm")
    with trace() as steps:
        model(sources(), targets())
    names = {name for name, _ in model.named_modules()}
    assert {path.rpartition(".")[0] for path in steps.paths} <= names
    assert len(steps.all("forward_rnn.cell.forget_gate")) == len(steps.all("backward_rnn.cell.cell")) == 6
    assert len(steps.all("decoder_cell.hidden")) == 4
    assert steps["initial_state"].axes == ("batch", "model")


@pytest.mark.parametrize("attention", [True, False])
def test_gradients_by_finite_differences(attention):
    model, source, target = seq2seq(attention=attention), sources(), targets()
    wanted, parameters = mx.array(numbers(2, 4, V, seed=3)), sorted(backend.tree_flatten(model.parameters()))

    def loss(*values):
        model.update(backend.tree_unflatten([(path, v) for (path, _), v in zip(parameters, values, strict=True)]))
        return mx.sum(model(source, target) * wanted)

    # The maxout has kinks: a step so small that it crosses none, and the rounding that comes with it.
    assert_gradients(loss, [to_numpy(value) for _, value in parameters], tolerance=5e-3, step=1e-3)


@pytest.mark.parametrize("attention", [True, False])
def test_it_learns_to_copy(attention):
    mx.random.seed(0)
    model = Seq2Seq(Seq2SeqConfig(V, 16, 24, attention=attention))
    words = token_ids(8, 3, size=V)
    target = mx.concatenate([mx.ones((8, 1), dtype=mx.int32), words, mx.full((8, 1), 2, dtype=mx.int32)], axis=1)

    def loss(model):
        return mx.mean(nn.losses.cross_entropy(model(words, target[:, :-1]), target[:, 1:]))

    step, optimizer = nn.value_and_grad(model, loss), optimizers.Adam(learning_rate=1e-2)
    for _ in range(400):
        value, gradients = step(model)
        optimizer.update(model, gradients)
        mx.eval(model.parameters(), optimizer.state)
        # 32 words at a mean loss of L: the worst has a probability of e^(-32 L) or more, from here on above one half.
        if float(to_numpy(value)) < 0.5 * np.log(2) / 32:
            break
    assert_bit_equal(model.generate(words, max_length=5), to_numpy(target))


def test_the_twins_are_of_like_size():
    def count(attention: bool) -> int:
        config = Seq2SeqConfig(40, 64, 96, attention=attention)
        return sum(value.size for _, value in backend.tree_flatten(Seq2Seq(config).parameters()))

    scoring = 96 * 96 + 2 * 96 * 96 + 96  # W, U, v: all that attention adds
    assert count(True) - count(False) == scoring


@pytest.mark.parametrize(
    ("call", "code"),
    [
        (lambda: Seq2SeqConfig(0), "not-positive"),
        (lambda: Seq2SeqConfig(V, cell="mgu"), "unknown-choice"),
        (lambda: Seq2SeqConfig(V, attention_dims=0), "not-positive"),
        (lambda: Seq2SeqConfig(V, eos_id=V), "special-id"),
        (lambda: Seq2SeqConfig(V, bos_id=0), "special-id"),
        (lambda: seq2seq()(sources(), mx.array([[1], [V]])), "id-out-of-range"),
        (lambda: seq2seq()(mx.array([[-1]]), mx.array([[1]])), "id-out-of-range"),
        (lambda: seq2seq()(sources(), targets()[:1]), "batches-differ"),
        (lambda: seq2seq()(sources()[:, :0], targets()), "empty-axis"),
        (lambda: seq2seq()(sources(), targets().astype(mx.float32)), "ids-not-integers"),
        (lambda: seq2seq()(sources(), targets(), sources() != 0), "mask-broadcast"),
        (lambda: seq2seq()(sources(), targets(), masks.padding(sources()[:, :5] != 0)), "mask-broadcast"),
        (lambda: seq2seq().generate(sources(), sources(), max_length=4), "attention-mask-values"),
        (lambda: seq2seq().generate(sources(), max_length=0), "not-positive"),
        (lambda: seq2seq().encode(to_numpy(sources())), "not-an-array"),
    ],
)
def test_bad_input_is_named(call, code):
    with pytest.raises(ArgumentError) as caught:
        call()
    assert caught.value.code == code
