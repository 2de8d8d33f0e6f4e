"""What draft and target write together is the target's text, whichever draft, and takes fewer of its passes."""

from __future__ import annotations

import pytest

from tests.tui.experiments.checking import assert_hold_or_null, values_of
from tui.experiments.speculative.body import expected_tokens
from tui.experiments.speculative.declaration import EXPERIMENT


@pytest.mark.parametrize("draft", ["poet-small", "poet"])
def test_claims_hold_with_every_draft(draft: str) -> None:
    for settings in ({"seed": 1, "ahead": 1, "temperature": 0.5}, {"temperature": 2.0}):
        assert_hold_or_null(EXPERIMENT.run({"draft": draft, **settings}), settings)


@pytest.mark.once  # as test_every_experiment does with claims at other settings
def test_a_better_draft_is_kept_more_often_and_saves_more_passes() -> None:
    small, itself = (values_of(EXPERIMENT, {"draft": draft}) for draft in ("poet-small", "poet"))
    assert small["kept-share"] < 40 and itself["kept-share"] == pytest.approx(100)
    assert small["tokens-per-pass"] + 1 < itself["tokens-per-pass"] <= 5


def test_expected_tokens_are_the_mean_of_a_geometric_run() -> None:
    for beta, ahead in ((0.3, 1), (0.8, 4), (0.9, 8)):
        by_hand = sum((k + 1) * beta**k * (1 - beta) for k in range(ahead)) + (ahead + 1) * beta**ahead
        assert expected_tokens(beta, ahead) == pytest.approx(by_hand)
    assert expected_tokens(1.0, 4) == 5


@pytest.mark.parametrize("beginning", ["hello", "白日依，山尽", "白日依山尽，黄河入海流。欲穷千里目，更上一层楼。"])
def test_a_beginning_of_no_quatrain_is_said(beginning: str) -> None:
    assert all(check.holds is None and check.reason.zh for check in EXPERIMENT.run({"beginning": beginning}).checks)
