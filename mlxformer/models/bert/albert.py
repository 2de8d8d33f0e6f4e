"""ALBERT: BERT with one set of layer weights for all layers, and with the word embeddings in two factors.

    x = LayerNorm(word + position + type) W_e + b_e        [B, T, E] -> [B, T, C]
    x = Layer_g(x), N times, g being the group of that depth: one group is one layer used N times

Source: Lan et al. 2020, "ALBERT: A Lite BERT for Self-supervised Learning of Language Representations", §3.1; groups of
layers are those of its code (google-research/albert, ``num_hidden_groups``). Sharing saves parameters and not one
multiplication: every layer still runs.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from mlxformer.attention import masks
from mlxformer.backend import mx, nn
from mlxformer.errors import ArgumentError
from mlxformer.layers.encoder import EncoderLayer
from mlxformer.models.bert.checkpoint import initialize
from mlxformer.models.bert.config import BertConfig
from mlxformer.models.bert.model import BertEmbeddings, BertOutput, BertPooler
from mlxformer.tracing import Module, tap
from mlxformer.validation import require_ids, require_positive, require_shape

_MODEL = ("batch", "time", "model")


@dataclass(frozen=True, kw_only=True)
class AlbertConfig:
    """The sizes of an ALBERT; the defaults are its base model (Lan et al. 2020, Table 1): 11,683,584 parameters.

    embedding_size E, hidden_size C, num_attention_heads H, intermediate_size F, vocab_size V. num_hidden_groups: how
    many sets of weights the layers have, 1 for ALBERT; with as many as layers, nothing is shared.

    Raises ``ArgumentError`` for sizes that cannot be.
    """

    vocab_size: int = 30_000
    embedding_size: int = 128
    hidden_size: int = 768
    num_hidden_layers: int = 12
    num_hidden_groups: int = 1
    num_attention_heads: int = 12
    intermediate_size: int = 3072
    hidden_act: str = "gelu_new"
    max_position_embeddings: int = 512
    type_vocab_size: int = 2
    initializer_range: float = 0.02
    layer_norm_eps: float = 1e-12

    def __post_init__(self) -> None:
        require_positive(
            embedding_size=self.embedding_size,
            num_hidden_layers=self.num_hidden_layers,
            num_hidden_groups=self.num_hidden_groups,
        )
        if self.num_hidden_layers % self.num_hidden_groups:
            raise ArgumentError(
                "groups-not-divisor",
                f"num_hidden_layers={self.num_hidden_layers} is not a multiple of "
                f"num_hidden_groups={self.num_hidden_groups}: every group serves equally many layers",
                layers=self.num_hidden_layers,
                groups=self.num_hidden_groups,
            )
        self.as_bert(self.hidden_size)  # BERT's own checks of the sizes that both have

    def as_bert(self, hidden_size: int) -> BertConfig:
        """The configuration of BERT's embeddings (at E) and pooler (at C), without dropout, as ALBERT ships."""
        return BertConfig(
            vocab_size=self.vocab_size,
            hidden_size=hidden_size,
            num_attention_heads=self.num_attention_heads if hidden_size == self.hidden_size else 1,
            intermediate_size=self.intermediate_size,
            hidden_act=self.hidden_act,
            hidden_dropout_prob=0.0,
            attention_probs_dropout_prob=0.0,
            max_position_embeddings=self.max_position_embeddings,
            type_vocab_size=self.type_vocab_size,
            initializer_range=self.initializer_range,
            layer_norm_eps=self.layer_norm_eps,
        )


class AlbertModel(Module):
    """The encoder with its pooler; ``layers`` holds a layer for each group, and depth i runs group i·G // N."""

    def __init__(self, config: AlbertConfig) -> None:
        super().__init__()
        self.config = config
        self.embeddings = BertEmbeddings(config.as_bert(config.embedding_size))
        self.embedding_proj = nn.Linear(config.embedding_size, config.hidden_size)
        self.layers = [
            EncoderLayer(
                config.hidden_size,
                config.num_attention_heads,
                config.intermediate_size,
                norm="post",
                activation=config.hidden_act,
                eps=config.layer_norm_eps,
            )
            for _ in range(config.num_hidden_groups)
        ]
        self.pooler = BertPooler(config.as_bert(config.hidden_size))
        initialize(self, config.as_bert(config.hidden_size))

    def __call__(self, input_ids: Any, token_type_ids: Any = None, attention_mask: Any = None) -> BertOutput:
        """input_ids, token_type_ids (0 unless given) and attention_mask [B, T] -> hidden [B, T, C], pooled [B, C].

        Raises ``ArgumentError`` for ids out of range and shapes that differ.
        """
        config = self.config
        require_ids("input_ids", input_ids, config.vocab_size, "the vocabulary")
        require_shape("input_ids", input_ids, ("batch", "time"))
        if input_ids.shape[1] > config.max_position_embeddings:
            raise ArgumentError(
                "too-many-tokens",
                f"input_ids has {input_ids.shape[1]} tokens, the model positions for {config.max_position_embeddings}",
                given=input_ids.shape[1],
                limit=config.max_position_embeddings,
            )
        if token_type_ids is None:
            token_type_ids = mx.zeros(input_ids.shape, mx.int32)
        require_ids("token_type_ids", token_type_ids, config.type_vocab_size, "the type embedding")
        require_shape("token_type_ids", token_type_ids, ("batch", "time"), tuple(input_ids.shape))
        mask = None
        if attention_mask is not None:
            mask = masks.padding(masks.from_attention_mask(attention_mask, input_ids.shape))  # [B, 1, 1, T]
        x = self.embedding_proj(self.embeddings(input_ids, token_type_ids))  # [B, T, C]
        x = tap("projected", x, axes=_MODEL, formula="LayerNorm(word + type + position) W_e + b_e")
        per_group = config.num_hidden_layers // config.num_hidden_groups
        for depth in range(config.num_hidden_layers):
            x = self.layers[depth // per_group](x, mask)
        return BertOutput(x, self.pooler(x))
