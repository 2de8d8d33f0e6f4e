"""How the masked language models are trained: fresh masks at every step, on the texts of ``corpus``."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from mlxformer.backend import mx, nn, optimizers
from mlxformer.models.bert.config import BertConfig
from mlxformer.models.bert.heads import BertForMaskedLM, BertForPreTraining
from mlxformer.pretrained.masked import batches, corpus
from mlxformer.pretrained.masked.batches import Batch, Line
from mlxformer.pretrained.masked.vocabulary import ENGLISH_PIECES, MAX_LENGTH, tokens
from mlxformer.pretrained.training import falls


def _config(**sizes: Any) -> BertConfig:
    """BERT's own choices, small (post-norm, GELU, learned positions, tied); learning by heart needs no dropout."""
    return BertConfig(
        max_position_embeddings=MAX_LENGTH,
        hidden_dropout_prob=0.0,
        attention_probs_dropout_prob=0.0,
        initializer_range=0.05,
        **sizes,
    )


@dataclass(frozen=True)
class Mix:
    """What a step is made of, from the step ``since`` on.

    Args:
        since: the first step.
        idioms: rows of them.
        tokens: of lines, padding included, at most about so many.
        rate: the share of these that is predicted, 0 to 1.
        chinese: the share of Chinese batches.
        pairs: the share of batches of pairs.
        whole: the share of sentences that are not cut to some clauses.
        like: whether lines of like length are put together, so that little is padding.

    >>> from mlxformer.pretrained.masked.recipe import MINI
    >>> [mix.since for mix in MINI.mixes]
    [0, 2370, 5174]
    """

    since: int
    idioms: int
    tokens: int
    rate: float
    chinese: float = 0.6
    pairs: float = 0.35
    whole: float = 0.5
    like: bool = False


@dataclass
class MaskedRecipe:
    """How a masked language model is trained: fresh masks at every step, on the texts of ``corpus``.

    Args:
        name: what the weights ship as.
        config: the model's.
        steps: how many.
        peak: the highest learning rate.
        warmup: steps until it is reached.
        mixes: what steps are made of, by the step from which on.
        clip: the greatest norm of a step's gradients.
        english_only: whether it reads the whole English book and nothing else.
        falls_to: the step at which the first fall of the rate would end; 0 means the last.
        again: (step, rate): from each of these steps on the rate falls anew, from this to 0.

    >>> from mlxformer.pretrained.masked.recipe import RECIPES
    >>> RECIPES["mlm-rate-40"].mixes[0].rate
    0.4
    """

    name: str
    config: BertConfig
    steps: int
    peak: float
    warmup: int
    mixes: tuple[Mix, ...]
    clip: float = 1.0
    english_only: bool = False
    falls_to: int = 0  # where the first fall of the rate would end; 0: at ``steps``
    again: tuple[tuple[int, float], ...] = ()  # from each of these steps on the rate falls anew, from this to 0

    def model(self) -> BertForPreTraining | BertForMaskedLM:
        """The model with fresh weights, drawn from ``mx.random``.

        Returns:
            With the head of next-sentence prediction where pairs are trained on.
        """
        return BertForMaskedLM(self.config) if self.english_only else BertForPreTraining(self.config)

    def optimizer(self) -> optimizers.Optimizer:
        """The optimizer, with its learning rate by the step.

        Returns:
            AdamW.
        """
        return optimizers.AdamW(learning_rate=self.learning_rate(), betas=[0.9, 0.98], weight_decay=0.01)

    def learning_rate(self) -> Callable[[mx.array], mx.array]:
        """The learning rate by the step: as BERT's; with ``again``, the rest of the steps fall from there."""
        return falls(self.peak, self.warmup, self.falls_to or self.steps, self.again, self.steps)

    def batch(self, generator: np.random.Generator, step: int) -> tuple[mx.array, ...]:
        """The arrays of one step.

        Args:
            generator: what draws.
            step: from 0, for what changes as training goes on.

        Returns:
            The arrays of a batch of lines, and of one of idioms where they are trained on.
        """
        mix = [each for each in self.mixes if each.since <= step][-1]
        found = [self._lines(generator, mix)]
        if mix.idioms:
            known = corpus.idiom_ids()
            found.append(batches.of_idioms(known[generator.integers(0, len(known), mix.idioms)], generator))
        return tuple(mx.array(array.astype(np.int32)) for batch in found for array in batch)

    def _lines(self, generator: np.random.Generator, mix: Mix) -> Batch[np.ndarray]:
        """Lines of one language; either all alone or all in pairs."""
        chinese, pairs = generator.random(2) < (mix.chinese, mix.pairs)
        texts = corpus.english(whole=True) if self.english_only else corpus.chinese() if chinese else corpus.english()
        pool = batches.POOL if mix.like else 1
        lines: list[Line] = []
        longest = 0
        while not lines or longest * len(lines) < mix.tokens * pool:
            line = Line(*texts.pair(generator)) if pairs else Line(texts.alone(generator, mix.whole))
            longest = max(longest, line.length)
            lines.append(line)
        if mix.like:
            lines = batches.of_like_length(lines, mix.tokens, generator)
        return batches.of_rows(lines, mix.rate, generator, self.config.vocab_size)

    def loss(self, model: Any, *arrays: mx.array) -> mx.array:
        """``pretraining_loss``.

        Args:
            model: what is trained.
            arrays: those of one or several ``Batch``, one after another.

        Returns:
            A scalar, in nats.
        """
        return pretraining_loss(model, *arrays)


