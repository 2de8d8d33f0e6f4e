"""One configuration for all layers: what it makes, what it refuses, and that every stack shows its arguments."""

from __future__ import annotations

import dataclasses
import inspect

import numpy as np
import pytest

import mlxformer as mf
from mlxformer.backend import mx, nn, to_numpy, tree_flatten
from mlxformer.layers.gated_feed_forward import GatedFeedForward
from mlxformer.tracing import trace
from tests.mlxformer.comparing import numbers
from tests.mlxformer.parity_cases import filled

LLAMA = mf.LayerConfig(
    norm="pre",
    norm_type="rms",
    activation="silu",
    gated=True,
    ffn_bias=False,
    attention_bias=False,
    num_kv_heads=2,
    rope=mf.RotaryEmbedding(4),
)


def test_it_cannot_be_changed():
    with pytest.raises(dataclasses.FrozenInstanceError):
        LLAMA.norm = "post"


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"norm": "sandwich"}, "unknown-choice"),
        ({"norm_type": "batch"}, "unknown-choice"),
        ({"norm_eps": 0.0}, "not-a-positive-number"),
        ({"activation": "gelo"}, "unknown-activation"),
        ({"dropout": 1.0}, "not-a-probability"),
        ({"attention_dropout": -0.1}, "not-a-probability"),
        ({"activation_dropout": 2}, "not-a-probability"),
    ],
)
def test_what_cannot_be(change, code):
    with pytest.raises(mf.ArgumentError) as error:
        mf.LayerConfig(**change)
    assert error.value.code == code


@pytest.mark.parametrize("make", [mf.Encoder, mf.Decoder, mf.CausalStack, mf.EncoderLayer, mf.DecoderLayer])
def test_help_shows_every_argument(make):
    kinds = {parameter.kind for parameter in inspect.signature(make).parameters.values()}
    assert not kinds & {inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD}
    assert {"dims", "num_heads", "ffn_dims", "config"} <= inspect.signature(make).parameters.keys()


def test_a_layer_takes_the_configuration_and_not_its_fields_in_a_dict():
    with pytest.raises(mf.ArgumentError, match="config must be a LayerConfig; got dict"):
        mf.EncoderLayer(8, 2, 16, {"norm": "pre"})


def test_a_llama_layer_against_its_formula():
    """x + Attention(RMS(x)), then x + (silu(x W_g) ⊙ x W_u) W_d of RMS of that; the attention has its own tests."""
    layer, x = filled(mf.EncoderLayer(16, 4, 32, LLAMA)), numbers(2, 5, 16)
    assert isinstance(layer.feed_forward, GatedFeedForward) and isinstance(layer.feed_forward_norm, nn.RMSNorm)
    assert not [path for path, _ in tree_flatten(layer.parameters()) if "bias" in path]
    assert layer.self_attention.key_proj.weight.shape == (8, 16)
    with trace(layer) as steps:
        y = to_numpy(layer(mx.array(x), "causal"))

    def rms(z, norm):
        return z / np.sqrt(np.square(z).mean(-1, keepdims=True) + 1e-5) * to_numpy(norm.weight).astype(np.float64)

    normed = mx.array(rms(x.astype(np.float64), layer.self_attention_norm).astype(np.float32))
    h = x + to_numpy(layer.self_attention(normed, normed, normed, "causal")).astype(np.float64)
    np.testing.assert_allclose(steps["after_self_attention"].value, h, atol=1e-5)
    z, parts = rms(h, layer.feed_forward_norm), layer.feed_forward
    gate, up, down = (
        to_numpy(p.weight).astype(np.float64).T for p in (parts.gate_proj, parts.up_proj, parts.down_proj)
    )
    inner = z @ gate
    np.testing.assert_allclose(y, h + (inner / (1 + np.exp(-inner)) * (z @ up)) @ down, atol=1e-4)


def test_a_repr_names_what_differs_from_the_paper_and_sizes():
    assert repr(mf.LayerConfig()) == "LayerConfig()"
    assert repr(mf.LayerConfig(norm="pre", dropout=0.1)) == "LayerConfig(norm='pre', dropout=0.1)"
    assert repr(mf.EncoderLayer(8, 2, 16, mf.LayerConfig(norm="pre"))).startswith("EncoderLayer(dims=8, norm='pre'\n")
    assert repr(mf.Decoder(2, 8, 2, 16)).startswith("Decoder(num_layers=2, dims=8\n")
    assert "MultiHeadAttention(dims=8, num_heads=2, head_dim=4\n" in repr(mf.Encoder(1, 8, 2, 16))
    assert "num_kv_heads=2" in repr(filled(mf.EncoderLayer(16, 4, 32, LLAMA)).self_attention)
