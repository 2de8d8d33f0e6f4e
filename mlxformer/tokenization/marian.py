"""Text into Marian's input and back, by SentencePiece: ``▁Guten ▁Morgen . </s>``.

tokenizer = mf.MarianTokenizer.from_pretrained(folder)
batch = tokenizer([">>fra<< Good morning.", "…"])
tokenizer.decode(model.generate(**batch))

SentencePiece (Kudo & Richardson 2018) cuts the text, ``vocab.json`` numbers the pieces. It is imported when a
tokenizer is made; the extra ``marian`` installs it.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, overload

import numpy as np

from mlxformer.backend import is_array, mx, to_numpy
from mlxformer.checkpoints.folder import find_folder, read_json, write_files
from mlxformer.errors import ArgumentError, CheckpointError
from mlxformer.tokenization.arguments import checked_texts, padded_length
from mlxformer.tokenization.marian_files import Side, content_of, pieces_of, special_tokens, vocabulary_of
from mlxformer.validation import require_positive, shape_text

_CONFIG = "tokenizer_config.json"
_SPACE = "▁"  # how SentencePiece writes a space
# In transformers' order.
_TIDY = ((" .", "."), (" ?", "?"), (" !", "!"), (" ,", ","), (" ' ", "'"), (" n't", "n't"), (" 'm", "'m"),
         (" 's", "'s"), (" 've", "'ve"), (" 're", "'re"))  # fmt: skip
_LANGUAGE = re.compile(r"(>>.*?<<)(.*)", re.DOTALL)


@dataclass(frozen=True, eq=False)
class MarianBatch(Mapping[str, mx.array]):
    """Tokenized texts by Hugging Face's names, so that ``model.generate(**batch)`` works.

    Args:
        input_ids: int32 [B, T].
        attention_mask: int32 [B, T], 1 at real tokens and 0 at padding.

    >>> from mlxformer.backend import mx
    >>> from mlxformer.tokenization.marian import MarianBatch
    >>> batch = MarianBatch(mx.array([[5, 0]]), mx.array([[1, 1]]))
    >>> list(batch), batch["input_ids"].tolist()
    (['input_ids', 'attention_mask'], [[5, 0]])
    """

    input_ids: mx.array
    attention_mask: mx.array

    def __repr__(self) -> str:
        return f"MarianBatch of {self.input_ids.shape[0]} texts, {shape_text(self.input_ids)}"

    def __getitem__(self, name: str) -> mx.array:
        if name not in _INPUTS:
            raise KeyError(name)
        return getattr(self, name)

    def __iter__(self) -> Iterator[str]:
        return iter(_INPUTS)

    def __len__(self) -> int:
        return len(_INPUTS)


_INPUTS = ("input_ids", "attention_mask")


class MarianTokenizer:
    """The tokens of ``transformers.MarianTokenizer``: SentencePiece's pieces and their ids, then ``</s>``.

    A model of several target languages is told which by a token before the text, ``>>fra<< Good morning.``;
    ``languages`` lists them. ``from_pretrained`` makes one; it needs the extra ``marian`` (SentencePiece).

    Args:
        source: SentencePiece's model and the vocabulary of the source language.
        target: those of the target language.
        special: the special tokens by role: unk, eos, pad.
        added: tokens that are found in the text before SentencePiece sees it.
        tidy: whether ``decode`` takes blanks before punctuation away.

    Source: Kudo & Richardson 2018, "SentencePiece".

    >>> import mlxformer as mf
    >>> mf.MarianTokenizer.from_pretrained("./opus-mt-en-fr")
    Traceback (most recent call last):
    mlxformer.errors.CheckpointError: there is no folder './opus-mt-en-fr'
    """

    def __init__(
        self, source: Side, target: Side, special: Mapping[str, str], *, added: Sequence[str] = (), tidy: bool = False
    ) -> None:
        self._source, self._target = source, target
        self._added = tuple(added)
        self._special = dict(special)
        self._tidy = tidy
        self._token = {index: token for token, index in target.ids.items()}
        self._special_ids = {source.ids[token] for token in special.values()}
        # An added token is found in the text before SentencePiece sees it; of two at one place, the longer.
        tokens = sorted({*special.values(), *added}, key=len, reverse=True)
        self._whole = frozenset(tokens)
        self._cut = re.compile("(" + "|".join(map(re.escape, tokens)) + ")")

    def __repr__(self) -> str:
        sizes = f"vocab_size={self.vocab_size}, target_vocab_size={len(self._target.ids)}"
        return f"MarianTokenizer({sizes}, languages={len(self.languages)})"

    @classmethod
    def from_pretrained(cls, path_or_name: str | os.PathLike[str], *, revision: str = "main") -> MarianTokenizer:
        """From ``source.spm``, ``target.spm`` and ``vocab.json`` in a folder or in the local Hugging Face cache.

        Args:
            path_or_name: a folder, or a repository that is in the local Hugging Face cache.
            revision: a branch, tag or commit of that repository.

        Returns:
            The tokenizer.

        Raises:
            CheckpointError: SentencePiece is not installed, or a file is missing, broken, or lacks what it must hold.
        """
        folder = find_folder(path_or_name, revision)
        config = read_json(folder / _CONFIG) if (folder / _CONFIG).is_file() else {}
        special = special_tokens(folder, config)
        source_ids = vocabulary_of(folder / "vocab.json", special)
        separate = bool(config.get("separate_vocabs", False))
        target_ids = vocabulary_of(folder / "target_vocab.json", special) if separate else source_ids
        source = Side(pieces_of(folder / "source.spm"), source_ids)
        target = Side(pieces_of(folder / "target.spm"), target_ids)
        listed = config.get("added_tokens_decoder") or {}
        if not isinstance(listed, Mapping):
            message = f"{folder / _CONFIG}: added_tokens_decoder must map ids to objects; got {listed!r:.80}"
            raise CheckpointError("tokenizer-added", message, folder=str(folder))
        added = [content_of(token) for token in listed.values()]
        unknown = [token for token in added if token not in source_ids]
        if unknown:
            message = f"{folder / _CONFIG} adds {', '.join(map(repr, unknown))}, which vocab.json gives no id"
            raise CheckpointError("tokenizer-added", message, unknown=unknown)
        return cls(source, target, special, added=added, tidy=bool(config.get("clean_up_tokenization_spaces", False)))

    def save_pretrained(self, folder: str | os.PathLike[str]) -> None:
        """Write both ``.spm`` files, ``vocab.json`` and ``tokenizer_config.json`` as transformers reads them.

        Args:
            folder: where to; it is made if need be.

        Raises:
            CheckpointError: the folder cannot be written.
        """
        separate = self._target.ids is not self._source.ids
        config: dict[str, Any] = {f"{role}_token": token for role, token in self._special.items()}
        config |= {"separate_vocabs": separate, "clean_up_tokenization_spaces": self._tidy}
        config |= {"tokenizer_class": "MarianTokenizer", "source_lang": "", "target_lang": ""}
        config["added_tokens_decoder"] = {str(self._source.ids[token]): {"content": token} for token in self._added}
        written: dict[str, Any] = {_CONFIG: config, "vocab.json": dict(self._source.ids)}
        if separate:
            written["target_vocab.json"] = dict(self._target.ids)
        contents = {
            name: (json.dumps(value, ensure_ascii=False, indent=2) + "\n").encode() for name, value in written.items()
        }
        for name, side in (("source.spm", self._source), ("target.spm", self._target)):
            contents[name] = side.pieces.serialized_model_proto()
        write_files(Path(folder), contents)

    def __call__(
        self,
        texts: str | Sequence[str],
        *,
        max_length: int | None = None,
        pad_to: int | None = None,
        add_special_tokens: bool = True,
    ) -> MarianBatch:
        """The arrays that a model reads.

        Args:
            texts: a text in the source language, or B of them.
            max_length: cut to so many tokens, ``</s>`` included; None cuts nothing.
            pad_to: T; None means the longest of the batch.
            add_special_tokens: whether ``</s>`` ends each text.

        Returns:
            A ``MarianBatch``, arrays [B, T].

        Raises:
            ArgumentError: what is not text, or texts longer than ``pad_to``.
        """
        return self._batch(self._source, texts, max_length, pad_to, add_special_tokens)

    def targets(
        self,
        texts: str | Sequence[str],
        *,
        max_length: int | None = None,
        pad_to: int | None = None,
        add_special_tokens: bool = True,
    ) -> MarianBatch:
        """The arrays of texts in the target language, cut by its own SentencePiece model.

        Args:
            texts: a text in the target language, or B of them.
            max_length: cut to so many tokens, ``</s>`` included; None cuts nothing.
            pad_to: T; None means the longest of the batch.
            add_special_tokens: whether ``</s>`` ends each text.

        Returns:
            A ``MarianBatch``, arrays [B, T].

        Raises:
            ArgumentError: what is not text, or texts longer than ``pad_to``.
        """
        return self._batch(self._target, texts, max_length, pad_to, add_special_tokens)

    def tokenize(self, text: str) -> list[str]:
        """The pieces of a source text, without ``</s>``.

        Args:
            text: any string.

        Returns:
            ``["▁Good", "▁morning", "."]``.

        Raises:
            ArgumentError: what is not text.
        """
        return self._tokenize(self._source, checked_texts("texts", text)[0])

    def encode(self, text: str) -> list[int]:
        """The ids of a source text, with ``</s>``.

        Args:
            text: any string.

        Returns:
            Whole numbers.

        Raises:
            ArgumentError: what is not text.
        """
        return self._encode(self._source, checked_texts("texts", text)[0], None, True)

    @overload
    def tokens(self, ids: Sequence[int]) -> list[str]: ...
    @overload
    def tokens(self, ids: Sequence[Sequence[int]]) -> list[list[str]]: ...
    @overload
    def tokens(self, ids: mx.array | np.ndarray) -> Any: ...  # by its rank
    def tokens(
        self, ids: mx.array | np.ndarray | Sequence[int] | Sequence[Sequence[int]]
    ) -> list[str] | list[list[str]]:
        """The token of each target id.

        Args:
            ids: whole numbers [T] or [B, T], an array or nested lists.

        Returns:
            A list for [T], a list of lists for [B, T].

        Raises:
            ArgumentError: ids that are no whole numbers or outside the vocabulary.
        """
        rows, is_batch = self._rows(ids)
        named = [[self._token[index] for index in row] for row in rows]
        return named if is_batch else named[0]

    @overload
    def decode(self, ids: Sequence[int], *, skip_special_tokens: bool = ...) -> str: ...
    @overload
    def decode(self, ids: Sequence[Sequence[int]], *, skip_special_tokens: bool = ...) -> list[str]: ...
    @overload
    def decode(self, ids: mx.array | np.ndarray, *, skip_special_tokens: bool = ...) -> Any: ...  # by its rank
    def decode(
        self, ids: mx.array | np.ndarray | Sequence[int] | Sequence[Sequence[int]], *, skip_special_tokens: bool = True
    ) -> str | list[str]:
        """The text of target ids: pieces joined.

        Args:
            ids: whole numbers [T] or [B, T], an array or nested lists.
            skip_special_tokens: whether special tokens are left out.

        Returns:
            A text for [T], B texts for [B, T].

        Raises:
            ArgumentError: ids that are no whole numbers or outside the vocabulary.
        """
        rows, is_batch = self._rows(ids)
        texts = [self._text(row, skip_special_tokens) for row in rows]
        return texts if is_batch else texts[0]

    @property
    def languages(self) -> list[str]:
        """The tokens that name a target language, ``>>fra<<``; empty where there is but one."""
        return [token for token in self._source.ids if token.startswith(">>") and token.endswith("<<")]

    @property
    def vocab_size(self) -> int:
        """V of the source: a model's ``vocab_size``."""
        return len(self._source.ids)

    @property
    def unk_id(self) -> int:
        """The id of pieces that the vocabulary lacks, ``<unk>``."""
        return self._source.ids[self._special["unk"]]

    @property
    def eos_id(self) -> int:
        """The id that ends each text, ``</s>``."""
        return self._source.ids[self._special["eos"]]

    @property
    def pad_id(self) -> int:
        """The id of padding, ``<pad>``."""
        return self._source.ids[self._special["pad"]]

    def _tokenize(self, side: Side, text: str) -> list[str]:
        tokens: list[str] = []
        for part in self._cut.split(text):
            if part in self._whole:
                tokens.append(part)
            elif part:
                language = _LANGUAGE.fullmatch(part)
                code, rest = language.groups() if language else (None, part)
                tokens += [code] if code else []
                tokens += side.pieces.encode(rest, out_type=str)
        return tokens

    def _encode(self, side: Side, text: str, max_length: int | None, add_special_tokens: bool) -> list[int]:
        # A piece that vocab.json lacks is unknown: SentencePiece's own number would be some other token's.
        unknown = side.ids[self._special["unk"]]
        ids = [side.ids.get(token, unknown) for token in self._tokenize(side, text)]
        end = [self.eos_id] if add_special_tokens else []
        if max_length is not None:
            ids = ids[: max_length - len(end)]
        return ids + end

    def _batch(
        self, side: Side, texts: Any, max_length: int | None, pad_to: int | None, add_special_tokens: bool
    ) -> MarianBatch:
        require_positive(max_length=1 if max_length is None else max_length)
        rows = [self._encode(side, text, max_length, add_special_tokens) for text in checked_texts("texts", texts)]
        length = padded_length(max(map(len, rows)), pad_to)
        ids = np.full((len(rows), length), self.pad_id, np.int32)
        mask = np.zeros((len(rows), length), np.int32)
        for place, row in enumerate(rows):
            ids[place, : len(row)] = row
            mask[place, : len(row)] = 1
        return MarianBatch(mx.array(ids), mx.array(mask))

    def _text(self, ids: list[int], skip_special_tokens: bool) -> str:
        # As transformers does: pieces of a joint vocabulary are joined by the source's model.
        joining = self._source.pieces if self._target.ids is self._source.ids else self._target.pieces
        text, run = "", []
        for index in ids:
            if index not in self._special_ids:
                run.append(self._token[index])
            elif not skip_special_tokens:
                text += joining.decode_pieces(run) + self._token[index] + " "
                run = []
        text = (text + joining.decode_pieces(run)).replace(_SPACE, " ").strip()
        return _tidied(text) if self._tidy else text

    def _rows(self, ids: Any) -> tuple[list[list[int]], bool]:
        values = to_numpy(ids) if is_array(ids) else np.asarray(ids)
        if values.ndim not in (1, 2) or (values.size and values.dtype.kind not in "iu"):
            message = f"ids must be whole numbers [T] or [B, T]; got {values.dtype} of shape {list(values.shape)}"
            raise ArgumentError("ids-not-integers", message, given=str(values.dtype))
        rows = values.astype(int).reshape(-1, values.shape[-1]).tolist()
        wrong = next((index for row in rows for index in row if index not in self._token), None)
        if wrong is not None:
            message = f"ids hold {wrong}, which the target vocabulary of {len(self._token)} tokens has not"
            raise ArgumentError("id-out-of-range", message, given=wrong, size=len(self._token))
        return rows, values.ndim == 2


def _tidied(text: str) -> str:
    """No space before punctuation, as ``clean_up_tokenization_spaces`` asks for."""
    for spaced, joined in _TIDY:
        text = text.replace(spaced, joined)
    return text
