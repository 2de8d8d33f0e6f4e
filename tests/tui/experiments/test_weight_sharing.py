"""Parameters counted from modules: what the paper shares, what ALBERT shares, and what is claimed and is not so."""

from __future__ import annotations

import numpy as np
import pytest

from tests.tui.experiments.checking import (
    values_of,
)
from tui.experiments.weight_sharing.declaration import EXPERIMENT


def test_the_published_numbers() -> None:
    values = values_of(EXPERIMENT)
    assert values["tied-parameters"] == 63_045_632
    assert values["untied-parameters"] == 100_933_632
    assert values["shared-layer-parameters"] == 26_294_272
    assert values["bert-base-parameters"] == 109_482_240
    assert values["albert-base-parameters"] == 11_683_584
    assert values["embeddings-times-sqrt-d"] == pytest.approx(8, rel=1e-5)


def test_the_ledger_adds_up_whatever_is_drawn() -> None:
    for settings, total in (
        ({}, 63_045_632),
        ({"tie": "none"}, 100_933_632),
        ({"share_layers": True}, 26_294_272),
        ({"vocabulary": 1000, "d_model": 64, "layers": 1}, 1000 * 64 + 3 * 4 * 64**2 + 2 * (8 * 64**2 + 320) + 10 * 64),
    ):
        ledger = next(figure for figure in EXPERIMENT.run(settings).figures if figure.name == "ledger")
        assert sum(ledger.values) == pytest.approx(total / 1e6)
        assert f"{total:,}" in ledger.title.en


def test_parameters_grow_with_depth_only_where_layers_are_apart() -> None:
    curve = next(figure for figure in EXPERIMENT.run().figures if figure.name == "depth")
    untied, tied, shared = (np.array(series.y) for series in curve.series)
    assert len(set(shared)) == 1 and shared[0] == tied[0]
    by_layer = np.diff(tied) / np.diff(curve.series[1].x)
    np.testing.assert_allclose(by_layer, by_layer[0], rtol=1e-9)
    np.testing.assert_allclose(untied - tied, 2 * 37_000 * 512 / 1e6, rtol=1e-9)


def test_distances_of_trained_layers_are_those_of_unrelated_matrices() -> None:
    figure = next(figure for figure in EXPERIMENT.run().figures if figure.name == "distances")
    values = np.asarray(figure.stages[0].values)
    assert values.shape == (6, 4, 4)
    np.testing.assert_allclose(values, values.swapaxes(-1, -2))
    assert (values[:, range(4), range(4)] == 0).all()
