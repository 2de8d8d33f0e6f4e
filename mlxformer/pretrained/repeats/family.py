"""What the two models of repeats have in common: data, card, reader, measurements."""

from __future__ import annotations

from typing import Any

from mlxformer.pretrained.cards import Card
from mlxformer.pretrained.family import Family
from mlxformer.pretrained.repeats import evaluation
from mlxformer.pretrained.repeats.reader import RepeatReader
from mlxformer.pretrained.repeats.recipe import DIMS, HEADS, RECIPES, RepeatRecipe
from mlxformer.pretrained.repeats.signs import LONGEST, SHORTEST, SIGNS, SignTokenizer


def _describe(recipe: RepeatRecipe) -> dict[str, Any]:
    layers = "two layers" if recipe.num_layers == 2 else "one layer"
    return {
        "what": (
            f"a decoder of attention alone ({layers}, {HEADS} heads each, learned positions, no feed-forward, no "
            "norm) that foretells the second copy of a random stretch"
        ),
        "data": {
            f"random stretches of {SHORTEST} to {LONGEST} unlike signs, each twice, drawn by "
            "mlxformer.pretrained.repeats.signs": "MIT"
        },
        "config": {
            "vocab_size": len(SIGNS),
            "max_positions": 2 * LONGEST,
            "num_layers": recipe.num_layers,
            "dims": DIMS,
            "num_heads": HEADS,
        },
        "cannot": (
            "It knows no language: it foretells what follows a sign from where that sign stood before, and nothing "
            f"else. No text of more than {2 * LONGEST} signs, and no stretch in which a sign comes twice, was "
            "trained."
        ),
    }


def _reader(recipe: RepeatRecipe, model: Any, card: Card) -> RepeatReader:
    return RepeatReader(model, SignTokenizer(), card)


# Attention alone, of two layers and of one, trained on the same texts.
FAMILY = Family(RECIPES, _describe, _reader, evaluation.measure)
