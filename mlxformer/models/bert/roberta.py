"""RoBERTa: BERT's network, whose positions begin after the padding id and count only what is not padding.

    position(t) = pad_id + the number of ids up to t that are not pad_id;   pad_id itself at padding

Source: Liu et al. 2019, "RoBERTa: A Robustly Optimized BERT Pretraining Approach"; the positions are fairseq's.
"""

from __future__ import annotations

from collections.abc import Mapping  # noqa: F401  typing.get_type_hints looks here for BertConfig's annotations
from dataclasses import dataclass, replace
from typing import ClassVar

from mlxformer.axes import CLASSES, MODEL
from mlxformer.backend import mx, nn
from mlxformer.errors import ArgumentError
from mlxformer.models.bert.checkpoint import BertPreTrained, initialize
from mlxformer.models.bert.config import BertConfig
from mlxformer.models.bert.heads import (
    BertForMaskedLM,
    BertHeadOutput,
    BertLossOutput,
    BertMLMHead,
    head_output,
)
from mlxformer.models.bert.model import BertEmbeddings, BertModel
from mlxformer.tracing import Module, tap
from mlxformer.training.label_losses import classification_loss


@dataclass(frozen=True, kw_only=True, repr=False)
class RobertaConfig(BertConfig):
    """The sizes and choices of a RoBERTa, by Hugging Face's names; the defaults are its base model.

    Args:
        vocab_size: V, tokens.
        max_position_embeddings: rows of the table; ``pad_token_id + 1`` of them are never a token's.
        type_vocab_size: how many token types there are; most RoBERTas have one.
        layer_norm_eps: what layer norms add to the variance.
        pad_token_id: padding, which is told by its id: places that hold it have no position, whatever the mask says.
            None is an error.

    All others are those of ``BertConfig``.

    Raises:
        ArgumentError: a value that cannot be, and a table without a row for a token.

    >>> import mlxformer as mf
    >>> mf.RobertaConfig().max_tokens
    512
    """

    model_type: ClassVar[str] = "roberta"
    also_read: ClassVar[tuple[str, ...]] = ("xlm-roberta",)  # another vocabulary, and nothing else

    vocab_size: int = 50265
    max_position_embeddings: int = 514
    type_vocab_size: int = 1
    layer_norm_eps: float = 1e-5
    pad_token_id: int | None = 1

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.pad_token_id is None:
            raise ArgumentError("pad-missing", "RoBERTa counts positions from its padding: pad_token_id is needed")
        if self.max_tokens < 1:
            raise ArgumentError(
                "positions-too-few",
                f"max_position_embeddings={self.max_position_embeddings} leaves no position after pad_token_id="
                f"{self.pad_token_id}",
                given=self.max_position_embeddings,
                pad=self.pad_token_id,
            )

    @property
    def max_tokens(self) -> int:
        """The longest input in tokens: the first position is that of ``pad_token_id + 1``."""
        return self.max_position_embeddings - (self.pad_token_id or 0) - 1


class RobertaEmbeddings(BertEmbeddings):
    """BERT's, with positions that count ids other than the padding's.

    Args:
        config: sizes and choices.

    >>> import mlxformer as mf
    >>> from mlxformer.backend import mx, nn
    >>> from mlxformer.models.bert.roberta import RobertaEmbeddings
    >>> config = mf.RobertaConfig(vocab_size=20, hidden_size=8, num_attention_heads=2)
    >>> RobertaEmbeddings(config)(mx.array([[0, 4, 2, 1]]), mx.array([[0, 0, 0, 0]])).shape == (1, 4, 8)
    True
    """

    def __init__(self, config: RobertaConfig) -> None:
        super().__init__(config)
        self.pad_id = config.pad_token_id or 0

    def _positions(self, input_ids: mx.array) -> mx.array:
        real = (input_ids != self.pad_id).astype(mx.int32)  # [B, T]
        places = mx.cumsum(real, axis=1) * real + self.pad_id
        positions = self.position_embeddings(places)  # [B, T, C]
        return tap("position", positions, axes=MODEL, formula="E_position[pad + count of real ids]")


class RobertaModel(BertModel):
    """BERT's encoder, by RoBERTa's positions.

    ``RobertaModel.from_pretrained(folder)`` reads a Hugging Face folder; a checkpoint without a pooler gives a model
    without one. Its arguments are those of ``BertModel``: a ``RobertaConfig``, and ``pooler``, whether it has a pooler.

    Source: Liu et al. 2019, "RoBERTa".

    >>> import mlxformer as mf
    >>> from mlxformer.backend import mx, nn
    >>> model = mf.RobertaModel(mf.RobertaConfig(vocab_size=20, hidden_size=8, num_hidden_layers=1,
    ...                                          num_attention_heads=2, intermediate_size=16))
    >>> model(mx.array([[0, 4, 2, 1]]), attention_mask=mx.array([[1, 1, 1, 0]])).last_hidden_state.shape == (1, 4, 8)
    True
    """

    config_class = RobertaConfig
    embeddings_class = RobertaEmbeddings


