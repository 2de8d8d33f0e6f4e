"""``python -m mlxformer.pretrained.seeds NAME``: train a shipped model from several seeds, for how far they differ.

Each seed's run is that of ``train NAME --seed S``; runs that are already there are not done again. What ships is the
first seed's, whatever the others reach, with ``results.json`` beside its card: every seed's scores and loss.
"""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from mlxformer.errors import ArgumentError, MlxformerError
from mlxformer.harmless import Parser, say
from mlxformer.pretrained.cards import CARD, WEIGHTS, read_card, shipped_folder
from mlxformer.pretrained.registry import trainable_names
from mlxformer.pretrained.train import train_and_measure
from mlxformer.pretrained.training import checkpoint_path

RESULTS = "results.json"
LOSS_POINTS = 40


@dataclass(frozen=True)
class Run:
    """One seed's training.

    Args:
        seed: of the training.
        steps: of the training.
        seconds: that it took.
        trained_with: the backend and the processor.
        sha256: of the weights.
        scores: as on its card.
        reports: as on its card.
        loss: 40 points, each a step and the mean loss since the point before.

    >>> from mlxformer.pretrained.seeds import read_results
    >>> [run.seed for run in read_results("reverse-gru")]
    [0, 1, 2, 3, 4]
    """

    seed: int
    steps: int
    seconds: float
    trained_with: str
    sha256: str
    scores: Mapping[str, float]
    reports: Mapping[str, Any]
    loss: list[tuple[int, float]]

    def __repr__(self) -> str:
        return f"Run(seed={self.seed}, steps={self.steps}, loss={self.loss[-1][1]:g})"


def read_results(name: str) -> tuple[Run, ...]:
    """What each seed of a shipped model reached.

    Args:
        name: of the model.

    Returns:
        The runs, by seed.

    Raises:
        ArgumentError: an unknown name, or a model that was trained from one seed only.

    >>> from mlxformer.pretrained.seeds import read_results
    >>> len(read_results("reverse-transformer")[0].loss)
    40
    """
    path = shipped_folder(read_card(name).name) / RESULTS
    if not path.is_file():
        raise ArgumentError(
            "pretrained-one-seed", f"{name} was trained from one seed; its card has the scores", name=name
        )
    return tuple(Run(**run) for run in json.loads(path.read_text(encoding="utf-8"))["runs"])


def write_results(name: str, runs: list[Run], folder: Path) -> None:
    """Write ``results.json``.

    Args:
        name: of the model.
        runs: by seed.
        folder: where to; it must be there.

    >>> import tempfile
    >>> from pathlib import Path
    >>> from mlxformer.pretrained.seeds import write_results
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     write_results("reverse-gru", [], Path(folder))
    ...     (Path(folder) / "results.json").is_file()
    True
    """
    text = json.dumps({"name": name, "runs": [asdict(run) for run in runs]}, indent=1, allow_nan=False)
    (folder / RESULTS).write_text(text + "\n", encoding="utf-8")


def main(arguments: list[str] | None = None) -> int:
    """The command ``python -m mlxformer.pretrained.seeds NAME``: train each seed that is not there yet.

    The first one's model and card, and all results, go to ``trained/NAME``.

    Args:
        arguments: of the command line; None takes those of the process.

    Returns:
        The exit status: 0, 2 for an unknown name, 130 where it was interrupted.

    >>> from mlxformer.pretrained.seeds import main
    >>> main(["no-such-model"])
    2
    """
    parser = Parser(prog="python -m mlxformer.pretrained.seeds", description=__doc__)
    parser.add_argument("name", metavar="NAME", help=", ".join(trainable_names()))
    parser.add_argument("--seeds", type=int, default=5, help="seeds 0 to N - 1 (default: 5)")
    parser.add_argument("--checkpoints", type=Path, default=Path("trained"), help="default: trained")
    given = parser.parse_args(arguments)
    try:
        runs = [_run(given.name, seed, given.checkpoints) for seed in range(given.seeds)]
    except MlxformerError as error:
        say(error, sys.stderr)
        return 2
    except KeyboardInterrupt:
        say("\nInterrupted; the same command goes on from the last checkpoint.", sys.stderr)
        return 130
    out = given.checkpoints / given.name
    out.mkdir(parents=True, exist_ok=True)
    for file in (WEIGHTS, CARD):
        shutil.copyfile(given.checkpoints / f"{given.name}-0" / file, out / file)
    write_results(given.name, runs, out)
    say(f"written to {out}", sys.stderr)
    return 0


def _run(name: str, seed: int, checkpoints: Path) -> Run:
    folder = checkpoints / f"{name}-{seed}"
    if not (folder / CARD).is_file():
        train_and_measure(name, seed, folder, checkpoints)
    card = json.loads((folder / CARD).read_text(encoding="utf-8"))
    with np.load(checkpoint_path(checkpoints, name, seed)) as archive:
        parts = np.array_split(archive["about/losses"], LOSS_POINTS)
    ends = np.cumsum([len(part) for part in parts])
    loss = [(int(end), round(float(part.mean()), 5)) for end, part in zip(ends, parts, strict=True) if len(part)]
    kept = ("seed", "steps", "seconds", "trained_with", "sha256", "scores", "reports")
    return Run(**{entry: card[entry] for entry in kept}, loss=loss)


if __name__ == "__main__":
    sys.exit(main())
