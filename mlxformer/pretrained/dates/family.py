"""What the date models have in common: data, card, reader, measurements."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from mlxformer.pretrained.cards import Card
from mlxformer.pretrained.dates import evaluation
from mlxformer.pretrained.dates.reader import DateReader
from mlxformer.pretrained.dates.recipe import RECIPES, TOKENIZER, DatesRecipe
from mlxformer.pretrained.family import Family

WHAT = {
    "dates": "an encoder-decoder Transformer (post-norm, sinusoidal positions, tied embeddings) from dates to ISO 8601",
    "dates-no-positions": "the twin of dates without positions",
    "dates-tied-kv": "the twin of dates with one projection for keys and values",
    "dates-pre-norm": "the twin of dates with pre-norm layers",
}


def _describe(recipe: DatesRecipe) -> dict[str, Any]:
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


def _reader(recipe: DatesRecipe, model: Any, card: Card) -> DateReader:
    return DateReader(model, TOKENIZER, card)


# ``dates`` and its twins, trained alike.
FAMILY = Family(RECIPES, _describe, _reader, evaluation.measure)
