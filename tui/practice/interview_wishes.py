"""What can be wished of an interview, as knobs: how many questions, how long, of which topic and level."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from questions.bilingual import Bilingual
from questions.topics import TOPICS, topic_title
from tui.experiments.contract import Choice, Knob, KnobValue
from tui.practice.interview import MINUTES, QUESTIONS, Wishes
from tui.practice.selection import Selection

ALL = "all"
_ALL = Choice(ALL, Bilingual("全部", "all"))


@dataclass(frozen=True)
class WishKnobs:
    """The knobs, as a panel of them takes them."""

    knobs: tuple[Knob, ...]


KNOBS = WishKnobs(
    (
        Knob("questions", Bilingual("题数", "questions"), "number", QUESTIONS, minimum=1, maximum=20),
        Knob("minutes", Bilingual("分钟", "minutes"), "number", MINUTES, minimum=5, maximum=120, step=5),
        Knob(
            "topic",
            Bilingual("话题", "topic"),
            "choice",
            ALL,
            choices=(_ALL, *(Choice(name, topic_title(name)) for name in TOPICS)),
        ),
        Knob(
            "level",
            Bilingual("难度", "level"),
            "choice",
            ALL,
            choices=(_ALL, *(Choice(str(level), "★" * level) for level in (1, 2, 3))),
        ),
    )
)


def wishes_of(values: Mapping[str, KnobValue], selection: Selection) -> Wishes:
    """What the knobs say, within the part of the bank that is studied."""
    if values["topic"] != ALL:
        selection = replace(selection, topics=(str(values["topic"]),))
    if values["level"] != ALL:
        selection = replace(selection, levels=(int(values["level"]),))
    return Wishes(int(values["questions"]), int(values["minutes"]), selection)
