"""Which backend computes and why, in the chosen language."""

from __future__ import annotations

from typing import TYPE_CHECKING

from questions.bilingual import Language
from tui.language.words import words

if TYPE_CHECKING:
    from mlxformer.backend import Description


def say_backend(description: Description, language: Language) -> str:
    """``NumPy 2.4.0 on x86_64 CPU (MLX has no usable GPU here)``."""
    is_mlx = description.name == "mlx"
    return words(
        "backend.runs",
        language,
        name="MLX" if is_mlx else "NumPy",
        version=description.mlx_version if is_mlx else description.numpy_version,
        device=description.device_name,
        reason=words(f"backend.{description.reason}", language),
    )
