"""Models, configurations, tokenizers and errors through pickle, copy, other processes and other threads."""

from __future__ import annotations

import copy
import multiprocessing
import pickle
import threading
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import mlxformer as mf
from mlxformer.backend import mx, nn, to_numpy, tree_flatten
from mlxformer.errors import BackendError, CheckpointError, TraceError
from mlxformer.layers.activations import ACTIVATIONS, activation
from mlxformer.layers.convolution import ConvolutionLayer
from mlxformer.layers.recurrent import CELLS, Recurrent
from mlxformer.layers.token_mixing import TokenMixing
from mlxformer.teaching.quantization import quantize
from tests.mlxformer.models.test_half_precision import MODELS, outputs

WAYS: dict[str, Callable[[Any], Any]] = {
    "pickle": lambda x: pickle.loads(pickle.dumps(x)),
    "deepcopy": copy.deepcopy,
}


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("name", MODELS)
def test_a_model_arrives_whole(name: str, way: str) -> None:
    make, call = MODELS[name]
    model = make()
    model.eval()
    model.freeze()
    moved = WAYS[way](model)
    for got, wanted in zip(outputs(call(moved)), outputs(call(model)), strict=True):
        np.testing.assert_array_equal(to_numpy(got), to_numpy(wanted))
    assert not moved.training and not dict(tree_flatten(moved.trainable_parameters()))
    moved.unfreeze()  # and it is another: what happens to it does not happen to the first
    moved.load_weights([(path, value * 0) for path, value in dict(tree_flatten(moved.parameters())).items()])
    assert any(to_numpy(value).any() for value in dict(tree_flatten(model.parameters())).values())
    assert not dict(tree_flatten(model.trainable_parameters()))


LAYERS: dict[str, Callable[[], Any]] = {
    **{f"recurrent-{name}": lambda cell=cell: Recurrent(cell(16, 16)) for name, cell in CELLS.items()},
    **{f"act-{name}": lambda name=name: mf.FeedForward(16, 8, activation=name) for name in ACTIVATIONS},
    "gated": lambda: mf.GatedFeedForward(16, 8, activation="silu"),
    "convolution": lambda: ConvolutionLayer(16),
    "mixing": lambda: TokenMixing(4),
    "norm": lambda: nn.LayerNorm(16),
    "sequential": lambda: nn.Sequential(nn.Linear(16, 8), mf.FeedForward(8, 8)),
}


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("name", LAYERS)
def test_a_layer_arrives_whole(name: str, way: str) -> None:
    layer = LAYERS[name]()
    x = mx.array(np.random.default_rng(0).standard_normal((2, 4, 16)).astype(np.float32))
    got, wanted = (module(x) for module in (WAYS[way](layer), layer))
    got, wanted = (y[0] if isinstance(y, tuple) else y for y in (got, wanted))
    np.testing.assert_array_equal(to_numpy(got), to_numpy(wanted))


ERRORS = [
    mf.ArgumentError("wrong-shape", "x must be [2]", name="x", given=[3]),
    CheckpointError("json-broken", "no JSON", path="config.json"),
    TraceError("trace-empty", "nothing was recorded"),
    BackendError("backend-mlx-missing", "MLX is missing", detail="why"),
    mf.MlxformerError("code", "message", code_of="fields", message_of="more"),
]


def test_every_kind_of_error_is_here() -> None:
    kinds = {kind for kind in mf.MlxformerError.__subclasses__() if kind.__module__ == "mlxformer.errors"}
    assert kinds <= {type(error) for error in ERRORS}


@pytest.mark.parametrize("error", [*ERRORS, None], ids=lambda e: type(e).__name__)
def test_an_error_arrives_with_its_code_and_fields(error: mf.MlxformerError | None) -> None:
    if error is None:
        if mf.backend.name != "numpy":
            pytest.skip("an error of the NumPy backend")
        with pytest.raises(mf.MlxformerError) as caught:
            mx.fft.fft(mx.zeros((2,)))
        error = caught.value
    error.add_note("seen in a test")
    for way in (*WAYS.values(), copy.copy):
        got = way(error)
        assert type(got) is type(error) and str(got) == str(error) and got.args == error.args
        assert (got.code, got.fields, got.__notes__) == (error.code, error.fields, ["seen in a test"])


