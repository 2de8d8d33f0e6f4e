"""A decoder-only model: tokens in, logits of the next token out.

    x = E[ids] (+ P);   x = CausalStack(x);   logits = x W^T          (Radford et al. 2018, §3.1; 2019, §2.3)

GPT-2 adds learned positions, and has layer norms, GELU and biases; Llama (Touvron et al. 2023, §2.2) turns queries and
keys instead, and has RMS norms, SwiGLU and no biases.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from mlxformer.attention import masks
from mlxformer.axes import MODEL, VOCAB
from mlxformer.backend import is_evaluable, mx, nn, to_numpy
from mlxformer.checkpoints.safetensors import StoredTensor
from mlxformer.errors import ArgumentError
from mlxformer.generation.generate import GenerativeModel
from mlxformer.generation.rules import NextLogits, SearchRules, Start
from mlxformer.layers.causal_stack import CausalStack
from mlxformer.layers.decoder_cache import DecoderCache
from mlxformer.models.bert.checkpoint import initialize
from mlxformer.models.cached_decoding import CachedDecoding
from mlxformer.models.folder_model import FolderModel
from mlxformer.models.gpt.checkpoint import cut, kind_of, others, stored_name, writing
from mlxformer.models.gpt.config import OWN, GPTConfig
from mlxformer.models.gpt.prompt import next_rows, prompt_of, real_tokens
from mlxformer.models.reprs import sizes_text
from mlxformer.origins import Named, Product, Total, projection, rows
from mlxformer.positions import LearnedPositions
from mlxformer.tracing import tap
from mlxformer.validation import require_ids, require_kind


class GPT(FolderModel, GenerativeModel):
    """A decoder-only model. ``logits = gpt(input_ids)``, ``.generate`` and ``.stream``.

    ``GPT.from_pretrained(folder)`` reads Hugging Face's GPT-2 and Llama folders; what it made of each tensor is in
    ``load_report``.

    Args:
        config: sizes and choices.

    Raises:
        ArgumentError: for a config of another kind; when called, for ids, masks and caches that do not fit.

    Source: Radford et al. 2019, "Language Models are Unsupervised Multitask Learners", §2.3; Touvron et al. 2023,
    "LLaMA", §2.2.

    >>> import mlxformer as mf
    >>> from mlxformer.backend import mx
    >>> gpt = mf.GPT(mf.GPTConfig(20, dims=8, num_heads=2, num_layers=1))
    >>> gpt(mx.array([[5, 6, 7]])).shape == (1, 3, 20)
    True
    >>> cache = gpt.make_cache()
    >>> steps = [gpt(mx.array([[token]]), cache=cache) for token in (5, 6, 7)]
    >>> bool(mx.all(mx.abs(steps[-1] - gpt(mx.array([[5, 6, 7]]))[:, 2:]) < 1e-5))
    True
    """

    config_class = GPTConfig
    config: GPTConfig
    default_new_tokens = 20  # as Hugging Face's

    def __init__(self, config: GPTConfig) -> None:
        super().__init__()
        require_kind("config", config, GPTConfig)
        self.config = config
        self.token_embedding = nn.Embedding(config.vocab_size, config.dims)
        if config.positions == "learned":
            self.positions = LearnedPositions(config.max_positions, config.dims)
        on_embeddings = config.dropout if config.embedding_dropout is None else config.embedding_dropout
        self.embedding_dropout = nn.Dropout(on_embeddings)
        assert config.num_heads is not None and config.ffn_dims is not None, "GPTConfig fills them in"
        self.stack = CausalStack(config.num_layers, config.dims, config.num_heads, config.ffn_dims, config.layer)
        if not config.tie_embeddings:
            self.output_proj = nn.Linear(config.dims, config.vocab_size, bias=False)
        initialize(self, config)
        # What is added to the sum that runs through all layers starts smaller, so that it does not grow with them.
        draw = nn.init.normal(std=config.initializer_range * (2 * config.num_layers) ** -0.5)
        for layer in self.stack.layers:
            for last in (layer.self_attention.out_proj, layer.feed_forward.down_proj):
                last.weight = draw(last.weight)

    def _extra_repr(self) -> str:
        config = self.config
        return sizes_text(
            self,
            layers=config.num_layers,
            dims=config.dims,
            heads=config.num_heads,
            ffn_dims=config.ffn_dims,
            vocab=config.vocab_size,
        )

    def make_cache(self) -> DecoderCache:
        """An empty cache, for reading one batch token by token."""
        return self.stack.make_cache()

    def __call__(
        self, input_ids: mx.array, attention_mask: mx.array | None = None, cache: DecoderCache | None = None
    ) -> mx.array:
        """Logits of the token after each token; each sees itself and what came before.

        Args:
            input_ids: integers [B, T], 0 to V − 1.
            attention_mask: [B, T], 1 or True at real tokens; None means all. The others are seen by none, and learned
                positions count real tokens only, so that a row padded on the left gives what it gives alone. With a
                cache it speaks of all tokens so far, [B, past + T].
            cache: of ``make_cache()``; input_ids are then only the tokens that it has not seen.

        Returns:
            [B, T, V].

        Raises:
            ArgumentError: ids out of range (not checked inside ``mx.compile``), more tokens than learned positions,
                masks of another shape, a cache of another model.
        """
        require_ids("input_ids", input_ids, self.config.vocab_size, "the vocabulary")
        valid = None
        if attention_mask is not None:
            past = 0 if cache is None else len(cache)
            shape = (input_ids.shape[0], past + input_ids.shape[1])
            valid = masks.from_attention_mask(attention_mask, shape)
        return self._logits(self._hidden(input_ids, valid, cache))

    def _hidden(self, input_ids: mx.array, valid: mx.array | None, cache: DecoderCache | None) -> mx.array:
        """The last layer's output [B, T, C], of ids that were checked."""
        past = 0 if cache is None else len(cache)
        length = input_ids.shape[1]
        if valid is not None and is_evaluable(valid) and bool(to_numpy(mx.all(valid))):
            valid = None
        words = tap(
            "tokens",
            self.token_embedding(input_ids),
            axes=MODEL,
            formula="E[ids]",
            of=lambda: rows(self.token_embedding, input_ids),
        )
        mask: Any = "causal"
        if valid is not None:
            mask = masks.combine(masks.causal(length, past + length), masks.padding(valid))  # [B, 1, T, past + T]
        parts = [words, self._position_vectors(length, past, valid)] if "positions" in self else [words]
        x = words + parts[1] if len(parts) > 1 else words
        dropped = self.embedding_dropout(x)
        x = tap(
            "embeddings",
            dropped,
            axes=MODEL,
            formula="dropout(E[ids] + P)",
            of=lambda: Total(tuple(parts)) if dropped is x else None,
        )
        return self.stack(x, mask, cache=cache)

    def _position_vectors(self, length: int, past: int, valid: mx.array | None) -> mx.array:
        """[T, C], or [B, T, C] where a row's positions depend on its padding."""
        if valid is None:
            return self.positions(length, past)
        counted = mx.cumsum(valid.astype(mx.int32), axis=1) - 1  # [B, past + T]
        self.positions.require_reach(int(to_numpy(mx.max(counted))) + 1 if is_evaluable(counted) else 1)
        return self.positions.embedding(mx.maximum(counted, 0)[:, past:])

    def _logits(self, x: mx.array) -> mx.array:
        """[B, T, C] -> [B, T, V]."""
        logits = self.output_proj(x) if "output_proj" in self else self.token_embedding.as_linear(x)
        return tap("logits", logits, axes=VOCAB, formula="x W^T", of=lambda: self._of_logits(x))

    def _of_logits(self, x: mx.array) -> Product | None:
        if "output_proj" in self:
            return projection(x, self.output_proj, "W")
        return Product("btc,vc->btv", (x, Named("E", self.token_embedding.weight)))

    def _rules(self, given: dict[str, Any]) -> SearchRules:
        config = self.config
        inside = tuple(end for end in config.eos_ids if end < config.vocab_size)
        pad = config.pad_id if config.pad_id is not None else next(iter(config.eos_ids), 0)
        return SearchRules(start_id=pad, pad_id=pad, eos_ids=inside, forbid_pad=False, **given)

    def _prompt(
        self, input_ids: mx.array, attention_mask: mx.array | None, decoder_input_ids: mx.array | None
    ) -> Start:
        require_ids("input_ids", input_ids, self.config.vocab_size, "the vocabulary")
        if decoder_input_ids is not None:
            message = "a decoder-only model has no decoder_input_ids: its input_ids are what is gone on with"
            raise ArgumentError("decoder-input-ids", message)
        return prompt_of(input_ids, real_tokens(self.config, input_ids, attention_mask))

    def _started(self, start: Start, rules: SearchRules) -> Start:
        return start

    def _check_max_length(self, max_length: int) -> None:
        # The last token is generated and never read, so one more than there are positions can be had.
        most = self.config.max_positions
        if "positions" in self and max_length > most + 1:
            raise ArgumentError(
                "too-long",
                f"prompt and new tokens are {max_length} together, but this model reads at most {most}; give "
                f"max_length={most + 1} or less",
                name="max_length",
                length=max_length,
                max_length=most,
            )

    def _decoder(
        self, input_ids: mx.array, attention_mask: mx.array | None, rows_each: int, use_cache: bool
    ) -> NextLogits:
        require_ids("input_ids", input_ids, self.config.vocab_size, "the vocabulary")
        return _Decoding(self, self.make_cache() if use_cache else None)

    def _stored(self, path: str, tensors: Mapping[str, StoredTensor]) -> str:
        return stored_name(path, kind_of(tensors, self.config))

    def _cut(self, tensors: Mapping[str, StoredTensor]) -> Mapping[str, StoredTensor]:
        return cut(tensors, kind_of(tensors, self.config))

    def _others(self, tensors: Mapping[str, StoredTensor]) -> dict[str, Any]:
        return others(tensors, self.config, kind_of(tensors, self.config))

    def _writing(
        self, parameters: Mapping[str, np.ndarray], is_quantized: bool
    ) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
        # Packed numbers cannot be transposed, so a quantized GPT-2 is stored under our own names.
        kind = OWN if is_quantized and self.config.model_type == "gpt2" else self.config.model_type
        return self.config.to_dict(kind), writing(parameters, kind)


class _Decoding(CachedDecoding):
    """A batch being gone on with: what ``generation.NextLogits`` asks for."""

    def __init__(self, model: GPT, cache: DecoderCache | None) -> None:
        super().__init__(cache)
        self.model = model

    def __call__(self, sequences: np.ndarray) -> np.ndarray:
        ids, valid = next_rows(sequences, self.model.config.vocab_size)
        mask = None if np.all(valid) else mx.array(valid)
        hidden = self.model._hidden(mx.array(ids[:, self.past :]), mask, self.cache)  # [N, T, C]
        return to_numpy(self.model._logits(hidden[:, -1:])[:, -1]).astype(np.float32, copy=False)
