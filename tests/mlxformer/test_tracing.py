"""Traces: the recorded tensors are the ones that made the output, under the parameters' names."""

from __future__ import annotations

import numpy as np
import pytest

from mlxformer import backend
from mlxformer.attention.functional import scaled_dot_product_attention
from mlxformer.attention.multi_head import MultiHeadAttention
from mlxformer.backend import mx, nn, to_numpy
from mlxformer.errors import TraceError
from mlxformer.tracing import Module, is_tracing, tap, trace
from tests.mlxformer.comparing import assert_bit_equal, assert_close, numbers
from tests.mlxformer.traced_models import Doubling, encoder, sequence

# What is recorded, and under which name


def test_a_tap_without_a_trace_is_its_argument():
    x = mx.array([1.0])
    assert tap("anything", x, axes=("wrong", "axes")) is x
    assert not is_tracing()


def test_every_path_stands_beside_the_parameters_of_its_module():
    model = encoder()
    modules = {name for name, _ in model.named_modules()}
    parameters = [path for path, _ in backend.tree_flatten(model.parameters())]
    with trace() as steps:
        model(sequence())
    assert len(steps) == len(steps.paths) > 20
    for path in steps.paths:
        module = path.rpartition(".")[0]
        assert module in modules
        assert any(name.startswith(module + ".") for name in parameters)
    attention = "layers.1.self_attention"
    assert f"{attention}.scores" in steps and f"{attention}.query_proj.weight" in parameters


def test_a_pure_function_gives_bare_names_in_the_order_of_computation():
    q = mx.array(numbers(1, 2, 3, 4))
    with trace() as steps:
        assert is_tracing()
        scaled_dot_product_attention(q, q, q, mask="causal")
    assert steps.paths == ["scores", "scaled", "masked", "weights", "heads"]
    assert [step.path for step in steps] == steps.paths and steps[-1].path == "heads" and len(steps[:2]) == 2
    step = steps["weights"]
    assert step.axes == ("batch", "head", "query", "key") and step.call == 0 and "softmax" in step.formula
    assert isinstance(step.value, np.ndarray) and step.value.dtype == np.float32
    assert not is_tracing()


def test_the_recorded_tensors_made_the_output():
    model, x = encoder(1), sequence()
    with trace() as steps:
        y = model(x)
    name = "layers.0.self_attention"
    weights, values, heads = (steps[f"{name}.{tapped}"].value for tapped in ("weights", "values", "heads"))
    assert_close(weights @ values, heads)
    joined = steps[f"{name}.concatenated"].value
    assert_bit_equal(heads.swapaxes(1, 2).reshape(joined.shape), joined)
    projection = model.layers[0].self_attention.out_proj
    assert_bit_equal(projection(mx.array(joined)), steps[f"{name}.output"].value)
    assert_bit_equal(steps["layers.0.output"].value, y)
    assert_close(y, model(x))  # untraced runs the fused attention
    assert steps["layers.0.input"].value is not x


def test_traced_and_untraced_are_bit_equal_where_both_are_explicit():
    mx.random.seed(0)
    layer, x, bias = MultiHeadAttention(8, 2), sequence(), mx.array(numbers(5, 5))
    untraced = to_numpy(layer(x, x, x, "causal", bias=bias))  # a bias always takes the explicit attention
    with trace():
        assert_bit_equal(layer(x, x, x, "causal", bias=bias), untraced)


def test_recorded_values_are_copies():
    with trace() as steps:
        y = Doubling()(mx.array([1.0, 2.0]))
    steps["output"].value[:] = 0
    assert_bit_equal(y, np.array([2.0, 4.0], np.float32))


def test_modules_in_nested_lists_and_dicts():
    class Tree(Module):
        def __init__(self) -> None:
            super().__init__()
            self.blocks = [[Doubling(), Doubling()], [Doubling()]]
            self.named = {"left": Doubling()}

        def __call__(self, x):
            for block in self.blocks:
                for layer in block:
                    x = layer(x)
            return self.named["left"](x)

    model = Tree()
    with trace() as steps:
        model(mx.array([1.0]))
    assert steps.paths == ["blocks.0.0.output", "blocks.0.1.output", "blocks.1.0.output", "named.left.output"]
    parameters = {path for path, _ in backend.tree_flatten(model.parameters())}
    assert {path.replace("output", "weight") for path in steps.paths} == parameters


