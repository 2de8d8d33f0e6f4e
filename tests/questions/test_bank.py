"""The shipped bank as a text: both languages say the same, and Chinese is set as Chinese."""

from __future__ import annotations

import importlib.resources
import json
import re
from collections import Counter
from pathlib import Path

import pytest

from questions.bilingual import Bilingual
from questions.loader import load_shipped
from questions.model import FollowUp, KeyPoint, Question
from questions.spans import PlainSpan, parse
from questions.topics import TOPICS, topic_title

BANK = load_shipped()
QUESTIONS = pytest.mark.parametrize("question", BANK.questions, ids=[question.id for question in BANK.questions])
KEY_POINTS = json.loads(Path(__file__).with_name("key_points.json").read_text(encoding="utf-8"))
# Topics whose items are still to get a brief, and follow-ups for a good and for a thin answer.
TO_DO: set[str] = set()
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


def is_rewritten(question: Question) -> bool:
    """Whether it says what to say in a minute, and where to go on after a good answer and after a thin one."""
    when = [follow_up.when for follow_up in question.follow_ups]
    brief = question.brief is not None and not (question.brief.missing("zh") or question.brief.missing("en"))
    return brief and {"good", "thin"} <= set(when) and None not in when


def test_every_topic_but_those_still_to_do_is_rewritten():
    """Whoever rewrites a topic whole takes it off the list; the list is exactly right."""
    assert {question.topic for question in BANK.questions if not is_rewritten(question)} == TO_DO


def test_an_id_of_a_key_point_stays():
    """A person's history of a point hangs on its id. A point may be reworded; its id does not go to another point."""
    ids = {question.id: {point.id for point in every_point(question)} for question in BANK.questions}
    assert KEY_POINTS.keys() == ids.keys(), "a new question's ids go into key_points.json; none goes out"
    for name, points in KEY_POINTS.items():
        kept = {text: id for text, id in points.items() if id in ids[name]}
        assert len(kept) >= len(points) // 2, f"{name}: too many ids are gone: {points.keys() - kept.keys()}"
        for point in every_point(BANK[name]):
            assert points.get(point.text.say("en"), point.id) == point.id, (name, point.id)


def every_point(question: Question) -> list[KeyPoint]:
    asked = [follow_up for follow_up in question.follow_ups if isinstance(follow_up, FollowUp)]
    return [*question.key_points, *(point for follow_up in asked for point in follow_up.key_points)]


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
