"""ALBERT: BERT with one set of layer weights for all layers, and with the word embeddings in two factors.

    x = LayerNorm(word + position + type) W_e + b_e        [B, T, E] -> [B, T, C]
    x = Layer_g(x), N times, g being the group of that depth: one group is one layer used N times

Source: Lan et al. 2020, "ALBERT: A Lite BERT for Self-supervised Learning of Language Representations", §3.1; groups of
layers are those of its code (google-research/albert, ``num_hidden_groups``). Sharing saves parameters and not one
multiplication: every layer still runs.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any

import numpy as np

from mlxformer.attention import masks
from mlxformer.axes import MODEL
from mlxformer.backend import mx, nn
from mlxformer.checkpoints.safetensors import StoredTensor
from mlxformer.errors import ArgumentError
from mlxformer.layers.config import LayerConfig
from mlxformer.layers.encoder import EncoderLayer
from mlxformer.models.bert.checkpoint import bert_sizes_text, initialize
from mlxformer.models.bert.config import BertConfig
from mlxformer.models.bert.model import BertEmbeddings, BertOutput, BertPooler, checked_type_ids
from mlxformer.models.folder_model import FolderModel, replaced, require_only, spelled
from mlxformer.models.reading_config import FolderConfig
from mlxformer.models.reprs import config_repr
from mlxformer.tracing import tap
from mlxformer.validation import require_kind, require_positive

_ONLY = {
    "inner_group_num": 1,
    "position_embedding_type": "absolute",
    "quantization_config": None,
    "auto_map": None,
    "is_causal": False,
}


@dataclass(frozen=True, kw_only=True)
class AlbertConfig(FolderConfig):
    """The sizes of an ALBERT, by Hugging Face's names; the defaults are its base model: 11,683,584 parameters.

    Args:
        vocab_size: V, tokens.
        embedding_size: E, the width of the word, position and type embeddings.
        hidden_size: C, the width of the layers.
        num_hidden_layers: N, how many times a layer runs.
        num_hidden_groups: G, how many sets of weights the layers have, a divisor of N: 1 for ALBERT; with as many as
            layers, nothing is shared.
        num_attention_heads: H, a divisor of C.
        intermediate_size: F, the width of the feed-forward's hidden layer.
        hidden_act: its activation, by name.
        max_position_embeddings: the longest input in tokens.
        type_vocab_size: how many token types there are.
        initializer_range: the standard deviation of new weights.
        layer_norm_eps: what layer norms add to the variance.

    Raises:
        ArgumentError: sizes that cannot be.

    Source: Lan et al. 2020, "ALBERT", Table 1.

    >>> import mlxformer as mf
    >>> mf.count_parameters(mf.AlbertConfig())
    11683584
    """

    vocab_size: int = 30_000
    embedding_size: int = 128
    hidden_size: int = 768
    num_hidden_layers: int = 12
    num_hidden_groups: int = 1
    num_attention_heads: int = 12
    intermediate_size: int = 3072
    hidden_act: str = "gelu_new"
    max_position_embeddings: int = 512
    type_vocab_size: int = 2
    initializer_range: float = 0.02
    layer_norm_eps: float = 1e-12

    def __repr__(self) -> str:
        sizes = ("vocab_size", "hidden_size", "num_hidden_layers", "num_attention_heads", "intermediate_size")
        return config_repr(self, (*sizes, "embedding_size", "num_hidden_groups"))

    def __post_init__(self) -> None:
        require_positive(
            embedding_size=self.embedding_size,
            num_hidden_layers=self.num_hidden_layers,
            num_hidden_groups=self.num_hidden_groups,
        )
        if self.num_hidden_layers % self.num_hidden_groups:
            raise ArgumentError(
                "groups-not-divisor",
                f"num_hidden_layers={self.num_hidden_layers} is not a multiple of "
                f"num_hidden_groups={self.num_hidden_groups}: every group serves equally many layers",
                layers=self.num_hidden_layers,
                groups=self.num_hidden_groups,
            )
        self.as_bert(self.hidden_size)  # BERT's own checks of the sizes that both have

    @property
    def max_tokens(self) -> int:
        """The longest input in tokens."""
        return self.max_position_embeddings

    @property
    def depths(self) -> dict[str, int]:
        """How many sets of weights it asks for: what ``sizes.require_stored_sizes`` holds against the file's."""
        return {"num_hidden_groups": self.num_hidden_groups}

    @property
    def widths(self) -> dict[str, int]:
        """The fields that are the length of some tensor's axis."""
        names = ("vocab_size", "embedding_size", "hidden_size", "intermediate_size", "max_position_embeddings",
                 "type_vocab_size")  # fmt: skip
        return {name: getattr(self, name) for name in names}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> AlbertConfig:
        """From the fields of a ``config.json``; those that say nothing of the network are passed over.

        Args:
            values: the file's fields.

        Returns:
            The configuration.

        Raises:
            ArgumentError: another model type, or what is not implemented.
        """
        kind = values.get("model_type", "albert")
        if kind != "albert":
            message = f"model_type is {kind!r:.80}; mf.AlbertModel reads 'albert' folders"
            raise ArgumentError("model-type", message, given=kind)
        require_only(values, _ONLY, "ALBERT")
        return cls(**{f.name: values[f.name] for f in fields(cls) if values.get(f.name) is not None})

    def to_dict(self) -> dict[str, Any]:
        """The fields of a ``config.json`` that transformers reads.

        Returns:
            Plain values.
        """
        return asdict(self) | {"model_type": "albert", "architectures": ["AlbertModel"]}

    def as_bert(self, hidden_size: int) -> BertConfig:
        """The configuration of BERT's embeddings (at E) or pooler (at C), without dropout, as ALBERT ships.

        Args:
            hidden_size: E or C.

        Returns:
            A ``BertConfig`` of that width.
        """
        return BertConfig(
            vocab_size=self.vocab_size,
            hidden_size=hidden_size,
            num_attention_heads=self.num_attention_heads if hidden_size == self.hidden_size else 1,
            intermediate_size=self.intermediate_size,
            hidden_act=self.hidden_act,
            hidden_dropout_prob=0.0,
            attention_probs_dropout_prob=0.0,
            max_position_embeddings=self.max_position_embeddings,
            type_vocab_size=self.type_vocab_size,
            initializer_range=self.initializer_range,
            layer_norm_eps=self.layer_norm_eps,
        )


