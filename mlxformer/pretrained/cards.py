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
    """name, what: what it is. data: each source with its license. command: what trains it. scores: name -> number,
    fractions from 0 to 1. reports: longer measurements (per head, per format, what odd input gives). cannot: its
    limits. sha256: of the weights."""

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

    def score(self, entry: str) -> float:
        """The score ``entry``; ``ArgumentError`` names those there are."""
        if entry not in self.scores:
            known = ", ".join(self.scores)
            message = f"the card of {self.name} has no score {entry!r}; it has: {known}"
            raise ArgumentError("card-no-score", message, name=self.name, entry=entry, known=list(self.scores))
        return float(self.scores[entry])

    def write(self, folder: Path) -> None:
        text = json.dumps(asdict(self), ensure_ascii=False, indent=2, allow_nan=False)
        (folder / CARD).write_text(text + "\n", encoding="utf-8")


def shipped_folder(name: str) -> Path:
    """Where the weights of ``name`` ship."""
    return Path(str(files("mlxformer.pretrained") / "shipped" / name))


def pretrained_names() -> tuple[str, ...]:
    """The models that ship with the package."""
    root = Path(str(files("mlxformer.pretrained") / "shipped"))
    return tuple(sorted(folder.name for folder in root.iterdir() if (folder / CARD).is_file())) if root.is_dir() else ()


def read_card(name: str) -> Card:
    """The card of ``name``. Raises ``ArgumentError`` where there is no such model."""
    names = pretrained_names()
    if name not in names:
        raise ArgumentError(
            "pretrained-unknown", f"there is no pretrained model {name!r}; there is: {', '.join(names)}",
            given=name, known=list(names),
        )  # fmt: skip
    fields = json.loads((shipped_folder(name) / CARD).read_text(encoding="utf-8"))
    return Card(**fields)


def checksum(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def verify(card: Card) -> Path:
    """The weights' file, once its checksum is that of the card; else ``CheckpointError``."""
    path = shipped_folder(card.name) / WEIGHTS
    if not path.is_file() or checksum(path) != card.sha256:
        raise CheckpointError(
            "pretrained-damaged",
            f"{path} is missing or not what the card of {card.name} describes; install the package again",
            name=card.name,
            path=str(path),
        )
    return path
