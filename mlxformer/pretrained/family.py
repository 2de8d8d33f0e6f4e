"""What a family of shipped models is: how they are trained, described, used and measured."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from mlxformer.pretrained.cards import Card
from mlxformer.pretrained.training import Recipe

Measured = tuple[dict[str, float], dict[str, Any]]  # name -> score, and name -> report


@dataclass(frozen=True)
class Family:
    """Models that are trained, used and measured alike.

    Args:
        recipes: how each is trained, by name.
        describe: from a recipe, the fields of the card that are known before training: what, data, config, cannot.
        reader: from a recipe, a trained model and its card, the model as it is used: what ``load_pretrained`` gives.
        measure: from such a reader, and what is told the share that is done or None, the card's scores and reports.

    >>> from mlxformer.pretrained.registry import families
    >>> list(families()[0].recipes)
    ['dates', 'dates-no-positions', 'dates-tied-kv', 'dates-pre-norm']
    """

    recipes: Mapping[str, Recipe]
    describe: Callable[[Any], dict[str, Any]]
    reader: Callable[[Any, Any, Card], Any]
    measure: Callable[[Any, Callable[[float], None] | None], Measured]
