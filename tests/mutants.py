"""Sound data made unsound in one or several places, so that a reader gets past its first look and meets the fault."""

from __future__ import annotations

import copy
import random
from typing import Any

ODD: tuple[Any, ...] = (
    None, True, False, 0, -1, 1, 3, 2**31, 2**63, 10**400, -0.0, 0.5, 1e308, float("nan"), float("inf"), "", " ",
    "\x1b[2J\u202e", "x" * 300_000, "\ud800", "NaN", "9999-12-31T23:59:59.999999+00:00", "0001-01-01T00:00:00+00:00",
    [], {}, [[]], [None] * 1000,
    {"": None}, {"a": {"a": {"a": []}}}, ["a", 1],
)  # fmt: skip


def mutant(sound: Any, draw: random.Random) -> Any:
    """A copy of ``sound`` (JSON) with one to four places changed, removed, doubled or put elsewhere."""
    made = copy.deepcopy(sound)
    for _ in range(draw.choice((1, 1, 2, 4))):
        places = list(_places(made))
        if not places:
            return draw.choice(ODD)
        holder, key = draw.choice(places)
        kind = draw.random()
        if kind < 0.6:
            holder[key] = copy.deepcopy(draw.choice(ODD))
        elif kind < 0.75:
            del holder[key]
        elif kind < 0.85 and isinstance(holder, dict):
            holder[draw.choice(("", "x", str(key) * 2, "\x1b]0;a\x07"))] = holder[key]
        else:
            other, there = draw.choice(places)
            holder[key] = copy.deepcopy(other[there]) if there in other or isinstance(other, list) else None
    return made


def _places(value: Any) -> list[tuple[Any, Any]]:
    """Every place within ``value``: what holds it, and under which key."""
    if not isinstance(value, dict | list):
        return []
    keys = list(value) if isinstance(value, dict) else list(range(len(value)))
    return [(value, key) for key in keys] + [place for key in keys for place in _places(value[key])]
