"""Multi-head attention: against torch with its weights, against a loop over heads, and what users do with a layer."""

from __future__ import annotations

import numpy as np
import pytest

from mlxformer import backend
from mlxformer.attention import masks
from mlxformer.attention.functional import scaled_dot_product_attention
from mlxformer.attention.multi_head import MultiHeadAttention
from mlxformer.backend import mx, to_numpy, tree_flatten
from mlxformer.errors import ArgumentError
from mlxformer.tracing import trace
from tests.mlxformer.comparing import assert_bit_equal, assert_close, assert_gradients, booleans, is_float32, numbers
from tests.mlxformer.references import attention_loop, causal_loop

B, T, C, H = 2, 6, 16, 4


def attention(dims: int = C, heads: int = H, **options) -> MultiHeadAttention:
    """A layer whose every parameter, biases too, is a seeded normal number."""
    layer = MultiHeadAttention(dims, heads, **options)
    weights = [
        (path, mx.array(numbers(*value.shape, seed=20 + index, scale=0.3)))
        for index, (path, value) in enumerate(sorted(tree_flatten(layer.parameters())))
    ]
    layer.load_weights(weights)
    return layer


def linear(projection, x: np.ndarray) -> np.ndarray:
    y = x.astype(np.float64) @ to_numpy(projection.weight).astype(np.float64).T
    return y + to_numpy(projection.bias) if "bias" in projection else y


def by_heads(layer: MultiHeadAttention, queries, keys, values, mask=None, bias=None) -> np.ndarray:
    """Project, cut out each head's columns, attend in a loop, concatenate, project: float64."""
    key_proj = layer.query_proj if layer.tie in ("qk", "qkv") else layer.key_proj
    value_proj = key_proj if layer.tie in ("kv", "qkv") else layer.value_proj
    width = layer.head_dim

    def split(x, heads):
        return np.stack([x[:, :, h * width : (h + 1) * width] for h in range(heads)], axis=1)

    q = split(linear(layer.query_proj, queries), layer.num_heads)
    k = split(linear(key_proj, keys), layer.num_kv_heads)
    v = split(linear(value_proj, values), layer.num_kv_heads)
    heads, _ = attention_loop(q, k, v, mask=mask, bias=bias)
    return linear(layer.out_proj, np.concatenate(list(heads.swapaxes(0, 1)), axis=-1))


# The same numbers as others


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("kind", ["none", "causal", "padding", "2d"])
@pytest.mark.parametrize("cross", [False, True])
@pytest.mark.parametrize(("dims", "heads"), [(C, H), (128, 2)])  # 128 / 2: heads 64 wide, as the fused kernels want
def test_against_torch_with_its_weights(bias, kind, cross, dims, heads):
    torch = pytest.importorskip("torch", reason="compares with torch")
    theirs = torch.nn.MultiheadAttention(dims, heads, bias=bias, batch_first=True).double().eval()
    layer = attention(dims, heads, bias=bias)
    projections = layer.query_proj, layer.key_proj, layer.value_proj
    with torch.no_grad():
        theirs.in_proj_weight.copy_(torch.tensor(np.concatenate([to_numpy(p.weight) for p in projections])))
        theirs.out_proj.weight.copy_(torch.tensor(to_numpy(layer.out_proj.weight)))
        if bias:
            theirs.in_proj_bias.copy_(torch.tensor(np.concatenate([to_numpy(p.bias) for p in projections])))
            theirs.out_proj.bias.copy_(torch.tensor(to_numpy(layer.out_proj.bias)))
    queries = numbers(B, T, dims, seed=1)
    keys, values = (numbers(B, T + 3, dims, seed=2), numbers(B, T + 3, dims, seed=3)) if cross else (queries, queries)
    length = keys.shape[1]
    valid = np.arange(length)[None] < np.array([[length], [2]])
    square = booleans(T, length) | np.eye(T, length, dtype=bool)
    forbidden = {"causal": ~causal_loop(T, length), "2d": ~square}.get(kind)
    wanted, weights = theirs(
        *(torch.tensor(x, dtype=torch.float64) for x in (queries, keys, values)),
        attn_mask=None if forbidden is None else torch.tensor(forbidden),
        key_padding_mask=torch.tensor(~valid) if kind == "padding" else None,
        average_attn_weights=False,
    )
    mask = {
        "none": None, "causal": "causal", "padding": masks.padding(mx.array(valid)), "2d": mx.array(square),
    }[kind]  # fmt: skip
    queries, keys, values = map(mx.array, (queries, keys, values))
    y = layer(queries, keys, values, mask)
    with trace() as steps:
        traced = layer(queries, keys, values, mask)
    assert is_float32(y, traced)
    assert_close(y, wanted)
    assert_close(traced, wanted)
    assert_close(steps["weights"].value, weights)


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"bias": False},
        {"num_kv_heads": 2},
        {"num_kv_heads": 1},
        {"head_dim": 5},
        {"head_dim": 8, "num_kv_heads": 2},
        {"tie": "kv"},
        {"tie": "kv", "num_kv_heads": 2},
        {"tie": "qk"},
        {"tie": "qkv"},
    ],
)
@pytest.mark.parametrize("masked", [False, True])
def test_every_option_against_a_loop_over_heads(options, masked):
    layer = attention(**options)
    queries, keys = numbers(B, T, C, seed=1), numbers(B, T + 2, C, seed=2)
    values = keys if options.get("tie") == "kv" and masked else numbers(B, T + 2, C, seed=3)
    mask = bias = None
    if masked:
        mask, bias = booleans(B, 1, T, T + 2, seed=4), numbers(1, H, T, T + 2, seed=5)
        mask[0, :, 1] = False  # a query that sees nothing: out_proj of zeros
    given_keys = mx.array(keys)
    given_values = given_keys if values is keys else mx.array(values)
    y = layer(
        mx.array(queries), given_keys, given_values,
        None if mask is None else mx.array(mask), bias=None if bias is None else mx.array(bias),
    )  # fmt: skip
    assert y.dtype == mx.float32
    assert_close(y, by_heads(layer, queries, keys, values, mask, bias))


