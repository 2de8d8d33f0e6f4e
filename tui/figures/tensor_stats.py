"""An array in one line, as treescope says it: axes, shape, dtype, mean and deviation, range, and what is odd in it.

An array is asked for its own sums, so that nothing here imports its library; nested lists are walked.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from questions.bilingual import Bilingual, Language, say
from tui.figures.heatmap_cells import FILL
from tui.figures.numbers import short
from tui.language.tensors import axis_word


@dataclass(frozen=True)
class TensorStats:
    """``mean``, ``std`` (population), ``low`` and ``high`` are over the finite elements; None where there are none.

    ``fill`` counts the elements that a mask has set to the lowest float32; they are left out of the four.
    """

    shape: tuple[int, ...]
    dtype: str
    size: int
    mean: float | None
    std: float | None
    low: float | None
    high: float | None
    zeros: int
    nan: int
    plus_infinity: int
    minus_infinity: int
    fill: int

    @property
    def is_odd(self) -> bool:
        """Whether it has NaN or infinity in it."""
        return bool(self.nan or self.plus_infinity or self.minus_infinity)


def tensor_stats(values: Any) -> TensorStats:
    """The statistics of a NumPy array or of nested lists."""
    return _of_array(values) if hasattr(values, "dtype") else _of_lists(values)


def shape_text(axes: Sequence[str], shape: Sequence[int], language: Language) -> str:
    """``(head 4, query 7, key 7)``; of axes without names ``(4, 7, 7)``."""
    names = [*(axis_word(axis, language) for axis in axes), *[""] * (len(shape) - len(axes))]
    return f"({', '.join(f'{name} {extent}'.strip() for name, extent in zip(names, shape, strict=False))})"


def summary(axes: Sequence[str], stats: TensorStats, language: Language) -> str:
    """``(head 4, query 7, key 7) float32  0.1429 ± 0.2054  [0, 0.9834]  84 zeros``; no axes, no names."""
    parts = [f"{shape_text(axes, stats.shape, language)} {stats.dtype}".strip()]
    if stats.mean is not None and stats.std is not None:
        if stats.size == 1:
            parts.append(short(stats.mean, 7))
        else:
            parts += [f"{short(stats.mean)} ± {short(stats.std)}", f"[{short(stats.low)}, {short(stats.high)}]"]
    odd: list[tuple[int, Bilingual | str]] = [
        (stats.zeros if stats.size > 1 else 0, _ZEROS),
        (stats.fill, _FILL_WORDS),
        (stats.nan, "NaN"),
        (stats.plus_infinity, "+inf"),
        (stats.minus_infinity, "-inf"),
    ]
    parts += [f"{count} {say(name, language)}" for count, name in odd if count]
    return "  ".join(parts)


_ZEROS = Bilingual("个零", "zeros")
_FILL_WORDS = Bilingual("个掩码填充值", "mask fills")


def _of_array(values: Any) -> TensorStats:
    numbers = (values.astype("float32") if values.dtype.itemsize < 4 else values).reshape(-1)
    finite = numbers[(numbers > FILL) & (numbers < math.inf)]  # NaN compares false
    count = int(finite.size)
    return TensorStats(
        shape=tuple(values.shape),
        dtype=str(values.dtype),
        size=int(values.size),
        mean=float(finite.mean(dtype="float64")) if count else None,
        std=float(finite.std(dtype="float64")) if count else None,
        low=float(finite.min()) if count else None,
        high=float(finite.max()) if count else None,
        zeros=int((values == 0).sum()),
        nan=int((values != values).sum()),
        plus_infinity=int((numbers == math.inf).sum()),
        minus_infinity=int((numbers == -math.inf).sum()),
        fill=int(((numbers <= FILL) & (numbers > -math.inf)).sum()),
    )


def _of_lists(values: Any) -> TensorStats:
    shape = shape_of_lists(values)
    numbers = [float(value) for value in _flat(values)]
    finite = [value for value in numbers if FILL < value < math.inf]
    mean = math.fsum(finite) / len(finite) if finite else None
    return TensorStats(
        shape=shape,
        dtype="",
        size=len(numbers),
        mean=mean,
        std=math.sqrt(math.fsum((value - mean) ** 2 for value in finite) / len(finite)) if mean is not None else None,
        low=min(finite, default=None),
        high=max(finite, default=None),
        zeros=sum(value == 0 for value in numbers),
        nan=sum(map(math.isnan, numbers)),
        plus_infinity=sum(value == math.inf for value in numbers),
        minus_infinity=sum(value == -math.inf for value in numbers),
        fill=sum(-math.inf < value <= FILL for value in numbers),
    )


def shape_of_lists(values: Any) -> tuple[int, ...]:
    """The shape of nested lists, by their first elements."""
    shape: list[int] = []
    while isinstance(values, list | tuple):
        shape.append(len(values))
        if not values:
            break
        values = values[0]
    return tuple(shape)


def _flat(values: Any) -> Iterator[Any]:
    if isinstance(values, list | tuple):
        for value in values:
            yield from _flat(value)
    else:
        yield values
