"""How a Marian folder wants to be searched: ``generation_config.json``, or where that is missing ``config.json``."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

from mlxformer.checkpoints.folder import CONFIG, GENERATION_CONFIG, read_json
from mlxformer.errors import ArgumentError
from mlxformer.generation.rules import SearchRules
from mlxformer.models.marian.config import MarianConfig
from mlxformer.models.reading_config import naming
from mlxformer.validation import require_choice, require_id, require_positive

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
    >>> from mlxformer.models.marian.generation import MarianGeneration
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
            require_id(name, getattr(self, name), vocab_size)
        for name in ("forced_bos_token_id", "forced_eos_token_id"):
            if getattr(self, name) is not None:
                require_id(name, getattr(self, name), vocab_size)
        for end in self.eos_token_id:
            require_id("eos_token_id", end, vocab_size)
        for word in self.bad_words_ids:
            if not word:
                raise ArgumentError("bad-words", "bad_words_ids holds an empty list; remove it")
            for token in word:
                require_id("bad_words_ids", token, vocab_size)


def _only_id(name: str, value: Any) -> Any:
    if isinstance(value, list) and len(value) != 1:
        raise ArgumentError("not-implemented", f"{name}={value!r}: several are not implemented", name=name, given=value)
    return value[0] if isinstance(value, list) else value
