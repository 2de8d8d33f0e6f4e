"""BERT: a post-norm encoder over the sum of word, position and type embeddings.

    x = LayerNorm(word + position + type);  hidden = Encoder(x);  pooled = tanh(W hidden[:, 0] + b)

Source: Devlin et al. 2019, "BERT: Pre-training of Deep Bidirectional Transformers", §3; the layer norm before the
first layer and the pooler are in Google's code (google-research/bert, modeling.py) and not in the paper.
"""

from __future__ import annotations

from typing import ClassVar, NamedTuple, Protocol

from mlxformer.attention import masks
from mlxformer.axes import MODEL, POSITIONS, TOKENS, VECTOR
from mlxformer.backend import mx, nn
from mlxformer.errors import ArgumentError
from mlxformer.layers.config import LayerConfig
from mlxformer.layers.encoder import Encoder
from mlxformer.models.bert.checkpoint import BertPreTrained, initialize
from mlxformer.models.bert.config import BertConfig
from mlxformer.origins import Named, Total, applied, normalized, projection, rows
from mlxformer.tracing import Module, tap
from mlxformer.validation import fields_text, require_ids, require_shape, shape_text


class Sizes(Protocol):
    """What BERT's and ALBERT's configurations both say, and their ids are checked against.

    >>> import mlxformer as mf
    >>> mf.BertConfig().type_vocab_size
    2
    """

    @property
    def vocab_size(self) -> int:
        """V, tokens."""

    @property
    def max_tokens(self) -> int:
        """The longest input in tokens."""

    @property
    def type_vocab_size(self) -> int:
        """How many token types there are."""


class BertOutput(NamedTuple):
    """What the encoder gives.

    Args:
        last_hidden_state: [B, T, C], the output of the last layer.
        pooler_output: [B, C], tanh of a projection of the first token's; None where the model has no pooler.

    >>> from mlxformer.backend import mx
    >>> from mlxformer.models.bert.model import BertOutput
    >>> BertOutput(mx.zeros((1, 3, 8)), None).pooler_output is None
    True
    """

    last_hidden_state: mx.array
    pooler_output: mx.array | None

    def __repr__(self) -> str:
        return fields_text(self)


class BertEmbeddings(Module):
    """``LayerNorm(word[id] + type[type id] + position[t])``, then dropout.

    Args:
        config: sizes and choices.

    Source: Devlin et al. 2019, §3 and Figure 2; the layer norm is in Google's code.

    >>> import mlxformer as mf
    >>> from mlxformer.backend import mx
    >>> from mlxformer.models.bert.model import BertEmbeddings
    >>> embeddings = BertEmbeddings(mf.BertConfig(vocab_size=20, hidden_size=8, num_attention_heads=2))
    >>> embeddings(mx.array([[2, 4, 3]]), mx.array([[0, 0, 0]])).shape == (1, 3, 8)
    True
    """

    def __init__(self, config: BertConfig) -> None:
        super().__init__()
        self.word_embeddings = nn.Embedding(config.vocab_size, config.hidden_size)
        self.position_embeddings = nn.Embedding(config.max_position_embeddings, config.hidden_size)
        self.token_type_embeddings = nn.Embedding(config.type_vocab_size, config.hidden_size)
        self.norm = nn.LayerNorm(config.hidden_size, eps=config.layer_norm_eps)
        self.dropout = nn.Dropout(config.hidden_dropout_prob)

    def __call__(self, input_ids: mx.array, token_type_ids: mx.array) -> mx.array:
        """The vectors that enter the first layer.

        Args:
            input_ids: integers [B, T], in range: the model has checked them.
            token_type_ids: integers [B, T], likewise.

        Returns:
            [B, T, C].
        """
        words, kinds = self.word_embeddings, self.token_type_embeddings
        word = tap("word", words(input_ids), axes=MODEL, formula="E_word[id]", of=lambda: rows(words, input_ids))
        kind = tap(
            "type",
            kinds(token_type_ids),
            axes=MODEL,
            formula="E_type[type id]",
            of=lambda: rows(kinds, token_type_ids),
        )
        positions = self._positions(input_ids)
        x = tap(
            "sum",
            word + kind + positions,
            axes=MODEL,
            formula="word + type + position",
            of=lambda: Total((word, kind, positions)),
        )
        normal = tap(
            "output",
            self.norm(x),
            axes=MODEL,
            formula="LayerNorm(word + type + position)",
            of=lambda: normalized(x, self.norm),
        )
        return self.dropout(normal)

    def _positions(self, input_ids: mx.array) -> mx.array:
        """[T, C], or [B, T, C] where they depend on the ids."""
        table, places = self.position_embeddings, mx.arange(input_ids.shape[1])
        return tap(
            "position", table(places), axes=POSITIONS, formula="E_position[t]", of=lambda: rows(table, places)
        )  # [T, C]


class BertPooler(Module):
    """``tanh(W h_1 + b)`` of the first token, [CLS].

    Args:
        config: for the width C.

    Source: google-research/bert, modeling.py; it is not in the paper.

    >>> import mlxformer as mf
    >>> from mlxformer.backend import mx
    >>> from mlxformer.models.bert.model import BertPooler
    >>> BertPooler(mf.BertConfig(hidden_size=8, num_attention_heads=2))(mx.ones((1, 3, 8))).shape == (1, 8)
    True
    """

    def __init__(self, config: BertConfig) -> None:
        super().__init__()
        self.dense = nn.Linear(config.hidden_size, config.hidden_size)

    def __call__(self, hidden: mx.array) -> mx.array:
        """One vector for each sequence.

        Args:
            hidden: floating point [B, T, C].

        Returns:
            [B, C], each number between −1 and 1.
        """
        first = hidden[:, 0]
        return tap(
            "output",
            mx.tanh(self.dense(first)),  # [B, C]
            axes=VECTOR,
            formula="tanh(W h_1 + b)",
            of=lambda: applied("tanh", projection(Named("h_1", first), self.dense, "W", "bc,oc->bo")),
        )


