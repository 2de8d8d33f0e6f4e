"""How the masked language models are trained: fresh masks at every step, on the texts of ``corpus``."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from mlxformer.backend import mx, nn, optimizers
from mlxformer.bert_config import BertConfig
from mlxformer.bert_heads import BertForMaskedLM, BertForPreTraining
from mlxformer.pretrained.masked import batches, corpus
from mlxformer.pretrained.masked.batches import Batch
from mlxformer.pretrained.masked.vocabulary import ENGLISH_PIECES, MAX_LENGTH, tokens
from mlxformer.schedules import warmup_linear_decay


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
    """What a step is made of, from the step ``since`` on: rows of idioms, about so many tokens of lines, and the
    share ``rate`` of these that is predicted."""

    since: int
    idioms: int
    tokens: int
    rate: float


@dataclass
class MaskedRecipe:
    """``name`` is what the weights ship as."""

    name: str
    config: BertConfig
    steps: int
    peak: float
    warmup: int
    mixes: tuple[Mix, ...]
    clip: float = 1.0
    english_only: bool = False
    shares: tuple[float, float] = (0.6, 0.35)  # of Chinese among the batches of lines, and of pairs

    def model(self) -> BertForPreTraining | BertForMaskedLM:
        """With the head of next-sentence prediction where pairs are trained on."""
        return BertForPreTraining(self.config) if self.shares[1] else BertForMaskedLM(self.config)

    def optimizer(self) -> Any:
        return optimizers.AdamW(
            learning_rate=warmup_linear_decay(self.peak, self.warmup, self.steps), betas=[0.9, 0.98], weight_decay=0.01
        )

    def batch(self, source: np.random.Generator, step: int) -> tuple[Any, ...]:
        """The arrays of a batch of lines, and of one of idioms where they are trained on."""
        mix = [each for each in self.mixes if each.since <= step][-1]
        found = [self._lines(source, mix)]
        if mix.idioms:
            known = corpus.idiom_ids()
            found.append(batches.of_idioms(known[source.integers(0, len(known), mix.idioms)], source))
        return tuple(mx.array(array.astype(np.int32)) for batch in found for array in batch)

    def _lines(self, source: np.random.Generator, mix: Mix) -> Batch:
        """Lines of one language; either all alone or all in pairs."""
        chinese, pairs = source.random(2) < self.shares
        texts = corpus.english(whole=True) if self.english_only else corpus.chinese() if chinese else corpus.english()
        first: list[np.ndarray] = []
        second: list[np.ndarray] = []
        follows: list[int] = []
        longest = 0
        while not first or longest * len(first) < mix.tokens:
            if pairs:
                a, b, label = texts.pair(source)
                second.append(b)
                follows.append(label)
                longest = max(longest, len(a) + len(b) + 3)
            else:
                a = texts.alone(source)
                longest = max(longest, len(a) + 2)
            first.append(a)
        return batches.of_rows(
            first, second if pairs else None, follows, mix.rate, source, self.config.vocab_size
        )  # fmt: skip

    def loss(self, model: Any, *arrays: Any) -> Any:
        """Mean cross-entropy over the masked places of all batches, plus that of next-sentence prediction."""
        states, labels, pooled = [], [], []
        for start in range(0, len(arrays), len(Batch._fields)):
            batch = Batch(*arrays[start : start + len(Batch._fields)])
            hidden, first = model.bert(batch.ids, batch.types, batch.attention)
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


# Idioms are short and learnt first; then lines have most of the masks.
MIXES = (Mix(0, idioms=256, tokens=800, rate=0.15), Mix(2370, idioms=192, tokens=1200, rate=0.25))
MINI = MaskedRecipe(
    "bert-mini",
    _config(
        vocab_size=len(tokens()), hidden_size=192, num_hidden_layers=4, num_attention_heads=6, intermediate_size=768
    ),
    steps=9_000,
    peak=1.5e-3,
    warmup=400,
    mixes=MIXES,
)
RATES = tuple(
    MaskedRecipe(
        f"mlm-rate-{percent:02d}",
        _config(vocab_size=ENGLISH_PIECES, hidden_size=96, num_hidden_layers=3, num_attention_heads=3,
                intermediate_size=384),
        steps=1600,
        peak=2e-3,
        warmup=150,
        mixes=(Mix(0, idioms=0, tokens=2000, rate=percent / 100),),
        english_only=True,
        shares=(0.0, 0.0),
    )
    for percent in (5, 15, 40, 80)
)  # fmt: skip
RECIPES = {recipe.name: recipe for recipe in (MINI, *RATES)}
