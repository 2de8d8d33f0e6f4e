"""What every experiment must stand, being in the catalogue: claims that can be broken, seeds, knobs at their ends.

On MLX every claim holds at the defaults, where every value is NumPy's (test_both_backends), and with the knobs at their
ends, several at a time. That a claim can be broken, that it holds with another seed and at each end alone is shown on
NumPy: how it is measured is one source for both, and what a replacement does to a tensor, test_falsify holds on both.
"""

from __future__ import annotations

import pytest

from mlxformer import backend
from tests.tui.experiments.checking import (
    assert_falsifiers_bite,
    assert_hold_or_null,
    assert_result_is_sound,
    label,
    other_seed,
    settings_at_ends,
    settings_together,
    values_of,
)
from tests.tui.experiments.conftest import Ran
from tui.experiments.catalogue import NAMES, catalogue

# Their own files run the ends of their knobs: with a figure that may overflow, at fewer steps, or with fewer pairs.
ENDS_OF_THEIR_OWN = {"attention-steps", "feed-forward", "layer-cost", "recurrent-gradients"}
# What these claim is exact, whatever is drawn; lora reads every date with the one seed and the other.
EXACT = {"beam-search", "head-width", "lora"}
# Their knobs choose what a trained model reads or writes by the hundred: no new sizes, and long on MLX's CPU build.
READ_TEXTS = {"encoder-half", "next-sentence", "speculative"}


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if metafunc.function is not test_at_the_ends_of_the_knobs:
        return
    one_by_one = backend.name == "numpy" or metafunc.config.getoption("whole")
    elsewhere = ENDS_OF_THEIR_OWN if one_by_one else ENDS_OF_THEIR_OWN | READ_TEXTS
    ends = [
        pytest.param(name, settings, id=f"{name}-{label(settings)}")
        for name in NAMES
        if name not in elsewhere
        for settings in (settings_at_ends if one_by_one else settings_together)(catalogue()[name])
    ]
    metafunc.parametrize(("name", "settings"), ends)


def test_every_claim_holds(ran: Ran) -> None:
    assert ran.checks


@pytest.mark.once
def test_every_claim_can_be_broken_and_nothing_stays_broken(ran: Ran) -> None:
    """The run after the falsifications is the one before them: the same seed gives the same numbers."""
    before = {check.name: check.measured for check in ran.checks}
    assert_falsifiers_bite(ran.experiment)
    assert values_of(ran.experiment) == before


@pytest.mark.once
def test_another_seed_draws_other_numbers_and_the_claims_hold(ran: Ran) -> None:
    experiment, settings = ran.experiment, {"seed": other_seed(ran.experiment)}
    if "seed" not in experiment.defaults():
        pytest.skip("nothing is drawn")
    other = experiment.run(settings)
    assert_hold_or_null(other, settings)
    assert_result_is_sound(experiment, other)
    measured = pytest.approx([check.measured for check in ran.checks], rel=0, abs=2e-6)  # float32's roundings
    assert ([check.measured for check in other.checks] == measured) == (experiment.name in EXACT)


def test_at_the_ends_of_the_knobs(name: str, settings: dict[str, object]) -> None:
    result = catalogue()[name].run(settings)
    assert_hold_or_null(result, settings)
    assert_result_is_sound(catalogue()[name], result)
