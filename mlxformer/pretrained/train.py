"""``python -m mlxformer.pretrained.train NAME``: train a shipped model from nothing."""

from __future__ import annotations

import platform
import sys
from pathlib import Path

from mlxformer import backend
from mlxformer.errors import MlxformerError
from mlxformer.harmless import Parser, say
from mlxformer.pretrained.cards import Card
from mlxformer.pretrained.progress import ProgressBar
from mlxformer.pretrained.registry import find, trainable_names
from mlxformer.pretrained.training import train
from mlxformer.pretrained.weights import WEIGHTS, named, read_weights, write_weights


def main(arguments: list[str] | None = None) -> int:
    """The command ``python -m mlxformer.pretrained.train NAME``: train, measure, write the weights and the card.

    Args:
        arguments: of the command line; None takes those of the process.

    Returns:
        The exit status: 0, 2 for an unknown name or a bad checkpoint, 130 where it was interrupted.

    >>> from mlxformer.pretrained.train import main
    >>> main(["no-such-model"])
    2
    """
    parser = Parser(prog="python -m mlxformer.pretrained.train", description=__doc__)
    parser.add_argument("name", metavar="NAME", help=", ".join(trainable_names()))
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, help="where weights and card go (default: trained/NAME)")
    parser.add_argument("--checkpoints", type=Path, default=Path("trained"), help="default: trained")
    given = parser.parse_args(arguments)
    try:
        train_and_measure(given.name, given.seed, given.out or given.checkpoints / given.name, given.checkpoints)
        return 0
    except MlxformerError as error:
        say(error, sys.stderr)
        return 2
    except KeyboardInterrupt:
        say("\nInterrupted; the same command goes on from the last checkpoint.", sys.stderr)
        return 130


def train_and_measure(name: str, seed: int, out: Path, checkpoints: Path) -> None:
    """Train a model from nothing; its weights and its card go to ``out``.

    Args:
        name: of the model.
        seed: of the training.
        out: a folder; it is made if need be.
        checkpoints: the folder where a run that was killed is resumed from.

    Raises:
        ArgumentError: an unknown name.
        CheckpointError: a checkpoint that is damaged or of another run.

    >>> from pathlib import Path
    >>> from mlxformer.pretrained.train import train_and_measure
    >>> train_and_measure("no-such-model", 0, Path("out"), Path("trained"))  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    mlxformer.errors.ArgumentError: there is no model 'no-such-model'; there is: dates, ...
    """
    family, recipe = find(name)
    say(f"{backend.describe()}", sys.stderr)
    trained = train(recipe, seed=seed, folder=checkpoints)
    checksum = write_weights(trained.model, out)
    read_weights(trained.model, out / WEIGHTS)  # what ships is what is measured: rounded to float16
    card = Card(
        name=name,
        command=f"python -m mlxformer.pretrained.train {name} --seed {seed}",
        seed=seed,
        steps=trained.steps,
        seconds=round(trained.seconds, 1),
        trained_with=f"{backend.describe()}, Python {platform.python_version()}",
        parameters=sum(value.size for value in named(trained.model.parameters()).values()),
        sha256=checksum,
        **family.describe(recipe),
    )
    bar = ProgressBar(f"measuring {name}")
    scores, reports = family.measure(family.reader(recipe, trained.model, card), lambda fraction: bar(fraction))
    card = Card(**{**vars(card), "scores": scores, "reports": reports})
    card.write(out)
    for entry, score in scores.items():
        say(f"{score:10.4f}  {entry}")
    say(f"written to {out}", sys.stderr)


if __name__ == "__main__":
    sys.exit(main())
