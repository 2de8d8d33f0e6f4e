"""What every experiment must stand, being in the catalogue: claims that can be broken, seeds, knobs at their ends."""

from __future__ import annotations

import pytest

from tests.tui.experiments.checking import (
    assert_falsifiers_bite,
    assert_hold_or_null,
    assert_result_is_sound,
    label,
    settings_at_ends,
)
from tui.experiments.catalogue import NAMES, catalogue

# Their own files run the ends of their knobs: with a figure that may overflow, at fewer steps, or with fewer pairs.
ENDS_OF_THEIR_OWN = {"attention-steps", "feed-forward", "layer-cost", "recurrent-gradients"}
# What these claim is exact, whatever is drawn.
EXACT = {"beam-search", "head-width"}
ENDS = [
    pytest.param(name, settings, id=f"{name}-{label(settings)}")
    for name in NAMES
    if name not in ENDS_OF_THEIR_OWN
    for settings in settings_at_ends(catalogue()[name])
]


@pytest.mark.parametrize("name", NAMES)
def test_every_claim_holds_and_can_be_broken(name: str) -> None:
    assert_falsifiers_bite(catalogue()[name])


@pytest.mark.parametrize("name", [name for name in NAMES if "seed" in catalogue()[name].defaults()])
def test_another_seed_draws_other_numbers_and_the_claims_hold(name: str) -> None:
    """That the same seed gives the same ones, the test above tells, which ends with the run that it began with."""
    experiment = catalogue()[name]
    first, other = experiment.run(), experiment.run({"seed": 9999})
    assert_hold_or_null(other, {"seed": 9999})
    assert_result_is_sound(experiment, other)
    same = [check.measured for check in other.checks] == [check.measured for check in first.checks]
    assert same == (name in EXACT)


@pytest.mark.parametrize(("name", "settings"), ENDS)
def test_at_the_ends_of_the_knobs(name: str, settings: dict[str, object]) -> None:
    result = catalogue()[name].run(settings)
    assert_hold_or_null(result, settings)
    assert_result_is_sound(catalogue()[name], result)
