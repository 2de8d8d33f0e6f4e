"""Every name of nn beside MLX: layers with the same weights, activations, losses, initializers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from tests.mlxformer.backend.numpy.comparing import (
    MLX_SIDE,
    OUR_SIDE,
    Cases,
    assert_same,
    core,
    mlx,
    mlx_nn,
    nn,
    values,
)
from tests.mlxformer.backend.numpy.inputs import SHAPES, array, integers, normal

cases = Cases("nn")
MX = {id(nn): core, id(mlx_nn): mlx}


def mx_of(namespace: Any) -> Any:
    """The core that belongs to an nn."""
    return MX[id(namespace._namespace)]


ACTIVATIONS = ["elu", "gelu", "gelu_approx", "gelu_fast_approx", "leaky_relu", "log_softmax", "relu", "sigmoid", "silu"]
ACTIVATIONS += ["softmax", "softplus", "tanh"]


def _activation(name: str, shape: tuple[int, ...], kind: str = "float32") -> Callable[[Any], Any]:
    return lambda nn: getattr(nn, name)(array(mx_of(nn), normal(*shape, scale=3), kind))


for name in ACTIVATIONS:
    shapes = [shape for shape in SHAPES if len(shape) > 0 and 0 not in shape] if "softmax" in name else SHAPES
    for shape in shapes:
        cases.add(name, _activation(name, shape), tolerance=4e-6)
    cases.add(name, _activation(name, (3, 5), "float16"), tolerance=6e-3)
cases.add(
    "softplus", lambda nn: mx_of(nn).grad(lambda x: nn.softplus(x).sum())(mx_of(nn).array([-100.0, -1.0, 0.0, 100.0]))
)
cases.add("leaky_relu", lambda nn: nn.leaky_relu(array(mx_of(nn), normal(7)), 0.2))
cases.add("elu", lambda nn: nn.elu(array(mx_of(nn), normal(7)), 0.7), tolerance=4e-6)
cases.add("softmax", lambda nn: nn.softmax(array(mx_of(nn), normal(3, 5)), 0))
cases.add("glu", lambda nn: [nn.glu(array(mx_of(nn), normal(4, 6)), axis) for axis in (0, -1)], tolerance=4e-6)
for name in ("ReLU", "SiLU", "Tanh", "Sigmoid", "GELU"):
    cases.add(name, lambda nn, name=name: getattr(nn, name)()(array(mx_of(nn), normal(3, 5))), tolerance=4e-6)
for approx in ("none", "precise", "tanh", "fast"):
    cases.add("GELU", lambda nn, a=approx: nn.GELU(approx=a)(array(mx_of(nn), normal(99, scale=3))), tolerance=4e-6)


def _with(layer: Any, nn: Any, **weights: np.ndarray) -> Any:
    layer.update({name: mx_of(nn).array(value) for name, value in weights.items()})
    return layer


W, B = normal(4, 6, seed=1), normal(4, seed=2)
cases.add(
    "Linear",
    lambda nn: [
        _with(nn.Linear(6, 4), nn, weight=W, bias=B)(array(mx_of(nn), normal(*s, 6))) for s in ((), (3,), (2, 3))
    ],
    lambda nn: _with(nn.Linear(6, 4, bias=False), nn, weight=W)(array(mx_of(nn), normal(0, 6))),
    tolerance=1e-5,
)
cases.add("Identity", lambda nn: nn.Identity(3, kind="any")(mx_of(nn).array([1.0])))
cases.add("Sequential", lambda nn: nn.Sequential(nn.ReLU(), lambda x: x * 2)(array(mx_of(nn), normal(5))))
cases.add(
    "Embedding",
    lambda nn: _with(nn.Embedding(4, 6), nn, weight=W)(mx_of(nn).array([[0, 3], [3, 1]])),
    lambda nn: _with(nn.Embedding(4, 6), nn, weight=W)(mx_of(nn).array(2)),
    lambda nn: _with(nn.Embedding(4, 6), nn, weight=W).as_linear(array(mx_of(nn), normal(3, 6))),
    tolerance=1e-5,
)
G, H = normal(6, seed=3), normal(6, seed=4)
cases.add(
    "LayerNorm",
    lambda nn: _with(nn.LayerNorm(6, eps=1e-12), nn, weight=G, bias=H)(array(mx_of(nn), normal(2, 3, 6))),
    lambda nn: [
        nn.LayerNorm(6)(array(mx_of(nn), normal(2, 6))),
        nn.LayerNorm(6, affine=False)(array(mx_of(nn), normal(2, 6))),
    ],
    lambda nn: _with(nn.LayerNorm(6, bias=False), nn, weight=G)(array(mx_of(nn), normal(2, 6))),
    tolerance=5e-6,
)
cases.add("RMSNorm", lambda nn: _with(nn.RMSNorm(6), nn, weight=G)(array(mx_of(nn), normal(2, 3, 6))), tolerance=5e-6)


def _batch_norm(nn: Any, **options: Any) -> Any:
    """Two training batches, then an evaluation; the running averages too."""
    layer = nn.BatchNorm(6, **options)
    mx = mx_of(nn)
    seen = [layer(array(mx, normal(4, 3, 6, seed=seed))) for seed in range(2)]
    layer.eval()
    return [
        *seen,
        layer(array(mx, normal(2, 6, seed=5))),
        *(layer.get(name) for name in ("running_mean", "running_var")),
    ]


cases.add(
    "BatchNorm", lambda nn: _batch_norm(nn), lambda nn: _batch_norm(nn, momentum=0.3, affine=False), tolerance=1e-5
)
cases.add("BatchNorm", lambda nn: _batch_norm(nn, track_running_stats=False)[:3], tolerance=1e-5)


def _dropout(nn: Any) -> Any:
    layer, x = nn.Dropout(0.25), array(mx_of(nn), normal(3, 5))
    layer.eval()
    return [layer(x), nn.Dropout(0.0)(x)]


cases.add("Dropout", _dropout)
cases.add("Module", lambda nn: nn.Module().parameters())

LOGITS, IDS = normal(2, 3, 5, scale=2), integers(0, 5, 2, 3)
SOFT = np.abs(normal(2, 3, 5, seed=1))


def _cross_entropy(nn: Any, targets: np.ndarray, **options: Any) -> Any:
    mx = mx_of(nn)
    given = {name: mx.array(x) if isinstance(x, np.ndarray) else x for name, x in options.items()}
    return nn.losses.cross_entropy(mx.array(LOGITS), mx.array(targets), **given)


for options in (
    {},
    {"reduction": "mean"},
    {"reduction": "sum"},
    {"label_smoothing": 0.1},
    {"weights": np.abs(normal(2, 3))},
    {"weights": np.abs(normal(2, 3)), "reduction": "mean", "label_smoothing": 0.2},
):
    cases.add("losses.cross_entropy", lambda nn, o=options: _cross_entropy(nn, IDS, **o), tolerance=4e-6)
    cases.add("losses.cross_entropy", lambda nn, o=options: _cross_entropy(nn, SOFT, **o), tolerance=1e-5)
cases.add("losses.cross_entropy", lambda nn: _cross_entropy(nn, integers(0, 3, 2, 5), axis=1), tolerance=4e-6)
for reduction in ("none", "mean", "sum"):
    cases.add(
        "losses.binary_cross_entropy",
        lambda nn, r=reduction: nn.losses.binary_cross_entropy(
            mx_of(nn).array(LOGITS), mx_of(nn).array((LOGITS > 0.3).astype(np.float32)), reduction=r
        ),
        lambda nn, r=reduction: nn.losses.binary_cross_entropy(
            mx_of(nn).array([0.0, 0.2, 1.0, 0.9]), mx_of(nn).array([1.0, 0.0, 1.0, 0.3]), with_logits=False, reduction=r
        ),
        tolerance=1e-5,
    )
    cases.add(
        "losses.mse_loss",
        lambda nn, r=reduction: nn.losses.mse_loss(mx_of(nn).array(LOGITS), mx_of(nn).array(SOFT), reduction=r),
        tolerance=1e-5,
    )


def _form(x: Any) -> Any:
    return x * 0


cases.add("init.constant", lambda nn: nn.init.constant(0.3)(mx_of(nn).zeros((2, 3))))
cases.add("init.identity", lambda nn: nn.init.identity()(mx_of(nn).zeros((3, 3))))
for name in ("normal", "uniform", "glorot_normal", "glorot_uniform", "he_normal", "he_uniform"):
    cases.add(f"init.{name}", lambda nn, name=name: _form(getattr(nn.init, name)()(mx_of(nn).zeros((2, 3)))))


def _value_and_grad(nn: Any) -> Any:
    model = _with(nn.Linear(6, 4), nn, weight=W, bias=B)
    mx = mx_of(nn)
    return nn.value_and_grad(model, lambda x: nn.losses.mse_loss(model(x), mx.zeros((3, 4))))(array(mx, normal(3, 6)))


cases.add("value_and_grad", _value_and_grad, tolerance=1e-5)


@pytest.mark.parametrize(("name", "function", "tolerance"), cases.parameters())
def test_is_mlx(name: str, function: Callable[..., Any], tolerance: float | None) -> None:
    cases.check(name, function, tolerance)


def _with_weights(mx: Any, nn: Any, **weights: Any) -> Any:
    return nn.Linear(6, 4).update({"weight": mx.array(W), "bias": mx.array(B), **weights})


DIFFERENTIABLE: list[tuple[str, Callable[..., Any]]] = [
    *((name, lambda mx, nn, x, name=name: getattr(nn, name)(x)) for name in (*ACTIVATIONS, "glu")),
    ("cross_entropy", lambda mx, nn, x: nn.losses.cross_entropy(x, mx.array([1, 0, 3]))),
    ("smoothed", lambda mx, nn, x: nn.losses.cross_entropy(x, mx.array([1, 0, 3]), label_smoothing=0.1)),
    ("soft", lambda mx, nn, x: nn.losses.cross_entropy(x, mx.softmax(mx.array(normal(3, 6)), axis=-1))),
    ("axis", lambda mx, nn, x: nn.losses.cross_entropy(x, mx.array([1, 0, 2, 2, 1, 0]), axis=0)),
    ("binary", lambda mx, nn, x: nn.losses.binary_cross_entropy(x, mx.ones((3, 6)))),
    ("mse", lambda mx, nn, x: nn.losses.mse_loss(x, mx.ones((3, 6)), "none")),
    ("Linear", lambda mx, nn, x: _with_weights(mx, nn)(x.reshape(3, 1, 6))),
    ("Linear of a row", lambda mx, nn, x: _with_weights(mx, nn)(x[0])),
    ("Linear's bias", lambda mx, nn, x: _with_weights(mx, nn, bias=x[0, :4])(mx.ones((2, 6)))),
    ("Linear's weight", lambda mx, nn, x: _with_weights(mx, nn, weight=mx.tile(x, (2, 1))[:4])(mx.ones((2, 6)))),
    ("batch", lambda mx, nn, x: nn.BatchNorm(6)(x)),
]


@pytest.mark.parametrize(("name", "function"), DIFFERENTIABLE, ids=[name for name, _ in DIFFERENTIABLE])
def test_gradients_are_mlx(name: str, function: Callable[..., Any]) -> None:
    def run(mx: Any, nn: Any) -> Any:
        weights = normal(3, 6, seed=8)

        def loss(x: Any) -> Any:
            y = function(mx, nn, x)
            return mx.sum(y * mx.array(weights.reshape(-1)[: y.size].reshape(y.shape)))

        return mx.value_and_grad(loss)(mx.array(normal(3, 6, scale=2)))

    assert_same(run(OUR_SIDE["mx"], nn), run(MLX_SIDE["mx"], mlx_nn), tolerance=2e-5)


def test_dropout_keeps_the_mean_and_scales_what_it_keeps() -> None:
    core.random.seed(0)
    x = core.ones((200, 100))
    y = values(nn.Dropout(0.3)(x))
    assert sorted(set(y.reshape(-1).tolist())) == [0.0, float(np.float32(1 / 0.7))]
    assert abs((y == 0).mean() - 0.3) < 5 * (0.21 / y.size) ** 0.5
    gradient = values(core.grad(lambda x: core.sum(nn.Dropout(0.3)(x)))(x))
    assert sorted(set(gradient.reshape(-1).tolist())) == [0.0, float(np.float32(1 / 0.7))]
    with pytest.raises(ValueError, match="not in"):
        nn.Dropout(1.0)


def test_initializers_have_the_spread_that_their_papers_give() -> None:
    """Weight [300, 200]: fan_in 200, fan_out 300."""
    core.random.seed(1)
    weight = core.zeros((300, 200))
    spreads = {
        "normal": (nn.init.normal(std=0.02)(weight), 0.02),
        "uniform": (nn.init.uniform(-1, 1)(weight), 3**-0.5),
        "glorot_normal": (nn.init.glorot_normal()(weight), (2 / 500) ** 0.5),
        "glorot_uniform": (nn.init.glorot_uniform()(weight, 2.0), 2 * (2 / 500) ** 0.5),
        "he_normal": (nn.init.he_normal()(weight), 200**-0.5),
        "he_uniform": (nn.init.he_uniform()(weight, "fan_out"), 300**-0.5),
    }
    for name, (made, expected) in spreads.items():
        assert abs(values(made).std() / expected - 1) < 0.02, name
        assert abs(values(made).mean()) < 0.05 * expected + 0.01 * (name == "uniform"), name
    linear, embedding = nn.Linear(200, 300), nn.Embedding(300, 200)
    assert (
        abs(values(linear.weight)).max() <= 200**-0.5
        and abs(values(linear.weight).std() * 200**0.5 * 3**0.5 - 1) < 0.02
    )
    assert abs(values(embedding.weight).std() * 200**0.5 - 1) < 0.02
    with pytest.raises(ValueError, match="rank 1"):
        nn.init.he_normal()(core.zeros((3,)))


def test_the_running_averages_of_a_batch_norm_are_never_trained() -> None:
    model = nn.Sequential(nn.Linear(3, 3), nn.BatchNorm(3))
    x = core.array(normal(8, 3))
    _, gradients = nn.value_and_grad(model, lambda: core.sum(model(x) ** 2))()
    assert set(gradients["layers"][1]) == {"weight", "bias"}
    assert type(model.layers[1].running_mean) is core.array, "a box would keep the tape alive"
    model.layers[1].unfreeze()
    assert "running_mean" not in model.trainable_parameters()["layers"][1]


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: nn.LayerNorm(4, eps=0.0), "eps"),
        (lambda: nn.GELU("wrong"), "approximation"),
        (lambda: nn.losses.cross_entropy(core.zeros((2, 3)), core.array([1])), "does not match"),
        (lambda: nn.losses.cross_entropy(core.zeros((2, 3)), core.array([1, 0]), label_smoothing=1.0), "smoothing"),
        (lambda: nn.losses.mse_loss(core.zeros((2,)), core.zeros((3,))), "does not match"),
        (lambda: nn.losses.mse_loss(core.zeros((2,)), core.zeros((2,)), "most"), "reduction"),
        (lambda: nn.losses.cross_entropy(core.zeros((2, 3)), core.array([1, 0]), core.zeros((3,))), "Weights"),
        (lambda: nn.BatchNorm(3)(core.zeros((1, 3))), "more than one"),
    ],
)
def test_refusals(call: Callable[[], Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        call()


def test_an_id_out_of_range_is_an_error() -> None:
    with pytest.raises(IndexError):
        nn.Embedding(4, 2)(core.array([4]))
