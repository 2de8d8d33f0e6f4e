"""Recomputation changes what is kept and never what comes out: gradients are those without it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import mlxformer as mf
from mlxformer.backend import drawing_from, mx, nn, peak_bytes, random_state, to_numpy, tree_flatten
from mlxformer.training.recomputation import recomputed


def _gradients(model: Any, loss: Any) -> dict[str, np.ndarray]:
    mx.random.seed(5)
    _, found = nn.value_and_grad(model, loss)()
    return {path: to_numpy(value) for path, value in dict(tree_flatten(found)).items()}


def _same(model: Any, loss: Any, stacks: list[Any], every: int | None, scores: bool) -> None:
    plain = _gradients(model, loss)
    for stack in stacks:
        stack.recompute(every, scores=scores)
    again = _gradients(model, loss)
    assert plain.keys() == again.keys()
    for path, value in plain.items():
        size = max(1.0, np.abs(value).max())
        np.testing.assert_allclose(again[path], value, rtol=1e-5, atol=1e-6 * size, err_msg=path)


WAYS = [(1, False), (2, False), (3, True), (None, True)]


@pytest.mark.parametrize(("every", "scores"), WAYS)
def test_a_decoder_only_model_with_dropout_everywhere(every: int | None, scores: bool) -> None:
    config = mf.GPTConfig(11, dims=8, num_heads=2, num_layers=3, max_positions=6, dropout=0.2, attention_dropout=0.3)
    model, ids = mf.GPT(config), mx.array(np.random.default_rng(0).integers(0, 11, (2, 5)).astype(np.int32))
    _same(model, lambda: mx.mean(mx.square(model(ids))), [model.stack], every, scores)


@pytest.mark.parametrize(("every", "scores"), WAYS[1:3])
def test_the_memory_of_cross_attention_gets_its_gradient(every: int, scores: bool) -> None:
    config = mf.TransformerConfig(9, dims=8, num_heads=2, num_encoder_layers=2, num_decoder_layers=3, ffn_dims=16)
    model = mf.Transformer(config)
    source, target = (mx.array(np.random.default_rng(n).integers(3, 9, (2, 4)).astype(np.int32)) for n in (0, 1))
    stacks = [part for part in model.modules() if isinstance(part, (mf.Encoder, mf.Decoder))]
    assert len(stacks) == 2
    _same(model, lambda: mx.mean(mx.square(model(source, target))), stacks, every, scores)


def test_a_bias_of_the_scores_gets_its_gradient() -> None:
    """T5's relative bias is one parameter for all layers; it reaches each segment as an argument."""
    stack, x = mf.Encoder(2, 8, 2, 16), mx.array(np.random.default_rng(0).standard_normal((1, 4, 8)).astype(np.float32))
    stack.relative = mf.T5RelativeBias(2, num_buckets=4, max_distance=8)
    loss = lambda: mx.sum(mx.square(stack(x, bias=stack.relative(4, 4))))  # noqa: E731
    _same(stack, loss, [stack], 1, True)
    assert np.abs(_gradients(stack, loss)["relative.embedding.weight"]).max() > 0


def test_a_module_that_is_also_called_outside_keeps_its_parameters() -> None:
    layer, x = nn.Linear(3, 3), mx.ones((1, 2, 3))

    def loss(run: Any) -> Any:
        return lambda: mx.sum(mx.square(run(layer(run(x)))))

    plain, again = _gradients(layer, loss(layer)), _gradients(layer, loss(recomputed(layer, [layer])))
    np.testing.assert_allclose(again["weight"], plain["weight"], rtol=1e-5)


def test_what_is_not_given_gets_no_gradient() -> None:
    layer, x = nn.Linear(3, 3), mx.ones((1, 2, 3))
    assert np.abs(_gradients(layer, lambda: mx.sum(recomputed(layer)(x)))["weight"]).max() == 0


def test_memory_falls_to_the_inputs_of_the_segments() -> None:
    """Eight layers hold many times their inputs; the weights, which stay, are few here."""
    x = mx.array(np.random.default_rng(0).standard_normal((1, 256, 16)).astype(np.float32))
    model = mf.CausalStack(8, 16, 2, 64)
    mx.eval(model.parameters(), x)
    step = nn.value_and_grad(model, lambda: mx.mean(mx.square(model(x))))
    plain = peak_bytes(step)
    model.recompute(1)
    assert peak_bytes(step) < 0.6 * plain


def test_traced_once() -> None:
    stack, x = mf.CausalStack(2, 8, 2, 16), mx.ones((1, 3, 8))
    stack.recompute(1, scores=True)
    with mf.trace() as steps:
        nn.value_and_grad(stack, lambda: mx.sum(stack(x)))()
    assert len([step for step in steps if step.path.endswith(".scores")]) == 2


def test_cached_tokens_are_kept_once() -> None:
    stack, x = mf.CausalStack(2, 8, 2, 16), mx.ones((1, 3, 8))
    stack.recompute(1)
    cache = stack.make_cache()
    nn.value_and_grad(stack, lambda: mx.sum(stack(x, cache=cache)))()
    assert len(cache) == 3


def test_random_numbers_go_on_after_they_were_drawn_again() -> None:
    mx.random.seed(1)
    state, first, second = random_state(), *(to_numpy(mx.random.uniform(shape=(4,))) for _ in range(2))
    mx.random.seed(1)
    assert (to_numpy(mx.random.uniform(shape=(4,))) == first).all()
    with drawing_from(state):
        assert (to_numpy(mx.random.uniform(shape=(4,))) == first).all()
    assert (to_numpy(mx.random.uniform(shape=(4,))) == second).all()


def test_a_number_of_layers_below_one_is_refused() -> None:
    with pytest.raises(mf.ArgumentError, match="every"):
        mf.CausalStack(2, 8, 2, 16).recompute(0)
