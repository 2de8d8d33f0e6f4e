"""Generation watched: the same tokens, and every step as the model saw it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import mlxformer as mf
from mlxformer.backend import mx, to_numpy
from mlxformer.generation.rules import log_softmax
from mlxformer.generation.watching import Moment, watched_generate
from tests.mlxformer.comparing import assert_close

PROMPT = np.array([[5, 6, 7]], np.int32)


def gpt() -> mf.GPT:
    mx.random.seed(1)
    return mf.GPT(mf.GPTConfig(20, dims=16, num_heads=2, num_layers=2))


def pair() -> mf.Transformer:
    mx.random.seed(2)
    sizes = {"dims": 16, "num_heads": 2, "ffn_dims": 32, "num_encoder_layers": 1, "num_decoder_layers": 1}
    return mf.Transformer(mf.TransformerConfig(20, **sizes))  # type: ignore[arg-type]


WAYS: dict[str, dict[str, Any]] = {
    "greedy": {},
    "drawn": {"temperature": 1.5, "top_k": 4, "top_p": 0.8, "seed": 3},
    "beams": {"num_beams": 3},
}


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("make", [gpt, pair])
def test_it_writes_what_generate_writes(make: Any, way: str) -> None:
    model, options = make(), WAYS[way] | {"max_new_tokens": 5}
    ids, score, moments = watched_generate(model, mx.array(PROMPT), **options)
    wanted, scores = model.generate(mx.array(PROMPT), return_scores=True, **options)
    assert ids.tolist() == wanted[0].tolist() and ids.dtype == np.int32
    assert score == pytest.approx(float(to_numpy(scores)[0]), abs=1e-5)
    assert len(moments) >= len(ids) - moments[0].sequences.shape[1]


def teacher_forced(model: mf.GPT, row: np.ndarray) -> np.ndarray:
    """The log-probabilities [T, V] after each token, in one pass without a cache."""
    model.eval()
    return log_softmax(to_numpy(model(mx.array(row[None])))[0].astype(np.float64))


@pytest.mark.parametrize("way", WAYS)
def test_probabilities_are_those_of_one_pass_over_the_whole(way: str) -> None:
    model = gpt()
    _, _, moments = watched_generate(model, mx.array(PROMPT), max_new_tokens=5, **WAYS[way])
    for moment in moments:
        for at, row in enumerate(moment.sequences):
            log_p = teacher_forced(model, row)
            assert_close(moment.own[at], np.exp(log_p[-1]), 1e-5)
            total = sum(log_p[place, token] for place, token in enumerate(row[1:]) if place >= PROMPT.shape[1] - 1)
            assert moment.log_p[at] == pytest.approx(total, abs=1e-4)


def kept(moment: Moment) -> list[int]:
    return np.flatnonzero(moment.drawn_from[0]).tolist()


def test_what_is_drawn_from_is_filtered_and_sharpened() -> None:
    ids, _, moments = watched_generate(gpt(), mx.array(PROMPT), max_new_tokens=5, temperature=0.5, top_k=3, seed=0)
    for at, moment in enumerate(moments):
        assert kept(moment) == sorted(np.argsort(-moment.own[0])[:3].tolist())
        squared = moment.own[0, kept(moment)] ** 2  # p^(1/τ), τ = 1/2
        assert_close(moment.drawn_from[0, kept(moment)], squared / squared.sum(), 1e-5)
        assert ids[PROMPT.shape[1] + at] in kept(moment)


def test_greedily_the_likeliest_is_taken_at_every_step() -> None:
    ids, _, moments = watched_generate(gpt(), mx.array(PROMPT), max_new_tokens=5)
    taken = [int(moment.own[0].argmax()) for moment in moments]
    assert ids[PROMPT.shape[1] :].tolist() == taken


def test_the_beams_are_sorted_and_begin_alike() -> None:
    _, _, moments = watched_generate(pair(), mx.array(PROMPT), max_new_tokens=4, num_beams=3)
    assert {tuple(row) for row in moments[0].sequences.tolist()} == {(1,)}
    for moment in moments[1:]:
        assert len({tuple(row) for row in moment.sequences.tolist()}) == 3
        assert moment.log_p.tolist() == sorted(moment.log_p.tolist(), reverse=True)
