"""The Transformer of "Attention Is All You Need" (Vaswani et al. 2017), with what has been changed in it since.

``TransformerConfig(vocab_size=37_000)`` is the paper's base model: 63,045,632 parameters, the "65 × 10^6" of Table 3.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Any, ClassVar, Literal

from mlxformer.backend import nn
from mlxformer.errors import ArgumentError
from mlxformer.layers.config import LayerConfig
from mlxformer.layers.decoder import Decoder
from mlxformer.layers.encoder import Encoder
from mlxformer.layers.normalization import NormType
from mlxformer.models.encoder_decoder import EncoderDecoder
from mlxformer.models.own_folder import OwnConfig, OwnFolder
from mlxformer.models.reprs import config_repr, sizes_text
from mlxformer.positions import (
    LearnedPositions,
    RotaryEmbedding,
    SinusoidalPositions,
    T5RelativeBias,
    alibi_bias,
)
from mlxformer.validation import require_choice, require_divisible, require_id, require_kind, require_positive

Positions = Literal["sinusoidal", "learned", "rotary", "alibi", "t5", "none"]
POSITIONS: tuple[Positions, ...] = ("sinusoidal", "learned", "rotary", "alibi", "t5", "none")

_SIZES = ("vocab_size", "dims", "num_heads", "num_encoder_layers", "num_decoder_layers", "ffn_dims")


@dataclass(frozen=True, repr=False)
class TransformerConfig(OwnConfig):
    """The shape and the choices of a ``Transformer``; the defaults are the paper's base model (Table 3).

    Args:
        vocab_size: V, of source and target.
        dims: C, the width of the model.
        num_heads: H, a divisor of C.
        num_encoder_layers: how many layers the encoder has.
        num_decoder_layers: how many the decoder.
        ffn_dims: F, the width of the feed-forward networks.
        dropout: on each sub-layer's output and on the sums of embeddings and positions (§5.4).
        norm: ``"post"`` (§3.1) or ``"pre"`` (Xiong et al. 2020).
        activation: of the feed-forward networks, a name known to ``mlxformer.layers.activations``.
        positions: ``"sinusoidal"`` (§3.5), ``"learned"`` (§3.5 and Table 3 (E); ``max_positions`` of them),
            ``"rotary"``, ``"alibi"``, ``"t5"`` (all three in self-attention only), or ``"none"``.
        tie_embeddings: one matrix for source, target and output (§3.4); else three.
        scale_embeddings: whether by √C (§3.4).
        attention_bias: biases in the attention projections; the paper's W are bare matrices (§3.2.2).
        final_norm: a norm after the last layer of each stack; None means with pre-norm only.
            (``torch.nn.Transformer`` and ``mlx.nn.Transformer`` have one in post-norm mode too: 2,048 parameters more
            at C = 512 that the paper's model lacks.)
        pad_id: padding.
        bos_id: the first target token.
        eos_id: the last target token.
        attention_dropout: on the attention weights, which the paper does not have and its code, tensor2tensor, does.
        activation_dropout: on the feed-forward networks' hidden layer, likewise.
        attention_tie: as ``tie`` of ``MultiHeadAttention``, in every attention.
        num_kv_heads: as in ``MultiHeadAttention``, in every attention.
        max_positions: how many positions are learned.
        norm_eps: ε, added to the variance.
        norm_type: ``"layer"`` (§3.1) or ``"rms"`` (Zhang & Sennrich 2019), everywhere.

    Raises:
        ArgumentError: for what cannot be.

    >>> import mlxformer as mf
    >>> base = mf.TransformerConfig(vocab_size=37_000)
    >>> base.dims, base.num_heads, base.ffn_dims
    (512, 8, 2048)
    >>> mf.count_parameters(base)
    63045632
    """

    model_type: ClassVar[str] = "mlxformer-transformer"

    vocab_size: int
    dims: int = 512
    num_heads: int = 8
    num_encoder_layers: int = 6
    num_decoder_layers: int = 6
    ffn_dims: int = 2048
    dropout: float = 0.1
    norm: Literal["post", "pre"] = "post"
    activation: str = "relu"
    positions: Positions = "sinusoidal"
    tie_embeddings: bool = True
    scale_embeddings: bool = True
    attention_bias: bool = False
    final_norm: bool | None = None
    pad_id: int = 0
    bos_id: int = 1
    eos_id: int = 2
    attention_dropout: float = 0.0
    activation_dropout: float = 0.0
    attention_tie: Literal["kv", "qk", "qkv"] | None = None
    num_kv_heads: int | None = None
    max_positions: int = 512
    norm_eps: float = 1e-5
    norm_type: NormType = "layer"

    def __post_init__(self) -> None:
        require_positive(**{name: getattr(self, name) for name in (*_SIZES, "max_positions")})
        require_divisible("dims", self.dims, "num_heads", self.num_heads)
        require_choice("positions", self.positions, POSITIONS)
        for name in ("tie_embeddings", "scale_embeddings"):
            require_choice(name, getattr(self, name), (True, False))
        require_choice("final_norm", self.final_norm, (None, True, False))
        _ = self.layer  # which checks its part of the choices
        for name in ("pad_id", "bos_id", "eos_id"):
            require_id(name, getattr(self, name), self.vocab_size)
        if self.pad_id in (self.bos_id, self.eos_id):
            other = "bos_id" if self.pad_id == self.bos_id else "eos_id"
            raise ArgumentError(
                "pad-not-distinct",
                f"pad_id={self.pad_id} is also {other}: padding would be mistaken for it. Give each its own id",
                pad_id=self.pad_id,
            )

    def __repr__(self) -> str:
        return config_repr(self, _SIZES)

    @property
    def depths(self) -> dict[str, int]:
        """How many layers it asks for, by field: what ``sizes.require_stored_sizes`` holds against the weights."""
        return {name: getattr(self, name) for name in ("num_encoder_layers", "num_decoder_layers")}

    @property
    def widths(self) -> dict[str, int]:
        """The fields that are the length of some tensor's axis."""
        names = ("vocab_size", "dims", "ffn_dims", *(("max_positions",) if self.positions == "learned" else ()))
        return {name: getattr(self, name) for name in names}

    @property
    def layer(self) -> LayerConfig:
        """The choices of each layer."""
        return LayerConfig(
            norm=self.norm,
            norm_type=self.norm_type,
            norm_eps=self.norm_eps,
            activation=self.activation,
            attention_bias=self.attention_bias,
            num_kv_heads=self.num_kv_heads,
            attention_tie=self.attention_tie,
            rope=RotaryEmbedding(self.dims // self.num_heads) if self.positions == "rotary" else None,
            dropout=self.dropout,
            attention_dropout=self.attention_dropout,
            activation_dropout=self.activation_dropout,
        )


class Transformer(OwnFolder, EncoderDecoder):
    """The encoder-decoder. ``logits = model(source_ids, target_ids)``, ``.encode``, ``.decode`` and ``.generate``.

    ``save_pretrained(folder)`` writes it, ``Transformer.from_pretrained(folder)`` reads it again.

    In a trace, beside what the layers record: ``source_tokens`` (√C · E[ids]), ``source_positions.output``, their sum
    ``source_embeddings``, the same of the target, and ``logits``. New embeddings are drawn from N(0, 1/C), so that
    scaled by √C they weigh as much as the positions, and as the output matrix give logits of about unit variance.

    Args:
        config: sizes and choices.

    Raises:
        ArgumentError: for a config of another kind; when called, as ``EncoderDecoder``.

    Source: Vaswani et al. 2017, §3.

    >>> import mlxformer as mf
    >>> from mlxformer.backend import mx
    >>> model = mf.Transformer(mf.TransformerConfig(20, dims=8, num_heads=2, ffn_dims=16))
    >>> model(mx.array([[5, 6, 7]]), mx.array([[1, 5]])).shape
    (1, 2, 20)
    """

    config_class = TransformerConfig
    config: TransformerConfig

    def __init__(self, config: TransformerConfig) -> None:
        super().__init__()
        require_kind("config", config, TransformerConfig)
        self.config = config
        self.pad_id = config.pad_id
        self.source_vocab_size = self.target_vocab_size = config.vocab_size
        self.embedding_scale = config.dims**0.5 if config.scale_embeddings else 1.0
        self.max_positions = config.max_positions if config.positions == "learned" else None
        self.source_embedding = nn.Embedding(config.vocab_size, config.dims)
        if not config.tie_embeddings:
            self.target_embedding = nn.Embedding(config.vocab_size, config.dims)
            self.output_proj = nn.Linear(config.dims, config.vocab_size, bias=False)
        self._make_positions()
        self.embedding_dropout = nn.Dropout(config.dropout)
        sizes = (config.dims, config.num_heads, config.ffn_dims, config.layer)
        self.encoder = Encoder(config.num_encoder_layers, *sizes, final_norm=config.final_norm)
        self.decoder = Decoder(config.num_decoder_layers, *sizes, final_norm=config.final_norm)

    def _make_positions(self) -> None:
        config = self.config
        if config.positions == "sinusoidal":
            self.source_positions: Any = SinusoidalPositions(config.dims)
            self.target_positions: Any = SinusoidalPositions(config.dims)
        elif config.positions == "learned":
            self.source_positions = LearnedPositions(config.max_positions, config.dims)
            self.target_positions = LearnedPositions(config.max_positions, config.dims)
        elif config.positions == "t5":
            self.source_bias: Any = T5RelativeBias(config.num_heads)
            self.target_bias: Any = T5RelativeBias(config.num_heads, bidirectional=False)
        elif config.positions == "alibi":
            self.source_bias = self.target_bias = partial(alibi_bias, config.num_heads)

    def _extra_repr(self) -> str:
        config = self.config
        return sizes_text(
            self,
            layers=f"{config.num_encoder_layers}+{config.num_decoder_layers}",
            dims=config.dims,
            heads=config.num_heads,
            ffn_dims=config.ffn_dims,
            vocab=config.vocab_size,
        )
