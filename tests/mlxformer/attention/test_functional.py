"""Scaled dot-product attention: by hand, against a float64 loop, against torch, and by what must never change."""

from __future__ import annotations

import numpy as np
import pytest

from mlxformer.attention.functional import attend, attention_weights, masks, scaled_dot_product_attention
from mlxformer.backend import mx, nn, to_numpy
from mlxformer.errors import ArgumentError
from mlxformer.tracing import trace
from tests.mlxformer.comparing import assert_bit_equal, assert_close, booleans, is_float32, numbers
from tests.mlxformer.references import attention_loop, causal_loop

B, H, TQ, TK, D = 2, 4, 5, 7, 8


def qkv(heads=H, kv_heads=H, queries=TQ, keys=TK, width=D, batch=B, value_width=None):
    return (
        numbers(batch, heads, queries, width, seed=1),
        numbers(batch, kv_heads, keys, width, seed=2),
        numbers(batch, kv_heads, keys, value_width or width, seed=3),
    )


def some_mask(kind: str, queries: int = TQ, keys: int = TK) -> np.ndarray | None:
    """Every shape of mask there is; the boolean ones with a row that may see nothing."""
    if kind == "none":
        return None
    if kind == "causal":
        return causal_loop(queries, keys)
    if kind == "padding":
        valid = np.ones((B, 1, 1, keys), bool)
        valid[0, ..., -2:] = False
        valid[1] = False  # a whole sequence of padding
        return valid
    shape = {"2d": (queries, keys), "4d": (B, H, queries, keys), "per head": (1, H, queries, keys)}
    shape |= {"per batch": (B, 1, queries, keys), "one query row": (1, 1, 1, keys)}
    shape |= {"one key column": (B, 1, queries, 1)}
    mask = booleans(*shape[kind], seed=5)
    mask[..., -1 if mask.shape[-2] > 1 else 0, :] = mask.shape[-2] == 1
    return mask


MASKS = ["none", "causal", "padding", "2d", "4d", "per head", "per batch", "one query row", "one key column"]


def ours(kind, mask):
    return "causal" if kind == "causal" else None if mask is None else mx.array(mask)


# By hand


def test_two_unit_keys_and_a_query_along_one_of_them():
    # Scores (√2 · 1/√2, 0) = (1, 0): weights in the ratio e : 1.
    q = mx.array([[[[2**0.5, 0.0]]]])
    k = mx.array([[[[1.0, 0.0], [0.0, 1.0]]]])
    v = mx.array([[[[1.0], [0.0]]]])
    weights = to_numpy(attention_weights(q, k))[0, 0, 0]
    np.testing.assert_allclose(weights, [np.e / (np.e + 1), 1 / (np.e + 1)], rtol=1e-6)
    assert_close(scaled_dot_product_attention(q, k, v), [[[[np.e / (np.e + 1)]]]] * np.ones((1, 1, 1, 1)))


def test_equal_keys_give_the_mean_of_the_values():
    q, v = mx.array(numbers(1, 1, 3, 4)), mx.array([[[[1.0], [2.0], [6.0]]]])
    assert_close(scaled_dot_product_attention(q, mx.ones((1, 1, 3, 4)), v), np.full((1, 1, 3, 1), 3.0))


def test_scale_is_one_over_the_root_of_the_head_width():
    q, k, _ = map(mx.array, qkv())
    assert_bit_equal(attention_weights(q, k), attention_weights(q, k, scale=D**-0.5))
    assert_close(attention_weights(q, k, scale=0.0), np.full((B, H, TQ, TK), 1 / TK))


# Against the loop and torch, explicit and fused


@pytest.mark.parametrize("kind", MASKS)
@pytest.mark.parametrize("with_bias", [False, True])
@pytest.mark.parametrize(("kv_heads", "width"), [(H, D), (2, D), (1, D), (H, 64)])
def test_against_a_float64_loop(kind, with_bias, kv_heads, width):
    q, k, v = qkv(kv_heads=kv_heads, width=width)
    mask = some_mask(kind)
    bias = numbers(1, H, TQ, TK, seed=7) if with_bias else None
    outputs, weights = attention_loop(q, k, v, mask=mask, bias=bias)
    arguments = {"mask": ours(kind, mask), "bias": None if bias is None else mx.array(bias)}
    q, k, v = map(mx.array, (q, k, v))
    fused = scaled_dot_product_attention(q, k, v, **arguments)  # with a bias: explicit
    found = attention_weights(q, k, **arguments)
    with trace() as steps:
        explicit = scaled_dot_product_attention(q, k, v, **arguments)
    assert is_float32(fused, explicit, found)
    for result in (fused, explicit, steps["heads"].value):
        assert_close(result, outputs)
    assert_close(found, weights)
    assert_bit_equal(steps["weights"].value, found)
    sums = to_numpy(found).astype(np.float64).sum(-1)
    np.testing.assert_allclose(sums, weights.sum(-1), atol=1e-6)  # 1, or 0 where nothing may be seen


