"""The errors mlxformer raises, each with a ``code`` and ``fields``.

The message is English and whole: what was given, what was expected, and the cure. A program that speaks another
language builds its own message from ``code`` and ``fields``. Each error is also the built-in error that a Python
programmer expects, so ``except ValueError`` works.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from mlxformer.harmless import in_a_line


class MlxformerError(Exception):
    """The base of all errors raised on purpose.

    Args:
        code: stable and short, for programs.
        message: English and whole: what was given, what was expected, and the cure; a text is one line, whatever is
            quoted in it, and a message of several is given as its lines.
        fields: the values in the message, for programs that write their own.

    >>> import mlxformer as mf
    >>> try:
    ...     mf.sinusoidal_positions(0, 8)
    ... except mf.MlxformerError as error:
    ...     print(error.code, error.fields)
    not-positive {'name': 'length', 'given': 0}
    """

    def __init__(self, code: str, message: str | Sequence[str], **fields: Any) -> None:
        super().__init__(_on_a_screen([message] if isinstance(message, str) else message))
        self.code = code
        self.fields = {name: _bounded(value) for name, value in fields.items()}

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


# What a stranger's file puts into a message must neither fill the screen nor steer it, nor end the line it stands in.
_LINES, _CHARACTERS, _VALUES = 24, 2_400, 1_000


def _on_a_screen(given: Sequence[str]) -> str:
    """Lines with what acts on a terminal written out, each and all cut in their middle to what fits on a screen."""
    lines = [in_a_line(line if len(line) <= 500 else f"{line[:380]} … {line[-100:]}") for line in given]
    if len(lines) > _LINES:
        left_out = len(lines) - _LINES + 1
        lines = [*lines[: _LINES - 2], f"  … and {left_out} more lines", lines[-1]]
    text = "\n".join(lines)
    return text if len(text) <= _CHARACTERS else f"{text[: _CHARACTERS - 400]} … {text[-300:]}"


def _bounded(value: Any) -> Any:
    """A field for programs: text as in messages, and lists of a bounded length."""
    if isinstance(value, str):
        return _on_a_screen([value])
    if isinstance(value, list):
        return [_bounded(each) for each in value[:_VALUES]]
    return value


def _again(kind: type[MlxformerError], code: str, message: str, fields: dict[str, Any]) -> MlxformerError:
    error = kind(code, message.split("\n"))
    error.fields = fields
    return error
