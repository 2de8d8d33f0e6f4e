"""The benchmarks run and count what they say they count; how long anything takes is no test."""

from __future__ import annotations

import json

import pytest

from benchmarks import knobs
from tui.experiments.catalogue import catalogue


def test_an_experiment_is_opened_and_each_of_its_knobs_turned_once(capsys: pytest.CaptureFixture[str]) -> None:
    assert knobs.main(["linearity", "attention-steps", "--json"]) == 0
    waits = json.loads(capsys.readouterr().out)["waits"]
    wanted = [(name, knob) for name in ("linearity", "attention-steps")
              for knob in (None, *catalogue()[name].defaults())]  # fmt: skip
    assert [(wait["experiment"], wait["knob"]) for wait in waits] == wanted
    assert all(wait["seconds"] > 0 for wait in waits)
    assert knobs.main(["linearity"]) == 0
    assert "opening an experiment, 1 times: median" in capsys.readouterr().out


def test_every_knob_has_another_value_to_turn_to() -> None:
    for experiment in catalogue().values():
        for knob in experiment.knobs:
            assert knob.parse(knobs.turned(knob)) != knob.default, (experiment.name, knob.name)


def test_an_unknown_name_is_wrong_usage(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="2"):
        knobs.main(["lineality"])
    assert "no experiment lineality" in capsys.readouterr().err
