"""The errors of the progress store, each with a ``code`` and ``fields`` for the chosen language."""

from __future__ import annotations

from typing import Any


class ProgressError(Exception):
    """Progress that cannot be read or written. The message is English and whole; ``code`` is stable."""

    def __init__(self, code: str, message: str, **fields: Any) -> None:
        super().__init__(message)
        self.code = code
        self.fields = fields
