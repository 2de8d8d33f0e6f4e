from __future__ import annotations

import pytest

from tui.experiments.shared.sentence import split


@pytest.mark.parametrize(
    ("sentence", "tokens"),
    [
        ("我看见猫", ["我", "看", "见", "猫"]),
        ("the cat  sat.", ["the", "cat", "sat."]),
        ("我爱NLP吗？", ["我", "爱", "NLP", "吗", "？"]),
        ("他说“好”。", ["他", "说", "“", "好", "”", "。"]),
        ("ねこ が", ["ね", "こ", "が"]),
        ("葛\U000e0100城", ["葛\U000e0100", "城"]),  # a variation selector belongs to its character
        ("Ａ１", ["Ａ", "１"]),
        ("한국어 문장", ["한국어", "문장"]),
        ("👩‍👩‍👧 e\u0301t\u00e9", ["👩‍👩‍👧", "e\u0301t\u00e9"]),
        ("\U00020000字", ["\U00020000", "字"]),
        ("", []),
        (" \t\n\u3000", []),
        ("\u200b \x00", []),
    ],
    ids=ascii,
)
def test_tokens(sentence: str, tokens: list[str]) -> None:
    assert split(sentence) == tokens
