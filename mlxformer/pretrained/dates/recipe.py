"""How ``dates`` and its twins are trained: fresh strings of training dates at every step, all formats alike."""

from __future__ import annotations

import datetime
import random
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from mlxformer.backend import mx, nn, optimizers
from mlxformer.models.transformer import Transformer, TransformerConfig
from mlxformer.pretrained.dates.formats import FORMATS, write_date
from mlxformer.pretrained.dates.split import training_dates
from mlxformer.pretrained.dates.tokenizer import DateTokenizer
from mlxformer.training.schedules import warmup_linear_decay

TOKENIZER = DateTokenizer()
# As in Vaswani et al. 2017 (post-norm, sinusoidal positions, one embedding for source, target and output), but small.
CONFIG = TransformerConfig(
    vocab_size=len(TOKENIZER),
    dims=64,
    num_heads=4,
    num_encoder_layers=2,
    num_decoder_layers=2,
    ffn_dims=256,
    dropout=0.0,  # the strings of a step have never been seen before: there is nothing to over-fit
)


@dataclass
class DatesRecipe:
    """How a date model is trained: fresh strings of training dates at every step, all formats alike.

    Args:
        name: what the weights ship as.
        config: the model's.
        steps: how many.
        batch_size: B, dates in a step.
        peak: the highest learning rate.
        warmup: steps until it is reached.
        clip: the greatest norm of a step's gradients.

    >>> import numpy as np
    >>> from mlxformer.pretrained.dates.recipe import DatesRecipe
    >>> source_ids, target_ids = DatesRecipe(batch_size=2).batch(np.random.default_rng(0), 0)
    >>> target_ids.shape == (2, 12)
    True
    """

    name: str = "dates"
    config: TransformerConfig = CONFIG
    steps: int = 4000
    batch_size: int = 96
    peak: float = 2e-3
    warmup: int = 200
    clip: float = 1.0

    def __post_init__(self) -> None:
        self._dates: list[datetime.date] = []

    def model(self) -> Transformer:
        """The model with fresh weights, drawn from ``mx.random``.

        Returns:
            A ``Transformer``.
        """
        return Transformer(self.config)

    def optimizer(self) -> optimizers.Optimizer:
        """The optimizer, with its learning rate by the step.

        Returns:
            AdamW.
        """
        return optimizers.AdamW(
            learning_rate=warmup_linear_decay(self.peak, self.warmup, self.steps), betas=[0.9, 0.98], weight_decay=0.01
        )

    def batch(self, generator: np.random.Generator, step: int) -> tuple[mx.array, ...]:
        """The arrays of one step.

        Args:
            generator: what draws.
            step: from 0, for what changes as training goes on.

        Returns:
            Source ids [B, Ts] and target ids [B, 12].
        """
        if not self._dates:
            self._dates = training_dates()
        choose = random.Random(int(generator.integers(1 << 62)))
        sources, targets = [], []
        names = list(FORMATS)
        for index in range(self.batch_size):
            date = choose.choice(self._dates)
            sources.append(TOKENIZER.source(write_date(date, names[index % len(names)], choose).text))
            targets.append(TOKENIZER.target(date.isoformat()))
        return mx.array(TOKENIZER.pad(sources)), mx.array(TOKENIZER.pad(targets))

    def loss(self, model: Any, source_ids: mx.array, target_ids: mx.array) -> mx.array:
        """Mean cross-entropy of the next character, teacher-forced.

        Args:
            model: what is trained.
            source_ids: int32 [B, Ts].
            target_ids: int32 [B, Tt], from the start token to the end.

        Returns:
            A scalar, in nats.
        """
        logits = model(source_ids, target_ids[:, :-1])  # [B, 11, V]
        return nn.losses.cross_entropy(logits, target_ids[:, 1:], reduction="mean")


RECIPES = {
    recipe.name: recipe
    for recipe in (
        DatesRecipe(),
        DatesRecipe("dates-no-positions", replace(CONFIG, positions="none")),
        DatesRecipe("dates-tied-kv", replace(CONFIG, attention_tie="kv")),
        DatesRecipe("dates-pre-norm", replace(CONFIG, norm="pre")),
    )
}
