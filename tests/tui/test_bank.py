"""The questions read against the experiments that there are."""

from __future__ import annotations

from pathlib import Path

import pytest

from tui.bank import known_experiments, load_bank
from tui.experiments.catalogue import NAMES, catalogue
from tui.language.usage import UsageError

OWN = """\
- id: my-own
  topic: my-topic
  level: 1
  question: {en: "Mine?"}
  answer: {en: "Mine."}
  key_points: [{en: "mine", match: ["mine"]}]
  experiment: {run: %s, with: {%s: %s}}
"""


def test_the_catalogue_has_each_experiment_under_its_own_name() -> None:
    assert list(catalogue()) == list(NAMES)
    for name, experiment in catalogue().items():
        assert experiment.name == name
        assert len({knob.name for knob in (*experiment.knobs, *experiment.hidden_knobs)}) == len(
            experiment.knobs
        ) + len(experiment.hidden_knobs)
        assert len({check.name for check in experiment.checks}) == len(experiment.checks) > 0


def test_the_bank_is_told_names_knobs_and_checks_and_no_hidden_knob() -> None:
    facts = known_experiments().experiments["scaling"]
    experiment = catalogue()["scaling"]
    assert list(facts.knob_names) == [knob.name for knob in experiment.knobs]
    assert list(facts.check_names) == [check.name for check in experiment.checks]
    assert not set(facts.knob_names) & {knob.name for knob in experiment.hidden_knobs}
    assert facts.refuse({"d_k": 64}) is None
    assert "d_k" in (facts.refuse({"d_k": -1}) or "")


def test_a_persons_own_questions_follow_the_shipped_ones(tmp_path: Path) -> None:
    shipped = load_bank()
    assert shipped.questions and all(question.shipped for question in shipped.questions)
    (tmp_path / "own.yaml").write_text(OWN % ("scaling", "d_k", "64"), encoding="utf-8")
    bank = load_bank([tmp_path])
    assert bank.questions[:-1] == shipped.questions
    own = bank["my-own"]
    assert not own.shipped and own.settings == {"d_k": 64}
    assert own.question.missing("zh") and own.question.say("zh") == "Mine?"


@pytest.mark.parametrize(
    ("experiment", "knob", "value", "code"),
    [("scalng", "d_k", "64", "unknown-experiment"), ("scaling", "dk", "64", "unknown-knob"),
     ("scaling", "d_k", "-5", "knob-refused")],
)  # fmt: skip
def test_what_the_experiment_does_not_have_is_a_fault(
    tmp_path: Path, experiment: str, knob: str, value: str, code: str
) -> None:
    path = tmp_path / "own.yaml"
    path.write_text(OWN % (experiment, knob, value), encoding="utf-8")
    (problem,) = [problem for problem in load_bank([path]).problems if problem.file == str(path)]
    assert (problem.code, problem.line) == (code, 7)


@pytest.mark.parametrize("make", ["missing", "empty folder"])
def test_a_path_that_gives_no_file_is_wrong_usage(tmp_path: Path, make: str) -> None:
    path = tmp_path / "given"
    if make == "empty folder":
        path.mkdir()
    with pytest.raises(UsageError, match="given"):
        load_bank([path])
