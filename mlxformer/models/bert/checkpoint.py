"""BERT's weights: new ones, those of a Hugging Face folder, and back into one.

Names differ in spelling only (``encoder.layers.0.self_attention.query_proj`` here is
``encoder.layer.0.attention.self.query`` there); matrices lie [out, in] in both.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any, ClassVar, Self

import numpy as np

from mlxformer.backend import mx, nn, tree_flatten, without_values
from mlxformer.checkpoints.folder import CONFIG, find_folder, open_checkpoint, read_json, save_checkpoint
from mlxformer.checkpoints.loading import LoadReport, load_into, require_load_dtype
from mlxformer.checkpoints.quantized import quantize_as_stored
from mlxformer.checkpoints.safetensors import StoredTensor
from mlxformer.checkpoints.sizes import require_stored_sizes
from mlxformer.checkpoints.writing import quantization_of, stored_parameters
from mlxformer.errors import ArgumentError
from mlxformer.models.bert.config import BertConfig
from mlxformer.models.reprs import sizes_text
from mlxformer.tracing import Module
from mlxformer.validation import require_kind, require_positive

# Ours -> Hugging Face's, applied in this order to a parameter's path.
_SPELLINGS = (
    ("encoder.layers.", "encoder.layer."),
    (".self_attention.query_proj.", ".attention.self.query."),
    (".self_attention.key_proj.", ".attention.self.key."),
    (".self_attention.value_proj.", ".attention.self.value."),
    (".self_attention.out_proj.", ".attention.output.dense."),
    (".self_attention_norm.", ".attention.output.LayerNorm."),
    (".feed_forward.up_proj.", ".intermediate.dense."),
    (".feed_forward.down_proj.", ".output.dense."),
    (".feed_forward_norm.", ".output.LayerNorm."),
    ("embeddings.norm.", "embeddings.LayerNorm."),
    ("mlm_head.dense.", "cls.predictions.transform.dense."),
    ("mlm_head.norm.", "cls.predictions.transform.LayerNorm."),
    ("mlm_head.decoder.", "cls.predictions.decoder."),
    ("mlm_head.bias", "cls.predictions.bias"),
    ("nsp_head.", "cls.seq_relationship."),
)
# RoBERTa's masked-LM head is BERT's under other names.
_ROBERTA_HEAD = (
    ("lm_head.dense.", "cls.predictions.transform.dense."),
    ("lm_head.layer_norm.", "cls.predictions.transform.LayerNorm."),
    ("lm_head.decoder.", "cls.predictions.decoder."),
    ("lm_head.bias", "cls.predictions.bias"),
)
_HEADS = ("cls.predictions.", "cls.seq_relationship.", "classifier.", "qa_outputs.", "lm_head.")
_WORDS = "bert.embeddings.word_embeddings.weight"
_POOLER = "bert.pooler."


class BertPreTrained(Module):
    """What the BERT classes share: a ``config``, a ``load_report``, ``from_pretrained`` and ``save_pretrained``.

    Args:
        config: sizes and choices.

    Raises:
        ArgumentError: ``config`` is not a ``BertConfig``.

    >>> import mlxformer as mf
    >>> from mlxformer.models.bert.checkpoint import BertPreTrained
    >>> issubclass(mf.BertForMaskedLM, BertPreTrained)
    True
    """

    heads: ClassVar[tuple[str, ...]] = ()  # the prefixes of this class's own heads, as Hugging Face names them
    has_pooler: ClassVar[bool | None] = True  # None: it has one where the checkpoint has
    has_labels: ClassVar[bool] = False  # whether the head has an output for each label of the configuration
    config_class: ClassVar[type[BertConfig]] = BertConfig

    def __init__(self, config: BertConfig) -> None:
        super().__init__()
        require_kind("config", config, self.config_class)
        self.config = config
        self.load_report: LoadReport | None = None

    def _extra_repr(self) -> str:
        return bert_sizes_text(self, self.config)

    @classmethod
    def from_pretrained(
        cls,
        path_or_name: str | os.PathLike[str],
        *,
        revision: str = "main",
        config: BertConfig | None = None,
        dtype: str | None = None,
        check: bool = False,
        num_labels: int | None = None,
        new_head: bool = False,
    ) -> Self:
        """The model in a Hugging Face folder (``config.json``, ``model.safetensors`` or its shards), in eval mode.

        ``model.load_report`` says what became of each tensor. The network is never used. A model with a new head has
        something to learn and comes in training mode.

        Args:
            path_or_name: a folder, or a repository that is in the local Hugging Face cache.
            revision: a branch, tag or commit of that repository.
            config: instead of the folder's ``config.json``; None reads that.
            dtype: of the weights, and so of what the model computes: None is float32, ``"auto"`` as they are stored,
                else ``"float16"``, ``"bfloat16"`` or ``"float32"``. bfloat16 is float32 on NumPy, which has none;
                ``load_report`` says so.
            check: whether every weight is looked at, and NaN and infinity refused; without it a mapped file is not
                read before it is used.
            num_labels: how many labels the head has. If the folder has no head with that many, a new one is drawn, and
                a pooler where that is missing too; None takes the folder's. Of the classes that have labels.
            new_head: whether the head is drawn anew whatever the folder has.

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
        values = read_json(folder / CONFIG) if config is None or (folder / CONFIG).exists() else {}
        config = cls.config_class.from_folder(folder) if config is None else config
        tensors = open_checkpoint(folder).tensors
        require_stored_sizes(folder / CONFIG, tensors, depths=config.depths, widths=config.widths)
        stored = {canonical_name(name) for name in tensors}
        if num_labels is not None:
            config, fits = cls._with_labels(config, num_labels, {canonical_name(n): t for n, t in tensors.items()})
            new_head = new_head or not fits
        if new_head and not cls.heads:
            message = f"{cls.__name__} has no head; new_head is of the classes that have one"
            raise ArgumentError("no-head", message, name=cls.__name__)
        absent = []
        if cls.has_pooler is None and not any(name.startswith(_POOLER) for name in stored):
            absent.append("pooler")
        with without_values():  # a draw of 22 million weights takes a second, and none would stay
            model = cls(config, pooler=False) if absent else cls(config)  # type: ignore[call-arg]
        quantize_as_stored(model, values, lambda path: stored_name(path) in stored)
        tied: dict[str, str] = {}
        unused: tuple[str, ...] = ()
        if "cls.predictions." in cls.heads and not new_head:
            tied, unused = _ties(config, stored)
        others = [head for head in _HEADS if head not in cls.heads or new_head]
        if cls.has_pooler is False:
            others.append(_POOLER)
        model.load_report = load_into(
            model,
            tensors,
            {path: stored_name(path) for path in _parameters(model)},
            rename=canonical_name,
            tied=tied,
            constants=_constants(config),
            other_heads=others,
            unused=unused,
            absent=absent,
            ignored_fields=config.ignored_fields(values),
            dtype=dtype,
            check=check,
            new=_new_parameters(model, stored) if new_head else None,
            cure=_cure(cls.__name__, cls.has_labels, cls.heads, stored),
        )
        model.train(new_head)
        return model

    @classmethod
    def _with_labels(
        cls, config: BertConfig, num_labels: int, tensors: Mapping[str, StoredTensor]
    ) -> tuple[BertConfig, bool]:
        """The configuration with so many labels, and whether the stored head has as many."""
        require_positive(num_labels=num_labels)
        if not cls.has_labels:
            cure = "give new_head=True for a new head" if cls.heads else "it has no head"
            message = f"{cls.__name__} has no labels to count: num_labels is of classifiers; {cure}"
            raise ArgumentError("num-labels", message, name=cls.__name__, given=num_labels)
        if config.num_labels != num_labels:
            config = replace(config, id2label={index: f"LABEL_{index}" for index in range(num_labels)})
        last = (f"{cls.heads[0]}weight", f"{cls.heads[0]}out_proj.weight")  # BERT's, and RoBERTa's
        heads = [tensor for name, tensor in tensors.items() if name in last]
        return config, any(head.shape[0] == num_labels for head in heads if head.shape)

    def save_pretrained(self, folder: str | os.PathLike[str], *, dtype: str | None = None) -> None:
        """Write ``config.json`` and ``model.safetensors`` as transformers reads them.

        Adapters are stored merged. A quantized model is stored as mlx-lm stores one, and read again by this library.

        Args:
            folder: where to; it is made if need be.
            dtype: ``"float32"``, ``"float16"`` or ``"bfloat16"``; None stores the weights as they are.

        Raises:
            CheckpointError: weights that float16 cannot hold, layers quantized in several ways, a folder that cannot be
                written.
        """
        tensors = {stored_name(path): value for path, value in stored_parameters(self).items()}
        if "cls.predictions.decoder.bias" in tensors:  # stored under both names where nothing is tied
            tensors["cls.predictions.bias"] = tensors["cls.predictions.decoder.bias"]
        prefix = f"{self.config.model_type}." if self.heads else ""
        tensors = {
            prefix + name.removeprefix("bert.") if name.startswith("bert.") else name: value
            for name, value in tensors.items()
        }
        if self.config.model_type == "roberta":
            tensors = {_respelled(name, [(bert, own) for own, bert in _ROBERTA_HEAD]): v for name, v in tensors.items()}
        save_checkpoint(folder, self.config.to_json(type(self).__name__), tensors, dtype, quantization_of(self))


