"""What the two backends do each in its own way, on MLX. The functions are described in ``mlxformer.backend``."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from typing import Any

import mlx.core as mx
import mlx.nn as nn
import mlx.optimizers as optimizers
import numpy as np
from mlx.utils import tree_flatten, tree_map, tree_unflatten

from mlxformer.backend.peaks import Allocator, peak_of
from mlxformer.errors import TraceError

__all__ = ["mx", "nn", "optimizers", "tree_flatten", "tree_map", "tree_unflatten"]


def is_array(x: object) -> bool:
    return isinstance(x, mx.array)


def array_cure(x: object) -> str:
    return "Make it one with `from mlxformer.backend import mx; mx.array(...)`"


def is_evaluable(x: mx.array) -> bool:
    try:
        mx.eval(x)
    except (ValueError, RuntimeError) as error:
        if _is_of_another_thread(error):
            raise _other_thread(error) from error
        return False
    return True


def to_numpy(x: mx.array) -> np.ndarray:
    return np.array(_evaluated(x))


lasting = to_numpy  # the memory of an array that is changed or gone may become another's


def numpy_view(x: mx.array) -> np.ndarray:
    view = np.asarray(_evaluated(x))
    view.flags.writeable = False
    return view


def _evaluated(x: mx.array) -> mx.array:
    if x.dtype == mx.bfloat16:
        x = x.astype(mx.float32)
    try:
        mx.eval(x)
    except (ValueError, RuntimeError) as error:
        if _is_of_another_thread(error):
            raise _other_thread(error) from error
        raise TraceError(
            "trace-not-evaluable",
            "An array inside mx.compile or mx.vmap has no values that could be read or recorded. "
            "Call the function without mx.compile (or mx.vmap) here.",
            detail=str(error),
        ) from error
    return x


def _is_of_another_thread(error: Exception) -> bool:
    return "in current thread" in str(error)


def _other_thread(error: Exception) -> TraceError:
    return TraceError(
        "array-of-another-thread",
        "An array is to be read in another thread than the one that asked for it, and has not been computed yet. Call "
        "mx.eval(...) on it, or on model.parameters(), in the thread that made it.",
        detail=str(error),
    )


def dtype_named(name: str) -> mx.Dtype | None:
    dtype: mx.Dtype = getattr(mx, name)
    return dtype


def expect_one_row(module: nn.Module) -> None:
    """MLX multiplies with either layout."""


def quantize(module: nn.Module, chosen: Callable[[str, nn.Module], bool], how: Mapping[str, Any]) -> None:
    def is_chosen(path: str, layer: nn.Module) -> bool:
        return hasattr(layer, "to_quantized") and chosen(path, layer)

    nn.quantize(module, **how, class_predicate=is_chosen)


def from_mapped(values: np.ndarray) -> mx.array:
    return mx.array(values)


@contextmanager
def without_values() -> Iterator[None]:
    # MLX makes no array before it is looked at.
    before = random_state()
    outside = _lazy.set(True)
    try:
        yield
    finally:
        _lazy.reset(outside)
        mx.random.seed(before)


_lazy: ContextVar[bool] = ContextVar("without_values", default=False)


def settle(module: nn.Module) -> None:
    if _lazy.get():
        return
    with suppress(ValueError):  # inside mx.compile or mx.vmap nothing can be made yet
        mx.eval(module.parameters())


def random_state() -> int:
    # A key is its seed in two halves, so the random state can be set again, though not assigned.
    high, low = to_numpy(mx.random.state[0]).tolist()  # type: ignore[index]  # its stub says object
    return int(high << 32 | low)


@contextmanager
def drawing_from(state: int) -> Iterator[None]:
    before = random_state()
    mx.random.seed(state)
    try:
        yield
    finally:
        mx.random.seed(before)


@contextmanager
def _one_by_one() -> Iterator[None]:
    """Past its limit MLX begins an operation once the one before has let go of what it held; else what is there at once
    depends on how far ahead of the thread that computes the one that asks happens to be."""
    mx.clear_cache()
    limit = mx.set_memory_limit(1)
    try:
        yield
    finally:
        mx.set_memory_limit(limit)


def peak_bytes(fn: Callable[[], Any]) -> int:
    allocator = Allocator(mx.get_active_memory, mx.get_peak_memory, mx.reset_peak_memory, _one_by_one)
    return peak_of(lambda: mx.eval(fn()), allocator)


def is_eager() -> bool:
    return False


def fused_attention_is_exact() -> bool:
    return False


def fused_attention_accumulates(head_dim: int, value_dim: int) -> bool:
    # MLX's GPU kernels sum in float32; other widths, and the CPU, compose the attention of 16-bit operations.
    return mx.default_device() == mx.gpu and head_dim == value_dim and head_dim in (64, 128)


def fused_gru(
    projected: mx.array, hidden_proj: Callable[[mx.array], mx.array], initial: mx.array, *, reverse: bool = False
) -> mx.array | None:
    return None


def fused_additive_attention(
    asked: mx.array, projected: mx.array, score_proj: Callable[[mx.array], mx.array], keys: mx.array
) -> mx.array | None:
    return None
