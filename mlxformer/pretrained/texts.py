"""``python -m mlxformer.pretrained.texts FOLDER``: the vocabularies and samples that ship, made from the texts anew.

Their provenance, and no step of training: weights fit the vocabulary that ships, so nothing is written over it. The
samples and the poets' vocabulary come out as they ship; ``masked/vocabulary.txt`` but for ties, which the trainer of
``tokenizers`` breaks otherwise in each run.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from mlxformer.errors import MlxformerError
from mlxformer.harmless import Parser, say
from mlxformer.pretrained.masked import samples, sources, vocabulary
from mlxformer.pretrained.masked.corpus import FOLDER
from mlxformer.pretrained.poems import samples as poems


def main(arguments: Sequence[str] | None = None) -> int:
    """The command: fetch the texts unless they are there, and write the four files.

    Args:
        arguments: of the command line; None takes those of the process.

    Returns:
        The exit status: 0, or 2 where the texts cannot be fetched or the folder cannot be written.

    >>> from mlxformer.pretrained.texts import main
    >>> main(["made"])  # doctest: +SKIP
    0
    """
    parser = Parser(prog="python -m mlxformer.pretrained.texts", description=__doc__)
    parser.add_argument("folder", metavar="FOLDER", type=Path, help="where to; masked/ and poems/ are made in it")
    folder: Path = parser.parse_args(arguments).folder
    try:
        write(folder)
    except (MlxformerError, OSError) as error:
        say(error, sys.stderr)
        return 2
    return 0


def write(folder: Path) -> None:
    """Write ``vocabulary.txt`` and ``samples.json`` of the masked models, ``vocabulary.txt`` and ``held_out.txt`` of
    the poets.

    Args:
        folder: where to; it is made if need be.

    Raises:
        MlxformerError: the texts cannot be fetched.

    >>> from pathlib import Path
    >>> from mlxformer.pretrained.texts import write
    >>> write(Path("made"))  # doctest: +SKIP
    """
    sources.fetch(FOLDER)
    masked, of_poems = folder / "masked", folder / "poems"
    masked.mkdir(parents=True, exist_ok=True)
    of_poems.mkdir(exist_ok=True)
    chinese = [*sources.idioms(FOLDER), *(each.text for each in sources.chinese_documents(FOLDER))]
    pieces = vocabulary.build((each.text for each in sources.verses(FOLDER, whole=True)), chinese)
    (masked / "vocabulary.txt").write_text("\n".join(pieces) + "\n", encoding="utf-8")
    samples.write(FOLDER, masked / "samples.json")
    poems.write(of_poems)


if __name__ == "__main__":
    sys.exit(main())
