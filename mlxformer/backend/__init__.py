"""The backend: ``from mlxformer.backend import mx, nn`` gives MLX, or NumPy under MLX's names.

Chosen once, at the first import, by ``MLXFORMER_BACKEND=auto|mlx|numpy``; ``describe()`` says what was chosen and why.
Model files never ask which it is: what the two do each in its own way is a function here.

>>> import mlxformer as mf
>>> from mlxformer.backend import mx, nn
>>> layer = nn.Linear(4, 2)
>>> layer(mx.ones((3, 4))).shape
(3, 2)
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any, TypeGuard

import numpy as np

from mlxformer.backend.choice import CHOICES, VARIABLE, Description, describe, name

if TYPE_CHECKING:
    import mlx.core as mx
    import mlx.nn as nn
    import mlx.optimizers as optimizers
    from mlx.utils import tree_flatten, tree_map, tree_unflatten

    from mlxformer.backend import on_mlx as _running
else:
    if name == "mlx":
        from mlxformer.backend import on_mlx as _running
    else:
        from mlxformer.backend import on_numpy as _running
    mx, nn, optimizers = _running.mx, _running.nn, _running.optimizers
    tree_flatten, tree_map, tree_unflatten = _running.tree_flatten, _running.tree_map, _running.tree_unflatten


def is_array(x: object) -> TypeGuard[mx.array]:
    """Whether ``x`` is an array of the running backend, also while it is being differentiated.

    Args:
        x: anything.

    >>> is_array(mx.ones((2,))), is_array([1.0, 1.0])
    (True, False)
    """
    return _running.is_array(x)


def array_cure(x: object) -> str:
    """What to do about ``x``, which is no array of the running backend: a sentence for an error's message.

    Args:
        x: what is none of the backend's arrays.

    >>> "mx.array(...)" in array_cure([1.0, 2.0])
    True
    """
    return _running.array_cure(x)


def is_evaluable(x: mx.array) -> bool:
    """Whether the values of the array ``x`` can be read now: not inside ``mx.compile`` or ``mx.vmap``.

    Args:
        x: an array of the backend.

    >>> is_evaluable(mx.ones((2,)))
    True
    """
    return _running.is_evaluable(x)


def to_numpy(x: mx.array) -> np.ndarray:
    """The values of ``x`` as a NumPy array of its own; bfloat16, which NumPy lacks, as float32.

    Args:
        x: an array of the backend, of any shape.

    Raises:
        TraceError: inside ``mx.compile`` or ``mx.vmap``, where there are no values yet, and for an array that another
            thread has not computed.

    >>> to_numpy(mx.arange(3) * 2)
    array([0, 2, 4], dtype=int32)
    """
    return _running.to_numpy(x)


def numpy_view(x: mx.array) -> np.ndarray:
    """The values of ``x`` without a copy where there can be one, not to be written to; bfloat16 as float32.

    Args:
        x: an array of the backend, of any shape.

    Raises:
        TraceError: as ``to_numpy``.

    >>> numpy_view(mx.ones((2,))).flags.writeable
    False
    """
    return _running.numpy_view(x)


def lasting(x: mx.array) -> np.ndarray:
    """The values of ``x`` as they will always be: a view not to be written to where arrays never change, else a copy.

    Args:
        x: an array of the backend, of any shape.

    Raises:
        TraceError: as ``to_numpy``.

    >>> lasting(mx.ones((2,)))
    array([1., 1.], dtype=float32)
    """
    return _running.lasting(x)


def dtype_named(name: str) -> mx.Dtype | None:
    """The dtype of that name, or None where the backend has none: NumPy has no bfloat16.

    Args:
        name: ``"float32"``, ``"float16"`` or ``"bfloat16"``.

    >>> dtype_named("float16") == mx.float16
    True
    """
    return _running.dtype_named(name)


def expect_one_row(module: nn.Module) -> None:
    """Say that the layers of ``module`` are going to be called with one row many times, as decoding does.

    Args:
        module: its weights stay what they are; the NumPy backend may keep them in another layout.

    >>> from mlxformer.backend import expect_one_row
    >>> layer, x = nn.Linear(64, 64), mx.ones((1, 64))
    >>> before = layer(x)
    >>> expect_one_row(layer)
    >>> bool(mx.all(mx.abs(layer(x) - before) < 1e-5))
    True
    """
    _running.expect_one_row(module)


def quantize(module: nn.Module, chosen: Callable[[str, nn.Module], bool], how: Mapping[str, Any]) -> None:
    """``nn.quantize`` of the chosen layers.

    Args:
        module: changed in place.
        chosen: of a path and its module, whether it is to be quantized.
        how: group_size, bits and mode, as ``nn.quantize`` takes them.

    Raises:
        MlxformerError: NumPy has none; the message names the cure.

    >>> from mlxformer.backend import quantize
    >>> import mlxformer as mf
    >>> layer = mf.FeedForward(64, 64)
    >>> try:
    ...     quantize(layer, lambda path, part: path == "up_proj", {"group_size": 64, "bits": 4})
    ... except mf.MlxformerError as error:
    ...     print("MLXFORMER_BACKEND=mlx" in str(error))
    ... else:
    ...     print(type(layer.up_proj).__name__ != type(layer.down_proj).__name__)
    True
    """
    _running.quantize(module, chosen, how)


def from_mapped(values: np.ndarray) -> mx.array:
    """An array of ``values``, which nobody may write to from now on: on NumPy it lies over the same memory.

    A file mapped into memory is so read only where it is looked at.

    Args:
        values: of any shape.

    >>> from_mapped(np.zeros((2, 3), np.float32)).shape
    (2, 3)
    """
    return _running.from_mapped(values)


def without_values() -> AbstractContextManager[None]:
    """Modules made inside have weights of the right shapes that hold nothing; for those soon to be replaced, too.

    MLX makes no array before it is looked at; NumPy is told not to. The random state is left as it was.

    >>> with without_values():
    ...     layer = nn.Linear(30_000, 30_000)
    >>> layer.weight.shape
    (30000, 30000)
    """
    return _running.without_values()


def settle(module: nn.Module) -> None:
    """Make the module's weights now, not when they are first looked at; nothing inside ``without_values``.

    MLX makes an array lazily, and only in the thread that asked for it: a module made in one thread could not run in
    another.

    Args:
        module: one that was just made.

    >>> settle(nn.Linear(2, 3))
    """
    _running.settle(module)


def random_state() -> Any:
    """Where the random numbers stand, for ``drawing_from``.

    Raises:
        TraceError: inside ``mx.compile``, where that is not known yet.

    >>> state = random_state()
    >>> with drawing_from(state):
    ...     again = mx.random.uniform(shape=(3,))
    >>> bool(mx.all(again == mx.random.uniform(shape=(3,))))
    True
    """
    return _running.random_state()


def drawing_from(state: Any) -> AbstractContextManager[None]:
    """What is drawn inside begins at ``state`` again; afterwards the random numbers stand where they stood.

    Args:
        state: of ``random_state()``.

    >>> state = random_state()
    >>> first = mx.random.uniform(shape=(3,))
    >>> with drawing_from(state):
    ...     bool(mx.all(mx.random.uniform(shape=(3,)) == first))
    True
    """
    return _running.drawing_from(state)


def peak_bytes(fn: Callable[[], Any]) -> int:
    """How much more memory than before ``fn`` took at most, its result among it.

    Measured, not counted: by MLX's allocator, or by Python's (``tracemalloc``, which NumPy reports to), where what
    other threads take meanwhile counts too. One measures at a time; a measurement may hold another.

    Args:
        fn: whose result MLX is made to compute.

    Returns:
        Bytes.

    >>> 4e6 <= peak_bytes(lambda: mx.ones((1000, 1000)) + 1) <= 9e6
    True
    """
    return _running.peak_bytes(fn)


def is_eager() -> bool:
    """Whether arrays hold their values at once, so that a look at them, which may save operations, costs nothing.

    >>> isinstance(is_eager(), bool)
    True
    """
    return _running.is_eager()


def fused_attention_is_exact() -> bool:
    """Whether ``mx.fast.scaled_dot_product_attention`` is right of itself in 16 bits, where scores leave float32, and
    where a key that no query may see holds what is not a number; else its operands have to be made so before.

    >>> isinstance(fused_attention_is_exact(), bool)
    True
    """
    return _running.fused_attention_is_exact()


def fused_attention_accumulates(head_dim: int, value_dim: int) -> bool:
    """Whether the fused attention of 16-bit heads of these widths takes its products and sums in float32.

    Args:
        head_dim: D, the width of queries and keys.
        value_dim: that of values.

    >>> isinstance(fused_attention_accumulates(64, 64), bool)
    True
    """
    return _running.fused_attention_accumulates(head_dim, value_dim)


def fused_gru(
    projected: mx.array, hidden_proj: Callable[[mx.array], mx.array], initial: mx.array, *, reverse: bool = False
) -> mx.array | None:
    """All hidden states of a GRU by one function, or ``None`` where the backend has none for it: then go step by step.

    On NumPy, where a call costs more than the numbers of a small step; not for a ``hidden_proj`` that is no plain
    ``nn.Linear`` with a bias.

    Args:
        projected: W x + b at every time, [B, T, 3H]; gates stacked r, z, n as in ``GRUCell``.
        hidden_proj: U h + d, [B, H] -> [B, 3H].
        initial: the state before the first step, [B, H].
        reverse: begin at the last time.

    Returns:
        [B, T, H], or ``None``.

    >>> states = fused_gru(mx.zeros((1, 5, 6)), nn.Linear(2, 6), mx.zeros((1, 2)))
    >>> states is None or states.shape == (1, 5, 2)
    True
    """
    return _running.fused_gru(projected, hidden_proj, initial, reverse=reverse)


def fused_additive_attention(
    asked: mx.array, projected: mx.array, score_proj: Callable[[mx.array], mx.array], keys: mx.array
) -> mx.array | None:
    """Σ_j softmax_j(vᵀ tanh(asked_i + projected_j)) keys_j by one function, or ``None`` where the backend has none.

    Args:
        asked: the projected queries, [B, Tq, A].
        projected: the projected keys, [B, Tk, A].
        score_proj: vᵀ, [..., A] -> [..., 1]; only a plain ``nn.Linear`` without a bias is fused.
        keys: [B, Tk, C].

    Returns:
        The contexts [B, Tq, C], or ``None``.

    >>> v = nn.Linear(4, 1, bias=False)
    >>> context = fused_additive_attention(mx.zeros((1, 2, 4)), mx.zeros((1, 3, 4)), v, mx.ones((1, 3, 8)))
    >>> context is None or context.shape == (1, 2, 8)
    True
    """
    return _running.fused_additive_attention(asked, projected, score_proj, keys)


__all__ = [
    "CHOICES",
    "VARIABLE",
    "Description",
    "array_cure",
    "describe",
    "drawing_from",
    "dtype_named",
    "from_mapped",
    "fused_additive_attention",
    "fused_attention_accumulates",
    "fused_attention_is_exact",
    "fused_gru",
    "is_array",
    "is_eager",
    "is_evaluable",
    "lasting",
    "mx",
    "name",
    "nn",
    "numpy_view",
    "optimizers",
    "peak_bytes",
    "quantize",
    "random_state",
    "settle",
    "to_numpy",
    "tree_flatten",
    "tree_map",
    "tree_unflatten",
    "without_values",
]


def __dir__() -> list[str]:
    """The names above and nothing else: what an import brought along is not offered."""
    return __all__
