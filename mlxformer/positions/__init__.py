"""Where a token stands: what attention alone cannot know, given to it in the ways of the literature.

Added to the input: ``sinusoidal_positions`` and ``SinusoidalPositions``, ``LearnedPositions``.
Turning queries and keys: ``RotaryEmbedding``.
Added to the scores: ``alibi_bias``, ``T5RelativeBias``, ``RelativeKeys`` (Shaw).
"""

from mlxformer.positions.alibi import alibi_bias, alibi_slopes
from mlxformer.positions.learned import LearnedPositions
from mlxformer.positions.relative import relative_positions
from mlxformer.positions.rotary import RotaryEmbedding
from mlxformer.positions.shaw import RelativeKeys
from mlxformer.positions.sinusoidal import SinusoidalPositions, sinusoidal_positions
from mlxformer.positions.t5 import T5RelativeBias, t5_buckets

__all__ = [
    "LearnedPositions",
    "RelativeKeys",
    "RotaryEmbedding",
    "SinusoidalPositions",
    "T5RelativeBias",
    "alibi_bias",
    "alibi_slopes",
    "relative_positions",
    "sinusoidal_positions",
    "t5_buckets",
]
