"""The poems that the poets are trained on and measured by: regular Tang verse in simplified script."""

from __future__ import annotations

import json
from collections import Counter
from functools import cache
from pathlib import Path

import numpy as np

from mlxformer.pretrained.masked.corpus import FOLDER
from mlxformer.pretrained.masked.sources import fetch, simplifier
from mlxformer.pretrained.masked.split import is_held_out
from mlxformer.pretrained.poems.forms import form_of, lines_of, written
from mlxformer.pretrained.poems.vocabulary import ids_of

RAREST = 5  # a poem with a character that the poems have less often is left out


def poems(folder: Path) -> list[str]:
    """Poems of 全唐诗 in the four regular forms, each text once.

    Args:
        folder: that ``fetch`` filled.

    Returns:
        Texts in simplified script, in the order of the collection; those with a rare character are left out.

    >>> from mlxformer.pretrained.poems.corpus import poems
    >>> texts = poems(Path("texts"))  # doctest: +SKIP
    """
    found = []
    for path in sorted((folder / "package/dist/quantangshi").glob("poet.tang.*.json"), key=_number):
        for poem in json.loads(path.read_text(encoding="utf-8")):
            lines = lines_of("".join(poem["paragraphs"]))
            if form_of(lines) is not None and all(_is_chinese(character) for line in lines for character in line):
                found.append(written(lines))
    simplified = simplifier(folder)("\n".join(found)).split("\n")
    texts = [text for text in dict.fromkeys(simplified) if form_of(lines_of(text)) is not None]
    seen = Counter(character for text in texts for character in text)
    return [text for text in texts if all(seen[character] >= RAREST for character in text)]


def _number(path: Path) -> int:
    return int(path.suffixes[-2][1:])


def _is_chinese(character: str) -> bool:
    return "㐀" <= character <= "䶿" or "一" <= character <= "鿿"


def couplets(text: str) -> list[str]:
    """The pairs of lines of a poem.

    Args:
        text: of a poem.

    Returns:
        Each two lines, joined.

    >>> from mlxformer.pretrained.poems.corpus import couplets
    >>> couplets("白日依山尽，黄河入海流。")
    ['白日依山尽黄河入海流']
    """
    lines = lines_of(text)
    return [first + second for first, second in zip(lines[::2], lines[1::2], strict=False)]


@cache
def split() -> tuple[list[str], list[str]]:
    """The poems to train on and those held out: one in 20 by a hash of its text.

    Of two versions of one poem one may be held out, so those to train on share no couplet with one held out.

    Returns:
        Texts to train on, and texts held out.

    >>> from mlxformer.pretrained.poems.corpus import split
    >>> to_train_on, held_out = split()  # doctest: +SKIP
    """
    fetch(FOLDER)
    every = poems(FOLDER)
    held_out = [text for text in every if is_held_out(text)]
    known = {couplet for text in held_out for couplet in couplets(text)}
    return [text for text in every if not is_held_out(text) and known.isdisjoint(couplets(text))], held_out


@cache
def training_ids() -> dict[str, np.ndarray]:
    """The poems to train on as ids.

    Returns:
        form -> int32 [N, 1 + length + 1].

    >>> from mlxformer.pretrained.poems.corpus import training_ids
    >>> ids = training_ids()["五绝"]  # doctest: +SKIP
    """
    return ids_of(split()[0])
