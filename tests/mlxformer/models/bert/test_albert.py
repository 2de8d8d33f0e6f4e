"""ALBERT against transformers' own, and its parameters against the paper's arithmetic."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

import mlxformer as mf
from mlxformer.backend import mx, nn, to_numpy, tree_flatten
from mlxformer.errors import ArgumentError
from mlxformer.models.bert.albert import AlbertConfig, AlbertModel
from tests.mlxformer.observing import filled

TINY = AlbertConfig(
    vocab_size=37, embedding_size=6, hidden_size=24, num_hidden_layers=4, num_attention_heads=3, intermediate_size=40,
    max_position_embeddings=16, type_vocab_size=3,
)  # fmt: skip
IDS = np.random.default_rng(0).integers(0, 37, (3, 9), dtype=np.int32)
TYPES = (np.arange(9)[None] > np.array([[3], [5], [7]])).astype(np.int32)
MASK = np.array([[1] * 9, [1] * 5 + [0] * 4, [1] + [0] * 8], np.int32)

# Our names for transformers'. A group there is a list of layers, of one here.
_NAMES = {
    "embedding_hidden_mapping_in": "embedding_proj",
    "LayerNorm": "norm",
    "albert_layer_groups": "layers",
    "albert_layers.0.attention.dense": "self_attention.out_proj",
    "albert_layers.0.attention.norm": "self_attention_norm",
    "albert_layers.0.attention.query": "self_attention.query_proj",
    "albert_layers.0.attention.key": "self_attention.key_proj",
    "albert_layers.0.attention.value": "self_attention.value_proj",
    "albert_layers.0.full_layer_layer_norm": "feed_forward_norm",
    "albert_layers.0.ffn_output": "feed_forward.down_proj",
    "albert_layers.0.ffn": "feed_forward.up_proj",
}


def theirs(config: AlbertConfig) -> tuple[Any, dict[str, np.ndarray]]:
    torch = pytest.importorskip("torch", reason="needs torch: pip install 'tformer-quiz[parity]'")
    transformers = pytest.importorskip("transformers", reason="needs transformers: pip install 'tformer-quiz[parity]'")
    torch.manual_seed(0)
    names = ("vocab_size", "embedding_size", "hidden_size", "num_hidden_layers", "num_hidden_groups",
             "num_attention_heads", "intermediate_size", "hidden_act", "max_position_embeddings", "type_vocab_size",
             "layer_norm_eps")  # fmt: skip
    model = transformers.AlbertModel(transformers.AlbertConfig(**{name: getattr(config, name) for name in names}))
    weights = {}
    with torch.no_grad():
        for name, parameter in model.eval().named_parameters():
            is_gain = parameter.ndim == 1 and "orm" in name and name.endswith("weight")
            parameter.copy_(0.2 * torch.randn(parameter.shape) + float(is_gain))
            path = name.removeprefix("encoder.")
            for other, own in _NAMES.items():
                path = path.replace(other, own)
            path = path.replace("pooler.", "pooler.dense.")
            weights[path] = parameter.detach().numpy().copy()
    return model, weights


@pytest.mark.parametrize("groups", [1, 2, 4])
def test_equals_transformers(groups: int) -> None:
    config = replace(TINY, num_hidden_groups=groups)
    model, weights = theirs(config)
    import torch

    ours = AlbertModel(config)
    ours.load_weights([(path, mx.array(value)) for path, value in weights.items()])  # strict: every name, no other
    ours.eval()
    given = (mx.array(IDS), mx.array(TYPES), mx.array(MASK))
    found = ours(given[0], token_type_ids=given[1], attention_mask=given[2])
    with torch.no_grad():
        wanted = model(
            torch.tensor(IDS).long(), attention_mask=torch.tensor(MASK), token_type_ids=torch.tensor(TYPES).long()
        )
    real = MASK.astype(bool)
    np.testing.assert_allclose(
        to_numpy(found.last_hidden_state)[real], wanted.last_hidden_state.numpy()[real], atol=2e-5
    )
    np.testing.assert_allclose(to_numpy(found.pooler_output), wanted.pooler_output.numpy(), atol=2e-5)


def test_base_has_twelve_million_parameters() -> None:
    """V·E + (512 + 2 + 2)·E, the map E -> C, ONE layer, the pooler; "12M" in Lan et al. 2020, Table 1."""
    e, c, f = 128, 768, 3072
    layer = 4 * (c * c + c) + 2 * c * f + f + c + 4 * c
    by_hand = 30_000 * e + (512 + 2 + 2) * e + (e * c + c) + layer + (c * c + c)
    assert mf.count_parameters(AlbertConfig()) == by_hand == 11_683_584
    assert mf.count_parameters(AlbertConfig(num_hidden_layers=24)) == by_hand
    assert mf.count_parameters(AlbertConfig(num_hidden_groups=12)) == by_hand + 11 * layer


def test_count_is_that_of_a_made_model() -> None:
    made = sum(value.size for _, value in tree_flatten(AlbertModel(TINY).trainable_parameters()))
    assert mf.count_parameters(TINY) == made


def test_one_layer_runs_at_every_depth() -> None:
    model = filled(AlbertModel(TINY))
    with mf.trace() as steps:
        out = model(mx.array(IDS))
    outputs = steps.all("layers.0.output")
    assert len(outputs) == 4
    np.testing.assert_array_equal(outputs[-1].value, to_numpy(out.last_hidden_state))
    inputs = steps.all("layers.0.input")
    for before, after in zip(outputs[:-1], inputs[1:], strict=True):
        np.testing.assert_array_equal(before.value, after.value)


def test_shared_gradient_is_the_sum_over_depths() -> None:
    """The gradient of a shared matrix is the sum of those of its copies in a model that shares nothing."""
    shared = filled(AlbertModel(TINY))
    apart = AlbertModel(replace(TINY, num_hidden_groups=4))
    parameters = dict(tree_flatten(shared.parameters()))
    copies = {}
    for path, value in parameters.items():
        for depth in range(4):
            copies[path.replace("layers.0.", f"layers.{depth}.")] = value
    apart.load_weights(list(copies.items()))
    slopes = []
    for model in (shared, apart):
        loss = nn.value_and_grad(model, lambda model=model: mx.sum(mx.square(model(mx.array(IDS)).pooler_output)))
        slopes.append(dict(tree_flatten(loss()[1])))
    for path in parameters:
        if path.startswith("layers.0."):
            total = sum(to_numpy(slopes[1][path.replace("layers.0.", f"layers.{depth}.")]) for depth in range(4))
            np.testing.assert_allclose(to_numpy(slopes[0][path]), total, rtol=1e-4, atol=1e-5)


def test_padding_is_seen_by_none() -> None:
    model = filled(AlbertModel(TINY))
    other = np.where(MASK == 1, IDS, (IDS + 1) % 37)
    first, second = (
        to_numpy(model(mx.array(ids), attention_mask=mx.array(MASK)).pooler_output) for ids in (IDS, other)
    )
    np.testing.assert_array_equal(first, second)


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"num_hidden_layers": 4, "num_hidden_groups": 3}, "groups-not-divisor"),
        ({"hidden_size": 25}, "dims-not-divisible"),
        ({"embedding_size": 0}, "not-positive"),
    ],
)
def test_sizes_that_cannot_be(changes: dict[str, int], code: str) -> None:
    with pytest.raises(ArgumentError) as error:
        replace(TINY, **changes)
    assert error.value.code == code


def test_inputs_that_cannot_be() -> None:
    model = AlbertModel(TINY)
    for given, code in (
        ((np.full((1, 2), 37),), "id-out-of-range"),
        ((np.zeros((1, 17)),), "too-many-tokens"),
        ((np.zeros((1, 2)), np.zeros((1, 3))), "wrong-shape"),
    ):
        with pytest.raises(ArgumentError) as error:
            names = ("input_ids", "token_type_ids")
            model(**{name: mx.array(ids.astype(np.int32)) for name, ids in zip(names, given, strict=False)})
        assert error.value.code == code