def _new_parameters(model: BertPreTrained, stored: set[str]) -> dict[str, mx.array]:
    """The head of a model, and its pooler where the checkpoint has none, drawn as BERT's weights are."""
    draw = nn.init.normal(std=model.config.initializer_range)
    found = {}
    for path, value in _parameters(model).items():
        name = stored_name(path)
        if name.startswith(model.heads) or (name.startswith(_POOLER) and name not in stored):
            zeros = mx.zeros(value.shape)
            is_gain = "norm." in path and path.endswith("weight")
            found[path] = draw(zeros) if len(value.shape) > 1 else zeros + float(is_gain)
    return found


def _cure(model: str, has_labels: bool, heads: tuple[str, ...], stored: set[str]) -> str:
    """What to do where a checkpoint does not fit: where it is a body without this head, to make one."""
    same = "Load the class that the checkpoint was saved from, with the config.json saved beside it"
    if not heads or any(name.startswith(heads) for name in stored):
        return same
    how = "num_labels=3" if has_labels else "new_head=True"
    return f"{same}; or make a new head, to be trained: {model}.from_pretrained(folder, {how})"


def bert_sizes_text(module: nn.Module, config: Any) -> str:
    """What a ``repr`` says of BERT and ALBERT.

    Args:
        module: the model.
        config: its ``BertConfig`` or ``AlbertConfig``.

    Returns:
        One line.

    >>> import mlxformer as mf
    >>> from mlxformer.backend import nn
    >>> from mlxformer.models.bert.checkpoint import bert_sizes_text
    >>> bert_sizes_text(nn.Linear(2, 3), mf.BertConfig())
    'layers=12, dims=768, heads=12, ffn_dims=3072, vocab=30522, parameters=9'
    """
    return sizes_text(
        module,
        layers=config.num_hidden_layers,
        dims=config.hidden_size,
        heads=config.num_attention_heads,
        ffn_dims=config.intermediate_size,
        vocab=config.vocab_size,
    )


