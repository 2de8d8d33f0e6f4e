"""OpenBLAS's own threads, told to stand aside while ours multiply.

They share out each product anew and wait by spinning, which on cores that other processes use can take ten times as
long as the multiplying. Large products (``gemm.py``) and the blocks of an attention are shared out among ours.
"""

from __future__ import annotations

import ctypes
import importlib
import os
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from typing import Any

from .threads import Part, each

_multiplying = 0  # how many are in `one_thread`
_before = 1
_lock = threading.Lock()


def each_product(work: Callable[[Part], object], parts: Sequence[Part]) -> None:
    """``each`` for work that multiplies matrices; in turn where BLAS cannot be told to keep to one thread."""
    if openblas() is None:
        for part in parts:
            work(part)
        return
    with one_thread():
        each(work, parts)


@contextmanager
def one_thread() -> Iterator[None]:
    """OpenBLAS with one thread; only where ``openblas`` finds it."""
    global _multiplying, _before
    functions = openblas()
    assert functions is not None
    threads, set_threads = functions
    with _lock:
        if _multiplying == 0:
            _before = threads()
            set_threads(1)
        _multiplying += 1
    try:
        yield
    finally:
        with _lock:
            _multiplying -= 1
            if _multiplying == 0:
                set_threads(_before)


@cache
def openblas() -> tuple[Any, Any] | None:
    """What tells and sets the threads of the OpenBLAS that NumPy was linked with; None for another BLAS."""
    library = _library()
    for name in ("scipy_openblas_{}_num_threads64_", "openblas_{}_num_threads64_", "openblas_{}_num_threads"):
        functions = [getattr(library, name.format(verb), None) for verb in ("get", "set")]
        if None not in functions:
            return functions[0], functions[1]
    return None


def _library() -> ctypes.CDLL | None:
    try:
        return ctypes.CDLL(importlib.import_module("numpy._core._multiarray_umath").__file__)
    except (ImportError, OSError):
        return None


SMALL = ("SkylakeX", "Cooperlake", "SapphireRapids")  # the kernels with AVX-512


@cache
def has_small_kernels() -> bool:
    """Whether OpenBLAS multiplies small float32 matrices as they lie in memory: of x86 only its newest kernels do."""
    library = _library()
    for name in ("scipy_openblas_get_corename64_", "openblas_get_corename64_", "openblas_get_corename"):
        core = getattr(library, name, None)
        if core is not None:
            core.restype = ctypes.c_char_p
            return core().decode() in SMALL
    return False


def _begin_in_a_child() -> None:
    """A process that was forked off has no one to release the lock."""
    global _lock, _multiplying
    _lock, _multiplying = threading.Lock(), 0


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_begin_in_a_child)
