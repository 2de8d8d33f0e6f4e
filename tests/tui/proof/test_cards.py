"""A number of training against the card of its model."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from questions.spans import numbers
from tui.proof import cards
from tui.proof.cards import CardError, card_score, refuse_card
from tui.proof.evidence import evidence


@pytest.fixture
def shipped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """One card, of a model made up here."""
    card = tmp_path / "reverse-toy" / "card.json"
    card.parent.mkdir()
    card.write_text(json.dumps({"name": "reverse-toy", "scores": {"accuracy@40": 0.9312}}), encoding="utf-8")
    monkeypatch.setattr(cards, "_cards", lambda: {"reverse-toy": card})
    cards.card_scores.cache_clear()
    yield
    cards.card_scores.cache_clear()


@pytest.mark.usefixtures("shipped")
def test_a_score_is_read_by_model_and_entry() -> None:
    assert card_score("reverse-toy/accuracy@40") == 0.9312
    assert refuse_card("reverse-toy/accuracy@40") is None


@pytest.mark.usefixtures("shipped")
@pytest.mark.parametrize(
    ("entry", "nearest"), [("revers-toy/accuracy@40", "reverse-toy"), ("reverse-toy/acuracy@40", "accuracy@40")]
)
def test_what_no_card_has_is_refused_with_the_nearest(entry: str, nearest: str) -> None:
    assert nearest in (refuse_card(entry) or "")
    with pytest.raises(CardError):
        card_score(entry)


@pytest.mark.usefixtures("shipped")
@pytest.mark.parametrize(("written", "agrees"), [("0.93", True), ("0.94", False), ("93.1 %", True), ("93.2 %", False)])
def test_a_number_of_training_is_held_but_never_called_live(written: str, agrees: bool) -> None:
    (span,) = numbers(f"[{written}](card:reverse-toy/accuracy@40)")
    found = evidence(span, {})
    assert found.agrees is agrees and not found.proven


def test_the_cards_that_ship_are_found_where_the_package_is() -> None:
    import mlxformer

    folder = Path(mlxformer.__file__).parent / "pretrained" / "shipped"
    assert sorted(cards._cards()) == sorted(card.parent.name for card in folder.glob("*/card.json"))
    for model in cards._cards():
        assert all(isinstance(score, float | int) for score in cards.card_scores(model).values())
