"""The embedding table."""

from __future__ import annotations

import math
from typing import Any

from .. import random
from ..products import linear
from .module import Module


class Embedding(Module):
    """One row of ``weight`` [num_embeddings, dims] for each id; rows drawn from N(0, 1/dims).

    An id out of range raises ``IndexError``, where MLX reads whatever is there.
    """

    def __init__(self, num_embeddings: int, dims: int) -> None:
        super().__init__()
        self.weight = random.normal((num_embeddings, dims), scale=math.sqrt(1 / dims))

    def _extra_repr(self) -> str:
        return f"{self.weight.shape[0]}, {self.weight.shape[1]}"

    def __call__(self, x: Any) -> Any:
        return self["weight"][x]

    def as_linear(self, x: Any) -> Any:
        """x Wᵀ: the scores of all ids, with the table tied to the output."""
        return linear(x, self["weight"])
