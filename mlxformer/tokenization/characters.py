"""A tokenizer of single characters, as the files that ``mf.Tokenizer`` and transformers read."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from tokenizers import Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors

from mlxformer.tokenization.files import TokenizerSettings, save_tokenizer

# Unicode's planes with letters, digits and marks: what folds to a single character lies in them.
_FOLDED = range(0x30000)


def save_characters(
    folder: str | os.PathLike[str],
    tokens: Sequence[str],
    special: Mapping[str, str],
    *,
    template: str = "$A",
    fold: Callable[[str], str] = str,
    padding_side: str = "right",
) -> None:
    """Write ``tokenizer.json`` and ``tokenizer_config.json`` of a tokenizer that knows no pieces but characters.

    Args:
        folder: where to; it is made if need be.
        tokens: V tokens in the order of their ids: characters, and special ones of several.
        special: the special tokens by role: pad, bos, eos, unk. Without unk, other characters are an error.
        template: what stands round a text, ``"[BOS] $A [EOS]"``.
        fold: of a character, to the one that it is read as.
        padding_side: ``"left"`` or ``"right"``.

    Raises:
        CheckpointError: the folder cannot be written.

    >>> import tempfile
    >>> import mlxformer as mf
    >>> from mlxformer.tokenization.characters import save_characters
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     save_characters(folder, ["[PAD]", "a", "b"], {"pad": "[PAD]"}, fold=str.lower)
    ...     mf.Tokenizer.from_pretrained(folder)(["aB", "b"])["input_ids"].tolist()
    [[1, 2], [2, 0]]
    """
    ids = {token: number for number, token in enumerate(tokens)}
    tokenizer = Tokenizer(models.WordLevel(ids, unk_token=special.get("unk", "[UNK]")))
    tokenizer.normalizer = normalizers.Sequence(
        [
            normalizers.Replace(Regex(f"[{re.escape(others)}]"), character)
            for character, others in _read_as(ids, fold).items()
        ]
    )
    tokenizer.pre_tokenizer = pre_tokenizers.Split(Regex(r"[\s\S]"), "isolated")
    tokenizer.decoder = decoders.Fuse()
    tokenizer.post_processor = processors.TemplateProcessing(
        single=template, special_tokens=[(token, ids[token]) for token in template.split() if token in ids]
    )
    tokenizer.add_special_tokens([token for token in tokens if len(token) > 1])
    settings = TokenizerSettings(dict(special), padding_side=padding_side)
    save_tokenizer(Path(folder), tokenizer, settings, inputs=("input_ids", "attention_mask"))


def _read_as(ids: Mapping[str, int], fold: Callable[[str], str]) -> dict[str, str]:
    """Of each token the other characters that fold to it, as one string."""
    found: dict[str, str] = {}
    for number in _FOLDED:
        character = chr(number)
        if character not in ids and (read := fold(character)) in ids:
            found[read] = found.get(read, "") + character
    return found
