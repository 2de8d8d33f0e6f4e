"""The shipped bank as a text: both languages say the same, and Chinese is set as Chinese."""

from __future__ import annotations

import importlib.resources
import re
from collections import Counter

import pytest

from questions.bilingual import Bilingual
from questions.loader import load_shipped
from questions.model import Question
from questions.spans import PlainSpan, parse
from questions.topics import TOPICS, topic_title

BANK = load_shipped()
QUESTIONS = pytest.mark.parametrize("question", BANK.questions, ids=[question.id for question in BANK.questions])
PART_ONE = {
    "p1-q1": "attention-formula",
    "p1-q2": "attention-steps",
    "p1-q3": "qkv-roles",
    "p1-q4": "multi-head-implementation",
    "p1-q5": "why-heads",
    "p1-q6": "sqrt-dk",
    "p1-rnn": "rnn-gradients",
}
HAN = "\u3400-\u9fff"
WITHOUT_SPACE = re.compile(rf"[{HAN}]{{2}}[A-Za-z0-9]{{3,}}[{HAN}]|[{HAN}][A-Za-z]{{3,}}[{HAN}]{{2}}")
HALF_WIDTH = re.compile(rf"[{HAN}][,;:?!]|[,;:?!][{HAN}]|[{HAN}]\.(?!\w)")


def texts(question: Question) -> list[tuple[str, Bilingual]]:
    return [(key, text) for key, text in question.texts() if isinstance(text, Bilingual)]


def test_nothing_is_wrong_with_it():
    assert [str(problem) for problem in BANK.problems] == []


def test_part_one_is_whole():
    found = {source: question.id for question in BANK.questions for source in question.source}
    assert PART_ONE.items() <= found.items()


@QUESTIONS
def test_a_file_holds_one_topic(question):
    stem = question.file.removeprefix("questions/").removesuffix(".yaml")
    assert stem.replace("_", "-") == question.topic
    assert question.topic in TOPICS


def test_a_topic_of_a_user_s_own_is_called_what_they_called_it():
    assert topic_title("attention").zh == "注意力"
    assert topic_title("我的话题").en == "我的话题"


@QUESTIONS
def test_both_languages_show_the_same_numbers(question):
    """A number in one language only is a text that was changed in one language only."""
    by_language = {"zh": Counter(), "en": Counter()}
    for number in question.numbers():
        if number.language:
            by_language[number.language][number.key, number.span.target, number.span.written] += 1
    assert by_language["zh"] == by_language["en"]


@QUESTIONS
def test_both_languages_name_the_same_formulas_in_code(question):
    """A block of code reads the same but for its words; so many blocks in Chinese are so many in English."""
    for key, text in texts(question):
        blocks = [text.say(language).count("```") for language in ("zh", "en")]
        assert blocks[0] == blocks[1], key


@QUESTIONS
def test_chinese_is_set_as_chinese(question):
    for key, text in texts(question):
        plain = "".join(span.text for span in parse(text.say("zh")) if isinstance(span, PlainSpan))
        assert not HALF_WIDTH.search(plain), (key, HALF_WIDTH.search(plain))
        assert not WITHOUT_SPACE.search(plain), (key, WITHOUT_SPACE.search(plain))


@QUESTIONS
def test_english_has_no_chinese(question):
    for key, text in texts(question):
        assert not re.search(f"[{HAN}，。：；]", text.say("en")), key


@QUESTIONS
def test_an_answer_takes_about_a_minute(question):
    """Some 160 words or 300 characters a minute aloud; the nuance after it may double that."""
    zh = "".join(span.text for span in parse(question.answer.say("zh")) if isinstance(span, PlainSpan))
    en = "".join(span.text for span in parse(question.answer.say("en")) if isinstance(span, PlainSpan))
    assert 120 <= len(re.findall(f"[{HAN}]", zh)) <= 650
    assert 90 <= len(en.split()) <= 420


def test_the_right_choice_is_not_always_the_same_letter():
    letters = Counter(question.predict.answer for question in BANK.questions if question.predict)
    assert set(letters) == set("abcd")
    assert max(letters.values()) <= 0.6 * letters.total()


def test_the_editors_are_told_of_the_schema():
    for file in importlib.resources.files("questions").iterdir():
        if file.name.endswith(".yaml"):
            first_line = file.read_text(encoding="utf-8").partition("\n")[0]
            assert first_line == "# yaml-language-server: $schema=schema.json", file.name
