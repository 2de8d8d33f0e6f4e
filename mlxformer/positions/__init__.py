"""Where a token stands: what attention alone cannot know, given to it in the ways of the literature.

Added to the input: ``sinusoidal_positions`` and ``LearnedPositions``.
"""

from mlxformer.positions.learned import LearnedPositions
from mlxformer.positions.sinusoidal import SinusoidalPositions, sinusoidal_positions

__all__ = ["LearnedPositions", "SinusoidalPositions", "sinusoidal_positions"]
