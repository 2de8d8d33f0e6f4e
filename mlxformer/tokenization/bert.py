"""Text into BERT's input and back: ``[CLS] 我 爱 你 [SEP]``, by the ``tokenizers`` library.

tokenizer = mf.BertTokenizer.from_pretrained(folder)
out = bert(**tokenizer(["a text", "another, longer one"]))
"""

from __future__ import annotations

import os
import reprlib
import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, overload

import numpy as np
from tokenizers import Encoding, Tokenizer

from mlxformer.backend import is_array, mx, to_numpy
from mlxformer.checkpoints.folder import find_folder
from mlxformer.errors import ArgumentError
from mlxformer.tokenization.arguments import checked_texts, padded_length
from mlxformer.tokenization.files import (
    TokenizerSettings,
    build_wordpiece,
    load_tokenizer,
    of_the_library,
    save_tokenizer,
)
from mlxformer.validation import require_positive, shape_text


@dataclass(frozen=True, eq=False)
class TokenizedBatch(Mapping[str, mx.array]):
    """Tokenized texts by Hugging Face's names, so that ``bert(**batch)`` works.

    Args:
        input_ids: int32 [B, T].
        token_type_ids: int32 [B, T], 0 in a first text and 1 in a second one; None where the model has none.
        attention_mask: int32 [B, T], 1 at real tokens and 0 at padding.
        tokens: the tokens themselves, B lists of T.

    >>> import mlxformer as mf
    >>> batch = mf.load_pretrained("bert-mini").tokenizer(["画蛇", "画蛇添足"])
    >>> batch["attention_mask"].tolist()
    [[1, 1, 1, 1, 0, 0], [1, 1, 1, 1, 1, 1]]
    """

    input_ids: mx.array
    token_type_ids: mx.array | None
    attention_mask: mx.array
    tokens: list[list[str]]

    def __repr__(self) -> str:
        return f"TokenizedBatch of {len(self.tokens)} texts, {shape_text(self.input_ids)}"

    def __getitem__(self, name: str) -> mx.array:
        if name not in list(self):
            raise KeyError(name)
        return getattr(self, name)

    def __iter__(self) -> Iterator[str]:
        return (name for name in _INPUTS if getattr(self, name) is not None)

    def __len__(self) -> int:
        return len(list(iter(self)))


_INPUTS = ("input_ids", "token_type_ids", "attention_mask")


