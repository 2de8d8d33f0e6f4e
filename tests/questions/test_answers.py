"""How well marking finds what people say: typed answers that contain a key point, and others that do not.

Every shipped key point has at least three of each in ``answers/<id>.yaml``. The phrases of the bank may be tuned on
``contains`` and ``lacks``; on ``held_out`` they may not, so that its score says how strangers' answers are marked.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import pytest
import yaml

from questions.loader import load_shipped
from questions.marking import mark
from questions.model import FollowUp, KeyPoint, Misconception

FOLDER = Path(__file__).parent / "answers"
BANK = {question.id: question for question in load_shipped().questions}
LEAST = 3  # answers of each kind for each key point
# Key points of which a brief says nothing: the answer has them.
LEFT_TO_THE_ANSWER = {"score-functions": {"near-ties"}, "weight-sharing": {"sqrt-scale"}}


@dataclass(frozen=True)
class Labeled:
    """An answer, and whether a person says that it contains the point."""

    question: str
    point: KeyPoint
    misconception: Misconception | None
    answer: str
    contains: bool
    held_out: bool

    @cached_property
    def found(self) -> bool:
        return mark(self.answer, [self.point], self.misconception).points[0].status == "found"


def points(id: str) -> list[tuple[int | None, tuple[KeyPoint, ...], Misconception | None]]:
    """The key points of a question and of its follow-ups (numbered without those that stand elsewhere)."""
    question = BANK[id]
    asked = [follow_up for follow_up in question.follow_ups if isinstance(follow_up, FollowUp)]
    return [
        (None, question.key_points, question.misconception),
        *((number, follow_up.key_points, None) for number, follow_up in enumerate(asked)),
    ]


def labeled(id: str) -> Iterator[Labeled]:
    by_text = {
        (number, point.text.en): (point, misconception)
        for number, listed, misconception in points(id)
        for point in listed
    }
    for entry in yaml.safe_load((FOLDER / f"{id}.yaml").read_text(encoding="utf-8")):
        point, misconception = by_text[entry.get("follow_up"), entry["point"]]
        for part, held_out in ((entry, False), (entry.get("held_out", {}), True)):
            for contains in (True, False):
                for answer in part.get("contains" if contains else "lacks", ()):
                    yield Labeled(id, point, misconception, answer, contains, held_out)


ANSWERS = [answer for file in sorted(FOLDER.glob("*.yaml")) for answer in labeled(file.stem)]


def test_every_answer_file_belongs_to_a_question():
    assert {file.stem for file in FOLDER.glob("*.yaml")} <= set(BANK)


def test_every_key_point_has_answers():
    counts = Counter((answer.question, answer.point.id, answer.contains) for answer in ANSWERS if not answer.held_out)
    for id in BANK:
        for _, listed, _ in points(id):
            for point in listed:
                for contains in (True, False):
                    count = counts[id, point.id, contains]
                    assert count >= LEAST, f"{id}: {point.text.en}: {count} answers with contains={contains}"


def recall_and_precision(name, answers, capsys=None):
    right = sum(answer.contains and answer.found for answer in answers)
    contained = sum(answer.contains for answer in answers)
    found = sum(answer.found for answer in answers)
    recall, precision = right / contained, right / found
    if capsys is not None:
        with capsys.disabled():
            print(
                f"\nmarking, {name}: recall {right}/{contained} = {recall:.3f}, "
                f"precision {right}/{found} = {precision:.3f}"
            )
    return recall, precision


def test_recall_and_precision(capsys):
    """Of all, of those that nothing may be tuned on, and no question far worse than the others.

    One test, that seven thousand answers are marked once and not in each worker.
    """
    for name, answers in (("all", ANSWERS), ("held-out", [answer for answer in ANSWERS if answer.held_out])):
        recall, precision = recall_and_precision(f"{name} answers", answers, capsys)
        assert recall >= 0.8, name
        assert precision >= 0.95, name
    for id in {answer.question for answer in ANSWERS}:
        recall, precision = recall_and_precision(id, [answer for answer in ANSWERS if answer.question == id])
        assert recall >= 0.75, id
        assert precision >= 0.9, id


@pytest.mark.parametrize("id", sorted(BANK))
def test_the_reference_answer_contains_its_own_key_points(id):
    """Whoever types the reference, brief and answer, is told that most of it was found."""
    question = BANK[id]
    for language in ("zh", "en"):
        typed = question.answer.say(language)
        if question.brief is not None:
            typed = f"{question.brief.say(language)}\n\n{typed}"
        marking = mark(typed, question.key_points, question.misconception)
        missed = [p.text.en for p, m in zip(question.key_points, marking.points, strict=True) if m.status == "missed"]
        assert len(missed) <= 1, (language, missed)


@pytest.mark.parametrize("id", sorted(BANK))
def test_the_misconception_is_recognized_and_gives_no_key_point(id):
    question = BANK[id]
    if question.misconception is None:
        pytest.skip("this question has no misconception")
    for language in ("zh", "en"):
        marking = mark(question.misconception.text.say(language), question.key_points, question.misconception)
        assert marking.misconception is not None and marking.misconception.status == "found", language
        assert marking.found == 0, language


@pytest.mark.parametrize("id", sorted(BANK))
def test_the_brief_scores_every_key_point_that_it_contains(id):
    """What is not in ``LEFT_TO_THE_ANSWER`` the brief says, in both languages, and is told so."""
    question = BANK[id]
    for language in ("zh", "en"):
        marking = mark(question.brief.say(language), question.key_points, question.misconception)
        status = {point.id: each.status for point, each in zip(question.key_points, marking.points, strict=True)}
        not_found = {id for id, each in status.items() if each != "found"}
        assert not_found == LEFT_TO_THE_ANSWER.get(id, set()), (language, status)
        assert marking.misconception is None or marking.misconception.status != "found", language
