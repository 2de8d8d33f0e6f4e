"""T5's configuration, with the names and defaults of Hugging Face's ``config.json``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import Any

from mlxformer.checkpoints.folder import GENERATION_CONFIG, INDEX, WEIGHTS, open_checkpoint, read_json
from mlxformer.errors import ArgumentError
from mlxformer.layers.config import LayerConfig
from mlxformer.models.folder_model import require_only
from mlxformer.models.reading_config import FolderConfig
from mlxformer.models.reprs import config_repr
from mlxformer.validation import (
    require_choice,
    require_id,
    require_positive,
    require_positive_number,
    require_probability,
)

_SIZES = ("vocab_size", "d_model", "d_kv", "d_ff", "num_layers", "num_heads")
_ONLY = {"quantization_config": None, "auto_map": None, "is_encoder_decoder": True, "is_causal": None}
_OUTPUT = "lm_head.weight"


@dataclass(frozen=True, kw_only=True, repr=False)
class T5Config(FolderConfig):
    """The sizes and choices of a T5, by Hugging Face's names; the defaults are those of t5-small.

    Args:
        vocab_size: V, of source and target.
        d_model: C, the width of the model.
        d_kv: D, the width of a head; H · D need not be C.
        d_ff: F, the width of the feed-forward networks.
        num_layers: how many layers the encoder has.
        num_decoder_layers: how many the decoder; None is ``num_layers``.
        num_heads: H.
        relative_attention_num_buckets: how many buckets of distances there are.
        relative_attention_max_distance: tokens; every distance from here on has the last bucket.
        dropout_rate: on sub-layers' outputs, embeddings, attention weights and hidden layers, in training.
        layer_norm_epsilon: ε of the RMS norms.
        initializer_factor: of the standard deviations of new weights.
        feed_forward_proj: ``"relu"`` (T5), ``"gated-gelu"`` (T5 1.1, Flan-T5; the tanh form), or another activation,
            gated or not.
        scale_decoder_outputs: whether the decoder's output is divided by √C before the output matrix.
        own_output: whether the output matrix is one of its own (T5 1.1, Flan-T5) and not the token embeddings.
        pad_token_id: padding.
        eos_token_id: what ends a target, one id or several.
        decoder_start_token_id: what a target begins with.

    Raises:
        ArgumentError: a value that cannot be. Special ids beyond the vocabulary are carried along.

    Source: Raffel et al. 2020, §2.1; Shazeer 2020 (the gated form).

    >>> import mlxformer as mf
    >>> mf.count_parameters(mf.T5Config())
    60506624
    """

    vocab_size: int = 32128
    d_model: int = 512
    d_kv: int = 64
    d_ff: int = 2048
    num_layers: int = 6
    num_decoder_layers: int | None = None
    num_heads: int = 8
    relative_attention_num_buckets: int = 32
    relative_attention_max_distance: int = 128
    dropout_rate: float = 0.1
    layer_norm_epsilon: float = 1e-6
    initializer_factor: float = 1.0
    feed_forward_proj: str = "relu"
    scale_decoder_outputs: bool = True
    own_output: bool = False
    pad_token_id: int = 0
    eos_token_id: int | tuple[int, ...] = 1
    decoder_start_token_id: int = 0

    def __post_init__(self) -> None:
        if self.num_decoder_layers is None:
            object.__setattr__(self, "num_decoder_layers", self.num_layers)
        if isinstance(self.eos_token_id, list):
            object.__setattr__(self, "eos_token_id", tuple(self.eos_token_id))
        require_positive(**{name: getattr(self, name) for name in (*_SIZES, "num_decoder_layers")})
        require_positive(
            relative_attention_num_buckets=self.relative_attention_num_buckets,
            relative_attention_max_distance=self.relative_attention_max_distance,
        )
        require_probability("dropout_rate", self.dropout_rate)
        require_positive_number("initializer_factor", self.initializer_factor)
        if self.relative_attention_max_distance >= 2**31:
            far = self.relative_attention_max_distance
            message = f"relative_attention_max_distance must be below 2³¹; got {far!r:.80}"
            raise ArgumentError(
                "number-too-large", message, name="relative_attention_max_distance", given=str(far)[:80]
            )
        for name in ("scale_decoder_outputs", "own_output"):
            require_choice(name, getattr(self, name), (True, False))
        for name in ("pad_token_id", "decoder_start_token_id"):
            require_id(name, getattr(self, name))
        for end in self.eos_ids:
            require_id("eos_token_id", end)
        _ = self.layer  # which checks its part of the choices

    def __repr__(self) -> str:
        return config_repr(self, _SIZES)

    @property
    def eos_ids(self) -> tuple[int, ...]:
        """What ends a target."""
        return self.eos_token_id if isinstance(self.eos_token_id, tuple) else (self.eos_token_id,)

    @property
    def layer(self) -> LayerConfig:
        """The choices of each layer."""
        if not isinstance(self.feed_forward_proj, str):
            message = f"feed_forward_proj must be a name; got {self.feed_forward_proj!r}"
            raise ArgumentError("unknown-activation", message, given=self.feed_forward_proj)
        gated = self.feed_forward_proj.startswith("gated-")
        name = self.feed_forward_proj.removeprefix("gated-")
        return LayerConfig(
            norm="pre",
            norm_type="rms",
            norm_eps=self.layer_norm_epsilon,
            activation="gelu_new" if self.feed_forward_proj == "gated-gelu" else name,
            gated=gated,
            ffn_bias=False,
            attention_bias=False,
            head_dim=self.d_kv,
            attention_scale=1.0,
            dropout=self.dropout_rate,
            attention_dropout=self.dropout_rate,
            activation_dropout=self.dropout_rate,
        )

    @property
    def depths(self) -> dict[str, int]:
        """How many layers it asks for, by field: what ``sizes.require_stored_sizes`` holds against the weights."""
        return {"num_layers": self.num_layers, "num_decoder_layers": self.num_decoder_layers or 1}

    @property
    def widths(self) -> dict[str, int]:
        """The fields that are the length of some tensor's axis."""
        names = ("vocab_size", "d_model", "d_ff", "relative_attention_num_buckets", "num_heads")
        return {name: getattr(self, name) for name in names} | {"num_heads · d_kv": self.num_heads * self.d_kv}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any], *, own_output: bool = False) -> T5Config:
        """From the fields of a ``config.json``; those that say nothing of the network are passed over.

        Args:
            values: the file's fields.
            own_output: whether the folder has an output matrix of its own, which the file does not tell:
                transformers 5 always writes ``tie_word_embeddings: true``.

        Returns:
            The configuration. The output is scaled if ``scale_decoder_outputs`` says so, or where that is absent if
            ``tie_word_embeddings`` is not false.

        Raises:
            ArgumentError: another model type, or what is not implemented.
        """
        kind = values.get("model_type", "t5")
        if kind != "t5":
            raise ArgumentError("model-type", f"model_type is {kind!r}; mf.T5Model reads 't5' folders", given=kind)
        require_only(values, _ONLY, "T5")
        given = {field.name: values[field.name] for field in fields(cls) if values.get(field.name) is not None}
        given.setdefault("scale_decoder_outputs", values.get("tie_word_embeddings") is not False)
        return cls(**given | {"own_output": own_output})

    @classmethod
    def read(cls, values: Mapping[str, Any], folder: Path) -> T5Config:
        """From the fields of ``config.json``, the special ids of ``generation_config.json``, and what is stored.

        Args:
            values: the fields.
            folder: where they stood. If it holds an output matrix, that is used, else the token embeddings.

        Returns:
            The configuration.
        """
        has_weights = (folder / WEIGHTS).exists() or (folder / INDEX).is_file()
        config = cls.from_dict(values, own_output=has_weights and _OUTPUT in open_checkpoint(folder).tensors)
        path = folder / GENERATION_CONFIG
        asked = read_json(path) if path.is_file() else {}
        names = ("eos_token_id", "pad_token_id", "decoder_start_token_id")
        return replace(config, **{name: asked[name] for name in names if asked.get(name) is not None})

    def to_dict(self) -> dict[str, Any]:
        """The fields of a ``config.json`` that every version of transformers reads alike.

        Returns:
            Plain values.
        """
        values = asdict(self)
        values.pop("own_output")
        values["eos_token_id"] = self.eos_ids[0] if len(self.eos_ids) == 1 else list(self.eos_ids)
        return values | {
            "model_type": "t5",
            "architectures": ["T5ForConditionalGeneration"],
            "is_encoder_decoder": True,
            "tie_word_embeddings": self.scale_decoder_outputs,  # which older versions scale by
        }
