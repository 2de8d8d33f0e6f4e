"""How BLAS is asked for a product: in a layout that it reads, few rows otherwise than many, and much of it by ours.

BLAS's own threads share out each product and then wait for the next by spinning, on the cores that our threads, or
another process, would compute on in between: beside one busy process a BERT took six times as long. So what is worth
sharing is shared out here, like all else (``threads.py``), while BLAS keeps to one thread (``blas.py``).
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from .arrays import array
from .blas import each_product, has_small_kernels, one_thread, openblas
from .operands import data
from .threads import each

PART = 3_000_000  # multiplications that are worth a thread's while, which begins after some 50 µs
PARTS = 8  # the most
ALONE = 250_000  # fewer than so many are done by one thread of BLAS anyway; so is, by two, what has a single row
# A part has at least so many columns, or rows, or BLAS spends its time in copying what all parts need. Halves may be
# narrower: there are only two of them.
COLUMNS, ROWS, HALF = 192, 512, 64


def multiply_matrices(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """x @ y, as NumPy's ``matmul``; the same numbers with any number of threads, for the parts are the same."""
    x, y = _for_blas(x), _for_blas(y)
    if x.ndim < 2 or y.ndim < 2 or x.size * y.shape[-1] < ALONE or x.shape[-2] == 1 or openblas() is None:
        return np.asarray(np.matmul(x, y))
    parts = _parts(x, y)
    if len(parts) < 2:
        with one_thread():
            return np.asarray(np.matmul(x, y))
    product = np.empty((*x.shape[:-1], y.shape[-1]), x.dtype)

    def multiply_part(part: _Part) -> None:
        lead, rows, columns = part
        np.matmul(x[lead][..., rows, :], y[lead][..., columns], out=product[lead][..., rows, columns])

    each_product(multiply_part, parts)
    return product


_Part = tuple[Any, slice, slice]


def _parts(x: np.ndarray, y: np.ndarray) -> list[_Part]:
    """What to multiply at a time: where in the leading axes, which rows of x, which columns of y."""
    most = min(x.size * y.shape[-1] // PART, PARTS)
    if most < 2 or x.shape[:-2] != y.shape[:-2]:
        return []
    M, N = x.shape[-2], y.shape[-1]
    if x.ndim > 2:
        axis = int(np.argmax(x.shape[:-2]))
        return [((slice(None),) * axis + (part,), slice(None), slice(None)) for part in _slices(x.shape[axis], most)]
    columns = _slices(N, min(N // COLUMNS, most))
    rows = _slices(M, min(M // ROWS, most // len(columns)))
    if len(columns) == len(rows) == 1 and max(M, N) >= 2 * HALF:
        columns, rows = (_slices(N, 2), rows) if N >= M else (columns, _slices(M, 2))
    return [(..., row, column) for row in rows for column in columns]


def _slices(size: int, most: int) -> list[slice]:
    """0 to ``size`` in at most so many slices, all alike, and asked for in an even number."""
    count = max(most - most % 2, 1) if most < size else size
    step = -(-size // count)
    return [slice(start, min(start + step, size)) for start in range(0, size, step)]


def _for_blas(x: np.ndarray) -> np.ndarray:
    """``x`` in a layout that BLAS reads: a broadcast matrix (a stride of 0) would take NumPy's own slow loop."""
    return np.ascontiguousarray(x) if 0 in x.strides[-2:] else x


FEW = 64  # rows: a decoding step's tokens, or a short sentence's
FEW_COPIED = 16  # where BLAS copies also what is small: from some 24 rows on, copying all of W at once takes less
UNPACKED = 1_000_000  # multiplications of W xᵀ up to which OpenBLAS copies neither matrix beforehand
PLAIN = 280_000  # of x Wᵀ, about
SHARED, AT_ONCE = 16, 8  # such products from which they are shared out, and the most that are done in one call
LARGE = 1 << 14  # numbers of a weight, from which its layout matters


def are_few(x: np.ndarray, weight: np.ndarray) -> bool:
    """Whether x [..., in] has so few rows that BLAS would copy the weight [out, in] for longer than it multiplies."""
    most = FEW if has_small_kernels() else FEW_COPIED
    if not 1 < math.prod(x.shape[:-1]) <= most or weight.ndim != 2 or x.size * len(weight) <= PLAIN:
        return False
    same = x.dtype == weight.dtype == np.float32 and x.shape[-1] == weight.shape[1]
    return same and weight.flags.c_contiguous


def multiply_few_rows(x: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """x Wᵀ as (W xᵀ)ᵀ, by so few of W's rows at a time that BLAS takes them as they lie in memory.

    2 to 16 rows of x take half the time so, and 32 or 64 two thirds. A single one never has W copied.
    """
    rows = x.reshape(-1, x.shape[-1])
    columns, y = np.ascontiguousarray(rows.T), np.empty((len(rows), len(weight)), np.float32)
    step = max(UNPACKED // x.size, 1)
    products = -(-len(weight) // step)

    def multiply_part(part: slice) -> None:
        some = weight[part]
        whole = len(some) // step * step
        for start, stop, size in ((0, whole, step), (whole, len(some), len(some) - whole)):
            if start < stop:  # one call for many products: between two a thread waits for the interpreter's lock
                found = some[start:stop].reshape(-1, size, some.shape[1]) @ columns
                y[:, part.start + start : part.start + stop] = found.reshape(stop - start, -1).T

    at_once = step * min(AT_ONCE, -(-products // 2))
    parts = [slice(start, start + at_once) for start in range(0, len(weight), at_once)]
    each(multiply_part, parts, fewest=2 if products >= SHARED else len(parts) + 1)
    return y.reshape(*x.shape[:-1], len(weight))


def expect_one_row(weight: array) -> None:
    """Have ``weight`` [out, in] laid out as [in, out] when ``linear`` next multiplies a single row with it.

    It still is [out, in] to all who see it. Out of memory BLAS reads such a one at twice the speed. It rounds
    differently, so nothing is laid out anew unasked: the same call gives the same.
    """
    weight._single = True


def by_columns(x: np.ndarray, weight: Any) -> np.ndarray:
    """Wᵀ [in, out]"""
    rows = data(weight)
    if rows.size < LARGE or type(weight) is not array or not getattr(weight, "_single", False):
        return rows.T
    if rows.ndim == 2 and rows.flags.c_contiguous and math.prod(x.shape[:-1]) == 1:
        weight._data = _laid_by_columns(rows)
    return weight._data.T


def _laid_by_columns(rows: np.ndarray) -> np.ndarray:
    """The same numbers, column after column in memory; a few rows at a time, which stay in the cache."""
    columns = np.empty(rows.shape[::-1], rows.dtype)
    for start in range(0, len(rows), 16):
        columns[:, start : start + 16] = rows[start : start + 16].T
    return columns.T
