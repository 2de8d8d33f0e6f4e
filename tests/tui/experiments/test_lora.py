"""LoRA starts as the model that it adapts, learns by a change of rank r, and merges into one matrix."""

from __future__ import annotations

import datetime
import random

import numpy as np
import pytest

import mlxformer as mf
from mlxformer.backend import to_numpy
from mlxformer.pretrained.dates.split import is_held_out
from tests.tui.experiments.checking import assert_hold_or_null, values_of
from tui.experiments.lora.body import asked, trained
from tui.experiments.lora.declaration import EXPERIMENT


def test_claims_hold_at_rank_one() -> None:  # at its other end with those of the other knobs
    rank = 1
    settings = {"rank": rank, "seed": 3}
    assert_hold_or_null(EXPERIMENT.run(settings), settings)
    share = values_of(EXPERIMENT, settings)["trained-share"]
    # 2 encoder layers have one attention, 2 decoder layers two, each of four projections 64 x 64
    numbers = (2 + 2 * 2) * 4 * rank * (64 + 64)
    assert share == pytest.approx(100 * numbers / 235_904, rel=1e-9)


def test_the_format_is_day_month_year_and_no_date_is_on_both_sides() -> None:
    tokenizer = mf.load_pretrained("dates").tokenizer
    for held_out in (True, False):
        ids, target = asked(tokenizer, random.Random(1), 20, held_out=held_out)
        for source, written in zip(to_numpy(ids), target, strict=True):
            day, month, year = "".join(tokenizer.tokens[i] for i in source if i > 3).split(".")
            iso = "".join(tokenizer.tokens[i] for i in written if i > 3)
            assert iso == f"{year}-{month}-{day}"
            assert is_held_out(datetime.date.fromisoformat(iso)) == held_out


def test_before_training_none_is_read_and_after_it_most() -> None:
    found = trained(4, 40, 0, ())
    assert found.steps == (0, 10, 20, 30, 40) and found.right[0] < 5 and found.right[-1] > 80


def test_singular_values_end_at_the_rank() -> None:
    values = np.array(trained(4, 40, 0, ()).singular)
    assert np.all(values[:4] > 1e-3) and np.all(values[4:] < 1e-5)


def test_the_table_by_hand() -> None:
    table = next(figure for figure in EXPERIMENT.run().figures if figure.name == "sizes")
    assert [row[1] for row in table.rows] == [2 * 4096 * r for r in (1, 4, 16)] + [4096**2]
    assert table.rows[2][2] == pytest.approx(100 / 128) and table.rows[3][3] == 192  # MiB
