"""Which documents are held out: a poem, a paragraph or a verse with all its sentences, by a hash of its text."""

from __future__ import annotations

import hashlib

HELD_OUT = 20  # one document in so many


def is_held_out(text: str) -> bool:
    """Whether a document is never trained on: by a hash of its text, the same for every model, seed and version.

    Idioms have nothing to be held out: they are learned by heart.

    Args:
        text: of the whole document.

    Returns:
        True for one document in 20.

    >>> from mlxformer.pretrained.masked.split import is_held_out
    >>> is_held_out("白日依山尽，黄河入海流。")
    False
    """
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:4], "big") % HELD_OUT == 7