def test_as_many_kv_heads_as_heads_is_multi_head():
    layer, grouped, x = attention(), attention(num_kv_heads=H), mx.array(numbers(B, T, C))
    assert_bit_equal(grouped(x, x, x), layer(x, x, x))


def test_parameters_are_4_c_squared_whatever_the_number_of_heads():
    for heads in (1, 2, 4, 8, 16):
        assert sum(v.size for _, v in tree_flatten(attention(C, heads, bias=False).parameters())) == 4 * C * C
    counts = {"kv": 3, "qk": 3, "qkv": 2, None: 4}
    for tie, matrices in counts.items():
        parameters = tree_flatten(attention(bias=False, tie=tie).parameters())
        assert sum(v.size for _, v in parameters) == matrices * C * C


# What must not change


def test_a_blind_row_gives_the_output_projection_of_zeros():
    layer, x = attention(), mx.array(numbers(B, T, C))
    mask = booleans(T, T, seed=3)
    mask[2] = False
    for result in (layer(x, x, x, mx.array(mask)), layer(x, x, x, mx.zeros((T, T), dtype=mx.bool_))):
        assert_bit_equal(to_numpy(result)[:, 2], np.tile(to_numpy(layer.out_proj.bias), (B, 1)))


def test_padding_the_batch_changes_nothing():
    layer, x = attention(), numbers(B, T, C)
    padded = np.concatenate([x, 50 * numbers(B, 5, C, seed=9)], axis=1)
    valid = mx.array(np.repeat(np.arange(T + 5)[None] < T, B, axis=0))
    alone = layer(*[mx.array(x)] * 3)
    assert_close(to_numpy(layer(*[mx.array(padded)] * 3, masks.padding(valid)))[:, :T], alone)


@pytest.mark.parametrize("traced", [False, True])
def test_causal_never_sees_ahead(traced):
    layer, x = attention(), numbers(1, T, C)

    def run(x):
        x = mx.array(x)
        if not traced:
            return to_numpy(layer(x, x, x, "causal"))
        with trace():
            return to_numpy(layer(x, x, x, "causal"))

    before = run(x)
    for cut in range(1, T):
        changed = x.copy()
        changed[:, cut:] = numbers(1, T - cut, C, seed=cut, scale=30)
        after = run(changed)
        assert_bit_equal(after[:, :cut], before[:, :cut])
        assert np.abs(after[:, cut] - before[:, cut]).max() > 1e-3


def test_without_positions_permuted_tokens_give_permuted_outputs():
    layer, x = attention(), numbers(B, T, C)
    order = np.random.default_rng(1).permutation(T)
    permuted = layer(*[mx.array(np.ascontiguousarray(x[:, order]))] * 3)
    assert_close(permuted, to_numpy(layer(*[mx.array(x)] * 3))[:, order])


def test_concatenating_heads_and_projecting_is_a_sum_over_heads():
    layer, x = attention(), mx.array(numbers(B, T, C))
    with trace() as steps:
        y = layer(x, x, x)
    weight = to_numpy(layer.out_proj.weight)
    heads = steps["heads"].value
    width = C // H
    parts = [heads[:, h] @ weight[:, h * width : (h + 1) * width].T for h in range(H)]
    assert_close(sum(parts) + to_numpy(layer.out_proj.bias), y)


def test_half_precision_stays_half():
    layer = attention()
    layer.load_weights([(path, value.astype(mx.float16)) for path, value in tree_flatten(layer.parameters())])
    x = numbers(B, T, C).astype(np.float16)
    y = layer(*[mx.array(x)] * 3, "causal")
    assert y.dtype == mx.float16
    assert_close(y, by_heads(layer, x, x, x, causal_loop(T, T)), tolerance=5e-3)


