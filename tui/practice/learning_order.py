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
from collections.abc import Sequence

from questions.model import Question
from questions.topics import TOPICS


def learning_order(questions: Sequence[Question]) -> list[str]:
    """The ids of ``questions`` in the order in which new ones are asked."""
    topics = {name: number for number, name in enumerate(TOPICS)}
    rank = {
        question.id: (topics.get(question.topic, len(topics)), question.level, place)
        for place, question in enumerate(questions)
    }
    by_id = {question.id: question for question in questions}
    before: dict[str, set[str]] = {name: set() for name in by_id}
    for question in questions:
        if question.kind == "code":
            before[question.id] |= {
                each.id for each in questions if each.topic == question.topic and each.kind == "open"
            }
        for see in question.sees:
            if see in by_id and see != question.id:
                is_ground = _is_ground(by_id[see], question, topics)
                first, second = (see, question.id) if is_ground else (question.id, see)
                before[second].add(first)
    after: dict[str, list[str]] = {name: [] for name in by_id}
    for name, grounds in before.items():
        for ground in grounds:
            after[ground].append(name)
    waiting = {name: len(grounds) for name, grounds in before.items()}
    free = [(rank[name], name) for name, count in waiting.items() if count == 0]
    heapq.heapify(free)
    order: list[str] = []
    while len(order) < len(by_id):
        if not free:  # a circle: let the one that stands first begin
            left = (name for name in by_id if waiting[name] > 0)
            name = min(left, key=lambda name: (by_id[name].kind == "code", rank[name]))
            waiting[name] = 0
            heapq.heappush(free, (rank[name], name))
        _, name = heapq.heappop(free)
        order.append(name)
        waiting[name] = -1
        for follower in after[name]:
            if waiting[follower] > 0:
                waiting[follower] -= 1
                if waiting[follower] == 0:
                    heapq.heappush(free, (rank[follower], follower))
    return order


def _is_ground(other: Question, question: Question, topics: dict[str, int]) -> bool:
    """Whether ``question``, which refers to ``other``, rests on it."""
    earlier = topics.get(other.topic, len(topics)) < topics.get(question.topic, len(topics))
    return earlier or other.level < question.level
