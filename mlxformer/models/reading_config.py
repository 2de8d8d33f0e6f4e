"""A folder's ``config.json`` made into a configuration, every mistake of it naming the file."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, Self, TypeVar

from mlxformer.checkpoints.folder import CONFIG, find_folder, read_json
from mlxformer.checkpoints.quantized import FIELD
from mlxformer.errors import ArgumentError, CheckpointError

Read = TypeVar("Read")

# What every folder says of itself, whatever its network.
DESCRIPTIVE = frozenset({"model_type", "architectures", "dtype", "torch_dtype", "transformers_version", FIELD})


class Asked(Mapping[str, Any]):
    """Fields that remember which of them were asked for: the others say nothing to whoever read them.

    Args:
        values: the fields.

    >>> from mlxformer.models.reading_config import Asked
    >>> values = Asked({"hidden_size": 768, "note": "mine"})
    >>> values.get("hidden_size"), values.never_asked()
    (768, ('note',))
    """

    def __init__(self, values: Mapping[str, Any]) -> None:
        self._values = values
        self._asked: set[str] = set()

    def __getitem__(self, name: str) -> Any:
        self._asked.add(name)
        return self._values[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def __contains__(self, name: object) -> bool:
        self._asked.add(str(name))
        return name in self._values

    def never_asked(self) -> tuple[str, ...]:
        """The fields that hold something and that nobody asked for, but for what describes the folder."""
        known = self._asked | DESCRIPTIVE
        return tuple(str(name) for name, value in self._values.items() if value is not None and name not in known)


class FolderConfig:
    """A configuration that a folder holds. A subclass says what ``from_dict`` makes of the fields.

    >>> import mlxformer as mf
    >>> from mlxformer.models.reading_config import FolderConfig
    >>> issubclass(mf.GPTConfig, FolderConfig) and issubclass(mf.BertConfig, FolderConfig)
    True
    """

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Self:
        """From the fields of a ``config.json``.

        Args:
            values: the file's fields.

        Returns:
            The configuration.

        Raises:
            ArgumentError: another model type, a value that cannot be or is not implemented.
        """
        raise NotImplementedError

    @classmethod
    def read(cls, values: Mapping[str, Any], folder: Path) -> Self:
        """From the fields of ``config.json`` and what else the folder tells; by default there is no more.

        Args:
            values: the fields.
            folder: where they stood.

        Returns:
            The configuration.
        """
        return cls.from_dict(values)

    @classmethod
    def from_folder(cls, folder: Path) -> Self:
        """From ``config.json`` in a folder.

        Args:
            folder: in Hugging Face's layout.

        Returns:
            The configuration.

        Raises:
            CheckpointError: what ``from_dict`` refuses, naming the file; a file that is missing or broken.
        """
        return naming(folder / CONFIG, cls.read, read_json(folder / CONFIG), folder)

    @classmethod
    def from_pretrained(cls, path_or_name: str | os.PathLike[str], *, revision: str = "main") -> Self:
        """From ``config.json`` in a folder or in the local Hugging Face cache; no weight is read.

        Args:
            path_or_name: a folder, or a repository that is in the local Hugging Face cache.
            revision: a branch, tag or commit of that repository.

        Returns:
            The configuration.

        Raises:
            CheckpointError: there is no such folder, or what ``from_folder`` refuses.
        """
        return cls.from_folder(find_folder(path_or_name, revision))


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