class BertModel(BertPreTrained):
    """The encoder and, if ``pooler``, the pooler; new weights are drawn as the paper's are (N(0, 0.02²)).

        x = LayerNorm(word + position + type);  hidden = Encoder(x);  pooled = tanh(W hidden[:, 0] + b)

    ``BertModel.from_pretrained(folder)`` reads a Hugging Face folder; what it made of each tensor is in
    ``load_report``. A checkpoint without a pooler gives a model without one.

    Args:
        config: sizes and choices.
        pooler: whether it has a pooler.

    Source: Devlin et al. 2019, "BERT: Pre-training of Deep Bidirectional Transformers", §3.

    >>> import mlxformer as mf
    >>> from mlxformer.backend import mx
    >>> bert = mf.BertModel(mf.BertConfig(vocab_size=20, hidden_size=8, num_hidden_layers=1, num_attention_heads=2,
    ...                                   intermediate_size=16))
    >>> out = bert(mx.array([[2, 4, 3, 0]]), attention_mask=mx.array([[1, 1, 1, 0]]))
    >>> out.last_hidden_state.shape == (1, 4, 8), out.pooler_output.shape == (1, 8)
    (True, True)
    """

    has_pooler = None
    embeddings_class: ClassVar[type[BertEmbeddings]] = BertEmbeddings

    def __init__(self, config: BertConfig, *, pooler: bool = True) -> None:
        super().__init__(config)
        self.embeddings = self.embeddings_class(config)
        self.encoder = Encoder(
            config.num_hidden_layers,
            config.hidden_size,
            config.num_attention_heads,
            config.intermediate_size,
            LayerConfig(
                norm="post",
                norm_eps=config.layer_norm_eps,
                activation=config.hidden_act,
                dropout=config.hidden_dropout_prob,
                attention_dropout=config.attention_probs_dropout_prob,
            ),
        )
        if pooler:
            self.pooler = BertPooler(config)
        initialize(self, config)

    def __call__(
        self, input_ids: mx.array, *, token_type_ids: mx.array | None = None, attention_mask: mx.array | None = None
    ) -> BertOutput:
        """The hidden states of the last layer, and the pooled first one.

        Args:
            input_ids: integers [B, T], 0 to V − 1.
            token_type_ids: integers [B, T], which text of a pair a token is of; None means 0.
            attention_mask: [B, T], 1 or True at real tokens: the others are seen by none; None means all. What comes
                out at their own places means nothing. In a row without one real token every attention output is zero.

        Returns:
            A ``BertOutput``: ``last_hidden_state`` [B, T, C], ``pooler_output`` [B, C] or None.

        Raises:
            ArgumentError: ids or type ids out of range (not checked inside ``mx.compile``), more tokens than
                ``max_position_embeddings``, shapes that differ.
        """
        token_type_ids = checked_type_ids(self.config, input_ids, token_type_ids)
        mask = None
        if attention_mask is not None:
            mask = masks.padding(
                masks.from_attention_mask(attention_mask, (input_ids.shape[0], input_ids.shape[1]))
            )  # [B, 1, 1, T]
        hidden = self.encoder(self.embeddings(input_ids, token_type_ids), mask)  # [B, T, C]
        return BertOutput(hidden, self.pooler(hidden) if "pooler" in self else None)


def checked_type_ids(config: Sizes, input_ids: mx.array, token_type_ids: mx.array | None) -> mx.array:
    """The type ids, zeros where none are given, once ids and type ids fit a model of ``config``.

    Args:
        config: for the sizes of the vocabulary, the positions and the types.
        input_ids: integers [B, T], 0 to V − 1.
        token_type_ids: integers [B, T]; None means 0.

    Returns:
        int32 [B, T].

    Raises:
        ArgumentError: ids or type ids out of range (not checked inside ``mx.compile``), too many tokens, shapes that
            differ.

    >>> import mlxformer as mf
    >>> from mlxformer.backend import mx
    >>> from mlxformer.models.bert.model import checked_type_ids
    >>> checked_type_ids(mf.BertConfig(), mx.array([[101, 102]]), None).tolist()
    [[0, 0]]
    """
    require_ids("input_ids", input_ids, config.vocab_size, "the vocabulary")
    length = input_ids.shape[1]
    if length > config.max_tokens:
        raise ArgumentError(
            "too-many-tokens",
            f"input_ids {shape_text(input_ids)} has {length} tokens, the model has positions for "
            f"{config.max_tokens}. Truncate: tokenizer(text, max_length={config.max_tokens})",
            given=length,
            limit=config.max_tokens,
        )
    if token_type_ids is None:
        return mx.zeros(input_ids.shape, mx.int32)
    require_ids("token_type_ids", token_type_ids, config.type_vocab_size, "the type embedding")
    require_shape("token_type_ids", token_type_ids, TOKENS, tuple(input_ids.shape))
    return token_type_ids
