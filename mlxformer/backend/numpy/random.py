"""Random numbers, all from one generator.

The numbers are not MLX's: a seed gives different ones on each backend. Where both must see the same numbers, draw them
from a NumPy generator of your own and pass them through ``mx.array``.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

import numpy as np

from . import dtypes
from .absent import absent
from .arrays import ArrayLike, array, is_foreign, wrap
from .operands import data
from .tape import unrecorded

__all__ = ["bernoulli", "categorical", "normal", "permutation", "randint", "seed", "uniform"]

_generator = np.random.default_rng()
_shapes_only: ContextVar[bool] = ContextVar("shapes_only", default=False)
Shape = Sequence[int]


@contextmanager
def shapes_only() -> Iterator[None]:
    """Inside, ``uniform`` and ``normal`` draw nothing: they give zeros of the right shape that take no memory.

    What MLX has by being lazy: a model whose weights are never looked at, or at once replaced, costs nothing to make.
    """
    token = _shapes_only.set(True)
    try:
        yield
    finally:
        _shapes_only.reset(token)


def generator() -> np.random.Generator:
    """The generator that everything random on this backend draws from."""
    return _generator


def seed(seed: int) -> None:
    """Starts the generator afresh."""
    global _generator
    _generator = np.random.default_rng(seed)


def _operand(value: Any) -> np.ndarray:
    return data(unrecorded(value))


def _float_dtype(dtype: Any) -> dtypes.Dtype:
    found = dtypes.float32 if dtype is None else dtypes.checked(dtype)
    if found.kind != "f":
        raise ValueError(f"random numbers of this kind are floats; {found} is not a floating dtype.")
    return found


def uniform(low: Any = 0, high: Any = 1, shape: Shape = (), dtype: Any = None) -> array:
    """Between ``low`` (included) and ``high`` (excluded)."""
    target = _float_dtype(dtype)
    if _shapes_only.get():
        return wrap(np.broadcast_to(np.zeros((), target), tuple(shape)))
    lower, upper = _bound(low), _bound(high)
    drawn = _generator.random(tuple(shape), dtype=np.float32)
    return wrap((lower + drawn * (upper - lower)).astype(target, copy=False))


def _bound(value: Any) -> Any:
    return np.float32(value) if isinstance(value, (int, float)) else _operand(value).astype(np.float32)


def normal(shape: Shape = (), dtype: Any = None, loc: Any = None, scale: Any = None) -> array:
    """Gaussian, with mean ``loc`` and standard deviation ``scale``."""
    target = _float_dtype(dtype)
    if _shapes_only.get():
        return wrap(np.broadcast_to(np.zeros((), target), tuple(shape)))
    drawn = _generator.standard_normal(tuple(shape), dtype=np.float32)
    if scale is not None:
        drawn = drawn * _operand(scale).astype(np.float32)
    if loc is not None:
        drawn = drawn + _operand(loc).astype(np.float32)
    return wrap(np.asarray(drawn, target))


def randint(low: Any, high: Any, shape: Shape = (), dtype: Any = None) -> array:
    """Integers from ``low`` (included) to ``high`` (excluded), int32."""
    target = dtypes.int32 if dtype is None else dtypes.checked(dtype)
    return wrap(_generator.integers(_operand(low), _operand(high), tuple(shape)).astype(target))


def bernoulli(p: Any = 0.5, shape: Shape | None = None) -> array:
    """True with probability ``p``; as many as ``shape`` says, by default the shape of ``p``."""
    chance = _operand(p)
    drawn = _generator.random(chance.shape if shape is None else tuple(shape), dtype=np.float32)
    return wrap(drawn < chance)


def categorical(logits: Any, axis: int = -1, shape: Shape | None = None, num_samples: int | None = None) -> array:
    """Positions along ``axis`` drawn with probability softmax(logits), uint32 (by the Gumbel trick)."""
    scores = np.moveaxis(_operand(logits).astype(np.float32), axis, -1)
    if shape is not None and num_samples is not None:
        raise ValueError("categorical takes shape or num_samples, not both.")
    batch = scores.shape[:-1]
    if num_samples is not None:
        scores, wanted = scores[..., None, :], (*batch, num_samples)
    else:
        wanted = batch if shape is None else tuple(shape)
    noise = _generator.gumbel(size=(*wanted, scores.shape[-1])).astype(np.float32)
    return wrap(np.argmax(scores + noise, -1).astype(np.uint32))


def permutation(x: Any, axis: int = 0) -> array:
    """The numbers below ``x`` (an int) in random order, or the slices of an array."""
    if isinstance(x, ArrayLike) or is_foreign(x):
        return wrap(_generator.permutation(_operand(x), axis))
    return wrap(_generator.permutation(int(x)).astype(np.uint32))


def __getattr__(name: str) -> Any:
    raise absent("mx.random", name)
