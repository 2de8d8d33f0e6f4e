"""What every encoder-decoder here has in common: source ids in, target ids in, logits and translations out.

memory = Encoder(√C · E_s[source] + P)      logits = Decoder(√C · E_t[target] + P, memory) W^T
                                                                    (Vaswani et al. 2017, §3.1, §3.4 and §3.5)
"""

from __future__ import annotations

from typing import Any

import numpy as np

from mlxformer.attention import masks
from mlxformer.axes import MODEL, VOCAB
from mlxformer.backend import is_evaluable, mx, nn, to_numpy
from mlxformer.errors import ArgumentError
from mlxformer.generation.generate import GenerativeModel, source_mask_of
from mlxformer.generation.rules import NextLogits
from mlxformer.layers.decoder import Decoder
from mlxformer.layers.decoder_cache import DecoderCache
from mlxformer.layers.encoder import Encoder
from mlxformer.models.cached_decoding import CachedDecoding
from mlxformer.origins import Named, Product, Total, projection, rows
from mlxformer.tracing import alias, in_trace, tap
from mlxformer.validation import require_floating, require_ids, require_shape, shape_text


class EncoderDecoder(GenerativeModel):
    """The wiring of encoder and decoder. A subclass makes the parts, under these names:

    source_embedding, target_embedding (absent where shared), output_proj (absent where tied to the target's
    embedding), source_positions and target_positions (absent without position vectors; called with a length and an
    offset), source_bias and target_bias (absent without relative positions; called with Tq and Tk), embedding_dropout,
    encoder, decoder. It sets the numbers below; max_positions is the longest sequence that it can read, or None.

    Args:
        encoder: of the source.
        decoder: of the target.
        embedding_scale: what embeddings are multiplied by.
        pad_id: the id that fills up.
        source_vocab_size: V of the source.
        target_vocab_size: V of the target.
        max_positions: the longest sequence that it can read, or None.

    >>> import mlxformer as mf
    >>> from mlxformer.models.encoder_decoder import EncoderDecoder
    >>> model: EncoderDecoder = mf.Transformer(mf.TransformerConfig(20, dims=8, num_heads=2, ffn_dims=16))
    >>> model(mx.array([[5, 6, 7]]), mx.array([[1, 5]])).shape
    (1, 2, 20)
    """

    encoder: Encoder
    decoder: Decoder
    embedding_scale: float
    pad_id: int
    source_vocab_size: int
    target_vocab_size: int
    max_positions: int | None

    def __call__(self, source_ids: mx.array, target_ids: mx.array, source_mask: mx.array | None = None) -> mx.array:
        """Logits of the token after each target token.

        At position t the decoder sees tokens 0 to t and nothing later, so the loss compares ``logits[:, t]`` with token
        t + 1 (teacher forcing).

        Args:
            source_ids: int32 [B, Ts].
            target_ids: int32 [B, Tt], which begin with the start token. (Padding *after* a target needs no mask: no
                earlier position sees it.)
            source_mask: which source tokens exist, as ``mf.masks.padding(valid)`` makes it, [B, 1, 1, Ts]; None means
                all that are not ``pad_id``.

        Returns:
            [B, Tt, V].

        Raises:
            ArgumentError: for ids outside the vocabulary (not checked inside ``mx.compile``), empty or too long
                sequences, batches that differ, and masks of another kind or shape.
        """
        self._check_ids("source_ids", source_ids, "source")
        self._check_ids("target_ids", target_ids, "target")
        self._check_batch(target_ids, source_ids.shape[0])
        memory, source_mask = self._encode(source_ids, source_mask)
        return self._decode(target_ids, memory, source_mask, None)

    @in_trace
    def encode(self, source_ids: mx.array, source_mask: mx.array | None = None) -> mx.array:
        """The encoder's output, the decoder's ``memory``.

        Args:
            source_ids: int32 [B, Ts].
            source_mask: as in ``__call__``.

        Returns:
            [B, Ts, C].
        """
        self._check_ids("source_ids", source_ids, "source")
        return self._encode(source_ids, source_mask)[0]

    @in_trace
    def decode(
        self,
        target_ids: mx.array,
        memory: mx.array,
        source_mask: mx.array | None = None,
        *,
        cache: DecoderCache | None = None,
    ) -> mx.array:
        """Logits of the token after each target token, on a memory.

        Args:
            target_ids: int32 [B, Tt].
            memory: of ``encode``, [B, Ts, C].
            source_mask: as in ``__call__``, but None means that every position of the memory is real: give the mask
                (``source_padding(source_ids)``) where the sources were padded.
            cache: from ``decoder.make_cache()``; target_ids are then only the tokens that it has not seen.

        Returns:
            [B, Tt, V].
        """
        self._check_ids("target_ids", target_ids, "target", 0 if cache is None else len(cache))
        require_floating("memory", memory)
        require_shape("memory", memory, MODEL, (None, None, self.encoder.dims))
        self._check_batch(target_ids, memory.shape[0])
        if source_mask is not None:
            _check_source_mask(source_mask, memory.shape[0], memory.shape[1])
        return self._decode(target_ids, memory, source_mask, cache)

    def source_padding(self, source_ids: mx.array) -> mx.array | None:
        """``mf.masks.padding(source_ids != pad_id)``, or None where nothing is padding: [B, 1, 1, Ts].

        Args:
            source_ids: integers [B, Ts].
        """
        valid = source_ids != self.pad_id
        if is_evaluable(valid) and bool(to_numpy(mx.all(valid))):
            return None
        return masks.padding(valid)

    def _decoder(
        self, input_ids: mx.array, attention_mask: mx.array | None, rows_each: int, use_cache: bool
    ) -> NextLogits:
        self._check_ids("input_ids", input_ids, "source")
        memory, source_mask = self._encode(input_ids, source_mask_of(input_ids, attention_mask))
        return _Decoding(self, memory, source_mask, rows_each, use_cache)

    def _encode(self, source_ids: mx.array, source_mask: mx.array | None) -> tuple[mx.array, mx.array | None]:
        """The memory, and the mask that it was made with."""
        length = source_ids.shape[1]
        if source_mask is None:
            source_mask = self.source_padding(source_ids)
        else:
            _check_source_mask(source_mask, source_ids.shape[0], length)
        x = self._embed("source", self.source_embedding, source_ids, 0)
        return self.encoder(x, source_mask, bias=self._bias("source", length, length)), source_mask

    def _decode(
        self, target_ids: mx.array, memory: mx.array, source_mask: mx.array | None, cache: DecoderCache | None
    ) -> mx.array:
        past = 0 if cache is None else len(cache)
        length = target_ids.shape[1]
        x = self._embed("target", self._target_table, target_ids, past)
        bias = self._bias("target", length, past + length)
        x = self.decoder(x, memory, "causal", source_mask, bias=bias, cache=cache)
        return tap("logits", self._logits(x), axes=VOCAB, formula="x W^T", of=lambda: self._of_logits(x))

    def _embed(self, side: str, table: nn.Embedding, ids: mx.array, offset: int) -> mx.array:
        """√C · E[ids] + P: [B, T] -> [B, T, C]."""
        scaled = "√C · E[ids]" if self.embedding_scale != 1 else "E[ids]"
        x = tap(
            f"{side}_tokens",
            table(ids) * self.embedding_scale,  # [B, T, C]
            axes=MODEL,
            formula=scaled,
            of=lambda: rows(table, ids, self.embedding_scale),
        )
        parts = [x]
        if f"{side}_positions" in self:
            made = self[f"{side}_positions"](ids.shape[1], offset=offset)
            parts.append(alias(made.astype(x.dtype), made))
            x = x + parts[1]
        dropped = self.embedding_dropout(x)
        return tap(
            f"{side}_embeddings",
            dropped,
            axes=MODEL,
            formula=f"dropout({scaled} + P)",
            of=lambda: Total(tuple(parts)) if dropped is x else None,
        )

    def _logits(self, x: mx.array) -> mx.array:
        """[B, T, C] -> [B, T, V]."""
        return self.output_proj(x) if "output_proj" in self else self._target_table.as_linear(x)

    def _of_logits(self, x: mx.array) -> Product | Total | None:
        if "output_proj" in self:
            return projection(x, self.output_proj, "W")
        return Product("btc,vc->btv", (x, Named("E", self._target_table.weight)))

    def _bias(self, side: str, query_length: int, key_length: int) -> mx.array | None:
        make = getattr(self, f"{side}_bias", None)
        return None if make is None else make(query_length, key_length)

    @property
    def _target_table(self) -> nn.Embedding:
        return self.target_embedding if "target_embedding" in self else self.source_embedding

    def _check_ids(self, name: str, ids: Any, side: str, past: int = 0) -> None:
        size = self.source_vocab_size if side == "source" else self.target_vocab_size
        require_ids(name, ids, size, f"the {side} vocabulary")
        length = past + ids.shape[1]
        if self.max_positions is not None and length > self.max_positions:
            raise ArgumentError(
                "too-long",
                f"{name} is {length} tokens long; this model reads at most {self.max_positions}. Shorten or split it",
                name=name,
                length=length,
                max_length=self.max_positions,
            )

    def _target_size(self) -> int:
        return self.target_vocab_size

    def _check_max_length(self, max_length: int) -> None:
        # The last token is generated and never read, so one more than there are positions can be had.
        if self.max_positions is not None and max_length > self.max_positions + 1:
            raise ArgumentError(
                "too-long",
                f"max_length={max_length}, but this model reads at most {self.max_positions} tokens; give "
                f"max_length={self.max_positions + 1} or less",
                name="max_length",
                length=max_length,
                max_length=self.max_positions,
            )

    def _check_batch(self, target_ids: Any, sources: int) -> None:
        if target_ids.shape[0] != sources:
            raise ArgumentError(
                "batches-differ",
                f"each source needs its target: there are {sources} sources, but target_ids "
                f"{shape_text(target_ids)} has {target_ids.shape[0]} rows",
                sources=sources,
                targets=target_ids.shape[0],
            )


class _Decoding(CachedDecoding):
    """A batch being decoded, K rows to a source: what ``generation.NextLogits`` asks for."""

    def __init__(
        self, model: EncoderDecoder, memory: mx.array, source_mask: mx.array | None, beams: int, use_cache: bool
    ) -> None:
        super().__init__(model.decoder.make_cache() if use_cache else None)
        self.model = model
        self.memory = mx.repeat(memory, beams, axis=0)  # [B·K, Ts, C]
        if source_mask is not None and source_mask.shape[0] > 1:
            source_mask = mx.repeat(source_mask, beams, axis=0)
        self.source_mask = source_mask

    def __call__(self, sequences: np.ndarray) -> np.ndarray:
        new = mx.array(sequences[:, self.past :])
        logits = self.model._decode(new, self.memory, self.source_mask, self.cache)  # [B·K, T, V]
        return to_numpy(logits[:, -1]).astype(np.float32, copy=False)


def _check_source_mask(mask: Any, batch: int, length: int) -> None:
    """A source mask says which tokens exist, whatever asks for them: its query axis is 1."""
    masks.check(mask, name="source_mask")
    masks.check(mask, (batch, mask.shape[1] if mask.ndim == 4 else 1, 1, length), "source_mask")