class RobertaForMaskedLM(BertForMaskedLM):
    """RoBERTa that fills ``<mask>``: ``.logits`` [B, T, V]. Its head is BERT's, with GELU whatever the layers have.

    Args:
        config: sizes and choices.

    Source: Liu et al. 2019, "RoBERTa"; the head is fairseq's.

    >>> import mlxformer as mf
    >>> from mlxformer.backend import mx, nn
    >>> model = mf.RobertaForMaskedLM(mf.RobertaConfig(vocab_size=20, hidden_size=8, num_hidden_layers=1,
    ...                                                num_attention_heads=2, intermediate_size=16))
    >>> model(mx.array([[0, 4, 2, 1]])).logits.shape == (1, 4, 20)
    True
    """

    config_class = RobertaConfig

    def __init__(self, config: RobertaConfig) -> None:
        BertPreTrained.__init__(self, config)
        self.bert = RobertaModel(config, pooler=False)
        self.mlm_head = BertMLMHead(replace(config, hidden_act="gelu"))
        initialize(self.mlm_head, config)


class RobertaForSequenceClassification(BertPreTrained):
    """RoBERTa that sorts a text, or a pair of texts, into classes: ``W_o tanh(W h_1 + b) + b_o``, [B, num_labels].

    Args:
        config: sizes and choices; ``id2label`` says which classes.

    Source: Liu et al. 2019, "RoBERTa"; the head is fairseq's.

    >>> import mlxformer as mf
    >>> from mlxformer.backend import mx, nn
    >>> model = mf.RobertaForSequenceClassification(mf.RobertaConfig(vocab_size=20, hidden_size=8,
    ...     num_hidden_layers=1, num_attention_heads=2, intermediate_size=16))
    >>> model(mx.array([[0, 4, 2, 1]]), attention_mask=mx.array([[1, 1, 1, 0]])).logits.shape == (1, 2)
    True
    """

    heads = ("classifier.",)
    has_pooler = False
    has_labels = True
    config_class = RobertaConfig

    def __init__(self, config: RobertaConfig) -> None:
        super().__init__(config)
        self.bert = RobertaModel(config, pooler=False)
        self.classifier = RobertaHead(config)
        initialize(self.classifier, config)

    def __call__(
        self,
        input_ids: mx.array,
        *,
        token_type_ids: mx.array | None = None,
        attention_mask: mx.array | None = None,
        labels: mx.array | None = None,
    ) -> BertHeadOutput | BertLossOutput:
        """A score for each class.

        Args:
            input_ids: integers [B, T], 0 to V − 1.
            token_type_ids: integers [B, T]; None means 0, the only one that most RoBERTas have.
            attention_mask: [B, T], 1 or True at real tokens; None means all.
            labels: as in ``BertForSequenceClassification``.

        Returns:
            A ``BertHeadOutput``, ``logits`` [B, num_labels].

        Raises:
            ArgumentError: as ``BertModel``, and labels of another shape, kind or range.
        """
        out = self.bert(input_ids, token_type_ids=token_type_ids, attention_mask=attention_mask)
        logits = self.classifier(out.last_hidden_state)  # [B, num_labels]
        loss = None if labels is None else classification_loss(logits, labels, self.config.problem_type)
        return head_output(logits, out.last_hidden_state, loss)


class RobertaHead(Module):
    """``W_o tanh(W h_1 + b) + b_o``, with dropout before each matrix.

    Args:
        config: sizes and choices.

    >>> import mlxformer as mf
    >>> from mlxformer.backend import mx, nn
    >>> from mlxformer.models.bert.roberta import RobertaHead
    >>> RobertaHead(mf.RobertaConfig(hidden_size=8, num_attention_heads=2))(mx.ones((1, 3, 8))).shape == (1, 2)
    True
    """

    def __init__(self, config: RobertaConfig) -> None:
        super().__init__()
        self.dropout = nn.Dropout(config.head_dropout)
        self.dense = nn.Linear(config.hidden_size, config.hidden_size)
        self.out_proj = nn.Linear(config.hidden_size, config.num_labels)

    def __call__(self, hidden: mx.array) -> mx.array:
        """Scores [B, num_labels] of hidden states [B, T, C], by their first.

        Args:
            hidden: the encoder's output, floating point [B, T, C]; of it, [:, 0] alone is looked at.
        """
        transformed = mx.tanh(self.dense(self.dropout(hidden[:, 0])))  # [B, C]
        logits = self.out_proj(self.dropout(transformed))
        return tap("logits", logits, axes=CLASSES, formula="W_o tanh(W h_1 + b) + b_o")
