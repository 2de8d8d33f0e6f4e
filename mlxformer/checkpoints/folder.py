"""Finding a checkpoint: a folder in Hugging Face's layout, or a name in its local cache. Never the network.

from_pretrained("./my-bert")                a folder: config.json, model.safetensors
from_pretrained("google-bert/bert-base-uncased")     what `hf download` has put into the cache before
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from mlxformer.checkpoints.reading import JSON_BYTES, JSON_ITEMS, parse_json, read_bytes
from mlxformer.checkpoints.safetensors import SafetensorsFile, StoredTensor
from mlxformer.checkpoints.writing import DTYPES, as_dtype, dtype_of, serialize
from mlxformer.errors import CheckpointError
from mlxformer.validation import require_choice

CONFIG = "config.json"
GENERATION_CONFIG = "generation_config.json"
WEIGHTS = "model.safetensors"
INDEX = "model.safetensors.index.json"
# What other libraries leave in a folder. A pickle runs whatever it likes when it is opened, so it is never opened.
_PICKLES = ("pytorch_model.bin", "pytorch_model.bin.index.json", "*.bin", "*.pt", "*.pth", "*.ckpt")
_OTHER_FORMATS = ("tf_model.h5", "flax_model.msgpack", "*.onnx", "*.gguf", "weights.npz")
_REPOSITORY = re.compile(r"[A-Za-z0-9][\w.-]*(/[A-Za-z0-9][\w.-]*)?")


@dataclass(frozen=True)
class Checkpoint:
    """A folder's tensors, from one file or from several shards, each still in its file.

    Args:
        folder: where they lie.
        files: the safetensors files.
        tensors: stored name -> tensor.

    >>> from pathlib import Path
    >>> from mlxformer.checkpoints.folder import Checkpoint
    >>> Checkpoint(Path("my-bert"), (), {})
    Checkpoint(my-bert: 0 tensors in 0 files)
    """

    folder: Path
    files: tuple[Path, ...]
    tensors: Mapping[str, StoredTensor]

    def __repr__(self) -> str:
        return f"Checkpoint({self.folder}: {len(self.tensors)} tensors in {len(self.files)} files)"


def find_folder(path_or_name: str | os.PathLike[str], revision: str = "main") -> Path:
    """The folder of a checkpoint: itself, or the snapshot of a repository in the local Hugging Face cache.

    Args:
        path_or_name: a folder, or a repository as ``google-bert/bert-base-uncased``.
        revision: a branch, tag or commit of that repository.

    Returns:
        A folder that exists; whether it holds a checkpoint is not looked at.

    Raises:
        CheckpointError: it is in neither place; the message says how to download it.

    >>> import tempfile
    >>> from mlxformer.checkpoints.folder import find_folder
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     str(find_folder(folder)) == folder
    True
    """
    given = os.fspath(path_or_name) if isinstance(path_or_name, str | os.PathLike) else None
    if not isinstance(given, str):
        message = f"give a folder, or the name of a repository; got {path_or_name!r}"
        raise CheckpointError("checkpoint-no-folder", message, given=path_or_name)
    path = Path(os.path.expanduser(given))  # which leaves a person that there is not as it is
    if given and path.is_dir():
        return path
    if given and path.exists():
        message = f"{path} is a file; give the folder that holds {CONFIG} and {WEIGHTS}"
        raise CheckpointError("checkpoint-not-a-folder", message, given=given)
    if not isinstance(path_or_name, str) or not _REPOSITORY.fullmatch(given) or ".." in given:
        raise CheckpointError("checkpoint-no-folder", f"there is no folder {given!r}", given=given)
    return _snapshot(given, revision)


def hub_cache() -> Path:
    """The cache of Hugging Face's own library: HF_HUB_CACHE, else HF_HOME/hub, else ~/.cache/huggingface/hub.

    Returns:
        A folder, which need not exist.

    >>> from mlxformer.checkpoints.folder import hub_cache
    >>> hub_cache().is_absolute()
    True
    """
    for variable, below in (
        ("HF_HUB_CACHE", ""),
        ("HUGGINGFACE_HUB_CACHE", ""),
        ("HF_HOME", "hub"),
        ("XDG_CACHE_HOME", "huggingface/hub"),
    ):
        if os.environ.get(variable):
            return Path(os.path.expanduser(os.environ[variable])) / below
    return Path.home() / ".cache" / "huggingface" / "hub"


def _snapshot(name: str, revision: str) -> Path:
    cache = hub_cache()
    repository = cache / f"models--{name.replace('/', '--')}"
    snapshots = repository / "snapshots"
    cure = f"Download it once with `hf download {name}` (pip install huggingface_hub), or give a folder"
    if not snapshots.is_dir():
        raise CheckpointError(
            "checkpoint-not-cached",
            f"{name!r} is neither a folder nor in the local Hugging Face cache {cache}, and nothing is fetched from "
            f"the network here. {cure}",
            given=name,
            cache=str(cache),
        )
    reference = repository / "refs" / revision
    commit = read_bytes(reference, 1000).decode(errors="replace").strip() if reference.is_file() else revision
    folder = snapshots / commit
    if Path(commit).name != commit or commit == ".." or not folder.is_dir():
        known = sorted(entry.name for entry in snapshots.iterdir())
        raise CheckpointError(
            "checkpoint-revision",
            f"{name!r} is in the cache {cache}, but not its revision {revision!r}; there: "
            f"{', '.join(known) or 'nothing'}. Give one of them as `revision`, or download it with "
            f"`hf download {name} --revision {revision}`",
            given=name,
            revision=revision,
            known=known,
        )
    return folder


def read_json(path: Path, *, limit: int = JSON_BYTES, items: int = JSON_ITEMS) -> dict[str, Any]:
    """The object in a JSON file.

    Args:
        path: of the file.
        limit: bytes that it may have.
        items: values that it may hold.

    Returns:
        Its fields.

    Raises:
        CheckpointError: the file is missing, too large, no regular file, or holds something else.

    >>> import tempfile
    >>> from pathlib import Path
    >>> from mlxformer.checkpoints.folder import read_json
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     written = (Path(folder) / "config.json").write_text('{"hidden_size": 768}')
    ...     read_json(Path(folder) / "config.json")
    {'hidden_size': 768}
    """
    try:
        value = parse_json(path, read_bytes(path, limit), items)
    except CheckpointError:
        raise
    except FileNotFoundError:
        message = (
            f"{path.parent} has no {path.name}; give a folder in Hugging Face's layout. It holds: {files_beside(path)}"
        )
        raise CheckpointError("checkpoint-file-missing", message, path=str(path)) from None
    except (ValueError, RecursionError) as error:
        raise CheckpointError("json-broken", f"{path} is not JSON: {error}", path=str(path)) from error
    if not isinstance(value, dict):
        message = f"{path} holds a JSON {type(value).__name__} and not an object"
        raise CheckpointError("json-broken", message, path=str(path))
    return value


def open_checkpoint(folder: Path) -> Checkpoint:
    """The tensors of ``model.safetensors``, or of the shards that ``model.safetensors.index.json`` names.

    Args:
        folder: in Hugging Face's layout.

    Returns:
        The tensors, each still in its file.

    Raises:
        CheckpointError: there is neither file (naming the command that converts a pickle), a shard is missing, or the
            index and the shards disagree.

    >>> import tempfile
    >>> import numpy as np
    >>> from pathlib import Path
    >>> from mlxformer.checkpoints.folder import open_checkpoint, save_checkpoint
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     save_checkpoint(folder, "{}", {"weight": np.ones((2, 3))})
    ...     open_checkpoint(Path(folder)).tensors["weight"].shape
    (2, 3)
    """
    if (folder / WEIGHTS).exists():
        file = SafetensorsFile(folder / WEIGHTS)
        return Checkpoint(folder, (file.path,), file)
    if (folder / INDEX).is_file():
        return _open_shards(folder)
    raise _no_weights(folder)


def save_checkpoint(
    folder: str | os.PathLike[str],
    config: str,
    tensors: Mapping[str, np.ndarray],
    dtype: str | None = None,
    quantization: Mapping[str, Any] | None = None,
) -> None:
    """Write ``config.json`` and ``model.safetensors``, each put in place whole or not at all.

    The old file is replaced and not written into, so that a model whose weights are mapped from it keeps them.

    Args:
        folder: where to; it is made if need be.
        config: the text of ``config.json``; its field ``dtype``, if it has one, is set to what is stored.
        tensors: stored name -> values, as ``writing.stored_parameters`` gives them.
        dtype: ``"float32"``, ``"float16"`` or ``"bfloat16"``; None stores each as it is.
        quantization: how the layers were quantized, written into ``config.json``; None where they were not.

    Raises:
        CheckpointError: numbers that float16 cannot hold, or a folder that cannot be written.

    >>> import tempfile
    >>> import numpy as np
    >>> from pathlib import Path
    >>> from mlxformer.checkpoints.folder import save_checkpoint
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     save_checkpoint(folder, "{}", {"weight": np.ones(3)}, dtype="float16")
    ...     sorted(path.name for path in Path(folder).iterdir())
    ['config.json', 'model.safetensors']
    """
    if dtype is not None:
        require_choice("dtype", dtype, DTYPES)
    stored = {name: as_dtype(name, values, dtype) for name, values in tensors.items()}
    fields = json.loads(config)
    if "dtype" in fields or quantization is not None:
        fields["dtype"] = dtype_of(stored)
        if quantization is not None:
            fields["quantization"] = dict(quantization)
        config = json.dumps(fields, ensure_ascii=False, indent=2, sort_keys=True) + "\n"
    write_files(Path(folder), {WEIGHTS: serialize(stored), CONFIG: config.encode()})


def write_files(folder: Path, contents: Mapping[str, bytes]) -> None:
    """Write files into a folder, each whole or not at all.

    Args:
        folder: where to; it is made if need be.
        contents: name -> bytes.

    Raises:
        CheckpointError: the folder cannot be written.

    >>> import tempfile
    >>> from pathlib import Path
    >>> from mlxformer.checkpoints.folder import write_files
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     write_files(Path(folder), {"vocab.txt": b"[PAD]"})
    ...     (Path(folder) / "vocab.txt").read_bytes()
    b'[PAD]'
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, content in contents.items():
            _replace(folder / name, content)
    except OSError as error:
        message = f"{folder} cannot be written: {error.strerror or error}"
        raise CheckpointError("save-failed", message, folder=str(folder)) from error


