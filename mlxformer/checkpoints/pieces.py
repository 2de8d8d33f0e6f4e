"""Tensors of a file that are stored otherwise than the model has them: transposed, or several in one.

    piece(tensor, "query", axis=1, part=0, of=3, transposed=True)    # GPT-2's c_attn [C, 3C] -> [C, C], the first third

Nothing is read before ``read`` is called.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from mlxformer.checkpoints.safetensors import StoredTensor


@dataclass(frozen=True)
class Piece(StoredTensor):
    """A part of a stored tensor, or all of it, transposed or not; it is read as any other.

    ``piece`` makes one.

    Args:
        whole: the tensor that it is a part of.
        axis: along which it was cut.
        first: where the part begins, on that axis.
        last: where it ends.
        transposed: whether rows and columns are exchanged, after the cut.

    >>> from pathlib import Path
    >>> from mlxformer.checkpoints.pieces import piece
    >>> from mlxformer.checkpoints.safetensors import StoredTensor
    >>> whole = StoredTensor("w", "F32", (1, 4), Path("x"), np.arange(4, dtype=np.float32).view(np.uint8))
    >>> first = piece(whole, axis=1, of=2)
    >>> type(first).__name__, first.read().tolist()
    ('Piece', [[0.0, 1.0]])
    """

    whole: StoredTensor | None = field(default=None, repr=False)
    axis: int = 0
    first: int = 0
    last: int = 0
    transposed: bool = False

    def read(self, *args: Any, **options: Any) -> np.ndarray:
        """The values, as ``StoredTensor.read`` gives those of the whole.

        Args:
            args: handed on to the whole's ``read``: ``wide``, where it is given by place.
            options: likewise, where it is given by name.
        """
        assert self.whole is not None, "piece() makes it with one"
        values = self.whole.read(*args, **options)
        values = values[(slice(None),) * self.axis + (slice(self.first, self.last),)]
        return np.ascontiguousarray(values.T if self.transposed else values)


def piece(
    whole: StoredTensor, label: str = "", *, axis: int = 0, part: int = 0, of: int = 1, transposed: bool = False
) -> StoredTensor:
    """One of ``of`` equal parts of a tensor.

    Args:
        whole: the tensor.
        label: what the part is called in messages, after the tensor's name; "" adds nothing.
        axis: along which it is cut.
        part: which part, from 0.
        of: into how many it is cut. Where they cannot be equal, the tensor itself is given back: its shape fits
            nowhere, and loading says so.
        transposed: whether rows and columns are exchanged.

    Returns:
        A tensor to be read.

    >>> from pathlib import Path
    >>> from mlxformer.checkpoints.pieces import piece
    >>> from mlxformer.checkpoints.safetensors import StoredTensor
    >>> whole = StoredTensor("w", "F32", (1, 4), Path("x"), np.arange(4, dtype=np.float32).view(np.uint8))
    >>> second = piece(whole, "key", axis=1, part=1, of=2, transposed=True)
    >>> second.name, second.shape, second.read().tolist()
    ('w[key]', (2, 1), [[2.0], [3.0]])
    """
    rank = len(whole.shape)
    if axis >= rank or whole.shape[axis] % of or (transposed and rank != 2):
        return whole
    size = whole.shape[axis] // of
    shape = tuple(size if place == axis else length for place, length in enumerate(whole.shape))
    return Piece(
        f"{whole.name}[{label}]" if label else whole.name,
        whole.dtype,
        shape[::-1] if transposed else shape,
        whole.path,
        whole._bytes,
        whole=whole,
        axis=axis,
        first=part * size,
        last=(part + 1) * size,
        transposed=transposed,
    )
