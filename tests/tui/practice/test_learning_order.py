"""New questions come in an order in which they can be learned."""

from __future__ import annotations

from dataclasses import replace

from questions.model import See
from questions.topics import TOPICS
from tests.tui.practice.test_session import question
from tui.bank import load_bank
from tui.practice.learning_order import learning_order
from tui.practice.selection import Selection


def test_what_a_question_rests_on_comes_before_it() -> None:
    """In the shipped bank: every reference to something easier or earlier points back, every other one ahead."""
    questions = {q.id: q for q in load_bank().questions}
    order = learning_order(list(questions.values()))
    assert sorted(order) == sorted(questions)
    place = {name: number for number, name in enumerate(order)}
    topics = list(TOPICS)
    checked = 0
    for name, each in questions.items():
        for see in each.follow_ups:
            if isinstance(see, See) and questions[see.id].level < each.level:
                assert place[see.id] < place[name], f"{name} rests on {see.id}"
                checked += 1
    assert checked >= 8
    assert order[0] == next(iter(questions))
    firsts = [min(place[q.id] for q in questions.values() if q.topic == topic) for topic in ("attention", "bert")]
    assert firsts == sorted(firsts) and topics.index("attention") < topics.index("bert")


def test_levels_references_and_circles() -> None:
    a, b, c, d = (replace(question(name), level=level) for name, level in zip("abcd", (2, 1, 1, 3), strict=True))
    assert learning_order([a, b, c, d]) == ["b", "c", "a", "d"]
    b = replace(b, follow_ups=(See("d"),))
    c = replace(c, follow_ups=(See("b"), See("gone"), See("c")))
    assert learning_order([a, b, c, d]) == ["c", "b", "a", "d"]  # what leads on comes first on one level
    d = replace(d, follow_ups=(See("b"),))
    circle = [replace(question(name), follow_ups=(See(to),)) for name, to in (("x", "y"), ("y", "z"), ("z", "x"))]
    assert learning_order(circle) == ["x", "y", "z"]


def test_selections() -> None:
    questions = load_bank().questions

    def ids(**given: object) -> set[str]:
        return {q.id for q in Selection(**given).of(questions, {"kv-cache"})}  # type: ignore[arg-type]

    assert ids() == {q.id for q in questions}
    assert ids(topics=("masking",)) == {q.id for q in questions if q.topic == "masking"}
    assert ids(levels=(1, 3)) == {q.id for q in questions if q.level != 2}
    assert ids(flagged=True) == {"kv-cache"}
    assert "sqrt-dk" in ids(search="方差 √d_k") and "sqrt-dk" in ids(search="ＶＡＲＩＡＮＣＥ")
    assert ids(search="no such words anywhere") == set()
    assert ids(source="Vaswani") and ids(source="Vaswani") < ids()
    assert ids(topics=("masking",), levels=(3,), search="x y z") == set()


def test_in_a_topic_code_comes_after_what_is_answered_in_words() -> None:
    from tui.bank import load_bank
    from tui.practice.written import everything

    every = everything(load_bank())
    by_id = {question.id: question for question in every}
    kinds = [by_id[name].kind for name in learning_order(every) if by_id[name].topic == "attention"]
    assert kinds == sorted(kinds, reverse=True) and {"open", "code"} == set(kinds)