def _replace(path: Path, content: bytes) -> None:
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        part.write_bytes(content)
        os.replace(part, path)
    finally:
        part.unlink(missing_ok=True)


def _open_shards(folder: Path) -> Checkpoint:
    index = folder / INDEX
    placed = read_json(index).get("weight_map")
    if not isinstance(placed, dict) or not placed or not all(isinstance(file, str) for file in placed.values()):
        raise _bad_index(index, "weight_map must map each tensor's name to a file")
    shards = sorted(set(placed.values()))
    outside = [shard for shard in shards if not _is_shard(shard)]
    if outside:
        raise _bad_index(index, f"{outside[0]!r:.80} is not the name of a safetensors file beside it")
    there = set(os.listdir(folder))  # one look, however many shards the index claims
    missing = [shard for shard in shards if shard not in there]
    if missing:
        raise _bad_index(
            index,
            f"{len(missing)} of {len(shards)} shards are missing: {', '.join(missing[:20])}. Download the whole folder",
        )
    tensors: dict[str, StoredTensor] = {}
    for shard in shards:
        for name, tensor in SafetensorsFile(folder / shard).items():
            if name in tensors:
                raise _bad_index(index, f"{tensors[name].path.name} and {shard} both hold {name!r}")
            tensors[name] = tensor
    misplaced = sorted(
        name for name, shard in placed.items() if name not in tensors or tensors[name].path.name != shard
    )
    if misplaced:
        name = misplaced[0]
        others = f" (nor {len(misplaced) - 1} others so placed)" if len(misplaced) > 1 else ""
        raise _bad_index(index, f"{placed[name]} does not hold {name!r}{others}")
    return Checkpoint(folder, tuple(folder / shard for shard in shards), tensors)


