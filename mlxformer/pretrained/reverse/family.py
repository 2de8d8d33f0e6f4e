"""What the models that reverse strings have in common: data, card, reader, measurements."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from typing import Any

from mlxformer.pretrained.cards import Card
from mlxformer.pretrained.reverse import evaluation
from mlxformer.pretrained.reverse.reader import StringReverser
from mlxformer.pretrained.reverse.recipe import RECIPES, ReverseRecipe
from mlxformer.pretrained.reverse.strings import TOKENIZER
from mlxformer.pretrained.training import Recipe

WHAT = {
    "reverse-gru": "a GRU encoder-decoder without attention (one vector for the whole source) that reverses strings",
    "reverse-gru-attention": "a GRU encoder-decoder with additive attention that reverses strings",
    "reverse-transformer": "an encoder-decoder Transformer (sinusoidal positions) that reverses strings",
}


class ReverseFamily:
    """Three models of like size, trained on the same task.

    >>> from mlxformer.pretrained.reverse.family import ReverseFamily
    >>> list(ReverseFamily().recipes())
    ['reverse-gru', 'reverse-gru-attention', 'reverse-transformer']
    """

    def recipes(self) -> dict[str, Recipe]:
        """How each of its models is trained.

        Returns:
            name -> recipe.
        """
        return dict(RECIPES)

    def describe(self, recipe: ReverseRecipe) -> dict[str, Any]:
        """The fields of the card that are known before training.

        Args:
            recipe: of the model.

        Returns:
            what, data, config, cannot.
        """
        return {
            "what": WHAT[recipe.name],
            "data": {"random strings of 4 to 40 letters a to z, drawn by mlxformer.pretrained.reverse.strings": "MIT"},
            "config": asdict(recipe.config),
            "cannot": (
                "It was trained for minutes, to be compared with its siblings: accuracy@n is what it reaches at "
                "length n. Strings of fewer than 4 letters were never trained, and longer ones than 40 are refused."
            ),
        }

    def reader(self, recipe: ReverseRecipe, model: Any, card: Card) -> StringReverser:
        """The model as it is used.

        Args:
            recipe: of the model.
            model: trained.
            card: what it is.

        Returns:
            A ``StringReverser``.
        """
        return StringReverser(model, TOKENIZER, card, recipe.source_length)

    def measure(
        self, reader: StringReverser, progress: Callable[[float], None] | None
    ) -> tuple[dict[str, float], dict[str, Any]]:
        """The scores and the reports of the card.

        Args:
            reader: the model as it is used.
            progress: told the share that is done; None tells nobody.

        Returns:
            name -> score, and name -> report.
        """
        return evaluation.measure(reader, progress)
