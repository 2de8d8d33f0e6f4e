"""Loss scaling: gradients in float16 are multiplied by S on their way, lest the small ones round to zero.

    backward of S · L   ->   gradients S · g in float16   ->   g = (S · g) / S in float32   ->   step on float32 weights
    where S · g holds an infinity or NaN: no step, S ← S / 2;   after N good steps in a row: S ← 2 S

float16's smallest positive number is 2⁻²⁴, its largest 65504; bfloat16 has float32's range and needs none of this.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from mlxformer.backend import mx, to_numpy, tree_flatten, tree_map
from mlxformer.validation import require_positive, require_positive_number


class LossScale:
    """A dynamic scale of the loss.

    Args:
        scale: S at first, above 0.
        patience: N, after how many good steps in a row it doubles.

    Raises:
        ArgumentError: a scale not above 0, or a patience below 1.

    Source: Micikevicius et al. 2018, "Mixed Precision Training", §3.2.

    >>> from mlxformer.backend import mx
    >>> from mlxformer.training.loss_scaling import LossScale
    >>> scale = LossScale(8.0, patience=2)
    >>> scale.unscale({"w": mx.array([4.0])})["w"].tolist()
    [0.5]
    >>> scale.unscale({"w": mx.array([float("inf")])}) is None, scale.scale
    (True, 4.0)
    """

    def __init__(self, scale: float = 2.0**16, patience: int = 2000) -> None:
        require_positive_number("scale", scale)
        require_positive(patience=patience)
        self.scale, self.patience, self.good = float(scale), patience, 0

    def __repr__(self) -> str:
        return f"LossScale(scale={self.scale:g}, patience={self.patience})"

    def __call__(self, loss: mx.array) -> mx.array:
        """``S · L``, which is to be differentiated.

        Args:
            loss: a scalar.

        >>> from mlxformer.backend import mx
        >>> float(LossScale(8.0)(mx.array(0.5)))
        4.0
        """
        return loss * self.scale

    def unscale(self, gradients: Any) -> Any:
        """The gradients of L in float32, and the next scale.

        Args:
            gradients: a tree of those of ``S · L``.

        Returns:
            A tree of the same form; None where a gradient overflowed, and this step is to be left out.

        >>> from mlxformer.backend import mx
        >>> scale = LossScale(2.0, patience=1)
        >>> scale.unscale([mx.array([2.0])])[0].tolist(), scale.scale
        ([1.0], 4.0)
        """
        leaves: dict[str, Any] = dict(tree_flatten(gradients))
        if not all(np.isfinite(to_numpy(value)).all() for value in leaves.values()):
            self.scale, self.good = self.scale / 2, 0
            return None
        divisor = self.scale
        self.good = self.good + 1
        if self.good >= self.patience:
            self.scale, self.good = self.scale * 2, 0
        return tree_map(lambda value: value.astype(mx.float32) / divisor, gradients)
