"""The two shipped models on stretches that come twice, whole, with heads off, and with parts of another run put in."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache, partial
from typing import Any

import numpy as np

import mlxformer as mf
from mlxformer.backend import mx, to_numpy
from mlxformer.inspection.attentions import attentions
from mlxformer.inspection.switching import switch_heads_off
from mlxformer.pretrained.poems.forms import FORMS, lines_of, written
from mlxformer.pretrained.poems.samples import held_out
from mlxformer.pretrained.poems.vocabulary import ids_of
from mlxformer.pretrained.repeats.evaluation import accuracy, prefix_matching, previous_token
from mlxformer.pretrained.repeats.signs import SIGNS, twice

TEXTS = 32
POEMS = 24  # of the poet
WEIGHTS = "stack.layers.{}.weights"


@dataclass(frozen=True)
class Ran:
    """Logits [N, 2 L, V] and the trace."""

    logits: np.ndarray
    steps: mf.Trace

    def weights(self, layer: int) -> np.ndarray:
        """[N, H, T, T]."""
        return np.asarray(self.steps[WEIGHTS.format(layer)].value)


@cache
def reader(name: str) -> Any:
    return mf.load_pretrained(name)


def model(name: str) -> Any:
    return reader(name).model


def texts(length: int, seed: int, repeated: bool) -> np.ndarray:
    """[N, 2 L]; not repeated, the second half is another stretch."""
    generator = np.random.default_rng([seed, length, 1])
    ids = twice(generator, length, TEXTS)
    if not repeated:
        ids[:, length:] = twice(generator, length, TEXTS)[:, :length]
    return ids


def ran(
    name: str,
    ids: np.ndarray,
    off: Mapping[int, Sequence[int]] | None = None,
    put_in: Mapping[str, np.ndarray] | None = None,
) -> Ran:
    """One pass, with some heads off (layer -> heads) or tensors of layer 2 replaced (name -> values)."""
    with mf.trace() as steps:
        for layer, heads in (off or {}).items():
            switch_heads_off(steps, attentions(model(name))[layer], heads)
        for part, values in (put_in or {}).items():
            steps.replace(f"stack.layers.1.{part}", partial(_instead, mx.array(values)))
        logits = to_numpy(model(name)(mx.array(ids)))
    return Ran(logits, steps)


def _instead(values: mx.array, _: mx.array) -> mx.array:
    return values


def right(found: Ran, ids: np.ndarray) -> float:
    """Of the second copy, in per cent."""
    return 100.0 * accuracy(found.logits, ids)


@cache
def roles() -> tuple[int, list[int]]:
    """The previous-token head of layer 1, and the heads of layer 2 by their prefix matching, best first."""
    found = ran("induction", texts(16, 0, True))
    best = np.argsort(-prefix_matching(found.weights(1)))
    return int(previous_token(found.weights(0)).argmax()), [int(head) for head in best]


def copies(layer: int, head: int) -> float:
    """Of the matrix W_U W_O W_V W_E of a head: the share of signs whose own logit it raises most, in per cent.

    Source: Elhage et al. 2021 (the OV circuit).
    """
    found = model("induction")
    attention = found.stack.layers[layer]
    width = attention.head_dim
    part = slice(head * width, (head + 1) * width)
    values = to_numpy(attention.value_proj(found.token_embedding.weight))  # [V, H D]
    alone = np.zeros_like(values)
    alone[:, part] = values[:, part]
    logits = to_numpy(found.output_proj(attention.out_proj(mx.array(alone))))  # [V read, V raised]
    return 100.0 * float((logits.argmax(-1) == np.arange(len(SIGNS))).mean())


def losses(logits: np.ndarray, ids: np.ndarray) -> np.ndarray:
    """−ln p of each sign from the second on, mean over texts: [2 L − 1]."""
    scores = logits[:, :-1].astype(np.float64)
    scores = scores - scores.max(-1, keepdims=True)
    scores -= np.log(np.exp(scores).sum(-1, keepdims=True))
    found: np.ndarray = -np.take_along_axis(scores, ids[:, 1:, None], -1)[..., 0].mean(0)
    return found


@cache
def of_the_poet() -> np.ndarray:
    """Prefix matching of every head of the poet, on couplets of five characters a line written twice: [layer, head]."""
    lines = [lines_of(poem) for poem in held_out() if len(poem) == FORMS["五绝"].length][:POEMS]
    ids = ids_of([written([*each[:2], *each[:2]]) for each in lines])["五绝"][:, 1:-1]  # without form and end
    poet, form = model("poet"), reader("poet").tokenizer.form_id(FORMS["五绝"])
    with mf.trace(only="*.weights") as steps:
        poet(mx.array(np.concatenate([np.full((len(ids), 1), form, np.int32), ids], axis=1)))
    found = [steps[f"stack.layers.{layer}.self_attention.weights"].value for layer in range(poet.config.num_layers)]
    return np.array([prefix_matching(each[:, :, 1:, 1:]) for each in found])
