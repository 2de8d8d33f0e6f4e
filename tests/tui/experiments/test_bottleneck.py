"""One context, or one for each step, on the shipped twins; and the curves are what training measured."""

from __future__ import annotations

import json

import numpy as np
import pytest

import mlxformer as mf
from mlxformer.backend import mx, to_numpy
from mlxformer.pretrained.cards import shipped_folder
from mlxformer.pretrained.reverse.evaluation import held_out
from tests.tui.experiments.checking import (
    assert_hold_or_null,
    values_of,
)
from tui.experiments.bottleneck import dates
from tui.experiments.bottleneck.declaration import EXPERIMENT
from tui.experiments.bottleneck.twins import MODELS, alignment, attend, letters_of, reader
from tui.figures.data import Curve, Heatmap, Tokens


def quiet(fraction: float, text: str) -> None:
    pass


@pytest.mark.parametrize(("length", "seed"), [(12, 1), (24, 2), (40, 3)])
def test_claims_hold_from_other_seeds(length: int, seed: int) -> None:
    settings = {"length": length, "seed": seed}
    assert_hold_or_null(EXPERIMENT.run(settings), settings)


def test_contexts_against_the_formula_in_float64() -> None:
    """Σ_j softmax_j(vᵀ tanh(W s + U h_j)) h_j from the weights' file, for the first step of one string."""
    found = reader("gru-attention")
    texts = held_out(9, 1)
    given = attend("gru-attention", tuple(texts), False, False)
    attention = found.model.attention
    w, u, v = (
        to_numpy(part.weight).astype(np.float64)
        for part in (attention.query_proj, attention.key_proj, attention.score_proj)
    )
    with mf.trace(only="initial_state") as steps:
        source_ids, target_ids = found.tokenizer.source_batch(texts), found.tokenizer.target_batch(texts)[:, :-1]
        found.model(mx.array(source_ids), mx.array(target_ids))
    state, annotations = steps["initial_state"].value[0].astype(np.float64), given.annotations[0].astype(np.float64)
    scores = np.array([float(v[0] @ np.tanh(w @ state + u @ each)) for each in annotations])
    weights = np.exp(scores - scores.max())
    weights /= weights.sum()
    np.testing.assert_allclose(given.contexts[0, 0], weights @ annotations, atol=1e-5)


def test_without_attention_the_context_is_the_two_last_states() -> None:
    """[→h_T; ←h_1]: whatever came between, the decoder gets no more."""
    given = attend("gru", tuple(held_out(12, 2)), False, False)
    half = given.annotations.shape[-1] // 2
    last = np.concatenate([given.annotations[:, -1, :half], given.annotations[:, 0, half:]], axis=-1)
    for step in range(given.contexts.shape[1]):
        np.testing.assert_array_equal(given.contexts[:, step], last)


def test_the_curve_shows_what_training_wrote() -> None:
    figure = next(each for each in EXPERIMENT.run().figures if each.name == "by-length")
    assert isinstance(figure, Curve)
    for model, series in zip(MODELS.values(), figure.series, strict=False):
        runs = json.loads((shipped_folder(model) / "results.json").read_text(encoding="utf-8"))["runs"]
        expected = [100 * np.mean([run["scores"][f"accuracy@{int(x)}"] for run in runs]) for x in series.x]
        np.testing.assert_allclose(series.y, expected)


@pytest.mark.parametrize("model", ["gru-attention", "transformer"])
def test_the_map_and_the_strip_are_of_what_was_typed(model: str) -> None:
    result = EXPERIMENT.run({"text": "Zebra Quilt!", "model": model, "step": 2})
    strips, heatmap = result.figures[:2]
    assert isinstance(strips, Tokens) and isinstance(heatmap, Heatmap)
    assert "".join(strips.strips[0].tokens) == "[BOS]zebraquilt[EOS]"
    assert heatmap.columns == ["[BOS]", *"zebraquilt", "[EOS]"]
    written, weights, _ = alignment(model, "zebraquilt")
    assert written == "tliuqarbez"
    np.testing.assert_allclose(strips.strips[0].values or (), weights[:, 1].mean(0), atol=0.006)
    np.testing.assert_allclose(weights.sum(-1), 1, atol=1e-5)


def test_letters_are_taken_from_any_text() -> None:
    assert letters_of("Ａ b-C! 反 é") == "abc" and letters_of("x" * 90) == "x" * 40 and letters_of("猫") == ""


def test_another_seed_gives_other_strings_and_the_same_training() -> None:
    first, second = values_of(EXPERIMENT), values_of(EXPERIMENT, {"seed": 5})
    assert first["live-gap"] != second["live-gap"] and first["gap-from-every-seed"] == second["gap-from-every-seed"]


def test_the_head_that_aligns_dates_looks_at_the_right_characters() -> None:
    """Each digit of 2026-11-23 is written while the head looks into the same number of the source."""
    text = "2026年11月23日"
    source, written, weights = dates.weights(dates.best_head(), text, report=quiet)
    assert "".join(source[:11]) == text and written == "2026-11-23" and weights.shape[0] == 10
    np.testing.assert_allclose(weights.sum(-1), 1, atol=1e-5)
    spans = [(0, 5)] * 4 + [None] + [(5, 8)] * 2 + [None] + [(8, 11)] * 2
    for peak, span in zip(weights.argmax(-1), spans, strict=True):
        assert span is None or span[0] <= peak < span[1]
