"""The held-out poems that ship, so that anyone can measure a poet; ``write`` chose them and wrote the vocabulary
(``python -m mlxformer.pretrained.texts``)."""

from __future__ import annotations

import hashlib
import sys
from collections import Counter
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

from mlxformer.pretrained.masked.corpus import FOLDER
from mlxformer.pretrained.poems import corpus
from mlxformer.pretrained.poems.forms import FORMS, STOP, form_of, lines_of
from mlxformer.pretrained.poems.vocabulary import SPECIAL

EACH = 150  # poems of a form


@cache
def held_out() -> tuple[str, ...]:
    """Poems that no poet was trained on.

    Returns:
        150 of each form.

    >>> from mlxformer.pretrained.poems.samples import held_out
    >>> len(held_out())
    600
    """
    path = files("mlxformer.pretrained.poems") / "held_out.txt"
    return tuple(path.read_text(encoding="utf-8").splitlines())


def couplets_of(text: str) -> list[str]:
    """The couplets of a poem, each with its marks.

    Args:
        text: of a poem.

    Returns:
        Each two lines.

    >>> from mlxformer.pretrained.poems.samples import couplets_of
    >>> couplets_of("白日依山尽，黄河入海流。欲穷千里目，更上一层楼。")
    ['白日依山尽，黄河入海流。', '欲穷千里目，更上一层楼。']
    """
    return [couplet + STOP for couplet in text.replace("\n", "").split(STOP) if couplet]


def write(folder: Path) -> None:
    """Write ``vocabulary.txt`` and ``held_out.txt`` from the training texts.

    Args:
        folder: where to.

    >>> from mlxformer.pretrained.poems.samples import write
    >>> write(Path("."))  # doctest: +SKIP
    """
    corpus.fetch(FOLDER)
    every = corpus.poems(FOLDER)
    seen = Counter(character for text in every for character in text if character not in SPECIAL)
    final = _finals(FOLDER)
    characters = sorted(seen, key=lambda character: (-seen[character], character))
    rows = [*SPECIAL, *(f"{character}\t{final(character)}" for character in characters)]
    (folder / "vocabulary.txt").write_text("\n".join(rows) + "\n", encoding="utf-8")
    chosen = []
    by_hash = sorted(corpus.split()[1], key=lambda text: hashlib.sha256(text.encode()).digest())
    for form in FORMS.values():
        chosen += [text for text in by_hash if form_of(lines_of(text)) == form][:EACH]
    (folder / "held_out.txt").write_text("\n".join(chosen) + "\n", encoding="utf-8")


def _finals(folder: Path) -> Any:
    sys.path.insert(0, str(folder / "python"))
    try:
        from pypinyin import Style, pinyin
    finally:
        sys.path.pop(0)
    return lambda character: pinyin(character, style=Style.FINALS, strict=True)[0][0]