def test_configurations_tokenizers_and_results() -> None:
    reader = mf.load_pretrained("bert-mini")
    things = [
        mf.BertConfig(hidden_size=12),
        mf.LayerConfig(activation="gelu"),
        mf.TransformerConfig(20, positions="rotary"),
        mf.MarianConfig(),
        mf.SamplingRules(top_k=3),
        reader.card,
    ]
    for thing in things:
        for way in WAYS.values():
            assert way(thing) == thing
    for way in WAYS.values():
        tokenizer = way(reader.tokenizer)
        texts = ["画蛇添足", "a longer one"]
        np.testing.assert_array_equal(to_numpy(tokenizer(texts).input_ids), to_numpy(reader.tokenizer(texts).input_ids))
        assert tokenizer(texts, max_length=3).input_ids.shape == (2, 3)
        assert way(reader).fill("画蛇添[MASK]", k=3) == reader.fill("画蛇添[MASK]", k=3)
        found = way(quantize(mx.array([127.0, -1.0])))
        assert found.codes.tolist() == [127, -1]
        with mf.trace() as steps:
            mf.attention_weights(mx.zeros((1, 1, 2, 4)), mx.zeros((1, 1, 4, 4)))
        assert way(list(steps))[0].path == steps[0].path
    assert repr(activation("gelu")) == "Activation('gelu')"


def _in_another_process(model: Any, ids: np.ndarray) -> np.ndarray:
    return to_numpy(model(mx.array(ids)).last_hidden_state)


def _that_fails(model: Any) -> None:
    model(mx.array([[10_000]]))


def test_another_process() -> None:
    """Also that an error of the library comes back, where a pool used to wait for ever."""
    config = mf.BertConfig(
        vocab_size=20, hidden_size=8, num_hidden_layers=1, num_attention_heads=2, intermediate_size=16
    )
    model = mf.BertModel(config)
    model.eval()
    ids = np.array([[2, 5, 3]])
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        got = pool.apply_async(_in_another_process, (model, ids)).get(timeout=120)
        np.testing.assert_allclose(got, _in_another_process(model, ids), atol=1e-6)
        with pytest.raises(mf.ArgumentError, match="input_ids holds 10000") as caught:
            pool.apply_async(_that_fails, (model,)).get(timeout=120)
        assert caught.value.code == "id-out-of-range" and caught.value.fields["given"] == 10000


@pytest.mark.parametrize("name", MODELS)
def test_another_thread(name: str) -> None:
    """A model made in one thread runs in others, several at once."""
    make, call = MODELS[name]
    model = make()  # not run here before
    model.eval()
    found: dict[int, list[np.ndarray]] = {}

    def work(number: int) -> None:
        found[number] = [to_numpy(x) for x in outputs(call(model))]

    threads = [threading.Thread(target=work, args=(number,)) for number in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    wanted = [to_numpy(x) for x in outputs(call(model))]
    assert sorted(found) == [0, 1, 2]
    for got in found.values():
        for ours, here in zip(got, wanted, strict=True):
            np.testing.assert_allclose(ours, here, atol=1e-6)


def test_an_array_of_another_thread_is_called_that() -> None:
    if mf.backend.name != "mlx":
        pytest.skip("NumPy computes at once")
    lazy, caught = mx.zeros((1, 2), mx.int32) + 1, []

    def work() -> None:
        for read in (lambda: to_numpy(lazy), lambda: mf.BertModel(mf.BertConfig(hidden_size=12))(lazy)):
            try:
                read()
            except TraceError as error:
                caught.append(error.code)

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert caught == ["array-of-another-thread"] * 2
