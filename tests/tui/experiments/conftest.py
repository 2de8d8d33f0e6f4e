"""Each experiment, run once at its defaults for every test that looks at that run."""

from __future__ import annotations

from functools import cached_property

import pytest

from tests.tui.experiments.checking import assert_all_hold, assert_result_is_sound
from tui.experiments.catalogue import NAMES, catalogue
from tui.experiments.contract import Check, Experiment


def pytest_itemcollected(item: pytest.Item) -> None:
    """Claims at other settings are tried by the run on NumPy, as test_every_experiment does with each end alone."""
    if item.name.startswith("test_claims_hold"):
        item.add_marker("once")


class Ran:
    """What an experiment measures at its defaults, where every claim holds. It runs when a test first asks for it."""

    def __init__(self, experiment: Experiment) -> None:
        self.experiment = experiment

    @cached_property
    def checks(self) -> tuple[Check, ...]:
        result = self.experiment.run()
        assert_all_hold(result)
        assert_result_is_sound(self.experiment, result)
        return tuple(result.checks)


@pytest.fixture(scope="session", params=NAMES)
def ran(request: pytest.FixtureRequest) -> Ran:
    """Of the session, so that pytest takes the tests of one experiment one after the other, whatever their file."""
    return Ran(catalogue()[request.param])
