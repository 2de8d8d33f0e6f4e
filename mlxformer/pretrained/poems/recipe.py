"""How the poets are trained: the next character of whole poems, one form a batch, so that nothing is padding."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from mlxformer.backend import mx, nn, optimizers
from mlxformer.models.gpt.config import GPTConfig
from mlxformer.models.gpt.model import GPT
from mlxformer.pretrained.poems import corpus
from mlxformer.pretrained.poems.forms import FORMS
from mlxformer.pretrained.poems.vocabulary import PoemTokenizer
from mlxformer.pretrained.training import falls

VOCABULARY = 4528
# Quatrains are what the poets are asked for; regulated verse teaches the same lines and has more of them.
RHYME = 4.0
SHARES = {"五绝": 0.12, "七绝": 0.33, "五律": 0.3, "七律": 0.25}


@dataclass
class PoemRecipe:
    """How a poet is trained.

    Args:
        name: what the weights ship as.
        config: the model's.
        steps: how many.
        peak: the highest learning rate.
        tokens: of a step, at most.
        warmup: steps until the peak is reached.
        clip: the greatest norm of a step's gradients.
        falls_to: the step at which the first fall of the rate would end; 0 means the last.
        again: (step, rate): from each of these steps on the rate falls anew, from this to 0.
        rhymes_from: the step from which on the characters that rhyme count ``RHYME`` times; None where they never do.

    >>> from mlxformer.pretrained.poems.recipe import RECIPES
    >>> RECIPES["poet"].config.max_positions
    66
    """

    name: str
    config: GPTConfig
    steps: int
    peak: float
    tokens: int
    warmup: int = 200
    clip: float = 1.0
    falls_to: int = 0
    again: tuple[tuple[int, float], ...] = ()
    rhymes_from: int | None = None

    def model(self) -> GPT:
        """The model with fresh weights, drawn from ``mx.random``.

        Returns:
            A ``GPT``.
        """
        return GPT(self.config)

    def optimizer(self) -> optimizers.Optimizer:
        """The optimizer, with its learning rate by the step.

        Returns:
            AdamW.
        """
        rate = falls(self.peak, self.warmup, self.falls_to or self.steps, self.again, self.steps)
        return optimizers.AdamW(learning_rate=rate, betas=[0.9, 0.98], weight_decay=0.05)

    def batch(self, generator: np.random.Generator, step: int) -> tuple[mx.array, ...]:
        """The arrays of one step: poems of one form.

        Args:
            generator: what draws.
            step: from 0.

        Returns:
            ids int32 [B, 1 + length + 1], and how much each token after the first counts, float32 [length + 1].
        """
        form = FORMS[str(generator.choice(list(SHARES), p=list(SHARES.values())))]
        known = corpus.training_ids()[form.name]
        rows = generator.integers(0, len(known), self.tokens // (form.length + 2))
        weights = np.ones(form.length + 1, np.float32)
        if self.rhymes_from is not None and step >= self.rhymes_from:
            weights[form.width * 2 :: 2 * (form.width + 1)] = RHYME  # the last character of each even line
        return mx.array(known[rows]), mx.array(weights / weights.mean())

    def loss(self, model: Any, ids: mx.array, weights: mx.array) -> mx.array:
        """Mean cross-entropy of each token given those before it.

        Args:
            model: what is trained.
            ids: [B, T + 1].
            weights: [T], how much each token counts, 1 in the mean.

        Returns:
            A scalar, in nats.
        """
        logits = model(ids[:, :-1])
        return mx.mean(nn.losses.cross_entropy(logits, ids[:, 1:], reduction="none") * weights)


def _config(dims: int, num_layers: int, num_heads: int, dropout: float) -> GPTConfig:
    return GPTConfig(
        vocab_size=VOCABULARY,
        dims=dims,
        num_layers=num_layers,
        num_heads=num_heads,
        max_positions=max(form.length for form in FORMS.values()) + 2,
        dropout=dropout,
        eos_ids=(PoemTokenizer.end_id,),
        pad_id=PoemTokenizer.pad_id,
    )


POET = PoemRecipe(
    "poet",
    _config(192, 4, 6, dropout=0.1),
    steps=4500,
    peak=2e-3,
    tokens=2048,
    falls_to=4000,
    again=((2150, 1e-3), (2750, 6e-4), (3500, 8e-4)),
    rhymes_from=3500,
)
SMALL = PoemRecipe("poet-small", _config(64, 2, 2, dropout=0.0), steps=1500, peak=4e-3, tokens=2048)
RECIPES = {recipe.name: recipe for recipe in (POET, SMALL)}
