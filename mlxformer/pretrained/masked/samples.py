"""The texts that the masked language models are measured on. They ship as ``samples.json``; ``write`` made them
(``python -m mlxformer.pretrained.texts``).

Held-out documents are never trained on (``split``). Of what was trained on, a part is chosen by hash, and the lines
that everybody knows.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Literal

from mlxformer.errors import ArgumentError
from mlxformer.pretrained.masked import sources
from mlxformer.pretrained.masked.split import is_held_out

Kind = Literal["idioms", "tang", "lunyu", "sanzijing", "verse", "book"]
KINDS: tuple[Kind, ...] = ("idioms", "tang", "lunyu", "sanzijing", "verse", "book")
WANTED: dict[Kind, int] = {"idioms": 2000, "tang": 80, "lunyu": 80, "sanzijing": 99, "verse": 120, "book": 200}
FAMOUS = (
    "画蛇添足", "守株待兔", "掩耳盗铃", "床前明月光", "春眠不觉晓", "白日依山尽", "红豆生南国", "千山鸟飞绝",
    "子曰：学而时习之", "人之初", "In the beginning God created", "The LORD is my shepherd",
    "For God so loved", "Vanity of vanities",
)  # fmt: skip


def documents(kind: Kind, *, held_out: bool = False) -> list[tuple[str, ...]]:
    """Poems, paragraphs or verses, each the sentences that follow each other; an idiom is one sentence.

    Args:
        kind: ``"idioms"``, ``"tang"`` (唐诗三百首), ``"lunyu"`` (论语), ``"sanzijing"`` (三字经), ``"verse"`` (those of
            bert-mini), ``"book"`` (all of the King James Bible, of the models of one masking rate).
        held_out: those that were never trained on, or those that were; idioms have nothing held out.

    Returns:
        A tuple of sentences for each.

    Raises:
        ArgumentError: another kind.

    >>> from mlxformer.pretrained.masked.samples import documents
    >>> documents("idioms")[0]
    ('守株待兔',)
    """
    known = _read()
    if kind not in known:
        message = f"there are no samples {kind!r}; there are: {', '.join(KINDS)}"
        raise ArgumentError("samples-unknown", message, given=kind, known=list(KINDS))
    return [tuple(sentences) for sentences in known[kind]["held-out" if held_out else "seen"]]


def samples(kind: Kind, *, held_out: bool = False) -> list[str]:
    """The sentences of ``documents``, flat.

    Args:
        kind: as in ``documents``.
        held_out: as in ``documents``.

    Returns:
        Strings.

    Raises:
        ArgumentError: another kind.

    >>> from mlxformer.pretrained.masked.samples import samples
    >>> "画蛇添足" in samples("idioms")
    True
    """
    return [sentence for sentences in documents(kind, held_out=held_out) for sentence in sentences]


def alternatives(idiom: str) -> tuple[str, ...]:
    """For each place of one of the sampled idioms, the characters that make another idiom of the list there.

    一丝不苟: 挂, 紊 and others stand in its last place as well, so no reader of three characters can be sure of 苟.

    Args:
        idiom: four characters.

    Returns:
        A string for each place.

    >>> from mlxformer.pretrained.masked.samples import alternatives
    >>> alternatives("画蛇添足")
    ('为', '', '著', '')
    """
    also: dict[str, list[str]] = json.loads(_file().read_text(encoding="utf-8"))["alternatives"]
    return tuple(also.get(idiom, [""] * len(idiom)))


@cache
def _read() -> dict[str, dict[str, list[list[str]]]]:
    found: dict[str, dict[str, list[list[str]]]] = json.loads(_file().read_text(encoding="utf-8"))
    del found["alternatives"]
    return found


def _file() -> Path:
    return Path(str(files("mlxformer.pretrained.masked") / "samples.json"))


def write(texts: Path, path: Path) -> None:
    """Choose the samples from the training texts and write them; ``samples.json`` ships.

    Args:
        texts: the folder that ``sources.fetch`` filled.
        path: of the file.

    >>> from pathlib import Path
    >>> from mlxformer.pretrained.masked.samples import write
    >>> write(Path("texts"), Path("samples.json"))  # doctest: +SKIP
    """
    groups: dict[Kind, list[tuple[str, ...]]] = {kind: [] for kind in KINDS}
    groups["idioms"] = [(idiom,) for idiom in sources.idioms(texts)]
    for document in [*sources.chinese_documents(texts), *sources.verses(texts)]:
        groups[document.kind].append(document.sentences)  # type: ignore[index]
    groups["book"] = [document.sentences for document in sources.verses(texts, whole=True)]
    chosen = {}
    for kind, whole in groups.items():
        join = " ".join if kind in ("verse", "book") else "".join
        held = [each for each in whole if kind != "idioms" and is_held_out(join(each))]
        held_out = set(held)
        seen = [each for each in whole if each not in held_out]
        famous = [each for each in seen if kind != "book" and join(each).startswith(FAMOUS)]
        rest = _by_hash([each for each in seen if each not in famous])
        limit = WANTED[kind]
        chosen[kind] = {
            "seen": (famous + rest)[:limit],
            "held-out": held if kind != "book" else _by_hash(held)[:limit],
        }
    lines = ",\n".join(
        f' "{kind}": {{\n'
        + ",\n".join(
            f'  "{part}": [\n' + ",\n".join(f"   {json.dumps(each, ensure_ascii=False)}" for each in found) + "\n  ]"
            for part, found in parts.items()
        )
        + "\n }"
        for kind, parts in chosen.items()
    )
    also = _alternatives([idiom for (idiom,) in groups["idioms"]], [idiom for (idiom,) in chosen["idioms"]["seen"]])
    pairs = ",\n".join(f"  {json.dumps({name: each}, ensure_ascii=False)[1:-1]}" for name, each in also.items())
    lines += f',\n "alternatives": {{\n{pairs}\n }}'
    path.write_text("{\n" + lines + "\n}\n", encoding="utf-8")


def _alternatives(idioms: Sequence[str], wanted: Sequence[str]) -> dict[str, list[str]]:
    fits: dict[tuple[str, int], str] = {}
    for idiom in idioms:
        for place in range(len(idiom)):
            around = idiom[:place] + "?" + idiom[place + 1 :], place
            fits[around] = fits.get(around, "") + idiom[place]
    found = {}
    for idiom in wanted:
        also = [
            fits[idiom[:place] + "?" + idiom[place + 1 :], place].replace(idiom[place], "")
            for place in range(len(idiom))
        ]
        if any(also):
            found[idiom] = also
    return found


def _by_hash(found: Sequence[tuple[str, ...]]) -> list[tuple[str, ...]]:
    return sorted(found, key=lambda each: hashlib.sha256("".join(each).encode()).digest())
