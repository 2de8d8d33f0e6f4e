"""How well a model reverses strings that none was trained on, by their length and by the place in the output."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from mlxformer.pretrained.reverse.reader import StringReverser
from mlxformer.pretrained.reverse.strings import LONGEST, SHORTEST, draw

SEED = 20_261_123
LENGTHS = tuple(range(SHORTEST, LONGEST + 1, 4))  # 4, 8, …, 40
COUNT = 200  # strings of each length

Progress = Callable[[float], None]


def held_out(length: int, count: int = COUNT, seed: int = SEED) -> list[str]:
    """Held-out strings of one length, the same ones at every call with the same ``seed``.

    Args:
        length: letters.
        count: how many.
        seed: of the draw.

    Returns:
        The strings.

    >>> from mlxformer.pretrained.reverse.evaluation import held_out
    >>> [len(text) for text in held_out(8, 2)]
    [8, 8]
    """
    return draw(np.random.default_rng((seed, length)), length, count, held_out=True)


def right_letters(found: Sequence[str], texts: Sequence[str]) -> np.ndarray:
    """Which letters of the outputs are right, place by place.

    Args:
        found: N strings that a model wrote.
        texts: the N strings that it was to reverse, all of one length T.

    Returns:
        bool [N, T].

    >>> from mlxformer.pretrained.reverse.evaluation import right_letters
    >>> right_letters(["cbx"], ["abc"]).tolist()
    [[True, True, False]]
    """
    rows = [
        [place < len(given) and given[place] == wanted for place, wanted in enumerate(reversed(text))]
        for given, text in zip(found, texts, strict=True)
    ]
    return np.array(rows, bool)


def measure(reader: StringReverser, progress: Progress | None = None) -> tuple[dict[str, float], dict[str, Any]]:
    """``accuracy@n``: the share of letters right in held-out strings of n letters; ``exact@n``: of strings.

    Args:
        reader: the model.
        progress: told the share that is done.

    Returns:
        name -> score, and name -> report.

    >>> import mlxformer as mf
    >>> from mlxformer.pretrained.reverse.evaluation import measure
    >>> scores, reports = measure(mf.load_pretrained("reverse-transformer"))  # doctest: +SKIP
    """
    accuracy, exact, places = {}, {}, []
    for done, length in enumerate(LENGTHS):
        texts = held_out(length)
        found = reader(texts)
        right = right_letters(found, texts)
        accuracy[f"accuracy@{length}"] = float(right.mean())
        exact[f"exact@{length}"] = float(np.mean([a == b[::-1] for a, b in zip(found, texts, strict=True)]))
        places = [float(share) for share in right.mean(0)]
        if progress is not None:
            progress((done + 1) / len(LENGTHS))
    reports = {"strings of each length": COUNT, f"accuracy by place in the output@{LONGEST}": places}
    return accuracy | exact, reports
