"""ModernBERT: an encoder that turns queries and keys, gates its feed-forward networks, and mostly looks nearby.

    x = LayerNorm(E[ids]);   x = x + Attention(LayerNorm(x));   x = x + FFN(LayerNorm(x));   LayerNorm(x) at the end

The first layer has no norm before its attention, for its input has just passed one. A sliding layer sees
``local_attention // 2`` tokens to each side, a full one all.

Source: Warner et al. 2024, "Smarter, Better, Faster, Longer: A Modern Bidirectional Encoder …", §2.1.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from mlxformer.attention import masks
from mlxformer.axes import MODEL
from mlxformer.backend import mx, nn
from mlxformer.checkpoints.pieces import piece
from mlxformer.checkpoints.safetensors import StoredTensor
from mlxformer.errors import ArgumentError
from mlxformer.layers.encoder import EncoderLayer
from mlxformer.models.bert.checkpoint import initialize
from mlxformer.models.bert.model import BertOutput
from mlxformer.models.folder_model import FolderModel, replaced, spelled
from mlxformer.models.modernbert.config import LOCAL, ModernBertConfig
from mlxformer.models.reprs import sizes_text
from mlxformer.origins import normalized, rows
from mlxformer.tracing import Module, tap
from mlxformer.validation import require_ids, require_kind, shape_text

# Ours -> Hugging Face's, applied in this order to a parameter's path.
_SPELLINGS = (
    ("token_embedding.", "embeddings.tok_embeddings."),
    ("embedding_norm.", "embeddings.norm."),
    (".self_attention_norm.", ".attn_norm."),
    (".feed_forward_norm.", ".mlp_norm."),
    (".self_attention.out_proj.", ".attn.Wo."),
    (".self_attention.query_proj.", ".attn.Wqkv.query."),
    (".self_attention.key_proj.", ".attn.Wqkv.key."),
    (".self_attention.value_proj.", ".attn.Wqkv.value."),
    (".feed_forward.down_proj.", ".mlp.Wo."),
    (".feed_forward.gate_proj.", ".mlp.Wi.gate."),
    (".feed_forward.up_proj.", ".mlp.Wi.up."),
)
# What is stored as one, and its parts in order.
_JOINED = {".attn.Wqkv.": ("query", "key", "value"), ".mlp.Wi.": ("gate", "up")}


class Unchanged(Module):
    """``x``: in the place of a norm that a layer has not.

    >>> from mlxformer.models.modernbert.model import Unchanged
    >>> Unchanged()(mx.array([3.0])).item()
    3.0
    """

    def __call__(self, x: mx.array) -> mx.array:
        """``x``.

        Args:
            x: of any shape.
        """
        return x


class ModernBertModel(FolderModel):
    """The encoder. ``ModernBertModel.from_pretrained(folder)`` reads a Hugging Face folder.

    Args:
        config: sizes and choices.

    Raises:
        ArgumentError: ``config`` is not a ``ModernBertConfig``.

    Source: Warner et al. 2024, §2.1.

    >>> import mlxformer as mf
    >>> from mlxformer.backend import mx
    >>> model = mf.ModernBertModel(mf.ModernBertConfig(vocab_size=20, hidden_size=8, num_hidden_layers=2,
    ...                                                num_attention_heads=2, intermediate_size=16))
    >>> model(mx.array([[2, 4, 3, 0]]), attention_mask=mx.array([[1, 1, 1, 0]])).last_hidden_state.shape == (1, 4, 8)
    True
    """

    config_class = ModernBertConfig
    config: ModernBertConfig

    def __init__(self, config: ModernBertConfig) -> None:
        super().__init__()
        require_kind("config", config, ModernBertConfig)
        self.config = config
        self.token_embedding = nn.Embedding(config.vocab_size, config.hidden_size)
        self.embedding_norm = nn.LayerNorm(config.hidden_size, eps=config.norm_eps, bias=config.norm_bias)
        self.embedding_dropout = nn.Dropout(config.embedding_dropout)
        sizes = (config.hidden_size, config.num_attention_heads, config.intermediate_size)
        self.layers = [EncoderLayer(*sizes, config.layer(kind)) for kind in config.layer_types or ()]
        self.layers[0].self_attention_norm = Unchanged()
        self.final_norm = nn.LayerNorm(config.hidden_size, eps=config.norm_eps, bias=config.norm_bias)
        initialize(self, config)

    def _extra_repr(self) -> str:
        config = self.config
        return sizes_text(
            self,
            layers=config.num_hidden_layers,
            dims=config.hidden_size,
            heads=config.num_attention_heads,
            ffn_dims=config.intermediate_size,
            vocab=config.vocab_size,
        )

    def __call__(self, input_ids: mx.array, *, attention_mask: mx.array | None = None) -> BertOutput:
        """The hidden states of the last layer.

        Args:
            input_ids: integers [B, T], 0 to V − 1.
            attention_mask: [B, T], 1 or True at real tokens: the others are seen by none; None means all.

        Returns:
            A ``BertOutput``: ``last_hidden_state`` [B, T, C], ``pooler_output`` None.

        Raises:
            ArgumentError: ids out of range (not checked inside ``mx.compile``), more tokens than
                ``max_position_embeddings``, a mask of another shape.
        """
        config = self.config
        require_ids("input_ids", input_ids, config.vocab_size, "the vocabulary")
        length = input_ids.shape[1]
        if length > config.max_tokens:
            raise ArgumentError(
                "too-many-tokens",
                f"input_ids {shape_text(input_ids)} has {length} tokens, the model reads at most {config.max_tokens}. "
                f"Truncate: tokenizer(text, max_length={config.max_tokens})",
                given=length,
                limit=config.max_tokens,
            )
        everywhere = None
        if attention_mask is not None:
            everywhere = masks.padding(masks.from_attention_mask(attention_mask, (input_ids.shape[0], length)))
        side = config.local_attention // 2
        nearby = masks.combine(everywhere, masks.sliding_window(length, length, side, side))
        words = tap(
            "tokens",
            self.token_embedding(input_ids),
            axes=MODEL,
            formula="E[ids]",
            of=lambda: rows(self.token_embedding, input_ids),
        )
        x = tap(
            "embeddings",
            self.embedding_norm(words),
            axes=MODEL,
            formula="LayerNorm(E[ids])",
            of=lambda: normalized(words, self.embedding_norm),
        )
        x = self.embedding_dropout(x)
        for layer, kind in zip(self.layers, config.layer_types or (), strict=True):
            x = layer(x, nearby if kind == LOCAL else everywhere)
        last = tap(
            "output",
            self.final_norm(x),
            axes=MODEL,
            formula="LayerNorm(x)",
            of=lambda: normalized(x, self.final_norm),
        )
        return BertOutput(last, None)

    def _stored(self, path: str, tensors: Mapping[str, StoredTensor]) -> str:
        return replaced(path, _SPELLINGS)

    def _cut(self, tensors: Mapping[str, StoredTensor]) -> Mapping[str, StoredTensor]:
        found: dict[str, StoredTensor] = {}
        for name, tensor in spelled(tensors, lambda stored: stored.removeprefix("model.")).items():
            joined = next((parts for middle, parts in _JOINED.items() if middle in name), None)
            if joined is None:
                found[name] = tensor
                continue
            before, _, leaf = name.rpartition(".")
            for part, label in enumerate(joined):
                found[f"{before}.{label}.{leaf}"] = piece(tensor, label, part=part, of=len(joined))
        return found

    def _others(self, tensors: Mapping[str, StoredTensor]) -> dict[str, Any]:
        return {"other_heads": ("head.", "decoder.", "classifier.")}

    def _writing(
        self, parameters: Mapping[str, np.ndarray], is_quantized: bool
    ) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
        named = {replaced(path, _SPELLINGS): values for path, values in parameters.items()}
        found = {}
        for name, values in named.items():
            joined = next((parts for middle, parts in _JOINED.items() if middle in name), None)
            if joined is None:
                found[name] = values
            elif f".{joined[0]}." in name:
                parts = [named[name.replace(f".{joined[0]}.", f".{label}.")] for label in joined]
                found[name.replace(f".{joined[0]}.", ".")] = np.concatenate(parts)
        return self.config.to_dict(), found