# Dropout


def test_dropout_falls_on_the_weights_in_training_only():
    layer, x = attention(dropout=0.5), mx.array(numbers(B, T, C))
    plain = attention()
    mx.random.seed(1)
    with trace() as steps:
        layer(x, x, x)
    ratio = steps["dropped_weights"].value / steps["weights"].value
    assert set(np.unique(ratio.round(4))) == {0.0, 2.0}  # dropped, or scaled by 1 / (1 - p)
    assert_close(steps["dropped_weights"].value @ steps["values"].value, steps["heads"].value)
    layer.eval()
    assert_bit_equal(layer(x, x, x), plain(x, x, x))
    with trace() as steps:
        layer(x, x, x)
    assert "dropped_weights" not in steps


# Gradients


@pytest.mark.parametrize("options", [{}, {"num_kv_heads": 2}, {"tie": "kv"}, {"tie": "qk"}, {"tie": "qkv"}])
@pytest.mark.parametrize("traced", [False, True])
def test_gradients_by_finite_differences(options, traced):
    layer = attention(8, 4, **options)
    names = [path for path, _ in sorted(tree_flatten(layer.parameters()))]
    mask = booleans(1, 1, 3, 3, seed=6)
    mask[..., 1, :] = False  # through a row that sees nothing, too
    wanted = mx.array(numbers(1, 3, 8, seed=7))

    def loss(x, *parameters):
        layer.update(backend.tree_unflatten(list(zip(names, parameters, strict=True))))
        if not traced:
            return mx.sum(layer(x, x, x, mx.array(mask)) * wanted)
        with trace():
            return mx.sum(layer(x, x, x, mx.array(mask)) * wanted)

    arrays = [numbers(1, 3, 8, seed=8)] + [to_numpy(v) for _, v in sorted(tree_flatten(layer.parameters()))]
    assert_gradients(loss, arrays)


# Bad input


def call(queries=(B, T, C), keys=(B, T, C), values=None, mask=None, **options):
    return lambda: attention(**options)(mx.zeros(queries), mx.zeros(keys), mx.zeros(values or keys), mask)


@pytest.mark.parametrize(
    ("make", "code", "says"),
    [
        (lambda: MultiHeadAttention(10, 4), "dims-not-divisible", "dims=10 is not divisible by num_heads=4"),
        (lambda: MultiHeadAttention(16, 4, num_kv_heads=3), "kv-heads-not-divisor", "num_kv_heads=3"),
        (lambda: MultiHeadAttention(16, 4, num_kv_heads=8), "kv-heads-not-divisor", "num_kv_heads=8"),
        (lambda: MultiHeadAttention(16, 4, num_kv_heads=2, tie="qk"), "tie-widths", "tie='qk'"),
        (lambda: MultiHeadAttention(16, 4, tie="vk"), "unknown-choice", "'kv'"),
        (lambda: MultiHeadAttention(16, 0), "not-positive", "num_heads"),
        (lambda: MultiHeadAttention(16, 4, head_dim=0), "not-positive", "head_dim"),
        (lambda: MultiHeadAttention(16, 4, num_kv_heads=0), "not-positive", "num_kv_heads"),
        (lambda: MultiHeadAttention(16, 4, dropout=1.0), "not-a-probability", "dropout"),
        (call(queries=(T, C)), "wrong-shape", "queries must have shape"),
        (call(queries=(B, T, C + 1)), "wrong-shape", "model=16"),
        (call(keys=(B, T, C - 1)), "wrong-shape", "keys"),
        (call(keys=(B + 1, T, C)), "wrong-shape", "batch=2"),
        (call(values=(B, T + 1, C)), "wrong-shape", "values"),
        (call(queries=(B, 0, C)), "empty-axis", "queries"),
        (call(keys=(B, 0, C)), "empty-axis", "keys"),
        (call(mask=mx.ones((B, T), dtype=mx.bool_)), "mask-broadcast", "mf.masks.padding"),
        (call(mask=mx.ones((T, T), dtype=mx.int32)), "mask-not-boolean", "mask != 0"),
        (lambda: attention()(numbers(B, T, C), *[mx.zeros((B, T, C))] * 2), "not-an-array", "queries"),
        (lambda: attention()(*[mx.zeros((B, T, C), dtype=mx.int32)] * 3), "not-floating", "queries"),
    ],
)
def test_bad_input_is_named_with_its_cure(make, code, says):
    with pytest.raises(ArgumentError) as caught:
        make()
    assert caught.value.code == code
    assert says in str(caught.value)


def test_the_layer_is_the_pure_function_between_projections():
    layer, x = attention(), mx.array(numbers(B, T, C))
    with trace() as steps:
        layer(x, x, x)
    q, k, v = (mx.array(steps[name].value) for name in ("queries", "keys", "values"))
    assert_close(scaled_dot_product_attention(q, k, v), steps["heads"].value)
