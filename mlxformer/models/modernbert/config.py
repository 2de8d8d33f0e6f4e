"""ModernBERT's configuration, with the names and defaults of Hugging Face's ``config.json``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any

from mlxformer.errors import ArgumentError
from mlxformer.layers.activations import activation
from mlxformer.layers.config import LayerConfig
from mlxformer.models.folder_model import require_only
from mlxformer.models.reading_config import FolderConfig
from mlxformer.models.reprs import config_repr
from mlxformer.models.rope_fields import Rope, rope_fields, rope_of
from mlxformer.positions import RotaryEmbedding
from mlxformer.validation import (
    require_choice,
    require_divisible,
    require_positive,
    require_positive_number,
    require_probability,
)

GLOBAL, LOCAL = "full_attention", "sliding_attention"
_SIZES = ("vocab_size", "hidden_size", "num_hidden_layers", "num_attention_heads", "intermediate_size")
_ONLY = {"quantization_config": None, "auto_map": None, "is_causal": False}


@dataclass(frozen=True, kw_only=True, repr=False)
class ModernBertConfig(FolderConfig):
    """The sizes and choices of a ModernBERT, by Hugging Face's names; the defaults are its base model.

    Args:
        vocab_size: V, tokens.
        hidden_size: C, the width of the model.
        intermediate_size: F, the width of the gated feed-forward networks.
        num_hidden_layers: N.
        num_attention_heads: H, a divisor of C.
        hidden_activation: of the gates, by name.
        max_position_embeddings: the longest input in tokens.
        layer_types: of each layer, ``"full_attention"`` or ``"sliding_attention"``; None is the first and then every
            third full.
        local_attention: the window of sliding attention: half of it to each side.
        global_rope: base, scale and stretch of the angles in full attention.
        local_rope: those in sliding attention.
        norm_eps: ε of the layer norms.
        norm_bias: whether they have a bias.
        attention_bias: whether the projections of the attentions have one.
        mlp_bias: whether those of the feed-forward networks have.
        attention_dropout: on attention weights and outputs, in training.
        mlp_dropout: on the feed-forward networks' hidden layer.
        embedding_dropout: on the embeddings.
        initializer_range: the standard deviation of new weights.
        pad_token_id: carried along; what is padding is said by ``attention_mask`` alone.

    Raises:
        ArgumentError: a value that cannot be.

    Source: Warner et al. 2024, "Smarter, Better, Faster, Longer", §2.1.

    >>> import mlxformer as mf
    >>> mf.count_parameters(mf.ModernBertConfig())
    149014272
    """

    vocab_size: int = 50368
    hidden_size: int = 768
    intermediate_size: int = 1152
    num_hidden_layers: int = 22
    num_attention_heads: int = 12
    hidden_activation: str = "gelu"
    max_position_embeddings: int = 8192
    layer_types: tuple[str, ...] | None = None
    local_attention: int = 128
    global_rope: Rope = field(default=(160_000.0, 1.0, None))
    local_rope: Rope = field(default=(10_000.0, 1.0, None))
    norm_eps: float = 1e-5
    norm_bias: bool = False
    attention_bias: bool = False
    mlp_bias: bool = False
    attention_dropout: float = 0.0
    mlp_dropout: float = 0.0
    embedding_dropout: float = 0.0
    initializer_range: float = 0.02
    pad_token_id: int | None = 50283

    def __post_init__(self) -> None:
        require_positive(**{name: getattr(self, name) for name in (*_SIZES, "max_position_embeddings")})
        require_divisible("hidden_size", self.hidden_size, "num_attention_heads", self.num_attention_heads)
        if self.layer_types is None:
            kinds = tuple(LOCAL if layer % 3 else GLOBAL for layer in range(self.num_hidden_layers))
            object.__setattr__(self, "layer_types", kinds)
        kinds = tuple(self.layer_types or ())
        object.__setattr__(self, "layer_types", kinds)
        if len(kinds) != self.num_hidden_layers:
            message = f"layer_types names {len(kinds)} layers; there are {self.num_hidden_layers}"
            raise ArgumentError("layer-types", message, given=len(kinds), layers=self.num_hidden_layers)
        for kind in kinds:
            require_choice("layer_types", kind, (GLOBAL, LOCAL))
        require_positive(local_attention=self.local_attention)
        if self.local_attention >= 2**31:
            wide = str(self.local_attention)[:80]
            message = f"local_attention must be below 2³¹; got {wide}"
            raise ArgumentError("number-too-large", message, name="local_attention", given=wide)
        for name in ("norm_bias", "attention_bias", "mlp_bias"):
            require_choice(name, getattr(self, name), (True, False))
        for name in ("attention_dropout", "mlp_dropout", "embedding_dropout", "initializer_range"):
            require_probability(name, getattr(self, name))
        require_positive_number("norm_eps", self.norm_eps)
        activation(self.hidden_activation)

    def __repr__(self) -> str:
        return config_repr(self, _SIZES)

    @property
    def max_tokens(self) -> int:
        """The longest input in tokens."""
        return self.max_position_embeddings

    def layer(self, kind: str) -> LayerConfig:
        """The choices of a layer of a kind, ``"full_attention"`` or ``"sliding_attention"``.

        Args:
            kind: of the layer's attention.
        """
        base, scale, stretch = self.global_rope if kind == GLOBAL else self.local_rope
        width = self.hidden_size // self.num_attention_heads
        return LayerConfig(
            norm="pre",
            norm_eps=self.norm_eps,
            norm_bias=self.norm_bias,
            activation=self.hidden_activation,
            gated=True,
            ffn_bias=self.mlp_bias,
            attention_bias=self.attention_bias,
            rope=RotaryEmbedding(width, base=base, layout="halves", scale=scale, stretch=stretch),
            attention_dropout=self.attention_dropout,
            activation_dropout=self.mlp_dropout,
        )

    @property
    def depths(self) -> dict[str, int]:
        """How many layers it asks for, by field: what ``sizes.require_stored_sizes`` holds against the weights."""
        return {"num_hidden_layers": self.num_hidden_layers}

    @property
    def widths(self) -> dict[str, int]:
        """The fields that are the length of some tensor's axis."""
        return {name: getattr(self, name) for name in ("vocab_size", "hidden_size", "intermediate_size")}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> ModernBertConfig:
        """From the fields of a ``config.json``; those that say nothing of the network are passed over.

        Args:
            values: the file's fields, of any version.

        Returns:
            The configuration.

        Raises:
            ArgumentError: another model type, or what is not implemented, a ``rope_type`` among them.
        """
        kind = values.get("model_type", "modernbert")
        if kind != "modernbert":
            message = f"model_type is {kind!r}; mf.ModernBertModel reads 'modernbert' folders"
            raise ArgumentError("model-type", message, given=kind)
        require_only(values, _ONLY, "ModernBERT")
        given = {f.name: values[f.name] for f in fields(cls) if values.get(f.name) is not None}
        if values.get("sliding_window") is not None:  # transformers' other name of half of it, which comes first
            require_positive(sliding_window=values["sliding_window"])
            given["local_attention"] = 2 * values["sliding_window"]
        every = values.get("global_attn_every_n_layers")
        if "layer_types" not in given and every is not None:
            require_positive(global_attn_every_n_layers=every)
            layers = values.get("num_hidden_layers", cls.num_hidden_layers)
            given["layer_types"] = [LOCAL if layer % every else GLOBAL for layer in range(layers)]
        given["global_rope"] = rope_of(values, 160_000.0, GLOBAL, "global_rope_theta")
        given["local_rope"] = rope_of(values, 10_000.0, LOCAL, "local_rope_theta")
        return cls(**given)

    def to_dict(self) -> dict[str, Any]:
        """The fields of a ``config.json`` that transformers reads.

        Returns:
            Plain values.
        """
        values = {f.name: getattr(self, f.name) for f in fields(self) if not f.name.endswith("_rope")}
        ropes = {GLOBAL: self.global_rope, LOCAL: self.local_rope}
        return values | {
            "layer_types": list(self.layer_types or ()),
            "rope_parameters": {kind: rope_fields(*rope)["rope_parameters"] for kind, rope in ropes.items()},
            "global_rope_theta": self.global_rope[0],
            "local_rope_theta": self.local_rope[0],
            "model_type": "modernbert",
            "architectures": ["ModernBertModel"],
        }
