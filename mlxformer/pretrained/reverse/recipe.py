"""How the three models that reverse strings are trained: on fresh strings at every step, all lengths alike."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from mlxformer.backend import mx, nn, optimizers
from mlxformer.models.seq2seq import Seq2Seq, Seq2SeqConfig
from mlxformer.models.transformer import Transformer, TransformerConfig
from mlxformer.pretrained.reverse.strings import LONGEST, SHORTEST, TOKENIZER, draw
from mlxformer.training.schedules import warmup_linear_decay

# Of like size, 100,000 parameters. The two GRUs are twins: both read the source in both directions, as in Bahdanau et
# al. 2015, and one of them lacks nothing but the attention.
GRU = Seq2SeqConfig(vocab_size=len(TOKENIZER), dims=32, hidden_dims=56, attention_dims=32, attention=False)
TRANSFORMER = TransformerConfig(
    vocab_size=len(TOKENIZER),
    dims=48,
    num_heads=4,
    num_encoder_layers=2,
    num_decoder_layers=2,
    ffn_dims=96,
    dropout=0.0,  # the strings of a step have never been seen before: there is nothing to over-fit
)


@dataclass
class ReverseRecipe:
    """How a model that reverses strings is trained. Every length from 4 to 40 is as likely.

    The recurrent models need no padding in front, and a step has strings of one length. A Transformer whose positions
    count from the front would have to learn for every length n that letter t of the output is letter n - t of the
    source; where all sources end at the same place, it is one map for all lengths. As they are padded anyway, a step
    has strings of all lengths.

    Args:
        name: what the weights ship as.
        config: the model's.
        source_length: tokens to which a source is padded in front; 0 pads none.
        steps: how many.
        letters: in a step, about so many.
        most: strings in a step, at most.
        peak: the highest learning rate.
        warmup: steps until it is reached.
        clip: the greatest norm of a step's gradients.

    >>> from mlxformer.pretrained.reverse.recipe import RECIPES
    >>> RECIPES["reverse-transformer"].source_length
    42
    """

    name: str
    config: Seq2SeqConfig | TransformerConfig
    source_length: int = 0
    steps: int = 900
    letters: int = 1408  # in a step
    most: int = 64  # strings in a step
    peak: float = 4e-3
    warmup: int = 100
    clip: float = 1.0

    def model(self) -> Seq2Seq | Transformer:
        """The model with fresh weights, drawn from ``mx.random``.

        Returns:
            A ``Transformer`` or a ``Seq2Seq``, as ``config`` says.
        """
        return Transformer(self.config) if isinstance(self.config, TransformerConfig) else Seq2Seq(self.config)

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
            Source ids [B, Ts] and target ids [B, Tt], alike at all steps.
        """
        if self.source_length:
            lengths = generator.integers(SHORTEST, LONGEST + 1, size=self.most)
            texts = [text for length in lengths for text in draw(generator, int(length), 1, held_out=False)]
        else:
            length = int(generator.integers(SHORTEST, LONGEST + 1))
            texts = draw(generator, length, min(self.letters // length, self.most), held_out=False)
        return mx.array(TOKENIZER.source_batch(texts, self.source_length)), mx.array(TOKENIZER.target_batch(texts))

    def loss(self, model: Any, source_ids: mx.array, target_ids: mx.array) -> mx.array:
        """Mean cross-entropy of the next letter, teacher-forced.

        Args:
            model: what is trained.
            source_ids: int32 [B, Ts].
            target_ids: int32 [B, Tt], from the start token to the end.

        Returns:
            A scalar, in nats.
        """
        logits = model(source_ids, target_ids[:, :-1])  # [B, Tt - 1, V]
        wanted = target_ids[:, 1:]
        real = (wanted != TOKENIZER.pad_id).astype(logits.dtype)
        return mx.sum(nn.losses.cross_entropy(logits, wanted, reduction="none") * real) / mx.sum(real)


RECIPES = {
    recipe.name: recipe
    for recipe in (
        ReverseRecipe("reverse-gru", GRU),
        ReverseRecipe("reverse-gru-attention", replace(GRU, attention=True)),
        ReverseRecipe("reverse-transformer", TRANSFORMER, source_length=LONGEST + 2, steps=1500, most=32, peak=3e-3),
    )
}
