"""One pass of a text through a model, with all that the views need; a pass that was made is not made again."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np

import mlxformer as mf
from mlxformer.backend import mx, to_numpy
from mlxformer.generation.rules import log_softmax
from mlxformer.inspection.attentions import Attention
from mlxformer.inspection.lens import lens, lens_paths
from mlxformer.inspection.switching import one_head_off_each
from mlxformer.tracing import Step
from tui.experiments.contract import Report
from tui.experiments.look.off import Off
from tui.experiments.look.subject import MOST_WRITTEN, Subject, Text
from tui.language.usage import UsageError

MOST_CELLS = 24_000_000  # weights that are kept, of one pass or of several: of 144 heads on 408 tokens
MOST_OPERATIONS = 2e9  # multiplications for which every head is switched off in turn: a quarter of a second on NumPy
KEPT = ("scaled", "weights")  # of every attention; of the one that is shown all steps are


@dataclass(frozen=True, eq=False, repr=False)
class Pass:
    """What came of a text. ``rows`` are the words of the places at which something is predicted.

    Of an encoder-decoder the target is what the whole model writes greedily, given anew to the model (teacher forcing),
    so that places can be compared when something is switched off; ``rewritten`` is what it then writes itself.
    """

    subject: Subject
    text: Text
    off: tuple[str, ...]
    maps: dict[str, dict[str, np.ndarray]]  # by the attention's name: ``scaled`` and ``weights``, [H, Tq, Tk]
    steps: tuple[Step, ...]
    states: dict[str, np.ndarray]  # what the lens reads
    logits: np.ndarray | None  # [T, V]; None where nothing is predicted
    target: tuple[str, ...] = ()  # what the decoder reads
    written: tuple[str, ...] = ()  # what it writes at each place
    rewritten: str = ""

    @property
    def rows(self) -> tuple[str, ...]:
        return self.written or self.text.tokens

    def labels(self, attention: Attention) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """The words of its queries and of its keys. A row of cross-attention is named by what is written there."""
        if attention.part == "cross":
            return self.written, self.text.tokens
        if attention.part == "decoder":
            return self.target, self.target
        return self.text.tokens, self.text.tokens

    @property
    def place(self) -> int:
        """What is looked at unless another place is asked for.

        The first mask, the first token written, a decoder's last token, an encoder's first after [CLS].
        """
        if self.subject.kind == "masked-lm":
            masks = np.flatnonzero(self.text.ids == (-1 if self.subject.mask_id is None else self.subject.mask_id))
            return int(masks[0]) if len(masks) else max(len(self.rows) - 2, 0)
        last = len(self.rows) - 1
        return {"encoder-decoder": 0, "encoder": min(1, last)}.get(self.subject.kind, last)

    def probabilities(self, place: int) -> np.ndarray:
        """[V], float64."""
        assert self.logits is not None
        return np.exp(log_softmax(self.logits[place].astype(np.float64)))

    def lens(self, place: int) -> np.ndarray | None:
        """The probabilities of every layer at a place, float64 [N + 1, V]; None where there is nothing to read."""
        if not lens_paths(self.subject.model):
            return None
        logits = to_numpy(lens(self.subject.model, self.states, place)).astype(np.float64)
        return np.exp(log_softmax(logits))


def passed(subject: Subject, text: str, offs: Sequence[Off], shown: Attention | None, report: Report) -> Pass:
    """The pass of a text with something switched off. All steps of the attention ``shown`` are recorded.

    Raises ``UsageError`` where the text is empty or has too many tokens, and what the model says of it.
    """
    key = (subject, text, tuple(off.name for off in offs), shown)
    found = _kept.get(key)
    if found is None:
        found = _pass(subject, text, tuple(offs), shown, report)
        while _kept and (len(_kept) >= _MOST_KEPT or sum(map(_cells, _kept.values())) + _cells(found) > MOST_CELLS):
            _kept.pop(next(iter(_kept)))
        _kept[key] = found
    return found


def _cells(seen: Pass) -> int:
    return sum(int(each["weights"].size) for each in seen.maps.values())


_kept: dict[Any, Pass] = {}
_MOST_KEPT = 6


def _pass(subject: Subject, text: str, offs: tuple[Off, ...], shown: Attention | None, report: Report) -> Pass:
    read = subject.read(text)
    target = target_of(subject, text) if subject.kind == "encoder-decoder" else None
    _require_small(subject, read, 0 if target is None else len(target) - 1)
    kept: dict[str, list[np.ndarray]] = {}
    only = "*" if shown is None else f"{shown.path}.*"
    with mf.trace(only=only, on_step=lambda path: report(0.3, path)) as steps:
        for off in offs:
            off.apply(steps)
        for attention in subject.attentions:
            for name in KEPT:
                # Additive attention divides by a temperature and not by √D, and has one step for each word.
                step = name if attention.has_queries or name == "weights" else "tempered"
                steps.replace(f"{attention.path}.{step}", _keeping(kept.setdefault(f"{attention.name}.{name}", [])))
        for path in lens_paths(subject.model):
            steps.replace(path, _keeping(kept.setdefault(path, [])))
        logits = _logits(subject, subject.model(*_called_with(read, target), **_named(subject, read)))
    maps = {
        attention.name: {
            name: _cropped(np.concatenate(kept[f"{attention.name}.{name}"], axis=2)[0], attention, read.skipped)
            for name in KEPT
        }
        for attention in subject.attentions
    }
    words: tuple[str, ...] = () if target is None else subject.words(target)
    states = {path: kept[path][-1] for path in lens_paths(subject.model)}
    return Pass(
        subject,
        read,
        tuple(off.name for off in offs),
        maps,
        tuple(steps),
        states,
        logits,
        words[:-1],
        words[1:],
        _rewritten(subject, read, offs, report),
    )


def head_effects(seen: Pass, place: int | None) -> np.ndarray | None:
    """How the probability of the likeliest token at a place changes without each head: [attentions, most heads].

    Without a place, the mean over all places: of an encoder-decoder, over what it has written.

    One pass of a batch of which each row lacks another head. None where nothing is predicted, or it would take long.
    """
    key = (seen.subject, seen.text.text, place)
    if key not in _effects:
        for other in [each for each in _effects if each[0] is not seen.subject or len(_effects) >= _MOST_EFFECTS]:
            del _effects[other]
        _effects[key] = _head_effects(seen, place)
    return _effects[key]


_effects: dict[tuple[Subject, str, int | None], np.ndarray | None] = {}
_MOST_EFFECTS = 32


def _head_effects(seen: Pass, place: int | None) -> np.ndarray | None:
    subject, read = seen.subject, seen.text
    rows = 1 + sum(each.heads for each in subject.attentions)
    tokens = len(read.ids) + len(seen.target)
    if seen.logits is None or not subject.attentions or rows * tokens * _weights_of(subject) > MOST_OPERATIONS:
        return None
    target = target_of(subject, read.text) if subject.kind == "encoder-decoder" else None
    with mf.trace(only="") as steps:
        one_head_off_each(steps, subject.attentions)
        arguments = [mx.repeat(each, rows, axis=0) for each in _called_with(read, target)]
        named = {name: mx.repeat(each, rows, axis=0) for name, each in _named(subject, read).items()}
        output = subject.model(*arguments, **named)
    logits = to_numpy(_scores(subject, output)).astype(np.float64)
    at = logits if place is None else logits[:, place : place + 1]  # [rows, T, V]
    likeliest = at[0].argmax(-1)[None, :, None]
    chances = np.exp(np.take_along_axis(log_softmax(at), np.repeat(likeliest, rows, axis=0), axis=-1))[..., 0].mean(-1)
    changes = chances[1:] - chances[0]
    most = max(each.heads for each in subject.attentions)
    found = np.full((len(subject.attentions), most), np.nan)
    first = 0
    for row, attention in enumerate(subject.attentions):
        found[row, : attention.heads] = changes[first : first + attention.heads]
        first += attention.heads
    return found


@lru_cache(maxsize=8)
def _weights_of(subject: Subject) -> int:
    """The numbers that a token is multiplied by: all weights but the tables that are looked up."""
    from mlxformer.backend import tree_flatten

    parameters = dict(tree_flatten(subject.model.parameters()))
    return sum(int(value.size) for name, value in parameters.items() if "embedding" not in name)


@lru_cache(maxsize=16)
def target_of(subject: Subject, text: str) -> np.ndarray:
    """What the whole model writes greedily, with the start token: int32 [T]."""
    ids = subject.model.generate(subject.read(text).inputs["input_ids"], num_beams=1, max_new_tokens=MOST_WRITTEN)
    found: np.ndarray = to_numpy(ids)[0]
    return found


def _rewritten(subject: Subject, read: Text, offs: Sequence[Off], report: Report) -> str:
    if subject.kind != "encoder-decoder":
        return ""
    if not offs:
        return subject.written(target_of(subject, read.text))
    with mf.trace(only="", on_step=lambda path: report(0.7, path)) as steps:
        for off in offs:
            off.apply(steps)
        ids = subject.model.generate(read.inputs["input_ids"], num_beams=1, max_new_tokens=MOST_WRITTEN)
    return subject.written(to_numpy(ids)[0])


def _require_small(subject: Subject, read: Text, target: int) -> None:
    source = len(read.ids)
    sizes = {"cross": target * source, "decoder": target * target}
    cells = sum(each.heads * sizes.get(each.part, source * source) for each in subject.attentions)
    if cells > MOST_CELLS:
        most = int(source * (MOST_CELLS / cells) ** 0.5)
        raise UsageError("look-too-long", tokens=source, megabytes=cells * 4 * len(KEPT) / 1e6, most=most)


def _called_with(read: Text, target: np.ndarray | None) -> list[mx.array]:
    found = [read.inputs["input_ids"]]
    if target is not None:
        found.append(mx.array(target[None, :-1].astype(np.int32)))
    return found


def _named(subject: Subject, read: Text) -> dict[str, mx.array]:
    """What else an encoder is called with. One text has no padding, so no mask is needed."""
    types = read.inputs.get("token_type_ids")
    return {} if types is None or subject.writes else {"token_type_ids": types}


def _scores(subject: Subject, output: Any) -> Any:
    """The logits [B, T, V] in what a model returns; None where it predicts nothing."""
    if subject.writes or subject.kind == "decoder":
        return output
    return getattr(output, "prediction_logits", getattr(output, "logits", None))


def _logits(subject: Subject, output: Any) -> np.ndarray | None:
    scores = _scores(subject, output)
    if scores is None:
        mx.eval(output.last_hidden_state)
        return None
    return to_numpy(scores)[0]


def _keeping(into: list[np.ndarray]) -> Callable[[mx.array], mx.array]:
    def keep(x: mx.array) -> mx.array:
        into.append(to_numpy(x))
        return x

    return keep


def _cropped(cells: np.ndarray, attention: Attention, skipped: int) -> np.ndarray:
    """Without the padding in front of the source: [H, Tq, Tk]."""
    if not skipped or attention.part == "decoder":
        return cells
    return cells[:, :, skipped:] if attention.part == "cross" else cells[:, skipped:, skipped:]
