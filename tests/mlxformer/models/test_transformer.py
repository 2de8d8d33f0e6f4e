"""The encoder-decoder: against the paper's formulas in float64, and what must hold of any of its settings."""

from __future__ import annotations

import numpy as np
import pytest

from mlxformer import backend
from mlxformer.attention import masks
from mlxformer.backend import mx, nn, to_numpy, tree_flatten
from mlxformer.models.transformer import POSITIONS, Transformer, TransformerConfig
from mlxformer.positions import relative_positions, t5_buckets
from mlxformer.tracing import trace
from tests.mlxformer.comparing import assert_bit_equal, assert_close
from tests.mlxformer.transformer_reference import TINY, filled, forward, ids

ON_MLX = pytest.mark.skipif(backend.name != "mlx", reason="a feature of MLX alone")
SETTINGS = {
    "paper": {},
    "pre-norm": {"norm": "pre"},
    "biases": {"attention_bias": True},
    "untied": {"tie_embeddings": False},
    "unscaled": {"scale_embeddings": False},
    "no positions": {"positions": "none"},
    "learned": {"positions": "learned", "max_positions": 9},
    "final norm": {"final_norm": True},
    "pre-norm without final norm": {"norm": "pre", "final_norm": False},
    "another eps": {"norm_eps": 1e-2},
    "root mean square": {"norm_type": "rms"},
    "pre-norm by root mean square": {"norm": "pre", "norm_type": "rms"},
}
B, TS, TT = 3, 7, 5


def arrays(*values):
    return tuple(mx.array(value) for value in values)


# The same numbers as the formulas


@pytest.mark.parametrize("name", SETTINGS)
def test_logits_are_those_of_the_formulas(name):
    model = filled(**SETTINGS[name])
    source, target = ids(B, TS), ids(B, TT, seed=1)
    wanted = np.stack([forward(model, *pair) for pair in zip(source, target, strict=True)])
    assert_close(model(*arrays(source, target)), wanted)


@pytest.mark.parametrize("name", [name for name in SETTINGS if name != "paper"])
def test_each_setting_changes_the_logits(name):
    """Otherwise the comparison above would not notice a setting that is ignored."""
    source, target = ids(B, TS), ids(B, TT, seed=1)
    paper = filled()
    other = filled(**SETTINGS[name])
    common = dict(tree_flatten(paper.parameters()))
    other.load_weights(list(common.items()), strict=False)
    difference = to_numpy(other(*arrays(source, target))) - to_numpy(paper(*arrays(source, target)))
    assert np.abs(difference).max() > 1e-3


def test_t5_looks_both_ways_in_the_encoder_and_back_in_the_decoder():
    model = filled(positions="t5")
    with trace() as steps:
        model(*arrays(ids(1, TS), ids(1, TT)))
    for side, length, both in (("source", TS, True), ("target", TT, False)):
        table = to_numpy(model[f"{side}_bias"].embedding.weight)
        wanted = table[t5_buckets(relative_positions(length, length), bidirectional=both)]
        assert_bit_equal(steps[f"{side}_bias.output"].value[0], wanted.transpose(2, 0, 1))


def test_call_is_encode_then_decode():
    model = filled()
    source, target = arrays(ids(B, TS), ids(B, TT, seed=1))
    assert_bit_equal(model.decode(target, model.encode(source)), model(source, target))


def test_parameters_of_the_paper():
    """V·C for the one embedding; 4C² for an attention; 2CF + F + C for a feed-forward; 2C for a norm."""
    vocab, c, f = TINY["vocab_size"], TINY["dims"], TINY["ffn_dims"]
    attention, feed_forward, norm = 4 * c * c, 2 * c * f + f + c, 2 * c
    paths = dict(tree_flatten(filled().parameters()))
    count = sum(value.size for value in paths.values())
    assert count == vocab * c + 2 * (attention + feed_forward + 2 * norm) + 2 * (
        2 * attention + feed_forward + 3 * norm
    )
    assert [path for path in paths if "embedding" in path or "output_proj" in path] == ["source_embedding.weight"]
    assert not [path for path in paths if "final_norm" in path]


