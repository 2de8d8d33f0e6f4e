"""``python -m mlxformer.convert FOLDER``: a folder's ``pytorch_model.bin`` as ``model.safetensors`` beside it.

The one place that opens a pickle, and only when it is run by hand: by torch, which must be installed, and with
``weights_only``, which admits tensors and containers and no code. Nothing else here needs torch.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

from mlxformer.checkpoints.folder import WEIGHTS, read_json, write_files
from mlxformer.errors import CheckpointError
from mlxformer.harmless import Parser, say

_PICKLE = "pytorch_model.bin"
_INDEX = "pytorch_model.bin.index.json"


def convert(folder: Path) -> Path:
    """Write ``model.safetensors`` from the folder's pickle, or its shards; every tensor keeps its name and type.

    Args:
        folder: in Hugging Face's layout, with ``pytorch_model.bin`` or its shards.

    Returns:
        The new file.

    Raises:
        CheckpointError: there is nothing to convert, it is done already, torch is not installed, or the pickle holds
            more than tensors.

    >>> from pathlib import Path
    >>> from mlxformer.convert import convert
    >>> convert(Path("no-such-folder"))
    Traceback (most recent call last):
    mlxformer.errors.CheckpointError: there is no folder no-such-folder
    """
    if not folder.is_dir():
        raise CheckpointError("checkpoint-no-folder", f"there is no folder {folder}", given=str(folder))
    target = folder / WEIGHTS
    if target.exists():
        message = f"{target} is there already; remove it first to convert again"
        raise CheckpointError("convert-exists", message, path=str(target))
    try:
        import torch
        from safetensors.torch import save
    except ImportError as error:
        message = f"reading {_PICKLE} needs torch, which cannot be imported ({error}): pip install torch"
        raise CheckpointError("convert-no-torch", message) from error
    tensors: dict[str, Any] = {}
    for path in _pickles(folder):
        for name, tensor in _unpickle(torch, path).items():
            if not isinstance(tensor, torch.Tensor):
                message = f"{path} holds {name!r}, a {type(tensor).__name__} and not a tensor: no state dict of a model"
                raise CheckpointError("convert-not-tensors", message, path=str(path), name=name)
            # safetensors refuses tensors that share memory, as tied ones do: each gets its own.
            tensors[name] = tensor.detach().clone(memory_format=torch.contiguous_format)
    write_files(folder, {WEIGHTS: save(tensors, metadata={"format": "pt"})})
    return target


def _pickles(folder: Path) -> list[Path]:
    if (folder / _PICKLE).is_file():
        return [folder / _PICKLE]
    if not (folder / _INDEX).is_file():
        message = f"{folder} has neither {_PICKLE} nor {_INDEX}: there is nothing to convert"
        raise CheckpointError("convert-nothing", message, folder=str(folder))
    placed = read_json(folder / _INDEX).get("weight_map")
    names = sorted(set(map(str, placed.values()))) if isinstance(placed, dict) else []
    wrong = [name for name in names if Path(name).name != name or not (folder / name).is_file()]
    if wrong or not names:
        message = f"{folder / _INDEX} names shards that are not beside it: {', '.join(wrong) or 'none at all'}"
        raise CheckpointError("shard-index", message, path=str(folder / _INDEX), missing=wrong)
    return [folder / name for name in names]


def _unpickle(torch: Any, path: Path) -> dict[str, Any]:
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # pickle's errors are of any kind; the file is somebody else's
        message = f"{path} cannot be read as a file of tensors: {error}"
        raise CheckpointError("convert-unreadable", message, path=str(path)) from error
    if not isinstance(state, dict):
        message = f"{path} holds a {type(state).__name__} and not a dict of tensors"
        raise CheckpointError("convert-not-tensors", message, path=str(path))
    return state


def main(arguments: list[str] | None = None) -> int:
    """The command ``python -m mlxformer.convert FOLDER``.

    Args:
        arguments: of the command line; None takes those of the process.

    Returns:
        The exit status: 0 with the new file on stdout, or 2 with what is wrong on stderr.

    >>> from mlxformer.convert import main
    >>> main(["no-such-folder"])
    2
    """
    parser = Parser(
        prog="python -m mlxformer.convert", description="Write model.safetensors from a folder's pytorch_model.bin."
    )
    parser.add_argument("folder", type=Path, help="a folder in Hugging Face's layout with pytorch_model.bin")
    try:
        say(convert(Path(os.path.expanduser(parser.parse_args(arguments).folder))))
    except CheckpointError as error:
        say(error, sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
