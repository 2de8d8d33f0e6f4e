"""T5's spans: the example of its paper, the lengths of its code, all divisions alike, and nothing lost."""

from __future__ import annotations

import collections
import itertools
from typing import Any

import numpy as np
import pytest

from mlxformer.errors import ArgumentError
from mlxformer.training.span_corruption import corrupt_spans, restore_spans, span_noise_mask

WORDS = ["Thank", "you", "for", "inviting", "me", "to", "your", "party", "last", "week"]
SENTINELS = [100, 101, 102]


def test_the_example_of_the_paper() -> None:
    """Raffel et al. 2020, Figure 2."""
    mask = np.isin(WORDS, ["for", "inviting", "last"])
    inputs, targets = corrupt_spans(range(len(WORDS)), mask, SENTINELS)
    names = [*WORDS, *[""] * 90, "<X>", "<Y>", "<Z>"]
    assert " ".join(names[token] for token in inputs) == "Thank you <X> me to your party <Y> week"
    assert " ".join(names[token] for token in targets) == "<X> for inviting <Y> last <Z>"
    assert inputs.dtype == targets.dtype == np.int32


def test_the_lengths_of_the_published_setting() -> None:
    """568 tokens at 15 % and spans of 3 on average: 511 and an end make inputs of 512, targets of 114 (T5's code)."""
    mask = span_noise_mask(568, np.random.default_rng(0))
    inputs, targets = corrupt_spans(range(568), mask, range(1000, 1100))
    assert mask.sum() == 85 and len(inputs) == 511 and len(targets) == 114


@pytest.mark.parametrize("roll", [False, True])
@pytest.mark.parametrize("seed", range(5))
def test_nothing_is_lost(seed: int, roll: bool) -> None:
    generator = np.random.default_rng(seed)
    for length, density, mean in itertools.product((2, 3, 17, 200), (0.01, 0.15, 0.5, 0.99), (1, 3, 10.5)):
        ids = generator.integers(0, 50, length)
        mask = span_noise_mask(length, generator, density=density, mean_span=mean, roll=roll)
        dropped = min(max(round(length * density), 1), length - 1)
        assert mask.shape == (length,) and mask.sum() == dropped
        sentinels = range(100, 100 + length + 1)
        inputs, targets = corrupt_spans(ids, mask, sentinels)
        spans = int((inputs >= 100).sum())
        assert len(inputs) == length - dropped + spans and len(targets) == dropped + spans + 1
        np.testing.assert_array_equal(restore_spans(inputs, targets, sentinels), ids)


def test_spans_alternate_and_end_with_a_dropped_one() -> None:
    for seed in range(20):
        mask = span_noise_mask(40, np.random.default_rng(seed), density=0.3)
        assert not mask[0] and mask[-1]
        assert (np.diff(mask.astype(int)) == 1).sum() == 4  # 12 tokens in spans of 3


def test_every_division_is_as_likely() -> None:
    """6 tokens, 2 dropped in one span or 3 in two: against the count of all of them."""
    generator = np.random.default_rng(0)
    found = collections.Counter(
        tuple(span_noise_mask(7, generator, density=3 / 7, mean_span=1.5).tolist()) for _ in range(6000)
    )
    assert len(found) == 3 * 2  # 4 kept in two parts, 3 dropped in two
    assert all(count == pytest.approx(1000, abs=150) for count in found.values())


def test_rolled_every_place_is_dropped_alike() -> None:
    generator = np.random.default_rng(1)
    masks = np.stack([span_noise_mask(20, generator, roll=True) for _ in range(4000)])
    assert np.abs(masks.mean(0) - 0.15).max() < 0.03
    assert np.stack([span_noise_mask(20, generator) for _ in range(50)]).mean(0).max() == 1  # not rolled: the end


@pytest.mark.parametrize(
    ("code", "arguments"),
    [
        ("spans-length", {"length": 1}),
        ("spans-length", {"length": 2.5}),
        ("spans-length", {"length": True}),
        ("spans-density", {"density": 0}),
        ("spans-density", {"density": 1}),
        ("spans-density", {"density": float("nan")}),
        ("spans-density", {"density": "a lot"}),
        ("spans-mean", {"mean_span": 0.5}),
        ("spans-mean", {"mean_span": float("inf")}),
        ("spans-mean", {"mean_span": True}),
    ],
)
def test_bad_settings_are_refused(code: str, arguments: dict[str, Any]) -> None:
    with pytest.raises(ArgumentError) as raised:
        span_noise_mask(arguments.pop("length", 10), np.random.default_rng(0), **arguments)
    assert raised.value.code == code


def test_bad_texts_are_refused() -> None:
    mask = np.array([False, True, False, True])
    for code, ids, given, sentinels in (
        ("spans-mask", [1, 2, 3], mask, [9, 8, 7]),
        ("spans-sentinels-few", [1, 2, 3, 4], mask, [9, 8]),
        ("spans-sentinels-used", [1, 2, 3, 4], mask, [9, 8, 9]),
        ("spans-sentinels-used", [1, 2, 3, 9], mask, [9, 8, 7]),
    ):
        with pytest.raises(ArgumentError) as raised:
            corrupt_spans(ids, given, sentinels)
        assert raised.value.code == code
    with pytest.raises(ArgumentError) as raised:
        restore_spans([1, 9], [8, 2], [9, 8])
    assert raised.value.code == "spans-sentinel-missing"
