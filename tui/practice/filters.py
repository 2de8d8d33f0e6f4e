"""What a list of questions is narrowed to: a topic, a level, a kind, and how it stands with a question, as knobs."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from questions.bilingual import Bilingual
from questions.model import Question
from questions.topics import TOPICS, topic_title
from tui.experiments.contract import Choice, Knob, KnobValue

ALL = "all"
_ALL = Choice(ALL, Bilingual("全部", "all"))
TOPIC = Knob(
    "topic",
    Bilingual("话题", "topic"),
    "choice",
    ALL,
    choices=(_ALL, *(Choice(name, topic_title(name)) for name in TOPICS)),
)
LEVEL = Knob(
    "level",
    Bilingual("难度", "level"),
    "choice",
    ALL,
    choices=(_ALL, *(Choice(str(level), "★" * level) for level in (1, 2, 3))),
)
STATE = Knob(
    "state",
    Bilingual("状态", "state"),
    "choice",
    ALL,
    choices=(
        _ALL,
        Choice("due", Bilingual("到期", "due")),
        Choice("new", Bilingual("没见过", "never seen")),
        Choice("flagged", Bilingual("有误?", "flagged")),
        Choice("suspended", Bilingual("停用", "suspended")),
    ),
)


KIND = Knob(
    "kind",
    Bilingual("题型", "kind"),
    "choice",
    ALL,
    choices=(_ALL, Choice("open", Bilingual("问答", "in words")), Choice("code", Bilingual("手写代码", "in code"))),
)


@dataclass(frozen=True)
class Knobs:
    """Knobs as a panel of them takes them."""

    knobs: tuple[Knob, ...]


FILTERS = Knobs((TOPIC, LEVEL, KIND, STATE))


def passes(question: Question, states: Collection[str], values: Mapping[str, KnobValue]) -> bool:
    """Whether ``question``, of which ``states`` hold, is among what the knobs leave."""
    topic, level, state, kind = values["topic"], values["level"], values["state"], values["kind"]
    if kind not in (ALL, question.kind):
        return False
    return topic in (ALL, question.topic) and level in (ALL, str(question.level)) and (state == ALL or state in states)
