"""A model or a configuration in one readable line: its sizes, in the same words for every model."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import MISSING, fields
from typing import TYPE_CHECKING

from mlxformer.backend import nn, tree_flatten

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
    >>> from mlxformer.models.reprs import config_repr
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


def sizes_text(module: nn.Module, **sizes: object) -> str:
    """What a ``repr`` says of a model: its sizes, and how many parameters it has.

    Args:
        module: the model.
        sizes: ``layers=``, ``dims=``, ``heads=``, ``ffn_dims=``, ``vocab=``, in this order, and what else is its own;
            the layers of an encoder and a decoder as ``"6+6"``.

    Returns:
        One line.

    >>> from mlxformer.backend import nn
    >>> from mlxformer.models.reprs import sizes_text
    >>> sizes_text(nn.Linear(2, 3), layers="6+6", dims=512)
    'layers=6+6, dims=512, parameters=9'
    """
    parameters = sum(int(value.size) for value in dict(tree_flatten(module.parameters())).values())
    return ", ".join([*(f"{name}={value}" for name, value in sizes.items()), f"parameters={parameters:,}"])