def stored_name(path: str) -> str:
    """The name that Hugging Face gives the parameter ``path``; the encoder's with the prefix ``bert.``.

    Args:
        path: of a parameter of a BERT model.

    Returns:
        The tensor's name in a file.

    >>> from mlxformer.models.bert.checkpoint import stored_name
    >>> stored_name("encoder.layers.0.self_attention.query_proj.weight")
    'bert.encoder.layer.0.attention.self.query.weight'
    """
    for ours, theirs in _SPELLINGS:
        path = path.replace(ours, theirs)
    return f"bert.{path}" if path.startswith(("embeddings.", "encoder.", "pooler.")) else path


def canonical_name(stored: str) -> str:
    """One name for a tensor's spellings: with the prefix ``bert.``, and ``weight``/``bias`` for ``gamma``/``beta``.

    RoBERTa's ``roberta.`` and ``lm_head.`` are BERT's names too.

    Args:
        stored: the tensor's name in a file.

    Returns:
        That of ``stored_name``.

    >>> from mlxformer.models.bert.checkpoint import canonical_name
    >>> canonical_name("embeddings.LayerNorm.gamma")
    'bert.embeddings.LayerNorm.weight'
    """
    if stored.startswith("roberta."):
        stored = f"bert.{stored.removeprefix('roberta.')}"
    if stored.startswith(("embeddings.", "encoder.", "pooler.")):
        stored = f"bert.{stored}"
    stored = _respelled(stored, _ROBERTA_HEAD)
    for old, new in (("LayerNorm.gamma", "LayerNorm.weight"), ("LayerNorm.beta", "LayerNorm.bias")):
        if stored.endswith(old):
            return stored.removesuffix(old) + new
    return stored


