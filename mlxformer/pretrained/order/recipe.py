"""How the twins are trained: couplets of Tang verse in pairs, masked, half of them negatives of one kind."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any, Literal

import numpy as np

from mlxformer.backend import mx, optimizers
from mlxformer.models.bert.config import BertConfig
from mlxformer.models.bert.heads import BertForPreTraining
from mlxformer.pretrained.masked import batches
from mlxformer.pretrained.masked.batches import Line
from mlxformer.pretrained.masked.corpus import encode
from mlxformer.pretrained.masked.reader import FOLLOWS
from mlxformer.pretrained.masked.recipe import pretraining_loss
from mlxformer.pretrained.masked.vocabulary import MAX_LENGTH, tokenizer, tokens
from mlxformer.pretrained.poems import corpus
from mlxformer.pretrained.poems.samples import couplets_of
from mlxformer.training.schedules import warmup_linear_decay

Negatives = Literal["strangers", "swapped"]
MASKED = 0.15
CONFIG = BertConfig(
    vocab_size=len(tokens()),
    hidden_size=96,
    num_hidden_layers=3,
    num_attention_heads=3,
    intermediate_size=384,
    hidden_dropout_prob=0.0,
    attention_probs_dropout_prob=0.0,
    max_position_embeddings=MAX_LENGTH,
    initializer_range=0.05,
)


@dataclass
class PairRecipe:
    """How one of the twins is trained.

    Args:
        name: what the weights ship as.
        negatives: ``"strangers"``, a couplet of another poem of the same form (NSP), or ``"swapped"``, the same two in
            the other order (SOP).
        steps: how many.
        tokens: of a step, about so many.
        peak: the highest learning rate.
        warmup: steps until it is reached.
        clip: the greatest norm of a step's gradients.

    >>> from mlxformer.pretrained.order.recipe import RECIPES
    >>> [recipe.negatives for recipe in RECIPES.values()]
    ['strangers', 'swapped']
    """

    name: str
    negatives: Negatives
    steps: int = 2400
    tokens: int = 2048
    peak: float = 2e-3
    warmup: int = 200
    clip: float = 1.0

    def model(self) -> BertForPreTraining:
        """The model with fresh weights, drawn from ``mx.random``.

        Returns:
            With both heads of pre-training.
        """
        return BertForPreTraining(CONFIG)

    def optimizer(self) -> optimizers.Optimizer:
        """The optimizer, with its learning rate by the step.

        Returns:
            AdamW.
        """
        rate = warmup_linear_decay(self.peak, self.warmup, self.steps)
        return optimizers.AdamW(learning_rate=rate, betas=[0.9, 0.98], weight_decay=0.01)

    def batch(self, generator: np.random.Generator, step: int) -> tuple[mx.array, ...]:
        """The arrays of one step: pairs of couplets of one width, so that nothing is padding.

        Args:
            generator: what draws.
            step: from 0, for what changes as training goes on.

        Returns:
            Those of a ``Batch``.
        """
        poems = poems_by_width()[int(generator.choice((5, 7), p=(0.4, 0.6)))]  # characters of a line
        length = 2 * len(poems[0][0]) + 3  # [CLS] A [SEP] B [SEP]
        lines = [_pair(poems, self.negatives, generator) for _ in range(self.tokens // length)]
        found = batches.of_rows(lines, MASKED, generator, len(tokens()))
        return tuple(mx.array(array.astype(np.int32)) for array in found)

    def loss(self, model: Any, *arrays: mx.array) -> mx.array:
        """``pretraining_loss``: that of masked tokens, plus that of the pairs.

        Args:
            model: what is trained.
            arrays: those of ``batch``.

        Returns:
            A scalar, in nats.
        """
        return pretraining_loss(model, *arrays)


def _pair(poems: list[list[np.ndarray]], negatives: Negatives, generator: np.random.Generator) -> Line:
    number = int(generator.integers(len(poems)))
    at = int(generator.integers(len(poems[number]) - 1))
    first, second = poems[number][at : at + 2]
    if generator.random() < 0.5:
        return Line(first, second, FOLLOWS)
    if negatives == "swapped":
        return Line(second, first, 1 - FOLLOWS)
    other = poems[(number + 1 + int(generator.integers(len(poems) - 1))) % len(poems)]
    return Line(first, other[int(generator.integers(len(other)))], 1 - FOLLOWS)


@cache
def poems_by_width() -> dict[int, list[list[np.ndarray]]]:
    """The poems to train on, fetched if they are not there. Training needs them, nothing else does.

    Returns:
        Characters of a line -> poems, each a list of couplets, each ids [T].

    >>> from mlxformer.pretrained.order.recipe import poems_by_width
    >>> poems = poems_by_width()[5]  # doctest: +SKIP
    """
    whole = [couplets_of(text) for text in corpus.split()[0]]
    flat = iter(encode([couplet for poem in whole for couplet in poem], tokenizer()))
    found: dict[int, list[list[np.ndarray]]] = {5: [], 7: []}
    for poem in whole:
        width = len(poem[0]) // 2 - 1  # a couplet is two lines, each with its mark
        found[width].append([next(flat) for _ in poem])
    return found


RECIPES = {recipe.name: recipe for recipe in (PairRecipe("bert-nsp", "strangers"), PairRecipe("bert-sop", "swapped"))}
