"""What every experiment must stand, by being in the catalogue: claims that can be broken, and knobs at their ends."""

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
ENDS = [
    pytest.param(name, settings, id=f"{name}-{label(settings)}")
    for name in NAMES
    if name not in ENDS_OF_THEIR_OWN
    for settings in settings_at_ends(catalogue()[name])
]


@pytest.mark.parametrize("name", NAMES)
def test_every_claim_holds_and_can_be_broken(name: str) -> None:
    assert_falsifiers_bite(catalogue()[name])


@pytest.mark.parametrize(("name", "settings"), ENDS)
def test_at_the_ends_of_the_knobs(name: str, settings: dict[str, object]) -> None:
    result = catalogue()[name].run(settings)
    assert_hold_or_null(result, settings)
    assert_result_is_sound(catalogue()[name], result)