def pretraining_loss(model: Any, *arrays: mx.array) -> mx.array:
    """Mean cross-entropy over the masked places of all batches, plus that of the pairs' labels.

    Args:
        model: a ``BertForPreTraining``, or without pairs a ``BertForMaskedLM``.
        arrays: those of one or several ``Batch``, one after another.

    Returns:
        A scalar, in nats.

    >>> import numpy as np
    >>> import mlxformer as mf
    >>> from mlxformer.backend import mx
    >>> from mlxformer.pretrained.masked.batches import of_idioms
    >>> from mlxformer.pretrained.masked.recipe import pretraining_loss
    >>> bert = mf.load_pretrained("bert-mini")
    >>> idiom = np.array([bert.encode("守株待兔").input_ids.tolist()[0][1:5]])
    >>> batch = (mx.array(array.astype(np.int32)) for array in of_idioms(idiom, np.random.default_rng(0)))
    >>> float(pretraining_loss(bert.model, *batch)) < 1
    True
    """
    states, labels, pooled = [], [], []
    for start in range(0, len(arrays), len(Batch._fields)):
        batch: Batch[mx.array] = Batch(*arrays[start : start + len(Batch._fields)])
        hidden, first = model.bert(
            batch.input_ids, token_type_ids=batch.token_type_ids, attention_mask=batch.attention_mask
        )
        states.append(mx.take(hidden.reshape(-1, hidden.shape[-1]), batch.places, axis=0))  # [P, C]
        labels.append(batch.labels)
        if batch.follows.shape[0]:
            pooled.append((model.nsp_head(first), batch.follows))
    picked = mx.expand_dims(mx.concatenate(states), 0)  # [1, P, C]
    logits = model.mlm_head(picked, model.bert.embeddings.word_embeddings)[0]  # [P, V]
    loss = nn.losses.cross_entropy(logits, mx.concatenate(labels), reduction="mean")
    for scores, follows in pooled:
        loss = loss + nn.losses.cross_entropy(scores, follows, reduction="mean")
    return loss


# Idioms are short and learned first; then lines have most of the masks, then still more.
MIXES = (
    Mix(0, idioms=256, tokens=800, rate=0.15),
    Mix(2370, idioms=192, tokens=1200, rate=0.25),
    Mix(5174, idioms=128, tokens=1900, rate=0.25, chinese=0.62, pairs=0.12, whole=0.75, like=True),
)
MINI = MaskedRecipe(
    "bert-mini",
    _config(
        vocab_size=len(tokens()), hidden_size=192, num_hidden_layers=4, num_attention_heads=6, intermediate_size=768
    ),
    steps=12_000,
    peak=1.5e-3,
    warmup=400,
    mixes=MIXES,
    falls_to=9_000,
    again=((5174, 1e-3),),
)
RATES = tuple(
    MaskedRecipe(
        f"mlm-rate-{percent:02d}",
        _config(vocab_size=ENGLISH_PIECES, hidden_size=96, num_hidden_layers=3, num_attention_heads=3,
                intermediate_size=384),
        steps=1600,
        peak=2e-3,
        warmup=150,
        mixes=(Mix(0, idioms=0, tokens=2000, rate=percent / 100, pairs=0.0),),
        english_only=True,
    )
    for percent in (5, 15, 40, 80)
)  # fmt: skip
RECIPES = {recipe.name: recipe for recipe in (MINI, *RATES)}
