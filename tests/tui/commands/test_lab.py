"""``lab``: knobs as a person writes them, figures and checks as text and as JSON."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.tui.commands.conftest import TOY, Ran
from tui.cli import main
from tui.commands.knob_settings import read_settings, read_value
from tui.experiments.contract import Experiment, Knob, KnobError, KnobValue

Program = Callable[..., Ran]
KNOBS = {knob.name: knob for knob in TOY.knobs}


@pytest.mark.parametrize(
    ("knob", "written", "value"),
    [
        ("x", "64", 64),
        ("x", " 64 ", 64),
        ("x", "1_0", 10),
        ("x", "6.4e1", 64.0),
        ("x", "+3", 3),
        ("loud", "true", True),
        ("loud", "True", True),
        ("loud", "off", False),
        ("how", "times", "times"),
        ("how", "'times'", "times"),
        ("word", "猫", "猫"),
        ("word", '"a b"', "a b"),
        ("word", '"a\\n"', "a\n"),
        ("word", "true", "true"),
        ("word", "12", "12"),
        ("word", "", ""),
        ("word", "it's", "it's"),
    ],
)
def test_a_value_is_read_as_its_knob_takes_it(knob: str, written: str, value: KnobValue) -> None:
    read = read_value(KNOBS[knob], written)
    assert read == value and type(read) is type(value)
    KNOBS[knob].parse(read)


@pytest.mark.parametrize(
    ("knob", "written"), [("x", "ten"), ("x", "nan"), ("x", "101"), ("x", "2.5"), ("loud", "maybe")]
)
def test_what_a_knob_cannot_take_is_refused_by_the_knob(knob: str, written: str) -> None:
    with pytest.raises(KnobError):
        TOY.parse(read_settings(TOY, [f"{knob}={written}"]))


def test_the_last_of_two_settings_counts_and_an_equals_sign_may_be_in_a_text() -> None:
    assert read_settings(TOY, ["x=1", "x=2", "word=a=b"]) == {"x": 2, "word": "a=b"}


def test_the_experiments_are_listed_with_what_each_knob_takes(program: Program, toy: Experiment) -> None:
    ran = program("lab")
    assert ran.status == 0
    assert "toy  Toy" in ran.out and "x=3  0 to 100" in ran.out and "how=add  add | times" in ran.out
    assert "loud=false  true | false" in ran.out
    (listed,) = [each for each in program("lab", "--json").json if each["name"] == "toy"]
    assert [knob["name"] for knob in listed["knobs"]] == ["x", "how", "loud", "word"]  # no hidden ones
    assert listed["checks"][1]["claim"] == {"zh": "一部分", "en": "A share"}


def test_a_run_is_drawn_and_its_checks_printed(program: Program, toy: Experiment) -> None:
    ran = program("lab", "toy", "--set", "x=21")
    assert ran.status == 0
    assert "x=21" in ran.out and "Map" in ran.out
    assert "✓ doubled  42   expected 42" in ran.out
    assert "61.24 %" in ran.out
    assert " ms" in ran.err and "ms" not in ran.out  # what computed is words, not data
    assert "翻倍就是两倍" in program("lab", "toy", lang="zh").out


def test_a_check_that_fails_is_exit_status_1(program: Program, toy: Experiment) -> None:
    ran = program("lab", "toy", "--set", "word=错")
    assert ran.status == 1
    assert "✗ doubled  7   expected 6   does not hold" in ran.out


def test_a_check_that_is_not_defined_is_no_failure_and_says_why(program: Program, toy: Experiment) -> None:
    ran = program("lab", "toy", "--set", "x=0")
    assert ran.status == 0
    assert "not-at-zero  not defined at these knobs: x is zero" in ran.out


def test_json_has_the_promised_keys_and_names_what_is_not_finite(program: Program, toy: Experiment) -> None:
    data = program("lab", "toy", "--set", "x=0", "--json").json
    assert set(data) == {"experiment", "backend", "knobs", "seconds", "checks", "figures"}
    assert data["knobs"] == {"x": 0, "how": "add", "loud": False, "word": "猫"}
    assert data["checks"][0] == {
        "name": "doubled",
        "measured": 0.0,
        "relation": "==",
        "expected": 0,
        "tolerance": 0.0,
        "holds": True,
    }
    assert data["checks"][3]["holds"] is None and data["checks"][3]["expected"] is None
    heatmap, bars = data["figures"]
    assert (heatmap["kind"], bars["kind"]) == ("heatmap", "bars")
    assert heatmap["stages"][0]["values"] == [[[None, 0.5], [1.0, 0.0]]]
    assert heatmap["nonfinite"] == {"stages[0].values[0][0][0]": "nan"}
    assert bars["nonfinite"] == {"values[1]": "inf"}


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["lab", "toyy"], "did you mean toy?"),
        (["lab", "toy", "--set", "y=1"], "has no knob y"),
        (["lab", "toy", "--set", "off=1"], "has no knob off"),
        (["lab", "toy", "--set", "x"], "--set takes KNOB=VALUE"),
        (["lab", "toy", "--set", "x=1000"], "0 to 100"),
    ],
)
def test_wrong_usage_is_exit_status_2(program: Program, toy: Experiment, arguments: list[str], said: str) -> None:
    ran = program(*arguments)
    assert (ran.status, ran.out) == (2, "")
    assert said in ran.err


def test_an_experiment_that_breaks_gives_a_sentence_and_a_log(
    program: Program, toy: Experiment, tmp_path: Path
) -> None:
    ran = program("lab", "toy", "--set", "word=炸")
    assert ran.status == 1
    assert "Traceback" not in ran.err and "the toy broke" in ran.err
    log = (tmp_path / "data" / "errors.log").read_text(encoding="utf-8")
    assert "Traceback" in log and "RuntimeError: the toy broke" in log
    assert "意料之外" in program("lab", "toy", "--set", "word=炸", lang="zh").err


def test_where_no_log_can_be_written_the_place_is_said(
    toy: Experiment, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").touch()
    assert main(["--data-dir", str(tmp_path / "file" / "d"), "--lang", "en", "lab", "toy", "--set", "word=炸"]) == 1
    said = capsys.readouterr().err
    assert "the toy broke) at conftest.py:" in said and "log cannot be written" in said


def test_a_knob_for_every_kind_is_tested() -> None:
    kinds = {knob.kind for knob in TOY.knobs}
    assert kinds == {"number", "choice", "switch", "text"}
    assert isinstance(KNOBS["x"], Knob)
