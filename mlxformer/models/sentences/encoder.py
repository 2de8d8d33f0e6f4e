"""A vector for each text, as a sentence-transformers folder says: network, pooling, dense layers, length 1."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any, overload

import numpy as np

from mlxformer.attention import masks
from mlxformer.backend import mx, to_numpy
from mlxformer.checkpoints.folder import find_folder
from mlxformer.errors import ArgumentError
from mlxformer.models.bert.pooling import pool
from mlxformer.models.sentences.pipeline import (
    BODIES,
    Body,
    Dense,
    Pipeline,
    body_class,
    read_dense,
    read_pipeline,
    write_pipeline,
)
from mlxformer.tokenization.any import Tokenizer
from mlxformer.tokenization.bert import BertTokenizer
from mlxformer.validation import require_choice, require_finite, require_positive


class SentenceEncoder:
    """Texts to vectors, whose products tell how alike the texts are.

    ``SentenceEncoder.from_pretrained(folder)`` reads a sentence-transformers folder (``modules.json``, the pooling's
    ``config.json``, dense layers), or the folder of a network alone, of which it takes the mean of the tokens.

    Args:
        model: the network, in evaluation mode.
        tokenizer: its tokenizer.
        pipeline: what follows it.
        dense: the dense layers.

    Source: Reimers & Gurevych 2019, "Sentence-BERT", §3.

    >>> import mlxformer as mf
    >>> from pathlib import Path
    >>> from mlxformer.models.sentences.pipeline import Pipeline
    >>> shipped = mf.load_pretrained("bert-mini")
    >>> encoder = mf.SentenceEncoder(shipped.model.bert, shipped.tokenizer, Pipeline(Path("."), ("mean",)))
    >>> vectors = encoder.encode(["床前明月光", "疑是地上霜"], normalize=True)
    >>> vectors.shape[0], round(float(mx.sum(mx.square(vectors[0]))), 4)
    (2, 1.0)
    """

    def __init__(self, model: Body, tokenizer: BertTokenizer, pipeline: Pipeline, dense: Sequence[Dense] = ()) -> None:
        self.model, self.tokenizer, self.pipeline, self.dense = model, tokenizer, pipeline, list(dense)
        limits = (pipeline.max_length, model.config.max_tokens, tokenizer.settings.model_max_length)
        self.max_length = min(limit for limit in limits if limit is not None)

    def __repr__(self) -> str:
        steps = [*self.pipeline.poolings, *["dense"] * len(self.dense), *["normalize"] * self.pipeline.normalize]
        return f"SentenceEncoder({type(self.model).__name__}, {' → '.join(steps)}, max_length={self.max_length})"

    @classmethod
    def from_pretrained(cls, path_or_name: str | os.PathLike[str], *, revision: str = "main") -> SentenceEncoder:
        """From a folder, or a repository in the local Hugging Face cache; the network is never used.

        Args:
            path_or_name: a folder, or a repository that is in the local Hugging Face cache.
            revision: a branch, tag or commit of that repository.

        Returns:
            The encoder.

        Raises:
            CheckpointError: as the model's and the tokenizer's ``from_pretrained``, and for steps that are not
                implemented.
        """
        folder = find_folder(path_or_name, revision)
        pipeline = read_pipeline(folder)
        model = body_class(pipeline.body, BODIES).from_pretrained(pipeline.body)
        return cls(model, Tokenizer.from_pretrained(pipeline.body), pipeline, [read_dense(at) for at in pipeline.dense])

    def save_pretrained(self, folder: str | os.PathLike[str], *, dtype: str | None = None) -> None:
        """Write the folder that ``from_pretrained`` reads, as sentence-transformers lays it out.

        Args:
            folder: where to; it is made if need be.
            dtype: of the network's weights, ``"float32"``, ``"float16"`` or ``"bfloat16"``; None stores them as they
                are.

        Raises:
            CheckpointError: as the model's ``save_pretrained``.
        """
        self.model.save_pretrained(folder, dtype=dtype)
        self.tokenizer.save_pretrained(folder)
        write_pipeline(Path(folder), self.pipeline, self.dense, self.model.config.hidden_size)

    @overload
    def encode(self, texts: str, batch_size: int = 32, normalize: bool | None = None) -> mx.array: ...
    @overload
    def encode(self, texts: Sequence[str], batch_size: int = 32, normalize: bool | None = None) -> mx.array: ...
    def encode(self, texts: str | Sequence[str], batch_size: int = 32, normalize: bool | None = None) -> mx.array:
        """A vector for each text.

        Args:
            texts: N texts, or one. What is longer than ``max_length`` tokens is cut, as in sentence-transformers.
            batch_size: how many go through the network at once, texts of like length together; 32.
            normalize: whether vectors have length 1; None does as the folder says.

        Returns:
            float32 [N, C] in the order of the texts; [C] for one text alone.

        Raises:
            ArgumentError: what is not text, a batch size below 1, a vector that is not all numbers.
        """
        require_positive(batch_size=batch_size)
        require_choice("normalize", normalize, (None, True, False))
        given = [texts] if isinstance(texts, str) else texts
        if not isinstance(given, Sequence) or not given or not all(isinstance(text, str) for text in given):
            message = f"texts must be a string or a list of at least one string; got {given!r:.80}"
            raise ArgumentError("not-text", message, name="texts")
        prepared = [self.pipeline.prompt + (text.lower() if self.pipeline.lower else text) for text in given]
        order = np.argsort([-len(text) for text in prepared], kind="stable")
        parts = []
        for first in range(0, len(order), batch_size):
            chosen = [prepared[place] for place in order[first : first + batch_size]]
            parts.append(to_numpy(self._vectors(self.tokenizer(chosen, max_length=self.max_length))))
        vectors = np.concatenate(parts)[np.argsort(order, kind="stable")].astype(np.float32)  # [N, C]
        require_finite("the vectors", vectors, "Are the weights numbers, and do they fit their dtype?")
        found = mx.array(vectors)
        if normalize if normalize is not None else self.pipeline.normalize:
            length = mx.sqrt(mx.sum(mx.square(found), axis=-1, keepdims=True))
            found = found / mx.maximum(length, 1e-12)
        return found[0] if isinstance(texts, str) else found

    def _vectors(self, batch: Any) -> mx.array:
        """[B, C] of a tokenized batch, before they get length 1."""
        hidden = self.model(**batch).last_hidden_state.astype(mx.float32)  # [B, T, C]
        mask = batch["attention_mask"]
        found = mx.concatenate([pooled(hidden, mask, how) for how in self.pipeline.poolings], axis=-1)
        for layer in self.dense:
            found = layer(found)
        return found


def pooled(hidden: mx.array, attention_mask: mx.array, how: str) -> mx.array:
    """``mlxformer.models.bert.pooling.pool``, and two more that sentence-transformers has.

    ``"mean_sqrt_len"``: ``Σ m_t h_t / √(Σ m_t)``; ``"weighted_mean"``: later tokens weigh more, ``Σ t m_t h_t / Σ t
    m_t`` with t from 1.

    Args:
        hidden: h, floating point [B, T, C].
        attention_mask: m, [B, T].
        how: which.

    Returns:
        [B, C].

    >>> from mlxformer.models.sentences.encoder import pooled
    >>> pooled(mx.array([[[1.0], [4.0]]]), mx.array([[1, 1]]), "weighted_mean").tolist()
    [[3.0]]
    """
    real = masks.from_attention_mask(attention_mask, (hidden.shape[0], hidden.shape[1]))  # [B, T]
    if how == "mean_sqrt_len":
        count = mx.sum(real.astype(mx.float32), axis=1, keepdims=True)
        return pool(hidden, attention_mask, "mean") * mx.sqrt(count)
    if how == "weighted_mean":
        weights = mx.where(real, mx.arange(1, hidden.shape[1] + 1).astype(mx.float32), 0.0)  # [B, T]
        kept = mx.where(mx.expand_dims(real, -1), hidden, 0.0)
        total = mx.sum(kept * mx.expand_dims(weights, -1), axis=1)
        return total / mx.maximum(mx.sum(weights, axis=1, keepdims=True), 1e-9)
    if how == "cls":  # the first real token, where padding is on the left
        first = mx.argmax(real.astype(mx.int32), axis=1).astype(mx.int32)  # [B]
        return hidden[mx.arange(hidden.shape[0]), first]
    return pool(hidden, attention_mask, how)  # type: ignore[arg-type]
