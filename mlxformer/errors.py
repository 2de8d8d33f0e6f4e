"""The errors mlxformer raises, each with a ``code`` and ``fields``.

The message is English and whole: what was given, what was expected, and the cure. A program that speaks another
language builds its own message from ``code`` and ``fields``. Each error is also the built-in error that a Python
programmer expects, so ``except ValueError`` works.
"""

from __future__ import annotations

from typing import Any


class MlxformerError(Exception):
    """The base of all errors raised on purpose.

    Args:
        code: stable and short, for programs.
        message: English and whole: what was given, what was expected, and the cure.
        fields: the values in the message, for programs that write their own.

    >>> import mlxformer as mf
    >>> try:
    ...     mf.sinusoidal_positions(0, 8)
    ... except mf.MlxformerError as error:
    ...     print(error.code, error.fields)
    not-positive {'name': 'length', 'given': 0}
    """

    def __init__(self, code: str, message: str, **fields: Any) -> None:
        super().__init__(message)
        self.code = code
        self.fields = fields

    def __reduce__(self) -> tuple[Any, ...]:
        """Through ``pickle`` and ``copy``: an error of another process arrives with its code and fields."""
        return _again, (type(self), self.code, str(self), self.fields), self.__dict__


class ArgumentError(MlxformerError, ValueError):
    """An argument that cannot be: a shape, a mask, an id, a width, a name. It is a ``ValueError`` too.

    >>> import mlxformer as mf
    >>> issubclass(mf.ArgumentError, ValueError)
    True
    """


class BackendError(MlxformerError, ImportError):
    """The wanted backend cannot be loaded. It is an ``ImportError`` too.

    >>> import mlxformer as mf
    >>> issubclass(mf.BackendError, ImportError)
    True
    """


class CheckpointError(MlxformerError, ValueError):
    """A folder or file of weights that cannot be read as what was asked for. It is a ``ValueError`` too.

    >>> import mlxformer as mf
    >>> mf.BertModel.from_pretrained("./no-bert")
    Traceback (most recent call last):
    mlxformer.errors.CheckpointError: there is no folder './no-bert'
    """


class TraceError(MlxformerError, RuntimeError):
    """A trace that recorded nothing, an ambiguous path, a replacement without a match. It is a ``RuntimeError`` too.

    >>> import mlxformer as mf
    >>> issubclass(mf.TraceError, RuntimeError)
    True
    """


def _again(kind: type[MlxformerError], code: str, message: str, fields: dict[str, Any]) -> MlxformerError:
    error = kind(code, message)
    error.fields = fields
    return error
