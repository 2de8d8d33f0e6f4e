"""bert-mini, which ships: two lines read together by its NSP head, or each alone and compared by the cosine.

Only the head was trained on pairs, so the comparison shows what reading both is worth to a model that was taught to,
and what vectors that nobody trained for it are worth.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from mlxformer.backend import to_numpy
from mlxformer.models.bert.pooling import mean_pooling
from mlxformer.pretrained.masked.samples import Kind
from tui.experiments.next_sentence.pairs import LONGEST, Pair, follows, pairs, reader
from tui.experiments.shared.kept import kept
from tui.experiments.shared.knobs import SEEDS_BEFOREHAND

TEXTS: tuple[Kind, ...] = ("tang", "verse")


@kept(apart=True, beforehand=[(kind, seed, False) for kind in TEXTS for seed in SEEDS_BEFOREHAND])
def ranked_together(kind: Kind, seed: int, blind: bool) -> float:
    """How often the NSP head ranks a line's true next above a line of another document, %.

    Held-out texts of one ``kind``; ``blind``: the head reads another line in place of the first.
    """
    shown = pairs(kind, True, seed)
    read = {arm: _other_first(of) if blind else of for arm, of in shown.items()}
    return 100.0 * float((follows(read["next"]) > follows(read["random"])).mean())


@kept(apart=True, beforehand=[(kind, seed) for kind in TEXTS for seed in SEEDS_BEFOREHAND])
def ranked_alone(kind: Kind, seed: int) -> float:
    """The same of the cosine of the two lines' vectors."""
    shown = pairs(kind, True, seed)
    first = _vectors([first for first, _ in shown["next"]])  # the same in both arms
    following, strange = (_vectors([second for _, second in shown[arm]]) for arm in ("next", "random"))
    return 100.0 * float(((first * following).sum(1) > (first * strange).sum(1)).mean())


def _other_first(of: Sequence[Pair]) -> list[Pair]:
    return [(first, second) for (first, _), (_, second) in zip([*of[1:], of[0]], of, strict=True)]


def _vectors(texts: Sequence[str]) -> np.ndarray:
    """Of each text alone the mean of its words, of length 1. [N, C]."""
    batch = reader().tokenizer(list(texts), max_length=LONGEST)
    pooled = to_numpy(mean_pooling(reader().model.bert(**batch).last_hidden_state, batch.attention_mask))
    return np.asarray(pooled / np.linalg.norm(pooled, axis=1, keepdims=True))