@pytest.mark.parametrize("kind", MASKS)
@pytest.mark.parametrize("extra", ["plain", "bias", "gqa", "D = 64", "wide values", "scale"])
def test_against_torch(kind, extra):
    torch = pytest.importorskip("torch", reason="compares with torch")
    from torch.nn.functional import scaled_dot_product_attention as theirs

    q, k, v = qkv(
        kv_heads=2 if extra == "gqa" else H,
        width=64 if extra == "D = 64" else D,
        value_width=12 if extra == "wide values" else None,
    )
    mask = some_mask(kind)
    bias = numbers(1, H, TQ, TK, seed=7) if extra == "bias" else None
    scale = 0.3 if extra == "scale" else None
    combined = None if mask is None else torch.tensor(np.broadcast_to(mask, (B, H, TQ, TK)).copy())
    if bias is not None:
        added = torch.tensor(bias)
        combined = added if combined is None else torch.where(combined, added, -torch.inf)
    wanted = theirs(*map(torch.tensor, (q, k, v)), attn_mask=combined, scale=scale, enable_gqa=extra == "gqa").numpy()
    seen = np.ones((B, H, TQ), bool) if mask is None else np.broadcast_to(mask, (B, H, TQ, TK)).any(-1)
    arguments = {"mask": ours(kind, mask), "bias": None if bias is None else mx.array(bias), "scale": scale}
    q, k, v = map(mx.array, (q, k, v))
    with trace():
        explicit = to_numpy(scaled_dot_product_attention(q, k, v, **arguments))
    for result in (to_numpy(scaled_dot_product_attention(q, k, v, **arguments)), explicit):
        assert_close(result[seen], wanted[seen])
        assert not result[~seen].any()  # zeros; torch's own value there depends on its kernel


@pytest.mark.parametrize(("queries", "keys"), [(5, 5), (3, 7), (1, 7), (7, 3), (1, 1), (64, 80), (80, 64)])
@pytest.mark.parametrize("width", [8, 64])
def test_causal_is_aligned_to_the_lower_right(queries, keys, width):
    q, k, v = qkv(queries=queries, keys=keys, width=width)
    wanted, _ = attention_loop(q, k, v, mask=causal_loop(queries, keys))
    q, k, v = map(mx.array, (q, k, v))
    assert_close(scaled_dot_product_attention(q, k, v, mask="causal"), wanted)
    with trace():
        assert_close(scaled_dot_product_attention(q, k, v, mask="causal"), wanted)
    assert_close(scaled_dot_product_attention(q, k, v, mask=masks.causal(queries, keys)), wanted)


@pytest.mark.parametrize("kind", ["none", "causal", "window", "padding"])
@pytest.mark.parametrize(("queries", "keys"), [(700, 700), (130, 900), (900, 130)])
def test_long_sequences_fused_and_explicit_agree(kind, queries, keys):
    q, k, v = map(mx.array, qkv(heads=2, kv_heads=1, queries=queries, keys=keys, width=16, batch=1))
    mask = {
        "none": None,
        "causal": "causal",
        "window": masks.sliding_window(queries, keys, 70, 3),  # with (900, 130): most queries see nothing
        "padding": masks.padding(mx.array((np.arange(keys) < keys - 37)[None])),
    }[kind]

    def loss(q, k, v):
        return mx.sum(scaled_dot_product_attention(q, k, v, mask=mask) ** 2)

    gradients = mx.grad(loss, argnums=(0, 1, 2))
    fused, slopes = scaled_dot_product_attention(q, k, v, mask=mask), gradients(q, k, v)
    with trace():
        assert_close(fused, scaled_dot_product_attention(q, k, v, mask=mask))
        for ours, explicit in zip(slopes, gradients(q, k, v), strict=True):
            assert_close(ours, explicit)


