"""What ships beside the weights: a card that says what a model is, what it was made from, and what it can and can't do.

``card.json`` stands beside ``model.safetensors``. Its ``scores`` are measured by
``python -m mlxformer.pretrained.evaluate NAME`` on the shipped weights, and held by a test.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from importlib.resources import files
from pathlib import Path
from typing import Any

from mlxformer.errors import ArgumentError, CheckpointError

WEIGHTS, CARD = "model.safetensors", "card.json"


@dataclass(frozen=True)
class Card:
    """What ships beside the weights: what a model is, what it was made from, what it can and can't do.

    Args:
        name: what ``load_pretrained`` takes.
        what: the model in a sentence.
        data: each source of the training data with its license.
        command: what trains it.
        seed: of the training.
        steps: of the training.
        seconds: that it took.
        trained_with: the backend and the processor.
        parameters: how many.
        config: the fields of the model's configuration.
        cannot: its limits.
        scores: name -> number, shares from 0 to 1.
        reports: longer measurements (per head, per format, what odd input gives).
        sha256: of the weights.

    >>> import mlxformer as mf
    >>> card = mf.load_pretrained("dates").card
    >>> card.parameters, card.score("worst-format") > 0.99
    (235904, True)
    """

    name: str
    what: str
    data: Mapping[str, str]
    command: str
    seed: int
    steps: int
    seconds: float
    trained_with: str
    parameters: int
    config: Mapping[str, Any]
    cannot: str
    scores: Mapping[str, float] = field(default_factory=dict)
    reports: Mapping[str, Any] = field(default_factory=dict)
    sha256: str = ""

    def __repr__(self) -> str:
        return f"Card({self.name!r}: {self.what}; {self.parameters:,} parameters, seed {self.seed})"

    def score(self, entry: str) -> float:
        """One of the scores.

        Args:
            entry: its name.

        Returns:
            The number.

        Raises:
            ArgumentError: there is none of that name; it names those there are.
        """
        if entry not in self.scores:
            known = ", ".join(self.scores)
            message = f"the card of {self.name} has no score {entry!r}; it has: {known}"
            raise ArgumentError("card-no-score", message, name=self.name, entry=entry, known=list(self.scores))
        return float(self.scores[entry])

    def write(self, folder: Path) -> None:
        """Write ``card.json``.

        Args:
            folder: where to; it must be there.
        """
        text = json.dumps(asdict(self), ensure_ascii=False, indent=2, allow_nan=False)
        (folder / CARD).write_text(text + "\n", encoding="utf-8")


def shipped_folder(name: str) -> Path:
    """Where the weights of a shipped model lie.

    Args:
        name: of the model.

    Returns:
        A folder; whether it is there is not looked at.

    >>> from mlxformer.pretrained.cards import shipped_folder
    >>> shipped_folder("dates").name
    'dates'
    """
    return Path(str(files("mlxformer.pretrained") / "shipped" / name))


def pretrained_names() -> tuple[str, ...]:
    """The models that ship with the package.

    Returns:
        Their names, sorted.

    >>> import mlxformer as mf
    >>> mf.pretrained_names()[:2]
    ('bert-mini', 'bert-nsp')
    """
    root = Path(str(files("mlxformer.pretrained") / "shipped"))
    return tuple(sorted(folder.name for folder in root.iterdir() if (folder / CARD).is_file())) if root.is_dir() else ()


def read_card(name: str) -> Card:
    """The card of a shipped model; its weights are not read.

    Args:
        name: of the model.

    Returns:
        The card.

    Raises:
        ArgumentError: there is no such model; it names those there are.

    >>> from mlxformer.pretrained import read_card
    >>> read_card("dates-pre-norm").config["norm"]
    'pre'
    """
    names = pretrained_names()
    if name not in names:
        raise ArgumentError(
            "pretrained-unknown", f"there is no pretrained model {name!r}; there is: {', '.join(names)}",
            given=name, known=list(names),
        )  # fmt: skip
    fields = json.loads((shipped_folder(name) / CARD).read_text(encoding="utf-8"))
    return Card(**fields)


def checksum(path: Path) -> str:
    """SHA-256 of a file.

    Args:
        path: of the file.

    Returns:
        64 hexadecimal digits.

    >>> import tempfile
    >>> from pathlib import Path
    >>> from mlxformer.pretrained.cards import checksum
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     written = (Path(folder) / "empty").write_bytes(b"")
    ...     checksum(Path(folder) / "empty")[:8]
    'e3b0c442'
    """
    return hashlib.sha256(path.read_bytes()).hexdigest()


def verify(card: Card) -> Path:
    """The weights' file of a shipped model, once its checksum is that of the card.

    Args:
        card: of the model.

    Returns:
        The file.

    Raises:
        CheckpointError: the file is missing or another.

    >>> from mlxformer.pretrained.cards import read_card, verify
    >>> verify(read_card("dates")).name
    'model.safetensors'
    """
    path = shipped_folder(card.name) / WEIGHTS
    if not path.is_file() or checksum(path) != card.sha256:
        raise CheckpointError(
            "pretrained-damaged",
            f"{path} is missing or not what the card of {card.name} describes; install the package again",
            name=card.name,
            path=str(path),
        )
    return path
