"""``python -m mlxformer.pretrained.evaluate NAME``: measure what ships, and hold it against its card."""

from __future__ import annotations

import sys

from mlxformer.errors import MlxformerError
from mlxformer.harmless import Parser, say
from mlxformer.pretrained.cards import pretrained_names
from mlxformer.pretrained.progress import ProgressBar
from mlxformer.pretrained.registry import find, load_pretrained

TOLERANCE = 0.005  # float32 sums differ between machines; a near tie may then fall the other way


def main(arguments: list[str] | None = None) -> int:
    """The command ``python -m mlxformer.pretrained.evaluate NAME``: print each score beside the card's.

    Args:
        arguments: of the command line; None takes those of the process.

    Returns:
        The exit status: 0, 1 where a score differs by more than half a percent, 2 for an unknown name.

    >>> from mlxformer.pretrained.evaluate import main
    >>> main(["no-such-model"])
    2
    """
    parser = Parser(prog="python -m mlxformer.pretrained.evaluate", description=__doc__)
    parser.add_argument("name", metavar="NAME", help=", ".join(pretrained_names()))
    given = parser.parse_args(arguments)
    try:
        reader = load_pretrained(given.name)
    except MlxformerError as error:
        say(error, sys.stderr)
        return 2
    family, _ = find(given.name)
    bar = ProgressBar(given.name)
    scores, _ = family.measure(reader, lambda fraction: bar(fraction))
    worst = 0.0
    for entry, score in scores.items():
        difference = abs(score - reader.card.scores.get(entry, float("inf")))
        worst = max(worst, difference)
        say(f"{score:10.4f}  card {reader.card.scores.get(entry, float('nan')):.4f}  {entry}")
    return 0 if worst <= TOLERANCE else 1


if __name__ == "__main__":
    sys.exit(main())
