"""RoBERTa: BERT's network, whose positions begin after the padding id and count only what is not padding.

    position(t) = pad_id + the number of ids up to t that are not pad_id;   pad_id itself at padding

Source: Liu et al. 2019, "RoBERTa: A Robustly Optimized BERT Pretraining Approach"; the positions are fairseq's.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from mlxformer.backend import mx
from mlxformer.errors import ArgumentError
from mlxformer.models.bert.config import BertConfig
from mlxformer.models.bert.model import BertEmbeddings, BertModel
from mlxformer.tracing import MODEL, tap


@dataclass(frozen=True, kw_only=True, repr=False)
class RobertaConfig(BertConfig):
    """The sizes and choices of a RoBERTa, by Hugging Face's names; the defaults are its base model.

    Args:
        pad_token_id: padding, which is told by its id: places that hold it have no position, whatever the mask says.
        max_position_embeddings: rows of the table; ``pad_token_id + 1`` of them are never a token's.

    All others are those of ``BertConfig``.

    Raises:
        ArgumentError: a value that cannot be, and a table without a row for a token.

    >>> import mlxformer as mf
    >>> mf.RobertaConfig().max_tokens
    512
    """

    model_type: ClassVar[str] = "roberta"

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
    >>> from mlxformer.backend import mx
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
    without one.

    Args:
        config: sizes and choices.
        pooler: whether it has a pooler.

    Source: Liu et al. 2019, "RoBERTa".

    >>> import mlxformer as mf
    >>> from mlxformer.backend import mx
    >>> model = mf.RobertaModel(mf.RobertaConfig(vocab_size=20, hidden_size=8, num_hidden_layers=1,
    ...                                          num_attention_heads=2, intermediate_size=16))
    >>> model(mx.array([[0, 4, 2, 1]]), attention_mask=mx.array([[1, 1, 1, 0]])).last_hidden_state.shape == (1, 4, 8)
    True
    """

    config_class = RobertaConfig
    embeddings_class = RobertaEmbeddings
