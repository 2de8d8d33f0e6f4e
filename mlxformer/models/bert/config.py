"""BERT's configuration, with the names and defaults of Hugging Face's ``config.json``."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any, ClassVar, Self

from mlxformer.errors import ArgumentError
from mlxformer.layers.activations import activation
from mlxformer.models.reading_config import DESCRIPTIVE, FolderConfig
from mlxformer.models.reprs import config_repr
from mlxformer.validation import (
    require_choice,
    require_divisible,
    require_positive,
    require_positive_number,
    require_probability,
)

_PROBLEM_TYPES = (None, "regression", "single_label_classification", "multi_label_classification")

# Fields that do change what transformers computes, with the only value that these classes compute. Any other field that
# BertConfig has not is ignored, as transformers ignores it, and ``load_report`` lists it.
_ONLY: dict[str, tuple[Any, str]] = {
    "position_embedding_type": ("absolute", "relative positions are not implemented for BERT"),
    "is_causal": (False, "a causal BERT is not implemented; mf.GPT is a decoder"),
    "is_decoder": (False, "a causal BERT is not implemented; mf.Transformer has a decoder"),
    "add_cross_attention": (False, "a BERT decoder is not implemented; mf.Transformer has a decoder"),
    "is_encoder_decoder": (False, "this is an encoder; mf.MarianModel reads encoder-decoders"),
    "cross_attention_hidden_size": (None, "a BERT decoder is not implemented; mf.Transformer has a decoder"),
    "pruned_heads": ({}, "save the checkpoint from transformers without pruned heads"),
    "auto_map": (None, "the checkpoint brings model code of its own, which is not run"),
    "quantization_config": (None, "save the checkpoint from transformers dequantized"),
}


# What is read of them elsewhere, or told in other words.
_KNOWN = DESCRIPTIVE | {"num_labels", "label2id"}
_MOST_LABELS = 100_000


@dataclass(frozen=True, kw_only=True)
class BertConfig(FolderConfig):
    """The sizes and choices of a BERT, by Hugging Face's names; the defaults are BERT base, uncased.

    Args:
        vocab_size: V, tokens.
        hidden_size: C, the width of the model.
        num_hidden_layers: N.
        num_attention_heads: H, a divisor of C.
        intermediate_size: F, the width of the feed-forward's hidden layer.
        hidden_act: its activation and the masked-LM head's, by name.
        hidden_dropout_prob: on sub-layer outputs and embeddings, at least 0 and below 1.
        attention_probs_dropout_prob: on attention weights, at least 0 and below 1.
        max_position_embeddings: the longest input in tokens.
        type_vocab_size: how many token types there are.
        initializer_range: the standard deviation of new weights.
        layer_norm_eps: what layer norms add to the variance.
        pad_token_id: carried along; what is padding is said by ``attention_mask`` alone.
        tie_word_embeddings: whether the masked-LM head's matrix is the word embeddings.
        classifier_dropout: before the classifier; None means ``hidden_dropout_prob``.
        id2label: the names of the classes by number; its length is ``num_labels``, 2 if None.
        problem_type: None, ``"regression"``, ``"single_label_classification"`` or ``"multi_label_classification"``;
            carried along.

    Raises:
        ArgumentError: a value that cannot be.

    Source: Devlin et al. 2019, §3.

    >>> import mlxformer as mf
    >>> mf.count_parameters(mf.BertConfig())
    109482240
    """

    model_type: ClassVar[str] = "bert"
    also_read: ClassVar[tuple[str, ...]] = ()  # other names for the same network

    vocab_size: int = 30522
    hidden_size: int = 768
    num_hidden_layers: int = 12
    num_attention_heads: int = 12
    intermediate_size: int = 3072
    hidden_act: str = "gelu"
    hidden_dropout_prob: float = 0.1
    attention_probs_dropout_prob: float = 0.1
    max_position_embeddings: int = 512
    type_vocab_size: int = 2
    initializer_range: float = 0.02
    layer_norm_eps: float = 1e-12
    pad_token_id: int | None = 0
    tie_word_embeddings: bool = True
    classifier_dropout: float | None = None
    id2label: Mapping[int, str] | None = None
    problem_type: str | None = None

    def __repr__(self) -> str:
        sizes = ("vocab_size", "hidden_size", "num_hidden_layers", "num_attention_heads", "intermediate_size")
        return config_repr(self, sizes)

    @property
    def max_tokens(self) -> int:
        """The longest input in tokens."""
        return self.max_position_embeddings

    @property
    def head_dropout(self) -> float:
        """The dropout before a classifier."""
        return self.hidden_dropout_prob if self.classifier_dropout is None else self.classifier_dropout

    @property
    def num_labels(self) -> int:
        """How many classes ``BertForSequenceClassification`` tells apart."""
        return 2 if self.id2label is None else len(self.id2label)

    def __post_init__(self) -> None:
        sizes = ("vocab_size", "hidden_size", "num_hidden_layers", "num_attention_heads", "intermediate_size",
                 "max_position_embeddings", "type_vocab_size")  # fmt: skip
        require_positive(**{name: getattr(self, name) for name in sizes})
        require_divisible("hidden_size", self.hidden_size, "num_attention_heads", self.num_attention_heads)
        for name in ("hidden_dropout_prob", "attention_probs_dropout_prob", "classifier_dropout"):
            value = getattr(self, name)
            if value is not None or name != "classifier_dropout":
                _require_number(name, value)
                require_probability(name, value)
        for name in ("layer_norm_eps", "initializer_range"):
            value = getattr(self, name)
            _require_number(name, value)
            if not 0 <= value < 1:
                message = f"{name} must be at least 0 and below 1; got {value!r}"
                raise ArgumentError("out-of-range", message, name=name, given=value)
        require_positive_number("layer_norm_eps", self.layer_norm_eps)
        if not isinstance(self.hidden_act, str):
            raise ArgumentError("unknown-activation", f"hidden_act must be a name; got {self.hidden_act!r}")
        activation(self.hidden_act)
        require_choice("problem_type", self.problem_type, _PROBLEM_TYPES)
        require_choice("tie_word_embeddings", self.tie_word_embeddings, (True, False))
        if self.pad_token_id is not None and not _is_index(self.pad_token_id, self.vocab_size):
            message = f"pad_token_id must be None or 0 to {self.vocab_size - 1}; got {self.pad_token_id!r}"
            raise ArgumentError("id-out-of-range", message, name="pad_token_id", given=self.pad_token_id)
        if self.id2label is not None and sorted(self.id2label) != list(range(len(self.id2label) or 1)):
            message = f"id2label must name the labels 0, 1, 2 …; got {dict(self.id2label)!r}"
            raise ArgumentError("labels", message, given=dict(self.id2label))

    @property
    def depths(self) -> dict[str, int]:
        """How many layers it asks for, by field: what ``sizes.require_stored_sizes`` holds against the weights."""
        return {"num_hidden_layers": self.num_hidden_layers}

    @property
    def widths(self) -> dict[str, int]:
        """The fields that are the length of some tensor's axis."""
        names = ("vocab_size", "hidden_size", "intermediate_size", "max_position_embeddings", "type_vocab_size")
        return {name: getattr(self, name) for name in names}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Self:
        """From the fields of a ``config.json``. Those that transformers ignores are passed over (``ignored_fields``).

        Args:
            values: the file's fields.

        Returns:
            The configuration.

        Raises:
            ArgumentError: another model type, a value that cannot be, and one that is not implemented (relative
                positions, a decoder).
        """
        kind = values.get("model_type", cls.model_type)
        if kind != cls.model_type and kind not in cls.also_read:
            raise ArgumentError(
                "model-type",
                f"model_type is {kind!r}; these classes read {cls.model_type!r} checkpoints only",
                given=kind,
            )
        for name, (only, cure) in _ONLY.items():
            if values.get(name) not in (None, only):
                raise ArgumentError(
                    "not-implemented", f"{name}={values[name]!r}: {cure}", name=name, given=values[name], wanted=only
                )
        own = {field.name for field in fields(cls)}
        given = {name: value for name, value in values.items() if name in own}
        given["id2label"] = _labels(given.get("id2label"), values.get("num_labels"))
        return cls(**given)

    @classmethod
    def ignored_fields(cls, values: Mapping[str, Any]) -> tuple[str, ...]:
        """The fields of a ``config.json`` that say nothing to ``from_dict``.

        Args:
            values: the file's fields.

        Returns:
            Their names, as they stand there.
        """
        known = {field.name for field in fields(cls)} | set(_ONLY) | _KNOWN
        return tuple(str(name) for name, value in values.items() if value is not None and name not in known)

    def to_json(self, architecture: str) -> str:
        """The text of a ``config.json`` that transformers reads.

        Args:
            architecture: the class it is to read it as, ``"BertModel"``.

        Returns:
            JSON, with a line for each field.
        """
        values = asdict(self)
        labels = values.pop("id2label")
        if labels is not None:
            values["id2label"] = {str(index): label for index, label in sorted(labels.items())}
            values["label2id"] = {label: index for index, label in sorted(labels.items())}
        values |= {
            "architectures": [architecture],
            "model_type": self.model_type,
            "position_embedding_type": "absolute",
        }
        return json.dumps(values | {"dtype": "float32"}, ensure_ascii=False, indent=2, sort_keys=True) + "\n"


def _labels(id2label: Any, num_labels: Any) -> dict[int, str] | None:
    """JSON's keys are strings. Older files give only ``num_labels``."""
    if id2label is None:
        if num_labels in (None, 2):
            return None
        require_positive(num_labels=num_labels)
        if num_labels > _MOST_LABELS:
            message = f"num_labels is {num_labels}; at most {_MOST_LABELS} labels are named"
            raise ArgumentError("labels", message, given=num_labels)
        return {index: f"LABEL_{index}" for index in range(num_labels)}
    if not isinstance(id2label, Mapping) or not all(str(key).isdecimal() for key in id2label):
        raise ArgumentError("labels", f"id2label must map whole numbers to names; got {id2label!r}", given=id2label)
    labels = {int(key): str(label) for key, label in id2label.items()}
    if num_labels is not None and num_labels != len(labels):
        message = f"num_labels is {num_labels}, but id2label names {len(labels)} labels; remove one of the two"
        raise ArgumentError("labels", message, given=num_labels, labels=labels)
    return labels


def _require_number(name: str, value: object) -> None:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise ArgumentError("not-a-number", f"{name} must be a number; got {value!r}", name=name, given=value)


def _is_index(value: object, size: int) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value < size