class BertTokenizer:
    """WordPiece with BERT's special tokens: ``[CLS] A [SEP]``, ``[CLS] A [SEP] B [SEP]``.

    ``from_pretrained`` and ``from_vocabulary`` make one.

    Args:
        tokenizer: of the tokenizers library.
        settings: what beside it stands in ``tokenizer_config.json``.

    Source: Devlin et al. 2019, §3; Wu et al. 2016.

    >>> import mlxformer as mf
    >>> tokenizer = mf.BertTokenizer.from_vocabulary(["[PAD]", "[UNK]", "[CLS]", "[SEP]", "un", "##aff", "##able"])
    >>> tokenizer.tokenize("Unaffable"), tokenizer("unaffable").input_ids.tolist()
    (['un', '##aff', '##able'], [[2, 4, 5, 6, 3]])
    """

    with_types = True

    def __init__(self, tokenizer: Tokenizer, settings: TokenizerSettings) -> None:
        self.settings = settings
        self._tokenizer = tokenizer
        self._vocab_size = max(tokenizer.get_vocab(with_added_tokens=True).values(), default=-1) + 1
        self._cutting = threading.Lock()  # truncation is a setting of the shared object, not an argument of a call

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self._tokenizer, self.settings)  # a lock stays where it is

    def __repr__(self) -> str:
        settings = self.settings
        longest = "" if settings.model_max_length is None else f", model_max_length={settings.model_max_length}"
        return f"{type(self).__name__}(vocab_size={self.vocab_size}, padding_side={settings.padding_side!r}{longest})"

    @classmethod
    def from_pretrained(cls, path_or_name: str | os.PathLike[str], *, revision: str = "main") -> BertTokenizer:
        """From ``tokenizer.json`` or ``vocab.txt`` in a folder or in the local Hugging Face cache.

        Args:
            path_or_name: a folder, or a repository that is in the local Hugging Face cache.
            revision: a branch, tag or commit of that repository.

        Returns:
            The tokenizer.

        Raises:
            CheckpointError: there is neither file, or the files contradict each other.
        """
        return cls(*load_tokenizer(find_folder(path_or_name, revision)))

    @classmethod
    def from_vocabulary(
        cls,
        tokens: Sequence[str],
        *,
        do_lower_case: bool = True,
        strip_accents: bool | None = None,
        tokenize_chinese_chars: bool = True,
        model_max_length: int | None = None,
    ) -> BertTokenizer:
        """Over a list of tokens.

        Args:
            tokens: V tokens in the order of their ids; ``[UNK] [CLS] [SEP]`` are needed, ``[PAD] [MASK]`` may be.
            do_lower_case: whether text is folded to lower case.
            strip_accents: whether accents are taken off; None means as ``do_lower_case``.
            tokenize_chinese_chars: whether each Chinese character is a word of its own.
            model_max_length: the longest input in tokens, written into ``tokenizer_config.json``; nothing is cut by it.

        Returns:
            The tokenizer.

        Raises:
            ArgumentError: a token stands twice.
            CheckpointError: a needed token is missing.
        """
        if len(set(tokens)) != len(tokens):
            twice = sorted({token for token in tokens if tokens.count(token) > 1})
            raise ArgumentError("vocabulary-twice", f"these tokens stand twice: {twice}", tokens=twice)
        special = {role: f"[{role.upper()}]" for role in ("unk", "sep", "pad", "cls", "mask")}
        tokenizer = build_wordpiece(
            {token: index for index, token in enumerate(tokens)},
            special,
            do_lower_case=do_lower_case,
            strip_accents=strip_accents,
            tokenize_chinese_chars=tokenize_chinese_chars,
        )
        return cls(tokenizer, TokenizerSettings(special, model_max_length=model_max_length))

    def save_pretrained(self, folder: str | os.PathLike[str]) -> None:
        """Write ``tokenizer.json``, ``tokenizer_config.json`` and ``vocab.txt`` as transformers reads them.

        Args:
            folder: where to; it is made if need be.

        Raises:
            CheckpointError: the folder cannot be written.
        """
        save_tokenizer(Path(folder), self._tokenizer, self.settings)

    def __call__(
        self,
        texts: str | Sequence[str],
        pairs: str | Sequence[str] | None = None,
        *,
        max_length: int | None = None,
        pad_to: int | None = None,
        add_special_tokens: bool = True,
    ) -> TokenizedBatch:
        """The arrays that a model takes.

        Args:
            texts: a text, or B of them.
            pairs: the second text of each; None means that there is none.
            max_length: cut to so many tokens, special ones included, the longer of a pair first; None cuts nothing.
            pad_to: T; None means the longest of the batch.
            add_special_tokens: whether ``[CLS]`` and ``[SEP]`` are put round the texts.

        Returns:
            A ``TokenizedBatch``, arrays [B, T].

        Raises:
            ArgumentError: what is not text, batches of unequal length, texts longer than ``pad_to``.
        """
        first = checked_texts("texts", texts)
        second = None if pairs is None else checked_texts("pairs", pairs)
        if second is not None and len(first) != len(second):
            message = f"texts and pairs must be equally many; got {len(first)} and {len(second)}"
            raise ArgumentError("pairs-unequal", message, texts=len(first), pairs=len(second))
        inputs: list[Any] = list(first) if second is None else list(zip(first, second, strict=True))
        encodings = self._encode(inputs, max_length, add_special_tokens)
        with of_the_library("this tokenizer fails on this text"):  # ids beyond int32
            return self._batch(encodings, pad_to)

    def tokenize(self, text: str) -> list[str]:
        """The tokens of a text, without special ones.

        Args:
            text: any string.

        Returns:
            ``["un", "##aff", "##able"]``.

        Raises:
            ArgumentError: what is not text.
        """
        return list(self._encode(checked_texts("text", text), None, False)[0].tokens)

    @overload
    def tokens(self, ids: Sequence[int]) -> list[str]: ...
    @overload
    def tokens(self, ids: Sequence[Sequence[int]]) -> list[list[str]]: ...
    @overload
    def tokens(self, ids: mx.array | np.ndarray) -> Any: ...  # by its rank
    def tokens(
        self, ids: mx.array | np.ndarray | Sequence[int] | Sequence[Sequence[int]]
    ) -> list[str] | list[list[str]]:
        """The token of each id; ``<32100>`` for one that the vocabulary has not.

        A model's table is often longer than its vocabulary (T5's has 32,128 rows for 32,100 tokens): it may write one.

        Args:
            ids: whole numbers [T] or [B, T], an array or nested lists.

        Returns:
            A list for [T], a list of lists for [B, T].

        Raises:
            ArgumentError: ids that are no whole numbers, below 0 or beyond int32.
        """
        rows, is_batch = self._id_rows(ids)
        named = [[self._tokenizer.id_to_token(index) or f"<{index}>" for index in row] for row in rows]
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
        """The text of ids: pieces joined. One that the vocabulary has not stands for nothing, as in transformers.

        Args:
            ids: whole numbers [T] or [B, T], an array or nested lists.
            skip_special_tokens: whether special tokens are left out.

        Returns:
            A text for [T], B texts for [B, T].

        Raises:
            ArgumentError: ids that are no whole numbers, below 0 or beyond int32.
        """
        rows, is_batch = self._id_rows(ids)
        with of_the_library("this tokenizer fails on these ids"):
            texts = [self._tokenizer.decode(row, skip_special_tokens=skip_special_tokens) for row in rows]
        return texts if is_batch else texts[0]

    @property
    def vocab_size(self) -> int:
        """One more than the highest id, added tokens included: what a model's ``vocab_size`` must at least be."""
        return self._vocab_size

    def id_of(self, token: str) -> int:
        """The id of one token.

        Args:
            token: as it stands in the vocabulary.

        Returns:
            A whole number.

        Raises:
            ArgumentError: the vocabulary has it not.
        """
        with of_the_library(f"this tokenizer fails on the token {token!r:.80}"):
            index = self._tokenizer.token_to_id(token)
        if index is None:
            message = f"the vocabulary of {self.vocab_size} tokens has no {token!r}"
            raise ArgumentError("unknown-token", message, token=token)
        return int(index)

    @property
    def unk_id(self) -> int:
        """The id of what the vocabulary has no piece for, [UNK]."""
        return self.id_of(self.settings.special["unk"])

    @property
    def cls_id(self) -> int:
        """The id that begins each input, [CLS]."""
        return self.id_of(self.settings.special["cls"])

    @property
    def sep_id(self) -> int:
        """The id that ends each text, [SEP]."""
        return self.id_of(self.settings.special["sep"])

    @property
    def pad_id(self) -> int:
        """The id of padding, [PAD]."""
        return self.id_of(self.settings.special["pad"])

    @property
    def mask_id(self) -> int:
        """The id of what is to be filled, [MASK]."""
        return self.id_of(self.settings.special["mask"])

    def _encode(self, inputs: list[Any], max_length: int | None, add_special_tokens: bool) -> list[Encoding]:
        with of_the_library("this tokenizer fails on this text"), self._cutting:
            if max_length is None:
                return self._tokenizer.encode_batch(inputs, add_special_tokens=add_special_tokens)
            require_positive(max_length=max_length)
            pairs = isinstance(inputs[0], tuple)
            special = self._tokenizer.num_special_tokens_to_add(pairs) if add_special_tokens else 0
            if max_length <= special:
                message = f"max_length={max_length} leaves no room for text beside {special} special tokens"
                raise ArgumentError("max-length", message, given=max_length, special=special)
            self._tokenizer.enable_truncation(max_length, direction=self.settings.truncation_side)
            try:
                return self._tokenizer.encode_batch(inputs, add_special_tokens=add_special_tokens)
            finally:
                self._tokenizer.no_truncation()

    def _batch(self, encodings: list[Encoding], pad_to: int | None) -> TokenizedBatch:
        length = padded_length(max(len(encoding.ids) for encoding in encodings), pad_to)
        is_padded = any(len(encoding.ids) < length for encoding in encodings)
        pad_id = self.pad_id if is_padded else 0
        pad = self.settings.special["pad"]
        rows: dict[str, np.ndarray] = {name: np.zeros((len(encodings), length), np.int32) for name in _INPUTS}
        rows["input_ids"][:] = pad_id
        tokens = []
        for row, encoding in enumerate(encodings):
            gap = length - len(encoding.ids)
            left = self.settings.padding_side == "left"
            place = slice(gap, length) if left else slice(0, length - gap)
            rows["input_ids"][row, place] = encoding.ids
            rows["token_type_ids"][row, place] = encoding.type_ids
            rows["attention_mask"][row, place] = 1
            tokens.append([pad] * gap + encoding.tokens if left else encoding.tokens + [pad] * gap)
        arrays: dict[str, Any] = {name: mx.array(values) for name, values in rows.items()}
        if not self.with_types:
            arrays["token_type_ids"] = None
        return TokenizedBatch(**arrays, tokens=tokens)

    def _id_rows(self, ids: Any) -> tuple[list[list[int]], bool]:
        """Rows of ids, and whether there were several: lists of lists may be ragged."""
        nested = to_numpy(ids) if is_array(ids) else ids
        nested = nested.tolist() if isinstance(nested, np.ndarray) else nested
        is_batch = isinstance(nested, list | tuple) and any(isinstance(row, list | tuple) for row in nested)
        rows = list(nested) if is_batch else [nested]
        if not all(isinstance(row, list | tuple) and all(_is_whole(index) for index in row) for row in rows):
            message = f"ids must be whole numbers, [T] or [B, T]; got {reprlib.repr(nested)}"
            raise ArgumentError("ids-not-integers", message, given=reprlib.repr(nested))
        rows = [[int(index) for index in row] for row in rows]
        for index in {index for row in rows for index in row}:
            if not 0 <= index < 2**31:
                message = f"ids hold {index}, but the vocabulary has ids 0 to {self.vocab_size - 1}"
                raise ArgumentError("id-out-of-range", message, given=index, size=self.vocab_size)
        return rows, is_batch


def _is_whole(index: Any) -> bool:
    return isinstance(index, int | np.integer) and not isinstance(index, bool)
