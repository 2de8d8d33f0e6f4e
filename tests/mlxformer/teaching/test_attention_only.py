"""Attention and nothing else: against a float64 loop, its gradient, and the third order of what is left."""

from __future__ import annotations

import numpy as np
import pytest

from mlxformer.backend import mx, to_numpy, tree_flatten
from mlxformer.errors import ArgumentError
from mlxformer.inspection.diagnostics import token_spread
from mlxformer.teaching.attention_only import AttentionOnly, AttentionOnlyLM
from mlxformer.tracing import trace
from tests.mlxformer.comparing import assert_bit_equal, assert_close, numbers

C, H, T = 8, 2, 5


def filled(layers=2, **options):
    stack = AttentionOnly(layers, C, H, **options)
    parameters = sorted(tree_flatten(stack.parameters()))
    stack.load_weights(
        [
            (path, mx.array(numbers(*value.shape, seed=index, scale=0.5)))
            for index, (path, value) in enumerate(parameters)
        ]
    )
    stack.eval()
    return stack


def by_hand(stack, x):
    weights = {path: to_numpy(value).astype(np.float64) for path, value in tree_flatten(stack.parameters())}
    x = x.astype(np.float64)
    for layer in range(len(stack.layers)):
        q, k, v = (x @ weights[f"layers.{layer}.{name}_proj.weight"].T for name in ("query", "key", "value"))
        joined = np.zeros_like(q)
        for head in range(H):
            part = slice(head * C // H, (head + 1) * C // H)
            for i in range(len(x)):
                powers = np.exp(k[:, part] @ q[i, part] / np.sqrt(C // H))
                joined[i, part] = powers / powers.sum() @ v[:, part]
        y = joined @ weights[f"layers.{layer}.out_proj.weight"].T
        x = x + y if stack.residual else y
    return x


@pytest.mark.parametrize("residual", [True, False])
def test_formula(residual):
    stack, x = filled(residual=residual), numbers(T, C, seed=9)
    assert_close(stack(mx.array(x[None])), by_hand(stack, x)[None])


def test_gradient_by_finite_differences():
    stack, x, out, direction = (filled(residual=False), *(numbers(T, C, seed=seed) for seed in (1, 2, 3)))
    wanted = sum(sign * float((by_hand(stack, x + sign * 1e-4 * direction) * out).sum()) for sign in (1, -1)) / 2e-4
    gradient = mx.grad(lambda z: mx.sum(stack(z) * mx.array(out)))(mx.array(x[None]))
    assert float((to_numpy(gradient)[0] * direction).sum()) == pytest.approx(wanted, rel=2e-3)


def test_trace_records_each_layer():
    stack, x = filled(3), mx.array(numbers(1, T, C))
    with trace(stack) as steps:
        y = stack(x)
    assert len(steps.all("output")) == 3
    assert_bit_equal(steps.all("output")[-1].value, y)


@pytest.mark.parametrize(("residual", "order"), [(False, 3), (True, 1)])
def test_what_is_left_is_of_third_order_without_the_sum(residual, order):
    """In float64, by the loop: halving the differences leaves 1/8 of them, and a half with the residual sum."""
    stack, mean, rest = filled(1, residual=residual), numbers(1, C, seed=4), numbers(T, C, seed=5)
    rest = rest - rest.mean(0)
    left = [np.linalg.norm((y := by_hand(stack, mean + e * rest)) - y.mean(0)) for e in (2e-2, 1e-2)]
    assert np.log2(left[0] / left[1]) == pytest.approx(order, abs=0.05)


def test_token_spread():
    x = numbers(3, T, C).astype(np.float64)
    wanted = [np.sqrt(sum(((row - t.mean(0)) ** 2).sum() for row in t) / (t**2).sum()) for t in x]
    np.testing.assert_allclose(token_spread(x), wanted)
    assert token_spread(np.ones((T, C))) == 0 and token_spread(np.zeros((T, C))) == 0
    assert token_spread(x[0] - x[0].mean(0)) == pytest.approx(1)


@pytest.mark.parametrize(
    ("arguments", "code"),
    [((0, C, H), "not-positive"), ((1, C, 3), "dims-not-divisible"), ((2.0, C, H), "not-positive")],
)
def test_what_cannot_be(arguments, code):
    with pytest.raises(ArgumentError) as error:
        AttentionOnly(*arguments)
    assert error.value.code == code


def test_inputs_of_another_width():
    with pytest.raises(ArgumentError) as error:
        filled()(mx.array(numbers(1, T, C + 1)))
    assert error.value.code == "wrong-shape"


def test_the_logits_are_a_sum_of_what_each_part_writes():
    model = AttentionOnlyLM(11, 7, 2, C, H)
    ids = mx.array([[3, 1, 4, 1, 5]])
    with trace() as steps:
        logits = to_numpy(model(ids))
    own = model.token_embedding(ids) + model.positions(5)
    parts = [to_numpy(own), *(steps[f"stack.layers.{layer}.output"].value for layer in range(2))]
    by_hand = sum(part.astype(np.float64) @ to_numpy(model.output_proj.weight).T for part in parts)
    assert_close(logits, by_hand)


def test_no_sign_sees_a_later_one():
    model = AttentionOnlyLM(11, 7, 2, C, H)
    whole, begun = (to_numpy(model(mx.array([ids]))) for ids in ([3, 1, 4, 1, 5], [3, 1, 4]))
    assert_close(whole[:, :3], begun)
