"""Which model is of which family, and what the family knows: its recipe, its reader, its measurements."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

from mlxformer.errors import ArgumentError
from mlxformer.pretrained.cards import Card, read_card, verify
from mlxformer.pretrained.training import Recipe
from mlxformer.pretrained.weights import read_weights


class Family(Protocol):
    """What a family of shipped models gives."""

    def recipes(self) -> dict[str, Recipe]:
        """How each of its models is trained, by name."""

    def describe(self, recipe: Any) -> dict[str, Any]:
        """The fields of the card that are known before training: what, data, config, cannot."""

    def reader(self, recipe: Any, model: Any, card: Card) -> Any:
        """The model as it is used."""

    def measure(self, reader: Any, progress: Callable[[float], None] | None) -> tuple[dict[str, float], dict[str, Any]]:
        """The scores and the reports of the card."""


def families() -> tuple[Family, ...]:
    from mlxformer.pretrained.dates.family import DatesFamily
    from mlxformer.pretrained.masked.family import MaskedFamily
    from mlxformer.pretrained.reverse.family import ReverseFamily

    return (DatesFamily(), MaskedFamily(), ReverseFamily())


def trainable_names() -> tuple[str, ...]:
    """The models that can be trained."""
    return tuple(name for family in families() for name in family.recipes())


def find(name: str) -> tuple[Family, Any]:
    """The family and the recipe of ``name``; ``ArgumentError`` names those there are."""
    for family in families():
        recipe = family.recipes().get(name)
        if recipe is not None:
            return family, recipe
    known = trainable_names()
    raise ArgumentError(
        "pretrained-unknown", f"there is no model {name!r}; there is: {', '.join(known)}", given=name, known=list(known)
    )


def load_pretrained(name: str) -> Any:
    """The shipped model ``name`` as it is used: ``.model``, ``.tokenizer``, ``.card``, and the call that suits it.

    Raises ``ArgumentError`` for an unknown name and ``CheckpointError`` where the weights are not what the card says.
    """
    card = read_card(name)
    family, recipe = find(name)
    path = verify(card)
    model = recipe.model()
    read_weights(model, path)
    return family.reader(recipe, model, card)