# Rows that may see nothing


@pytest.mark.parametrize("explicit", [False, True])
@pytest.mark.parametrize("kind", ["padding", "2d", "4d", "per batch", "one key column", "causal, more queries"])
def test_a_row_that_sees_nothing_gives_zeros_and_zero_gradients(kind, explicit):
    queries, keys = (7, 4) if "more" in kind else (TQ, TK)
    q, k, v = qkv(queries=queries, keys=keys)
    mask = causal_loop(queries, keys) if "more" in kind else some_mask(kind)
    assert mask is not None
    blind = ~np.broadcast_to(mask, (B, H, queries, keys)).any(-1)
    assert blind.any() and not blind.all()
    given = "causal" if "more" in kind else mx.array(mask)

    def output(q, k, v):
        if explicit:
            return attend(q, k, v, mask=given, dropout=lambda weights: weights)
        return scaled_dot_product_attention(q, k, v, mask=given)

    def loss(q, k, v):
        return mx.sum(output(q, k, v) ** 2 + 3.0 * output(q, k, v))

    q, k, v = map(mx.array, (q, k, v))
    y = to_numpy(output(q, k, v))
    assert np.isfinite(y).all() and not y[blind].any() and y[~blind].any(-1).all()
    for_q, for_k, for_v = (to_numpy(gradient) for gradient in mx.grad(loss, argnums=(0, 1, 2))(q, k, v))
    assert all(np.isfinite(gradient).all() for gradient in (for_q, for_k, for_v))
    assert not for_q[blind].any() and for_q[~blind].any()


@pytest.mark.parametrize("explicit", [False, True])
def test_nothing_at_all_may_be_seen(explicit):
    q, k, v = map(mx.array, qkv())
    nothing = mx.zeros((TQ, TK), dtype=mx.bool_)

    def loss(q, k, v):
        return mx.sum(attend(q, k, v, mask=nothing, dropout=(lambda w: w) if explicit else None) + 1.0)

    assert not to_numpy(scaled_dot_product_attention(q, k, v, mask=nothing)).any()
    assert not to_numpy(attention_weights(q, k, mask=nothing)).any()
    for gradient in mx.grad(loss, argnums=(0, 1, 2))(q, k, v):
        assert not to_numpy(gradient).any()


# Gradients


