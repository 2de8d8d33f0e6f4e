"""What fine-tuning reaches by start, rate and frozen layers; the live run is one of those that were measured."""

from __future__ import annotations

import numpy as np
import pytest

from mlxformer.pretrained.masked.fine_tuning import read_tuned
from tests.tui.experiments.checking import assert_hold_or_null, values_of
from tui.experiments.fine_tuning.body import ALL, FAST, FEW, FEW_HEAD, HEAD, RANDOM_LONGER, SLOW, of
from tui.experiments.fine_tuning.declaration import EXPERIMENT


@pytest.mark.parametrize("settings", [{"seed": 3}, {"examples": 16, "seed": 1}])
def test_claims_hold_at_other_settings(settings: dict[str, int]) -> None:
    assert_hold_or_null(EXPERIMENT.run(settings), settings)


def test_the_live_run_is_the_one_that_ships() -> None:
    shipped = next(each for each in read_tuned() if vars(each.setting) == {**vars(ALL), "layers": 0, "seed": 0})
    live = values_of(EXPERIMENT, {"layers": 0})["live"]
    assert live == pytest.approx(100 * shipped.right[-1], abs=3)


def last(setting: object) -> list[float]:
    return [100 * each.right[-1] for each in of(setting)]  # type: ignore[arg-type]


def test_the_ways_are_ordered_as_the_answer_says() -> None:
    assert all(len(last(way)) == 5 for way in (ALL, SLOW, FAST, HEAD, RANDOM_LONGER, FEW, FEW_HEAD))
    assert min(last(SLOW)) > max(last(RANDOM_LONGER)) and np.mean(last(HEAD)) > 90
    assert np.mean(last(FAST)) < 60 < 85 < np.mean(last(ALL)) < np.mean(last(SLOW))
    assert np.mean(last(FEW_HEAD)) > np.mean(last(FEW)) and np.ptp(last(FEW)) > 5 * np.ptp(last(FEW_HEAD))


def test_the_faster_the_more_is_forgotten() -> None:
    kept = [np.mean([each.recall for each in of(way)]) for way in (SLOW, ALL, FAST)]
    assert kept[0] > kept[1] > kept[2] and kept[0] == pytest.approx(
        np.mean([each.recall for each in of(HEAD)]), abs=0.02
    )


def test_where_nothing_is_promised_it_is_said() -> None:
    for settings in ({"layers": 1, "rate": "2e-3", "steps": 0}, {"steps": 5}):
        checks = {check.name: check for check in EXPERIMENT.run(settings).checks}
        assert checks["live"].holds is None and checks["live"].reason.zh
