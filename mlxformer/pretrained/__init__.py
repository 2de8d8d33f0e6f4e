"""Small models that ship with the package, trained by its own code.

    dates = mf.load_pretrained("dates")
    dates("二〇二六年十一月二十三日")                      # '2026-11-23'

``python -m mlxformer.pretrained.train NAME`` trains one from nothing, ``python -m mlxformer.pretrained.evaluate NAME``
measures what ships. Each has a card: data, license, command, seed, time, held-out scores, and what it can't do.
"""

from mlxformer.pretrained.cards import Card, pretrained_names, read_card
from mlxformer.pretrained.registry import load_pretrained

__all__ = ["Card", "load_pretrained", "pretrained_names", "read_card"]
