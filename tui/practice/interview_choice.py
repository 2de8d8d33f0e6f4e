"""Which questions a mock interview asks: drawn at random, rather what is due, weak and not asked last time.

The weight of a question is the sum of

- ``EVERY``: anything can be asked;
- the probability, by FSRS, that it would be forgotten on the day of the interview where one is set, else now (a
  question never rated counts ``UNSEEN``: what it would be is not known);
- ``DUE`` where it is due by then;
- the share of its key points that were not said when it was last answered.

It is divided by ``AGAIN`` where the last interview asked it, and halved for each question already drawn of its topic,
so that an interview goes through the field. The easier ones are asked first, as an interviewer does.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime

from questions.model import Question
from tui.progress.agenda import Calendar
from tui.progress.records import CardState
from tui.progress.schedule import Schedule
from tui.progress.store import ProgressStore

EVERY, UNSEEN, DUE, AGAIN = 0.2, 0.5, 0.5, 4.0


def weights(
    questions: Sequence[Question],
    cards: Mapping[str, CardState],
    not_said: Mapping[str, float],
    calendar: Calendar,
    schedule: Schedule,
    now: datetime,
    asked_last: Collection[str] = (),
) -> dict[str, float]:
    """The weight of each question; ``not_said`` is the share of key points that its last answer did not say."""
    left = calendar.days_left(now)
    when = now
    if left and calendar.preferences.interview_on is not None:
        when = max(now, calendar.begins(calendar.preferences.interview_on))
    found = {}
    for question in questions:
        card = cards.get(question.id)
        weight = EVERY + not_said.get(question.id, 0.0)
        if card is None:
            weight += UNSEEN
        else:
            weight += 1.0 - schedule.recall(card, when)
            weight += DUE * calendar.is_due(question.id, card, when)
        found[question.id] = weight / AGAIN if question.id in asked_last else weight
    return found


def unsaid(store: ProgressStore, questions: Sequence[Question]) -> dict[str, float]:
    """The share of key points that the last marked answer to each question did not say; half said is half."""
    shares = {}
    for question in questions:
        for said, half, missed in store.latest_marks(question.id, 1):
            shares[question.id] = (len(missed) + len(half) / 2) / (len(said) + len(half) + len(missed))
    return shares


def choose(questions: Sequence[Question], weight: Mapping[str, float], count: int, seed: int | None) -> list[Question]:
    """``count`` of ``questions`` by weight, each once (fewer where there are not so many), the easier ones first."""
    chance = random.Random(seed)
    left, chosen = list(questions), list[Question]()
    topics: Counter[str] = Counter()
    while left and len(chosen) < count:
        now = [weight[question.id] / 2 ** topics[question.topic] for question in left]
        picked = chance.choices(range(len(left)), now)[0]
        question = left.pop(picked)
        topics[question.topic] += 1
        chosen.append(question)
    return sorted(chosen, key=lambda question: question.level)
