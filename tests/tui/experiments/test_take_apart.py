"""What is left of a trained model without one of its parts; the counts of the original; what cannot be told apart."""

from __future__ import annotations

import numpy as np
import pytest

import mlxformer as mf
from mlxformer.backend import mx, to_numpy
from mlxformer.inspection import ablation
from tests.tui.experiments.checking import (
    values_of,
)
from tui.experiments.take_apart.body import BASE, base_model
from tui.experiments.take_apart.declaration import EXPERIMENT
from tui.experiments.take_apart.reading import Without, held_out, logits, read, reader, write
from tui.figures.data import Bars, Table


def silent(fraction: float, text: str) -> None:
    return None


@pytest.mark.parametrize("off", [Without(), Without(("layer_norm",)), Without(("positions",))])
def test_one_pass_tells_what_generating_writes(off: Without) -> None:
    """The greedy reading of every date, token by token, is right just where the pass says so."""
    dates, tokenizer = held_out(2), reader().tokenizer
    told = logits(dates, off, silent).argmax(-1) == dates.gold[:, 1:]
    with mf.trace(only="-") as steps:
        ablation.switch_off(steps, reader().model, *off.parts)
        found = to_numpy(reader().model.generate(mx.array(dates.sources), max_length=dates.gold.shape[1]))
    written = [tokenizer.decode(row) == tokenizer.decode(gold) for row, gold in zip(found, dates.gold, strict=True)]
    assert written == told.all(-1).tolist()


def test_without_cross_attention_every_text_is_written_alike() -> None:
    blind = Without(("cross_attention",))
    written = {write(text, blind, silent) for text in ("23 November 2026", "1900年1月1日", "x")}
    assert len(written) == 1


def test_anagrams_are_one_to_a_model_without_positions_and_not_to_the_whole() -> None:
    texts = ("2012-Nov-03", "2021-Nov-30")
    bag, whole = Without(("positions",)), Without()
    assert write(texts[0], bag, silent) == write(texts[1], bag, silent)
    assert write(texts[0], whole, silent) != write(texts[1], whole, silent)


def test_with_all_heads_off_but_some_more_is_read_the_more_are_kept() -> None:
    shares = [read(0, "x", Without(heads=heads), silent).characters for heads in (1, 4)]
    assert shares[0] < 80 < shares[1]


def test_the_original_is_counted_whole() -> None:
    norms, attention, total = base_model(False, False)
    assert (norms, attention, total) == (30, 18 * 4 * 512**2, BASE)


def test_the_figures_have_a_row_for_each_arm_and_the_knobs_own() -> None:
    whole = EXPERIMENT.run()
    bars, table = whole.figures
    assert isinstance(bars, Bars) and isinstance(table, Table)
    assert len(bars.labels) == 9 and len(table.rows) == 10
    assert table.rows[-1][1:] == table.rows[0][1:]
    off = EXPERIMENT.run({"feed_forward": False}).figures
    assert isinstance(off[0], Bars) and isinstance(off[1], Table)
    assert len(off[0].labels) == 10 and off[1].rows[-1][1:] == off[1].rows[4][1:]


@pytest.mark.once  # on MLX, test_kept shows it of a toy and test_falsify what replacing a tensor does
def test_a_trace_around_it_is_not_answered_from_what_was_kept() -> None:
    EXPERIMENT.run()
    with mf.trace(only="-") as steps:
        steps.replace("decoder.layers.0.cross_attention.output", mx.zeros_like)
        result = EXPERIMENT.run()
    broken = {check.name: check.holds for check in result.checks}
    assert broken["whole-model-reads"] is False
    assert values_of(EXPERIMENT)["whole-model-reads"] == 100


def test_another_seed_draws_other_dates() -> None:
    assert not np.array_equal(held_out(0).gold, held_out(1).gold)
