"""``check``: files validated, every check measured, every number in a text held, every claim broken."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

import questions
from tests.tui.commands.conftest import Ran

Program = Callable[..., Ran]


def _edit(bank: Path, old: str, new: str) -> None:
    text = bank.read_text(encoding="utf-8")
    assert old in text
    bank.write_text(text.replace(old, new), encoding="utf-8")


def test_sound_files_are_exit_status_0(program: Program, bank: Path) -> None:
    ran = program("check", str(bank))
    assert (ran.status, ran.out) == (0, "")
    assert "sound questions: 2, no faults" in ran.err


def test_a_fault_is_exit_status_2_with_file_line_column_and_key(program: Program, bank: Path) -> None:
    _edit(bank, "level: 1", "levle: 1")
    ran = program("check", str(bank))
    assert ran.status == 2
    line = next(line for line in ran.out.splitlines() if "levle" in line)
    number = bank.read_text(encoding="utf-8").splitlines().index("  levle: 1") + 1
    assert line.startswith(f"{bank}:{number}:3: toy-again: levle: ") and "did you mean 'level'?" in line
    assert "没有 levle 这个键（是不是 level？）" in program("check", str(bank), lang="zh").out
    problems = program("check", str(bank), "--json").json["problems"]
    (problem,) = [problem for problem in problems if problem["code"] == "unknown-key"]
    assert (problem["line"], problem["column"], problem["key"]) == (number, 3, "toy-again: levle")


def test_every_check_is_run_once_for_each_setting(program: Program, bank: Path) -> None:
    ran = program("check", str(bank), "--run")
    assert ran.status == 0
    assert ran.out.count("✓ doubled") == 2  # at x=3 for both questions, at x=4 for the predict item
    assert "toy  (toy-double, toy-again)" in ran.out and "toy  x=4  (toy-double)" in ran.out
    assert "runs: 2, checks: 8, numbers in texts: 6, not holding: 0" in ran.err
    data = program("check", str(bank), "--run", "--json").json
    assert [(run["knobs"]["x"], run["questions"]) for run in data["runs"]] == [
        (3, ["toy-double", "toy-again"]),
        (4, ["toy-double"]),
    ]
    assert data["runs"][0]["checks"][1]["measured"] == pytest.approx(61.24, abs=1e-5)


@pytest.mark.parametrize(
    ("old", "new", "written"),
    [
        ("[61.2 %](check:share)", "[61.3 %](check:share)", "61.3 %"),  # 61.24 rounds to 61.2
        ("[61 %](check:share)", "[62 %](check:share)", "62 %"),
        ("是 [8](check:doubled)", "是 [6](check:doubled)", "6"),  # 8 at the predict item's knobs, 6 at the question's
    ],
)
def test_a_number_that_is_not_what_was_measured_fails(
    program: Program, bank: Path, old: str, new: str, written: str
) -> None:
    _edit(bank, old, new)
    ran = program("check", str(bank), "--run")
    assert ran.status == 1
    (line,) = [line for line in ran.out.splitlines() if "toy-double: " in line]
    assert f"says {written}, but" in line


def test_a_number_within_the_tolerance_written_holds(program: Program, bank: Path) -> None:
    _edit(bank, "[61 %](check:share)", "[58 ± 5 %](check:share)")
    assert program("check", str(bank), "--run").status == 0


def test_a_check_that_a_question_rests_on_must_be_defined_at_its_knobs(program: Program, bank: Path) -> None:
    _edit(bank, "match: [两倍, twice], check: doubled", "match: [两倍, twice], check: not-at-zero")
    assert program("check", str(bank), "--run").status == 0
    _edit(bank, "{run: toy, with: {x: 3}}", "{run: toy, with: {x: 0}}")
    _edit(bank, "[6](check:doubled)", "[0](check:doubled)")
    ran = program("check", str(bank), "--run")
    assert ran.status == 1
    assert "toy-double rests on not-at-zero, which is not defined at its knobs" in ran.out


def test_a_check_that_fails_is_exit_status_1(program: Program, bank: Path) -> None:
    _edit(bank, "{run: toy, with: {x: 3}}", '{run: toy, with: {x: 3, word: "错"}}')
    ran = program("check", str(bank), "--run")
    assert ran.status == 1
    assert "✗ doubled  7   expected 6   does not hold" in ran.out


def test_a_run_that_breaks_is_reported_and_hides_no_other(program: Program, bank: Path) -> None:
    text = bank.read_text(encoding="utf-8")
    head, tail = text.rsplit("{run: toy, with: {x: 3}}", 1)
    bank.write_text(head + '{run: toy, with: {word: "炸"}}' + tail, encoding="utf-8")
    ran = program("check", str(bank), "--run")
    assert ran.status == 1
    assert "the toy broke" in ran.out and ran.out.count("✓ doubled") == 2
    data = program("check", str(bank), "--run", "--json").json
    assert [run["error"] for run in data["runs"]] == [None, None, "the toy broke"]


def test_falsify_reports_a_check_that_still_holds(program: Program, bank: Path) -> None:
    ran = program("check", str(bank), "--run", "--falsify")
    assert ran.status == 1
    assert "✓ toy/doubled fails when off=1, as it must" in ran.out
    assert "✓ toy/share fails when share -> double, as it must" in ran.out
    assert "✗ toy/stubborn still holds when off=1: it proves nothing" in ran.out
    assert "✓ toy/not-at-zero fails when off=2, as it must" in ran.out
    falsified = {
        each["check"]: each for each in program("check", str(bank), "--run", "--falsify", "--json").json["falsified"]
    }
    assert [name for name, each in falsified.items() if not each["fails"]] == ["stubborn"]
    assert falsified["doubled"]["measured"] == 7.0


def test_falsify_needs_run(program: Program, bank: Path) -> None:
    ran = program("check", str(bank), "--falsify")
    assert ran.status == 2 and "--run" in ran.err


def test_a_file_may_lead_to_a_question_of_the_shipped_bank(program: Program, bank: Path) -> None:
    shipped = program("list", "--json").json[0]["id"]
    _edit(bank, "follow_ups:\n", f"follow_ups:\n    - see: {shipped}\n")
    assert program("check", str(bank)).status == 0
    _edit(bank, f"see: {shipped}", "see: no-such-question")
    assert program("check", str(bank)).status == 2


def test_a_shipped_file_given_by_its_path_is_no_duplicate_of_itself(program: Program) -> None:
    folder = Path(questions.__file__).parent
    file = sorted(folder.glob("*.yaml"))[0]
    one, all_of_them = program("check", str(file), "--json").json, program("check", str(folder), "--json").json
    assert 0 < one["questions"] <= all_of_them["questions"]
    assert "duplicate-id" not in {problem["code"] for problem in all_of_them["problems"]}
    assert all_of_them == program("check", "--json").json


def test_a_path_that_is_not_there_is_exit_status_2(program: Program, tmp_path: Path) -> None:
    ran = program("check", str(tmp_path / "none"))
    assert ran.status == 2 and "no such file or folder" in ran.out
