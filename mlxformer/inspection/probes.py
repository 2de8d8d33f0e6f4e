"""A linear probe in closed form: how much of a label can be read off vectors that nobody trained for it.

    W = (X̃ᵀ X̃ + λ I)⁻¹ X̃ᵀ Ỹ,   X̃ and Ỹ with their means taken off, Y one-hot

Ridge regression (Hoerl & Kennard 1970) on one-hot labels; the class is the largest score. It takes NumPy arrays, as
``Step.value`` is one, and computes in float64.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from mlxformer.errors import ArgumentError
from mlxformer.validation import require_positive_number


class LinearProbe(NamedTuple):
    """weights [C, K] and bias [K] of K classes."""

    weights: np.ndarray
    bias: np.ndarray

    def predict(self, features: Any) -> np.ndarray:
        """features [N, C] -> the class of each, [N]."""
        scores = np.asarray(features, np.float64) @ self.weights + self.bias
        return np.asarray(scores.argmax(-1))

    def accuracy(self, features: Any, labels: Any) -> float:
        """The share of rows whose class is ``labels`` [N]."""
        return float((self.predict(features) == np.asarray(labels)).mean())


def fit_probe(features: Any, labels: Any, *, strength: float = 1.0) -> LinearProbe:
    """Fit features [N, C] to labels [N], whole numbers from 0. strength: λ, above 0; it also serves N < C.

    Raises ``ArgumentError`` for shapes that differ, no rows, and labels that are not whole numbers from 0.
    """
    x, y = np.asarray(features, np.float64), np.asarray(labels)
    if x.ndim != 2 or y.shape != x.shape[:1] or not len(y):
        message = f"features must be [N, C] and labels [N], N at least 1; got {list(x.shape)} and {list(y.shape)}"
        raise ArgumentError("probe-shapes", message, features=list(x.shape), labels=list(y.shape))
    if not np.issubdtype(y.dtype, np.integer) or y.min() < 0:
        message = f"labels must be whole numbers from 0; got {y.dtype} from {y.min()}"
        raise ArgumentError("probe-labels", message, given=str(y.dtype))
    require_positive_number("strength", strength)
    targets = np.eye(int(y.max()) + 1)[y]  # [N, K]
    middle, shares = x.mean(0), targets.mean(0)
    centered = x - middle
    covariance = centered.T @ centered + strength * np.eye(x.shape[1])
    weights = np.linalg.solve(covariance, centered.T @ (targets - shares))
    return LinearProbe(weights, shares - middle @ weights)
