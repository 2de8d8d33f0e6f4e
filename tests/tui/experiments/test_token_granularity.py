"""Splits, unknown shares and masks at every knob's ends; the longest match against a search of its own."""

from __future__ import annotations

from typing import Any

import pytest

from tests.tui.experiments.checking import (
    assert_hold_or_null,
    values_of,
)
from tui.experiments.token_granularity import splitting
from tui.experiments.token_granularity.declaration import EXPERIMENT


@pytest.mark.parametrize("rate", [0.05, 0.3, 0.5])
def test_claims_hold_for_other_seeds(rate: float) -> None:
    settings = {"seed": 1, "rate": rate}
    assert_hold_or_null(EXPERIMENT.run(settings), settings)


def test_nine_characters_are_nine_tokens() -> None:
    assert splitting.pieces("自然语言处理很有趣") == list("自然语言处理很有趣")
    assert splitting.words("自然语言处理很有趣") == ["自然语言处理很有趣"]
    assert values_of(EXPERIMENT, {"text": "播放mylove"})["chinese-by-character"] == 2
    assert splitting.pieces("播放mylove")[:2] == ["播", "放"]


def test_the_strips_say_the_same_text() -> None:
    figure: Any = EXPERIMENT.run({"text": "And God said 天地", "words": 2000}).figures[0]
    characters, pieces, words, masked = (strip.tokens for strip in figure.strips)
    assert "".join(characters) == "andgodsaid天地" == "".join(pieces).replace("##", "")
    assert words == ["and", "god", "said", "[UNK]"], "a run of Chinese is one word, and unknown"
    assert "[MASK]" in masked and len(masked) == len(pieces)


def test_characters_are_longer_and_words_shorter_than_pieces() -> None:
    table: Any = EXPERIMENT.run().figures[1]
    characters, pieces, words = (row[1] for row in table.rows)
    assert characters > pieces > words
    assert [row[6] for row in table.rows] == [row[5] * 768 for row in table.rows]


def test_longest_and_shortest_match_by_hand() -> None:
    known = {"un", "una", "##a", "##aff", "##ff", "##able", "##ffable"}
    assert splitting.not_longest("unaffable", ["una", "##ffable"], known) == 0
    assert splitting.not_longest("unaffable", ["una", "##ff", "##able"], known) == 1
    assert splitting.shortest_match("unaff", known) == ["un", "##a", "##ff"]
    assert splitting.shortest_match("xyz", known) == ["[UNK]"]