# Ours -> Hugging Face's, applied in this order to a parameter's path.
_SPELLINGS = (
    ("embedding_proj.", "encoder.embedding_hidden_mapping_in."),
    ("embeddings.norm.", "embeddings.LayerNorm."),
    ("pooler.dense.", "pooler."),
    (".self_attention_norm.", ".attention.LayerNorm."),
    (".self_attention.query_proj.", ".attention.query."),
    (".self_attention.key_proj.", ".attention.key."),
    (".self_attention.value_proj.", ".attention.value."),
    (".self_attention.out_proj.", ".attention.dense."),
    (".feed_forward.up_proj.", ".ffn."),
    (".feed_forward.down_proj.", ".ffn_output."),
    (".feed_forward_norm.", ".full_layer_layer_norm."),
)
_LAYER = re.compile(r"^layers\.(\d+)\.")


class AlbertModel(FolderModel):
    """BERT with one set of layer weights for all layers, and with the word embeddings in two factors.

    ``AlbertModel.from_pretrained(folder)`` reads a Hugging Face folder.

        x = LayerNorm(word + position + type) W_e + b_e;  x = Layer_{i·G // N}(x) for i = 0 … N − 1

    Args:
        config: its sizes; ``layers`` holds a layer for each of the G groups.

    Source: Lan et al. 2020, "ALBERT: A Lite BERT for Self-supervised Learning of Language Representations", §3.1.

    >>> import mlxformer as mf
    >>> from mlxformer.backend import mx
    >>> config = mf.AlbertConfig(vocab_size=20, embedding_size=4, hidden_size=8, num_hidden_layers=3,
    ...                          num_attention_heads=2, intermediate_size=16)
    >>> model = mf.AlbertModel(config)
    >>> len(model.layers), model(mx.array([[2, 7, 3]])).last_hidden_state.shape == (1, 3, 8)
    (1, True)
    """

    config_class = AlbertConfig
    config: AlbertConfig

    def __init__(self, config: AlbertConfig) -> None:
        super().__init__()
        require_kind("config", config, AlbertConfig)
        self.config = config
        self.embeddings = BertEmbeddings(config.as_bert(config.embedding_size))
        self.embedding_proj = nn.Linear(config.embedding_size, config.hidden_size)
        layer = LayerConfig(norm="post", norm_eps=config.layer_norm_eps, activation=config.hidden_act)
        self.layers = [
            EncoderLayer(config.hidden_size, config.num_attention_heads, config.intermediate_size, layer)
            for _ in range(config.num_hidden_groups)
        ]
        self.pooler = BertPooler(config.as_bert(config.hidden_size))
        initialize(self, config.as_bert(config.hidden_size))

    def _extra_repr(self) -> str:
        return bert_sizes_text(self, self.config)

    def __call__(
        self,
        input_ids: mx.array,
        *,
        token_type_ids: mx.array | None = None,
        attention_mask: mx.array | None = None,
    ) -> BertOutput:
        """The hidden states of the last layer, and the pooled first one.

        Args:
            input_ids: integers [B, T], 0 to V − 1.
            token_type_ids: integers [B, T], which text of a pair a token is of; None means 0.
            attention_mask: [B, T], 1 or True at real tokens; None means all.

        Returns:
            A ``BertOutput``: ``last_hidden_state`` [B, T, C], ``pooler_output`` [B, C].

        Raises:
            ArgumentError: ids or type ids out of range (not checked inside ``mx.compile``), more tokens than
                ``max_position_embeddings``, shapes that differ.
        """
        config = self.config
        token_type_ids = checked_type_ids(config, input_ids, token_type_ids)
        mask = None
        if attention_mask is not None:
            mask = masks.padding(
                masks.from_attention_mask(attention_mask, (input_ids.shape[0], input_ids.shape[1]))
            )  # [B, 1, 1, T]
        x = self.embedding_proj(self.embeddings(input_ids, token_type_ids))  # [B, T, C]
        x = tap("projected", x, axes=MODEL, formula="LayerNorm(word + type + position) W_e + b_e")
        per_group = config.num_hidden_layers // config.num_hidden_groups
        for depth in range(config.num_hidden_layers):
            x = self.layers[depth // per_group](x, mask)
        return BertOutput(x, self.pooler(x))

    def _stored(self, path: str, tensors: Mapping[str, StoredTensor]) -> str:
        return _stored_name(path)

    def _cut(self, tensors: Mapping[str, StoredTensor]) -> Mapping[str, StoredTensor]:
        return spelled(tensors, lambda stored: stored.removeprefix("albert."))

    def _others(self, tensors: Mapping[str, StoredTensor]) -> dict[str, Any]:
        positions = np.arange(self.config.max_position_embeddings)[None]
        return {
            "other_heads": ("predictions.", "sop_classifier.", "classifier.", "qa_outputs."),
            "constants": {"embeddings.position_ids": positions, "embeddings.token_type_ids": np.zeros_like(positions)},
        }

    def _writing(
        self, parameters: Mapping[str, np.ndarray], is_quantized: bool
    ) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
        return self.config.to_dict(), {_stored_name(path): values for path, values in parameters.items()}


def _stored_name(path: str) -> str:
    """The name that Hugging Face gives a parameter."""
    return replaced(_LAYER.sub(r"encoder.albert_layer_groups.\1.albert_layers.0.", path), _SPELLINGS)
