"""Optimizers and schedules: MLX's trajectory on a small model, and torch's AdamW."""

from __future__ import annotations

from collections.abc import Callable
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from mlxformer.backend.numpy import trees
from tests.mlxformer.backend.numpy.comparing import (
    assert_same,
    core,
    mlx,
    mlx_nn,
    mlx_optimizers,
    nn,
    optimizers,
    values,
)
from tests.mlxformer.backend.numpy.inputs import integers, normal

STEPS = 25
X, LABELS = normal(16, 5), integers(0, 3, 16)

MAKERS: dict[str, Callable[[Any], Any]] = {
    "SGD": lambda o: o.SGD(0.1),
    "SGD, momentum": lambda o: o.SGD(0.1, momentum=0.9),
    "SGD, damped": lambda o: o.SGD(0.1, momentum=0.9, dampening=0.5),
    "SGD, Nesterov": lambda o: o.SGD(0.05, momentum=0.9, weight_decay=0.01, nesterov=True),
    "Adam": lambda o: o.Adam(0.01),
    "Adam, corrected": lambda o: o.Adam(0.01, betas=[0.8, 0.98], eps=1e-6, bias_correction=True),
    "AdamW": lambda o: o.AdamW(0.01, weight_decay=0.1),
    "AdamW, corrected": lambda o: o.AdamW(0.01, weight_decay=0.1, bias_correction=True),
    "AdamW, linear": lambda o: o.AdamW(o.linear_schedule(0.0, 0.02, 10), weight_decay=0.1),
    "Adam, cosine": lambda o: o.Adam(o.cosine_decay(0.02, 20, 0.001)),
    "SGD, exponential": lambda o: o.SGD(o.exponential_decay(0.2, 0.9)),
    "SGD, steps": lambda o: o.SGD(o.step_decay(0.2, 0.5, 7)),
    "Adam, joined": lambda o: o.Adam(o.join_schedules([o.linear_schedule(0.0, 0.1, 5), o.cosine_decay(0.1, 9)], [5])),
}


def _model(mx: Any, nn: ModuleType) -> Any:
    model = nn.Sequential(nn.Linear(5, 8), nn.LayerNorm(8), nn.GELU(), nn.Linear(8, 3))
    shapes = [(path, tuple(x.shape)) for path, x in trees.tree_flatten(model.parameters())]
    drawn = [(path, mx.array(normal(*shape, seed=at, scale=0.5))) for at, (path, shape) in enumerate(shapes)]
    model.load_weights(drawn)
    return model


def _train(mx: Any, nn: ModuleType, optimizer: Any, steps: int = STEPS) -> tuple[list[float], Any]:
    model = _model(mx, nn)
    x, labels = mx.array(X), mx.array(LABELS)
    step = nn.value_and_grad(model, lambda: mx.mean(nn.losses.cross_entropy(model(x), labels)))
    losses = []
    for _ in range(steps):
        loss, gradients = step()
        optimizer.update(model, gradients)
        mx.eval(model.parameters(), optimizer.state)
        losses.append(float(loss))
    return losses, model.parameters()


@pytest.mark.parametrize("name", MAKERS)
def test_the_trajectory_is_mlx(name: str) -> None:
    ours, theirs = MAKERS[name](optimizers), MAKERS[name](mlx_optimizers)
    losses, parameters = _train(core, nn, ours)
    their_losses, their_parameters = _train(mlx, mlx_nn, theirs)
    np.testing.assert_allclose(losses, their_losses, rtol=2e-4, atol=2e-5)
    assert_same(parameters, their_parameters, tolerance=2e-4)
    assert losses[-1] < losses[0]
    assert int(ours.step) == int(theirs.step) == STEPS
    np.testing.assert_allclose(float(ours.learning_rate), float(theirs.learning_rate), rtol=1e-5)
    assert [path for path, _ in trees.tree_flatten(ours.state)] == [
        path for path, _ in trees.tree_flatten(theirs.state)
    ]


def test_adamw_is_torchs() -> None:
    torch = pytest.importorskip("torch", reason="AdamW is compared with torch's: pip install torch==2.13.0")
    weight = normal(4, 3)
    gradients = [normal(4, 3, seed=10 + at) for at in range(30)]
    parameter = torch.nn.Parameter(torch.tensor(weight))
    reference = torch.optim.AdamW([parameter], lr=0.01, betas=(0.9, 0.98), eps=1e-9, weight_decay=0.1)
    mine = optimizers.AdamW(0.01, betas=(0.9, 0.98), eps=1e-9, weight_decay=0.1, bias_correction=True)
    tree = {"w": core.array(weight)}
    for gradient in gradients:
        parameter.grad = torch.tensor(gradient)
        reference.step()
        tree = mine.apply_gradients({"w": core.array(gradient)}, tree)
    np.testing.assert_allclose(values(tree["w"]), parameter.detach().numpy(), rtol=1e-5, atol=1e-6)


