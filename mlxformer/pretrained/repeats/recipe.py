"""How the two are trained: the next sign of fresh stretches that come twice, of another length at each step."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from mlxformer.backend import mx, nn, optimizers
from mlxformer.pretrained.repeats.signs import LONGEST, SHORTEST, SIGNS, twice
from mlxformer.teaching.attention_only import AttentionOnlyLM
from mlxformer.training.schedules import warmup_linear_decay

DIMS, HEADS = 64, 2


@dataclass
class RepeatRecipe:
    """How a model of repeats is trained.

    The length changes from step to step, so that no distance and no place tells where the first copy stands: it has to
    be found by what is written there.

    Args:
        name: what the weights ship as.
        num_layers: of attention.
        steps: how many.
        tokens: of a step, about so many.
        peak: the highest learning rate.
        warmup: steps until it is reached.
        clip: the greatest norm of a step's gradients.

    >>> from mlxformer.pretrained.repeats.recipe import RECIPES
    >>> [recipe.num_layers for recipe in RECIPES.values()]
    [2, 1]
    """

    name: str
    num_layers: int
    steps: int = 2000
    tokens: int = 1536
    peak: float = 5e-3
    warmup: int = 100
    clip: float = 1.0

    def model(self) -> AttentionOnlyLM:
        """The model with fresh weights, drawn from ``mx.random``.

        Returns:
            An ``AttentionOnlyLM``.
        """
        return AttentionOnlyLM(len(SIGNS), 2 * LONGEST, self.num_layers, DIMS, HEADS)

    def optimizer(self) -> optimizers.Optimizer:
        """The optimizer, with its learning rate by the step.

        Returns:
            AdamW.
        """
        rate = warmup_linear_decay(self.peak, self.warmup, self.steps)
        return optimizers.AdamW(learning_rate=rate, betas=[0.9, 0.98], weight_decay=0.01)

    def batch(self, generator: np.random.Generator, step: int) -> tuple[mx.array, ...]:
        """The ids of one step, all of one length.

        Args:
            generator: what draws.
            step: from 0, for what changes as training goes on.

        Returns:
            int32 [B, 2 L].
        """
        length = int(generator.integers(SHORTEST, LONGEST + 1))
        return (mx.array(twice(generator, length, self.tokens // (2 * length))),)

    def loss(self, model: Any, ids: mx.array) -> mx.array:
        """Mean cross-entropy of each sign given those before it, the first copy's among them.

        Args:
            model: what is trained.
            ids: int32 [B, T].

        Returns:
            A scalar, in nats.
        """
        return nn.losses.cross_entropy(model(ids[:, :-1]), ids[:, 1:], reduction="mean")


RECIPES = {recipe.name: recipe for recipe in (RepeatRecipe("induction", 2), RepeatRecipe("induction-one-layer", 1))}
