"""What can be wished of an interview, as knobs: how many questions, how long, of which topic, level and kind."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from questions.bilingual import Bilingual
from tui.experiments.contract import Knob, KnobValue
from tui.practice.filters import ALL, KIND, LEVEL, TOPIC, Knobs
from tui.practice.interview import MINUTES, QUESTIONS, Wishes
from tui.practice.selection import Selection

KNOBS = Knobs(
    (
        Knob("questions", Bilingual("题数", "questions"), "number", QUESTIONS, minimum=1, maximum=20),
        Knob("minutes", Bilingual("分钟", "minutes"), "number", MINUTES, minimum=5, maximum=120, step=5),
        TOPIC,
        LEVEL,
        KIND,
    )
)


def wishes_of(values: Mapping[str, KnobValue], selection: Selection) -> Wishes:
    """What the knobs say, within the part of the bank that is studied."""
    if values["topic"] != ALL:
        selection = replace(selection, topics=(str(values["topic"]),))
    if values["level"] != ALL:
        selection = replace(selection, levels=(int(values["level"]),))
    if values["kind"] != ALL:
        selection = replace(selection, kind=str(values["kind"]))
    return Wishes(int(values["questions"]), int(values["minutes"]), selection)
