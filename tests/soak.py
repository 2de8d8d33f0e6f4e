"""How often a test that draws at random draws: a few times in the suite, ``make soak`` many times.

``TFORMER_SOAK=1`` draws what the suite draws and goes on; with 2, 3, … each draw is another one.
"""

from __future__ import annotations

import os

DRAW = int(os.environ.get("TFORMER_SOAK") or 0)
SOAKING = DRAW > 0


def times(few: int, many: int) -> int:
    return many if SOAKING else few


def seed(number: int) -> int:
    return number + 10_000 * max(DRAW - 1, 0)
