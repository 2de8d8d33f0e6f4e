"""ModernBERT that fills ``[MASK]``: its encoder, and the head that it was trained with.

logits = LayerNorm(GELU(h W)) Eᵀ + c,   E the token embeddings

Source: Warner et al. 2024, "Smarter, Better, Faster, Longer: A Modern Bidirectional Encoder …", §2; the head is that of
the published models.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from mlxformer.axes import MODEL, VOCAB
from mlxformer.backend import mx, nn
from mlxformer.checkpoints.safetensors import StoredTensor
from mlxformer.layers.activations import activation
from mlxformer.models.bert.checkpoint import initialize
from mlxformer.models.bert.heads import BertHeadOutput, BertLossOutput, head_output
from mlxformer.models.folder_model import replaced, require_only
from mlxformer.models.modernbert.config import ModernBertConfig
from mlxformer.models.modernbert.model import ModernBertModel
from mlxformer.tracing import tap
from mlxformer.training.label_losses import class_loss

_HEAD = (("head_dense.", "head.dense."), ("head_norm.", "head.norm."), ("decoder_bias", "decoder.bias"))
_ONLY = {
    "classifier_bias": False,
    "classifier_activation": "gelu",
    "decoder_bias": True,
    "tie_word_embeddings": True,
}


class _HeadConfig(ModernBertConfig):
    """Reads a ``ModernBertConfig``, once the head's fields have the one value that is implemented."""

    @classmethod
    def read(cls, values: Mapping[str, Any], folder: Path) -> ModernBertConfig:  # type: ignore[override]
        require_only(values, _ONLY, "ModernBERT's masked-LM head")
        return ModernBertConfig.read(values, folder)


class ModernBertForMaskedLM(ModernBertModel):
    """The encoder with its masked-LM head: ``.logits`` [B, T, V].

    Args:
        config: sizes and choices.

    Raises:
        ArgumentError: ``config`` is not a ``ModernBertConfig``; a folder whose head has a bias in its projection,
            another activation than GELU, or an output matrix of its own.

    Source: Warner et al. 2024, §2.

    >>> import mlxformer as mf
    >>> from mlxformer.backend import mx
    >>> model = mf.ModernBertForMaskedLM(mf.ModernBertConfig(vocab_size=20, hidden_size=8, num_hidden_layers=2,
    ...                                                      num_attention_heads=2, intermediate_size=16))
    >>> model(mx.array([[2, 4, 3]])).logits.shape == (1, 3, 20)
    True
    """

    config_class = _HeadConfig

    def __init__(self, config: ModernBertConfig) -> None:
        super().__init__(config)
        self._activate = activation("gelu")
        self.head_dense = nn.Linear(config.hidden_size, config.hidden_size, bias=False)
        self.head_norm = nn.LayerNorm(config.hidden_size, eps=config.norm_eps, bias=config.norm_bias)
        self.decoder_bias = mx.zeros((config.vocab_size,))
        initialize(self, config)

    def __call__(  # type: ignore[override]
        self, input_ids: mx.array, *, attention_mask: mx.array | None = None, labels: mx.array | None = None
    ) -> BertHeadOutput | BertLossOutput:
        """Scores of the word at each place.

        Args:
            input_ids: integers [B, T], 0 to V − 1.
            attention_mask: [B, T], 1 or True at real tokens: the others are seen by none; None means all.
            labels: integers [B, T], the words, −100 where none is to be told; None asks for no loss.

        Returns:
            A ``BertHeadOutput``, ``logits`` [B, T, V]; with labels a ``BertLossOutput``.

        Raises:
            ArgumentError: as ``ModernBertModel``, and labels of another shape, kind or range.
        """
        hidden = super().__call__(input_ids, attention_mask=attention_mask).last_hidden_state
        logits = self.predict(hidden)
        return head_output(logits, hidden, None if labels is None else class_loss(logits, labels))

    def predict(self, hidden: mx.array) -> mx.array:
        """A score for each word, of hidden states after the final norm.

        Args:
            hidden: floating point [B, T, C].

        Returns:
            [B, T, V].
        """
        transformed = self.head_norm(self._activate(self.head_dense(hidden)))  # [B, T, C]
        transformed = tap("transformed", transformed, axes=MODEL, formula="LayerNorm(GELU(h W))")
        logits = self.token_embedding.as_linear(transformed) + self.decoder_bias
        return tap("logits", logits, axes=VOCAB, formula="transformed Eᵀ + c")

    def _stored(self, path: str, tensors: Mapping[str, StoredTensor]) -> str:
        return super()._stored(replaced(path, _HEAD), tensors)

    def _others(self, tensors: Mapping[str, StoredTensor]) -> dict[str, Any]:
        return {"other_heads": ("classifier.",), "tied": {"decoder.weight": "embeddings.tok_embeddings.weight"}}

    def _writing(
        self, parameters: Mapping[str, np.ndarray], is_quantized: bool
    ) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
        config, tensors = super()._writing(parameters, is_quantized)
        ours = tuple(own for own, _ in _HEAD)
        named = {
            replaced(name, _HEAD) if name.startswith(ours) else f"model.{name}": values
            for name, values in tensors.items()
        }
        return config | {"architectures": ["ModernBertForMaskedLM"], **_ONLY}, named
