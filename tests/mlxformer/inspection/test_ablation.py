"""Parts switched off by replacement, against the same layers wired without them by hand."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import mlxformer as mf
from mlxformer.backend import mx, nn, to_numpy, tree_flatten
from mlxformer.errors import ArgumentError
from mlxformer.inspection.ablation import PARTS, switch_off
from tests.mlxformer.comparing import assert_bit_equal, assert_close, numbers

SIZES: dict[str, Any] = {"vocab_size": 20, "dims": 16, "num_heads": 4, "ffn_dims": 32, "dropout": 0.0}
SOURCE = np.array([[3, 4, 5, 6, 7], [8, 9, 3, 3, 10]], np.int32)
TARGET = np.array([[1, 11, 12], [1, 13, 14]], np.int32)


def small(**changes: Any) -> mf.Transformer:
    mx.random.seed(3)
    config = mf.TransformerConfig(**SIZES, num_encoder_layers=2, num_decoder_layers=2, **changes)
    model = mf.Transformer(config)
    model.eval()
    return model


def without(model: Any, *parts: Any, call: Callable[[], Any] | None = None, **options: Any) -> Any:
    with mf.trace() as steps:
        switch_off(steps, model, *parts, **options)
        return call() if call is not None else model(mx.array(SOURCE), mx.array(TARGET))


Wiring = Callable[[Any, Any, Any], Any]  # x, f(x) and the layer norm -> the next x


def by_hand(model: mf.Transformer, wiring: Wiring, off: str = "", positions: bool = True) -> Any:
    """The logits of the model's own sub-layers, wired here once more."""

    def embed(ids: np.ndarray) -> Any:
        x = model.source_embedding(mx.array(ids)) * model.embedding_scale
        return x + mf.sinusoidal_positions(ids.shape[1], 16) if positions else x

    def around(name: str, norm: Any, x: Any, f: Callable[[Any], Any]) -> Any:
        return wiring(x, mx.zeros_like(x) if name == off else f(x), norm)

    def self_attention(layer: Any, mask: Any) -> Callable[[Any], Any]:
        return lambda x: layer.self_attention(x, x, x, mask)

    memory = embed(SOURCE)
    for layer in model.encoder.layers:
        memory = around("self_attention", layer.self_attention_norm, memory, self_attention(layer, None))
        memory = around("feed_forward", layer.feed_forward_norm, memory, layer.feed_forward)
    x = embed(TARGET)
    for layer in model.decoder.layers:
        x = around("self_attention", layer.self_attention_norm, x, self_attention(layer, "causal"))
        cross = layer.cross_attention
        x = around("cross_attention", layer.cross_attention_norm, x, lambda y, c=cross: c(y, memory, memory))
        x = around("feed_forward", layer.feed_forward_norm, x, layer.feed_forward)
    return model.source_embedding.as_linear(x)


def post_norm(x: Any, f: Any, norm: Any) -> Any:
    return norm(x + f)


def test_nothing_off_changes_nothing() -> None:
    model = small()
    with mf.trace():
        plain = model(mx.array(SOURCE), mx.array(TARGET))
    with mf.trace() as steps:
        switch_off(steps, model, heads_kept=4)
        assert_bit_equal(model(mx.array(SOURCE), mx.array(TARGET)), plain)
    assert_close(by_hand(model, post_norm), plain)


@pytest.mark.parametrize(
    ("part", "wiring"),
    [("residual", lambda x, f, norm: norm(f)), ("layer_norm", lambda x, f, norm: x + f)],
)
def test_rewiring_is_the_other_wiring(part: str, wiring: Wiring) -> None:
    model = small()
    assert_close(without(model, part), by_hand(model, wiring), 2e-5)


def test_both_rewirings_at_once_leave_the_sub_layers_alone() -> None:
    model = small()
    assert_close(without(model, "residual", "layer_norm"), by_hand(model, lambda x, f, norm: f), 2e-5)


@pytest.mark.parametrize("part", ["self_attention", "cross_attention", "feed_forward"])
def test_a_sub_layer_that_is_off_adds_nothing(part: Any) -> None:
    model = small()
    assert_close(without(model, part), by_hand(model, post_norm, off=part))


def test_positions_off_is_a_model_without_positions() -> None:
    model = small()
    assert_close(without(model, "positions"), by_hand(model, post_norm, positions=False))


