"""The files beside a Marian checkpoint: SentencePiece's models, the vocabularies, the special tokens."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mlxformer.checkpoints.folder import files_beside, read_json
from mlxformer.checkpoints.reading import TOKENIZER_BYTES, TOKENIZER_ITEMS, read_bytes
from mlxformer.errors import CheckpointError
from mlxformer.validation import is_whole

_SPECIAL = {"unk": "<unk>", "eos": "</s>", "pad": "<pad>"}


@dataclass(frozen=True)
class Side:
    """A language's SentencePiece model and vocabulary.

    Args:
        pieces: a ``SentencePieceProcessor``.
        ids: piece -> id.

    >>> from mlxformer.tokenization.marian_files import Side
    >>> Side(None, {"a": 0}).ids["a"]
    0
    """

    pieces: Any
    ids: Mapping[str, int]


def content_of(token: Any) -> str:
    """The text of a token that a file names, by itself or as an object.

    Args:
        token: a text, or an object with ``content``.

    Returns:
        The text.

    >>> from mlxformer.tokenization.marian_files import content_of
    >>> content_of({"content": "</s>"}), content_of("<pad>")
    ('</s>', '<pad>')
    """
    return str(token.get("content")) if isinstance(token, Mapping) else str(token)


def special_tokens(folder: Path, config: Mapping[str, Any]) -> dict[str, str]:
    """The special tokens by role: unk, eos, pad.

    Args:
        folder: of the tokenizer.
        config: the fields of ``tokenizer_config.json``, which go before those of ``special_tokens_map.json``.

    Returns:
        role -> token.

    >>> from mlxformer.tokenization.marian_files import special_tokens
    >>> special_tokens(Path("."), {"eos_token": "<end>"})["eos"]
    '<end>'
    """
    path = folder / "special_tokens_map.json"
    named = (read_json(path) if path.is_file() else {}) | dict(config)
    return {role: content_of(named.get(f"{role}_token") or token) for role, token in _SPECIAL.items()}


def vocabulary_of(path: Path, special: Mapping[str, str]) -> dict[str, int]:
    """The id of each piece.

    Args:
        path: of ``vocab.json``.
        special: the special tokens by role, which must have ids.

    Returns:
        piece -> id.

    Raises:
        CheckpointError: the file is missing or broken, or gives no piece, several one id, or a special token none.

    >>> import tempfile
    >>> from mlxformer.tokenization.marian_files import vocabulary_of
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     written = (Path(folder) / "vocab.json").write_text('{"a": 0}')
    ...     vocabulary_of(Path(folder) / "vocab.json", {})
    {'a': 0}
    """
    ids = read_json(path, limit=TOKENIZER_BYTES, items=TOKENIZER_ITEMS)
    if not all(is_whole(index, 0) and index < 2**31 for index in ids.values()):
        message = f"{path} must give each piece a whole number from 0"
        raise CheckpointError("vocabulary-ids", message, path=str(path))
    if len(set(ids.values())) != len(ids):
        raise CheckpointError("vocabulary-twice", f"{path} gives one id to several pieces", path=str(path))
    absent = [token for token in special.values() if token not in ids]
    if absent:
        message = f"{path} has no id for {', '.join(absent)}"
        raise CheckpointError("vocabulary-special", message, path=str(path), absent=absent)
    return ids


def pieces_of(path: Path) -> Any:
    """SentencePiece's model.

    Args:
        path: of a ``.spm`` file.

    Returns:
        A ``SentencePieceProcessor``.

    Raises:
        CheckpointError: SentencePiece is not installed, or the file is missing or no model.

    >>> from mlxformer.tokenization.marian_files import pieces_of
    >>> try:
    ...     pieces_of(Path("no such folder/source.spm"))
    ... except CheckpointError as error:
    ...     error.code in ("checkpoint-file-missing", "tokenizer-no-sentencepiece")
    True
    """
    try:
        from sentencepiece import SentencePieceProcessor
    except ImportError as error:
        message = f'reading {path.name} needs SentencePiece ({error}): pip install "tformer-quiz[marian]"'
        raise CheckpointError("tokenizer-no-sentencepiece", message) from error
    try:
        content = read_bytes(path, TOKENIZER_BYTES)
    except FileNotFoundError:
        message = f"{path.parent} has no {path.name}. It holds: {files_beside(path)}"
        raise CheckpointError("checkpoint-file-missing", message, path=str(path)) from None
    processor = SentencePieceProcessor()
    try:
        processor.LoadFromSerializedProto(content)
    except Exception as error:  # of whatever kind: the library is written in C++ and knows none
        raise CheckpointError(
            "tokenizer-broken", f"{path} is no SentencePiece model: {error}", path=str(path)
        ) from error
    return processor
