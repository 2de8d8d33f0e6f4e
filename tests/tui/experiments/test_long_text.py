"""What truncation loses, what windows cover, and how far windowed attention reaches."""

from __future__ import annotations

import pytest

from tests.tui.experiments.checking import (
    values_of,
)
from tui.experiments.long_text import spans, trained
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


@pytest.mark.parametrize("seed", range(1, 3))
def test_where_the_deciding_token_was_cut_off_a_trained_classifier_guesses(seed: int) -> None:
    """It is right where a way keeps the place, and half of the time where it does not."""
    found = trained.accuracies(seed, trained.STEPS)
    for name, pieces in trained.WAYS.items():
        kept = spans.covered(trained.LENGTH, pieces)
        for depth, share in zip(trained.DEPTHS, found[name], strict=True):
            seen = kept[round(depth / 100 * (trained.LENGTH - 1))]
            assert share >= 75 if seen else abs(share - 50) <= 15, (name, depth, share)


def test_untrained_it_cannot_tell() -> None:
    assert max(trained.accuracies(0, 0)["windows"]) <= 65


def test_the_small_model_is_to_its_texts_as_bert_is_to_two_thousand_tokens() -> None:
    assert (8 * trained.POSITIONS, 8 * trained.LENGTH) == (512, 2000)
    assert sum(spans.covered(trained.LENGTH, trained.WAYS["head-and-tail"])) == trained.USABLE
