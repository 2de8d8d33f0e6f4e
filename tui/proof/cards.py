"""The scores on the cards of the shipped models, read without loading mlxformer (which needs NumPy).

A text of the bank links a figure of training to its card: ``[0.93](card:reverse-gru/accuracy@40)``.
"""

from __future__ import annotations

import importlib.util
import json
from functools import cache
from pathlib import Path

from questions.errors import hint, quoted


class CardError(LookupError):
    """There is no such card, or no such score on it; the message names the nearest."""


@cache
def card_scores(model: str) -> dict[str, float]:
    """The scores of one shipped model. Raises ``CardError``."""
    cards = _cards()
    if model not in cards:
        raise CardError(f"no model {quoted(model)} ships{hint(model, cards)}")
    scores: dict[str, float] = json.loads(cards[model].read_text(encoding="utf-8"))["scores"]
    return scores


def card_score(entry: str) -> float:
    """The score ``model/score``. Raises ``CardError``."""
    model, _, score = entry.partition("/")
    scores = card_scores(model)
    if score not in scores:
        raise CardError(f"the card of {model} has no score {quoted(score)}{hint(score, scores)}")
    return float(scores[score])


def refuse_card(entry: str) -> str | None:
    """What is wrong with a link to ``entry``, or None."""
    try:
        card_score(entry)
    except CardError as error:
        return str(error)
    return None


def card_files() -> list[Path]:
    """The cards that ship."""
    return list(_cards().values())


@cache
def _cards() -> dict[str, Path]:
    """The cards that ship, by model. Finding the package does not import it."""
    spec = importlib.util.find_spec("mlxformer")
    folders = [Path(place) for place in (spec.submodule_search_locations or ())] if spec is not None else []
    found = (card for folder in folders for card in folder.glob("pretrained/shipped/*/card.json"))
    return {card.parent.name: card for card in sorted(found)}
