"""How often each of the twins is right about both kinds of pairs, its own and its twin's, on held-out poems."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from functools import cache
from typing import Any

import numpy as np

from mlxformer.backend import mx, to_numpy
from mlxformer.models.bert.heads import BertForPreTraining
from mlxformer.pretrained.masked.reader import FOLLOWS, MaskFiller
from mlxformer.pretrained.poems.samples import couplets_of, held_out

SEED, BATCH, COUNT = 20_261_130, 64, 400

Pair = tuple[str, str]


@cache
def pairs(seed: int = SEED) -> dict[str, list[Pair]]:
    """Pairs of couplets of the 600 held-out poems that ship: 400 drawn of their 1,200 neighbors.

    Args:
        seed: of what is drawn.

    Returns:
        ``"next"``: some that follow each other; ``"swapped"``: the same in the other order; ``"random"``: each first
        with a couplet of another poem of its form.

    >>> from mlxformer.pretrained.order.evaluation import pairs
    >>> {arm: len(found) for arm, found in pairs().items()}
    {'next': 400, 'swapped': 400, 'random': 400}
    """
    generator = np.random.default_rng(seed)
    by_form: dict[tuple[int, int], list[list[str]]] = {}
    for text in held_out():
        poem = couplets_of(text)
        by_form.setdefault((len(poem), len(poem[0])), []).append(poem)
    found: dict[str, list[Pair]] = {"next": [], "swapped": [], "random": []}
    for poems in by_form.values():
        for number, poem in enumerate(poems):
            for first, second in itertools.pairwise(poem):
                other = poems[(number + 1 + int(generator.integers(len(poems) - 1))) % len(poems)]
                found["next"].append((first, second))
                found["swapped"].append((second, first))
                found["random"].append((first, other[int(generator.integers(len(other)))]))
    drawn = generator.permutation(len(found["next"]))[:COUNT]  # not each third: that would be beginnings of poems alone
    return {arm: [of[index] for index in drawn] for arm, of in found.items()}


def follows(reader: MaskFiller, of: Sequence[Pair], longest: int | None = None) -> np.ndarray:
    """The probability that B follows A, of each pair.

    Args:
        reader: a model with the head of next-sentence prediction.
        of: A and B.
        longest: tokens of a pair, its special ones included; longer ones are cut. None cuts nothing.

    Returns:
        [N], 0 to 1. The other head, a vocabulary wide, does not run.

    >>> import mlxformer as mf
    >>> from mlxformer.pretrained.order.evaluation import follows
    >>> follows(mf.load_pretrained("bert-sop"), [("白日依山尽，黄河入海流。", "欲穷千里目，更上一层楼。")]).shape
    (1,)
    """
    found = np.empty(len(of))
    by_length = sorted(range(len(of)), key=lambda index: sum(map(len, of[index])))  # as little padding as may be
    for start in range(0, len(of), BATCH):
        chosen = by_length[start : start + BATCH]
        first, second = (list(texts) for texts in zip(*(of[index] for index in chosen), strict=True))
        batch = reader.tokenizer(first, second, max_length=longest)
        _, pooled = reader.model.bert(**batch)
        assert pooled is not None and isinstance(reader.model, BertForPreTraining), "the twins have both heads"
        scores = reader.model.nsp_head(pooled)
        found[chosen] = to_numpy(mx.softmax(scores, axis=-1))[:, FOLLOWS]
    return found


def accuracy(true: np.ndarray, false: np.ndarray) -> float:
    """The share of pairs of which the likelier answer is right. A coin gets a half.

    Args:
        true: the probability that B follows A, of pairs of which it does, [N].
        false: of pairs of which it does not, [M].

    Returns:
        0 to 1.

    >>> import numpy as np
    >>> from mlxformer.pretrained.order.evaluation import accuracy
    >>> accuracy(np.array([0.9, 0.4]), np.array([0.1, 0.2]))
    0.75
    """
    return float(np.concatenate([true > 0.5, false <= 0.5]).mean())


def measure(
    reader: MaskFiller, progress: Callable[[float], None] | None = None
) -> tuple[dict[str, float], dict[str, Any]]:
    """``nsp-held-out``: accuracy on true neighbors and strangers; ``sop-held-out``: on true neighbors and swapped ones.

    Args:
        reader: the model.
        progress: told the share that is done.

    Returns:
        name -> score, and name -> report.

    >>> import mlxformer as mf
    >>> from mlxformer.pretrained.order.evaluation import measure
    >>> measure(mf.load_pretrained("bert-sop"))[0]["sop-held-out"] > 0.6  # doctest: +SKIP
    True
    """
    found = {}
    for done, (arm, of) in enumerate(pairs().items()):
        found[arm] = follows(reader, of)
        if progress is not None:
            progress((done + 1) / 3)
    scores = {
        "nsp-held-out": accuracy(found["next"], found["random"]),
        "sop-held-out": accuracy(found["next"], found["swapped"]),
    }
    return scores, {"said to follow, held out": {arm: float((each > 0.5).mean()) for arm, each in found.items()}}
