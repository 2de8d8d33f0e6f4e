"""The closed list: the names that the NumPy backend has, and that model files may use."""

from __future__ import annotations

from types import ModuleType
from typing import Any


def closed_list(namespace: Any, prefix: str = "") -> set[str]:
    """Every name of ``__all__``, and of the ``__all__`` of the modules in it: ``exp``, ``fast.layer_norm``."""
    names = set()
    for name in namespace.__all__:
        value = getattr(namespace, name)
        names |= closed_list(value, f"{prefix}{name}.") if isinstance(value, ModuleType) else {f"{prefix}{name}"}
    return names