@pytest.mark.parametrize(
    ("change", "difference"),
    [
        ({"tie_embeddings": False}, 2 * 19 * 12),
        ({"attention_bias": True}, (2 + 4) * 4 * 12),
        ({"norm": "pre"}, 2 * 2 * 12),
        ({"final_norm": True}, 2 * 2 * 12),
        ({"norm_type": "rms"}, -(2 * 2 + 2 * 3) * 12),
        ({"norm": "pre", "norm_type": "rms"}, 2 * 12 - (2 * 2 + 2 * 3) * 12),
        ({"positions": "learned", "max_positions": 9}, 2 * 9 * 12),
        ({"positions": "t5"}, 2 * 32 * 3),
        ({"attention_tie": "kv"}, -(2 + 4) * 12 * 12),
        ({"num_kv_heads": 1}, -(2 + 4) * 2 * 12 * 8),
        ({"scale_embeddings": False}, 0),
    ],
)
def test_parameters_of_each_choice(change, difference):
    def count(**changes):
        model = Transformer(TransformerConfig(**(TINY | changes)))
        return sum(value.size for _, value in tree_flatten(model.parameters()))

    assert count(**change) - count() == difference


# What a mask must and must not change


@pytest.mark.parametrize("positions", POSITIONS)
@pytest.mark.parametrize("norm", ["post", "pre"])
def test_padding_of_the_source_changes_nothing(positions, norm):
    model = filled(positions=positions, norm=norm)
    source, target = ids(B, TS), ids(B, TT, seed=1)
    padded = np.pad(source, ((0, 0), (0, 4)))
    plain = model(*arrays(source, target))
    assert_close(model(*arrays(padded, target)), plain, 2e-6)
    # What stands at a masked place is not looked at, to the last bit.
    other = padded.copy()
    other[:, TS:] = ids(B, 4, seed=3)
    mask = masks.padding(mx.array(padded != 0))
    assert_bit_equal(model(*arrays(other, target), mask), model(*arrays(padded, target), mask))


def test_rows_of_a_batch_do_not_touch():
    model = filled()
    source, target = ids(B, TS), ids(B, TT, seed=1)
    source[1, 4:] = 0
    together = to_numpy(model(*arrays(source, target)))
    for row, length in enumerate((TS, 4, TS)):
        alone = model(*arrays(source[row : row + 1, :length], target[row : row + 1]))
        assert_close(alone, together[row : row + 1], 2e-6)


@pytest.mark.parametrize("positions", POSITIONS)
def test_a_target_token_changes_nothing_before_it(positions):
    model = filled(positions=positions)
    source, target = ids(B, TS), ids(B, TT, seed=1)
    base = to_numpy(model(*arrays(source, target)))
    for place in range(TT):
        changed = target.copy()
        changed[:, place] = 3 + (changed[:, place] - 2) % 16
        logits = to_numpy(model(*arrays(source, changed)))
        assert np.abs(logits[:, :place] - base[:, :place]).max(initial=0.0) == 0.0
        assert (np.abs(logits[:, place] - base[:, place]).max(axis=-1) > 1e-6).all()


def test_a_source_token_changes_every_logit():
    model = filled()
    source, target = ids(B, TS), ids(B, TT, seed=1)
    base = to_numpy(model(*arrays(source, target)))
    source[:, -1] = 3 + (source[:, -1] - 2) % 16
    assert (np.abs(to_numpy(model(*arrays(source, target))) - base).max(axis=-1) > 1e-6).all()


def test_a_source_of_padding_alone_is_a_source_of_nothing():
    """No memory to attend to: cross-attention gives its output projection of zeros, and no NaN."""
    model = filled()
    source, target = np.zeros((1, 4), np.int32), ids(1, TT)
    with trace() as steps:
        logits = to_numpy(model(*arrays(source, target)))
    assert np.isfinite(logits).all()
    assert (steps["decoder.layers.0.cross_attention.heads"].value == 0).all()


# Decoding token by token


@pytest.mark.parametrize("norm", ["post", "pre"])
@pytest.mark.parametrize("positions", POSITIONS)
def test_cached_decoding_gives_the_same_logits(positions, norm):
    model = filled(positions=positions, norm=norm)
    source, target = ids(B, TS), ids(B, TT, seed=1)
    source[0, 5:] = 0
    whole = to_numpy(model(*arrays(source, target)))
    memory, mask = model.encode(mx.array(source)), model.source_padding(mx.array(source))
    cache = model.decoder.make_cache()
    for first, last in ((0, 2), (2, 3), (3, 5)):  # several tokens at once, then one, then several again
        part = model.decode(mx.array(target[:, first:last]), memory, mask, cache=cache)
        assert_close(part, whole[:, first:last], 2e-6)
        assert len(cache) == last


