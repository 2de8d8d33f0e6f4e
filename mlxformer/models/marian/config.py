"""What a Marian folder's ``config.json`` says of the network."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any

from mlxformer.errors import ArgumentError
from mlxformer.layers.activations import activation
from mlxformer.models.reading_config import FolderConfig
from mlxformer.models.reprs import config_repr
from mlxformer.validation import require_divisible, require_id, require_positive, require_probability

# Fields of the first converted checkpoints. Each has one value in all of them, and no other is implemented, neither
# here nor in transformers, which ignores them (but for ``is_causal``, which would turn one half into the other).
_ONLY = {
    "normalize_before": False,
    "normalize_embedding": False,
    "add_final_layer_norm": False,
    "static_position_embeddings": True,
    "is_encoder_decoder": True,
    "is_decoder": False,
    "is_causal": None,
}


@dataclass(frozen=True, kw_only=True)
class MarianConfig(FolderConfig):
    """The network, with Hugging Face's names and defaults.

    Args:
        vocab_size: V of the source, tokens.
        decoder_vocab_size: V of the target; None means that of the source, as where the embeddings are shared.
        max_position_embeddings: the longest sequence in tokens.
        encoder_layers: how many.
        encoder_ffn_dim: F, the width of the feed-forward's hidden layer.
        encoder_attention_heads: H, a divisor of C.
        decoder_layers: how many.
        decoder_ffn_dim: F of the decoder.
        decoder_attention_heads: H of the decoder, a divisor of C.
        activation_function: of the feed-forward, by name.
        d_model: C, the width of the model.
        dropout: on sub-layer outputs and embeddings, at least 0 and below 1.
        attention_dropout: on attention weights, at least 0 and below 1.
        activation_dropout: on the feed-forward's hidden layer, at least 0 and below 1.
        init_std: carried along for transformers.
        scale_embedding: whether embeddings are multiplied by √C.
        decoder_start_token_id: what a target begins with.
        pad_token_id: of padding.
        eos_token_id: what a sequence ends with.
        bos_token_id: carried along; Marian has none.
        forced_eos_token_id: what ends a sequence that reaches the greatest length; None forces nothing.
        share_encoder_decoder_embeddings: one vocabulary and one embedding for both sides.
        tie_word_embeddings: whether the output matrix is the target's embedding.

    Raises:
        ArgumentError: a value that cannot be.

    >>> import mlxformer as mf
    >>> mf.count_parameters(mf.MarianConfig(d_model=512, encoder_ffn_dim=2048, decoder_ffn_dim=2048, encoder_layers=6,
    ...                                     decoder_layers=6, encoder_attention_heads=8, decoder_attention_heads=8))
    73886208
    """

    vocab_size: int = 58101
    decoder_vocab_size: int | None = None
    max_position_embeddings: int = 1024
    encoder_layers: int = 12
    encoder_ffn_dim: int = 4096
    encoder_attention_heads: int = 16
    decoder_layers: int = 12
    decoder_ffn_dim: int = 4096
    decoder_attention_heads: int = 16
    activation_function: str = "gelu"
    d_model: int = 1024
    dropout: float = 0.1
    attention_dropout: float = 0.0
    activation_dropout: float = 0.0
    init_std: float = 0.02
    scale_embedding: bool = False
    decoder_start_token_id: int = 58100
    pad_token_id: int = 58100
    eos_token_id: int = 0
    bos_token_id: int | None = None
    forced_eos_token_id: int | None = 0
    share_encoder_decoder_embeddings: bool = True
    tie_word_embeddings: bool = True

    def __repr__(self) -> str:
        sizes = (
            "vocab_size",
            "d_model",
            "encoder_layers",
            "decoder_layers",
            "encoder_attention_heads",
            "encoder_ffn_dim",
        )
        return config_repr(self, sizes)

    @property
    def target_vocab_size(self) -> int:
        """V of the logits."""
        if self.share_encoder_decoder_embeddings or self.decoder_vocab_size is None:
            return self.vocab_size
        return self.decoder_vocab_size

    def __post_init__(self) -> None:
        sizes = ("vocab_size", "max_position_embeddings", "encoder_layers", "encoder_ffn_dim", "d_model",
                 "encoder_attention_heads", "decoder_layers", "decoder_ffn_dim", "decoder_attention_heads")  # fmt: skip
        require_positive(target_vocab_size=self.target_vocab_size, **{name: getattr(self, name) for name in sizes})
        for name in ("encoder_attention_heads", "decoder_attention_heads"):
            require_divisible("d_model", self.d_model, name, getattr(self, name))
        for name in ("dropout", "attention_dropout", "activation_dropout"):
            require_probability(name, getattr(self, name))
        if not isinstance(self.activation_function, str):
            given = self.activation_function
            raise ArgumentError("unknown-activation", f"activation_function must be a name; got {given!r}", given=given)
        activation(self.activation_function)
        for name in ("decoder_start_token_id", "pad_token_id", "eos_token_id"):
            require_id(name, getattr(self, name), self.target_vocab_size)
        require_id("pad_token_id", self.pad_token_id, self.vocab_size)

    @property
    def depths(self) -> dict[str, int]:
        """How many layers it asks for, by field: what ``sizes.require_stored_sizes`` holds against the weights."""
        return {"encoder_layers": self.encoder_layers, "decoder_layers": self.decoder_layers}

    @property
    def widths(self) -> dict[str, int]:
        """The fields that are the length of some tensor's axis; positions are computed and stored nowhere."""
        return {
            "vocab_size": self.vocab_size,
            "decoder_vocab_size": self.target_vocab_size,
            "d_model": self.d_model,
            "encoder_ffn_dim": self.encoder_ffn_dim,
            "decoder_ffn_dim": self.decoder_ffn_dim,
        }

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> MarianConfig:
        """From the fields of a ``config.json``; those that say nothing of the network are passed over.

        Args:
            values: the file's fields.

        Returns:
            The configuration.

        Raises:
            ArgumentError: another model type, or what is not implemented (pre-norm).
        """
        kind = values.get("model_type", "marian")
        if kind != "marian":
            message = f"model_type is {kind!r}; MarianModel reads 'marian' checkpoints only"
            raise ArgumentError("model-type", message, given=kind)
        for name, only in _ONLY.items():
            if values.get(name) not in (None, only):
                raise ArgumentError(
                    "not-implemented",
                    f"{name}={values[name]!r} is not implemented; Marian checkpoints have {only!r}",
                    name=name,
                    given=values[name],
                    wanted=only,
                )
        given = {field.name: values[field.name] for field in fields(cls) if values.get(field.name) is not None}
        for name in ("bos_token_id", "forced_eos_token_id"):  # here null says something
            if name in values:
                given[name] = values[name]
        try:
            return cls(**given)
        except TypeError as error:
            raise ArgumentError("config-type", f"a field has a value of the wrong kind: {error}") from error

    def to_dict(self, architecture: str) -> dict[str, Any]:
        """The fields of a ``config.json`` that transformers reads.

        Args:
            architecture: the class it is to read it as, ``"MarianMTModel"``.

        Returns:
            Plain values.
        """
        return asdict(self) | {"architectures": [architecture], "model_type": "marian", "is_encoder_decoder": True}
