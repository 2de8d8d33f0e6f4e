"""Rotary positions for longer texts than a model was trained on: what to give ``RotaryEmbedding`` for each recipe.

    interpolation (PI)    scale = 1/s, every angle s times smaller                          (Chen et al. 2023, Eq. 4)
    NTK-aware             base · s^(R/(R − 2)): the fastest pair as before, the slowest s times slower    (bloc97 2023)
    YaRN                  by parts: pairs of more than β turns in the trained length as before, of fewer than α s times
                          slower, a mixture between; scores times (0.1 ln s + 1)²           (Peng et al. 2023, §3.2-3.4)

with s the new length over the trained one. Llama 3.1's stretch is YaRN's first half with α = 1, β = 4.
"""

from __future__ import annotations

import math

from mlxformer.errors import ArgumentError
from mlxformer.positions.rotary import Llama3Stretch
from mlxformer.validation import require_positive, require_positive_number


def ntk_base(base: float, factor: float, rotary_dims: int) -> float:
    """``base · s^(R/(R − 2))``: the base whose slowest pair turns s times slower, and whose fastest turns as before.

    Args:
        base: of the training, above 0.
        factor: s, above 0.
        rotary_dims: R, features that are turned, even and at least 4.

    Returns:
        The base to give to ``RotaryEmbedding``.

    Raises:
        ArgumentError: numbers not above 0, and fewer than two pairs.

    Source: bloc97 2023, "NTK-Aware Scaled RoPE"; as formula in Peng et al. 2023, "YaRN", §3.1.

    >>> from mlxformer.positions.stretching import ntk_base
    >>> round(ntk_base(10_000.0, 4.0, 4))
    160000
    """
    require_positive_number("base", base)
    require_positive_number("factor", factor)
    require_positive(rotary_dims=rotary_dims)
    if rotary_dims < 4 or rotary_dims % 2:
        message = f"rotary_dims must be even and at least 4, two pairs to tell apart; got {rotary_dims}"
        raise ArgumentError("ntk-dims", message, given=rotary_dims)
    return float(base) * float(factor) ** (rotary_dims / (rotary_dims - 2))


def yarn_stretch(
    factor: float, original_length: float, *, slow_turns: float = 1.0, fast_turns: float = 32.0
) -> Llama3Stretch:
    """YaRN's angles, by parts: ``θ' = (1 − γ) θ/s + γ θ``, with γ linear in the turns T/λ between α and β.

    Args:
        factor: s.
        original_length: T, tokens, of the training.
        slow_turns: α; pairs with fewer turns in T are interpolated whole. 1 by default, as for Llama.
        fast_turns: β; pairs with more are left. 32 by default.

    Returns:
        What ``RotaryEmbedding(stretch=…)`` takes. (Some code has γ linear in the pair's number instead.)

    Raises:
        ArgumentError: as ``Llama3Stretch``.

    Source: Peng et al. 2023, "YaRN", §3.2.

    >>> import numpy as np
    >>> from mlxformer.positions.stretching import yarn_stretch
    >>> yarn_stretch(4.0, 1000)(np.array([1.0, 1e-3])).tolist()
    [1.0, 0.00025]
    """
    return Llama3Stretch(factor, slow_turns, fast_turns, original_length)


def yarn_score_scale(factor: float) -> float:
    """``(0.1 ln s + 1)²``: what YaRN multiplies the scores by, queries and keys by its root each; 1 where s ≤ 1.

    Args:
        factor: s, above 0.

    Returns:
        The factor of the scores: give ``scale = yarn_score_scale(s) / √D`` to the attention.

    Raises:
        ArgumentError: a factor not above 0.

    Source: Peng et al. 2023, "YaRN", §3.4.

    >>> from mlxformer.positions.stretching import yarn_score_scale
    >>> round(yarn_score_scale(4.0), 4)
    1.2965
    """
    require_positive_number("factor", factor)
    return (0.1 * math.log(max(float(factor), 1.0)) + 1.0) ** 2
