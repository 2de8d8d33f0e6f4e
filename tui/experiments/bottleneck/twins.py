"""The shipped models that reverse strings: their contexts and weights on gold targets, and what they write live."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np

import mlxformer as mf
from mlxformer.backend import mx
from mlxformer.pretrained import load_pretrained
from mlxformer.pretrained.reverse.evaluation import right_letters
from mlxformer.pretrained.reverse.strings import ALPHABET, LONGEST
from mlxformer.pretrained.seeds import Run, read_results
from tui.experiments.contract import Report, silent
from tui.experiments.shared.kept import kept

MODELS = {"gru": "reverse-gru", "gru-attention": "reverse-gru-attention", "transformer": "reverse-transformer"}
CROSS_ATTENTION = "decoder.layers.0.cross_attention.weights"


@cache
def reader(model: str) -> Any:
    """The model, loaded once: its weights never change here."""
    return load_pretrained(MODELS[model])


def letters_of(text: str) -> str:
    """The letters a to z in ``text``, full-width and capital ones folded, at most as many as were trained."""
    folded = unicodedata.normalize("NFKC", text).lower()
    return "".join(letter for letter in folded if letter in ALPHABET)[:LONGEST]


@dataclass(frozen=True)
class Attended:
    """A recurrent model on gold targets: contexts [N, Tt, K], annotations [N, Ts, K], and with attention the weights
    [N, Tt, Ts] and how many scores a sentence cost."""

    contexts: np.ndarray
    annotations: np.ndarray
    weights: np.ndarray | None
    scores: int


@kept(size=8)
def attend(model: str, texts: tuple[str, ...], half: bool, uniform: bool, *, report: Report = silent) -> Attended:
    """``texts`` of one length through ``model``, teacher-forced.

    half: stops in the middle of the targets. uniform: with every weight 1/Ts.
    """
    found = reader(model)
    batch = list(texts)
    source_ids, target_ids = found.tokenizer.source_batch(batch), found.tokenizer.target_batch(batch)[:, :-1]
    if half:
        target_ids = target_ids[:, : target_ids.shape[1] // 2]
    with mf.trace(only="[ac]*", on_step=lambda path: report(0.3, path)) as steps:
        if uniform:
            steps.replace("attention.weights", _uniform)
        found.model(mx.array(source_ids), mx.array(target_ids))

    def over_time(path: str) -> np.ndarray:
        return np.stack([step.value for step in steps.all(path)], axis=1)

    contexts, annotations = over_time("context"), steps["annotations"].value
    if "attention.weights" not in steps:
        return Attended(contexts, annotations, None, 0)
    scores = sum(step.value[0].size for step in steps.all("attention.scores"))
    return Attended(contexts, annotations, over_time("attention.weights")[:, :, 0, 0], scores)


@kept(size=8)
def alignment(model: str, letters: str, *, report: Report = silent) -> tuple[str, np.ndarray, mf.Trace]:
    """What ``model`` writes for ``letters``, its weights [heads, Tt, Ts] on the way, and the trace."""
    found = reader(model)
    text = written(model, letters)[:LONGEST]
    tokenizer = found.tokenizer
    source_ids = tokenizer.source_batch([letters], found.source_length)
    begin = np.full((1, 1), tokenizer.bos_id, np.int32)
    target_ids = tokenizer.target_batch([text[::-1]])[:, :-1] if text else begin
    only = CROSS_ATTENTION if model == "transformer" else "[ac]*"
    with mf.trace(only=only, origins=True, on_step=lambda path: report(0.8, path)) as steps:
        found.model(mx.array(source_ids), mx.array(target_ids))
    if model == "transformer":
        return text, steps[CROSS_ATTENTION].value[0, :, :, -len(letters) - 2 :], steps
    rows = [step.value[0, :, 0] for step in steps.all("attention.weights")]  # [1, Ts] each
    return text, np.stack(rows, axis=1), steps


@kept()
def written(model: str, letters: str) -> str:
    """What ``model`` writes for ``letters``."""
    return str(reader(model)(letters))


@kept()
def accuracy(model: str, texts: tuple[str, ...], uniform: bool) -> float:
    """The share of letters right, written now by greedy search; ``uniform`` as in ``attend``."""
    if not uniform:
        return float(right_letters(reader(model)(list(texts)), list(texts)).mean())
    with mf.trace(only="") as steps:
        steps.replace("attention.weights", _uniform)
        return float(right_letters(reader(model)(list(texts)), list(texts)).mean())


def _uniform(weights: Any) -> Any:
    return mx.full(tuple(weights.shape), 1.0 / weights.shape[-1])


@cache
def _runs(model: str) -> tuple[Run, ...]:
    return read_results(MODELS[model])


def over_seeds(model: str, score: str) -> np.ndarray:
    """The score of each seed, as training measured it."""
    return np.array([run.scores[score] for run in _runs(model)])


def by_place(model: str) -> np.ndarray:
    """The share of letters right at each place of the longest outputs: the mean of the seeds, measured in training."""
    return np.mean([run.reports[f"accuracy by place in the output@{LONGEST}"] for run in _runs(model)], 0)
