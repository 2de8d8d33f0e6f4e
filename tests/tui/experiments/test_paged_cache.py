"""The scheduler's steps by the lengths alone, what blocks hold by hand, and the claims elsewhere."""

from __future__ import annotations

import pytest

from tests.tui.experiments.checking import assert_hold_or_null, values_of
from tui.experiments.paged_cache.body import LONGEST, _at_once, _forked, _requests
from tui.experiments.paged_cache.declaration import EXPERIMENT


@pytest.mark.parametrize("settings", [{"block": 1, "slots": 2, "seed": 5}, {"block": 16, "requests": 16, "seed": 2}])
def test_claims_hold_elsewhere(settings: dict[str, int]) -> None:
    assert_hold_or_null(EXPERIMENT.run(settings), settings)


def test_steps_are_those_of_the_lengths() -> None:
    """A prompt gives the first token, so a request runs one step less than it writes."""
    asked = [request.max_new_tokens - 1 for request in _requests(12, 0, False)]
    static = sum(max(asked[start : start + 4]) for start in range(0, 12, 4))
    ends = [0] * 4
    for steps in asked:  # each to the slot that is free first
        ends[ends.index(min(ends))] += steps
    measured = values_of(EXPERIMENT)
    assert measured["fewer-steps"] == pytest.approx(100 * max(ends) / static)
    assert measured["occupied"] == pytest.approx(100 * sum(asked) / (4 * max(ends)))


@pytest.mark.parametrize("block", [2, 4, 16])
def test_samples_share_the_whole_blocks_of_their_beginning(block: int) -> None:
    prompt = tuple(_requests(1, 0, False)[0].prompt.tolist())
    assert _forked(prompt, block, False) == len(prompt) // block + 4
    assert _forked(prompt, block, True) == 4 * -(-(len(prompt) + 1) // block)


def test_blocks_of_the_longest_length_hold_no_more_than_reservations() -> None:
    lengths = [12] * 9
    assert (_at_once(lengths, 4, LONGEST), _at_once(lengths, 4 * LONGEST // 4, 4)) == (4, 9)
