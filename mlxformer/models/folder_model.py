"""What the families share that are read from a folder and written into one."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

import numpy as np

from mlxformer.backend import mx, nn, to_numpy, tree_flatten, without_values
from mlxformer.checkpoints.folder import CONFIG, find_folder, open_checkpoint, read_json, save_checkpoint
from mlxformer.checkpoints.loading import LoadReport, load_into
from mlxformer.checkpoints.safetensors import StoredTensor
from mlxformer.errors import ArgumentError, CheckpointError
from mlxformer.tracing import Module


@dataclass(frozen=True)
class Reading:
    """How a folder's tensors become a model's parameters.

    Args:
        tensors: name -> tensor, as the model has them: cut and transposed where they are stored otherwise.
        names: parameter path -> name.
        tied: copy -> original, as ``load_into`` takes it.
        other_heads: prefixes of tensors that belong to other tasks' heads.
        unused: names that the model has no use for.

    >>> from mlxformer.models.folder_model import Reading
    >>> Reading({}, {"head.weight": "lm_head.weight"}).tied
    {}
    """

    tensors: Mapping[str, StoredTensor]
    names: Mapping[str, str]
    tied: Mapping[str, str] = field(default_factory=dict)
    other_heads: tuple[str, ...] = ()
    unused: tuple[str, ...] = ()


class FolderModel(Module):
    """A model with ``from_pretrained`` and ``save_pretrained``. A subclass says how its folders are read and written.

    ``_from_values`` gives the configuration, ``_reading`` what becomes of the tensors, ``_writing`` the fields of
    ``config.json`` and the tensors to be stored.
    """

    load_report: LoadReport | None

    @classmethod
    def from_pretrained(cls, path_or_name: str | os.PathLike[str], *, revision: str = "main") -> Self:
        """The model in a Hugging Face folder (``config.json``, ``model.safetensors`` or its shards), in eval mode.

        ``model.load_report`` says what became of each tensor. The network is never used.

        Args:
            path_or_name: a folder, or a repository that is in the local Hugging Face cache.
            revision: a branch, tag or commit of that repository.

        Returns:
            The model.

        Raises:
            CheckpointError: there is no such folder (saying how to download), the configuration asks for what is not
                implemented, and, in one error, every tensor that is missing, unexpected, wrongly shaped, or unequal to
                what it is tied to.
        """
        folder = find_folder(path_or_name, revision)
        config = read_config(folder, cls._from_values)
        tensors = open_checkpoint(folder).tensors
        with without_values():
            model = cls(config)  # type: ignore[call-arg]
        reading = model._reading(tensors)
        spellings = {tensor.name: name for name, tensor in reading.tensors.items()}
        model.load_report = load_into(
            model,
            reading.tensors,
            reading.names,
            rename=lambda stored: spellings.get(stored, stored),
            tied=reading.tied,
            other_heads=reading.other_heads,
            unused=reading.unused,
        )
        model.eval()
        return model

    def save_pretrained(self, folder: str | os.PathLike[str], *, dtype: str = "float32") -> None:
        """Write ``config.json`` and ``model.safetensors`` as transformers reads them, where it has such a model.

        Args:
            folder: where to; it is made if need be.
            dtype: ``"float32"`` or ``"float16"``.

        Raises:
            CheckpointError: a quantized model (``save_weights`` keeps one), weights that float16 cannot hold, a folder
                that cannot be written.
        """
        values, tensors = self._writing(floating_parameters(self))
        text = json.dumps(values | {"dtype": dtype}, ensure_ascii=False, indent=2, sort_keys=True) + "\n"
        save_checkpoint(folder, text, tensors, dtype)

    @classmethod
    def _from_values(cls, values: Mapping[str, Any], folder: Path) -> Any:
        raise NotImplementedError

    def _reading(self, tensors: Mapping[str, StoredTensor]) -> Reading:
        raise NotImplementedError

    def _writing(self, parameters: Mapping[str, np.ndarray]) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
        raise NotImplementedError


def read_config(folder: Path, read: Any) -> Any:
    """``read(fields, folder)`` of a folder's ``config.json``, errors naming the file.

    Args:
        folder: in Hugging Face's layout.
        read: gives the configuration.

    Returns:
        What ``read`` gives.

    Raises:
        CheckpointError: the file is missing or broken, or holds what ``read`` refuses.

    >>> import tempfile
    >>> from mlxformer.models.folder_model import read_config
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     written = (Path(folder) / "config.json").write_text('{"hidden_size": 768}')
    ...     read_config(Path(folder), lambda values, folder: values["hidden_size"])
    768
    """
    values = read_json(folder / CONFIG)
    path = str(folder / CONFIG)
    try:
        return read(values, folder)
    except ArgumentError as error:
        raise CheckpointError(error.code, f"{path}: {error}", **error.fields | {"path": path}) from error
    except (TypeError, ValueError, KeyError, AttributeError) as error:
        if isinstance(error, CheckpointError):
            raise
        message = f"{path}: a field has a value of the wrong kind ({type(error).__name__}: {error!s:.200})"
        raise CheckpointError("config-type", message, path=path) from error


def floating_parameters(module: nn.Module) -> dict[str, np.ndarray]:
    """The parameters of a model by path, for a file.

    Args:
        module: the model.

    Returns:
        path -> values.

    Raises:
        CheckpointError: the model is quantized.

    >>> from mlxformer.backend import nn
    >>> from mlxformer.models.folder_model import floating_parameters
    >>> sorted(floating_parameters(nn.Linear(2, 3)))
    ['bias', 'weight']
    """
    found = {}
    for path, value in dict(tree_flatten(module.parameters())).items():
        if not mx.issubdtype(value.dtype, mx.floating):
            message = f"{path} is {value.dtype}: a quantized model has no Hugging Face form; use save_weights"
            raise CheckpointError("save-quantised", message, path=path)
        found[path] = to_numpy(value)
    return found


def replaced(path: str, spellings: tuple[tuple[str, str], ...]) -> str:
    """``path`` with each of ``spellings``, ours and theirs, applied in order.

    >>> from mlxformer.models.folder_model import replaced
    >>> replaced("stack.layers.0.self_attention.", (("stack.layers.", "h."), ("self_attention", "attn")))
    'h.0.attn.'
    """
    for ours, theirs in spellings:
        path = path.replace(ours, theirs)
    return path


def require_only(values: Mapping[str, Any], only: Mapping[str, Any], model: str) -> None:
    """Fields that change the result have the one value that is implemented, or are absent or null.

    Raises ``ArgumentError`` otherwise.
    """
    for name, wanted in only.items():
        if values.get(name) not in (None, wanted):
            raise ArgumentError(
                "not-implemented",
                f"{name}={values[name]!r:.80} is not implemented for {model}; it must be {wanted!r} or absent",
                name=name,
                given=values[name],
                wanted=wanted,
            )
