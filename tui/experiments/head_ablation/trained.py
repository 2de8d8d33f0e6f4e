"""The heads of a trained model switched off: which it can do without, alone and together, on dates it never saw."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

import mlxformer as mf
from mlxformer.backend import mx, to_numpy
from tui.experiments.contract import Report, silent
from tui.experiments.shared.kept import kept
from tui.experiments.shared.knobs import SEEDS_BEFOREHAND
from tui.experiments.take_apart.reading import HEADS, Dates, held_out, reader

READ = 24  # dates on which shares are measured: two of each format
PRUNED = 8  # switched off together: a third of all heads
Place = tuple[str, int]  # the path of an attention's heads, and the number of one


@dataclass(frozen=True)
class Trained:
    """Shares in per cent of the dates that are read right: with every head, without each one, without ``pruned``.

    least: without the one most needed, on all dates and not on ``READ`` alone, where it was found.
    """

    whole: float
    alone: Mapping[Place, float]
    least: float
    pruned: Sequence[Place]
    together: float


def measure(seed: int, report: Report, *, most_needed: bool = False) -> Trained:
    """``pruned`` are chosen on other dates than those read. ``most_needed`` chooses the wrong end (to be wrong)."""
    whole, alone, least, ranked = _alone(seed, report=report)
    together = _together(seed, most_needed, report=report)
    return Trained(whole, dict(alone), least, _chosen(ranked, most_needed), together)


# Apart: these heads are switched off in traces of their own, whatever one around a run of the layer of random weights
# makes of its heads.
@kept(apart=True, beforehand=[(seed,) for seed in SEEDS_BEFOREHAND])
def _alone(seed: int, *, report: Report = silent) -> tuple[Any, ...]:
    """``whole``, ``alone`` as pairs and ``least`` of ``Trained``, and all heads, the least needed on others first."""
    dates, scored, chosen = _parts(seed)
    places = [(path, head) for path in attentions() for head in range(HEADS)]
    shares, _ = _read(scored, [[], *([place] for place in places)], report)
    losses = dict(zip(places, _read(chosen, [[place] for place in places], report)[1], strict=True))
    alone = dict(zip(places, shares[1:], strict=True))
    least = _read(dates, [[min(places, key=lambda place: alone[place])]], report)[0][0]
    return shares[0], tuple(alone.items()), least, tuple(sorted(places, key=lambda place: losses[place]))


@kept(apart=True, beforehand=[(seed, False) for seed in SEEDS_BEFOREHAND])
def _together(seed: int, most_needed: bool, *, report: Report = silent) -> float:
    """Without the ``PRUNED`` heads least needed, or most: the % of dates read right."""
    ranked = _alone(seed, report=report)[-1]
    return _read(_parts(seed)[1], [_chosen(ranked, most_needed)], report)[0][0]


def _chosen(ranked: Sequence[Place], most_needed: bool) -> Sequence[Place]:
    return ranked[-PRUNED:] if most_needed else ranked[:PRUNED]


def _parts(seed: int) -> tuple[Dates, Dates, Dates]:
    """All dates, those on which shares are measured, and those on which heads are chosen."""
    dates = held_out(seed)
    scored, chosen = (Dates(dates.sources[part], dates.gold[part]) for part in (slice(0, READ), slice(READ, 2 * READ)))
    return dates, scored, chosen


def attentions() -> list[str]:
    """The paths of what is switched off, in the order in which the model runs them."""
    return [
        f"{stack}.layers.{layer}.{kind}.heads"
        for stack, kinds in (("encoder", ("self_attention",)), ("decoder", ("self_attention", "cross_attention")))
        for layer in range(2)
        for kind in kinds
    ]


def _read(dates: Dates, offs: Sequence[Sequence[Place]], report: Report) -> tuple[list[float], list[float]]:
    """Without the heads of each of ``offs``: the % of dates read right, and the mean loss of a character.

    One pass for all: every date once for each, and every head multiplied by 0 or 1.
    """
    count = len(dates.gold)
    sources, gold = (np.tile(part, (len(offs), 1)) for part in (dates.sources, dates.gold))
    with mf.trace(on_step=lambda path: report(0.9, path), only="") as steps:  # to change it: nothing is recorded
        for path in attentions():
            kept = [[(path, head) not in off for head in range(HEADS)] for off in offs]
            if not np.all(kept):
                steps.replace(path, _only(np.repeat(kept, count, axis=0)))
        logits = to_numpy(reader().model(mx.array(sources), mx.array(gold[:, :-1]))).astype(np.float64)
    right = (logits.argmax(-1) == gold[:, 1:]).all(-1)
    shifted = logits - logits.max(-1, keepdims=True)
    losses = np.log(np.exp(shifted).sum(-1)) - np.take_along_axis(shifted, gold[:, 1:, None], -1)[..., 0]
    return (100.0 * right.reshape(-1, count).mean(1)).tolist(), losses.reshape(len(offs), -1).mean(1).tolist()


def _only(kept: np.ndarray) -> Callable[[Any], Any]:
    factors = mx.array(kept.astype(np.float32))[:, :, None, None]  # [N, H, 1, 1]
    return lambda heads: heads * factors
