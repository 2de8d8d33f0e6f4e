"""How many parameters a model has, told by its own modules, which are made for it without a number in them."""

from __future__ import annotations

import math
from typing import Any

from mlxformer.backend import tree_flatten, without_values
from mlxformer.errors import ArgumentError
from mlxformer.models.bert.albert import AlbertConfig, AlbertModel
from mlxformer.models.bert.config import BertConfig
from mlxformer.models.bert.model import BertModel
from mlxformer.models.bert.roberta import RobertaConfig, RobertaModel
from mlxformer.models.gpt.config import GPTConfig
from mlxformer.models.gpt.model import GPT
from mlxformer.models.marian.config import MarianConfig
from mlxformer.models.marian.model import MarianModel
from mlxformer.models.modernbert.config import ModernBertConfig
from mlxformer.models.modernbert.model import ModernBertModel
from mlxformer.models.t5.config import T5Config
from mlxformer.models.t5.model import T5Model
from mlxformer.models.transformer import Transformer, TransformerConfig

Config = TransformerConfig | BertConfig | AlbertConfig | MarianConfig | GPTConfig | T5Config | ModernBertConfig


def count_parameters(config: Config) -> int:
    """How many parameters the model has that a configuration describes.

    Shared matrices count once, constants (sinusoids, Marian's bias on the logits) not at all. The model's own class
    makes its modules, but no array: BERT-large is counted in milliseconds and a few kilobytes, and the next random
    numbers are those that would have come anyway.

    Args:
        config: a ``TransformerConfig``, ``GPTConfig``, ``BertConfig``, ``RobertaConfig``, ``AlbertConfig``,
            ``ModernBertConfig``, ``T5Config`` or ``MarianConfig``.

    Returns:
        The number.

    Raises:
        ArgumentError: for anything else than these.

    >>> import mlxformer as mf
    >>> mf.count_parameters(mf.BertConfig())  # BERT-base
    109482240
    """
    return sum(math.prod(shape) for shape in parameter_shapes(config).values())


def parameter_shapes(config: Config) -> dict[str, tuple[int, ...]]:
    """The shape of every parameter by its path.

    Args:
        config: as in ``count_parameters``.

    Returns:
        path -> shape.

    Raises:
        ArgumentError: as in ``count_parameters``.

    >>> import mlxformer as mf
    >>> from mlxformer.models.counting import parameter_shapes
    >>> parameter_shapes(mf.BertConfig())["encoder.layers.0.self_attention.query_proj.weight"]
    (768, 768)
    """
    with without_values():
        model = _model(config)
        parameters = dict(tree_flatten(model.trainable_parameters()))
    return {path: tuple(int(size) for size in parameter.shape) for path, parameter in parameters.items()}


def _model(config: Config) -> Any:
    if isinstance(config, TransformerConfig):
        return Transformer(config)
    if isinstance(config, RobertaConfig):
        return RobertaModel(config)
    if isinstance(config, BertConfig):
        return BertModel(config)
    if isinstance(config, AlbertConfig):
        return AlbertModel(config)
    if isinstance(config, MarianConfig):
        return MarianModel(config)
    if isinstance(config, GPTConfig):
        return GPT(config)
    if isinstance(config, T5Config):
        return T5Model(config)
    if isinstance(config, ModernBertConfig):
        return ModernBertModel(config)
    kind = type(config).__qualname__
    raise ArgumentError(
        "not-a-config",
        f"count_parameters takes a TransformerConfig or another model's configuration; got {kind}. "
        f"The parameters of a model that exists are in model.parameters()",
        given=kind,
    )
