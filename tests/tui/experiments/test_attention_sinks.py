"""Where a head's weight goes when there is nothing to fetch, and what a cache that forgets that place does to it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import mlxformer as mf
from mlxformer.attention import masks
from mlxformer.backend import mx, to_numpy
from mlxformer.pretrained.masked.samples import samples
from tests.tui.experiments.checking import (
    assert_hold_or_null,
)
from tui.experiments.attention_sinks.declaration import EXPERIMENT
from tui.experiments.attention_sinks.marks import LINES, LONGEST, weight_to_marks
from tui.experiments.attention_sinks.successors import Texts, draw_texts, embed, stream, trained_head


def head(kind: Any = "softmax", letters: int = 12, seed: int = 0) -> Any:
    return trained_head(letters, kind, seed, 60, lambda fraction, text: None, 0.0, 1.0)


def texts(window: int, letters: int = 12, length: int = 30) -> Texts:
    return draw_texts(np.random.default_rng(7), 4, length, letters, window)


@pytest.mark.parametrize(("letters", "seed", "window"), [(8, 1, 6), (12, 2, 16)])
def test_claims_hold_together(letters: int, seed: int, window: int) -> None:
    settings = {"letters": letters, "seed": seed, "window": window}
    assert_hold_or_null(EXPERIMENT.run(settings), settings)


def test_what_is_wanted_by_a_loop() -> None:
    drawn = texts(window=5, letters=9)
    for ids, wanted, answered in zip(drawn.ids, drawn.wanted, drawn.answered, strict=True):
        for place, index in enumerate(ids):
            seen = ids[max(1, place - 4) : place + 1].tolist()
            found = place > 0 and (index + 1) % 9 in seen
            assert answered[place] == found
            assert wanted[place].sum() == found and (not found or wanted[place, (index + 1) % 9] == 1)


@pytest.mark.parametrize(("window", "first"), [(6, 0), (6, 1), (4, 3)])
def test_streaming_is_one_pass_under_the_mask(window: int, first: int) -> None:
    drawn, trained = texts(window), head()
    x = embed(drawn.ids, 12)
    whole = to_numpy(trained(x, x, x, masks.streaming(31, 31, window, first)))
    errors = np.square(whole - drawn.wanted).sum(-1)
    streamed = stream(trained, drawn, 12, first, window)
    np.testing.assert_allclose(streamed.errors, errors, atol=1e-4)
    assert streamed.held == window + first


def test_a_head_gives_an_untrained_answer_only_where_it_knows_one() -> None:
    """The trained head is right where there is an answer, silent where not, and silent without [BOS] only by luck."""
    drawn = texts(window=30)
    x = embed(drawn.ids, 12)
    out = to_numpy(head()(x, x, x, "causal"))
    assert (out[drawn.answered].argmax(-1) == drawn.wanted[drawn.answered].argmax(-1)).mean() > 0.97
    assert np.abs(out[~drawn.answered]).max() < 0.35
    alone = np.array([[3]])  # one letter, and nothing before it: it has to fetch itself
    x = embed(alone, 12)
    for kind, loud in (("softmax", True), ("plus-one", False)):
        trained = head(kind)
        length = float(np.linalg.norm(to_numpy(trained(x, x, x, "causal"))))
        assert (length > 0.5) == loud, (kind, length)


def test_the_weight_to_marks_by_a_loop() -> None:
    reader = mf.load_pretrained("bert-mini")
    total, uniform, count = np.zeros(4), 0.0, 0
    for kind in ("tang", "lunyu", "verse"):
        for text in samples(kind, held_out=True)[:LINES]:
            batch = reader.tokenizer(text, max_length=LONGEST)
            with mf.trace() as steps:
                reader.model.bert(**batch)
            length = batch.input_ids.shape[1]
            for layer in range(4):
                weights = steps[f"encoder.layers.{layer}.self_attention.weights"].value[0].mean(0)
                total[layer] += sum(weights[place, 0] + weights[place, length - 1] for place in range(1, length - 1))
            uniform += (length - 2) * 2 / length
            count += length - 2
    found = weight_to_marks()
    np.testing.assert_allclose(found.per_cent, 100 * total / count, rtol=1e-4)
    assert found.uniform == pytest.approx(100 * uniform / count)


def test_another_seed_trains_another_head() -> None:
    x = mx.array(np.eye(13, dtype=np.float32)[None])
    one, two = (to_numpy(head(seed=seed)(x, x, x)) for seed in (0, 1))
    assert np.abs(one - two).max() > 1e-3
