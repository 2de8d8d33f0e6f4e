"""T5: text to text, with learned biases of distances instead of positions, RMS norms and no biases in projections.

    memory = Encoder(E[source]);   logits = (Decoder(E[target], memory) / √C) W^T

Scores are not divided by √D; the biases of distances are made once and shared by all layers of a stack, and
cross-attention has none. T5 1.1 and Flan-T5 have gated feed-forward networks, an output matrix W of their own, and do
not divide by √C.

Source: Raffel et al. 2020, "Exploring the Limits of Transfer Learning with a Unified Text-to-Text Transformer", §2.1.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from mlxformer.axes import MODEL
from mlxformer.backend import mx, nn
from mlxformer.checkpoints.safetensors import StoredTensor
from mlxformer.generation.rules import SearchRules
from mlxformer.layers.decoder import Decoder
from mlxformer.layers.encoder import Encoder
from mlxformer.models.encoder_decoder import EncoderDecoder
from mlxformer.models.folder_model import FolderModel, replaced
from mlxformer.models.reprs import sizes_text
from mlxformer.models.t5.config import T5Config
from mlxformer.origins import Named, Product, Total
from mlxformer.positions import T5RelativeBias
from mlxformer.tracing import tap
from mlxformer.validation import require_kind

# Ours -> Hugging Face's, applied in this order to a parameter's path.
_SHARED = "shared.weight"
_COPIES = ("encoder.embed_tokens.weight", "decoder.embed_tokens.weight")
_BIASES = {"source_bias": "encoder", "target_bias": "decoder"}
_LEAVES = (
    (".final_norm.", ".final_layer_norm."),
    (".layers.", ".block."),
    (".query_proj.", ".q."),
    (".key_proj.", ".k."),
    (".value_proj.", ".v."),
    (".out_proj.", ".o."),
    (".self_attention_norm.", ".layer.0.layer_norm."),
    (".self_attention.", ".layer.0.SelfAttention."),
    (".cross_attention_norm.", ".layer.1.layer_norm."),
    (".cross_attention.", ".layer.1.EncDecAttention."),
)


class T5Model(FolderModel, EncoderDecoder):
    """Text to text. ``logits = model(source_ids, target_ids)``, ``.encode``, ``.decode``, ``.generate``, ``.stream``.

    ``T5Model.from_pretrained(folder)`` reads T5 and Flan-T5; what it made of each tensor is in ``load_report``.

    Args:
        config: sizes and choices.

    Raises:
        ArgumentError: ``config`` is not a ``T5Config``.

    Source: Raffel et al. 2020, §2.1.

    >>> import mlxformer as mf
    >>> from mlxformer.backend import mx
    >>> model = mf.T5Model(mf.T5Config(vocab_size=20, d_model=8, d_kv=4, d_ff=16, num_layers=1, num_heads=2))
    >>> model(mx.array([[5, 6, 1]]), mx.array([[0, 7]])).shape == (1, 2, 20)
    True
    """

    config_class = T5Config
    config: T5Config
    default_new_tokens = 20  # as Hugging Face's

    def __init__(self, config: T5Config) -> None:
        super().__init__()
        require_kind("config", config, T5Config)
        self.config = config
        self.pad_id = config.pad_token_id
        self.source_vocab_size = self.target_vocab_size = config.vocab_size
        self.max_positions = None
        self.embedding_scale = 1.0
        self.source_embedding = nn.Embedding(config.vocab_size, config.d_model)
        if config.own_output:
            self.output_proj = nn.Linear(config.d_model, config.vocab_size, bias=False)
        self.embedding_dropout = nn.Dropout(config.dropout_rate)
        self.output_dropout = nn.Dropout(config.dropout_rate)
        buckets: dict[str, Any] = {
            "num_buckets": config.relative_attention_num_buckets,
            "max_distance": config.relative_attention_max_distance,
        }
        self.source_bias = T5RelativeBias(config.num_heads, **buckets)
        self.target_bias = T5RelativeBias(config.num_heads, bidirectional=False, **buckets)
        assert config.num_decoder_layers is not None, "T5Config fills it in"
        sizes = (config.d_model, config.num_heads, config.d_ff, config.layer)
        self.encoder = Encoder(config.num_layers, *sizes)
        self.decoder = Decoder(config.num_decoder_layers, *sizes)
        _initialize(self, config)

    def _extra_repr(self) -> str:
        config = self.config
        return sizes_text(
            self,
            layers=f"{config.num_layers}+{config.num_decoder_layers}",
            dims=config.d_model,
            heads=config.num_heads,
            ffn_dims=config.d_ff,
            vocab=config.vocab_size,
        )

    def _encode(self, source_ids: mx.array, source_mask: mx.array | None) -> tuple[mx.array, mx.array | None]:
        memory, mask = super()._encode(source_ids, source_mask)
        return self.output_dropout(memory), mask

    def _logits(self, x: mx.array) -> mx.array:
        x = self.output_dropout(x)
        if self.config.scale_decoder_outputs:
            x = tap("scaled_output", x * self.config.d_model**-0.5, axes=MODEL, formula="x / √C")
        return super()._logits(x)

    def _of_logits(self, x: mx.array) -> Product | Total | None:
        if not self.config.scale_decoder_outputs or "output_proj" in self:
            return super()._of_logits(x)
        scale = Named("1/√C", self.config.d_model**-0.5)
        return Product("btc,vc,->btv", (x, Named("E", self._target_table.weight), scale))

    def _rules(self, given: dict[str, Any]) -> SearchRules:
        config = self.config
        inside = tuple(end for end in config.eos_ids if end < config.vocab_size)
        return SearchRules(
            start_id=config.decoder_start_token_id,
            pad_id=config.pad_token_id,
            eos_ids=inside,
            forbid_pad=False,
            **given,
        )

    def _others(self, tensors: Mapping[str, StoredTensor]) -> dict[str, Any]:
        # Older versions stored a bias of distances in the decoder's cross-attention, which is not used.
        unused = tuple(name for name in tensors if "EncDecAttention.relative_attention_bias" in name)
        return {"tied": dict.fromkeys(_COPIES, _SHARED), "unused": unused}

    def _writing(
        self, parameters: Mapping[str, np.ndarray], is_quantized: bool
    ) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
        return self.config.to_dict(), {self._stored(path): values for path, values in parameters.items()}

    def _stored(self, path: str, tensors: Mapping[str, StoredTensor] | None = None) -> str:
        """The name that Hugging Face gives a parameter."""
        first, leaf = path.partition(".")[0], path.rpartition(".")[2]
        if first in ("source_embedding", "output_proj"):
            return f"{'shared' if first == 'source_embedding' else 'lm_head'}.{leaf}"
        if first in _BIASES:
            return f"{_BIASES[first]}.block.0.layer.0.SelfAttention.relative_attention_bias.{leaf}"
        last = 2 if first == "decoder" else 1
        if ".feed_forward_norm." in path:
            path = path.replace(".feed_forward_norm.", f".layer.{last}.layer_norm.")
        gated = self.config.layer.gated
        for ours, theirs in (("gate_proj", "wi_0"), ("up_proj", "wi_1" if gated else "wi"), ("down_proj", "wo")):
            path = path.replace(f".feed_forward.{ours}.", f".layer.{last}.DenseReluDense.{theirs}.")
        return replaced(path, _LEAVES)


def _initialize(model: T5Model, config: T5Config) -> None:
    """New weights as T5 draws them: each matrix by its width, queries by √D more, for scores are not divided."""
    factor = config.initializer_factor
    for path, layer in model.named_modules():
        if isinstance(layer, nn.Embedding):
            std = config.d_model**-0.5 if path.endswith("_bias.embedding") else 1.0
        elif isinstance(layer, nn.Linear):
            width = int(layer.weight.shape[1])
            std = (width * config.d_kv) ** -0.5 if path.endswith("query_proj") else width**-0.5
            std = 1.0 if path == "output_proj" else std
        else:
            continue
        layer.weight = nn.init.normal(std=factor * std)(layer.weight)
