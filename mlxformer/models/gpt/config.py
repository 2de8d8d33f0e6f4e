"""The shape and the choices of a decoder-only model, and Hugging Face's GPT-2 and Llama configurations as such."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import Any, Literal

from mlxformer.checkpoints.folder import GENERATION_CONFIG, read_json
from mlxformer.errors import ArgumentError
from mlxformer.layers.config import LayerConfig
from mlxformer.layers.normalization import NormType
from mlxformer.models.folder_model import require_only
from mlxformer.models.reading_config import FolderConfig
from mlxformer.models.reprs import config_repr
from mlxformer.models.rope_fields import rope_fields, rope_of
from mlxformer.positions import RotaryEmbedding
from mlxformer.positions.rotary import Llama3Stretch
from mlxformer.validation import (
    require_choice,
    require_divisible,
    require_id,
    require_positive,
    require_probability,
)

OWN = "mlxformer-gpt"  # the model_type of a folder that is neither GPT-2's nor Llama's
_SIZES = ("vocab_size", "dims", "num_heads", "num_layers", "ffn_dims")
_GPT2_ONLY = {
    "scale_attn_weights": True,
    "scale_attn_by_inverse_layer_idx": False,
    "add_cross_attention": False,
    "is_causal": True,
    "quantization_config": None,
    "auto_map": None,
}
_LLAMA_ONLY = {
    "quantization_config": None,
    "auto_map": None,
    "sliding_window": None,
    "partial_rotary_factor": 1.0,
    "is_causal": True,
}


@dataclass(frozen=True, repr=False)
class GPTConfig(FolderConfig):
    """The shape and the choices of a ``GPT``; the defaults are GPT-2's (Radford et al. 2019), its smallest model.

    Args:
        vocab_size: V.
        dims: C, the width of the model.
        num_heads: H, a divisor of C; None is a head for each 64 of C, or the next number that divides it.
        num_layers: N.
        ffn_dims: F, the width of the feed-forward networks; None is 4C, gated 8C/3 (as many parameters).
        positions: ``"learned"`` (GPT-2; ``max_positions`` of them) or ``"rotary"`` (Llama).
        norm_type: ``"layer"`` (GPT-2) or ``"rms"`` (Llama).
        activation: of the feed-forward networks; ``"gelu_new"``, the tanh form of GELU, is GPT-2's.
        gated: whether they are gated; with ``activation="silu"`` that is SwiGLU (Llama).
        num_kv_heads: Hkv, how many heads of keys and values the H share (grouped-query attention); None is H.
        head_dim: D; None is C / H.
        tie_embeddings: whether the output matrix is the token embeddings.
        attention_bias: whether the projections of the attentions have one.
        ffn_bias: whether those of the feed-forward networks have.
        max_positions: T_max, the longest text of learned positions; rotary ones have no longest.
        rope_base: of rotary angles.
        rope_scale: multiplies rotary positions; below 1 it interpolates (Hugging Face's ``linear``, 1 / factor).
        rope_stretch: what slows the slow pairs (Llama 3.1); None is nothing.
        norm_eps: ε of the norms.
        dropout: on each sub-layer's output, in training.
        embedding_dropout: on the embeddings, in training; None is ``dropout``.
        attention_dropout: on the attention weights, in training.
        initializer_range: the standard deviation of new weights.
        bos_id: what a text begins with; carried along. None is nothing.
        eos_ids: what ends a text.
        pad_id: padding; None is the first of ``eos_ids``. Ids beyond the vocabulary are carried along.

    Raises:
        ArgumentError: for what cannot be.

    >>> import mlxformer as mf
    >>> mf.count_parameters(mf.GPTConfig(50_257, dims=768, num_layers=12, num_heads=12))  # GPT-2
    124439808
    >>> llama = mf.GPTConfig(32_000, dims=512, positions="rotary", norm_type="rms", activation="silu", gated=True,
    ...                      num_kv_heads=4, attention_bias=False, ffn_bias=False, tie_embeddings=False)
    >>> llama.num_heads, llama.ffn_dims
    (8, 1365)
    """

    vocab_size: int
    dims: int = 768
    num_heads: int | None = None
    num_layers: int = 12
    ffn_dims: int | None = None
    positions: Literal["learned", "rotary"] = "learned"
    norm_type: NormType = "layer"
    activation: str = "gelu_new"
    gated: bool = False
    num_kv_heads: int | None = None
    head_dim: int | None = None
    tie_embeddings: bool = True
    attention_bias: bool = True
    ffn_bias: bool = True
    max_positions: int = 1024
    rope_base: float = 10_000.0
    rope_scale: float = 1.0
    rope_stretch: Llama3Stretch | None = None
    norm_eps: float = 1e-5
    dropout: float = 0.0
    embedding_dropout: float | None = None
    attention_dropout: float = 0.0
    initializer_range: float = 0.02
    bos_id: int | None = None
    eos_ids: tuple[int, ...] = ()
    pad_id: int | None = None

    def __post_init__(self) -> None:
        require_positive(dims=self.dims)
        if self.num_heads is None:
            wanted = max(1, self.dims // 64)
            heads = next(heads for heads in range(wanted, 0, -1) if self.dims % heads == 0)
            object.__setattr__(self, "num_heads", heads)
        if self.ffn_dims is None:
            object.__setattr__(self, "ffn_dims", 8 * self.dims // 3 if self.gated else 4 * self.dims)
        object.__setattr__(self, "eos_ids", tuple(self.eos_ids))
        require_positive(**{name: getattr(self, name) for name in (*_SIZES, "max_positions")})
        if self.head_dim is None:
            require_divisible("dims", self.dims, "num_heads", self.num_heads or 1)
        require_choice("positions", self.positions, ("learned", "rotary"))
        for name in ("tie_embeddings", "attention_bias", "ffn_bias", "gated"):
            require_choice(name, getattr(self, name), (True, False))
        require_probability("initializer_range", self.initializer_range)
        if self.embedding_dropout is not None:
            require_probability("embedding_dropout", self.embedding_dropout)
        for name in ("bos_id", "pad_id"):
            if getattr(self, name) is not None:
                require_id(name, getattr(self, name))
        for end in self.eos_ids:
            require_id("eos_ids", end)
        _ = self.layer  # which checks its part of the choices

    def __repr__(self) -> str:
        return config_repr(self, _SIZES)

    @property
    def layer(self) -> LayerConfig:
        """The choices of each layer."""
        width = self.head_dim or self.dims // (self.num_heads or 1)
        rope = None
        if self.positions == "rotary":
            rope = RotaryEmbedding(
                width, base=self.rope_base, layout="halves", scale=self.rope_scale, stretch=self.rope_stretch
            )
        return LayerConfig(
            norm="pre",
            norm_type=self.norm_type,
            norm_eps=self.norm_eps,
            activation=self.activation,
            gated=self.gated,
            ffn_bias=self.ffn_bias,
            attention_bias=self.attention_bias,
            num_kv_heads=self.num_kv_heads,
            head_dim=self.head_dim,
            rope=rope,
            dropout=self.dropout,
            attention_dropout=self.attention_dropout,
        )

    @property
    def model_type(self) -> str:
        """The kind of folder that this is saved as: ``"gpt2"`` or ``"llama"`` where transformers has such a model."""
        plain = self.num_kv_heads in (None, self.num_heads) and self.head_dim is None
        biased = self.attention_bias and self.ffn_bias
        if self.positions == "learned" and self.norm_type == "layer" and not self.gated and plain and biased:
            return "gpt2"
        dropped = self.dropout or self.embedding_dropout
        if self.positions == "rotary" and self.norm_type == "rms" and self.gated and not dropped:
            return "llama"
        return OWN

    @property
    def depths(self) -> dict[str, int]:
        """How many layers it asks for, by field: what ``sizes.require_stored_sizes`` holds against the weights."""
        return {"num_layers": self.num_layers}

    @property
    def widths(self) -> dict[str, int]:
        """The fields that are the length of some tensor's axis."""
        heads = self.num_heads or 1
        found = {"vocab_size": self.vocab_size, "dims": self.dims, "ffn_dims": self.ffn_dims or 1}
        found["num_heads · head_dim"] = heads * (self.head_dim or self.dims // heads)
        return found | ({"max_positions": self.max_positions} if self.positions == "learned" else {})

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> GPTConfig:
        """From the fields of a ``config.json``; those that say nothing of the network are passed over.

        Args:
            values: the file's fields, of GPT-2, of Llama, or as ``GPT.save_pretrained`` wrote them.

        Returns:
            The configuration.

        Raises:
            ArgumentError: another model type, a value that is not implemented, a ``rope_type`` among them.
        """
        readers = {"gpt2": _from_gpt2, "llama": _from_llama, OWN: _from_own}
        kind = values.get("model_type")
        if kind not in readers:
            message = f"model_type is {kind!r}; mf.GPT reads 'gpt2' and 'llama' folders"
            raise ArgumentError("model-type", message, given=kind)
        return cls(**{name: value for name, value in readers[kind](values).items() if value is not None})

    @classmethod
    def read(cls, values: Mapping[str, Any], folder: Path) -> GPTConfig:
        """From the fields of ``config.json``, and what ends a text from ``generation_config.json``.

        Args:
            values: the fields.
            folder: where they stood.

        Returns:
            The configuration.
        """
        config = cls.from_dict(values)
        path = folder / GENERATION_CONFIG
        ends = read_json(path).get("eos_token_id") if path.is_file() else None
        if ends is not None:  # often more than config.json says: the end of a turn, too
            config = replace(config, eos_ids=tuple(ends) if isinstance(ends, list) else (ends,))
        return config

    def to_dict(self, kind: str | None = None) -> dict[str, Any]:
        """The fields of a ``config.json``.

        Args:
            kind: ``"gpt2"``, ``"llama"`` or our own; None is what ``model_type`` says.

        Returns:
            Plain values.
        """
        kind = self.model_type if kind is None else kind
        ends: Any = None if not self.eos_ids else self.eos_ids[0] if len(self.eos_ids) == 1 else list(self.eos_ids)
        shared = {
            "model_type": kind,
            "vocab_size": self.vocab_size,
            "initializer_range": self.initializer_range,
            "bos_token_id": self.bos_id,
            "eos_token_id": ends,
            "pad_token_id": self.pad_id,
            "tie_word_embeddings": self.tie_embeddings,
        }
        if kind == "gpt2":
            return shared | {
                "architectures": ["GPT2LMHeadModel"],
                "n_positions": self.max_positions,
                "n_embd": self.dims,
                "n_layer": self.num_layers,
                "n_head": self.num_heads,
                "n_inner": self.ffn_dims,
                "activation_function": self.activation,
                "resid_pdrop": self.dropout,
                "embd_pdrop": self.dropout if self.embedding_dropout is None else self.embedding_dropout,
                "attn_pdrop": self.attention_dropout,
                "layer_norm_epsilon": self.norm_eps,
            }
        if kind == "llama":
            return shared | rope_fields(self.rope_base, self.rope_scale, self.rope_stretch) | {
                "architectures": ["LlamaForCausalLM"],
                "hidden_size": self.dims,
                "intermediate_size": self.ffn_dims,
                "num_hidden_layers": self.num_layers,
                "num_attention_heads": self.num_heads,
                "num_key_value_heads": self.num_kv_heads or self.num_heads,
                "head_dim": self.head_dim or self.dims // (self.num_heads or 1),
                "hidden_act": self.activation,
                "max_position_embeddings": self.max_positions,
                "rms_norm_eps": self.norm_eps,
                "attention_bias": self.attention_bias,
                "mlp_bias": self.ffn_bias,
                "attention_dropout": self.attention_dropout,
            }  # fmt: skip
        return asdict(self) | {"model_type": OWN}


def _from_gpt2(values: Mapping[str, Any]) -> dict[str, Any]:
    require_only(values, _GPT2_ONLY, "GPT-2")
    dropout, on_embeddings = (values.get(name, 0.1) for name in ("resid_pdrop", "embd_pdrop"))
    return _shared(values) | {
        "tie_embeddings": values.get("tie_word_embeddings", True),
        "max_positions": values.get("n_positions", 1024),
        "dims": values.get("n_embd", 768),
        "num_layers": values.get("n_layer", 12),
        "num_heads": values.get("n_head", 12),
        "ffn_dims": values.get("n_inner"),
        "activation": values.get("activation_function", "gelu_new"),
        "dropout": dropout,
        "embedding_dropout": None if on_embeddings == dropout else on_embeddings,
        "attention_dropout": values.get("attn_pdrop", 0.1),
        "norm_eps": values.get("layer_norm_epsilon", 1e-5),
        "vocab_size": values.get("vocab_size", 50257),
    }


def _from_llama(values: Mapping[str, Any]) -> dict[str, Any]:
    require_only(values, _LLAMA_ONLY, "Llama")
    base, scale, stretch = rope_of(values, 10_000.0, None)
    dims, heads, width = (
        values.get(name, usual)
        for name, usual in (("hidden_size", 4096), ("num_attention_heads", 32), ("head_dim", None))
    )
    return _shared(values) | {
        "tie_embeddings": values.get("tie_word_embeddings", False),
        "positions": "rotary",
        "norm_type": "rms",
        "gated": True,
        "max_positions": values.get("max_position_embeddings", 2048),
        "dims": dims,
        "num_layers": values.get("num_hidden_layers", 32),
        "num_heads": heads,
        "num_kv_heads": values.get("num_key_value_heads"),
        "head_dim": None if width is not None and width * heads == dims else width,
        "ffn_dims": values.get("intermediate_size", 11008),
        "activation": values.get("hidden_act", "silu"),
        "attention_bias": values.get("attention_bias", False),
        "ffn_bias": values.get("mlp_bias", False),
        "attention_dropout": values.get("attention_dropout", 0.0),
        "norm_eps": values.get("rms_norm_eps", 1e-6),
        "rope_base": base,
        "rope_scale": scale,
        "rope_stretch": stretch,
        "vocab_size": values.get("vocab_size", 32000),
    }


def _from_own(values: Mapping[str, Any]) -> dict[str, Any]:
    own = {field.name: values[field.name] for field in fields(GPTConfig) if field.name in values}
    stretch = own.get("rope_stretch")
    return own | {"rope_stretch": None if stretch is None else Llama3Stretch(**stretch)}


def _shared(values: Mapping[str, Any]) -> dict[str, Any]:
    ends = values.get("eos_token_id")
    return {
        "initializer_range": values.get("initializer_range", 0.02),
        "bos_id": values.get("bos_token_id"),
        "eos_ids": () if ends is None else tuple(ends) if isinstance(ends, list | tuple) else (ends,),
        "pad_id": values.get("pad_token_id"),
    }
