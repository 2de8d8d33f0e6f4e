"""``generate``, once for every model that writes: what it asks of the model, and the search that it runs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any, ClassVar, Literal, overload

import numpy as np

from mlxformer.attention import masks
from mlxformer.axes import TOKENS
from mlxformer.backend import expect_one_row, mx, nn, to_numpy
from mlxformer.errors import ArgumentError
from mlxformer.generation.beam import beam_hypotheses
from mlxformer.generation.greedy import collected, write
from mlxformer.generation.plan import Plan, make_plan
from mlxformer.generation.rules import NextLogits, SearchRules, Start
from mlxformer.tracing import Module, in_trace
from mlxformer.validation import require_array, require_ids, require_positive, require_shape


class GenerativeModel(Module):
    """A model that can write. A subclass says how it starts to decode, and which rules it searches by.

    ``_decoder`` gives ``generation.rules.NextLogits``, ``_rules`` the ``SearchRules`` (here those of a ``config`` with
    ``bos_id``, ``pad_id`` and ``eos_id``), ``_prompt`` what every sequence begins with; ``_check_max_length`` refuses
    what is longer than the model can read. ``default_new_tokens`` is how many tokens are written where no length is
    given; None means that one must be, or that a checkpoint has it.
    """

    default_new_tokens: ClassVar[int | None] = None

    @overload
    def generate(
        self,
        input_ids: mx.array | None = None,
        attention_mask: mx.array | None = None,
        *,
        source_ids: mx.array | None = None,
        num_beams: int | None = None,
        max_length: int | None = None,
        max_new_tokens: int | None = None,
        min_length: int | None = None,
        length_penalty: float | None = None,
        early_stopping: bool | Literal["never"] | None = None,
        temperature: float | None = None,
        top_k: int | None = None,
        top_p: float | None = None,
        min_p: float | None = None,
        seed: int | None = None,
        repetition_penalty: float | None = None,
        no_repeat_ngram_size: int | None = None,
        stop_sequences: Sequence[Sequence[int]] | None = None,
        num_return_sequences: int | None = None,
        decoder_input_ids: mx.array | None = None,
        return_scores: Literal[False] = False,
        use_cache: bool = True,
    ) -> mx.array: ...
    @overload
    def generate(
        self,
        input_ids: mx.array | None = None,
        attention_mask: mx.array | None = None,
        *,
        source_ids: mx.array | None = None,
        num_beams: int | None = None,
        max_length: int | None = None,
        max_new_tokens: int | None = None,
        min_length: int | None = None,
        length_penalty: float | None = None,
        early_stopping: bool | Literal["never"] | None = None,
        temperature: float | None = None,
        top_k: int | None = None,
        top_p: float | None = None,
        min_p: float | None = None,
        seed: int | None = None,
        repetition_penalty: float | None = None,
        no_repeat_ngram_size: int | None = None,
        stop_sequences: Sequence[Sequence[int]] | None = None,
        num_return_sequences: int | None = None,
        decoder_input_ids: mx.array | None = None,
        return_scores: Literal[True],
        use_cache: bool = True,
    ) -> tuple[mx.array, mx.array]: ...
    @in_trace
    def generate(
        self,
        input_ids: mx.array | None = None,
        attention_mask: mx.array | None = None,
        *,
        source_ids: mx.array | None = None,
        num_beams: int | None = None,
        max_length: int | None = None,
        max_new_tokens: int | None = None,
        min_length: int | None = None,
        length_penalty: float | None = None,
        early_stopping: bool | Literal["never"] | None = None,
        temperature: float | None = None,
        top_k: int | None = None,
        top_p: float | None = None,
        min_p: float | None = None,
        seed: int | None = None,
        repetition_penalty: float | None = None,
        no_repeat_ngram_size: int | None = None,
        stop_sequences: Sequence[Sequence[int]] | None = None,
        num_return_sequences: int | None = None,
        decoder_input_ids: mx.array | None = None,
        return_scores: bool = False,
        use_cache: bool = True,
    ) -> mx.array | tuple[mx.array, mx.array]:
        """The best sequences found: greedy search, beam search (``num_beams``) or drawn ones (``temperature``).

        Runs in evaluation mode whatever mode the model is in, and leaves that mode as it was. What is None is what the
        model's checkpoint asks for (``MarianModel``), else the value given below. Lengths count the start token and
        ``decoder_input_ids``, or a decoder-only model's prompt, with its padding if that is on the left.

        Args:
            input_ids: what is read, int32 [B, Ts]: the source, or of a decoder-only model the prompt.
            attention_mask: [B, Ts], 1 or True at real tokens; None means all that are not padding.
            source_ids: another name of ``input_ids``, by which encoder-decoders are called.
            num_beams: K, how many prefixes of each source go on; 1.
            max_length: the longest result; to be given, this or the next, where no checkpoint or configuration has it.
            max_new_tokens: how many tokens are written at most, instead of ``max_length``.
            min_length: no sequence ends before it has so many tokens; 0. (A stop sequence ends it all the same.)
            length_penalty: α of the score ``log p / |Y|^α``; 1.0. Of beam search only.
            early_stopping: when a source is done (``mlxformer.generation.beam``); False. Of beam search only.
            temperature: τ; tokens are drawn, with probabilities ``softmax(z / τ)``. None or 0: the most probable one
                is taken.
            top_k: draw among the k most probable tokens; None means all.
            top_p: draw among the fewest tokens that have together this probability; None means all.
            min_p: draw among those at least this times as probable as the most probable; None means all.
            seed: of the draws; None means other ones at each call.
            repetition_penalty: θ: scores of tokens that have occurred are divided by θ where above 0, else multiplied
                by it; 1.0.
            no_repeat_ngram_size: n: no n tokens in a row occur twice; 0 allows all.
            stop_sequences: lists of ids, ``[[13], [5, 6]]``, after any of which a sequence has ended; they stay in the
                result.
            num_return_sequences: how many results each row of the batch gets, one after another: the best of the
                beams, or that many draws; 1.
            decoder_input_ids: int32 [B, T0], what the target begins with; the start token is put before it where no
                row has it. Not of a decoder-only model, whose ``input_ids`` are that.
            return_scores: whether the scores come too.
            use_cache: whether keys and values are kept from token to token, True by default; it changes the time and
                not the result. (A recurrent model has none: its state is kept always.)

        Returns:
            int32 [B, T] ([B · num_return_sequences, T]), from the start token, or of a decoder-only model from the
            prompt as it was given, to the token that ends a sequence; T is the length of the longest. Shorter rows go
            on with padding. With ``return_scores`` also float32 [B]: the score of beam search, else the
            log-probability of what was written, by the model's own logits.

        Raises:
            ArgumentError: ids out of range, empty or too long sequences, numbers that cannot be, masks of another
                shape, options that contradict each other, logits that are not numbers; also where a checkpoint asks
                for a way of generating that is not implemented.

        >>> import mlxformer as mf
        >>> from mlxformer.backend import mx
        >>> config = mf.TransformerConfig(20, dims=8, num_heads=2, ffn_dims=16)
        >>> written = mf.Transformer(config).generate(mx.array([[5, 6, 7]]), num_beams=2, max_length=4)
        >>> written[:, 0].tolist()  # the start token
        [1]
        """
        options = {
            "num_beams": num_beams,
            "max_length": max_length,
            "max_new_tokens": max_new_tokens,
            "min_length": min_length,
            "length_penalty": length_penalty,
            "early_stopping": early_stopping,
            "temperature": temperature,
            "top_k": top_k,
            "top_p": top_p,
            "min_p": min_p,
            "seed": seed,
            "repetition_penalty": repetition_penalty,
            "no_repeat_ngram_size": no_repeat_ngram_size,
            "stop_sequences": stop_sequences,
            "num_return_sequences": num_return_sequences,
        }
        input_ids = _one_of(input_ids, source_ids)
        plan = make_plan(self, self._prompt(input_ids, attention_mask, decoder_input_ids), options)
        expect_one_row(self)
        with evaluation_mode(self):
            decoder = self._decoder(input_ids, attention_mask, plan.rows_each, use_cache)
            found, scores = run_plan(decoder, plan)
        if found.min() < 0:  # a prompt's padding, as it was given
            prompt = np.repeat(to_numpy(input_ids), plan.results_each, axis=0)
            found = np.concatenate([prompt, found[:, prompt.shape[1] :]], axis=1)
        ids = mx.array(found.astype(np.int32))  # [B, T]
        return (ids, mx.array(scores.astype(np.float32))) if return_scores else ids

    def stream(
        self,
        input_ids: mx.array | None = None,
        attention_mask: mx.array | None = None,
        *,
        source_ids: mx.array | None = None,
        max_length: int | None = None,
        max_new_tokens: int | None = None,
        min_length: int | None = None,
        temperature: float | None = None,
        top_k: int | None = None,
        top_p: float | None = None,
        min_p: float | None = None,
        seed: int | None = None,
        repetition_penalty: float | None = None,
        no_repeat_ngram_size: int | None = None,
        stop_sequences: Sequence[Sequence[int]] | None = None,
        num_return_sequences: int | None = None,
        decoder_input_ids: mx.array | None = None,
        use_cache: bool = True,
    ) -> Iterator[mx.array]:
        """What ``generate`` writes, token by token as they come: greedy, or drawn.

        Arguments are checked at once, not at the first token. Between tokens the model is in the mode that it was in.

        Args:
            input_ids: this and all others are those of ``generate``.

        Returns:
            An iterator over int32 [B], the next token of each row; padding where a row has ended.

        Raises:
            ArgumentError: as ``generate`` does.

        >>> import mlxformer as mf
        >>> from mlxformer.backend import mx
        >>> model = mf.Transformer(mf.TransformerConfig(20, dims=8, num_heads=2, ffn_dims=16))
        >>> streamed = [token.item() for token in model.stream(mx.array([[5, 6, 7]]), max_new_tokens=3)]
        >>> streamed == model.generate(mx.array([[5, 6, 7]]), max_new_tokens=3)[0, 1:].tolist()
        True
        """
        options = {
            "max_length": max_length,
            "max_new_tokens": max_new_tokens,
            "min_length": min_length,
            "temperature": temperature,
            "top_k": top_k,
            "top_p": top_p,
            "min_p": min_p,
            "seed": seed,
            "repetition_penalty": repetition_penalty,
            "no_repeat_ngram_size": no_repeat_ngram_size,
            "stop_sequences": stop_sequences,
            "num_return_sequences": num_return_sequences,
            "num_beams": 1,
        }
        input_ids = _one_of(input_ids, source_ids)
        plan = make_plan(self, self._prompt(input_ids, attention_mask, decoder_input_ids), options)
        expect_one_row(self)
        decoder = self._opened(input_ids, attention_mask, plan.rows_each, use_cache)
        assert plan.choose is not None, "one beam is not a beam search"
        steps = write(_Stepping(self, decoder), plan.start.repeated(plan.rows_each), plan.rules, plan.choose)
        return (mx.array(tokens) for tokens, _ in steps)

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

    @in_trace
    def _opened(
        self, input_ids: mx.array, attention_mask: mx.array | None, rows_each: int, use_cache: bool
    ) -> NextLogits:
        with evaluation_mode(self):
            return self._decoder(input_ids, attention_mask, rows_each, use_cache)

    @in_trace
    def _next(self, decoder: NextLogits, sequences: np.ndarray) -> np.ndarray:
        with evaluation_mode(self):
            return decoder(sequences)

    def _prompt(
        self, input_ids: mx.array, attention_mask: mx.array | None, decoder_input_ids: mx.array | None
    ) -> Start:
        """What the target of each source begins with, by the user; no column where that is the start token alone."""
        require_array("input_ids", input_ids)
        require_shape("input_ids", input_ids, TOKENS)
        batch = input_ids.shape[0]
        if decoder_input_ids is None:
            return Start(np.zeros((batch, 0), np.int32))
        require_ids("decoder_input_ids", decoder_input_ids, self._target_size(), "the target vocabulary")
        require_shape("decoder_input_ids", decoder_input_ids, TOKENS, (batch, None))
        return Start(to_numpy(decoder_input_ids).astype(np.int32))

    def _started(self, start: Start, rules: SearchRules) -> Start:
        """``start`` with the start token before it, unless a row has it."""
        if start.ids.shape[1] and (start.ids[:, 0] == rules.start_id).any():
            return start
        first = np.full((len(start.ids), 1), rules.start_id, np.int32)
        return replace(start, ids=np.concatenate([first, start.ids], axis=1))

    def _target_size(self) -> int:
        raise NotImplementedError

    def _decoder(
        self, input_ids: mx.array, attention_mask: mx.array | None, rows_each: int, use_cache: bool
    ) -> NextLogits:
        raise NotImplementedError

    def _rules(self, given: dict[str, Any]) -> SearchRules:
        if "max_length" not in given:
            raise ArgumentError(
                "max-length-missing",
                "generate needs max_length, the longest result with its start token, or max_new_tokens: give "
                "max_new_tokens=20, say",
            )
        config = self.config
        return SearchRules(start_id=config.bos_id, pad_id=config.pad_id, eos_ids=(config.eos_id,), **given)

    def _check_max_length(self, max_length: int) -> None:
        """Nothing here: a model without a table of positions reads any length."""


class _Stepping:
    """A decoder whose every step is one of its model's: in evaluation mode, and under the model's path in a trace."""

    def __init__(self, model: GenerativeModel, decoder: NextLogits) -> None:
        self.model, self.decoder = model, decoder

    def __call__(self, sequences: np.ndarray) -> np.ndarray:
        return self.model._next(self.decoder, sequences)

    def reorder(self, rows: np.ndarray) -> None:
        self.decoder.reorder(rows)


def run_plan(decoder: NextLogits, plan: Plan) -> tuple[np.ndarray, np.ndarray]:
    """What a plan finds: int32 [B · N, T] and the score of each, [B · N].

    Args:
        decoder: on B sources, as many rows each as the plan asks for.
        plan: of ``make_plan``.

    >>> import mlxformer as mf
    >>> from mlxformer.generation.generate import run_plan
    >>> from mlxformer.generation.plan import make_plan
    >>> model, ids = mf.Transformer(mf.TransformerConfig(20, dims=8, num_heads=2, ffn_dims=16)), mx.array([[5, 6, 7]])
    >>> plan = make_plan(model, Start(np.zeros((1, 0), np.int32)), {"num_beams": 2, "max_length": 4})
    >>> sequences, scores = run_plan(model.start_decoding(ids, rows_each=2), plan)
    >>> sequences[:, 0].tolist(), scores.shape  # the start token
    ([1], (1,))
    """
    if plan.choose is not None:
        start = plan.start.repeated(plan.rows_each)
        return collected(write(decoder, start, plan.rules, plan.choose), start)
    batch, count = len(plan.start.ids), plan.results_each
    found, scores = beam_hypotheses(decoder, batch, plan.rules, plan.start, best=count)
    return found.reshape(batch * count, -1), scores.reshape(-1)


def _one_of(input_ids: mx.array | None, source_ids: mx.array | None) -> mx.array:
    if input_ids is not None and source_ids is not None:
        raise ArgumentError("ids-both", "input_ids and source_ids are two names of one thing; give one of them")
    ids = source_ids if input_ids is None else input_ids
    require_array("input_ids", ids)
    assert ids is not None, "which is no array"
    return ids


def source_mask_of(input_ids: mx.array, attention_mask: mx.array | None) -> mx.array | None:
    """Hugging Face's ``attention_mask`` of ids [B, Ts] that were checked, as a mask [B, 1, 1, Ts].

    Args:
        input_ids: integers [B, Ts].
        attention_mask: [B, Ts], 1 or True at real tokens; None means all.

    >>> source_mask_of(mx.array([[5, 0]]), mx.array([[1, 0]])).tolist()
    [[[[True, False]]]]
    """
    if attention_mask is None:
        return None
    return masks.padding(masks.from_attention_mask(attention_mask, (input_ids.shape[0], input_ids.shape[1])))


@contextmanager
def evaluation_mode(model: nn.Module) -> Iterator[None]:
    """Nothing is dropped out inside; afterwards every module is in the mode that it was in.

    Args:
        model: any module.

    >>> from mlxformer.backend import nn
    >>> layer = nn.Dropout(0.5)
    >>> with evaluation_mode(layer):
    ...     layer.training
    False
    >>> layer.training
    True
    """
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