def test_the_state_can_be_carried_on() -> None:
    """25 steps, and 10 + 15 with the state handed to a new optimizer, are the same."""

    def after(split: bool) -> Any:
        model, optimizer = _model(core, nn), optimizers.AdamW(optimizers.linear_schedule(0.0, 0.02, 10))
        x, labels = core.array(X), core.array(LABELS)
        step = nn.value_and_grad(model, lambda: core.mean(nn.losses.cross_entropy(model(x), labels)))
        for number in range(STEPS):
            if split and number == 10:
                state = trees.tree_unflatten(trees.tree_flatten(optimizer.state))
                optimizer = optimizers.AdamW(optimizers.linear_schedule(0.0, 0.02, 10))
                optimizer.state = state
            optimizer.update(model, step()[1])
        return model.parameters()

    for (path, one), (_, two) in zip(trees.tree_flatten(after(True)), trees.tree_flatten(after(False)), strict=True):
        np.testing.assert_array_equal(values(one), values(two), err_msg=path)


def test_only_what_has_a_gradient_moves_and_float16_stays_so() -> None:
    model = nn.Sequential(nn.Linear(2, 2), nn.Linear(2, 2))
    model.layers[0].freeze()
    model.set_dtype(core.float16)
    before = values(model.layers[0].weight)
    _, gradients = nn.value_and_grad(model, lambda: core.sum(model(core.ones((1, 2), core.float16)) ** 2))()
    optimizers.AdamW(0.1).update(model, gradients)
    np.testing.assert_array_equal(values(model.layers[0].weight), before)
    assert model.layers[1].weight.dtype == core.float16


@pytest.mark.parametrize("limit", [0.5, 2.0, 1e6])
def test_clipping_is_mlx(limit: float) -> None:
    def run(mx: Any, optimizers: Any) -> Any:
        tree = {
            "a": mx.array(normal(3, 4)),
            "b": [mx.array(normal(5, seed=1)), {"c": mx.array(300.0).astype(mx.float16)}],
        }
        return optimizers.clip_grad_norm(tree, limit)

    assert_same(run(core, optimizers), run(mlx, mlx_optimizers), tolerance=2e-4)


SCHEDULES: dict[str, Callable[[Any], Any]] = {
    "exponential_decay": lambda o: o.exponential_decay(0.1, 0.9),
    "step_decay": lambda o: o.step_decay(0.1, 0.9, 3),
    "cosine_decay": lambda o: o.cosine_decay(0.1, 12, 0.01),
    "linear_schedule": lambda o: o.linear_schedule(0.0, 0.1, 7),
    "join_schedules": lambda o: o.join_schedules([o.linear_schedule(0.0, 0.1, 4), o.cosine_decay(0.1, 9)], [4]),
}


@pytest.mark.parametrize("name", SCHEDULES)
def test_schedules_are_mlx(name: str) -> None:
    ours, theirs = SCHEDULES[name](optimizers), SCHEDULES[name](mlx_optimizers)
    for step in range(20):
        mine, other = float(ours(core.array(step))), float(theirs(mlx.array(step)))
        assert abs(mine - other) < 1e-7, (step, mine, other)


def test_every_name_was_compared() -> None:
    compared = {"SGD", "Adam", "AdamW", "clip_grad_norm", *SCHEDULES, "Optimizer"}
    assert set(optimizers.__all__) == compared and issubclass(optimizers.AdamW, optimizers.Optimizer)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: optimizers.SGD(0.1, nesterov=True), "Nesterov"),
        (lambda: optimizers.Adam(0.1, betas=(1.0, 0.9)), "beta1"),
        (lambda: optimizers.Adam(0.1, eps=-1.0), "epsilon"),
        (lambda: optimizers.clip_grad_norm({}, -1.0), "max_norm"),
        (lambda: optimizers.linear_schedule(0.0, 1.0, 0), "steps"),
        (lambda: optimizers.join_schedules([], []), "at least 1"),
        (lambda: optimizers.join_schedules([lambda step: step], [3]), "boundaries"),
    ],
)
def test_refusals(make: Callable[[], Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        make()
