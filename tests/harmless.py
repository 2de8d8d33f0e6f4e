"""Whether a text acts on a terminal: what the tests of everything that leaves the program ask."""

from __future__ import annotations

from tui.language.harmless import harmless


def is_harmless(text: str) -> bool:
    """Whether nothing in ``text`` has to be written out."""
    return harmless(text) == text
