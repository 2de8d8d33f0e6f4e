"""What is refused at the door, and that the message says what, where and the cure."""

from __future__ import annotations

import numpy as np
import pytest

from mlxformer import backend, validation
from mlxformer.backend import mx
from mlxformer.errors import ArgumentError, MlxformerError


@pytest.mark.parametrize(
    ("call", "code", "says"),
    [
        (lambda: validation.require_array("x", np.zeros(2)), "not-an-array", "numpy.ndarray"),
        (lambda: validation.require_array("x", [1.0]), "not-an-array", "builtins.list"),
        (lambda: validation.require_array("x", None), "not-an-array", "NoneType"),
        (lambda: validation.require_floating("x", mx.array([1])), "not-floating", "x.astype(mx.float32)"),
        (lambda: validation.require_floating("x", mx.array([True])), "not-floating", "bool"),
        (lambda: validation.require_shape("x", mx.zeros((2, 3)), ("a",)), "wrong-shape", "[a]; got [2, 3]"),
        (lambda: validation.require_shape("x", mx.zeros((2,)), ("a", "b")), "wrong-shape", "[a, b]; got [2]"),
        (lambda: validation.require_shape("x", mx.zeros((2, 3)), ("a", "b"), (2, 4)), "wrong-shape", "[a=2, b=4]"),
        (lambda: validation.require_shape("x", mx.zeros((2, 0)), ("a", "b")), "empty-axis", "axis b of [2, 0]"),
        (lambda: validation.require_ids("ids", mx.array([[1.0]]), 4, "it"), "ids-not-integers", "astype(mx.int32)"),
        (lambda: validation.require_ids("ids", mx.array([[True]]), 4, "it"), "ids-not-integers", "bool"),
        (lambda: validation.require_ids("ids", np.array([[1]]), 4, "it"), "not-an-array", "ids"),
        (lambda: validation.require_ids("ids", mx.array([1, 2]), 4, "it"), "wrong-shape", "[batch, time]; got [2]"),
        (lambda: validation.require_ids("ids", mx.array([[0, 4]]), 4, "the table"), "id-out-of-range", "holds 4"),
        (lambda: validation.require_ids("ids", mx.array([[-1, 4]]), 4, "the table"), "id-out-of-range", "holds -1"),
        (lambda: validation.require_ids("ids", mx.zeros((1, 0), dtype=mx.int32), 4, "it"), "empty-axis", "time"),
        (lambda: validation.require_positive(dims=0), "not-positive", "dims must be a whole number"),
        (lambda: validation.require_positive(dims=2.5), "not-positive", "2.5"),
        (lambda: validation.require_positive(dims=True), "not-positive", "True"),
        (lambda: validation.require_positive(dims="8"), "not-positive", "'8'"),
        (lambda: validation.require_positive(dims=None), "not-positive", "None"),
        (lambda: validation.require_probability("dropout", 1), "not-a-probability", "below 1; got 1"),
        (lambda: validation.require_probability("dropout", -0.1), "not-a-probability", "-0.1"),
        (lambda: validation.require_probability("dropout", float("nan")), "not-a-probability", "nan"),
        (lambda: validation.require_probability("dropout", "0.1"), "not-a-probability", "'0.1'"),
        (lambda: validation.require_choice("norm", "both", ("post", "pre")), "unknown-choice", "'post', 'pre'"),
    ],
)
def test_each_error_names_what_was_given_and_the_cure(call, code, says):
    with pytest.raises(ArgumentError) as caught:
        call()
    assert caught.value.code == code
    assert says in str(caught.value)
    assert isinstance(caught.value, ValueError) and isinstance(caught.value, MlxformerError)


def test_what_is_right_passes():
    validation.require_array("x", mx.array(1.0))
    validation.require_floating("x", mx.zeros((1,), dtype=mx.float16))
    validation.require_shape("x", mx.zeros((2, 3)), ("a", "b"), (None, 3))
    for kind in (mx.int32, mx.uint32, mx.int64):
        validation.require_ids("ids", mx.array([[0, 3]]).astype(kind), 4, "it")
    validation.require_positive(dims=1, heads=np.int64(8))
    validation.require_probability("dropout", 0)
    validation.require_choice("tie", None, (None, "kv"))
    assert validation.shape_text(mx.zeros((2, 1))) == "[2, 1]"


def test_an_array_of_the_other_library_is_refused():
    mlx = pytest.importorskip("mlx.core", reason="MLX is not installed")
    theirs = np.zeros((1, 2), np.float32) if backend.name == "mlx" else mlx.zeros((1, 2))
    # On NumPy, what an MLX array is for is said too: auto took NumPy where MLX has no GPU.
    cure = "" if backend.name == "mlx" else ".*MLXFORMER_BACKEND=mlx"
    with pytest.raises(ArgumentError, match=rf"array of the {backend.name} backend.*mx\.array{cure}"):
        validation.require_array("x", theirs)


def test_inside_a_gradient_arrays_are_still_arrays():
    def loss(x):
        validation.require_floating("x", x)
        validation.require_shape("x", x, ("a",), (2,))
        return mx.sum(x)

    mx.grad(loss)(mx.array([1.0, 2.0]))


@pytest.mark.skipif(backend.name != "mlx", reason="NumPy compiles nothing")
def test_inside_compile_the_range_of_ids_is_not_checked_but_everything_else_is():
    @mx.compile
    def check(ids):
        validation.require_ids("ids", ids, 4, "it")
        return ids + 1

    assert check(mx.array([[9]])).item() == 10
    with pytest.raises(ArgumentError, match="must have shape"):
        check(mx.array([9]))
