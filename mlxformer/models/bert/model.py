"""BERT: a post-norm encoder over the sum of word, position and type embeddings.

    x = LayerNorm(word + position + type);  hidden = Encoder(x);  pooled = tanh(W hidden[:, 0] + b)

Source: Devlin et al. 2019, "BERT: Pre-training of Deep Bidirectional Transformers", §3; the layer norm before the
first layer and the pooler are in Google's code (google-research/bert, modeling.py) and not in the paper.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from mlxformer.attention import masks
from mlxformer.backend import mx, nn
from mlxformer.errors import ArgumentError
from mlxformer.layers.encoder import Encoder
from mlxformer.models.bert.checkpoint import BertPreTrained, initialize
from mlxformer.models.bert.config import BertConfig
from mlxformer.tracing import Module, tap
from mlxformer.validation import require_floating, require_ids, require_shape, shape_text

_MODEL = ("batch", "time", "model")


class BertOutput(NamedTuple):
    """last_hidden_state [B, T, C]; pooler_output [B, C], or None where the model has no pooler."""

    last_hidden_state: Any
    pooler_output: Any


class BertEmbeddings(Module):
    """``LayerNorm(word[id] + type[type id] + position[t])``, then dropout: [B, T] -> [B, T, C]."""

    def __init__(self, config: BertConfig) -> None:
        super().__init__()
        self.word_embeddings = nn.Embedding(config.vocab_size, config.hidden_size)
        self.position_embeddings = nn.Embedding(config.max_position_embeddings, config.hidden_size)
        self.token_type_embeddings = nn.Embedding(config.type_vocab_size, config.hidden_size)
        self.norm = nn.LayerNorm(config.hidden_size, eps=config.layer_norm_eps)
        self.dropout = nn.Dropout(config.hidden_dropout_prob)

    def __call__(self, input_ids: Any, token_type_ids: Any) -> Any:
        """Both [B, T], checked by the model -> [B, T, C]."""
        word = tap("word", self.word_embeddings(input_ids), axes=_MODEL, formula="E_word[id]")
        kind = tap("type", self.token_type_embeddings(token_type_ids), axes=_MODEL, formula="E_type[type id]")
        positions = self.position_embeddings(mx.arange(input_ids.shape[1]))  # [T, C]
        positions = tap("position", positions, axes=("time", "model"), formula="E_position[t]")
        x = tap("sum", word + kind + positions, axes=_MODEL, formula="word + type + position")
        x = tap("output", self.norm(x), axes=_MODEL, formula="LayerNorm(word + type + position)")
        return self.dropout(x)


class BertPooler(Module):
    """``tanh(W h_1 + b)`` of the first token, [CLS]: [B, T, C] -> [B, C]."""

    def __init__(self, config: BertConfig) -> None:
        super().__init__()
        self.dense = nn.Linear(config.hidden_size, config.hidden_size)

    def __call__(self, hidden: Any) -> Any:
        pooled = mx.tanh(self.dense(hidden[:, 0]))  # [B, C]
        return tap("output", pooled, axes=("batch", "model"), formula="tanh(W h_1 + b)")


class BertModel(BertPreTrained):
    """The encoder and, if ``pooler``, the pooler; new weights are drawn as the paper's are (N(0, 0.02²)).

    ``BertModel.from_pretrained(folder)`` reads a Hugging Face folder; what it made of each tensor is in
    ``load_report``. A checkpoint without a pooler gives a model without one.
    """

    has_pooler = None

    def __init__(self, config: BertConfig, *, pooler: bool = True) -> None:
        super().__init__(config)
        self.embeddings = BertEmbeddings(config)
        self.encoder = Encoder(
            config.num_hidden_layers,
            config.hidden_size,
            config.num_attention_heads,
            config.intermediate_size,
            norm="post",
            activation=config.hidden_act,
            dropout=config.hidden_dropout_prob,
            attention_dropout=config.attention_probs_dropout_prob,
            eps=config.layer_norm_eps,
        )
        if pooler:
            self.pooler = BertPooler(config)
        initialize(self, config)

    def __call__(self, input_ids: Any, token_type_ids: Any = None, attention_mask: Any = None) -> BertOutput:
        """input_ids, token_type_ids (0 unless given) [B, T] int32 -> ``BertOutput``.

        attention_mask: [B, T], 1 or True at real tokens: the others are seen by none. What comes out at their own
        places means nothing. In a row without one real token every attention output is zero.

        Raises ``ArgumentError`` for ids or type ids out of range, more tokens than ``max_position_embeddings``, and
        shapes that differ. Inside ``mx.compile`` ranges are not checked, lengths are.
        """
        token_type_ids = self._checked(input_ids, token_type_ids)
        mask = None
        if attention_mask is not None:
            mask = masks.padding(masks.from_attention_mask(attention_mask, input_ids.shape))  # [B, 1, 1, T]
        hidden = self.encoder(self.embeddings(input_ids, token_type_ids), mask)  # [B, T, C]
        return BertOutput(hidden, self.pooler(hidden) if "pooler" in self else None)

    def _checked(self, input_ids: Any, token_type_ids: Any) -> Any:
        """The type ids, zeros where none are given, once ids and type ids fit this model."""
        config = self.config
        require_ids("input_ids", input_ids, config.vocab_size, "the vocabulary")
        length = input_ids.shape[1]
        if length > config.max_position_embeddings:
            raise ArgumentError(
                "too-many-tokens",
                f"input_ids {shape_text(input_ids)} has {length} tokens, the model has positions for "
                f"{config.max_position_embeddings}. Truncate: tokenizer(text, "
                f"max_length={config.max_position_embeddings})",
                given=length,
                limit=config.max_position_embeddings,
            )
        if token_type_ids is None:
            return mx.zeros(input_ids.shape, mx.int32)
        require_ids("token_type_ids", token_type_ids, config.type_vocab_size, "the type embedding")
        require_shape("token_type_ids", token_type_ids, ("batch", "time"), tuple(input_ids.shape))
        return token_type_ids


def mean_pooling(hidden: Any, attention_mask: Any = None) -> Any:
    """The mean of the hidden states of the real tokens, ``Σ_t m_t h_t / Σ_t m_t``: [B, T, C] -> [B, C].

    attention_mask: [B, T], 1 or True at real tokens; None takes all. A row without one gives zeros. It is how
    sentence-transformers' MiniLM and E5 make a sentence's vector (Reimers & Gurevych 2019, §3); cosines of such
    vectors then tell how alike two sentences are.
    """
    require_floating("hidden", hidden)
    require_shape("hidden", hidden, ("batch", "time", "model"))
    if attention_mask is None:
        return mx.mean(hidden, axis=1)
    real = masks.from_attention_mask(attention_mask, hidden.shape[:2])
    weights = mx.expand_dims(real.astype(hidden.dtype), -1)  # [B, T, 1]
    # `where` and not a product: a NaN or infinity at a padded place must not come through.
    total = mx.sum(mx.where(weights > 0, hidden, 0.0), axis=1)  # [B, C]
    return total / mx.maximum(mx.sum(weights, axis=1), 1.0)
