"""Rotary positions: queries and keys are turned, pair by pair, by an angle in proportion to their position.

    (x_{2i}, x_{2i+1}) at position m  ->  turned by m · base^(-2i/D)        (RoFormer, Su et al. 2021, §3.2.2, Eq. 34)

Turning keeps lengths, and ``⟨R_m q, R_n k⟩ = ⟨R_{m-n} q, k⟩``: a score depends on the distance, not on the place.
Values are not turned: they carry content.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from mlxformer.axes import HEADS_IN_TIME
from mlxformer.backend import mx
from mlxformer.errors import ArgumentError
from mlxformer.positions.sinusoidal import Layout, frequencies, require_offset, rows_of
from mlxformer.tracing import Module
from mlxformer.validation import (
    require_choice,
    require_floating,
    require_positive,
    require_positive_number,
    require_shape,
)


@dataclass(frozen=True)
class Llama3Stretch:
    """Slow pairs turn slower still, fast ones as before: how Llama 3.1 reads longer texts than it was trained on first.

        λ > T/low: θ/factor;   λ < T/high: θ;   between: a mixture, linear in T/λ     (λ = 2π/θ, the wavelength)

    Args:
        factor: by which the slow pairs are slowed.
        low_freq_factor: low; wavelengths above T/low are slow.
        high_freq_factor: high > low; those below T/high are fast.
        original_length: T, tokens, of the first training.

    Raises:
        ArgumentError: numbers not above 0, and ``high_freq_factor`` not above ``low_freq_factor``.

    Source: Grattafiori et al. 2024, "The Llama 3 Herd of Models", and its code.

    >>> from mlxformer.positions.rotary import Llama3Stretch
    >>> stretch = Llama3Stretch(factor=8.0, low_freq_factor=1.0, high_freq_factor=4.0, original_length=8192)
    >>> stretch(np.array([1.0, 1e-5])).tolist()
    [1.0, 1.25e-06]
    """

    factor: float
    low_freq_factor: float
    high_freq_factor: float
    original_length: float

    def __post_init__(self) -> None:
        for name in ("factor", "low_freq_factor", "high_freq_factor", "original_length"):
            require_positive_number(name, getattr(self, name))
        if self.high_freq_factor <= self.low_freq_factor:
            low, high = self.low_freq_factor, self.high_freq_factor
            message = f"high_freq_factor must be above low_freq_factor={low}; got {high}"
            raise ArgumentError("rope-stretch", message, low=low, given=high)

    def __call__(self, angles: np.ndarray) -> np.ndarray:
        """The angle a token of each pair, from that of the first training.

        Args:
            angles: θ of each pair, floating point [R/2], radians a token, as in the first training.
        """
        turns = self.original_length * angles / (2 * np.pi)  # T/λ
        share = (turns - self.low_freq_factor) / (self.high_freq_factor - self.low_freq_factor)
        kept = np.clip(share, 0.0, 1.0)
        return kept * angles + (1 - kept) * angles / self.factor


class RotaryEmbedding(Module):
    """Turns each pair of features of a query or key by an angle in proportion to its position; it has no parameters.

        (x_{2i}, x_{2i+1}) at position m  ->  turned by m · base^(-2i/R)

    Called as ``rope(x, offset=…)`` on queries and on keys, it makes their scores depend on the distance alone. Angles
    are computed in float64. ``mx.fast.rope`` computes them in float32, and its result at position 100,000 is off by
    0.004 (D = 64, unit pairs).

    Args:
        head_dim: D, the width of a head.
        base: of the angles, above 0; the larger, the slower the slowest pair turns.
        layout: which features make a pair. ``"interleaved"``: (0, 1), (2, 3), … as printed in the paper (GPT-J;
            ``mlx.nn.RoPE(traditional=True)``). ``"halves"``: (0, R/2), (1, R/2 + 1), … (GPT-NeoX, Llama in Hugging
            Face; MLX's default). A model trained with one cannot run with the other.
        rotary_dims: R, how many leading features are turned, even; None means all D (GPT-NeoX turns a quarter).
        scale: multiplies the positions; below 1 it interpolates to longer texts (Chen et al. 2023, Eq. 4: trained
            length over new length).
        stretch: the angle a token of each pair, from the plain one, as ``Llama3Stretch`` does; None leaves it.

    Raises:
        ArgumentError: an odd width, R > D, a base or scale that is not above 0, an unknown layout; when called, an
            array of another rank or width.

    Source: Su et al. 2021, "RoFormer", §3.2.2, Eq. 34.

    >>> import mlxformer as mf
    >>> from mlxformer.backend import mx
    >>> rope = mf.RotaryEmbedding(2)
    >>> turned = rope(mx.array([[[[1.0, 0.0], [1.0, 0.0]]]]))[0, 0]  # by 0 and by 1 radian
    >>> [[round(value, 4) for value in row] for row in turned.tolist()]
    [[1.0, 0.0], [0.5403, 0.8415]]
    """

    def __init__(
        self,
        head_dim: int,
        *,
        base: float = 10_000.0,
        layout: Layout = "interleaved",
        rotary_dims: int | None = None,
        scale: float = 1.0,
        stretch: Llama3Stretch | None = None,
    ) -> None:
        super().__init__()
        rotary_dims = head_dim if rotary_dims is None else rotary_dims
        require_positive(head_dim=head_dim, rotary_dims=rotary_dims)
        require_choice("layout", layout, ("interleaved", "halves"))
        require_positive_number("base", base)
        require_positive_number("scale", scale)
        if rotary_dims % 2 or rotary_dims > head_dim:
            raise ArgumentError(
                "rotary-dims",
                f"rotary positions turn pairs: rotary_dims must be even and at most head_dim={head_dim}; "
                f"got {rotary_dims}",
                rotary_dims=rotary_dims,
                head_dim=head_dim,
            )
        fastest = math.log(scale) + max(0.0, (2 / rotary_dims - 1) * math.log(base))
        if fastest > math.log(1e12):
            message = f"base={base:g} and scale={scale:g} turn a token by more than 1e12 radians; give others"
            raise ArgumentError("number-too-large", message, name="scale", given=scale)
        self.head_dim = head_dim
        self.rotary_dims = rotary_dims
        self.base = base
        self.layout = layout
        self.scale = scale
        self.stretch = stretch

    def _extra_repr(self) -> str:
        text = f"head_dim={self.head_dim}, base={self.base:g}, layout={self.layout!r}"
        text += "" if self.rotary_dims == self.head_dim else f", rotary_dims={self.rotary_dims}"
        text += "" if self.scale == 1 else f", scale={self.scale:g}"
        return text + ("" if self.stretch is None else f", stretch={self.stretch}")

    def __call__(self, x: mx.array, offset: int = 0) -> mx.array:
        """Turn ``x`` by its positions.

        Args:
            x: queries or keys, floating point [B, H, T, D].
            offset: the position of the first token; above 0 where earlier tokens are cached.

        Returns:
            [B, H, T, D], in the dtype of ``x``; the lengths of its pairs are those of ``x``.

        Raises:
            ArgumentError: another rank or width, numbers that are not floating point, a negative offset.
        """
        require_floating("x", x)
        require_shape("x", x, HEADS_IN_TIME, (None, None, None, self.head_dim))
        require_offset(offset)
        table = rows_of(_table, offset, x.shape[2], self.rotary_dims, float(self.base), float(self.scale), self.stretch)
        cos, sin = mx.array(table[:, 0]), mx.array(table[:, 1])  # [T, R/2]
        turned = self._turn(x[..., : self.rotary_dims].astype(mx.float32), cos, sin).astype(x.dtype)
        if self.rotary_dims == self.head_dim:
            return turned
        return mx.concatenate([turned, x[..., self.rotary_dims :]], axis=-1)

    def _turn(self, x: mx.array, cos: mx.array, sin: mx.array) -> mx.array:
        if self.layout == "halves":
            first, second = x[..., : self.rotary_dims // 2], x[..., self.rotary_dims // 2 :]  # [B, H, T, R/2]
            return mx.concatenate([first * cos - second * sin, first * sin + second * cos], axis=-1)
        pairs = x.reshape(*x.shape[:3], self.rotary_dims // 2, 2)  # [B, H, T, R/2, 2]
        first, second = pairs[..., 0], pairs[..., 1]
        return mx.stack([first * cos - second * sin, first * sin + second * cos], axis=-1).reshape(x.shape)


def _table(offset: int, length: int, dims: int, base: float, scale: float, stretch: Llama3Stretch | None) -> np.ndarray:
    """cos and sin of every angle: float32 [T, 2, R/2]."""
    steps = frequencies(dims, base)
    steps = steps if stretch is None else stretch(steps)
    angles = np.arange(offset, offset + length)[:, None] * scale * steps  # float64 [T, R/2]
    return np.stack([np.cos(angles), np.sin(angles)], axis=1).astype(np.float32)