def _respelled(name: str, spellings: Iterable[tuple[str, str]]) -> str:
    """``name`` with its beginning as the other side of ``spellings`` has it."""
    for old, new in spellings:
        if name.startswith(old):
            return new + name.removeprefix(old)
    return name


def _parameters(module: nn.Module) -> dict[str, mx.array]:
    return dict(tree_flatten(module.parameters()))


def _ties(config: BertConfig, stored: set[str]) -> tuple[dict[str, str], tuple[str, ...]]:
    """The masked-LM head's tied copies, and the name that an untied one does not use."""
    bias, decoder_bias = "cls.predictions.bias", "cls.predictions.decoder.bias"
    if config.tie_word_embeddings:
        return {"cls.predictions.decoder.weight": _WORDS, decoder_bias: bias}, ()
    # Untied, transformers 5 adds the decoder's own bias; older versions stored it under the other name alone.
    return ({}, (bias,)) if decoder_bias in stored else ({bias: decoder_bias}, ())


def _constants(config: BertConfig) -> Mapping[str, np.ndarray]:
    """Buffers that older versions of transformers stored."""
    positions = np.arange(config.max_position_embeddings)[None]
    return {
        "bert.embeddings.position_ids": positions,
        "bert.embeddings.token_type_ids": np.zeros_like(positions),
    }


def initialize(module: nn.Module, config: Any) -> None:
    """Draw new weights as BERT does: matrices N(0, initializer_range²), biases 0; layer norms stay 1 and 0.

    Args:
        module: whose linear layers and embeddings are drawn anew, in place.
        config: for its ``initializer_range``.

    >>> import mlxformer as mf
    >>> from mlxformer.backend import mx, nn
    >>> from mlxformer.models.bert.checkpoint import initialize
    >>> layer = nn.Linear(4, 4)
    >>> initialize(layer, mf.BertConfig(initializer_range=0.0))
    >>> float(mx.sum(mx.square(layer.weight)))
    0.0
    """
    draw = nn.init.normal(std=config.initializer_range)
    for _, layer in module.named_modules():
        if isinstance(layer, nn.Linear | nn.Embedding):
            layer.weight = draw(layer.weight)
        if isinstance(layer, nn.Linear) and "bias" in layer:
            layer.bias = mx.zeros_like(layer.bias)
