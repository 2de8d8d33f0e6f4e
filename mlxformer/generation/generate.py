"""``generate``, once for every model that writes: what it asks of the model, and the search that it runs."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Literal

from mlxformer.attention import masks
from mlxformer.backend import mx
from mlxformer.errors import ArgumentError
from mlxformer.generation.rules import NextLogits, SearchRules
from mlxformer.generation.search import search
from mlxformer.tracing import Module, in_trace
from mlxformer.validation import require_positive


class GenerativeModel(Module):
    """A model that can write. A subclass says how it starts to decode, and which rules it searches by.

    ``_decoder`` gives ``generation.rules.NextLogits``, ``_rules`` the ``SearchRules``; ``_check_max_length`` refuses
    what is longer than the model can read.
    """

    @in_trace
    def generate(
        self,
        input_ids: mx.array,
        attention_mask: mx.array | None = None,
        *,
        num_beams: int | None = None,
        max_length: int | None = None,
        length_penalty: float | None = None,
        early_stopping: bool | Literal["never"] | None = None,
        use_cache: bool = True,
    ) -> mx.array:
        """The best sequences found: greedy search with one beam, beam search with more.

        Runs in evaluation mode whatever mode the model is in, and leaves that mode as it was. What is None is what the
        model's checkpoint asks for (``MarianModel``), else the value given below.

        Args:
            input_ids: what is read, the source: int32 [B, Ts].
            attention_mask: [B, Ts], 1 or True at real tokens; None means all that are not padding.
            num_beams: K, how many prefixes of each source go on; 1.
            max_length: the longest result, its start token counted; to be given where no checkpoint has it.
            length_penalty: α of the score ``log p / |Y|^α``; 1.0. Of beam search only.
            early_stopping: when a source is done (``mlxformer.generation.beam``); False. Of beam search only.
            use_cache: whether keys and values are kept from token to token, True by default; it changes the time and
                not the result. (A recurrent model has none: its state is kept always.)

        Returns:
            int32 [B, T], from the start token to the token that ends a sequence; T is the length of the longest.
            Shorter rows go on with padding, which is never generated.

        Raises:
            ArgumentError: ids out of range, empty or too long sequences, ``max_length`` or ``num_beams`` below 1, and
                masks of another shape; also where a checkpoint asks for a way of generating that is not implemented.

        >>> import mlxformer as mf
        >>> from mlxformer.backend import mx
        >>> config = mf.TransformerConfig(20, dims=8, num_heads=2, ffn_dims=16)
        >>> written = mf.Transformer(config).generate(mx.array([[5, 6, 7]]), num_beams=2, max_length=4)
        >>> written[:, 0].tolist()  # the start token
        [1]
        """
        given = {
            "num_beams": num_beams,
            "max_length": max_length,
            "length_penalty": length_penalty,
            "early_stopping": early_stopping,
        }
        rules = self._rules({name: value for name, value in given.items() if value is not None})
        self._check_max_length(rules.max_length)
        with evaluation_mode(self):
            decoder = self._decoder(input_ids, attention_mask, rules.num_beams, use_cache)
            found = search(decoder, input_ids.shape[0], rules)
        return mx.array(found)  # [B, T]

    @in_trace
    def start_decoding(
        self, input_ids: mx.array, attention_mask: mx.array | None = None, *, rows_each: int = 1
    ) -> NextLogits:
        """The decoder on these sources as a search sees it, for searches of one's own; it serves one of them.

        ``beam_hypotheses(model.start_decoding(ids, rows_each=4), len(ids), rules)`` or
        ``sample(model.start_decoding(ids), …)``. The model runs in the mode that it is in: call ``eval()`` first.

        Args:
            input_ids: as in ``generate``.
            attention_mask: as in ``generate``.
            rows_each: how many rows each source has, 1 by default.

        Returns:
            What ``generation.rules.NextLogits`` describes.

        Raises:
            ArgumentError: as ``generate`` does.
        """
        require_positive(rows_each=rows_each)
        return self._decoder(input_ids, attention_mask, rows_each, True)

    def _decoder(
        self, input_ids: mx.array, attention_mask: mx.array | None, rows_each: int, use_cache: bool
    ) -> NextLogits:
        raise NotImplementedError

    def _rules(self, given: dict[str, Any]) -> SearchRules:
        raise NotImplementedError

    def _check_max_length(self, max_length: int) -> None:
        """Nothing here: a model without a table of positions reads any length."""


def rules_of(given: dict[str, Any], *, start_id: int, pad_id: int, eos_id: int) -> SearchRules:
    """The rules of a model without a checkpoint's: ``given``, which must say how long a result may be."""
    if "max_length" not in given:
        raise ArgumentError(
            "max-length-missing",
            "generate needs max_length, the longest result with its start token: give max_length=20, say",
        )
    return SearchRules(start_id=start_id, pad_id=pad_id, eos_ids=(eos_id,), **given)


def source_mask_of(input_ids: mx.array, attention_mask: mx.array | None) -> mx.array | None:
    """Hugging Face's ``attention_mask`` of ids [B, Ts] that were checked, as a mask [B, 1, 1, Ts]."""
    if attention_mask is None:
        return None
    return masks.padding(masks.from_attention_mask(attention_mask, (input_ids.shape[0], input_ids.shape[1])))


@contextmanager
def evaluation_mode(model: Any) -> Iterator[None]:
    """Nothing is dropped out inside; afterwards every module is in the mode that it was in."""
    modes = sorted(((path.count("."), path, m, m.training) for path, m in model.named_modules()), key=lambda e: e[:2])
    if not any(training for *_, training in modes):
        yield
        return
    model.eval()
    try:
        yield
    finally:
        for *_, module, training in modes:  # from the root down, for train() reaches everything below
            module.train(training)