@pytest.mark.parametrize("change", [{"attention_tie": "kv"}, {"attention_tie": "qkv"}, {"num_kv_heads": 1}])
def test_cached_decoding_with_shared_projections(change):
    model = filled(**change)
    source, target = arrays(ids(B, TS), ids(B, TT, seed=1))
    whole = to_numpy(model(source, target))
    memory, cache = model.encode(source), model.decoder.make_cache()
    steps = [to_numpy(model.decode(target[:, t : t + 1], memory, cache=cache)) for t in range(TT)]
    assert_close(np.concatenate(steps, axis=1), whole, 2e-6)


class Counted:
    """A projection that counts its calls."""

    def __init__(self, projection):
        self.projection, self.calls = projection, 0

    def __call__(self, x):
        self.calls += 1
        return self.projection(x)


def test_the_memory_is_projected_once():
    model = filled()
    source, target = arrays(ids(B, TS), ids(B, TT, seed=1))
    attention = model.decoder.layers[0].cross_attention
    counted = Counted(attention.key_proj)
    attention.key_proj = counted
    memory, cache = model.encode(source), model.decoder.make_cache()
    for t in range(TT):
        model.decode(target[:, t : t + 1], memory, cache=cache)
    assert counted.calls == 1
    model.decode(target, memory)
    assert counted.calls == 2


# Looking inside


def test_trace_records_what_made_the_output():
    model = filled()
    source, target = ids(B, TS), ids(B, TT, seed=1)
    source[1, 4:] = 0
    plain = model(*arrays(source, target))
    with trace() as steps:
        logits = model(*arrays(source, target))
    assert_close(logits, plain)
    assert_bit_equal(steps["logits"].value, logits)
    table = to_numpy(model.source_embedding.weight)
    assert_close(steps["source_tokens"].value, np.sqrt(12) * table[source])
    summed = steps["source_tokens"].value + steps["source_positions.output"].value
    assert_bit_equal(steps["source_embeddings"].value, summed)
    assert_bit_equal(steps["source_embeddings"].value, steps["encoder.layers.0.input"].value)
    assert_bit_equal(steps["target_embeddings"].value, steps["decoder.layers.0.input"].value)
    paths = {path.rpartition(".")[0] for path, _ in tree_flatten(model.parameters())}
    for layer in range(2):
        for name in ("encoder.{}.self_attention", "decoder.{}.self_attention", "decoder.{}.cross_attention"):
            path = name.format(f"layers.{layer}")
            assert f"{path}.query_proj" in paths
            weights, values, heads = (steps[f"{path}.{step}"].value for step in ("weights", "values", "heads"))
            assert_close(weights.sum(axis=-1), np.ones(weights.shape[:-1]), 1e-6)
            assert_close(weights @ values, heads, 1e-6)
        causal = steps[f"decoder.layers.{layer}.self_attention.weights"].value
        assert (causal[..., ~np.tri(TT, dtype=bool)] == 0).all()
        crossed = steps[f"decoder.layers.{layer}.cross_attention.weights"].value
        assert crossed.shape == (B, 3, TT, TS)
        assert (crossed[1, :, :, 4:] == 0).all() and (crossed[0] > 0).all()


def test_every_traced_tensor_is_float32():
    with trace() as steps:
        logits = filled(norm="pre", attention_bias=True)(*arrays(ids(B, TS), ids(B, TT)))
    assert logits.dtype == mx.float32
    assert {step.value.dtype for step in steps} == {np.dtype(np.float32)}


def test_a_head_can_be_switched_off_in_a_trace():
    model = filled()
    inputs = arrays(ids(B, TS), ids(B, TT, seed=1))
    path = "decoder.layers.1.cross_attention.heads"
    keep = mx.array(np.array([1, 0, 1], np.float32).reshape(1, 3, 1, 1))
    with trace() as steps:
        steps.replace(path, lambda heads: heads * keep)
        changed = model(*inputs)
    assert (steps[path].value[:, 1] == 0).all() and (steps[path].value[:, 0] != 0).any()
    assert np.abs(to_numpy(changed) - to_numpy(model(*inputs))).max() > 1e-3


