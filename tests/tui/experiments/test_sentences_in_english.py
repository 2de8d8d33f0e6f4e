"""On an English screen a sentence is English, and what the texts say of it is as true."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache

import pytest

from tests.tui.experiments.checking import assert_hold_or_null
from tui.bank import load_bank
from tui.experiments.catalogue import catalogue
from tui.experiments.contract import Check, Experiment, Result
from tui.proof.evidence import by_name, disproofs

BILINGUAL = [name for name, experiment in catalogue().items() if any(knob.english for knob in experiment.knobs)]


def in_english(experiment: Experiment, settings: Mapping[str, object]) -> dict[str, object]:
    values = experiment.parse(settings, language="en")
    return {knob.name: values[knob.name] for knob in experiment.knobs}


@cache
def run(name: str, knobs: tuple[tuple[str, object], ...]) -> Result:
    """Questions that ask about the same settings share a run."""
    return catalogue()[name].run(dict(knobs))


@pytest.mark.parametrize("name", BILINGUAL)
def test_every_claim_holds_for_the_english_sentence(name: str) -> None:
    experiment = catalogue()[name]
    knobs = in_english(experiment, {})
    texts = [str(knobs[knob.name]) for knob in experiment.knobs if knob.english]
    assert all(text.isascii() and len(text) <= 200 for text in texts)
    assert_hold_or_null(run(name, tuple(knobs.items())), knobs)


@pytest.mark.once  # every value that is measured is the same on both: test_both_backends
@pytest.mark.parametrize("name", BILINGUAL)
def test_the_numbers_of_the_texts_are_those_of_the_english_sentence(name: str) -> None:
    """A question whose numbers are of one sentence sets it; the others hold for either."""
    experiment = catalogue()[name]

    def checks_at(settings: Mapping[str, object]) -> Mapping[str, Check]:
        return by_name(run(name, tuple(in_english(experiment, settings).items())).checks)

    for question in load_bank().questions:
        if getattr(question, "experiment", None) is not None and question.experiment.run == name:
            wrong = [(found.number.span.written, found.evidence.live) for found in disproofs(question, checks_at)]
            assert wrong == [], question.id
