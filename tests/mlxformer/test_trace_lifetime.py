"""A trace's life: nested, broken off, in threads, under gradients and compilation, and after it has closed."""

from __future__ import annotations

import gc
import threading
import weakref

import numpy as np
import pytest

from mlxformer import backend
from mlxformer.attention.multi_head import MultiHeadAttention
from mlxformer.backend import mx, nn, to_numpy
from mlxformer.errors import TraceError
from mlxformer.tracing import Module, is_tracing, trace
from tests.mlxformer.comparing import assert_bit_equal, assert_close
from tests.mlxformer.traced_models import Doubling, encoder, sequence

ON_MLX = pytest.mark.skipif(backend.name != "mlx", reason="NumPy compiles nothing")


# Several traces, errors, threads


def test_nested_traces_record_everything_inside_them_and_share_replacements():
    layer = Doubling()
    with trace() as outer:
        outer.replace("output", lambda y: y + 1.0)
        layer(mx.array([1.0]))
        with trace() as inner:
            inner.replace("output", lambda y: y * 10.0)
            layer(mx.array([1.0]))
        layer(mx.array([1.0]))
    assert [step.value.item() for step in outer] == [3, 30, 3]  # the outermost first: (2 + 1) · 10
    assert [(step.call, step.value.item()) for step in inner] == [(0, 30)]


def test_a_trace_inside_a_running_module_keeps_the_paths():
    class Looking(Module):
        def __init__(self) -> None:
            super().__init__()
            self.part = Doubling()

        def __call__(self, x):
            with trace() as self._seen:
                return self.part(x)

    model = Looking()
    with trace() as steps:
        model(mx.array([1.0]))
    assert model._seen.paths == steps.paths == ["part.output"]


def test_an_exception_inside_closes_the_trace_and_passes_through():
    layer = Doubling()
    with pytest.raises(KeyError, match="mine"), trace() as steps:
        steps.replace("nothing.*", lambda x: x)  # not complained of: the run did not finish
        layer(mx.array([1.0]))
        raise KeyError("mine")
    assert not is_tracing() and steps["output"].value.item() == 2
    with trace() as after:
        layer(mx.array([1.0]))
    assert after.paths == ["output"]


def test_an_exception_inside_a_module_leaves_no_path_behind():
    class Failing(Module):
        def __call__(self, x):
            raise ValueError("broken layer")

    class Model(Module):
        def __init__(self) -> None:
            super().__init__()
            self.bad, self.good = Failing(), Doubling()

        def __call__(self, x):
            try:
                self.bad(x)
            except ValueError:
                x = x + 1.0
            return self.good(x)

    with trace() as steps:
        Model()(mx.array([1.0]))
    assert steps.paths == ["good.output"]


def test_an_empty_trace_is_an_error():
    with pytest.raises(TraceError, match=r"mx\.compile") as caught, trace():
        pass
    assert caught.value.code == "trace-empty"


def test_a_trace_does_not_reach_into_another_thread():
    layer, x = Doubling(), mx.array([1.0])
    mx.eval(layer.parameters(), x)
    seen = []

    def work() -> None:
        seen.append(is_tracing())
        with trace() as own:
            layer(x)
        seen.append(own.paths)

    with pytest.raises(TraceError, match="in this thread") as caught, trace():
        thread = threading.Thread(target=work)
        thread.start()
        thread.join()
    assert caught.value.code == "trace-empty"
    assert seen == [False, ["output"]]


def test_a_trace_is_entered_once():
    steps = trace()
    with steps:
        Doubling()(mx.array([1.0]))
    with pytest.raises(TraceError) as caught, steps:
        pass
    assert caught.value.code == "trace-entered-twice"


def test_on_step_sees_every_path_and_may_end_the_run():
    seen: list[str] = []

    class Cancelled(Exception):
        pass

    def cancel(path: str) -> None:
        seen.append(path)
        if path.endswith("heads"):
            raise Cancelled

    with pytest.raises(Cancelled), trace(on_step=cancel) as steps:
        encoder()(sequence())
    assert seen == steps.paths and seen[-1] == "layers.0.self_attention.heads"
    assert not is_tracing()


def test_a_closed_trace_keeps_its_steps_and_nothing_else():
    model, x = encoder(), sequence()
    big = type("Big", (), {})()
    alive = weakref.ref(big)
    model_alive = weakref.ref(model.layers[0].self_attention.query_proj)
    with trace(model) as steps:
        steps.replace("*.heads", lambda heads, big=big: heads)
        model(x)
    kept = steps["layers.0.output"].value.copy()
    del model, big
    gc.collect()
    assert alive() is None and model_alive() is None
    assert_bit_equal(steps["layers.0.output"].value, kept)


def test_a_collected_module_does_not_lend_its_name_to_the_next():
    def fresh(name: str) -> Module:
        class Model(Module):
            def __init__(self) -> None:
                super().__init__()
                setattr(self, name, Doubling())

            def __call__(self, x):
                return getattr(self, name)(x)

        return Model()

    names = [f"part{index}" for index in range(20)]
    gc.freeze()  # to look through all that other tests left behind takes a third of a second each time
    with trace() as steps:
        for name in names:
            fresh(name)(mx.array([1.0]))
            gc.collect()
    gc.unfreeze()
    assert steps.paths == [f"{name}.output" for name in names]


# Gradients and compilation


def test_steps_are_recorded_under_value_and_grad():
    model, x = encoder(1), sequence()

    def loss(model, x):
        return mx.sum(model(x) ** 2)

    value, gradients = nn.value_and_grad(model, loss)(model, x)
    with trace() as steps:
        traced_value, traced_gradients = nn.value_and_grad(model, loss)(model, x)
    assert_close(traced_value, value)
    for (path, ours), (_, untraced) in zip(
        backend.tree_flatten(traced_gradients), backend.tree_flatten(gradients), strict=True
    ):
        assert np.isfinite(to_numpy(ours)).all(), path
        assert_close(ours, untraced)
    assert steps["layers.0.self_attention.weights"].value.sum(-1) == pytest.approx(1, abs=1e-6)
    assert float((steps["layers.0.output"].value ** 2).sum()) == pytest.approx(float(to_numpy(value)), rel=1e-5)


@ON_MLX
def test_a_tap_under_compile_says_what_to_do():
    model, x = encoder(1), sequence()
    compiled = mx.compile(model)
    with pytest.raises(TraceError, match=r"without mx\.compile"), trace():
        compiled(x)
    assert not is_tracing()
    assert_close(model(x), mx.compile(model)(x))  # and nothing is left behind


@ON_MLX
def test_a_function_compiled_earlier_runs_no_python_and_is_an_error():
    model, x = encoder(1), sequence()
    compiled = mx.compile(model)
    mx.eval(compiled(x))
    with pytest.raises(TraceError, match=r"mx\.compile had compiled earlier") as caught, trace():
        compiled(x)
    assert caught.value.code == "trace-empty"


def test_only_records_the_paths_it_names() -> None:
    attention = MultiHeadAttention(8, 2)
    x = mx.ones((1, 3, 8))
    with trace(only="weights") as steps:
        attention(x, x, x)
    assert steps.paths == ["weights"]
    with trace(only="") as nothing:  # passing taps is enough: nothing recorded is what was asked for
        nothing.replace("heads", lambda heads: heads * 0)
        attention(x, x, x)
    assert len(nothing) == 0
