"""A model that is looked at: opened by name, with what turns a text into its ids and its ids into words."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from mlxformer.backend import mx, to_numpy
from mlxformer.checkpoints.folder import CONFIG, find_folder, open_checkpoint, read_json
from mlxformer.errors import ArgumentError, CheckpointError
from mlxformer.folder_look import open_model
from mlxformer.generation.generate import GenerativeModel
from mlxformer.inspection.attentions import Attention, attentions
from mlxformer.inspection.lens import lens_paths
from mlxformer.models.gpt.model import GPT
from mlxformer.pretrained import load_pretrained
from mlxformer.teaching.attention_only import AttentionOnlyLM
from tui.experiments.look.names import shipped_names
from tui.language.usage import UsageError, unknown

MASK = "[MASK]"  # as one types it, whatever the tokenizer calls it
MOST_WRITTEN = 64  # tokens of a target
GIGABYTE = 1e9


@dataclass(frozen=True, eq=False, repr=False)
class Text:
    """A text as a model reads it: ``inputs`` are what the model is called with, by name, each [1, T].

    The first ``skipped`` tokens are padding in front, which is not shown; ``tokens`` are the others.
    """

    text: str
    tokens: tuple[str, ...]
    inputs: dict[str, mx.array]
    skipped: int = 0

    @property
    def ids(self) -> np.ndarray:
        """[T], with the padding."""
        return to_numpy(self.inputs["input_ids"])[0]


@dataclass(frozen=True, eq=False, repr=False)
class Subject:
    """A model, its attentions, and its reader: a shipped model, or a folder's model with its tokenizer."""

    name: str
    model: Any
    tokenizer: Any
    reader: Any = None  # of a shipped model

    @property
    def kind(self) -> str:
        """``masked-lm``, ``encoder``, ``decoder`` or ``encoder-decoder``."""
        if isinstance(self.model, GPT | AttentionOnlyLM):
            return "decoder"
        if isinstance(self.model, GenerativeModel):
            return "encoder-decoder"
        return "masked-lm" if lens_paths(self.model) else "encoder"

    @property
    def writes(self) -> bool:
        return isinstance(self.model, GenerativeModel)

    @property
    def attentions(self) -> list[Attention]:
        return _attentions(self)

    @property
    def parts(self) -> list[str]:
        return list(dict.fromkeys(each.part for each in self.attentions))

    def of_part(self, part: str) -> list[Attention]:
        return [each for each in self.attentions if each.part == part]

    @property
    def best_head(self) -> tuple[int, int]:
        """The layer and head that are shown first: by the model's card the best aligned, else the last layer's first.

        Where it is aligned in both languages, that is: by the worse of the two.
        """
        card = getattr(self.reader, "card", None)
        shares = {} if card is None else card.reports.get("alignment by cross-attention head", {})
        if shares:
            found = {head: min(each[head] for each in shares.values()) for head in next(iter(shares.values()))}
            layer, head = max(found, key=lambda name: found[name]).split(".")
            return int(layer), int(head)
        return (self.of_part(self.parts[0])[-1].layer if self.parts else 0), 0

    def read(self, text: str) -> Text:
        """The text as ids and tokens. Raises ``UsageError`` for an empty one, and what the model's reader raises."""
        if not text.strip():
            raise UsageError("look-empty-text")
        if hasattr(self.tokenizer, "source_batch"):  # strings, padded in front as in training
            ids = self.tokenizer.source_batch([text], self.reader.source_length)
            skipped = int((ids[0] == self.tokenizer.pad_id).sum())
            return Text(text, self.words(ids[0, skipped:]), {"input_ids": mx.array(ids)}, skipped)
        if hasattr(self.reader, "prompt"):  # a poet reads the beginning of a poem, after the token of its form
            begun = np.array([self.reader.prompt(text)], np.int32)
            return Text(text, self.words(begun[0]), {"input_ids": mx.array(begun)})
        if hasattr(self.tokenizer, "source"):
            ids = self.tokenizer.pad([self.tokenizer.source(text)])
            return Text(text, self.words(ids[0]), {"input_ids": mx.array(ids)})
        written = text.replace(MASK, self.mask)
        batch = self.tokenizer([written]) if self.reader is None else self._shipped(written)
        inputs = {name: batch[name] for name in batch}
        if int(inputs["input_ids"].shape[1]) == 0:
            raise UsageError("look-empty-text")
        return Text(text, self.words(to_numpy(inputs["input_ids"])[0]), inputs)

    def _shipped(self, text: str) -> Any:
        encode = getattr(self.reader, "encode", self.tokenizer)
        return encode([text])

    def words(self, ids: np.ndarray | Sequence[int]) -> tuple[str, ...]:
        """Each id as a word that can be read."""
        numbers = [int(number) for number in ids]
        if isinstance(self.tokenizer.tokens, tuple):
            return tuple(self.tokenizer.tokens[number] for number in numbers)
        # Often a model has more rows than its tokenizer has words, so that they divide well.
        known = [number for number in numbers if number < self.tokenizer.vocab_size]
        found = self.tokenizer.tokens(known) if known else []
        said = dict(zip(known, map(_from_bytes, found) if _is_byte_level(self) else found, strict=True))
        return tuple(said.get(number, f"<{number}>") for number in numbers)

    @property
    def mask_id(self) -> int | None:
        """The id of the masked place, of a model that fills it and a tokenizer that has a token for it."""
        if self.kind != "masked-lm":
            return None
        try:
            found: int = self.tokenizer.mask_id
        except ArgumentError:
            return None
        return found

    @property
    def mask(self) -> str:
        """The token that a text has where something is to be filled in: BERT's, or the model's own."""
        return MASK if self.mask_id is None else str(self.tokenizer.tokens([self.mask_id])[0])

    def written(self, ids: np.ndarray) -> str:
        """What generated ids say."""
        if isinstance(self.tokenizer.tokens, tuple):
            said: str = self.tokenizer.decode(ids)
            return said
        known = ids[ids < self.tokenizer.vocab_size]
        return str(self.tokenizer.decode(mx.array(known[None].astype(np.int32)))[0]) if len(known) else ""


