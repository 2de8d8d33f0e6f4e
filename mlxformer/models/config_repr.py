"""A configuration in one readable line: its sizes, and what else differs from the defaults."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import MISSING, fields
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from _typeshed import DataclassInstance


def config_repr(config: DataclassInstance, sizes: Sequence[str]) -> str:
    """``BertConfig(vocab_size=30522, hidden_size=768, …)``: what makes an equal one, without the defaults.

    Args:
        config: a dataclass.
        sizes: the fields that are always shown, first and in this order.

    Returns:
        An expression.

    >>> from dataclasses import dataclass
    >>> from mlxformer.models.config_repr import config_repr
    >>> @dataclass
    ... class Sizes:
    ...     dims: int = 8
    ...     norm: str = "post"
    ...     dropout: float = 0.1
    >>> config_repr(Sizes(dropout=0.0), ["dims"])
    'Sizes(dims=8, dropout=0.0)'
    """
    shown = {name: getattr(config, name) for name in sizes}
    for field in fields(config):
        value = getattr(config, field.name)
        if field.default is MISSING or value != field.default:
            shown.setdefault(field.name, value)
    return f"{type(config).__name__}({', '.join(f'{name}={value!r}' for name, value in shown.items())})"