def test_a_shared_module_goes_by_the_name_that_sorts_first_and_counts_its_calls():
    class Tied(Module):
        def __init__(self) -> None:
            super().__init__()
            self.second = Doubling()
            self.first = self.second

        def __call__(self, x):
            return self.first(self.second(x))

    with trace() as steps:
        Tied()(mx.array([1.0]))
    assert steps.paths == ["first.output"]
    assert [step.call for step in steps.all("first.output")] == [0, 1]
    assert [step.value.item() for step in steps.all("first.output")] == [2, 4]


def test_a_module_inside_a_module_of_its_own_class():
    class Nested(Module):
        def __init__(self, depth: int) -> None:
            super().__init__()
            self.leaf = Doubling()
            if depth:
                self.inner = Nested(depth - 1)

        def __call__(self, x):
            x = self.leaf(x)
            return self.inner(x) if "inner" in self else x

    with trace() as steps:
        Nested(2)(mx.array([1.0]))
    assert steps.paths == ["leaf.output", "inner.leaf.output", "inner.inner.leaf.output"]


def test_a_subclass_that_calls_its_parent_keeps_the_path():
    class Louder(Doubling):
        def __call__(self, x):
            return tap("louder", super().__call__(x) * 10, axes=("time",))

    class Model(Module):
        def __init__(self) -> None:
            super().__init__()
            self.layer = Louder()

        def __call__(self, x):
            return self.layer(x)

    with trace() as steps:
        Model()(mx.array([1.0]))
    assert steps.paths == ["layer.output", "layer.louder"]


class UsersOwn(nn.Module):
    """A model of somebody else's: a plain nn.Module, with ours inside a list."""

    def __init__(self) -> None:
        super().__init__()
        self.blocks = [Doubling(), MultiHeadAttention(8, 2)]

    def __call__(self, x):
        return self.blocks[1](x, x, x)


def test_in_a_users_own_module_paths_start_from_the_root():
    model = UsersOwn()
    with trace(model) as steps:
        model(sequence())
    assert "blocks.1.weights" in steps
    assert "blocks.1.query_proj.weight" in {path for path, _ in backend.tree_flatten(model.parameters())}
    with trace() as steps:  # without root it cannot know: paths start from the outermost of our modules
        model(sequence())
    assert "weights" in steps and "blocks.1.weights" not in steps


def test_other_methods_than_call_announce_themselves_by_the_decorator():
    class Model(Module):
        def __init__(self) -> None:
            super().__init__()
            self.part = Doubling()

        def __call__(self, x):
            return self.part.halve(x)

    with trace() as steps:
        Model()(mx.array([1.0]))
    assert steps.paths == ["part.halved"]


# Reading a trace


def test_one_path_passed_several_times():
    layer = Doubling()
    with trace() as steps:
        for value in (1.0, 2.0, 3.0):
            layer(mx.array([value]))
    with pytest.raises(TraceError, match=r"passed 3 times; take steps\.all") as caught:
        steps["output"]
    assert caught.value.code == "trace-several-calls" and caught.value.fields["calls"] == 3
    assert [(step.call, step.value.item()) for step in steps.all("output")] == [(0, 2), (1, 4), (2, 6)]


def test_an_unknown_path_names_the_nearest():
    with trace() as steps:
        with pytest.raises(TraceError, match="nothing is recorded yet"):
            steps["weights"]
        encoder()(sequence())
    for read in (lambda: steps["layers.0.self_attention.weight"], lambda: steps.all("layers.0.self_attention.weight")):
        with pytest.raises(TraceError, match=r"nearest: layers\.0\.self_attention\.weights") as caught:
            read()
        assert caught.value.code == "trace-unknown-path"
    assert "layers.0.self_attention.weight" not in steps


def test_wrong_axes_are_an_error_of_the_layer():
    with pytest.raises(TraceError, match="axes") as caught, trace():
        tap("x", mx.zeros((2, 3)), axes=("time",))
    assert caught.value.code == "trace-axes"


# Replacing


