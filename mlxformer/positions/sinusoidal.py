"""Sinusoidal positions: a fixed vector for every position, a sine and a cosine for each of C/2 frequencies.

    PE(pos, 2i) = sin(pos / base^(2i/C)),  PE(pos, 2i+1) = cos(pos / base^(2i/C))      (Vaswani et al. 2017, §3.5)

So ``|PE(pos)|² = C/2`` at every position, and ``PE(pos) · PE(pos + k) = Σ_i cos(k / base^(2i/C))`` depends on k alone.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Any, Literal

import numpy as np

from mlxformer.backend import mx
from mlxformer.errors import ArgumentError
from mlxformer.tracing import Module, tap
from mlxformer.validation import is_whole, require_choice, require_positive, require_positive_number

Layout = Literal["interleaved", "halves"]


def sinusoidal_positions(
    length: int, dims: int, *, layout: Layout = "interleaved", offset: int = 0, base: float = 10_000.0
) -> Any:
    """The vectors of positions ``offset`` to ``offset + length - 1``: float32 [T, C].

    layout: ``"interleaved"`` puts sine and cosine of one frequency side by side, as printed in the paper; ``"halves"``
    puts all sines before all cosines (tensor2tensor, Marian). A permutation of the columns: a model trained with one
    cannot run with the other. Where C is odd, the last frequency has a sine only.

    Angles are computed in float64 and cast once: in float32 the angle of position 100,000 is off by up to 0.006.
    ``mlx.nn.SinusoidalPositionalEncoding`` is something else: it spaces its frequencies to end at 1/10,000 exactly,
    and scales by √(2/C) (C = 8, position 1: 0.421, 0.023 … where the paper has 0.841, 0.540 …).

    Raises ``ArgumentError`` for a length or width below 1, a negative offset, a base that is not above 0, or an
    unknown layout.
    """
    require_positive(length=length, dims=dims)
    require_offset(offset)
    require_choice("layout", layout, ("interleaved", "halves"))
    require_positive_number("base", base)
    return mx.array(rows_of(_table, offset, length, dims, layout, float(base)))  # [T, C]


class SinusoidalPositions(Module):
    """``sinusoidal_positions`` as a module without parameters: called with a length, it gives [T, C].

    A drop-in for ``LearnedPositions``, with no limit of length.
    """

    def __init__(self, dims: int, *, layout: Layout = "interleaved", base: float = 10_000.0) -> None:
        super().__init__()
        require_positive(dims=dims)
        require_choice("layout", layout, ("interleaved", "halves"))
        require_positive_number("base", base)
        self.dims = dims
        self.layout = layout
        self.base = base

    def __call__(self, length: int, offset: int = 0) -> Any:
        """The vectors of ``length`` positions from ``offset`` on: [T, C]."""
        rows = sinusoidal_positions(length, self.dims, layout=self.layout, offset=offset, base=self.base)
        return tap("output", rows, axes=("time", "model"), formula="sin, cos(pos / base^(2i/C))")


def require_offset(offset: int) -> None:
    """A position is a whole number of at least 0."""
    if not is_whole(offset, 0):
        raise ArgumentError(
            "offset-negative", f"offset must be a whole number of at least 0; got {offset!r}", given=offset
        )


def frequencies(dims: int, base: float) -> np.ndarray:
    """``base^(-2i/C)`` for i below C/2, in float64: [⌈C/2⌉]. Sinusoids and rotary positions share them."""
    return base ** (-np.arange(0, dims, 2, dtype=np.float64) / dims)


def rows_of(table: Callable[..., np.ndarray], offset: int, length: int, *what: Any) -> np.ndarray:
    """``table(offset, length, *what)``, cut out of a kept table where that is short.

    Kept, because a decoder asks for one row at each token; of a power-of-two length, so that it is made a few times
    while a text grows; and not beyond 8,192 positions, where it would cost more memory than it saves time.
    """
    end = offset + length
    if end > 8192:
        return table(offset, length, *what)
    return _kept(table, max(64, 1 << (end - 1).bit_length()), *what)[offset:end]


@lru_cache(maxsize=16)
def _kept(table: Callable[..., np.ndarray], length: int, *what: Any) -> np.ndarray:
    rows = table(0, length, *what)
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
