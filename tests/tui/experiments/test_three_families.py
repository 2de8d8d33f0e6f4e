"""What BERT, GPT and T5 make of one sentence, and what each of their predictions can depend on."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from mlxformer.backend import mx, nn, to_numpy
from tests.tui.experiments.checking import (
    assert_hold_or_null,
)
from tui.experiments.three_families.declaration import EXPERIMENT
from tui.experiments.three_families.models import (
    COUNTED,
    WIDTH,
    Families,
    changed_alone,
    matrices,
    operations,
    placed,
)
from tui.figures.data import Heatmap, Table, Tokens


@pytest.mark.parametrize("seed", [1, 2])
def test_claims_hold_together(seed: int) -> None:
    settings = {"seed": seed, "density": 0.15, "mean_span": 3, "sentence": "我 看见 猫 在 追 老鼠 了 吗"}
    assert_hold_or_null(EXPERIMENT.run(settings), settings)


def test_the_gradient_says_what_changing_the_inputs_says() -> None:
    """∂(output t) / ∂(input) of T5: zero for later target tokens, and for no source token."""
    families = Families(5)
    x = np.random.default_rng(0).standard_normal((7, WIDTH)).astype(np.float32)
    weights = mx.array(np.arange(WIDTH, dtype=np.float32))  # a plain sum over a layer norm's output is constant

    def output(y: Any, row: int) -> Any:
        memory = families.encoder(y[None, :3], bias=families.source_bias(3, 3))
        return mx.sum(families.decoder(y[None, 3:], memory, bias=families.target_bias(4, 4))[0, row] * weights)

    for row in range(4):
        gradient = mx.grad(output)(mx.array(x), row)
        reached = np.abs(to_numpy(gradient)).max(-1) > 0
        assert reached.tolist() == [True] * (4 + row) + [False] * (3 - row)


def test_parameters_and_operations_by_hand() -> None:
    families = Families(0)
    stack = 2 * (4 * WIDTH**2 + 2 * 4 * WIDTH**2)
    assert matrices(families.gpt) == matrices(families.bert) == stack
    assert matrices(families.encoder, families.decoder) == 2 * stack + 2 * 4 * WIDTH**2
    n = 2 * COUNTED
    assert operations(families, encoder_only=False)[1] == 2 * (24 * n * WIDTH**2 + 4 * n**2 * WIDTH)
    assert isinstance(families.bert, nn.Module)


def test_the_examples_are_of_one_sentence() -> None:
    strips, seen, table, _ = EXPERIMENT.run({"family": "bert"}).figures
    assert isinstance(strips, Tokens) and isinstance(seen, Heatmap) and isinstance(table, Table)
    sentence, bert, gpt, gpt_target, source, decoder, target = strips.strips
    assert list(gpt.tokens[1:]) == list(sentence.tokens[:-1]) and list(gpt_target.tokens) == list(sentence.tokens)
    assert list(decoder.tokens[1:]) == list(target.tokens[:-1])
    restored = [token for token in [*source.tokens, *target.tokens] if not token.startswith("<")]
    assert sorted(restored) == sorted(sentence.tokens)
    predicted = [token for token, value in zip(sentence.tokens, bert.values or (), strict=True) if value]
    assert list(seen.rows) == predicted and list(seen.columns) == list(bert.tokens)


@pytest.mark.parametrize(("family", "holes"), [("bert", False), ("gpt", True), ("t5", True)])
def test_each_family_has_its_own_map(family: str, holes: bool) -> None:
    figure = EXPERIMENT.run({"family": family}).figures[1]
    assert isinstance(figure, Heatmap)
    assert bool((~np.asarray(figure.stages[0].values)).any()) is holes


@pytest.mark.parametrize("left", ["mask", "norm", "positions"])
def test_one_thing_at_a_time_is_changed(left: str) -> None:
    """With no causal mask and its norms after the sub-layers, GPT's stack is BERT's; each other change shows."""
    families, tokens = Families(2), ["a", "b", "c", "d", "e"]
    changes = changed_alone(families, tokens, 2, {left})
    assert changes.pop(left) == 0 and min(changes.values()) > 0.1
    x = mx.array(placed(tokens, 2))[None]
    np.testing.assert_allclose(to_numpy(families.gpt(x, mask=None)), to_numpy(families.bert(x)), atol=1e-6)


def test_one_token_is_too_few() -> None:
    result = EXPERIMENT.run({"sentence": "猫"})
    assert not result.figures and all(check.holds is None for check in result.checks)
