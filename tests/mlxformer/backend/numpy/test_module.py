"""The contract of nn.Module: one file of rules, run on MLX's own Module and on ours."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mlxformer.backend.numpy import trees
from tests.mlxformer.backend.numpy.comparing import core, mlx, mlx_nn, nn, values

mlx_trees = pytest.importorskip("mlx.utils", reason="the contract is MLX's")


class Side:
    def __init__(self, mx: Any, nn: Any, trees: Any) -> None:
        self.mx, self.nn, self.trees = mx, nn, trees

    def paths(self, tree: Any) -> list[str]:
        return [path for path, _ in self.trees.tree_flatten(tree)]


@pytest.fixture(params=["mlx", "numpy"])
def side(request: pytest.FixtureRequest) -> Side:
    return Side(mlx, mlx_nn, mlx_trees) if request.param == "mlx" else Side(core, nn, trees)


def _model(side: Side) -> Any:
    class Block(side.nn.Module):  # type: ignore[name-defined]
        def __init__(self) -> None:
            super().__init__()
            self.norm = side.nn.LayerNorm(4)
            self.dropout = side.nn.Dropout(0.5)

        def __call__(self, x: Any) -> Any:
            return self.dropout(self.norm(x))

    class Model(side.nn.Module):  # type: ignore[name-defined]
        def __init__(self) -> None:
            super().__init__()
            self.scale = side.mx.ones((4,))
            self.layers = [Block(), Block()]
            self.heads = {"a": side.nn.Linear(4, 2), "b": {"deep": side.nn.Linear(4, 3, bias=False)}}
            self._hidden = side.mx.zeros((2,))
            self.pair = (side.mx.zeros((1,)), side.nn.Linear(1, 1))
            self.width = 4
            self.table = np.ones(3)

        def __call__(self, x: Any) -> Any:
            for layer in self.layers:
                x = layer(x)
            return self.heads["a"](x * self.scale)

    return Model()


EXPECTED = ["scale"]
EXPECTED += [f"layers.{layer}.norm.{name}" for layer in (0, 1) for name in ("weight", "bias")]
EXPECTED += ["heads.a.weight", "heads.a.bias", "heads.b.deep.weight"]


def test_parameters_are_the_items_without_an_underscore(side: Side) -> None:
    model = _model(side)
    assert side.paths(model.parameters()) == EXPECTED
    assert side.paths(model.trainable_parameters()) == EXPECTED
    assert "_hidden" in model and "table" not in model and "width" not in model and "pair" in model


def test_an_attribute_moves_between_item_and_plain(side: Side) -> None:
    model = side.nn.Module()
    model.x = 3
    assert "x" not in model and model.x == 3
    model.x = side.mx.array([1.0])
    assert "x" in model and model.x is model["x"]
    model.x = "text"
    assert "x" not in model and model.x == "text"
    model.x = side.mx.array([2.0])
    del model.x
    assert "x" not in model and not hasattr(model, "x")
    with pytest.raises(AttributeError):
        model.x  # noqa: B018


def test_modules_by_path(side: Side) -> None:
    model = _model(side)
    named = dict(model.named_modules())
    expected = {"", "layers.0", "layers.1", "heads.a", "heads.b.deep"}
    expected |= {f"layers.{layer}.{name}" for layer in (0, 1) for name in ("norm", "dropout")}
    assert set(named) == expected and len(model.named_modules()) == len(expected) == len(model.modules())
    assert named["layers.1"] is model.layers[1]
    assert named[""] is model
    leaves = side.trees.tree_flatten(model.leaf_modules(), is_leaf=side.nn.Module.is_module)
    assert {path for path, _ in leaves} == expected - {"", "layers.0", "layers.1"}
    assert set(model.children()) == {"layers", "heads"}


def test_mode_reaches_every_module_and_starts_as_training(side: Side) -> None:
    model = _model(side)
    assert model.training and model.layers[0].dropout.training
    assert model.eval() is model
    assert not any(module.training for module in model.modules())
    model.train()
    assert all(module.training for module in model.modules())


def test_freezing(side: Side) -> None:
    model = _model(side)
    assert model.freeze() is model
    assert side.paths(model.trainable_parameters()) == []
    assert side.paths(model.parameters()) == EXPECTED
    model.unfreeze(keys="bias")
    assert side.paths(model.trainable_parameters()) == [path for path in EXPECTED if path.endswith("bias")]
    model.unfreeze()
    model.layers[0].freeze()
    assert side.paths(model.trainable_parameters()) == [path for path in EXPECTED if not path.startswith("layers.0")]
    model.unfreeze()
    model.freeze(recurse=False)
    assert side.paths(model.trainable_parameters()) == EXPECTED[1:]
    model.unfreeze()
    model.freeze(keys=["weight", "scale"])
    assert side.paths(model.trainable_parameters()) == [path for path in EXPECTED if path.endswith("bias")]
    with pytest.raises(KeyError, match="nowhere"):
        model.freeze(keys="nowhere", strict=True)
    model.freeze(keys="bias", strict=True)
    with pytest.raises(KeyError, match="weight"):
        model.unfreeze(keys="weight", recurse=False, strict=True)


def test_update_takes_part_of_the_tree_and_refuses_what_is_not_there(side: Side) -> None:
    model = _model(side)
    new = side.mx.full((4,), 7.0)
    assert model.update({"scale": new, "layers": [{}, {"norm": {"bias": new}}]}) is model
    assert values(model.scale).tolist() == [7] * 4 == values(model.layers[1].norm.bias).tolist()
    assert values(model.layers[0].norm.bias).tolist() == [0] * 4
    with pytest.raises(ValueError, match="wrong"):
        model.update({"wrong": new})
    with pytest.raises(ValueError, match="out of bounds"):
        model.update({"layers": [{}, {}, {"norm": {"bias": new}}]})
    with pytest.raises(ValueError, match="invalid type"):
        model.update({"scale": 3})
    model.update({"wrong": new}, strict=False)
    assert "wrong" not in model


def test_apply_and_set_dtype(side: Side) -> None:
    model = _model(side)
    model.apply(lambda x: x * 0 + 2)
    assert all(values(x).min() == 2 == values(x).max() for _, x in side.trees.tree_flatten(model.parameters()))
    model.count = side.mx.array([1, 2])
    model.set_dtype(side.mx.float16)
    assert model.scale.dtype == side.mx.float16 and model.count.dtype == side.mx.int32


def test_update_modules(side: Side) -> None:
    model = _model(side)
    linear = side.nn.Linear(4, 9)
    model.update_modules({"heads": {"a": linear}, "layers": [{}, {"norm": side.nn.Identity()}]})
    assert model.heads["a"] is linear and isinstance(model.layers[1].norm, side.nn.Identity)
    with pytest.raises(ValueError, match="nothing"):
        model.update_modules({"nothing": linear})


@pytest.mark.parametrize("ending", ["npz", "safetensors"])
def test_weights_go_to_a_file_and_back(side: Side, ending: str, tmp_path: Path) -> None:
    path = str(tmp_path / f"weights.{ending}")
    first, second = _model(side), _model(side)
    first.save_weights(path)
    assert second.load_weights(path) is second
    for (name, x), (_, y) in zip(
        side.trees.tree_flatten(first.parameters()), side.trees.tree_flatten(second.parameters()), strict=True
    ):
        np.testing.assert_array_equal(values(x), values(y), err_msg=name)


def test_a_file_of_one_side_is_read_by_the_other(tmp_path: Path) -> None:
    for ending in ("npz", "safetensors"):
        path = str(tmp_path / f"weights.{ending}")
        ours, theirs = nn.Linear(3, 2), mlx_nn.Linear(3, 2)
        ours.save_weights(path)
        theirs.load_weights(path)
        np.testing.assert_array_equal(values(theirs.weight), values(ours.weight))
        theirs.weight = theirs.weight + 1
        theirs.save_weights(path)
        ours.load_weights(path)
        np.testing.assert_array_equal(values(theirs.weight), values(ours.weight))


def test_strict_loading_names_what_does_not_fit(side: Side) -> None:
    model = side.nn.Linear(3, 2)
    weight, bias = side.mx.zeros((2, 3)), side.mx.zeros((2,))
    with pytest.raises(ValueError, match="bias"):
        model.load_weights([("weight", weight)])
    with pytest.raises(ValueError, match="extra"):
        model.load_weights([("weight", weight), ("bias", bias), ("extra", bias)])
    with pytest.raises(ValueError, match="shape"):
        model.load_weights([("weight", weight.T), ("bias", bias)])
    model.load_weights([("weight", weight + 5)], strict=False)
    assert values(model.weight).min() == 5


def test_ours_lists_everything_that_does_not_fit_at_once() -> None:
    model = nn.Sequential(nn.Linear(3, 2), nn.Linear(2, 2))
    given = [("layers.0.weight", core.zeros((3, 2))), ("layers.1.bias", core.zeros((2,))), ("head", core.zeros((1,)))]
    with pytest.raises(ValueError) as caught:
        model.load_weights(given)
    message = str(caught.value)
    assert all(name in message for name in ("head", "layers.0.bias", "layers.1.weight", "(2, 3)", "(3, 2)"))
    with pytest.raises(ValueError, match="Unsupported file extension"):
        model.save_weights("weights.bin")


def test_value_and_grad_is_of_the_trainable_parameters(side: Side) -> None:
    model = side.nn.Sequential(side.nn.Linear(3, 4), side.nn.Linear(4, 2))
    model.layers[0].freeze()
    x = side.mx.ones((5, 3))
    before = model.layers[1].weight

    def loss(x: Any) -> Any:
        y = model(x)
        return side.mx.mean(y * y), y, "text"

    (value, y, text), gradients = side.nn.value_and_grad(model, loss)(x)
    assert value.shape == () and y.shape == (5, 2) and text == "text"
    assert sorted(side.paths(gradients)) == ["layers.1.bias", "layers.1.weight"]
    assert values(model.layers[1].weight).tolist() == values(before).tolist()
    # Aux values must be plain: they outlive the tape.
    assert type(y) is type(x)
    assert type(model.layers[1].weight) is type(x)


def test_a_module_that_is_used_twice_adds_up_its_gradients(side: Side) -> None:
    linear = side.nn.Linear(2, 2, bias=False)
    x = side.mx.array([[1.0, 2.0]])
    _, once = side.nn.value_and_grad(linear, lambda: side.mx.sum(linear(x)))()
    _, twice = side.nn.value_and_grad(linear, lambda: side.mx.sum(linear(x) + linear(x)))()
    np.testing.assert_allclose(values(twice["weight"]), 2 * values(once["weight"]))


def test_an_exception_leaves_the_model_with_its_own_arrays() -> None:
    model = nn.Linear(2, 2)
    weight = model.weight

    def fails() -> Any:
        model(core.ones((1, 2)))
        raise KeyError("stop")

    with pytest.raises(KeyError):
        nn.value_and_grad(model, fails)()
    assert model.weight is weight


def test_the_printed_form(side: Side) -> None:
    model = side.nn.Sequential(
        side.nn.Linear(3, 2), side.nn.LayerNorm(2), side.nn.Embedding(5, 2), side.nn.Dropout(0.5)
    )
    assert repr(model) == (
        "Sequential(\n  (layers.0): Linear(input_dims=3, output_dims=2, bias=True)\n"
        "  (layers.1): LayerNorm(2, eps=1e-05, affine=True)\n  (layers.2): Embedding(5, 2)\n"
        "  (layers.3): Dropout(p=0.5)\n)"
    )


TREES: list[Any] = [{"a": [1, {"b": 2}], "c": (3, [4])}, [[[0]]], {}, [], 5, {"a": {}, "b": [{}]}, {"x": None}]


@pytest.mark.parametrize("tree", TREES)
def test_trees_are_flattened_and_rebuilt_as_in_mlx(tree: Any) -> None:
    flat = trees.tree_flatten(tree)
    assert flat == mlx_trees.tree_flatten(tree)
    assert trees.tree_flatten(tree, destination={}) == mlx_trees.tree_flatten(tree, destination={})
    assert trees.tree_flatten(tree, prefix=".model") == mlx_trees.tree_flatten(tree, prefix=".model")
    assert trees.tree_unflatten(flat) == mlx_trees.tree_unflatten(flat)
    assert trees.tree_map(str, tree) == mlx_trees.tree_map(str, tree)
    assert trees.tree_map(str, tree, is_leaf=lambda x: isinstance(x, list)) == mlx_trees.tree_map(
        str, tree, is_leaf=lambda x: isinstance(x, list)
    )


def test_trees_of_several_and_reduction() -> None:
    first, second = {"a": [1, 2], "b": 3}, {"a": [10, 20], "b": 30, "c": 40}
    assert trees.tree_map(lambda x, y: x + y, first, second) == {"a": [11, 22], "b": 33}
    assert trees.tree_reduce(lambda total, x: total + x, first, 0) == 6
    for flat in ([("0.a", 1), ("2.b", 2)], {"a.01": 1, "a.1": 2}, [("b", 1), ("a", 2)]):
        assert trees.tree_unflatten(flat) == mlx_trees.tree_unflatten(flat)