@pytest.mark.parametrize("how", ["fused", "explicit", "traced"])
@pytest.mark.parametrize("kind", ["none", "causal", "4d", "padding"])
@pytest.mark.parametrize("kv_heads", [H, 2, 1])
def test_gradients_against_torch(how, kind, kv_heads):
    torch = pytest.importorskip("torch", reason="compares with torch")
    q, k, v = qkv(kv_heads=kv_heads)
    mask, wanted = some_mask(kind), numbers(B, H, TQ, D, seed=9)

    theirs = [torch.tensor(x, dtype=torch.float64, requires_grad=True) for x in (q, k, v)]
    keys, values = (x.repeat_interleave(H // kv_heads, dim=1) for x in theirs[1:])
    scores = theirs[0] @ keys.transpose(-1, -2) * D**-0.5
    if mask is not None:
        allowed = torch.tensor(np.broadcast_to(mask, (B, H, TQ, TK)).copy())
        scores = torch.where(allowed, scores, -1e30)
        weights = torch.where(allowed, scores.softmax(-1), 0.0)
    else:
        weights = scores.softmax(-1)
    (weights @ values * torch.tensor(wanted)).sum().backward()

    def loss(q, k, v):
        dropout = (lambda weights: weights) if how == "explicit" else None
        return mx.sum(attend(q, k, v, mask=ours(kind, mask), dropout=dropout) * mx.array(wanted))

    gradients = mx.grad(loss, argnums=(0, 1, 2))
    if how == "traced":
        with trace():
            found = gradients(*map(mx.array, (q, k, v)))
    else:
        found = gradients(*map(mx.array, (q, k, v)))
    for gradient, reference in zip(found, theirs, strict=True):
        assert is_float32(gradient)
        assert_close(gradient, reference.grad)


def test_gradient_of_the_bias():
    torch = pytest.importorskip("torch", reason="compares with torch")
    q, k, v = qkv()
    bias, mask = numbers(1, H, TQ, TK, seed=7), some_mask("2d")
    added = torch.tensor(bias, requires_grad=True)
    scores = torch.tensor(q) @ torch.tensor(k).transpose(-1, -2) * D**-0.5 + added
    weights = torch.where(torch.tensor(mask), torch.where(torch.tensor(mask), scores, -1e30).softmax(-1), 0.0)
    ((weights @ torch.tensor(v)) ** 2).sum().backward()
    q, k, v = map(mx.array, (q, k, v))
    gradient = mx.grad(lambda b: mx.sum(scaled_dot_product_attention(q, k, v, bias=b, mask=mx.array(mask)) ** 2))(
        mx.array(bias)
    )
    assert_close(gradient, added.grad)


# What must not change


def test_causal_attention_never_sees_ahead():
    q, k, v = (numbers(1, 2, 9, 16, seed=seed) for seed in range(3))
    before = to_numpy(scaled_dot_product_attention(*map(mx.array, (q, k, v)), mask="causal"))
    for cut in (1, 4, 8):
        other = [x.copy() for x in (q, k, v)]
        for x in other:
            x[:, :, cut:] = 100.0
        after = to_numpy(scaled_dot_product_attention(*map(mx.array, other), mask="causal"))
        assert_bit_equal(after[:, :, :cut], before[:, :, :cut])
        assert not np.array_equal(after[:, :, cut:], before[:, :, cut:])


@pytest.mark.parametrize("width", [8, 64])
def test_padding_changes_nothing(width):
    q, k, v = qkv(width=width)
    alone = scaled_dot_product_attention(*map(mx.array, (q, k, v)))
    padded_k, padded_v = (np.concatenate([x, numbers(B, H, 6, width, seed=8) * 50], axis=2) for x in (k, v))
    valid = np.arange(TK + 6)[None, :] < TK
    mask = masks.padding(mx.array(np.repeat(valid, B, axis=0)))
    padded = scaled_dot_product_attention(mx.array(q), mx.array(padded_k), mx.array(padded_v), mask=mask)
    assert_close(padded, alone)


def test_permuted_keys_change_nothing_and_permuted_queries_permute():
    q, k, v = qkv()
    order = np.random.default_rng(0).permutation(TK)
    y = to_numpy(scaled_dot_product_attention(*map(mx.array, (q, k, v))))
    assert_close(scaled_dot_product_attention(mx.array(q), mx.array(k[:, :, order]), mx.array(v[:, :, order])), y)
    turned = np.ascontiguousarray(q[:, :, ::-1])
    assert_close(scaled_dot_product_attention(mx.array(turned), mx.array(k), mx.array(v)), y[:, :, ::-1])


def test_grouped_heads_are_multi_head_with_repeated_keys():
    q, k, v = qkv(kv_heads=2)
    repeated = [np.repeat(x, H // 2, axis=1) for x in (k, v)]
    grouped = scaled_dot_product_attention(*map(mx.array, (q, k, v)))
    assert_close(grouped, scaled_dot_product_attention(mx.array(q), *map(mx.array, repeated)))


def test_large_scores_stay_finite():
    q, k, v = qkv()
    y = to_numpy(scaled_dot_product_attention(mx.array(q * 1e4), mx.array(k * 1e4), mx.array(v), mask="causal"))
    assert np.isfinite(y).all()
    with trace():
        explicit = scaled_dot_product_attention(mx.array(q * 1e4), mx.array(k * 1e4), mx.array(v), mask="causal")
    assert_close(explicit, y)


@pytest.mark.parametrize("kind", ["none", "causal", "2d"])
def test_half_precision_stays_half(kind):
    q, k, v = (x.astype(np.float16) for x in qkv())
    mask = some_mask(kind)
    wanted, weights = attention_loop(q, k, v, mask=mask)
    q, k, v = map(mx.array, (q, k, v))
    with trace() as steps:
        explicit = scaled_dot_product_attention(q, k, v, mask=ours(kind, mask))
    for result in (explicit, scaled_dot_product_attention(q, k, v, mask=ours(kind, mask))):
        assert result.dtype == mx.float16
        assert_close(result, wanted, tolerance=5e-3)
    assert attention_weights(q, k, mask=ours(kind, mask)).dtype == mx.float16
    for name in ("scores", "scaled", "weights"):
        assert steps[name].value.dtype == np.float32
    assert steps["heads"].value.dtype == np.float16
    assert_close(steps["weights"].value, weights, tolerance=5e-3)


def test_dropout_is_given_the_weights_and_its_result_flows_on():
    q, k, v = map(mx.array, qkv())
    weights = to_numpy(attention_weights(q, k))
    with trace() as steps:
        y = attend(q, k, v, dropout=lambda w: w * 0.5)
    assert_bit_equal(steps["weights"].value, weights)
    assert_bit_equal(steps["dropped_weights"].value, weights * np.float32(0.5))
    assert_close(y, 0.5 * to_numpy(scaled_dot_product_attention(q, k, v)))
    dropped = to_numpy(attend(q, k, v, dropout=nn.Dropout(0.5)))
    assert not np.allclose(dropped, to_numpy(y))


# Bad input

SMALL = mx.zeros((1, 1, 2, 4))


def bad(q=(B, H, TQ, D), k=(B, H, TK, D), v=(B, H, TK, D), **arguments):
    return lambda: scaled_dot_product_attention(mx.zeros(q), mx.zeros(k), mx.zeros(v), **arguments)


@pytest.mark.parametrize(
    ("call", "code", "says"),
    [
        (bad(mask=mx.ones((TQ, TK), dtype=mx.int32)), "mask-not-boolean", "mask != 0"),
        (bad(mask=mx.zeros((TQ, TK))), "mask-not-boolean", "given as `bias`"),
        (bad(mask=mx.ones((TK,), dtype=mx.bool_)), "mask-rank", "mf.masks.padding"),
        (bad(mask=mx.ones((B, TQ, TK), dtype=mx.bool_)), "mask-rank", "mf.masks.padding"),
        (bad(mask=mx.ones((B, TK), dtype=mx.bool_)), "mask-broadcast", "mf.masks.padding"),
        (bad(mask=mx.ones((B, 3, TQ, TK), dtype=mx.bool_)), "mask-broadcast", "[2, 4, 5, 7]"),
        (bad(mask="Causal"), "mask-unknown", '"causal"'),
        (bad(mask=np.ones((TQ, TK), bool)), "not-an-array", "mx.array"),
        (bad(mask=[[True] * TK] * TQ), "not-an-array", "mask"),
        (bad(bias=mx.ones((TQ, TK), dtype=mx.bool_)), "bias-boolean", "`mask`"),
        (bad(bias=mx.ones((TQ, TK), dtype=mx.int32)), "not-floating", "bias"),
        (bad(bias=mx.ones((TK,))), "bias-rank", "[Tq, Tk]"),
        (bad(bias=mx.ones((TK, TQ))), "mask-broadcast", "bias [7, 5]"),
        (bad(bias=np.zeros((TQ, TK), np.float32)), "not-an-array", "bias"),
        (bad(q=(B, TQ, D)), "wrong-shape", "q must have shape"),
        (bad(k=(B, H, TK, D + 1)), "wrong-shape", "dim=8"),
        (bad(k=(B + 1, H, TK, D)), "wrong-shape", "batch=2"),
        (bad(v=(B, H, TK + 1, D)), "wrong-shape", "key=7"),
        (bad(v=(B, 2, TK, D)), "wrong-shape", "kv_head=4"),
        (bad(k=(B, 3, TK, D), v=(B, 3, TK, D)), "heads-not-grouped", "multiple of the 3"),
        (bad(q=(B, H, 0, D)), "empty-axis", "length 0"),
        (bad(k=(B, H, 0, D), v=(B, H, 0, D)), "empty-axis", "length 0"),
        (bad(q=(0, H, TQ, D), k=(0, H, TK, D), v=(0, H, TK, D)), "empty-axis", "length 0"),
        (lambda: attention_weights(np.zeros((1, 1, 2, 4), np.float32), SMALL), "not-an-array", "numpy.ndarray"),
        (lambda: attention_weights(SMALL.astype(mx.int32), SMALL), "not-floating", "q must be floating point"),
        (lambda: attention_weights(SMALL, mx.zeros((1, 1, 2, 5))), "wrong-shape", "k must have shape"),
    ],
)
def test_bad_input_is_named_with_its_cure(call, code, says):
    with pytest.raises(ArgumentError) as caught:
        call()
    assert caught.value.code == code
    assert says in str(caught.value)
