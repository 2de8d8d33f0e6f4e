"""A linear probe in closed form: how much of a label can be read off vectors that nobody trained for it.

    W = (X̃ᵀ X̃ + λ I)⁻¹ X̃ᵀ Ỹ,   X̃ and Ỹ with their means taken off, Y one-hot

Ridge regression (Hoerl & Kennard 1970) on one-hot labels; the class is the largest score. It takes NumPy arrays, as
``Step.value`` is one, and computes in float64.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from mlxformer.errors import ArgumentError
from mlxformer.validation import fields_text, require_positive_number


class LinearProbe(NamedTuple):
    """A fitted probe: ``argmax(x W + b)`` is the class.

    Args:
        weights: W, float64 [C, K] of K classes.
        bias: b, float64 [K].

    >>> import numpy as np
    >>> from mlxformer.inspection.probes import LinearProbe
    >>> LinearProbe(np.eye(2), np.zeros(2)).predict([[0.1, 0.9]]).tolist()
    [1]
    """

    weights: np.ndarray
    bias: np.ndarray

    def __repr__(self) -> str:
        return fields_text(self)

    def predict(self, features: ArrayLike) -> np.ndarray:
        """The class with the largest score.

        Args:
            features: [N, C].

        Returns:
            Whole numbers [N].
        """
        scores = np.asarray(features, np.float64) @ self.weights + self.bias
        return np.asarray(scores.argmax(-1))

    def accuracy(self, features: ArrayLike, labels: ArrayLike) -> float:
        """The share of rows whose class is right.

        Args:
            features: [N, C].
            labels: whole numbers [N].

        Returns:
            0 to 1.
        """
        return float((self.predict(features) == np.asarray(labels)).mean())


def fit_probe(features: ArrayLike, labels: ArrayLike, *, strength: float = 1.0) -> LinearProbe:
    """Ridge regression of one-hot labels on vectors: ``W = (X̃ᵀ X̃ + λ I)⁻¹ X̃ᵀ Ỹ``, means taken off.

    Args:
        features: X [N, C].
        labels: whole numbers from 0, [N].
        strength: λ, above 0; it also serves N < C.

    Returns:
        The probe, a ``LinearProbe``.

    Raises:
        ArgumentError: shapes that differ, no rows, labels that are not whole numbers from 0, ``strength`` not above 0.

    Source: Hoerl & Kennard 1970.

    >>> from mlxformer.inspection.probes import fit_probe
    >>> probe = fit_probe([[0.0], [1.0], [4.0], [5.0]], [0, 0, 1, 1])
    >>> probe.predict([[0.5], [4.5]]).tolist(), probe.accuracy([[0.2]], [0])
    ([0, 1], 1.0)
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
