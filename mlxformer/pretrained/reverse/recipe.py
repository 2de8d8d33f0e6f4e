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
    """``name`` is what the weights ship as. Every length from 4 to 40 is as likely.

    source_length: 0, or to which a source is padded in front. The recurrent models need none of it, and a step has
    strings of one length. A Transformer whose positions count from the front would have to learn for every length n
    that letter t of the output is letter n - t of the source; where all sources end at the same place, it is one map
    for all lengths. As they are padded anyway, a step has strings of all lengths.
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
        return Transformer(self.config) if isinstance(self.config, TransformerConfig) else Seq2Seq(self.config)

    def optimizer(self) -> Any:
        return optimizers.AdamW(
            learning_rate=warmup_linear_decay(self.peak, self.warmup, self.steps), betas=[0.9, 0.98], weight_decay=0.01
        )

    def batch(self, source: np.random.Generator, step: int) -> tuple[Any, ...]:
        """Source ids [B, Ts], target ids [B, Tt], alike at all steps."""
        if self.source_length:
            lengths = source.integers(SHORTEST, LONGEST + 1, size=self.most)
            texts = [text for length in lengths for text in draw(source, int(length), 1, held_out=False)]
        else:
            length = int(source.integers(SHORTEST, LONGEST + 1))
            texts = draw(source, length, min(self.letters // length, self.most), held_out=False)
        return mx.array(TOKENIZER.sources(texts, self.source_length)), mx.array(TOKENIZER.targets(texts))

    def loss(self, model: Any, source_ids: Any, target_ids: Any) -> Any:
        """Mean cross-entropy of the next letter, teacher-forced."""
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