@lru_cache(maxsize=2)
def open_subject(name: str) -> Subject:
    """A shipped model by its name, or what a folder or the local Hugging Face cache holds.

    Raises ``UsageError`` for a name that there is not, a model that does not fit into the memory or whose layers are
    one, and what the library says of a folder that it cannot read.
    """
    if name in shipped_names():
        reader = load_pretrained(name)
        return Subject(name, reader.model, reader.tokenizer, reader)
    try:
        folder = find_folder(name)
    except CheckpointError as error:
        if error.code in ("checkpoint-not-cached", "checkpoint-no-folder") and "/" not in name and os.sep not in name:
            raise unknown("unknown-model", name, shipped_names()) from error
        raise
    except (OSError, ValueError) as error:  # no name that a file could have
        raise unknown("unknown-model", name[:40], shipped_names()) from error
    _require_room(folder)
    kind = read_json(folder / CONFIG).get("model_type")
    if kind == "albert":  # one module stands for all layers: none has a place of its own in a trace
        raise UsageError("look-shared-layers", path=folder)
    model, tokenizer = open_model(folder)
    return Subject(name, model, tokenizer)


def _require_room(folder: Path) -> None:
    """Whether the weights fit into what is free, in the 4 bytes a number that they are computed in."""
    tensors = open_checkpoint(folder).tensors.values()
    numbers = sum(int(np.prod(tensor.shape, dtype=np.int64)) for tensor in tensors)
    needed, free = 4 * numbers, free_memory()
    if free is not None and needed > free:
        raise UsageError(
            "model-too-large",
            path=folder,
            parameters=numbers,
            needed=needed / GIGABYTE,
            free=free / GIGABYTE,
        )


def free_memory() -> int | None:
    """The bytes that can be had without swapping, or None where nobody tells."""
    try:
        for line in Path("/proc/meminfo").read_text(encoding="ascii").splitlines():
            if line.startswith("MemAvailable:"):
                return int(line.split()[1]) * 1024
    except OSError:
        pass
    try:
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") * 3 // 4
    except (AttributeError, OSError, ValueError):
        return None


@cache
def _attentions(subject: Subject) -> list[Attention]:
    return attentions(subject.model)


@cache
def _is_byte_level(subject: Subject) -> bool:
    """Whether tokens are bytes in GPT-2's spelling, in which Ġ is the blank."""
    first = subject.tokenizer.tokens(list(range(min(subject.tokenizer.vocab_size, 2000))))
    return any("Ġ" in token for token in first)


@cache
def _bytes_by_sign() -> dict[str, int]:
    """GPT-2's spelling of bytes: printable ones are themselves, the others stand after U+0100 (Radford et al. 2019)."""
    plain = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    others = [byte for byte in range(256) if byte not in plain]
    return {chr(byte): byte for byte in plain} | {chr(256 + at): byte for at, byte in enumerate(others)}


def _from_bytes(token: str) -> str:
    """A token of bytes as text, a blank as ▁; as it is where its bytes are no whole characters."""
    table = _bytes_by_sign()
    if not all(sign in table for sign in token):
        return token
    try:
        return bytes(table[sign] for sign in token).decode().replace(" ", "▁")
    except UnicodeDecodeError:
        return token