def test_heads_beyond_those_kept_are_zero() -> None:
    model = small()
    with mf.trace() as steps:
        switch_off(steps, model, heads_kept=1)
        model(mx.array(SOURCE), mx.array(TARGET))
    for layer in range(2):
        for path in (f"encoder.layers.{layer}.self_attention", f"decoder.layers.{layer}.cross_attention"):
            heads = steps[f"{path}.heads"].value
            assert (heads[:, 1:] == 0).all() and (heads[:, :1] != 0).any()


@pytest.mark.parametrize("positions", ["learned", "t5"])
def test_other_positions_can_be_off_too(positions: Any) -> None:
    model = small(positions=positions)
    with mf.trace():
        plain = to_numpy(model(mx.array(SOURCE), mx.array(TARGET)))
    assert np.abs(to_numpy(without(model, "positions")) - plain).max() > 1e-3


def test_in_a_bert_and_in_a_bare_stack() -> None:
    config = mf.BertConfig(vocab_size=20, hidden_size=16, num_hidden_layers=2, num_attention_heads=4,
                           intermediate_size=32, max_position_embeddings=8)  # fmt: skip
    bert = mf.BertModel(config)
    bert.eval()
    ids = np.array([[3, 4, 5, 6]], np.int32)
    order = [2, 0, 3, 1]
    outputs = [
        to_numpy(without(bert, "positions", call=lambda x=x: bert(mx.array(x)).last_hidden_state))
        for x in (ids, ids[:, order])
    ]
    np.testing.assert_allclose(outputs[0][:, order], outputs[1], atol=1e-5)
    layer = mf.EncoderLayer(16, 4, 32)
    x = mx.array(numbers(1, 3, 16))
    attended = layer.self_attention(x, x, x)
    wanted = layer.feed_forward_norm(layer.feed_forward(layer.self_attention_norm(attended)))
    assert_close(without(layer, "residual", call=lambda: layer(x)), wanted)


def test_gradients_pass_what_is_on_and_not_what_is_off() -> None:
    model = small()

    def loss() -> Any:
        return mx.mean(mx.square(model(mx.array(SOURCE), mx.array(TARGET))))

    with mf.trace() as steps:
        switch_off(steps, model, "feed_forward")
        _, gradients = nn.value_and_grad(model, loss)()
    largest = {path: float(np.abs(to_numpy(value)).max()) for path, value in tree_flatten(gradients)}
    off = [value for path, value in largest.items() if ".feed_forward." in path]
    assert off and max(off) == 0
    assert largest["source_embedding.weight"] > 0


@pytest.mark.parametrize("parts", [("heads",), ("positions ",), ("Residual",)])
def test_an_unknown_part_is_refused(parts: Any) -> None:
    with pytest.raises(ArgumentError, match="layer_norm"):
        without(small(), *parts)


@pytest.mark.parametrize("kept", [0, -1, 1.5, True])
def test_no_head_at_all_is_refused(kept: Any) -> None:
    with pytest.raises(ArgumentError, match="heads_kept"):
        without(small(), heads_kept=kept)


@pytest.mark.parametrize("positions", ["none", "rotary", "alibi"])
def test_positions_that_are_not_there_are_refused(positions: Any) -> None:
    with pytest.raises(ArgumentError) as raised:
        without(small(positions=positions), "positions")
    assert raised.value.code == "ablation-part-missing"


def test_what_a_model_lacks_is_refused() -> None:
    linear = nn.Linear(4, 4)
    encoder = mf.Encoder(1, 16, 4, 32)
    for model, part in (
        (encoder, "cross_attention"),
        (linear, "residual"),
        (linear, "layer_norm"),
        (linear, "feed_forward"),
    ):
        with pytest.raises(ArgumentError) as raised:
            without(model, part)
        assert raised.value.code == "ablation-part-missing"


def test_the_norms_of_a_pre_norm_model_are_refused_and_its_residuals_are_not() -> None:
    model = small(norm="pre")
    with pytest.raises(ArgumentError) as raised:
        without(model, "layer_norm")
    assert raised.value.code == "ablation-pre-norm"
    layer = mf.EncoderLayer(16, 4, 32, mf.LayerConfig(norm="pre"))
    x = mx.array(numbers(1, 3, 16))
    y = layer.self_attention_norm(x)
    wanted = layer.feed_forward(layer.feed_forward_norm(layer.self_attention(y, y, y)))
    assert_close(without(layer, "residual", call=lambda: layer(x)), wanted, 2e-5)


def test_every_part_is_named_once() -> None:
    assert len(set(PARTS)) == len(PARTS) == 6
