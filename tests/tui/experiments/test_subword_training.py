"""Merges, bytes and splits at every knob's ends, and on texts that nobody thought of."""

from __future__ import annotations

from typing import Any

import pytest

from tests.tui.experiments.checking import (
    assert_hold_or_null,
    values_of,
)
from tui.experiments.subword_training.declaration import EXPERIMENT


@pytest.mark.parametrize("corpus", ["english", "chinese"])
def test_claims_hold_on_other_texts_and_sizes(corpus: str) -> None:
    for number, text in ((10, "And he said unto them"), (250, "学而时习之，不亦说乎"), (400, "🙂🙂 ￥ naïve")):
        settings = {"corpus": corpus, "merges": number, "text": text}
        assert_hold_or_null(EXPERIMENT.run(settings), settings)


def test_the_most_frequent_pair_of_the_english_text_comes_first() -> None:
    table: Any = EXPERIMENT.run().figures[1]
    assert table.rows[0][1] == "t + h" and table.rows[0][2] > table.rows[1][2] > table.rows[9][2]
    assert table.rows[-1][0] == 200


def test_the_strips_put_the_text_together_again() -> None:
    figure: Any = EXPERIMENT.run({"text": "And God said"}).figures[0]
    by_name = {strip.label if isinstance(strip.label, str) else strip.label.en: strip.tokens for strip in figure.strips}
    split = {name.rsplit(" ", 1)[0]: tokens for name, tokens in by_name.items()}
    assert "".join(split["BPE"]) == "▁And▁God▁said" == "".join(split["Unigram"])
    assert "".join(split["WordPiece"]).replace("##", "") == "AndGodsaid"
    assert "".join(split["byte-level BPE"]) == "AndĠGodĠsaid"
    assert len(split["characters"]) == 12 > len(split["BPE"])


def test_an_unseen_character_is_unknown_to_all_but_bytes() -> None:
    assert values_of(EXPERIMENT)["unseen-characters-unknown"] == 3
    assert values_of(EXPERIMENT)["unseen-characters-cost-bytes"] == 8
