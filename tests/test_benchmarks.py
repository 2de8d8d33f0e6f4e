"""The benchmarks run and count what they say they count; how long anything takes is no test."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from dataclasses import fields, replace
from pathlib import Path

import pytest

from benchmarks import __main__ as benchmarks
from benchmarks import knobs
from benchmarks.measure import blank_result, run
from benchmarks.row import Result, Row, Sides
from benchmarks.rows import FAMILIES, ROWS
from benchmarks.table import in_readme, table
from benchmarks.timing import measure
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


def _row(ours: float = 3.0, peer: float | None = 2.0, **more: object) -> Row:
    """A row whose samples are these numbers, whatever the machine does."""
    sides = Sides(lambda: ours, None if peer is None else lambda: peer)
    return replace(Row("made-up", "what", 1.0, lambda with_peer: sides), **more)  # type: ignore[arg-type]


def _measured(row: Row) -> Result:
    return measure(row, row.prepare(True), blank_result(row, 2), seconds=0.0)


def test_every_row_is_whole_and_named_once() -> None:
    assert sum(map(len, FAMILIES.values())) == len(ROWS) > 40
    assert not set(ROWS) & set(FAMILIES) - {"tracing"}  # a name means one thing on the command line
    for row in ROWS.values():
        assert row.name and row.what and row.aim > 0 and row.work >= 1, row.name
        assert bool(row.against) == (row.kind != "seconds"), row.name
        assert not row.needs or row.kind == "ratio", row.name


def test_ratios_are_those_of_the_rounds_and_their_middle_half() -> None:
    ours, peer = iter([9.0, 1.0, 2.0, 3.0, 4.0, 5.0]), iter([9.0, 1.0, 1.0, 1.0, 2.0, 1.0])  # the first is the warm-up
    row = replace(_row(), prepare=lambda with_peer: Sides(lambda: next(ours), lambda: next(peer)))
    found = _measured(row)
    assert (found.rounds, found.low, found.value, found.high) == (5, 2.0, 2.0, 3.0)  # of 1, 2, 3, 2, 5
    assert (found.ours, found.peer) == (3.0, 1.0)
    assert _measured(_row(8.0, 1.0, work=4)).value == 2.0
    assert _measured(_row(0.25, 0.1875, kind="more")).value == 0.0625
    assert _measured(_row(3.0, None, kind="seconds")).value == 3.0
    assert _measured(_row(3.0, None, kind="seconds", once=True)).rounds == 1


def test_both_sides_take_turns() -> None:
    order: list[str] = []
    row = replace(_row(), prepare=lambda with_peer: Sides(lambda: order.append("ours") or 1.0,
                                                          lambda: order.append("peer") or 1.0))  # fmt: skip
    _measured(row)
    assert order == ["ours", "peer"] + ["ours", "peer", "peer", "ours"] * 2 + ["ours", "peer"]


def test_a_row_without_its_peer_says_so_and_measures_ours() -> None:
    row = replace(_row(needs=("no_such_peer",)), prepare=lambda with_peer: Sides(lambda: 0.5, None))
    found = run(row, 0.0, 2)
    assert (found.missing, found.ours, found.peer, found.value) == (("no_such_peer",), 0.5, None, None)
    assert "not installed: no_such_peer" in table([found])


def test_a_row_that_fails_says_why_and_the_others_go_on(capsys: pytest.CaptureFixture[str]) -> None:
    found = run(replace(_row(), prepare=lambda with_peer: math.sqrt(-1)), 0.0, 2)  # type: ignore[arg-type, return-value]
    assert found.failed.startswith("ValueError") and "failed: ValueError" in table([found])


def test_the_table_tells_what_changed_where_the_spreads_do_not_meet() -> None:
    then = replace(_measured(_row()), value=1.0, low=0.9, high=1.1)
    for low, value, high, said in [
        (0.4, 0.5, 0.6, "1.00, faster now: -50%"),
        (1.4, 1.5, 1.6, "1.00, slower now: +50%"),
        (1.0, 1.2, 1.3, "1.00, the same within the spread"),
        (0.7, 0.8, 0.95, "1.00, the same within the spread"),
    ]:
        now = replace(then, value=value, low=low, high=high)
        assert said in table([now], {then.name: then})
    assert "≤ 1.00 ✓" in table([then]) and "≤ 1.00 ✗" in table([replace(then, value=1.01)])


def test_a_row_runs_alone_and_its_file_is_read_again(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "now.json"
    assert benchmarks.main(["start-help", "--seconds", "0", "--threads", "1", "--json", str(file)]) == 0
    written = json.loads(file.read_text(encoding="utf-8"))
    assert written["machine"]["threads"] == 1 and written["machine"]["cores"] >= 1
    (row,) = written["rows"]
    assert set(row) == {field.name for field in fields(Result)}
    assert row["name"] == "start-help" and row["threads"] == 0 and row["rounds"] == 5 and row["ours"] > 0
    assert benchmarks.read(file)["start-help"].ours == row["ours"]
    assert "| start-help " in capsys.readouterr().out


def test_wrong_usage_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "other.json").write_text("[]", encoding="utf-8")
    for given, said in [
        (["attention-129"], "no row attention-129; --list names them"),
        (["--against", str(tmp_path / "other.json"), "attention-128"], "is not what --json writes"),
        (["--resume", "--json", str(tmp_path / "other.json")], "is not what --json writes"),
        (["--json", str(tmp_path / "none" / "now.json")], "cannot write"),
        (["--threads", "0"], "a whole number of at least 1"),
    ]:
        with pytest.raises(SystemExit, match="2"):
            benchmarks.main(given)
        assert said in capsys.readouterr().err
    assert benchmarks.main(["--list"]) == 0
    assert "attention: attention-128 attention-512" in capsys.readouterr().out


def test_what_was_measured_before_an_interruption_is_kept_and_gone_on_with(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    file, readme = tmp_path / "now.json", tmp_path / "README.md"
    readme.write_text("before\n<!-- benchmarks -->\nold\n<!-- benchmarks end -->\nafter\n", encoding="utf-8")
    monkeypatch.setattr(benchmarks, "README", readme)
    asked: list[str] = []

    def measured(names: list[str], seconds: float, threads: int) -> Iterator[Result]:
        for number, name in enumerate(names):
            if number == 1 and not asked:
                asked.append(name)
                raise KeyboardInterrupt
            yield replace(_measured(_row()), name=name, what=f"what {name} is")

    monkeypatch.setattr(benchmarks, "_measured", measured)
    given = ["start-help", "start-list", "attention-128", "--json", str(file), "--resume"]
    assert benchmarks.main(given) == 130 and list(benchmarks.read(file)) == ["start-help"]
    assert benchmarks.main([*given, "--readme"]) == 0 and asked == ["start-list"]
    assert list(benchmarks.read(file)) == ["start-help", "start-list", "attention-128"]
    assert benchmarks.main(["start-list", "tracing", "--json", str(file), "--resume"]) == 0
    assert list(benchmarks.read(file)) == ["start-help", "start-list", "attention-128", "tracing"]
    text = readme.read_text(encoding="utf-8")
    assert text.startswith("before\n<!-- benchmarks -->\nat: ") and text.endswith("\n<!-- benchmarks end -->\nafter\n")
    assert "| what start-list is |  | 3.00 s |  | ≤ 1.00 ✗ |" in text and "old" not in text
    with pytest.raises(ValueError, match="no marks"):
        in_readme("nothing", "", [])