def test_a_replacement_flows_on_and_is_what_is_recorded():
    model, x = encoder(), sequence()
    with trace() as steps:
        steps.replace("layers.0.self_attention.weights", lambda weights: mx.zeros_like(weights))
        y = model(x)
    assert not steps["layers.0.self_attention.heads"].value.any()
    assert not steps["layers.0.self_attention.weights"].value.any()
    assert steps["layers.1.self_attention.heads"].value.any()
    assert np.abs(to_numpy(y) - to_numpy(model(x))).max() > 1e-3


def test_switching_one_head_off_is_zeroing_its_columns():
    mx.random.seed(0)
    layer, x = MultiHeadAttention(8, 2), sequence()
    with trace() as whole:
        layer(x, x, x)
    keep = mx.array(np.array([0.0, 1.0], np.float32).reshape(1, 2, 1, 1))
    with trace() as steps:
        steps.replace("heads", lambda heads: heads * keep)
        layer(x, x, x)
    joined = whole["concatenated"].value.copy()
    joined[..., :4] = 0
    assert_bit_equal(steps["concatenated"].value, joined)


def test_patterns_and_the_order_of_replacements():
    with trace() as steps:
        steps.replace("layers.*.self_attention.heads", lambda heads: heads * 0.0)
        steps.replace("*.heads", lambda heads: heads + 1.0)
        encoder()(sequence())
    for layer in (0, 1):
        assert (steps[f"layers.{layer}.self_attention.heads"].value == 1).all()


def test_a_replacement_stays_differentiable():
    layer = Doubling()

    def loss(x):
        return mx.sum(layer(x) * mx.array([1.0, 10.0]))

    with trace() as steps:
        steps.replace("output", lambda y: y * 3.0)
        value, gradient = mx.value_and_grad(loss)(mx.array([1.0, 1.0]))
    assert float(to_numpy(value)) == 66
    assert to_numpy(gradient).tolist() == [6, 60]
    assert_bit_equal(steps["output"].value, np.array([6.0, 6.0], np.float32))


def test_a_replacement_may_close_over_what_is_differentiated():
    # How an experiment measures the slope of a loss by something inside: add it to the tapped tensor.
    layer = Doubling()

    def loss(nudge):
        with trace() as steps:
            steps.replace("output", lambda y: y + nudge)
            return mx.sum(layer(layer(mx.array([1.0]))))

    assert to_numpy(mx.grad(loss)(mx.array([0.0]))).tolist() == [3]  # 2 by the first call, 1 by the second


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (lambda y: y[:1], "trace-replacement-shape"),
        (lambda y: y.astype(mx.float16), "trace-replacement-shape"),
        (lambda y: np.zeros(2, np.float32), "trace-replacement-array"),
        (lambda y: None, "trace-replacement-array"),
    ],
)
def test_a_replacement_must_keep_shape_and_dtype(change, code):
    with pytest.raises(TraceError, match="'output'") as caught, trace() as steps:
        steps.replace("output", change)
        Doubling()(mx.array([1.0, 2.0]))
    assert caught.value.code == code


def test_a_replacement_that_matched_nothing_is_an_error():
    says = r"'layers\.9\.\*'.*Recorded paths: layers\.0\.input"
    with pytest.raises(TraceError, match=says) as caught, trace() as steps:
        steps.replace("layers.*.heads", lambda x: x)
        steps.replace("layers.9.*", lambda x: x)
        encoder()(sequence())
    assert caught.value.code == "trace-nothing-replaced" and caught.value.fields["patterns"] == ["layers.9.*"]


def test_a_repr_is_one_line_without_values():
    with trace() as steps:
        tap("numbers", mx.array(np.array([[1.0, 3.0, np.inf], [5.0, 7.0, np.nan]], np.float32)), axes=("row", "column"))
        tap("numbers", mx.array([True, False]), axes=("row",))
        tap("nothing", mx.array(np.full((2,), -np.inf, np.float32)), axes=("row",))
    first, second, third = steps
    assert repr(first) == "Step('numbers', float32 [2, 3], 4 ± 2.236, 1 … 7, 2 not finite)"
    assert repr(second) == "Step('numbers', call=1, bool [2], 0.5 ± 0.5, 0 … 1)"
    assert repr(third) == "Step('nothing', float32 [2], 2 not finite)"
    assert repr(steps) == "Trace(3 steps: numbers … nothing)"
    assert repr(trace()) == "Trace(0 steps)"
