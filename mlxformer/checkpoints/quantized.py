"""A quantized model's folder: ``config.json`` says how, and a layer whose scales are stored is made quantized."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from mlxformer.backend import nn, quantize
from mlxformer.errors import CheckpointError, MlxformerError

FIELD = "quantization"


def quantize_as_stored(module: nn.Module, values: Mapping[str, Any], is_stored: Callable[[str], bool]) -> None:
    """Make those layers of a new model quantized that the folder holds so, for ``load_into`` to fill.

    Args:
        module: changed in place.
        values: the fields of ``config.json``; ``quantization`` holds group_size, bits and mode, as mlx-lm writes it.
        is_stored: whether the file has a tensor for a parameter path.

    Raises:
        CheckpointError: the folder is quantized and the backend is NumPy, or the field says something else.

    >>> from mlxformer.backend import nn
    >>> from mlxformer.checkpoints.quantized import quantize_as_stored
    >>> quantize_as_stored(nn.Linear(2, 3), {}, lambda path: False)
    """
    how = values.get(FIELD)
    if how is None:
        return
    if not isinstance(how, Mapping) or not {"group_size", "bits"} <= set(how) <= {"group_size", "bits", "mode"}:
        message = f"{FIELD} in config.json must hold group_size, bits and mode; got {how!r:.200}"
        raise CheckpointError("checkpoint-quantised", message, given=repr(how)[:200])
    try:
        quantize(module, lambda path, layer: is_stored(f"{path}.scales"), how)
    except MlxformerError as error:
        message = f"the folder holds quantized weights, which this backend does not compute with. {error}"
        raise CheckpointError("checkpoint-quantised", message, given=dict(how)) from error
    except (ValueError, TypeError) as error:
        message = f"{FIELD} in config.json cannot be followed: {error}"
        raise CheckpointError("checkpoint-quantised", message, given=dict(how)) from error
