"""Sinusoidal positions: a fixed vector for every position, a sine and a cosine for each of C/2 frequencies.

    PE(pos, 2i) = sin(pos / base^(2i/C)),  PE(pos, 2i+1) = cos(pos / base^(2i/C))      (Vaswani et al. 2017, §3.5)

So ``|PE(pos)|² = C/2`` at every position, and ``PE(pos) · PE(pos + k) = Σ_i cos(k / base^(2i/C))`` depends on k alone.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Any, Literal

import numpy as np

from mlxformer.axes import POSITIONS
from mlxformer.backend import mx
from mlxformer.errors import ArgumentError
from mlxformer.tracing import Module, tap
from mlxformer.validation import is_whole, require_choice, require_positive, require_positive_number

Layout = Literal["interleaved", "halves"]
_AROUND = 512  # rows that are kept around far ones


def sinusoidal_positions(
    length: int, dims: int, *, layout: Layout = "interleaved", offset: int = 0, base: float = 10_000.0
) -> mx.array:
    """A sine and a cosine for each of C/2 frequencies, at each position.

        PE(pos, 2i) = sin(pos / base^(2i/C)),  PE(pos, 2i+1) = cos(pos / base^(2i/C))

    Angles are computed in float64 and cast once: in float32 the angle of position 100,000 is off by up to 0.006.
    ``mlx.nn.SinusoidalPositionalEncoding`` is something else: it spaces its frequencies to end at 1/10,000 exactly,
    and scales by √(2/C) (C = 8, position 1: 0.421, 0.023 … where the paper has 0.841, 0.540 …).

    Args:
        length: T, how many positions.
        dims: C, the width of a vector. Where it is odd, the last frequency has a sine only.
        layout: ``"interleaved"`` puts sine and cosine of one frequency side by side, as printed in the paper;
            ``"halves"`` puts all sines before all cosines (tensor2tensor, Marian). A permutation of the columns: a
            model trained with one cannot run with the other.
        offset: the first position; above 0 where earlier tokens are cached.
        base: the longest wavelength over 2π, above 0.

    Returns:
        float32 [T, C].

    Raises:
        ArgumentError: a length or width below 1, a negative offset, a base that is not above 0, an unknown layout.

    Source: Vaswani et al. 2017, §3.5.

    >>> import mlxformer as mf
    >>> [round(value, 3) for value in mf.sinusoidal_positions(2, 4)[1].tolist()]
    [0.841, 0.54, 0.01, 1.0]
    """
    require_positive(length=length, dims=dims)
    require_offset(offset)
    require_choice("layout", layout, ("interleaved", "halves"))
    require_positive_number("base", base)
    return mx.array(rows_of(_table, offset, length, dims, layout, float(base)))  # [T, C]


class SinusoidalPositions(Module):
    """``sinusoidal_positions`` as a module without parameters; a drop-in for ``LearnedPositions``, without its limit.

    Args:
        dims: C, the width of a vector.
        layout: ``"interleaved"`` or ``"halves"``, as in ``sinusoidal_positions``.
        base: the longest wavelength over 2π, above 0.

    Raises:
        ArgumentError: as ``sinusoidal_positions``.

    Source: Vaswani et al. 2017, §3.5.

    >>> import mlxformer as mf
    >>> mf.SinusoidalPositions(64)(10, offset=5).shape == (10, 64)
    True
    """

    def __init__(self, dims: int, *, layout: Layout = "interleaved", base: float = 10_000.0) -> None:
        super().__init__()
        require_positive(dims=dims)
        require_choice("layout", layout, ("interleaved", "halves"))
        require_positive_number("base", base)
        self.dims = dims
        self.layout = layout
        self.base = base

    def _extra_repr(self) -> str:
        return f"dims={self.dims}, layout={self.layout!r}, base={self.base:g}"

    def __call__(self, length: int, offset: int = 0) -> mx.array:
        """The vectors of ``length`` positions from ``offset`` on.

        Args:
            length: T, how many positions.
            offset: the first of them; above 0 where earlier tokens are cached.

        Returns:
            float32 [T, C].

        Raises:
            ArgumentError: a length below 1, or a negative offset.
        """
        rows = sinusoidal_positions(length, self.dims, layout=self.layout, offset=offset, base=self.base)
        return tap("output", rows, axes=POSITIONS, formula="sin, cos(pos / base^(2i/C))")


def require_offset(offset: int) -> None:
    """Pass where ``offset`` is a position: a whole number of at least 0.

    Args:
        offset: what was given.

    Raises:
        ArgumentError: for anything else.

    >>> from mlxformer.positions.sinusoidal import require_offset
    >>> require_offset(-1)
    Traceback (most recent call last):
    mlxformer.errors.ArgumentError: offset must be a whole number of at least 0; got -1
    """
    if not is_whole(offset, 0):
        raise ArgumentError(
            "offset-negative", f"offset must be a whole number of at least 0; got {offset!r}", given=offset
        )


def frequencies(dims: int, base: float) -> np.ndarray:
    """``base^(-2i/C)`` for i below C/2, which sinusoids and rotary positions share.

    Args:
        dims: C.
        base: the longest wavelength over 2π.

    Returns:
        float64 [⌈C/2⌉], radians a token.

    >>> from mlxformer.positions.sinusoidal import frequencies
    >>> frequencies(4, 100.0).tolist()
    [1.0, 0.1]
    """
    return base ** (-np.arange(0, dims, 2, dtype=np.float64) / dims)


def rows_of(table: Callable[..., np.ndarray], offset: int, length: int, *what: Any) -> np.ndarray:
    """``table(offset, length, *what)``, cut out of a kept table where that is short.

    Kept, because a decoder asks for one row at each token: the 512 rows around those that are asked for, or, where more
    are, all from the first on, of a power-of-two length, so that it is made a few times while a text grows. The latter
    not beyond 8,192 positions, where it would cost more memory than it saves time.

    Args:
        table: makes the rows of ``length`` positions from ``offset`` on; a function without memory.
        offset: the first position.
        length: T, how many.
        what: the table's further arguments, hashable.

    Returns:
        The rows [T, …], read-only where they are kept.

    >>> import numpy as np
    >>> from mlxformer.positions.sinusoidal import rows_of
    >>> rows_of(lambda offset, length: np.arange(offset, offset + length), 3, 2).tolist()
    [3, 4]
    """
    end = offset + length
    first = offset // _AROUND * _AROUND
    if first > 0 and end <= first + _AROUND:
        return _kept(table, first, _AROUND, *what)[offset - first : end - first]
    if end > 8192:
        return table(offset, length, *what)
    return _kept(table, 0, max(64, 1 << (end - 1).bit_length()), *what)[offset:end]


@lru_cache(maxsize=16)
def _kept(table: Callable[..., np.ndarray], offset: int, length: int, *what: Any) -> np.ndarray:
    rows = table(offset, length, *what)
    rows.flags.writeable = False  # it is shared
    return rows


def _table(offset: int, length: int, dims: int, layout: str, base: float) -> np.ndarray:
    angles = np.arange(offset, offset + length)[:, None] * frequencies(dims, base)  # float64 [T, ⌈C/2⌉]
    sines, cosines = np.sin(angles), np.cos(angles)[:, : dims // 2]
    table = np.empty((length, dims), np.float32)
    if layout == "interleaved":
        table[:, 0::2], table[:, 1::2] = sines, cosines
    else:
        table[:, : sines.shape[1]], table[:, sines.shape[1] :] = sines, cosines
    return table
