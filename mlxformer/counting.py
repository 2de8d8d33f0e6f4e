"""How many parameters a model has, told by its own modules, which are made for it without a number in them."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from mlxformer import backend
from mlxformer.backend import mx, to_numpy, tree_flatten
from mlxformer.errors import ArgumentError


def count_parameters(config: Any) -> int:
    """The parameters of the model that ``config`` describes, a ``TransformerConfig`` or that of BERT, ALBERT, Marian.

    Shared matrices count once, constants (sinusoids, Marian's bias on the logits) not at all. The model's own class
    makes its modules, but no array: BERT-large is counted in milliseconds and a few kilobytes, and the next random
    numbers are those that would have come anyway. Raises ``ArgumentError`` for anything else than these.
    """
    return sum(math.prod(shape) for shape in parameter_shapes(config).values())


def parameter_shapes(config: Any) -> dict[str, tuple[int, ...]]:
    """The shape of every parameter by its path, ``encoder.layers.0.self_attention.query_proj.weight``.

    Arguments and errors as in ``count_parameters``.
    """
    with without_values():
        model = _model(config)
        parameters = dict(tree_flatten(model.trainable_parameters()))
    return {path: tuple(int(size) for size in parameter.shape) for path, parameter in parameters.items()}


@contextmanager
def without_values() -> Iterator[None]:
    """Modules made inside have weights of the right shapes that hold nothing; for those soon to be replaced, too.

    MLX makes no array before it is looked at; NumPy is told not to. The random state is left as it was.
    """
    if backend.name == "numpy":
        from mlxformer.numpy_backend.random import shapes_only

        with shapes_only():
            yield
        return
    # A key is its seed in two halves, so the state can be set again, though not assigned.
    high, low = to_numpy(getattr(mx.random, "state")[0]).tolist()  # noqa: B009 (only MLX has it: not on the list)
    try:
        yield
    finally:
        mx.random.seed(high << 32 | low)


def _model(config: Any) -> Any:
    from mlxformer.albert import AlbertConfig, AlbertModel
    from mlxformer.bert import BertModel
    from mlxformer.bert_config import BertConfig
    from mlxformer.marian import MarianModel
    from mlxformer.marian_config import MarianConfig
    from mlxformer.transformer import Transformer, TransformerConfig

    if isinstance(config, TransformerConfig):
        return Transformer(config)
    if isinstance(config, BertConfig):
        return BertModel(config)
    if isinstance(config, AlbertConfig):
        return AlbertModel(config)
    if isinstance(config, MarianConfig):
        return MarianModel(config)
    kind = type(config).__qualname__
    raise ArgumentError(
        "not-a-config",
        f"count_parameters takes a TransformerConfig, BertConfig, AlbertConfig or MarianConfig; got {kind}. "
        f"The parameters of a model that exists are in model.parameters()",
        given=kind,
    )
