"""The recurrent encoder-decoder, with and without attention: what the Transformer grew out of.

    h_j = [→h_j; ←h_j],  s_i = f(s_{i-1}, y_{i-1}, c_i),  p(y_i) = softmax(W_o maxout(W [s_i; y_{i-1}; c_i]))

With attention ``c_i = Σ_j α_ij h_j`` (Bahdanau et al. 2015, §3): another context for every word. Without it every c_i
is the encoder's last state (Cho et al. 2014, §2.2): one vector, however long the sentence.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, Literal, NamedTuple

import numpy as np

from mlxformer.attention import masks
from mlxformer.attention.scores import ScoredAttention
from mlxformer.axes import MODEL, VECTOR, VOCAB
from mlxformer.backend import is_evaluable, mx, nn, to_numpy
from mlxformer.errors import ArgumentError
from mlxformer.generation.generate import GenerativeModel, source_mask_of
from mlxformer.generation.rules import NextLogits
from mlxformer.layers.recurrent import CELLS, Recurrent, State, run_cell
from mlxformer.models.own_folder import OwnConfig, OwnFolder
from mlxformer.models.reprs import config_repr, sizes_text
from mlxformer.origins import applied, projection, rows
from mlxformer.tracing import in_trace, is_tracing, tap
from mlxformer.validation import is_whole, require_choice, require_ids, require_kind, require_positive, shape_text


@dataclass(frozen=True, repr=False)
class Seq2SeqConfig(OwnConfig):
    """The shape and the choices of a ``Seq2Seq``.

    Args:
        vocab_size: V, of source and target.
        dims: C, the width of the embeddings (620 in Bahdanau's paper, A.2).
        hidden_dims: H, the width of the states (1,000 there).
        cell: ``"gru"`` (the paper's), ``"lstm"`` or ``"rnn"``.
        attention: whether each word has a context of its own.
        attention_dims: A, of the scoring network; None is H (1,000 in the paper).
        readout_dims: of the maxout layer; None is H (500 in the paper).
        bidirectional: whether a second encoder reads the source backwards.
        pad_id: padding.
        bos_id: the first target token.
        eos_id: the last target token.

    Raises:
        ArgumentError: for what cannot be.

    Source: Bahdanau et al. 2015, §3 and A.2.

    >>> import mlxformer as mf
    >>> mf.Seq2SeqConfig(30, dims=8, hidden_dims=16, attention=False)
    Seq2SeqConfig(vocab_size=30, dims=8, hidden_dims=16, attention=False)
    """

    model_type: ClassVar[str] = "mlxformer-seq2seq"

    vocab_size: int
    dims: int = 256
    hidden_dims: int = 256
    cell: Literal["rnn", "gru", "lstm"] = "gru"
    attention: bool = True
    attention_dims: int | None = None
    readout_dims: int | None = None
    bidirectional: bool = True
    pad_id: int = 0
    bos_id: int = 1
    eos_id: int = 2

    def __post_init__(self) -> None:
        require_positive(vocab_size=self.vocab_size, dims=self.dims, hidden_dims=self.hidden_dims)
        require_choice("cell", self.cell, tuple(CELLS))
        for name in ("attention", "bidirectional"):
            require_choice(name, getattr(self, name), (True, False))
        for name in ("attention_dims", "readout_dims"):
            if getattr(self, name) is not None:
                require_positive(**{name: getattr(self, name)})
        for name in ("pad_id", "bos_id", "eos_id"):
            value = getattr(self, name)
            inside = is_whole(value, 0) and value < self.vocab_size
            if not inside or (name != "pad_id" and value == self.pad_id):
                raise ArgumentError(
                    "special-id",
                    f"{name}={value!r} must lie in the vocabulary, 0 to {self.vocab_size - 1}, and only padding may "
                    f"be pad_id={self.pad_id}",
                    name=name,
                    given=value,
                )

    def __repr__(self) -> str:
        return config_repr(self, ("vocab_size", "dims", "hidden_dims"))

    @property
    def depths(self) -> dict[str, int]:
        """None: it has one recurrent layer, or two that read in both directions."""
        return {}

    @property
    def widths(self) -> dict[str, int]:
        """The fields that are the length of some tensor's axis."""
        names = ("vocab_size", "dims", "hidden_dims", "attention_dims", "readout_dims")
        return {name: getattr(self, name) for name in names if getattr(self, name) is not None}


class _Memory(NamedTuple):
    """What the decoder is given: annotations [B, Ts, K], the same projected for attention [B, Ts, A] or None, the mask
    [B, 1, 1, Ts] or None, the source as one vector [B, K], and the decoder's first state."""

    annotations: mx.array
    projected: mx.array | None
    mask: mx.array | None
    summary: mx.array
    state: State


class Seq2Seq(OwnFolder, GenerativeModel):
    """The encoder-decoder. ``logits = model(source_ids, target_ids)``, ``.encode`` and ``.generate``.

    ``save_pretrained(folder)`` writes it, ``Seq2Seq.from_pretrained(folder)`` reads it again.

    A trace shows every gate of every step under ``forward_rnn.cell``, ``backward_rnn.cell`` and ``decoder_cell``, the
    ``context`` of each target position, and with attention ``attention.scores`` and ``attention.weights``
    [B, 1, 1, Ts], one call for each target position.

    As in the paper's Eq. 4 the readout sees s_i; its appendix A.2.2 prints s_{i-1}. The GRU is that of ``GRUCell``.

    Args:
        config: sizes and choices.

    Raises:
        ArgumentError: for a config of another kind; when called, for ids, batches and masks that do not fit.

    Source: Bahdanau et al. 2015, §3; Cho et al. 2014, §2.2.

    >>> import mlxformer as mf
    >>> from mlxformer.backend import mx
    >>> model = mf.Seq2Seq(mf.Seq2SeqConfig(30, dims=8, hidden_dims=16))
    >>> model(mx.array([[5, 6, 7]]), mx.array([[1, 5]])).shape
    (1, 2, 30)
    """

    config_class = Seq2SeqConfig
    config: Seq2SeqConfig

    def __init__(self, config: Seq2SeqConfig) -> None:
        super().__init__()
        require_kind("config", config, Seq2SeqConfig)
        self.config = config
        self.pad_id = config.pad_id
        make, hidden_dims = CELLS[config.cell], config.hidden_dims
        self.source_embedding = nn.Embedding(config.vocab_size, config.dims)
        self.target_embedding = nn.Embedding(config.vocab_size, config.dims)
        self.forward_rnn = Recurrent(make(config.dims, hidden_dims))
        annotation_dims = hidden_dims
        if config.bidirectional:
            self.backward_rnn = Recurrent(make(config.dims, hidden_dims), reverse=True)
            annotation_dims = 2 * hidden_dims
        self.initial_proj = nn.Linear(hidden_dims, hidden_dims)
        if config.attention:
            attention_dims = config.attention_dims or hidden_dims
            self.attention = ScoredAttention(hidden_dims, annotation_dims, attention_dims, score="additive")
        self.decoder_cell = make(config.dims, hidden_dims)
        self.context_proj = nn.Linear(annotation_dims, make.gates * hidden_dims, bias=False)
        readout_dims = config.readout_dims or hidden_dims
        self.readout_proj = nn.Linear(hidden_dims + config.dims + annotation_dims, 2 * readout_dims)
        self.output_proj = nn.Linear(readout_dims, config.vocab_size)

    def __call__(self, source_ids: mx.array, target_ids: mx.array, source_mask: mx.array | None = None) -> mx.array:
        """Logits of the token after each target token.

        Args:
            source_ids: int32 [B, Ts].
            target_ids: int32 [B, Tt], which begin with ``bos_id`` (teacher forcing).
            source_mask: as ``mf.masks.padding(valid)`` makes it, [B, 1, 1, Ts]; None means all that are not ``pad_id``.

        Returns:
            [B, Tt, V].

        Raises:
            ArgumentError: for ids outside the vocabulary (not checked inside ``mx.compile``), empty sequences, batches
                that differ, and masks of another kind or shape.
        """
        memory = self._encode(source_ids, source_mask)
        require_ids("target_ids", target_ids, self.config.vocab_size, "the vocabulary")
        if target_ids.shape[0] != source_ids.shape[0]:
            raise ArgumentError(
                "batches-differ",
                f"each source needs its target: source_ids is {shape_text(source_ids)}, "
                f"target_ids {shape_text(target_ids)}",
                sources=source_ids.shape[0],
                targets=target_ids.shape[0],
            )
        return self._decode(target_ids, memory, memory.state)[0]

    @in_trace
    def encode(self, source_ids: mx.array, source_mask: mx.array | None = None) -> mx.array:
        """The annotations h_j.

        Args:
            source_ids: int32 [B, Ts].
            source_mask: as in ``__call__``.

        Returns:
            [B, Ts, K], K = 2H where bidirectional.
        """
        return self._encode(source_ids, source_mask).annotations

    def _extra_repr(self) -> str:
        config = self.config
        return sizes_text(
            self,
            cell=repr(config.cell),
            attention=config.attention,
            dims=config.dims,
            hidden_dims=config.hidden_dims,
            vocab=config.vocab_size,
        )

    def _target_size(self) -> int:
        return self.config.vocab_size

    def _decoder(
        self, input_ids: mx.array, attention_mask: mx.array | None, rows_each: int, use_cache: bool
    ) -> NextLogits:
        require_ids("input_ids", input_ids, self.config.vocab_size, "the vocabulary")
        return _Decoding(self, self._encode(input_ids, source_mask_of(input_ids, attention_mask)), rows_each)

    def _encode(self, source_ids: mx.array, source_mask: mx.array | None) -> _Memory:
        require_ids("source_ids", source_ids, self.config.vocab_size, "the vocabulary")
        source_mask = self._checked(source_mask, source_ids)
        valid = None if source_mask is None else source_mask[:, 0, 0]  # [B, Ts]
        x = tap(
            "source_embeddings",
            self.source_embedding(source_ids),
            axes=MODEL,
            formula="E_s[source]",
            of=lambda: rows(self.source_embedding, source_ids),
        )
        annotations, last = self.forward_rnn(x, valid=valid)
        summary = last[0]
        if self.config.bidirectional:
            # The backward encoder ends at the first word, having read all: ←h_1, from which the paper starts (A.2.2).
            backward, last = self.backward_rnn(x, valid=valid)
            annotations = mx.concatenate([annotations, backward], axis=-1)
            summary = mx.concatenate([summary, last[0]], axis=-1)
        annotations = tap("annotations", annotations, axes=MODEL, formula="h_j = [→h_j; ←h_j]")  # [B, Ts, K]
        projected = self.attention.key_proj(annotations) if self.config.attention else None
        # Only the hidden state goes through W_s; an LSTM's cell is handed over as it is (Sutskever et al. 2014).
        ending = last[0]
        first = tap(
            "initial_state",
            mx.tanh(self.initial_proj(ending)),
            axes=VECTOR,
            formula="tanh(W_s h)",
            of=lambda: applied("tanh", projection(ending, self.initial_proj, "W_s", "bc,oc->bo")),
        )
        return _Memory(annotations, projected, source_mask, summary, (first, *last[1:]))

    def _decode(self, target_ids: mx.array, memory: _Memory, state: State) -> tuple[mx.array, State]:
        """Logits [B, Tt, V] of target tokens that follow ``state``, and the state after them."""
        words = tap(
            "target_embeddings",
            self.target_embedding(target_ids),
            axes=MODEL,
            formula="E_t[target]",
            of=lambda: rows(self.target_embedding, target_ids),
        )
        projected = self.decoder_cell.input_proj(words)  # [B, Tt, gates · H]
        if self.config.attention or is_tracing():
            states, contexts, state = self._step_by_step(projected, memory, state)
        else:  # c is one vector for all steps
            once = mx.expand_dims(memory.summary, 1)  # [B, 1, K]
            states, state = run_cell(self.decoder_cell, projected + self.context_proj(once), state)
            contexts = mx.broadcast_to(once, (*projected.shape[:2], once.shape[-1]))
        seen = mx.concatenate([states, words, contexts], axis=-1)
        pairs = self.readout_proj(seen)  # [B, Tt, 2L]
        readout = mx.max(pairs.reshape(*pairs.shape[:2], -1, 2), axis=-1)  # maxout: [B, Tt, L]
        readout = tap("readout", readout, axes=MODEL, formula="maxout(W [s_i; y_{i-1}; c_i])")
        logits = tap(
            "logits",
            self.output_proj(readout),
            axes=VOCAB,
            formula="W_o t_i + b",
            of=lambda: projection(readout, self.output_proj, "W_o"),
        )
        return logits, state

    def _step_by_step(self, projected: mx.array, memory: _Memory, state: State) -> tuple[mx.array, mx.array, State]:
        """The states [B, Tt, H] and contexts [B, Tt, K] of all steps, and the last state."""
        states, contexts = [], []
        for time in range(projected.shape[1]):
            context = tap("context", self._context(state[0], memory), axes=VECTOR, formula="c_i")  # [B, K]
            state = self.decoder_cell.step(projected[:, time] + self.context_proj(context), state)
            states.append(state[0])
            contexts.append(context)
        return mx.stack(states, axis=1), mx.stack(contexts, axis=1), state

    def _context(self, hidden: mx.array, memory: _Memory) -> mx.array:
        """c_i [B, K], from the state before this word."""
        if not self.config.attention:
            return memory.summary
        query = mx.expand_dims(hidden, 1)  # [B, 1, H]
        found = self.attention(query, memory.annotations, memory.mask, projected_keys=memory.projected)
        return found[:, 0]

    def _checked(self, source_mask: mx.array | None, source_ids: mx.array) -> mx.array | None:
        """The mask [B, 1, 1, Ts], or None where nothing is padding."""
        if source_mask is None:
            source_mask = masks.padding(source_ids != self.pad_id)
        else:
            shape = (source_ids.shape[0], 1, 1, source_ids.shape[1])
            masks.check(source_mask, shape)
            source_mask = mx.broadcast_to(source_mask, shape)
        if is_evaluable(source_mask) and bool(to_numpy(mx.all(source_mask))):
            return None
        return source_mask


class _Decoding:
    """A batch being decoded, K rows to a source: what ``generation.NextLogits`` asks for."""

    def __init__(self, model: Seq2Seq, memory: _Memory, beams: int) -> None:
        self.model = model
        self.memory = _Memory(*(_repeated(part, beams) for part in memory))
        self.state: State = self.memory.state
        self.seen = 0  # tokens

    def __call__(self, sequences: np.ndarray) -> np.ndarray:
        logits, self.state = self.model._decode(mx.array(sequences[:, self.seen :]), self.memory, self.state)
        self.seen = sequences.shape[1]
        return to_numpy(logits[:, -1]).astype(np.float32, copy=False)

    def reorder(self, rows: np.ndarray) -> None:
        """Rows move only among the beams of one source, so the memory, the same for all of them, stays."""
        self.state = tuple(mx.take(part, mx.array(rows.astype(np.int32)), axis=0) for part in self.state)


def _repeated(part: Any, beams: int) -> Any:
    if part is None or beams == 1:
        return part
    if isinstance(part, tuple):
        return tuple(_repeated(one, beams) for one in part)
    return mx.repeat(part, beams, axis=0)
