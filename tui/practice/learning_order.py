"""The order in which new questions are learned: what a question rests on comes before it.

Three things in the bank say what rests on what, and from them alone the order is made:

1. ``follow_ups: see`` joins two questions. Where the other one is of an earlier topic or of a lower level, it is the
   ground on which this one stands, and comes first. Otherwise it is where this one leads, and comes after.
   (``when: thin`` does not tell: a thin answer is sent aside to a neighbor as often as to the ground.)
2. Among those that wait for nothing any more, the topics come in their order (``questions.topics``), in a topic the
   easier level first, and then as the bank has them.
   What is written in code waits for all of its topic that is answered in words: one writes what one has understood.
3. Where questions refer to each other in a circle, the one that stands first by the second rule begins.
"""

from __future__ import annotations

import heapq
from collections import Counter, defaultdict
from collections.abc import Sequence

from questions.model import Question
from questions.topics import TOPICS


def learning_order(questions: Sequence[Question]) -> list[str]:
    """The ids of ``questions`` in the order in which new ones are asked. The work grows as their number."""
    topics = {name: number for number, name in enumerate(TOPICS)}
    by_id = {question.id: question for question in questions}
    ranked = sorted(by_id.values(), key=lambda each: (topics.get(each.topic, len(topics)), each.level))
    names = [question.id for question in ranked]
    place = {name: number for number, name in enumerate(names)}
    followers: defaultdict[str, set[str]] = defaultdict(set)  # of few: ten thousand own questions refer to none
    for question in questions:
        for see in question.sees:
            if see in by_id and see != question.id:
                is_ground = _is_ground(by_id[see], question, topics)
                first, second = (see, question.id) if is_ground else (question.id, see)
                followers[first].add(second)
    code = {question.id for question in questions if question.kind == "code"}
    in_words = Counter(question.topic for question in questions if question.id not in code)
    waiting = Counter(name for names in followers.values() for name in names)
    waiting.update(name for name in code if in_words[by_id[name].topic])  # for all of them, as for one
    free = [place[name] for name in names if name not in waiting]
    next_of_a_circle = iter(sorted(names, key=code.__contains__))
    order: list[str] = []
    while len(order) < len(by_id):
        if not free:  # a circle: let the one that stands first begin
            name = next(name for name in next_of_a_circle if waiting[name] > 0)
            waiting[name] = 0
            heapq.heappush(free, place[name])
        name = names[heapq.heappop(free)]
        order.append(name)
        waiting[name] = -1
        topic = by_id[name].topic
        if name not in code:
            in_words[topic] -= 1
        written = () if name in code or in_words[topic] else [each for each in code if by_id[each].topic == topic]
        for follower in (*followers.get(name, ()), *written):
            if waiting[follower] > 0:
                waiting[follower] -= 1
                if waiting[follower] == 0:
                    heapq.heappush(free, place[follower])
    return order


def _is_ground(other: Question, question: Question, topics: dict[str, int]) -> bool:
    """Whether ``question``, which refers to ``other``, rests on it."""
    earlier = topics.get(other.topic, len(topics)) < topics.get(question.topic, len(topics))
    return earlier or other.level < question.level
