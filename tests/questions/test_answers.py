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

# Plain sayings that were missed once: of these each is found, and nothing that their points lack.
HEARD = {
    "批归一化对一批样本的同一特征做归一化",
    "LN 是对单个样本自己的所有特征求均值方差",
    "when the batch is tiny, batch norm's mean and variance get too noisy to be useful",
    "the perplexity goes up because the model never puts all its mass on the right token",
    "贪心每一步都选概率最高的词，但是整句不一定最好",
    "训练的时候不管模型上一步预测了什么，都喂给它正确的前一个词",
    "原来的权重冻住不动，只训练两个小矩阵 A 和 B",
    "训练完可以把 BA 加回原来的权重里，推理时不会变慢",
    "you save memory mostly because the optimizer keeps no states for the frozen weights",
    "the softmax then puts nearly all the weight on one key",
    "softmax 饱和以后梯度就几乎没有了",
    "每个词只激活两个专家，所以参数多了但计算量没怎么涨",
    "头的个数变了参数量也不变，因为每个头只是分到更小的一块",
    "因果的只能看前面，掩码的两边都能看",
    "如果有一个特别大的值，缩放系数就被它撑大了，其他的数都只剩几个刻度",
    "checking five tokens takes the big model about as long as producing one",
    "Adam 维护梯度的一阶动量和二阶动量两个滑动平均",
    "权重要留一份 fp32 的，不然很小的更新加上去就没了",
    "换成别的位置也行，只要损失加在那里",
    "训练完把很多头剪掉，效果几乎不变",
    "不同的头可以关注不同的东西，比如有的看语法有的看指代",
    "预填充是一次把整个提示算完，瓶颈在算力",
    "把多个请求放在一批里，权重只要读一次",
    "分词器不一样，词元的个数就不一样，困惑度没法直接比",
}


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


def test_plain_sayings_are_heard_and_not_what_only_sounds_like_them():
    heard = [answer for answer in ANSWERS if answer.contains and answer.answer in HEARD]
    assert {answer.answer for answer in heard if answer.found} == HEARD
    points = {(answer.question, answer.point.id) for answer in heard}
    own = [answer for answer in ANSWERS if (answer.question, answer.point.id) in points]
    assert [answer.answer for answer in own if answer.found and not answer.contains] == []


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
