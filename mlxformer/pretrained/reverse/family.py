"""What the models that reverse strings have in common: data, card, reader, measurements."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from mlxformer.pretrained.cards import Card
from mlxformer.pretrained.family import Family
from mlxformer.pretrained.reverse import evaluation
from mlxformer.pretrained.reverse.reader import StringReverser
from mlxformer.pretrained.reverse.recipe import RECIPES, ReverseRecipe
from mlxformer.pretrained.reverse.strings import TOKENIZER

WHAT = {
    "reverse-gru": "a GRU encoder-decoder without attention (one vector for the whole source) that reverses strings",
    "reverse-gru-attention": "a GRU encoder-decoder with additive attention that reverses strings",
    "reverse-transformer": "an encoder-decoder Transformer (sinusoidal positions) that reverses strings",
}


def _describe(recipe: ReverseRecipe) -> dict[str, Any]:
    return {
        "what": WHAT[recipe.name],
        "data": {"random strings of 4 to 40 letters a to z, drawn by mlxformer.pretrained.reverse.strings": "MIT"},
        "config": asdict(recipe.config),
        "cannot": (
            "It was trained for minutes, to be compared with its siblings: accuracy@n is what it reaches at "
            "length n. Strings of fewer than 4 letters were never trained, and longer ones than 40 are refused."
        ),
    }


def _reader(recipe: ReverseRecipe, model: Any, card: Card) -> StringReverser:
    return StringReverser(model, TOKENIZER, card, recipe.source_length)


# Three models of like size, trained on the same task.
FAMILY = Family(RECIPES, _describe, _reader, evaluation.measure)
