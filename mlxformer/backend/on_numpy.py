"""What the two backends do each in its own way, on NumPy. The functions are described in ``mlxformer.backend``."""

from __future__ import annotations

import tracemalloc
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any

import numpy as np

from .numpy import core as mx
from .numpy import gemm, memory, nn, optimizers
from .numpy.absent import absent
from .numpy.additive import additive_attention
from .numpy.arrays import ArrayLike, wrap
from .numpy.gates import gru
from .numpy.random import generator, shapes_only
from .numpy.trees import tree_flatten, tree_map, tree_unflatten
from .peaks import Allocator, peak_of

__all__ = ["mx", "nn", "optimizers", "tree_flatten", "tree_map", "tree_unflatten"]

memory.keep_freed()


def is_array(x: object) -> bool:
    return isinstance(x, ArrayLike)


def array_cure(x: object) -> str:
    cure = "Make it one with `from mlxformer.backend import mx; mx.array(...)`"
    if type(x).__module__.split(".")[0] != "mlx":
        return cure
    return f"{cure}, which copies it, or compute on MLX: set MLXFORMER_BACKEND=mlx before mlxformer is first imported"


def is_evaluable(x: ArrayLike) -> bool:
    return True


def to_numpy(x: ArrayLike) -> np.ndarray:
    return np.array(x._data)


def numpy_view(x: ArrayLike) -> np.ndarray:
    view = x._data.view()
    view.flags.writeable = False
    return view


lasting = numpy_view  # nobody writes to an array


def dtype_named(name: str) -> np.dtype | None:
    return None if name == "bfloat16" else getattr(mx, name)


def expect_one_row(module: nn.Module) -> None:
    for each in module.modules():
        if isinstance(each, (nn.Linear, nn.Embedding)):
            gemm.expect_one_row(each.weight)


def quantize(module: Any, chosen: Any, how: Any) -> None:
    raise absent("nn", "quantize")


def from_mapped(values: np.ndarray) -> ArrayLike:
    return wrap(values)


def without_values() -> AbstractContextManager[None]:
    return shapes_only()


def settle(module: Any) -> None:
    return


def random_state() -> Any:
    return generator().bit_generator.state


@contextmanager
def drawing_from(state: Any) -> Iterator[None]:
    drawn = generator().bit_generator
    before, drawn.state = drawn.state, state
    try:
        yield
    finally:
        drawn.state = before


@contextmanager
def _tracing() -> Iterator[None]:
    is_first = not tracemalloc.is_tracing()
    if is_first:
        tracemalloc.start()
    try:
        yield
    finally:
        if is_first:
            tracemalloc.stop()


def peak_bytes(fn: Callable[[], Any]) -> int:
    held, most = (lambda: tracemalloc.get_traced_memory()[0]), (lambda: tracemalloc.get_traced_memory()[1])
    return peak_of(fn, Allocator(held, most, tracemalloc.reset_peak, _tracing))


def is_eager() -> bool:
    return True


def fused_attention_is_exact() -> bool:
    return True


def fused_attention_accumulates(head_dim: int, value_dim: int) -> bool:
    return True


def fused_gru(projected: Any, hidden_proj: Any, initial: Any, *, reverse: bool = False) -> Any:
    # A module in the projection's place (LoRA's, say) is called and not read: its weight is not all of it.
    if type(hidden_proj) is not nn.Linear or "bias" not in hidden_proj:
        return None
    return gru(projected, hidden_proj.weight, hidden_proj.bias, initial, reverse=reverse)


def fused_additive_attention(asked: Any, projected: Any, score_proj: Any, keys: Any) -> Any:
    if type(score_proj) is not nn.Linear or "bias" in score_proj:
        return None
    return additive_attention(asked, projected, score_proj.weight[0], keys)
