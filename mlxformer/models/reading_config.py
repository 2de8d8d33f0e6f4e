"""A folder's ``config.json`` made into a configuration, every mistake of it naming the file."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

from mlxformer.checkpoints.folder import CONFIG, read_json
from mlxformer.errors import ArgumentError, CheckpointError

Read = TypeVar("Read")


def read_config(folder: Path, read: Callable[[Mapping[str, Any]], Read]) -> Read:
    """``read(fields)`` of a folder's ``config.json``.

    Args:
        folder: in Hugging Face's layout.
        read: gives the configuration.

    Returns:
        What ``read`` gives.

    Raises:
        CheckpointError: the file is missing or broken, or holds what ``read`` refuses.

    >>> import tempfile
    >>> from pathlib import Path
    >>> from mlxformer.models.reading_config import read_config
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     written = (Path(folder) / "config.json").write_text('{"hidden_size": 768}')
    ...     read_config(Path(folder), lambda values: values["hidden_size"])
    768
    """
    return naming(folder / CONFIG, read, read_json(folder / CONFIG))


def naming(path: Path, read: Callable[..., Read], *values: Any) -> Read:
    """``read(*values)``, whose errors name the file.

    Args:
        path: of the file.
        read: gives what is read.
        values: the file's fields, and what else ``read`` takes.

    Returns:
        What ``read`` gives.

    Raises:
        CheckpointError: what ``read`` refuses.

    >>> from pathlib import Path
    >>> from mlxformer.models.reading_config import naming
    >>> naming(Path("config.json"), int, "seven")
    Traceback (most recent call last):
    mlxformer.errors.CheckpointError: config.json: a field has a value of the wrong kind (ValueError: ...
    """
    try:
        return read(*values)
    except CheckpointError:
        raise
    except ArgumentError as error:
        fields = error.fields | {"path": str(path)}
        raise CheckpointError(error.code, f"{path}: {error}", **fields) from error
    except (TypeError, ValueError, KeyError, AttributeError, OverflowError) as error:
        message = f"{path}: a field has a value of the wrong kind ({type(error).__name__}: {error!s:.200})"
        raise CheckpointError("config-type", message, path=str(path)) from error
