"""The feed-forward as a memory in the trained date model, and the bill of plain and gated ones."""

from __future__ import annotations

import numpy as np
import pytest

import mlxformer as mf
from tests.tui.experiments.checking import (
    SENTENCES,
    assert_hold_or_null,
    assert_result_is_sound,
    label,
    settings_at_ends,
    values_of,
)
from tui.experiments.feed_forward import neurons
from tui.experiments.feed_forward.declaration import EXPERIMENT

# The signs most and least often written stand for all; so do nothing, and half of a pair, for what people type.
TRIED = {"sign": "07", "date": ("", *SENTENCES[-1:])}
SETTINGS = [
    s for s in settings_at_ends(EXPERIMENT) if len(s) > 1 or all(v in TRIED.get(name, (v,)) for name, v in s.items())
]


@pytest.mark.parametrize("settings", SETTINGS, ids=label)
def test_at_the_ends_of_the_knobs(settings: dict[str, object]) -> None:
    result = EXPERIMENT.run({"date": "", **settings})  # reading a date aloud takes half of the time
    assert_hold_or_null(result, settings)
    assert_result_is_sound(EXPERIMENT, result)


@pytest.mark.parametrize(("seed", "units"), [(1, 24), (7, 64)])
def test_the_dash_alone_is_forgotten_on_other_dates(seed: int, units: int) -> None:
    result = EXPERIMENT.run({"seed": seed, "units": units, "date": ""})
    assert_hold_or_null(result, {"seed": seed, "units": units})
    bars = next(figure for figure in result.figures if figure.name == "by-token")
    right = dict(zip(bars.labels, bars.values, strict=True))
    assert right.pop("-") < 25 and min(right.values()) > 85


def test_a_memory_is_what_the_layer_does_unit_by_unit() -> None:
    sources = neurons.held_out(3)
    _, steps = neurons.decode(sources, {}, lambda: mf.trace(only="decoder.layers.0.feed_forward.*"))
    memory = neurons.memory_of(steps, 0, sources)
    place = (5, 2)
    loop = memory.bias.copy()
    for unit in range(256):
        loop += float(memory.activated[(*place, unit)]) * memory.values[unit]
    np.testing.assert_allclose(memory.summed()[place], loop, atol=1e-9)
    np.testing.assert_allclose(memory.output[place], loop, atol=1e-5)
    sign = neurons.SIGNS.index("7")
    seen = sources.written == neurons.sign_ids()[sign]
    np.testing.assert_allclose(memory.fires[sign], memory.activated[seen].mean(0), rtol=1e-6)


def test_switched_off_units_write_nothing_and_the_others_as_before() -> None:
    sources = neurons.held_out(0)
    path = neurons.path_of(1, "activated")

    def activated(changes: neurons.Changes) -> np.ndarray:
        return neurons.decode(sources, changes, lambda: mf.trace(only=path))[1][path].value

    before, after = activated({}), activated({path: neurons.switched_off(np.array([3, 200]), 256)})
    assert (after[..., [3, 200]] == 0).all() and before[..., [3, 200]].any()
    np.testing.assert_array_equal(np.delete(after, [3, 200], -1), np.delete(before, [3, 200], -1))


def test_the_bill() -> None:
    table = next(figure for figure in EXPERIMENT.run({"date": ""}).figures if figure.name == "bill")
    assert [row[3] for row in table.rows] == ["4,718,592", "7,077,888", "4,718,592"]
    assert values_of(EXPERIMENT, {"d_model": 960})["gated-costs-the-same"] == 1.0
