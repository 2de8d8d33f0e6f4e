"""Texts as words: what counts as the same, where a word begins and ends, and what a clause is."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from questions.words import clauses, has_words, words
from tests.questions.effort import is_linear


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("方差会变大", "方 差 会 变 大"),
        ("協方差與方差", "协方差 与 方 差"),
        ("變大", "变 大"),
        ("Q 跟 K 和 V", "q 与 k 与 v"),
        ("趋于零", "趋 于 0"),
        ("dₖ d_k d_{k} ｄ＿ｋ DK", "dk dk dk dk dk"),
        ("W_Q W^O Wᴼ W_{\u200bV}", "wq wo wo wv"),
        ("√d_k sqrt(d_k)", "√ dk √ dk"),
        ("QKᵀ QK^T", "q k ⊤ q k ⊤"),
        ("n² n^2", "n2 n2"),
        ("q·k dot-product", "q k dot product"),
        ("1,024 0.5 1,2", "1024 0.5 1 2"),
        ("don’t don't softmax's", "don't don't softmax"),
        ("nai\u0308ve naïve", "naive naive"),
        ("ﬁne Straße", "fine strasse"),
        ("**方差** `x` [red]好[/red]", "方 差 x 好 red / red"),
        ("👩‍💻 方\u200b差 \u202eabc\u202c \x00", "方 差 abc"),
        ("שלום αβγ", "שלום αβγ"),
    ],
)
def test_words(text, expected):
    assert sorted(words(text)) == sorted(expected.split())


def shape(text: str) -> list[str]:
    return [" ".join(word.text for word in clause.words) for clause in clauses(text)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a, b; c. d", ["a", "b", "c", "d"]),
        ("甲，乙。丙；丁\n戊", ["甲", "乙", "丙", "丁", "戊"]),
        ("甲、乙：丙", ["甲 乙 丙"]),
        ("0.5 d.k e", ["0.5 d k e"]),
        ("a (b, c) d", ["b", "c", "a d"]),
        ("方差（头宽）是", ["头 宽", "方 差 是"]),
        ("d_k（头宽）", ["头 宽", "dk"]),
        ("view(b, t, h) x", ["view b t h x"]),
        ("f(x, y. z, w", ["f x y", "z", "w"]),
        ("(a", ["a"]),
        ("a) b", ["a b"]),
    ],
)
def test_clauses(text, expected):
    assert shape(text) == expected


def test_a_question_and_sentences_are_told_apart():
    asked, said, more = clauses("会吗？会, yes")
    assert (asked.asks, said.asks, more.asks) == (True, False, False)
    assert (asked.sentence, said.sentence, more.sentence) == (0, 1, 1)


@given(st.text(max_size=200))
def test_words_know_what_they_were_typed_as(text):
    for clause in clauses(text):
        for word in clause.words:
            assert 0 <= word.start < word.stop <= len(text)
            assert words(text[word.start : word.stop]) or text[word.start : word.stop] == "_"


@pytest.mark.parametrize(
    ("text", "worded"),
    [("方差", True), ("√", True), ("d_k", True), ("…", False), ("*", False), ("?!", False), ("_", False)],
)
def test_whether_there_are_words(text, worded):
    assert has_words(text) is worded
    assert bool(words(text)) is worded


@pytest.mark.parametrize(
    "piece", ["方差 variance, ", "(", "（", ")", "e\u0301", "\u0301", "a'", "1,", "d_{", "f(", "不", "👩‍💻"]
)
def test_the_work_grows_with_the_length(piece):
    assert is_linear(clauses, piece)


@pytest.mark.parametrize("token", ["[MASK]", "[CLS]", "[sep]"])
def test_a_token_in_its_brackets_is_a_word_of_its_clause(token):
    (clause,) = clauses(f"微调时没有 {token} 了")
    assert token.strip("[]").lower() in [word.text for word in clause.words]
    assert len(clauses("没有 [别的] 了")) == 2