def _is_shard(name: str) -> bool:
    """A file beside the index; a longer name no file system has, and asking for one is an error of its own."""
    return (
        Path(name).name == name and name.endswith(".safetensors") and len(name.encode("utf-8", "surrogatepass")) <= 255
    )


def _bad_index(index: Path, what: str) -> CheckpointError:
    return CheckpointError("shard-index", f"{index}: {what}", path=str(index))


def _no_weights(folder: Path) -> CheckpointError:
    for patterns, code, cure in (
        (
            _PICKLES,
            "checkpoint-pickle",
            "A pickle can run any code when it is opened, so it is not. "
            f"Convert it once, if you trust it: `python -m mlxformer.convert {folder}` (needs torch)",
        ),
        (_OTHER_FORMATS, "checkpoint-format", "Save it from transformers with model.save_pretrained(folder)"),
    ):
        found = sorted({file.name for pattern in patterns for file in folder.glob(pattern)})
        if found:
            message = f"{folder} has no {WEIGHTS}, but {', '.join(found)}. {cure}"
            return CheckpointError(code, message, folder=str(folder), found=found)
    message = f"{folder} has neither {WEIGHTS} nor {INDEX}. It holds: {files_beside(folder / WEIGHTS)}"
    return CheckpointError("checkpoint-no-weights", message, folder=str(folder))


def files_beside(path: Path) -> str:
    """The files beside ``path``, for an error: usually one look tells what went wrong.

    Args:
        path: a file that need not exist.

    Returns:
        At most eight names, or ``nothing``.

    >>> from pathlib import Path
    >>> from mlxformer.checkpoints.folder import files_beside
    >>> files_beside(Path("no such folder/config.json"))
    'nothing'
    """
    names = sorted(entry.name for entry in path.parent.iterdir()) if path.parent.is_dir() else []
    return ", ".join(names[:8]) + (" …" if len(names) > 8 else "") if names else "nothing"
