"""What the families share that are read from a folder and written into one."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, ClassVar, Self

import numpy as np

from mlxformer.backend import tree_flatten, without_values
from mlxformer.checkpoints.folder import CONFIG, find_folder, open_checkpoint, read_json, save_checkpoint
from mlxformer.checkpoints.loading import LoadReport, load_into, require_load_dtype
from mlxformer.checkpoints.quantized import quantize_as_stored
from mlxformer.checkpoints.safetensors import StoredTensor
from mlxformer.checkpoints.sizes import require_stored_sizes
from mlxformer.checkpoints.writing import quantization_of, stored_parameters
from mlxformer.errors import ArgumentError
from mlxformer.models.reading_config import Asked, FolderConfig, naming
from mlxformer.tracing import Module


class FolderModel(Module):
    """A model with ``from_pretrained`` and ``save_pretrained``. A subclass says how its folders are read and written.

    ``config_class`` reads the configuration, whose ``depths`` and ``widths`` are held against the weights; ``_stored``,
    ``_cut`` and ``_others`` say what becomes of the tensors, ``_writing`` what is written.

    Args:
        config: of ``config_class``.
        load_report: what became of each tensor of the folder; None of a model that was not read.

    >>> import tempfile
    >>> import mlxformer as mf
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     mf.GPT(mf.GPTConfig(20, dims=8, num_heads=2, num_layers=1)).save_pretrained(folder)
    ...     model = mf.GPT.from_pretrained(folder)
    >>> isinstance(model, FolderModel), model.config.dims, model.training
    (True, 8, False)
    """

    config_class: ClassVar[type[FolderConfig]]
    config: Any
    load_report: LoadReport | None = None

    @classmethod
    def from_pretrained(
        cls,
        path_or_name: str | os.PathLike[str],
        *,
        revision: str = "main",
        dtype: str | None = None,
        check: bool = False,
    ) -> Self:
        """The model in a folder (``config.json``, ``model.safetensors`` or its shards), in evaluation mode.

        ``model.load_report`` says what became of each tensor. The network is never used.

        Args:
            path_or_name: a folder, or a repository that is in the local Hugging Face cache.
            revision: a branch, tag or commit of that repository.
            dtype: of the weights, and so of what the model computes: None is float32, ``"auto"`` as they are stored,
                else ``"float16"``, ``"bfloat16"`` or ``"float32"``. bfloat16 is float32 on NumPy, which has none;
                ``load_report`` says so.
            check: whether every weight is looked at, and NaN and infinity refused; without it a mapped file is not
                read before it is used.

        Returns:
            The model.

        Raises:
            CheckpointError: there is no such folder (saying how to download), the configuration asks for what is not
                implemented, or for more than the file holds, and, in one error, every tensor that is missing,
                unexpected, wrongly shaped, or unequal to what it is tied to.
            ArgumentError: another ``dtype``.
        """
        require_load_dtype(dtype)
        folder = find_folder(path_or_name, revision)
        values = Asked(read_json(folder / CONFIG))
        config: Any = naming(folder / CONFIG, cls.config_class.read, values, folder)
        tensors = open_checkpoint(folder).tensors
        require_stored_sizes(folder / CONFIG, tensors, depths=config.depths, widths=config.widths)
        with without_values():
            model = cls._made(config, folder, tensors)
        cut = model._cut(tensors)
        quantize_as_stored(model, values, lambda path: model._stored(path, tensors) in cut)
        model.load_report = load_into(
            model,
            cut,
            {path: model._stored(path, tensors) for path in dict(tree_flatten(model.parameters()))},
            rename=_by_name(cut),
            ignored_fields=values.never_asked(),
            dtype=dtype,
            check=check,
            **model._others(tensors),
        )
        model.eval()
        return model

    def save_pretrained(self, folder: str | os.PathLike[str], *, dtype: str | None = None) -> None:
        """Write ``config.json`` and ``model.safetensors`` as transformers reads them, where it has such a model.

        Adapters are stored merged. A quantized model is read again by this library.

        Args:
            folder: where to; it is made if need be.
            dtype: ``"float32"``, ``"float16"`` or ``"bfloat16"``; None stores the weights as they are.

        Raises:
            CheckpointError: weights that float16 cannot hold, layers quantized in several ways, a folder that cannot be
                written.
        """
        quantization = quantization_of(self)
        values, tensors = self._writing(stored_parameters(self), quantization is not None)
        text = json.dumps(values | {"dtype": "float32"}, ensure_ascii=False, indent=2, sort_keys=True) + "\n"
        save_checkpoint(folder, text, tensors, dtype, quantization)

    @classmethod
    def _made(cls, config: Any, folder: Path, tensors: Mapping[str, StoredTensor]) -> Self:
        return cls(config)  # type: ignore[call-arg]

    def _stored(self, path: str, tensors: Mapping[str, StoredTensor]) -> str:
        """The name of a parameter among ``_cut(tensors)``."""
        raise NotImplementedError

    def _cut(self, tensors: Mapping[str, StoredTensor]) -> Mapping[str, StoredTensor]:
        """The tensors by one spelling, cut and transposed as the model has them."""
        return tensors

    def _others(self, tensors: Mapping[str, StoredTensor]) -> dict[str, Any]:
        """What ``load_into`` is told besides: ``tied``, ``other_heads``, ``unused``."""
        return {}

    def _writing(
        self, parameters: Mapping[str, np.ndarray], is_quantized: bool
    ) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
        """The fields of ``config.json`` and the tensors to be stored."""
        raise NotImplementedError


def _by_name(tensors: Mapping[str, StoredTensor]) -> Callable[[str], str]:
    spellings = {tensor.name: name for name, tensor in tensors.items()}
    return lambda stored: spellings.get(stored, stored)


def spelled(tensors: Mapping[str, StoredTensor], name_of: Callable[[str], str]) -> dict[str, StoredTensor]:
    """``tensors`` by the names that ``name_of`` gives them; of two that get one name, the second gets one of no use.

    So it belongs to no part of a model, and loading refuses it.

    Args:
        tensors: by the names that they are stored under.
        name_of: from such a name, the one that is wanted.

    >>> from mlxformer.models.folder_model import spelled
    >>> list(spelled({"bert.a": None, "a": None}, lambda name: name.removeprefix("bert.")))
    ['a', 'a (again)']
    """
    found: dict[str, StoredTensor] = {}
    for stored, tensor in tensors.items():
        name = name_of(stored)
        found[f"{name} (again)" if name in found else name] = tensor
    return found


def replaced(path: str, spellings: tuple[tuple[str, str], ...]) -> str:
    """``path`` with each of ``spellings``, ours and theirs, applied in order.

    Args:
        path: of a parameter.
        spellings: pairs of ours and theirs.

    >>> from mlxformer.models.folder_model import replaced
    >>> replaced("stack.layers.0.self_attention.", (("stack.layers.", "h."), ("self_attention", "attn")))
    'h.0.attn.'
    """
    for ours, theirs in spellings:
        path = path.replace(ours, theirs)
    return path


def require_only(values: Mapping[str, Any], only: Mapping[str, Any], model: str) -> None:
    """Fields that change the result have the one value that is implemented, or are absent or null.

    Args:
        values: the fields of a ``config.json``.
        only: field -> the one value that is implemented.
        model: its name, for the error.

    Raises ``ArgumentError`` otherwise.

    >>> require_only({"is_decoder": True}, {"is_decoder": False}, "BERT")
    Traceback (most recent call last):
    mlxformer.errors.ArgumentError: is_decoder=True is not implemented for BERT; it must be False or absent
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
