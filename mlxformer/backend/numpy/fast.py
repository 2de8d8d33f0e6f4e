"""``mx.fast``: the fused functions."""

from typing import Any

from .absent import absent
from .attention import scaled_dot_product_attention
from .norms import layer_norm, rms_norm
from .rope import rope

__all__ = ["layer_norm", "rms_norm", "rope", "scaled_dot_product_attention"]


def __getattr__(name: str) -> Any:
    raise absent("mx.fast", name)