# Dropout


def test_dropout_falls_on_sums_of_embeddings_and_on_sublayers():
    model = Transformer(TransformerConfig(**(TINY | {"dropout": 0.5})))
    inputs = arrays(ids(4, 50), ids(4, 50, seed=1))
    with trace() as steps:
        model(*inputs)
    for side in ("source", "target"):
        embedded = steps[f"{side}_embeddings"].value
        summed = steps[f"{side}_tokens"].value + steps[f"{side}_positions.output"].value
        dropped = embedded == 0
        assert abs(dropped.mean() - 0.5) < 0.06
        assert_close(embedded[~dropped], 2 * summed[~dropped], 1e-6)
    assert "encoder.layers.0.self_attention.dropped_weights" not in steps
    first, second = to_numpy(model(*inputs)), to_numpy(model(*inputs))
    assert np.abs(first - second).max() > 0.1
    model.eval()
    assert_bit_equal(model(*inputs), model(*inputs))


@pytest.mark.parametrize("norm", ["pre", "post"])
def test_dropout_falls_on_what_a_sublayer_adds(norm):
    """What is added is zero or twice the sub-layer's output; without post-norm's norms, so that it can be seen."""
    model = Transformer(TransformerConfig(**(TINY | {"dropout": 0.5, "norm": norm})))
    for layer in [*model.encoder.layers, *model.decoder.layers] if norm == "post" else []:
        for name in ("self_attention_norm", "cross_attention_norm", "feed_forward_norm"):
            setattr(layer, name, lambda x: x)
    with trace() as steps:
        model(*arrays(ids(4, 50), ids(4, 50, seed=1)))
    for stack, layer, sublayer, before, after in (
        ("encoder", 0, "self_attention", "input", "after_self_attention"),
        ("encoder", 1, "feed_forward", "after_self_attention", "output"),
        ("decoder", 0, "self_attention", "input", "after_self_attention"),
        ("decoder", 1, "cross_attention", "after_self_attention", "after_cross_attention"),
        ("decoder", 1, "feed_forward", "after_cross_attention", "output"),
    ):
        path = f"{stack}.layers.{layer}"
        added = steps[f"{path}.{after}"].value - steps[f"{path}.{before}"].value
        dropped = added == 0
        assert abs(dropped.mean() - 0.5) < 0.06
        assert_close(added[~dropped], 2 * steps[f"{path}.{sublayer}.output"].value[~dropped], 1e-5)


def test_dropout_of_weights_and_hidden_units_is_asked_for():
    config = TransformerConfig(**(TINY | {"attention_dropout": 0.5, "activation_dropout": 0.5}))
    with trace() as steps:
        Transformer(config)(*arrays(ids(4, 50), ids(4, 50, seed=1)))
    for path in ("encoder.layers.0.self_attention", "decoder.layers.1.cross_attention"):
        assert abs((steps[f"{path}.dropped_weights"].value == 0).mean() - 0.5) < 0.05


# Saving


@pytest.mark.parametrize("ending", ["npz", "safetensors"])
def test_saved_weights_come_back(tmp_path, ending):
    model, file = filled(positions="learned", tie_embeddings=False), str(tmp_path / f"weights.{ending}")
    model.save_weights(file)
    other = Transformer(model.config)
    other.load_weights(file)
    other.eval()
    inputs = arrays(ids(B, TS), ids(B, TT, seed=1))
    assert_bit_equal(other(*inputs), model(*inputs))


# MLX's own features


@ON_MLX
def test_compiled():
    model = filled()
    source, target = ids(B, TS), ids(B, TT, seed=1)
    source[1, 4:] = 0
    plain = model(*arrays(source, target))
    assert_close(mx.compile(lambda s, t: model(s, t))(*arrays(source, target)), plain)


@ON_MLX
def test_quantized():
    model = filled(dims=64, ffn_dims=64, num_heads=2)
    inputs = arrays(ids(B, TS), ids(B, TT, seed=1))
    plain = to_numpy(model(*inputs))
    nn.quantize(model, group_size=32, bits=8)
    assert type(model.source_embedding).__name__ == "QuantizedEmbedding"
    assert np.abs(to_numpy(model(*inputs)) - plain).max() < 0.1 * np.abs(plain).max()
    assert to_numpy(model.generate(inputs[0], max_length=6)).shape[1] <= 6
