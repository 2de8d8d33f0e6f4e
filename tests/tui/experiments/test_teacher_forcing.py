"""Teacher forcing is one pass of the same computation; a wrong token hurts more when the prefix is the model's own."""

from __future__ import annotations

import numpy as np
import pytest

from mlxformer.backend import mx, to_numpy
from tests.tui.experiments.checking import (
    assert_hold_or_null,
)
from tui.experiments.teacher_forcing.declaration import EXPERIMENT
from tui.experiments.teacher_forcing.decoding import by_steps, held_out_sources, reader, with_error
from tui.figures.data import Tokens


@pytest.mark.parametrize(("offset", "seed"), [(2, 1), (8, 2)])
def test_claims_hold_together(offset: int, seed: int) -> None:
    settings = {"offset": offset, "seed": seed}
    assert_hold_or_null(EXPERIMENT.run(settings), settings)


def test_free_running_is_what_the_model_generates() -> None:
    model, tokenizer = reader().model, reader().tokenizer
    sources = held_out_sources(3)
    free = np.full_like(sources.gold, -1)
    free[:, 0] = tokenizer.bos_id
    found, _ = by_steps(sources, free)
    text = "23 November 2026"
    ids = mx.array(tokenizer.pad([tokenizer.source(text)]))
    assert tokenizer.decode(to_numpy(model.generate(ids, max_length=12))[0]) == "2026-11-23"
    np.testing.assert_array_equal(found, sources.gold)  # the card: every held-out date is read right


def test_an_error_changes_one_token_to_another() -> None:
    gold = held_out_sources(0).gold
    for place in range(1, 11):
        for offset in (1, 5, 9):
            changed = with_error(gold, place, offset) != gold
            assert changed[:, place].all() and changed.sum() == len(gold)


def test_the_strips_show_an_illegal_month_derailing_the_rest() -> None:
    figure = EXPERIMENT.run().figures[0]
    assert isinstance(figure, Tokens)
    undisturbed, _, forced, free = figure.strips
    assert "".join(undisturbed.tokens[:10]) == "2026-11-23"
    assert list(free.marks or ()).count("✗") > list(forced.marks or ()).count("✗") > 0


def test_after_a_digit_for_the_dash_the_dash_is_written_late() -> None:
    sources = held_out_sources(0)
    wrong = with_error(sources.gold, 5, 5)
    wrong[:, 6:] = -1
    found, _ = by_steps(sources, wrong)
    assert (found[:, 6] == reader().tokenizer.target("-")[1]).all()
