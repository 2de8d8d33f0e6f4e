"""The errors mlxformer raises, each with a ``code`` and ``fields``.

The message is English and whole: what was given, what was expected, and the cure. A program that speaks another
language builds its own message from ``code`` and ``fields``. Each error is also the built-in error that a Python
programmer expects, so ``except ValueError`` works.
"""

from __future__ import annotations

from typing import Any


class MlxformerError(Exception):
    """The base of all errors raised on purpose. ``code`` is stable; ``fields`` are the values in the message."""

    def __init__(self, code: str, message: str, **fields: Any) -> None:
        super().__init__(message)
        self.code = code
        self.fields = fields


class ArgumentError(MlxformerError, ValueError):
    """An argument that cannot be: a shape, a mask, an id, a width, a name."""


class BackendError(MlxformerError, ImportError):
    """The wanted backend cannot be loaded."""


class CheckpointError(MlxformerError, ValueError):
    """A folder or file of weights that cannot be read as what was asked for."""


class TraceError(MlxformerError, RuntimeError):
    """A trace that recorded nothing, an ambiguous path, a replacement that matched nothing."""
