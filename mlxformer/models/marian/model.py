"""Marian's translation models (OPUS-MT): the original post-norm encoder-decoder, with trained weights by the hundred.

What differs from ``Transformer``: biases in the attention projections, sines and cosines of positions in two halves
instead of interleaved, a bias on the logits, swish or another activation, and decoding that starts with padding.

Source: Junczys-Dowmunt et al. 2018, "Marian: Fast Neural Machine Translation in C++"; Tiedemann & Thottingal 2020,
"OPUS-MT"; the layout of the folder is Hugging Face's.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Self

import numpy as np

from mlxformer.backend import mx, nn, to_numpy
from mlxformer.checkpoints.folder import GENERATION_CONFIG, write_files
from mlxformer.checkpoints.safetensors import StoredTensor
from mlxformer.errors import CheckpointError
from mlxformer.generation.rules import SearchRules
from mlxformer.layers.config import LayerConfig
from mlxformer.layers.decoder import Decoder
from mlxformer.layers.encoder import Encoder
from mlxformer.models.encoder_decoder import EncoderDecoder
from mlxformer.models.folder_model import FolderModel, spelled
from mlxformer.models.marian.config import MarianConfig
from mlxformer.models.marian.generation import MarianGeneration
from mlxformer.models.reprs import sizes_text
from mlxformer.origins import Named, Product, Total
from mlxformer.positions import SinusoidalPositions
from mlxformer.validation import require_kind

# Ours -> Hugging Face's, applied in this order to a parameter's path.
_SPELLINGS = (
    (".self_attention_norm.", ".self_attn_layer_norm."),
    (".cross_attention_norm.", ".encoder_attn_layer_norm."),
    (".feed_forward_norm.", ".final_layer_norm."),
    (".self_attention.", ".self_attn."),
    (".cross_attention.", ".encoder_attn."),
    (".query_proj.", ".q_proj."),
    (".key_proj.", ".k_proj."),
    (".value_proj.", ".v_proj."),
    (".feed_forward.up_proj.", ".fc1."),
    (".feed_forward.down_proj.", ".fc2."),
)
_SHARED = "model.shared.weight"
_SOURCE = "model.encoder.embed_tokens.weight"
_TARGET = "model.decoder.embed_tokens.weight"
_OUTPUT = "lm_head.weight"
_BIAS = "final_logits_bias"
_POSITIONS = ("model.encoder.embed_positions.weight", "model.decoder.embed_positions.weight")


class MarianModel(FolderModel, EncoderDecoder):
    """The original post-norm encoder-decoder, with trained weights by the hundred (OPUS-MT).

    ``logits = model(source_ids, target_ids)``, ``.encode``, ``.decode`` and ``.generate``, as ``Transformer`` has. What
    differs from it: biases in the attention projections, sines and cosines of positions in two halves, a bias on the
    logits, swish or another activation, and decoding that starts with padding. ``MarianModel.from_pretrained(folder)``
    reads a folder; what it made of each tensor is in ``load_report``, how it wants to be searched in ``generation``.

    Args:
        config: sizes and choices.
        generation: how to search; None means what ``config`` says.

    Raises:
        ArgumentError: ``config`` is not a ``MarianConfig``.

    Source: Junczys-Dowmunt et al. 2018, "Marian"; Tiedemann & Thottingal 2020, "OPUS-MT".

    >>> import mlxformer as mf
    >>> from mlxformer.backend import mx
    >>> config = mf.MarianConfig(vocab_size=20, d_model=8, encoder_layers=1, decoder_layers=1, encoder_ffn_dim=16,
    ...                          decoder_ffn_dim=16, encoder_attention_heads=2, decoder_attention_heads=2,
    ...                          pad_token_id=19, decoder_start_token_id=19)
    >>> model = mf.MarianModel(config)
    >>> model(mx.array([[5, 6, 0]]), mx.array([[19, 7]])).shape == (1, 2, 20)
    True
    """

    config_class = MarianConfig
    config: MarianConfig

    def __init__(self, config: MarianConfig, generation: MarianGeneration | None = None) -> None:
        super().__init__()
        require_kind("config", config, MarianConfig)
        self.config = config
        self.generation = MarianGeneration.from_config(config) if generation is None else generation
        self.pad_id = config.pad_token_id
        self.source_vocab_size = config.vocab_size
        self.target_vocab_size = config.target_vocab_size
        self.max_positions = config.max_position_embeddings
        self.embedding_scale = config.d_model**0.5 if config.scale_embedding else 1.0
        self.source_embedding = nn.Embedding(config.vocab_size, config.d_model)
        if not config.share_encoder_decoder_embeddings:
            self.target_embedding = nn.Embedding(config.target_vocab_size, config.d_model)
        if not config.tie_word_embeddings:
            self.output_proj = nn.Linear(config.d_model, config.target_vocab_size, bias=False)
        self.source_positions = SinusoidalPositions(config.d_model, layout="halves")
        self.target_positions = SinusoidalPositions(config.d_model, layout="halves")
        self.embedding_dropout = nn.Dropout(config.dropout)
        layer = LayerConfig(
            norm="post",
            activation=config.activation_function,
            dropout=config.dropout,
            attention_dropout=config.attention_dropout,
            activation_dropout=config.activation_dropout,
        )
        self.encoder = Encoder(
            config.encoder_layers, config.d_model, config.encoder_attention_heads, config.encoder_ffn_dim, layer
        )
        self.decoder = Decoder(
            config.decoder_layers, config.d_model, config.decoder_attention_heads, config.decoder_ffn_dim, layer
        )
        self.final_logits_bias = mx.zeros((1, config.target_vocab_size))
        self.freeze(recurse=False, keys=[_BIAS])  # a constant of the checkpoint, not trained

    def _extra_repr(self) -> str:
        config = self.config
        return sizes_text(
            self,
            layers=f"{config.encoder_layers}+{config.decoder_layers}",
            dims=config.d_model,
            heads=config.encoder_attention_heads,
            ffn_dims=config.encoder_ffn_dim,
            vocab=config.target_vocab_size,
        )

    def save_pretrained(self, folder: str | os.PathLike[str], *, dtype: str | None = None) -> None:
        """Write ``config.json``, ``generation_config.json`` and ``model.safetensors`` as transformers reads them.

        Adapters are stored merged. A quantized model is stored as mlx-lm stores one, and read again by this library.

        Args:
            folder: where to; it is made if need be.
            dtype: ``"float32"``, ``"float16"`` or ``"bfloat16"``; None stores the weights as they are.

        Raises:
            CheckpointError: weights that float16 cannot hold, layers quantized in several ways, a folder that cannot be
                written.
        """
        super().save_pretrained(folder, dtype=dtype)
        write_files(Path(folder), {GENERATION_CONFIG: self.generation.to_json().encode()})

    @classmethod
    def _made(cls, config: MarianConfig, folder: Path, tensors: Mapping[str, StoredTensor]) -> Self:
        model = cls(config, MarianGeneration.from_folder(folder, config))
        if _BIAS not in tensors:
            del model[_BIAS]
        return model

    def _stored(self, path: str, tensors: Mapping[str, StoredTensor]) -> str:
        return stored_name(path, self.config)

    def _cut(self, tensors: Mapping[str, StoredTensor]) -> Mapping[str, StoredTensor]:
        return spelled(tensors, canonical_name)

    def _others(self, tensors: Mapping[str, StoredTensor]) -> dict[str, Any]:
        return {
            "tied": _ties(self.config),
            "constants": _checked_positions(tensors, self.config),
            "absent": () if _BIAS in self else (_BIAS,),
        }

    def _writing(
        self, parameters: Mapping[str, np.ndarray], is_quantized: bool
    ) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
        tensors = {stored_name(path, self.config): values for path, values in parameters.items()}
        return self.config.to_dict("MarianMTModel"), tensors

    def _rules(self, given: dict[str, Any]) -> SearchRules:
        return self.generation.rules(self.config, given)

    def _logits(self, x: mx.array) -> mx.array:
        logits = super()._logits(x)
        return logits + self.final_logits_bias if _BIAS in self else logits

    def _of_logits(self, x: mx.array) -> Product | Total | None:
        made = super()._of_logits(x)
        return Total((made, Named("b", self.final_logits_bias))) if made is not None and _BIAS in self else made


def stored_name(path: str, config: MarianConfig) -> str:
    """The name that Hugging Face gives a parameter.

    Args:
        path: of a parameter of a ``MarianModel``.
        config: for what is shared and tied.

    Returns:
        The tensor's name in a file.

    >>> import mlxformer as mf
    >>> from mlxformer.models.marian.model import stored_name
    >>> stored_name("encoder.layers.0.feed_forward.up_proj.weight", mf.MarianConfig())
    'model.encoder.layers.0.fc1.weight'
    """
    name, _, leaf = path.rpartition(".")
    if name in ("source_embedding", "target_embedding", "output_proj") and leaf in ("scales", "biases"):  # quantized
        return stored_name(f"{name}.weight", config).removesuffix("weight") + leaf
    if path == "source_embedding.weight":
        return _SHARED if config.share_encoder_decoder_embeddings else _SOURCE
    if path in (_BIAS, "target_embedding.weight", "output_proj.weight"):
        return {"target_embedding.weight": _TARGET, "output_proj.weight": _OUTPUT}.get(path, path)
    for ours, theirs in _SPELLINGS:
        path = path.replace(ours, theirs)
    return f"model.{path}"


def canonical_name(stored: str) -> str:
    """With the prefix ``model.``, which the model without its output matrix is saved without.

    Args:
        stored: the tensor's name in a file.

    Returns:
        That of ``stored_name``.

    >>> from mlxformer.models.marian.model import canonical_name
    >>> canonical_name("shared.weight")
    'model.shared.weight'
    """
    return f"model.{stored}" if stored.startswith(("shared.", "encoder.", "decoder.")) else stored


def _ties(config: MarianConfig) -> dict[str, str]:
    """Copies that a checkpoint may hold, and what they are copies of."""
    shared = config.share_encoder_decoder_embeddings
    ties = {_SOURCE: _SHARED, _TARGET: _SHARED} if shared else {}
    if config.tie_word_embeddings:
        ties[_OUTPUT] = _SHARED if shared else _TARGET
    return ties


def _checked_positions(tensors: Mapping[str, StoredTensor], config: MarianConfig) -> dict[str, np.ndarray]:
    """Position tables, which older versions of transformers stored, as they are stored.

    They must be the sinusoids that the model makes, but for rounding (it is not the same in every version, and a
    table may be stored in 16 bits). Raises ``CheckpointError`` where they are something else.
    """
    found = {}
    for name, tensor in tensors.items():
        if canonical_name(name) not in _POSITIONS:
            continue
        shape = (config.max_position_embeddings, config.d_model)
        tolerance = 1e-5 if tensor.dtype == "F32" else 1e-2
        table = SinusoidalPositions(config.d_model, layout="halves")
        if tensor.shape != shape or np.abs(tensor.read() - to_numpy(table(shape[0]))).max() > tolerance:
            raise CheckpointError(
                "positions-differ",
                f"{tensor.path}: {name} {list(tensor.shape)} is not the table of {shape[0]} sinusoids, sines "
                f"before cosines, that Marian computes with. Was it trained by something else?",
                tensor=name,
                path=str(tensor.path),
            )
        found[canonical_name(name)] = tensor.read()
    return found
