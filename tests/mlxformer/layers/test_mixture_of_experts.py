"""A routed mixture of experts: against a float64 loop, dense at k = E, by its counts and by finite differences."""

from __future__ import annotations

import numpy as np
import pytest

from mlxformer import backend
from mlxformer.backend import mx, to_numpy
from mlxformer.errors import ArgumentError
from mlxformer.layers.mixture_of_experts import MixtureOfExperts, balance_bias_step, load_balancing_loss
from mlxformer.tracing import trace
from tests.mlxformer.comparing import assert_close, assert_gradients, is_float32, numbers
from tests.mlxformer.observing import filled

B, T, C, F, E = 2, 5, 4, 6, 4


def loop(layer, x):
    """One token and one expert at a time, in float64."""
    parameters = {path: to_numpy(value).astype(np.float64) for path, value in backend.tree_flatten(layer.parameters())}
    y = np.zeros(x.shape)
    for place in np.ndindex(*x.shape[:2]):
        token = x[place].astype(np.float64)
        logits = parameters["router.weight"] @ token
        p = np.exp(logits - logits.max()) / np.exp(logits - logits.max()).sum()
        chosen = sorted(range(layer.num_experts), key=lambda e: -p[e])[: layer.top_k]
        shared = sum(p[e] for e in chosen) if layer.normalize_gates else 1.0
        for e in chosen:
            up, up_bias, down, down_bias = (
                parameters[f"experts.{e}.{name}"]
                for name in ("up_proj.weight", "up_proj.bias", "down_proj.weight", "down_proj.bias")
            )
            y[place] += p[e] / shared * (down @ np.maximum(up @ token + up_bias, 0) + down_bias)
    return y


@pytest.mark.parametrize("normalize", [True, False])
@pytest.mark.parametrize("top_k", [1, 2, E])
def test_against_a_float64_loop(normalize, top_k):
    layer, x = filled(MixtureOfExperts(C, F, E, top_k, normalize_gates=normalize)), numbers(B, T, C)
    found = layer(mx.array(x))
    assert is_float32(found)
    assert_close(found, loop(layer, x))


def test_with_all_experts_chosen_it_is_the_dense_weighted_sum():
    layer, x = filled(MixtureOfExperts(C, F, E, E)), mx.array(numbers(B, T, C))
    p = mx.softmax(layer.router(x), axis=-1)
    dense = sum(p[..., e : e + 1] * layer.experts[e](x) for e in range(E))
    assert_close(layer(x), to_numpy(dense))


@pytest.mark.parametrize("top_k", [1, 2, 3])
def test_only_chosen_experts_run_and_each_on_its_own_tokens(top_k):
    layer, x = filled(MixtureOfExperts(C, F, E, top_k)), mx.array(numbers(B, T, C, seed=5))
    with trace(layer) as steps:
        layer(x)
    load = np.bincount(steps["chosen"].value.ravel(), minlength=E)
    ran = {int(s.path.split(".")[1]): s.value.shape[1] for s in steps if s.path.endswith(".hidden")}
    assert ran == {e: n for e, n in enumerate(load.tolist()) if n}
    assert sum(ran.values()) == B * T * top_k
    assert_close(steps["gates"].value.sum(-1), np.ones(B * T))


def test_running_every_expert_gives_the_same():
    layer, x = filled(MixtureOfExperts(C, F, E, 2)), mx.array(numbers(B * T, C))
    _, chosen, gates = layer.route(x)
    assert_close(layer._every(x, chosen, gates), to_numpy(layer._grouped(x, chosen, gates)))


@pytest.mark.skipif(backend.name == "numpy", reason="mx.compile runs Python on NumPy")
def test_it_compiles():
    layer, x = filled(MixtureOfExperts(C, F, E, 2)), mx.array(numbers(B, T, C))
    assert_close(mx.compile(layer)(x), to_numpy(layer(x)))


@pytest.mark.parametrize("normalize", [True, False])
def test_gradients_by_finite_differences(normalize):
    layer, x = (
        filled(MixtureOfExperts(C, F, E, 2, normalize_gates=normalize, activation="gelu")),
        numbers(B, T, C, seed=5),
    )
    wanted, parameters = mx.array(numbers(B, T, C, seed=3)), sorted(backend.tree_flatten(layer.parameters()))

    def loss(x, *values):
        layer.update(backend.tree_unflatten([(path, v) for (path, _), v in zip(parameters, values, strict=True)]))
        return mx.sum(layer(x) * wanted)

    assert_gradients(loss, [x, *(to_numpy(value) for _, value in parameters)], step=1e-3, tolerance=1e-2)


def test_an_expert_that_was_not_chosen_learns_nothing():
    layer, x = filled(MixtureOfExperts(C, F, E, 2)), mx.array(numbers(1, 1, C))
    chosen = to_numpy(layer.route(x[0])[1])[0]
    _, slopes = backend.nn.value_and_grad(layer, lambda: mx.sum(mx.square(layer(x))))()
    for e, expert in enumerate(slopes["experts"]):
        assert to_numpy(expert["down_proj"]["bias"]).any() == (e in chosen)


