"""Trees by exhaustion, the date model's beams, and filters, at every knob's ends."""

from __future__ import annotations

import math
from typing import Any

import pytest

from tests.tui.experiments.checking import (
    assert_hold_or_null,
    values_of,
)
from tui.experiments.beam_search import trees
from tui.experiments.beam_search.declaration import EXPERIMENT


def test_claims_hold_for_other_seeds() -> None:
    for seed in range(1, 4):
        settings = {"seed": seed, "beams": 2 + seed, "top_p": 0.5, "temperature": 1.5}
        assert_hold_or_null(EXPERIMENT.run(settings), settings)


@pytest.mark.parametrize("tree", [trees.MISSED, trees.LENGTHS, trees.trap(1), trees.trap(8)])
def test_the_trees_are_distributions(tree: trees.Branches) -> None:
    for branches in tree.values():
        assert sum(branches.values()) == pytest.approx(1)
    assert sum(probability for _, probability in trees.sequences(tree)) == pytest.approx(1)


def test_the_numbers_of_the_first_tree_by_hand() -> None:
    measured = values_of(EXPERIMENT)
    assert measured["greedy-probability"] == pytest.approx(0.20)
    assert measured["beam-probability"] == pytest.approx(0.36)


@pytest.mark.parametrize("beams", [1, 5])
def test_the_trap_shuts_at_every_width(beams: int) -> None:
    assert values_of(EXPERIMENT, {"beams": beams})["beam-is-not-exact"] == pytest.approx(0.55)


@pytest.mark.parametrize(("alpha", "winner"), [(0.0, "A ."), (0.2, "A ."), (0.4, "B C D E ."), (2.0, "B C D E .")])
def test_the_third_tree_changes_its_winner_with_alpha(alpha: float, winner: str) -> None:
    table: Any = EXPERIMENT.run({"alpha": alpha, "beams": 3}).figures[0]
    assert [row[1] for row in table.rows if row[0] == 3 and row[-1]] == [winner]


def test_the_filters_table_shows_what_is_left() -> None:
    table: Any = EXPERIMENT.run({"top_k": 3, "top_p": 1.0, "temperature": 1.0}).figures[2]
    for column in (2, 4):
        left = [row[column] for row in table.rows if row[column] is not None]
        assert len(left) == 3 and math.isclose(sum(left), 1, rel_tol=1e-6)


def test_the_date_model_offers_as_many_beams_as_asked() -> None:
    figure: Any = EXPERIMENT.run({"beams": 4}).figures[1]
    beams = [strip for strip in figure.strips if "beam" in strip.label.en]
    assert len(beams) == 4 and len({tuple(strip.tokens) for strip in beams}) == 4


@pytest.mark.parametrize("temperature", [0.3, 0.8, 2.0])
@pytest.mark.parametrize("beginning", ["白日依山尽，黄河入海", "春眠不觉晓，处处闻啼鸟。"])
def test_the_nucleus_adapts_wherever_the_poet_is_asked(temperature: float, beginning: str) -> None:
    for top_p in (0.3, 0.95):
        settings = {"temperature": temperature, "beginning": beginning, "top_p": top_p, "date": ""}
        assert_hold_or_null(EXPERIMENT.run(settings), settings)


def test_the_poet_ends_its_couplet_and_greedily_where_one_token_is_left() -> None:
    figure: Any = EXPERIMENT.run({"beginning": "楼殿倚明月，", "top_k": 1}).figures[3]
    texts = ["".join(strip.tokens) for strip in figure.strips]
    assert len(texts) == 4 and len(set(texts)) == 1 and len(texts[0]) == 12 and texts[0].endswith("。")


def test_a_whole_poem_is_not_gone_on_with_and_one_of_no_form_is_said() -> None:
    whole = EXPERIMENT.run({"beginning": "楼殿倚明月，参差如乱峰。宫花半夜发，不待景阳钟。", "date": ""})
    assert [figure.name for figure in whole.figures] == ["trees", "filtered"]
    assert all(check.holds is None for check in EXPERIMENT.run({"beginning": "hello"}).checks)
