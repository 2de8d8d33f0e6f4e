"""Training resumes as if it had never stopped; cards and weights are checked when they are loaded."""

from __future__ import annotations

import dataclasses
import re
from pathlib import Path
from typing import get_overloads

import numpy as np
import pytest

import mlxformer as mf
from mlxformer.backend import mx, nn, optimizers, to_numpy
from mlxformer.errors import ArgumentError, CheckpointError
from mlxformer.pretrained import cards
from mlxformer.pretrained.cards import Card, checksum, read_card
from mlxformer.pretrained.training import train
from mlxformer.pretrained.weights import named, read_weights, write_weights


class Line:
    """A model of two numbers with dropout: small, and it notices a wrong random state."""

    name = "line"
    steps = 30
    clip = 1.0

    def model(self) -> nn.Module:
        return nn.Sequential(nn.Linear(3, 8), nn.Dropout(0.5), nn.Linear(8, 1))

    def optimizer(self) -> optimizers.Optimizer:
        return optimizers.AdamW(learning_rate=1e-2)

    def batch(self, source: np.random.Generator, step: int) -> tuple[mx.array, ...]:
        x = source.normal(size=(4, 3)).astype(np.float32)
        return mx.array(x), mx.array(x.sum(1, keepdims=True))

    def loss(self, model: nn.Module, x: mx.array, y: mx.array) -> mx.array:
        return mx.mean(mx.square(model(x) - y))


def test_a_resumed_run_is_the_run_that_was_not_stopped(tmp_path: Path) -> None:
    whole = train(Line(), seed=5, quiet=True)
    train(Line(), seed=5, steps=11, folder=tmp_path, quiet=True)
    resumed = train(Line(), seed=5, folder=tmp_path, quiet=True)
    assert resumed.losses == whole.losses and resumed.steps == 30
    other = train(Line(), seed=6, quiet=True)
    assert other.losses != whole.losses


def test_a_damaged_or_foreign_checkpoint_is_refused(tmp_path: Path) -> None:
    train(Line(), seed=5, steps=3, folder=tmp_path, quiet=True)
    (path,) = tmp_path.iterdir()
    path.rename(tmp_path / "line-7.checkpoint.npz")
    with pytest.raises(CheckpointError, match="another run"):
        train(Line(), seed=7, folder=tmp_path, quiet=True)
    (tmp_path / "line-7.checkpoint.npz").write_bytes(b"PK no archive")
    with pytest.raises(CheckpointError, match="delete it"):
        train(Line(), seed=7, folder=tmp_path, quiet=True)


def test_weights_are_rounded_to_float16_and_no_more(tmp_path: Path) -> None:
    model = Line().model()
    checked = write_weights(model, tmp_path)
    assert checked == checksum(tmp_path / cards.WEIGHTS)
    again = Line().model()
    read_weights(again, tmp_path / cards.WEIGHTS)
    for name, value in named(model.parameters()).items():
        expected = to_numpy(value).astype(np.float16).astype(np.float32)
        np.testing.assert_array_equal(to_numpy(named(again.parameters())[name]), expected)


def test_weights_that_training_left_in_another_order_are_written_row_by_row(tmp_path: Path) -> None:
    model, value = Line().model(), np.arange(24, dtype=np.float32).reshape(3, 8)
    model.update({"layers": [{"weight": mx.array(value).T}]})
    write_weights(model, tmp_path)
    again = Line().model()
    read_weights(again, tmp_path / cards.WEIGHTS)
    np.testing.assert_array_equal(to_numpy(named(again.parameters())["layers.0.weight"]), value.T)


def test_an_unknown_name_says_which_there_are() -> None:
    with pytest.raises(ArgumentError, match="dates"):
        mf.load_pretrained("datse")


def test_a_score_that_a_card_has_not(tmp_path: Path) -> None:
    with pytest.raises(ArgumentError, match="worst-format"):
        read_card("dates").score("nothing")


def test_damaged_weights_are_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    card = dataclasses.replace(read_card("dates"), sha256="0" * 64)
    with pytest.raises(CheckpointError, match="install the package again"):
        cards.verify(card)


@pytest.mark.parametrize("name", mf.pretrained_names())
def test_every_card_says_what_it_must(name: str) -> None:
    card: Card = read_card(name)
    assert card.data and card.cannot and card.scores and card.seconds > 0 and card.steps > 0
    assert f"train {name} --seed {card.seed}" in card.command


def test_all_shipped_weights_are_small() -> None:
    total = sum((cards.shipped_folder(name) / cards.WEIGHTS).stat().st_size for name in mf.pretrained_names())
    assert total < 30_000_000


def test_every_model_that_ships_has_its_type_in_a_hover() -> None:
    """What ``load_pretrained`` is said to return for each name is what it returns."""
    typed = {
        name: each.__annotations__["return"]
        for each in get_overloads(mf.load_pretrained)
        for name in re.findall(r'"([^"]+)"|\'([^\']+)\'', each.__annotations__["name"])
        for name in filter(None, name)
    }
    assert set(typed) == set(mf.pretrained_names())
    for name in ("dates-tied-kv", "mlm-rate-05", "poet-small", "induction", "reverse-gru"):
        assert type(mf.load_pretrained(name)).__name__ == typed[name]
