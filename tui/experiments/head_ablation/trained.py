"""The heads of a trained model switched off: which it can do without, alone and together, on dates it never saw."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from mlxformer.backend import mx, to_numpy
from tui.experiments.contract import Report, silent
from tui.experiments.shared.kept import kept
from tui.experiments.shared.knobs import SEEDS_BEFOREHAND
from tui.experiments.shared.reported_trace import traced
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
    whole, alone, least, pruned, together = _measure(seed, most_needed, report=report)
    return Trained(whole, dict(alone), least, pruned, together)


@kept(beforehand=[(seed, False) for seed in SEEDS_BEFOREHAND])
def _measure(seed: int, most_needed: bool, *, report: Report = silent) -> tuple[Any, ...]:
    """The fields of ``Trained``, ``alone`` as pairs."""
    dates = held_out(seed)
    scored, chosen = (Dates(dates.sources[part], dates.gold[part]) for part in (slice(0, READ), slice(READ, 2 * READ)))
    places = [(path, head) for path in attentions() for head in range(HEADS)]
    loss = {place: _read(chosen, [place], report)[1] for place in places}
    ranked = sorted(places, key=lambda place: loss[place], reverse=most_needed)
    pruned = ranked[:PRUNED]
    alone = {place: _read(scored, [place], report)[0] for place in places}
    return (
        _read(scored, [], report)[0],
        tuple(alone.items()),
        _read(dates, [min(alone, key=lambda place: alone[place])], report)[0],
        tuple(pruned),
        _read(scored, pruned, report)[0],
    )


def attentions() -> list[str]:
    """The paths of what is switched off, in the order in which the model runs them."""
    return [
        f"{stack}.layers.{layer}.{kind}.heads"
        for stack, kinds in (("encoder", ("self_attention",)), ("decoder", ("self_attention", "cross_attention")))
        for layer in range(2)
        for kind in kinds
    ]


def _only(kept: Sequence[bool]) -> Callable[[Any], Any]:
    factors = mx.array(np.array(kept, np.float32).reshape(1, HEADS, 1, 1))
    return lambda heads: heads * factors


def _read(dates: Dates, off: Sequence[Place], report: Report) -> tuple[float, float]:
    """Without the heads ``off``: the % of dates read right, and the mean loss of a character."""
    model = reader().model
    with traced(report, 0.9) as steps:
        for path in attentions():
            kept = [(path, head) not in off for head in range(HEADS)]
            if not all(kept):
                steps.replace(path, _only(kept))
        logits = to_numpy(model(mx.array(dates.sources), mx.array(dates.gold[:, :-1]))).astype(np.float64)
    gold = dates.gold[:, 1:]
    right = (logits.argmax(-1) == gold).all(-1)
    shifted = logits - logits.max(-1, keepdims=True)
    losses = np.log(np.exp(shifted).sum(-1)) - np.take_along_axis(shifted, gold[..., None], -1)[..., 0]
    return 100.0 * float(right.mean()), float(losses.mean())
