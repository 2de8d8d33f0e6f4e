"""The circuit of the shipped model: which heads, what is lost without them, and through which of layer 2's inputs."""

from __future__ import annotations

import numpy as np
import pytest

from mlxformer.backend import to_numpy
from tests.tui.experiments.checking import assert_hold_or_null
from tui.experiments.induction.circuit import copies, losses, model, of_the_poet, ran, right, roles, texts
from tui.experiments.induction.declaration import EXPERIMENT


@pytest.mark.parametrize("length", [10, 24])
def test_claims_hold_at_other_lengths(length: int) -> None:
    settings = {"length": length, "seed": 5}
    assert_hold_or_null(EXPERIMENT.run(settings), settings)


def test_the_roles_are_those_that_ablation_finds() -> None:
    """Found by where they look; the one head of layer 1 without which all is lost is the same."""
    ids = texts(16, 3, True)
    without = [right(ran("induction", ids, {0: [head]}), ids) for head in (0, 1)]
    previous, heads = roles()
    assert int(np.argmin(without)) == previous and max(without) > 95 > 30 > min(without)
    assert sorted(heads) == [0, 1]


def test_copying_is_a_product_of_four_matrices() -> None:
    found, (_, heads) = model("induction"), roles()
    attention = found.stack.layers[1]
    w = {name: to_numpy(getattr(attention, f"{name}_proj").weight).astype(np.float64) for name in ("value", "out")}
    embedding, unembedding = to_numpy(found.token_embedding.weight), to_numpy(found.output_proj.weight)
    for head in heads:
        part = slice(32 * head, 32 * head + 32)
        written = embedding @ w["value"][part].T @ w["out"][:, part].T @ unembedding.T  # [sign read, sign raised]
        assert copies(1, head) == pytest.approx(100 * np.mean(written.argmax(1) == np.arange(36)))


def test_only_the_keys_need_the_previous_token() -> None:
    table = dict(zip(*_bars(), strict=True))
    assert table["blind: keys"] < 25 and min(table["blind: queries"], table["blind: values"]) > 95
    assert table["off: one induction"] > 95 > 25 > table["off: both induction"]


def _bars() -> tuple[list[str], list[float]]:
    figure = next(figure for figure in EXPERIMENT.run().figures if figure.name == "foretold")
    return [label if isinstance(label, str) else label.en for label in figure.labels], list(figure.values)


def test_the_first_copy_costs_what_chance_does_and_the_second_nothing() -> None:
    ids = texts(16, 0, True)
    found = losses(ran("induction", ids).logits, ids)
    assert found[:14].min() > np.log(20)  # no sign comes twice in a stretch: at best it is one of the others
    assert found[17:].max() < 0.2


def test_without_a_repeat_there_is_nothing_to_find() -> None:
    ids = texts(16, 0, False)
    assert right(ran("induction", ids), ids) < 15


def test_the_poet_has_no_such_head() -> None:
    assert of_the_poet().shape == (4, 6) and of_the_poet().max() < 0.2


@pytest.mark.parametrize("stretch", ["abca", "a b-c", ""])
def test_a_stretch_that_cannot_be_drawn_is_said(stretch: str) -> None:
    assert all(check.holds is None for check in EXPERIMENT.run({"stretch": stretch}).checks)
