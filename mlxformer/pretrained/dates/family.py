"""What the date models have in common: data, card, reader, measurements."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from typing import Any

from mlxformer.pretrained.cards import Card
from mlxformer.pretrained.dates import evaluation
from mlxformer.pretrained.dates.reader import DateReader
from mlxformer.pretrained.dates.recipe import RECIPES, TOKENIZER, DatesRecipe
from mlxformer.pretrained.training import Recipe

WHAT = {
    "dates": "an encoder-decoder Transformer (post-norm, sinusoidal positions, tied embeddings) from dates to ISO 8601",
    "dates-no-positions": "the twin of dates without positions",
    "dates-tied-kv": "the twin of dates with one projection for keys and values",
    "dates-pre-norm": "the twin of dates with pre-norm layers",
}


class DatesFamily:
    """``dates`` and its twins, trained alike.

    >>> from mlxformer.pretrained.dates.family import DatesFamily
    >>> list(DatesFamily().recipes())
    ['dates', 'dates-no-positions', 'dates-tied-kv', 'dates-pre-norm']
    """

    def recipes(self) -> dict[str, Recipe]:
        """How each of its models is trained.

        Returns:
            name -> recipe.
        """
        return dict(RECIPES)

    def describe(self, recipe: DatesRecipe) -> dict[str, Any]:
        """The fields of the card that are known before training.

        Args:
            recipe: of the model.

        Returns:
            what, data, config, cannot.
        """
        return {
            "what": WHAT[recipe.name],
            "data": {"dates from 1900-01-01 to 2099-12-31, written by mlxformer.pretrained.dates.formats": "MIT"},
            "config": asdict(recipe.config),
            "cannot": (
                "Ambiguous dates (03/04/2026), two-digit years, years before 1900 or after 2099, dates without a year, "
                "dates that do not exist, and other text give some ISO date or text all the same, with no warning; "
                "reports['outside its purpose'] shows what."
            ),
        }

    def reader(self, recipe: DatesRecipe, model: Any, card: Card) -> DateReader:
        """The model as it is used.

        Args:
            recipe: of the model.
            model: trained.
            card: what it is.

        Returns:
            A ``DateReader``.
        """
        return DateReader(model, TOKENIZER, card)

    def measure(
        self, reader: DateReader, progress: Callable[[float], None] | None
    ) -> tuple[dict[str, float], dict[str, Any]]:
        """The scores and the reports of the card.

        Args:
            reader: the model as it is used.
            progress: told the share that is done; None tells nobody.

        Returns:
            name -> score, and name -> report.
        """
        return evaluation.measure(reader, progress)
