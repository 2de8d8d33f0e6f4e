"""What ``poet`` and its smaller twin have in common: data, card, reader, measurements."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from mlxformer.pretrained.cards import Card
from mlxformer.pretrained.family import Family
from mlxformer.pretrained.poems import evaluation
from mlxformer.pretrained.poems.reader import Poet
from mlxformer.pretrained.poems.recipe import RECIPES, PoemRecipe
from mlxformer.pretrained.poems.vocabulary import tokenizer


def _describe(recipe: PoemRecipe) -> dict[str, Any]:
    config = recipe.config
    return {
        "what": (
            f"a decoder-only model (pre-norm, GELU, learned positions, tied embeddings) of {config.num_layers} "
            f"layers, {config.dims} wide, that writes Tang poems by character: the form's token, lines with their "
            "marks, the end"
        ),
        "data": {
            "33,209 poems of 全唐诗 in four or eight lines of five or seven characters, chinese-poetry 2.0.1": (
                "MIT (the texts are in the public domain)"
            ),
            "traditional to simplified script: opencc-python-reimplemented 0.1.7": "Apache-2.0",
            "finals of characters, for rhymes: pypinyin 0.55.0": "MIT",
        },
        "config": asdict(config),
        "cannot": (
            "It has the form, the rhyme and the phrases of Tang verse, and no meaning to tell: four lines seldom "
            "make one thought, tones are not kept, and it knows the 4,520 characters that its poems have five "
            "times or more. Modern Chinese and prose mean nothing to it. One poem in 20 was held out."
        ),
    }


def _reader(recipe: PoemRecipe, model: Any, card: Card) -> Poet:
    return Poet(model, tokenizer(), card)


# Decoder-only models on regular Tang verse.
FAMILY = Family(RECIPES, _describe, _reader, evaluation.measure)
