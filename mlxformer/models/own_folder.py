"""Folders of the models that transformers has not: the configuration's own fields, the parameters' own paths."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, fields
from typing import Any, ClassVar, Self

import numpy as np

from mlxformer.checkpoints.safetensors import StoredTensor
from mlxformer.errors import ArgumentError
from mlxformer.models.folder_model import FolderModel
from mlxformer.models.reading_config import FolderConfig


class OwnConfig(FolderConfig):
    """A configuration, a dataclass, whose ``config.json`` has its own fields, and ``model_type``.

    >>> import mlxformer as mf
    >>> config = mf.TransformerConfig(20, dims=8, num_heads=2)
    >>> mf.TransformerConfig.from_dict(config.to_dict()) == config
    True
    """

    model_type: ClassVar[str]

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Self:
        """From the fields of a ``config.json``, as ``to_dict`` gives them.

        Args:
            values: the fields; those that are missing have their defaults.

        Returns:
            The configuration.

        Raises:
            ArgumentError: another model type, a value that cannot be.
        """
        kind = values.get("model_type")
        if kind != cls.model_type:
            message = f"model_type is {kind!r:.80}; {cls.__name__} reads {cls.model_type!r} folders"
            raise ArgumentError("model-type", message, given=kind)
        names = [field.name for field in fields(cls)]  # type: ignore[arg-type]
        return cls(**{name: values[name] for name in names if name in values})

    def to_dict(self) -> dict[str, Any]:
        """The fields of a ``config.json``.

        Returns:
            Plain values.
        """
        return asdict(self) | {"model_type": self.model_type}  # type: ignore[call-overload]


class OwnFolder(FolderModel):
    """A model whose configuration is an ``OwnConfig``, stored by the paths of its parameters.

    >>> import tempfile
    >>> import mlxformer as mf
    >>> from mlxformer.backend import mx
    >>> model = mf.Transformer(mf.TransformerConfig(20, dims=8, num_heads=2, ffn_dims=16)).eval()
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     model.save_pretrained(folder)
    ...     again = mf.Transformer.from_pretrained(folder)
    >>> ids = mx.array([[5, 6, 7]])
    >>> bool(mx.array_equal(again(ids, ids), model(ids, ids)))
    True
    """

    def _stored(self, path: str, tensors: Mapping[str, StoredTensor]) -> str:
        return path

    def _writing(
        self, parameters: Mapping[str, np.ndarray], is_quantized: bool
    ) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
        return self.config.to_dict(), dict(parameters)