def test_a_single_shared_gate_teaches_the_router_nothing_and_a_plain_one_does():
    for normalize, learns in ((True, False), (False, True)):
        layer, x = filled(MixtureOfExperts(C, F, E, 1, normalize_gates=normalize)), mx.array(numbers(B, T, C))
        _, slopes = backend.nn.value_and_grad(layer, lambda layer=layer, x=x: mx.sum(mx.square(layer(x))))()
        assert (np.abs(to_numpy(slopes["router"]["weight"])).max() > 1e-4) == learns


def test_the_balancing_losses_by_hand():
    even = mx.full((E, E), 1.0 / E)
    assert_close(load_balancing_loss(even, mx.arange(E).reshape(E, 1)), np.array(1.0))
    one = mx.array(np.eye(E, dtype=np.float32)[[2] * 6])
    assert_close(load_balancing_loss(one, mx.full((6, 1), 2, dtype=mx.int32)), np.array(float(E)))
    # f = (3/4, 1/4), P = (0.6, 0.4): 2 (0.45 + 0.1)
    p = mx.array([[0.7, 0.3], [0.6, 0.4], [0.7, 0.3], [0.4, 0.6]])
    assert_close(load_balancing_loss(p, mx.array([[0], [0], [0], [1]])), np.array(1.1))
    slope = to_numpy(mx.grad(lambda p: load_balancing_loss(p, mx.array([[0], [0], [0], [1]])))(p))
    assert_close(slope, np.tile([2 * 0.75 / 4, 2 * 0.25 / 4], (4, 1)))


def test_bad_input_is_named():
    layer, p = filled(MixtureOfExperts(C, F, E, 2)), mx.full((3, E), 0.25)
    for call, code in [
        (lambda: layer(mx.zeros((T, C))), "wrong-shape"),
        (lambda: layer(mx.zeros((B, T, C + 1))), "wrong-shape"),
        (lambda: MixtureOfExperts(C, F, 2, 3), "too-few-experts"),
        (lambda: MixtureOfExperts(C, F, 2, 0), "not-positive"),
        (lambda: load_balancing_loss(p[0], mx.zeros((3, 1))), "wrong-shape"),
        (lambda: load_balancing_loss(p, mx.zeros((2, 1), dtype=mx.int32)), "wrong-shape"),
    ]:
        with pytest.raises(ArgumentError) as caught:
            call()
        assert caught.value.code == code


def deepseek(**options):
    return MixtureOfExperts(C, F, E, 2, scoring="sigmoid", balance_bias=True, **options)


@pytest.mark.parametrize("shared", [0, 2])
def test_a_bias_moves_the_choice_and_no_gate_and_shared_experts_read_all(shared):
    """DeepSeek-V3's router, token by token in float64."""
    layer, x = filled(deepseek(num_shared_experts=shared)), numbers(B, T, C, seed=3)
    layer.balance_bias = mx.array(np.array([0.6, -0.4, 0.2, 0.0], np.float32))
    p = {path: to_numpy(value).astype(np.float64) for path, value in backend.tree_flatten(layer.parameters())}

    def expert(path, token):
        hidden = np.maximum(p[f"{path}.up_proj.weight"] @ token + p[f"{path}.up_proj.bias"], 0)
        return p[f"{path}.down_proj.weight"] @ hidden + p[f"{path}.down_proj.bias"]

    wanted = np.zeros(x.shape)
    for place in np.ndindex(B, T):
        token = x[place].astype(np.float64)
        scores = 1 / (1 + np.exp(-p["router.weight"] @ token))
        chosen = np.argsort(-(scores + p["balance_bias"]))[:2]
        wanted[place] = sum(scores[e] / scores[chosen].sum() * expert(f"experts.{e}", token) for e in chosen)
        wanted[place] += sum(expert(f"shared_experts.{s}", token) for s in range(shared))
    assert_close(layer(mx.array(x)), wanted)


def test_the_bias_is_not_trained():
    layer = deepseek()
    names = {path for path, _ in backend.tree_flatten(layer.trainable_parameters())}
    assert "balance_bias" not in names and "router.weight" in names


def test_a_step_of_the_bias_by_hand():
    bias = mx.array(np.array([0.0, 0.5, 0.0, -0.1], np.float32))
    chosen = mx.array(np.array([[0, 1], [0, 1], [0, 2], [0, 2]], np.int32))  # loads 4, 2, 2, 0; the mean is 2
    assert_close(balance_bias_step(bias, chosen, 0.1), np.array([-0.1, 0.5, 0.0, 0.0], np.float32))


@pytest.mark.parametrize(
    "call",
    [
        lambda: MixtureOfExperts(C, F, E, 2, scoring="tanh"),
        lambda: MixtureOfExperts(C, F, E, 2, num_shared_experts=-1),
        lambda: balance_bias_step(mx.zeros((E,)), mx.zeros((3, 2)), 0.0),
        lambda: balance_bias_step(mx.zeros((E, 1)), mx.zeros((3, 2)), 0.1),
    ],
)
def test_bad_input_of_the_router_is_refused(call):
    with pytest.raises(ArgumentError):
        call()
