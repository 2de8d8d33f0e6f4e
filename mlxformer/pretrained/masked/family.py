"""What ``bert-mini`` and the models of one masking rate have in common: texts, card, reader, measurements."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from typing import Any

from mlxformer.pretrained.cards import Card
from mlxformer.pretrained.family import Family, Measured
from mlxformer.pretrained.masked import evaluation
from mlxformer.pretrained.masked.reader import MaskFiller
from mlxformer.pretrained.masked.recipe import RECIPES, MaskedRecipe
from mlxformer.pretrained.masked.sources import CHAPTERS, LICENSES
from mlxformer.pretrained.masked.split import HELD_OUT
from mlxformer.pretrained.masked.vocabulary import tokenizer


def _describe(recipe: MaskedRecipe) -> dict[str, Any]:
    return {
        "what": _what(recipe),
        "data": {source: license for source, license in LICENSES.items() if _reads(recipe, source)},
        "config": asdict(recipe.config),
        "cannot": _cannot(recipe),
    }


def _reader(recipe: MaskedRecipe, model: Any, card: Card) -> MaskFiller:
    return MaskFiller(model, tokenizer(english_only=recipe.english_only), card)


def _measure(reader: MaskFiller, progress: Callable[[float], None] | None) -> Measured:
    if RECIPES[reader.card.name].english_only:
        return evaluation.measure_rate(reader, progress)
    return evaluation.measure(reader, progress)


def _reads(recipe: MaskedRecipe, source: str) -> bool:
    return source.startswith("verses") or not recipe.english_only


def _what(recipe: MaskedRecipe) -> str:
    if recipe.english_only:
        return (
            f"a BERT of {recipe.config.num_hidden_layers} layers with a masked-LM head, English, trained with "
            f"{recipe.mixes[0].rate:.0%} of the tokens to predict (80/10/10); its twins differ in this rate alone"
        )
    return (
        "a BERT (post-norm, GELU, learned positions, tied embeddings) with both heads of pre-training, masked LM and "
        "next sentence: Chinese by character, English by WordPiece. Lines are masked at 15 %, later 25 % (80/10/10), "
        "of an idiom one character, in two of five rows two, always by [MASK]"
    )


def _cannot(recipe: MaskedRecipe) -> str:
    if recipe.english_only:
        return "It knows the English of the King James Bible alone; it is there to be compared with its twins."
    chapters = ", ".join(f"{book} {span.start}-{span.stop - 1}" for book, span in CHAPTERS.items())
    return (
        "It has learned its texts by heart and little more: scores named held-out say how little. Of English it knows "
        f"verses of {chapters}; one document in {HELD_OUT} was held out. Modern Chinese, traditional script and "
        "characters outside its texts mean little or nothing to it. It is not a general BERT."
    )


# Masked language models on Chinese classics and English verses.
FAMILY = Family(RECIPES, _describe, _reader, _measure)
