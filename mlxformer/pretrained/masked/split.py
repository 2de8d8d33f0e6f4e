"""Which documents are held out: a poem, a paragraph or a verse with all its sentences, by a hash of its text."""

from __future__ import annotations

import hashlib

HELD_OUT = 20  # one document in so many


def is_held_out(text: str) -> bool:
    """The same for every model, seed and version. Idioms have nothing to be held out: they are learned by heart."""
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:4], "big") % HELD_OUT == 7
