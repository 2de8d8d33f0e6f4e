"""BERT under its own mask and under a decoder's, and what it is made of."""

from __future__ import annotations

import numpy as np
import pytest

import mlxformer as mf
from mlxformer.backend import mx, to_numpy
from tui.experiments.encoder_half.body import base, formula
from tui.experiments.encoder_half.declaration import EXPERIMENT
from tui.experiments.encoder_half.filling import costs, drawn, gaps, hidden, ids_of, logits, reader
from tui.figures.data import Bars, Heatmap, Table


def test_both_ways_is_what_the_model_itself_does() -> None:
    ids = ids_of("守株待兔")
    np.testing.assert_allclose(
        to_numpy(hidden(ids[None], causal=False)),
        to_numpy(reader().model(mx.array(ids[None])).last_hidden_state),
        atol=1e-5,
    )


def test_its_first_guess_is_that_of_fill() -> None:
    (token, probability), *_ = reader().fill("守株待[MASK]")
    found = gaps([ids_of("守株待兔")], "last")
    scores = to_numpy(mx.softmax(logits(found, causal=False), axis=-1))[0]
    assert scores[reader().tokenizer(token).input_ids[0, 1].item()] == pytest.approx(probability, rel=1e-4)
    assert costs(found, causal=False)[0] == pytest.approx(-np.log(scores[found.answers[0]]), rel=1e-3)


def test_the_causal_arm_sees_nothing_later() -> None:
    ids = ids_of("守株待兔")[None]
    changed = ids.copy()
    changed[0, 3] = reader().tokenizer.mask_id
    moved = np.abs(to_numpy(hidden(ids, causal=True)) - to_numpy(hidden(changed, causal=True))).max(-1)[0]
    assert (moved[:3] == 0).all() and (moved[3:] > 0).all()


def test_padding_changes_no_cost() -> None:
    texts = drawn("idioms", 0)[:2]
    alone = np.concatenate([costs(gaps([ids], "last"), causal=True) for ids in texts])
    longer = ids_of("子曰：学而时习之，不亦说乎？")
    together = costs(gaps([*texts, longer], "last"), causal=True)[:2]
    np.testing.assert_allclose(together, alone, rtol=1e-3, atol=1e-4)


def test_the_formula_counts_other_berts_too() -> None:
    for sizes in ({}, {"hidden_size": 24, "num_attention_heads": 4, "num_hidden_layers": 3, "intermediate_size": 40}):
        config = mf.BertConfig(**sizes)
        h, v = config.hidden_size, config.vocab_size
        heads = (h * h + h) + 2 * h + v + (2 * h + 2)
        assert formula(config) - heads == mf.count_parameters(config)
    assert base(False) == 109_482_240 and base(True) == 335_141_888


def test_the_figures_show_three_places_under_two_masks() -> None:
    table, bars, influence = EXPERIMENT.run({"mask": "causal"}).figures
    assert isinstance(table, Table) and isinstance(bars, Bars) and isinstance(influence, Heatmap)
    assert len(table.rows) == len(bars.values) == 6
    assert not np.triu(np.asarray(influence.stages[0].values[0]), 1).any()


def test_a_text_without_words_says_so() -> None:
    result = EXPERIMENT.run({"sentence": "……"})
    assert not result.figures and all(check.holds is None for check in result.checks)
