"""Attention that shows itself: in a terminal in color or ASCII, in a notebook as HTML, in a file as a page.

NumPy and the standard library alone; torch tensors and arrays of other libraries are read by what they offer.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from mlxformer import backend
from mlxformer.backend import mx
from mlxformer.errors import ArgumentError
from mlxformer.inspection.attention_page import fragment, page
from mlxformer.inspection.attention_text import text
from mlxformer.tracing import Step


class Shown:
    """What ``show`` returns: a notebook draws it by ``_repr_html_``; ``str`` gives it as ASCII.

    Args:
        values: [H, Tq, Tk], float64.
        queries: a word for each row.
        keys: a word for each column.
        title: what is shown.
        heads: the number of each head.

    >>> from mlxformer.inspection.show import Shown
    >>> shown = Shown(np.eye(2)[None], ["the", "cat"], ["the", "cat"], "weights", [0])
    >>> shown
    Shown('weights', heads=1, queries=2, keys=2)
    >>> shown.html()[:15]
    '<!doctype html>'
    """

    def __init__(
        self, values: np.ndarray, queries: Sequence[str], keys: Sequence[str], title: str, heads: Sequence[int]
    ) -> None:
        self.values, self.queries, self.keys, self.title, self.heads = values, queries, keys, title, heads

    def __str__(self) -> str:
        return self.text(color=False)

    def __repr__(self) -> str:
        """What is shown, in a line, without the values."""
        heads, queries, keys = self.values.shape
        return f"Shown({self.title!r}, heads={heads}, queries={queries}, keys={keys})"

    def text(self, *, color: bool, width: int = 80) -> str:
        """As lines of at most ``width`` cells, in color by ANSI codes or in ASCII.

        Args:
            color: whether cells have colored grounds.
            width: cells of a line.
        """
        return text(self.values, self.queries, self.keys, self.title, self.heads, color=color, width=width)

    def html(self) -> str:
        """As a page that needs nothing else."""
        return page(self.values, self.queries, self.keys, self.title, self.heads)

    def _repr_html_(self) -> str:
        return fragment(self.values, self.queries, self.keys, self.title, self.heads)


def show(
    values: Step | mx.array | ArrayLike,
    *,
    tokens: Sequence[str] | None = None,
    keys: Sequence[str] | None = None,
    head: int | None = None,
    batch: int = 0,
    title: str = "",
    html: str | os.PathLike[str] | None = None,
    color: bool | None = None,
) -> Shown:
    """Show attention: print it in a terminal, draw it in a notebook, write it to a page.

    Args:
        values: a ``Step`` of a trace, or any array of rank 2 to 4: [Tq, Tk], [H, Tq, Tk] or [B, H, Tq, Tk]; of MLX,
            NumPy, torch or nested lists.
        tokens: a word for each query, and for each key where ``keys`` is not given; numbers where None.
        keys: a word for each key, where keys are other tokens than queries (cross-attention).
        head: the one head to show; all where None.
        batch: which of the batch to show, where there is one.
        title: what stands above; a step's path where empty.
        html: a file to write the page to, instead of printing.
        color: whether the terminal gets colors; None where it is one and ``NO_COLOR`` is not set.

    Returns:
        What was shown. In a notebook nothing is printed: the cell draws it.

    Raises:
        ArgumentError: values of another rank, or without cells; as many tokens as there are not; a head or batch that
            does not exist.

    >>> import mlxformer as mf
    >>> shown = mf.show([[0.75, 0.25], [0.5, 0.5]], tokens=["a", "cat"], color=False)
    attention  1 head, 2 x 2
           a  cat
      a  .75  .25
    cat  .50  .50
    >>> shown
    Shown('attention', heads=1, queries=2, keys=2)
    """
    name = title or (values.path if isinstance(values, Step) else "attention")
    array, heads = _cells(values, batch, head)
    queries = _labels("tokens", tokens, array.shape[1])
    across = tokens if keys is None and tokens is not None and array.shape[1] == array.shape[2] else keys
    made = Shown(array, queries, _labels("keys", across, array.shape[2]), name, heads)
    if html is not None:
        Path(html).write_text(made.html(), encoding="utf-8")
    elif not _in_notebook():
        width = _width()
        print(made.text(color=_colored() if color is None else color, width=width))
    return made


def _cells(values: Any, batch: int, head: int | None) -> tuple[np.ndarray, list[int]]:
    """[H, Tq, Tk] and the numbers of its heads."""
    array = _array(values)
    if not 2 <= array.ndim <= 4 or 0 in array.shape:
        message = f"cannot show an array of shape {list(array.shape)}: give [Tq, Tk], [H, Tq, Tk] or [B, H, Tq, Tk]"
        raise ArgumentError("cannot-show", message, given=list(array.shape))
    if array.ndim == 4:
        if not -len(array) <= batch < len(array):
            message = f"batch={batch} does not exist: there are {len(array)}, from 0"
            raise ArgumentError("no-such-place", message, name="batch", given=batch, count=len(array))
        array = array[batch]
    elif array.ndim == 2:
        array = array[None]
    if head is None:
        return array, list(range(len(array)))
    if not -len(array) <= head < len(array):
        message = f"head={head} does not exist: there are {len(array)}, from 0"
        raise ArgumentError("no-such-place", message, name="head", given=head, count=len(array))
    return array[head][None], [head % len(array)]


def _array(values: Any) -> np.ndarray:
    if isinstance(values, Step):
        values = values.value
    if backend.is_array(values):
        values = backend.to_numpy(values)
    elif hasattr(values, "detach"):  # torch: bfloat16 has no twin in NumPy, and a gradient no place there
        values = values.detach().cpu().float().numpy()
    try:
        return np.asarray(values, dtype=np.float64)
    except (TypeError, ValueError) as error:
        message = f"cannot show a {type(values).__name__}: {error}; give an array of numbers, of rank 2 to 4"
        raise ArgumentError("cannot-show", message, given=type(values).__name__) from error


def _labels(name: str, words: Sequence[str] | None, count: int) -> list[str]:
    if words is None:
        return [str(place) for place in range(count)]
    if len(words) != count:
        message = f"{name} has {len(words)} words for {count} places: give one word for each"
        raise ArgumentError("labels-count", message, name=name, given=len(words), count=count)
    return [str(word) for word in words]


def _in_notebook() -> bool:
    """Whether a notebook draws what a cell returns; asked of what is loaded, so that nothing is imported."""
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython is not None else None
    return shell is not None and type(shell).__name__ == "ZMQInteractiveShell"


def _colored() -> bool:
    return sys.stdout.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


def _width() -> int:
    try:
        return max(os.get_terminal_size(sys.stdout.fileno()).columns, 20)
    except (OSError, ValueError, AttributeError):
        return 80
