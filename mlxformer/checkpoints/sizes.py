"""What a configuration claims, held against what the file really holds, before a model is made of it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from mlxformer.checkpoints.safetensors import StoredTensor
from mlxformer.errors import CheckpointError

# So much costs nothing to make without values; what does not fit then is said tensor by tensor.
_FEW_LAYERS, _NARROW = 256, 1_000_000


def require_stored_sizes(
    path: Path,
    tensors: Mapping[str, StoredTensor],
    *,
    depths: Mapping[str, int],
    widths: Mapping[str, int],
    per_layer: int = 4,
) -> None:
    """Refuse numbers that the stored tensors cannot bear out: a model of them would only fill the memory.

    Whether each tensor fits is looked at afterwards, by ``load_into``.

    Args:
        path: of ``config.json``, for the error.
        tensors: of the file.
        depths: field -> how many layers it asks for; each takes at least ``per_layer`` tensors that hold something.
        widths: field -> the length of some tensor's axis.
        per_layer: how many tensors a layer has at least.

    Raises:
        CheckpointError: naming the field and what the file holds.

    >>> from pathlib import Path
    >>> from mlxformer.checkpoints.sizes import require_stored_sizes
    >>> require_stored_sizes(Path("config.json"), {}, depths={"num_hidden_layers": 10**6}, widths={})
    Traceback (most recent call last):
    mlxformer.errors.CheckpointError: config.json: num_hidden_layers is 1000000, but the weights hold 0 tensors ...
    """
    filled = [tensor.shape for tensor in tensors.values() if 0 not in tensor.shape]
    longest = max((size for shape in filled for size in shape), default=0)
    for name, count in depths.items():
        if count > max(_FEW_LAYERS, len(filled) // per_layer):
            held = f"{len(filled)} tensors (a layer has at least {per_layer})"
            raise _beyond(path, name, count, held)
    for name, width in widths.items():
        if width > max(_NARROW, longest):
            raise _beyond(path, name, width, f"no tensor that is longer than {longest}")


def _beyond(path: Path, name: str, given: int, held: str) -> CheckpointError:
    return CheckpointError(
        "config-beyond-weights",
        f"{path}: {name} is {given}, but the weights hold {held}. Are the two of one checkpoint?",
        path=str(path),
        name=name,
        given=given,
        held=held,
    )
