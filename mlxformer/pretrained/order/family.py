"""What ``bert-nsp`` and ``bert-sop`` have in common: data, card, reader, measurements."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from mlxformer.pretrained.cards import Card
from mlxformer.pretrained.family import Family
from mlxformer.pretrained.masked.reader import MaskFiller
from mlxformer.pretrained.masked.vocabulary import tokenizer
from mlxformer.pretrained.order import evaluation
from mlxformer.pretrained.order.recipe import CONFIG, MASKED, RECIPES, PairRecipe

_NEGATIVE = {
    "strangers": "a couplet of another poem of the form (next-sentence prediction)",
    "swapped": "the same two in the other order (sentence-order prediction)",
}


def _describe(recipe: PairRecipe) -> dict[str, Any]:
    return {
        "what": (
            f"a BERT of {CONFIG.num_hidden_layers} layers with both heads of pre-training on pairs of couplets of Tang "
            f"verse, {MASKED:.0%} of the tokens to predict (80/10/10); of every second pair B is "
            f"{_NEGATIVE[recipe.negatives]}. Its twin differs in this alone"
        ),
        "data": {
            "31,414 poems of 全唐诗 in four or eight lines of five or seven characters, chinese-poetry 2.0.1": (
                "MIT (the texts are in the public domain)"
            ),
            "traditional to simplified script: opencc-python-reimplemented 0.1.7": "Apache-2.0",
        },
        "config": asdict(CONFIG),
        "cannot": (
            "It knows pairs of couplets of Tang verse and is there to be compared with its twin; its masked-LM head "
            "has seen too little to fill gaps well. One poem in 20 was held out."
        ),
    }


def _reader(recipe: PairRecipe, model: Any, card: Card) -> MaskFiller:
    return MaskFiller(model, tokenizer(), card)


# Twins on pairs of couplets, of next-sentence prediction and of sentence-order prediction.
FAMILY = Family(RECIPES, _describe, _reader, evaluation.measure)
