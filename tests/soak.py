"""How often a test that draws at random draws: a few times in the suite, ``make soak`` many times."""

from __future__ import annotations

import os

SOAKING = bool(os.environ.get("TFORMER_SOAK"))


def times(few: int, many: int) -> int:
    return many if SOAKING else few
