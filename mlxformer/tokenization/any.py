"""The tokenizer of any folder, by its ``tokenizer.json``: GPT-2's, Llama's, T5's, RoBERTa's, ModernBERT's, BERT's.

tokenizer = mf.Tokenizer.from_pretrained(folder)
ids = gpt.generate(**tokenizer(["Once upon a time", "The"]), max_new_tokens=20)
tokenizer.decode(ids)
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from tokenizers import Tokenizer as Library

from mlxformer.checkpoints.folder import find_folder, read_json
from mlxformer.errors import ArgumentError
from mlxformer.tokenization.bert import BertTokenizer
from mlxformer.tokenization.files import TokenizerSettings, known_text, load_tokenizer, of_the_library, save_tokenizer


class Tokenizer(BertTokenizer):
    """Text to ids and back, as the folder says; ``from_pretrained`` makes one.

    What comes out has ``token_type_ids`` only where the folder's model takes them, so that ``model(**batch)`` works. A
    tokenizer without padding pads with what ends a text; ``attention_mask`` says which is which.

    Args:
        tokenizer: of the tokenizers library.
        settings: special tokens, sides and length.
        named: the special tokens by role, as ``tokenizer_config.json`` names them: ``bos``, ``eos`` and so on.
        with_types: whether there are ``token_type_ids``; None asks the tokenizer whether it tells pairs apart.

    >>> import mlxformer as mf
    >>> from tokenizers import Tokenizer as Library, models, pre_tokenizers
    >>> from mlxformer.tokenization.files import TokenizerSettings
    >>> words = Library(models.WordLevel({"a": 0, "b": 1, "<end>": 2}, unk_token="<end>"))
    >>> words.pre_tokenizer = pre_tokenizers.Whitespace()
    >>> tokenizer = mf.Tokenizer(words, TokenizerSettings({"pad": "<end>"}), {"eos": "<end>"})
    >>> batch = tokenizer(["a", "b a"])
    >>> list(batch), batch["input_ids"].tolist()
    (['input_ids', 'attention_mask'], [[0, 2], [1, 0]])
    """

    def __init__(
        self,
        tokenizer: Library,
        settings: TokenizerSettings,
        named: Mapping[str, str] | None = None,
        with_types: bool | None = None,
    ) -> None:
        super().__init__(tokenizer, settings)
        self.named = dict(named or {})
        if with_types is None:
            with of_the_library("this tokenizer fails on a pair of texts"):
                text = known_text(tokenizer)
                tells = 1 in tokenizer.encode(text, text).type_ids
                with_types = tells and bool(tokenizer.num_special_tokens_to_add(True))
        self.with_types = with_types

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self._tokenizer, self.settings, self.named, self.with_types)

    @classmethod
    def from_pretrained(cls, path_or_name: str | os.PathLike[str], *, revision: str = "main") -> Tokenizer:
        """From ``tokenizer.json`` (or BERT's ``vocab.txt``) in a folder or in the local Hugging Face cache.

        Args:
            path_or_name: a folder, or a repository that is in the local Hugging Face cache.
            revision: a branch, tag or commit of that repository.

        Returns:
            The tokenizer.

        Raises:
            CheckpointError: there is neither file, or the files contradict each other.
        """
        folder = find_folder(path_or_name, revision)
        library, settings = load_tokenizer(folder)
        config = _config(folder)
        named = {
            name.removesuffix("_token"): str(token)
            for name, value in config.items()
            if name.endswith("_token") and (token := _content(value)) is not None
        }
        vocabulary = library.get_vocab(with_added_tokens=True)
        fallbacks = (settings.special.get("pad"), named.get("eos"), named.get("unk"), named.get("bos"))
        pad = next((token for token in fallbacks if token in vocabulary), None)
        if pad is not None:
            settings = replace(settings, special=dict(settings.special) | {"pad": pad})
        inputs = config.get("model_input_names")
        with_types = "token_type_ids" in inputs if isinstance(inputs, list) else None
        return cls(library, settings, named, with_types)

    def save_pretrained(self, folder: str | os.PathLike[str]) -> None:
        """Write ``tokenizer.json``, ``tokenizer_config.json`` and, for WordPiece, ``vocab.txt``, for transformers too.

        Args:
            folder: where to; it is made if need be.

        Raises:
            CheckpointError: the folder cannot be written.
        """
        inputs = ["input_ids", *["token_type_ids"] * self.with_types, "attention_mask"]
        save_tokenizer(Path(folder), self._tokenizer, self.settings, self.named, inputs)

    @property
    def bos_id(self) -> int:
        """The id that begins a text. Raises ``ArgumentError`` where there is none."""
        return self._named_id("bos")

    @property
    def eos_id(self) -> int:
        """The id that ends a text. Raises ``ArgumentError`` where there is none."""
        return self._named_id("eos")

    def _named_id(self, role: str) -> int:
        if role not in self.named:
            message = f"this tokenizer names no {role}_token; it names {', '.join(self.named) or 'none'}"
            raise ArgumentError("unknown-token", message, token=role)
        return self.id_of(self.named[role])


def _config(folder: Path) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name in ("special_tokens_map.json", "tokenizer_config.json"):
        if (folder / name).is_file():
            found |= {key: value for key, value in read_json(folder / name).items() if value is not None}
    return found


def _content(value: Any) -> str | None:
    value = value.get("content") if isinstance(value, Mapping) else value
    return value if isinstance(value, str) else None
