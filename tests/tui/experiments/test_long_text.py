"""What truncation loses, what windows cover, and how far windowed attention reaches."""

from __future__ import annotations

import pytest

from tests.tui.experiments.checking import (
    values_of,
)
from tui.experiments.long_text import spans
from tui.experiments.long_text.declaration import EXPERIMENT


def test_two_thousand_tokens_are_five_windows() -> None:
    found = spans.windows(2000, 128)
    assert [span.start for span in found] == [0, 382, 764, 1146, 1528] and found[-1].stop == 2000
    values = values_of(EXPERIMENT)
    assert values["window-count"] == 5 and values["head-loses"] == 1490


@pytest.mark.parametrize("length", [1, 510, 511, 892, 893, 4096])
@pytest.mark.parametrize("overlap", [0, 128, 384])
def test_windows_cover_and_are_as_few_as_can_be(length: int, overlap: int) -> None:
    found = spans.windows(length, overlap)
    assert all(spans.covered(length, found))
    assert len(found) == max(1, -(-(length - overlap) // (510 - overlap)))
    assert all(len(span) <= 510 for span in found)


def test_truncation_keeps_510_tokens() -> None:
    for cut in (spans.head, spans.tail, spans.head_and_tail):
        assert sum(spans.covered(2000, cut(2000))) == 510
        assert all(spans.covered(510, cut(510)))
    assert spans.head_and_tail(2000) == [range(128), range(1618, 2000)]


@pytest.mark.parametrize("layers", [1, 2, 3, 7])
def test_reach_grows_by_the_window_with_each_layer(layers: int) -> None:
    assert values_of(EXPERIMENT, {"layers": layers, "length": 64})["reach"] == 16 * layers + 1
