"""What a Marian folder says of its model: ``config.json`` (the network) and ``generation_config.json`` (the search)."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any, Literal, TypeVar

from mlxformer.checkpoints.folder import CONFIG, read_json
from mlxformer.checkpoints.quantized import FIELD
from mlxformer.errors import ArgumentError
from mlxformer.generation.rules import SearchRules
from mlxformer.layers.activations import activation
from mlxformer.models.config_repr import config_repr
from mlxformer.models.reading_config import naming, read_config
from mlxformer.validation import require_choice, require_divisible, require_positive, require_probability

Read = TypeVar("Read")

GENERATION_CONFIG = "generation_config.json"

# Fields of the first converted checkpoints. Each has one value in all of them, and no other is implemented, neither
# here nor in transformers, which ignores them.
_ONLY = {
    "normalize_before": False,
    "normalize_embedding": False,
    "add_final_layer_norm": False,
    "static_position_embeddings": True,
    "is_encoder_decoder": True,
    "is_decoder": False,
}
# Ways to generate that are not implemented, with the values that ask for nothing.
_NEUTRAL: dict[str, tuple[Any, ...]] = {
    "do_sample": (False,),
    "encoder_repetition_penalty": (1.0,),
    "encoder_no_repeat_ngram_size": (0,),
    "min_new_tokens": (0,),
    "num_beam_groups": (1,),
    "diversity_penalty": (0.0,),
    "num_return_sequences": (1,),
    "sequence_bias": (),
    "exponential_decay_length_penalty": (),
    "suppress_tokens": (),
    "begin_suppress_tokens": (),
    "guidance_scale": (1, 1.0),
    "penalty_alpha": (0.0,),
    "constraints": (),
    "force_words_ids": (),
    "stop_strings": (),
}


_KNOWN = {"model_type", "architectures", "dtype", "torch_dtype", "transformers_version", FIELD}


@dataclass(frozen=True, kw_only=True)
class MarianConfig:
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
            _require_id(name, getattr(self, name), self.target_vocab_size)
        _require_id("pad_token_id", self.pad_token_id, self.vocab_size)

    @property
    def layers(self) -> dict[str, int]:
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
    def ignored_fields(cls, values: Mapping[str, Any]) -> tuple[str, ...]:
        """The fields of a ``config.json`` that say nothing to ``from_dict``.

        Args:
            values: the file's fields.

        Returns:
            Their names, as they stand there.
        """
        known = {field.name for field in fields(cls)} | set(_ONLY) | _KNOWN
        return tuple(str(name) for name, value in values.items() if value is not None and name not in known)

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

    @classmethod
    def from_folder(cls, folder: Path) -> MarianConfig:
        """From ``config.json`` in a folder.

        Args:
            folder: in Hugging Face's layout.

        Returns:
            The configuration.

        Raises:
            CheckpointError: what ``from_dict`` refuses, naming the file; a file that is missing or broken.
        """
        return read_config(folder, cls.from_dict)

    def to_json(self, architecture: str) -> str:
        """The text of a ``config.json`` that transformers reads.

        Args:
            architecture: the class it is to read it as, ``"MarianMTModel"``.

        Returns:
            JSON, with a line for each field.
        """
        values = asdict(self) | {"architectures": [architecture], "model_type": "marian", "is_encoder_decoder": True}
        return json.dumps(values | {"dtype": "float32"}, indent=2, sort_keys=True) + "\n"


@dataclass(frozen=True, kw_only=True)
class MarianGeneration:
    """How a checkpoint wants to be searched, unless ``generate`` is told otherwise. Hugging Face's names and meaning.

    Args:
        decoder_start_token_id: what a target begins with.
        pad_token_id: what follows the end, and is never generated.
        eos_token_id: which tokens end a target.
        forced_bos_token_id: the first token after the start; None leaves it free.
        forced_eos_token_id: what ends a sequence that reaches the greatest length; None forces nothing.
        bad_words_ids: sequences of ids that are never generated.
        max_length: tokens, with the start; None means 21, Hugging Face's "20 new tokens".
        num_beams: hypotheses that are kept; 1 is greedy search.
        length_penalty: the power of the length by which scores are divided.
        early_stopping: when a beam search ends, as in ``mlxformer.generation.beam``.
        repetition_penalty: what the scores of tokens that have occurred are divided by (multiplied, where below 0).
        no_repeat_ngram_size: how many tokens in a row may not occur twice; 0 allows all.
        min_length: tokens, with the start, before which no target ends.
        renormalize_logits: whether log-probabilities are normalized again after tokens were ruled out.
        not_implemented: what the checkpoint asks for and ``generate`` therefore refuses to run without.

    >>> import mlxformer as mf
    >>> from mlxformer.models.marian.config import MarianGeneration
    >>> MarianGeneration.from_config(mf.MarianConfig()).eos_token_id
    (0,)
    """

    decoder_start_token_id: int
    pad_token_id: int
    eos_token_id: tuple[int, ...]
    forced_bos_token_id: int | None = None
    forced_eos_token_id: int | None = None
    bad_words_ids: tuple[tuple[int, ...], ...] = ()
    max_length: int | None = None
    num_beams: int = 1
    length_penalty: float = 1.0
    early_stopping: bool | Literal["never"] = False
    repetition_penalty: float = 1.0
    no_repeat_ngram_size: int = 0
    min_length: int = 0
    renormalize_logits: bool = False
    not_implemented: tuple[tuple[str, Any], ...] = ()

    @classmethod
    def from_config(cls, config: MarianConfig) -> MarianGeneration:
        """What the network's own configuration says.

        Args:
            config: of the network.

        Returns:
            Its start, padding and end; greedy search.
        """
        return cls.from_dict({}, config, also=asdict(config))

    @classmethod
    def from_dict(
        cls, values: Mapping[str, Any], config: MarianConfig, also: Mapping[str, Any] | None = None
    ) -> MarianGeneration:
        """From a ``generation_config.json``, or where that is empty from a ``config.json``.

        Args:
            values: the fields of ``generation_config.json``.
            config: of the network; its ids of start, padding and end are taken where ``values`` has none.
            also: the fields of ``config.json``, looked at where ``values`` is empty.

        Returns:
            How to search.

        Raises:
            ArgumentError: a value that cannot be.
        """
        values = {name: value for name, value in (values or also or {}).items() if value is not None}
        own: dict[str, Any] = {
            name: values[name]
            for name in ("forced_bos_token_id", "max_length", "num_beams", "length_penalty", "early_stopping",
                         "repetition_penalty", "no_repeat_ngram_size", "min_length", "renormalize_logits")
            if name in values
        }  # fmt: skip
        if "max_new_tokens" in values:
            own["max_length"] = values["max_new_tokens"] + 1
        own["forced_eos_token_id"] = _only_id("forced_eos_token_id", values.get("forced_eos_token_id"))
        for name in ("decoder_start_token_id", "pad_token_id"):
            own[name] = values.get(name, getattr(config, name))
        ends = values.get("eos_token_id", config.eos_token_id)
        own["eos_token_id"] = tuple(ends) if isinstance(ends, list | tuple) else (ends,)
        words = values.get("bad_words_ids", ())
        if not isinstance(words, list | tuple) or not all(isinstance(word, list | tuple) for word in words):
            message = f"bad_words_ids must be a list of lists of ids, [[58100]]; got {words!r:.80}"
            raise ArgumentError("bad-words", message, given=words)
        own["bad_words_ids"] = tuple(tuple(word) for word in words)
        own["not_implemented"] = tuple(
            (name, values[name])
            for name, neutral in _NEUTRAL.items()
            if name in values and values[name] not in neutral and values[name] not in ([], {})
        )
        found = cls(**own)
        found._check(config.target_vocab_size)
        return found

    @classmethod
    def from_folder(cls, folder: Path, config: MarianConfig) -> MarianGeneration:
        """From ``generation_config.json`` in a folder, or where that is missing from its ``config.json``.

        Args:
            folder: in Hugging Face's layout.
            config: of the network.

        Returns:
            How to search.

        Raises:
            CheckpointError: what ``from_dict`` refuses, naming the file; a file that is broken.
        """
        path = folder / GENERATION_CONFIG
        if path.is_file():
            return naming(path, cls.from_dict, read_json(path), config)
        path = folder / CONFIG
        defaults = {name: value for name, value in asdict(config).items() if value is not None}
        return naming(path, cls.from_dict, {}, config, defaults | read_json(path))

    def to_json(self) -> str:
        """The text of a ``generation_config.json``.

        Returns:
            JSON, with a line for each field.
        """
        values = {name: value for name, value in asdict(self).items() if value not in (None, ())}
        values |= dict(values.pop("not_implemented", ()))
        values["eos_token_id"] = self.eos_token_id[0] if len(self.eos_token_id) == 1 else list(self.eos_token_id)
        return json.dumps(values, indent=2, sort_keys=True) + "\n"

    def rules(self, config: MarianConfig, given: Mapping[str, Any]) -> SearchRules:
        """The rules of one search: what the caller gives goes before what the checkpoint says.

        Args:
            config: of the network, for its longest sequence.
            given: any of the arguments of ``SearchRules`` that ``generate`` takes.

        Returns:
            What the search runs by.

        Raises:
            ArgumentError: the checkpoint asks for a way of generating that is not implemented.
        """
        if self.not_implemented:
            asked = ", ".join(f"{name}={value!r}" for name, value in self.not_implemented)
            raise ArgumentError(
                "generation-not-implemented",
                f"this checkpoint's generation configuration asks for {asked}, which is not implemented; without it "
                f"other tokens would come out. To generate all the same, set model.generation to one without it: "
                f"dataclasses.replace(model.generation, not_implemented=())",
                asked=dict(self.not_implemented),
            )
        longest = min(21, config.max_position_embeddings) if self.max_length is None else self.max_length
        own: dict[str, Any] = {
            "max_length": longest,
            "num_beams": self.num_beams,
            "length_penalty": self.length_penalty,
            "early_stopping": self.early_stopping,
            "repetition_penalty": self.repetition_penalty,
            "no_repeat_ngram_size": self.no_repeat_ngram_size,
            "min_length": self.min_length,
        }
        return SearchRules(
            start_id=self.decoder_start_token_id,
            pad_id=self.pad_token_id,
            eos_ids=self.eos_token_id,
            bad_words=self.bad_words_ids,
            forced_bos_id=self.forced_bos_token_id,
            forced_eos_id=self.forced_eos_token_id,
            renormalize=self.renormalize_logits,
            **own | dict(given),
        )

    def _check(self, vocab_size: int) -> None:
        require_positive(num_beams=self.num_beams, max_length=1 if self.max_length is None else self.max_length)
        require_choice("early_stopping", self.early_stopping, (False, True, "never"))
        require_choice("renormalize_logits", self.renormalize_logits, (False, True))
        for name in ("decoder_start_token_id", "pad_token_id"):
            _require_id(name, getattr(self, name), vocab_size)
        for name in ("forced_bos_token_id", "forced_eos_token_id"):
            if getattr(self, name) is not None:
                _require_id(name, getattr(self, name), vocab_size)
        for end in self.eos_token_id:
            _require_id("eos_token_id", end, vocab_size)
        for word in self.bad_words_ids:
            if not word:
                raise ArgumentError("bad-words", "bad_words_ids holds an empty list; remove it")
            for token in word:
                _require_id("bad_words_ids", token, vocab_size)


def _only_id(name: str, value: Any) -> Any:
    if isinstance(value, list) and len(value) != 1:
        raise ArgumentError("not-implemented", f"{name}={value!r}: several are not implemented", name=name, given=value)
    return value[0] if isinstance(value, list) else value


def _require_id(name: str, value: Any, size: int) -> None:
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value < size:
        message = f"{name} holds {value!r}; the vocabulary has ids 0 to {size - 1}"
        raise ArgumentError("id-out-of-range", message, name=name, given=value, size=size)
