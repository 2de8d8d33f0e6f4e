"""``list``, ``show``, ``stats``, ``doctor``: data on stdout, words on stderr, exit status as promised."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.tui.commands.conftest import Ran
from tui.progress.store import open_store

Program = Callable[..., Ran]


def test_list_gives_a_line_for_each_question(program: Program, bank: Path) -> None:
    ran = program("list", "--questions", str(bank))
    lines = [line for line in ran.out.splitlines() if line.startswith("toy-")]
    assert ran.status == 0
    assert [line.split()[0] for line in lines] == ["toy-double", "toy-again"]
    assert lines[0].endswith("What is x doubled?") and "**" in lines[0]
    assert "x 翻倍是多少？" in program("list", "--questions", str(bank), lang="zh").out


def test_list_json_has_the_promised_keys(program: Program, bank: Path) -> None:
    listed = {item["id"]: item for item in program("list", "--json", "--questions", str(bank)).json}
    assert listed["toy-double"] == {
        "id": "toy-double",
        "kind": "open",
        "source": [],
        "topic": "attention",
        "level": 2,
        "question": {"zh": "x 翻倍是多少？", "en": "What is x doubled?"},
        "experiment": "toy",
        "checks": ["doubled", "share"],
    }


def test_show_says_everything_without_marks(program: Program, bank: Path) -> None:
    ran = program("show", "toy-double", "--questions", str(bank))
    assert ran.status == 0
    assert "In short: doubled it is 6, a share of 61.2 %. The second line goes on, 2 * x, see 28.4 [1]." in ran.out
    assert "[1] Euclid, Elements, book VII  https://example.org/elements" in ran.out
    assert "tformer-quiz lab toy --set x=3" in ran.out
    assert "**" not in ran.out and "`" not in ran.out and "(check:" not in ran.out


def test_show_leads_with_what_one_says_in_a_minute(program: Program, bank: Path) -> None:
    text = bank.read_text(encoding="utf-8").replace("  answer:", "  brief: {zh: 先说这句, en: Say this}\n  answer:", 1)
    bank.write_text(text, encoding="utf-8")
    out = program("show", "toy-double", "--questions", str(bank)).out
    assert out.index("In a minute\n  Say this") < out.index("\nDeeper\n") < out.index("\nKey points\n")
    assert "一分钟说法\n  先说这句" in program("show", "toy-double", "--questions", str(bank), lang="zh").out


def test_show_json_is_the_item_as_its_file_has_it(program: Program, bank: Path) -> None:
    import yaml

    shown = program("show", "toy-double", "--json", "--questions", str(bank)).json
    (item, _) = yaml.safe_load(bank.read_text(encoding="utf-8"))
    for language in ("zh", "en"):
        item["answer"][language] = item["answer"][language].strip()
    assert shown == item


def test_a_question_that_is_not_there_is_answered_with_the_nearest(program: Program, bank: Path) -> None:
    ran = program("show", "toy-duble", "--questions", str(bank))
    assert (ran.status, ran.out) == (2, "")
    assert "did you mean toy-double?" in ran.err
    assert "是不是 toy-double？" in program("show", "toy-duble", "--questions", str(bank), lang="zh").err
    assert program("show").status == 2


def test_a_path_that_cannot_be_read_is_wrong_usage(program: Program, tmp_path: Path) -> None:
    ran = program("list", "--questions", str(tmp_path / "none.yaml"))
    assert (ran.status, ran.out) == (2, "")
    assert "none.yaml" in ran.err
    assert "没有这个文件或文件夹" in program("list", "--questions", str(tmp_path / "none.yaml"), lang="zh").err


def test_a_fault_in_a_persons_file_is_told_and_hides_nothing_else(program: Program, bank: Path) -> None:
    bank.write_text(bank.read_text(encoding="utf-8").replace("level: 1", "level: 9"), encoding="utf-8")
    ran = program("list", "--questions", str(bank))
    assert ran.status == 0
    assert "toy-double" in ran.out and "toy-again" not in ran.out
    assert f"{bank}:" in ran.err and "level" in ran.err


def test_stats_before_and_after_an_answer(program: Program, bank: Path, tmp_path: Path) -> None:
    from tui.progress.store import open_store

    counted = program("stats", "--json", "--questions", str(bank)).json
    assert (counted["reviews"], counted["retention"], counted["streak"]) == (0, None, 0)
    assert not (tmp_path / "data").exists()  # to look is not to begin
    with open_store(tmp_path / "data") as store:
        store.rate("toy-double", 4, "en")
    counted = program("stats", "--json", "--questions", str(bank)).json
    assert (counted["reviews"], counted["streak"], counted["ratings"]["easy"]) == (1, 1, 1)
    assert counted["new"] == counted["questions"] - 1
    assert len(counted["forecast"]) == 28 and sum(day["due"] for day in counted["forecast"]) == 1
    text = program("stats", "--questions", str(bank)).out
    assert "ratings: 1, today: 1" in text
    assert "评过 1 次" in program("stats", "--questions", str(bank), lang="zh").out


def test_doctor_tells_what_runs_and_writes_nothing(program: Program, tmp_path: Path) -> None:
    ran = program("doctor", "--json")
    facts = ran.json
    assert facts["backend"]["name"] in ("numpy", "mlx")
    assert facts["versions"]["numpy"]
    assert facts["progress"]["file"] is None
    assert facts["terminal"]["stdout_is_terminal"] is False
    assert not (tmp_path / "data").exists()
    assert "Backend" in program("doctor").out
    assert "后端" in program("doctor", lang="zh").out


def test_doctor_finds_damage_and_says_what_will_happen(program: Program, tmp_path: Path) -> None:
    data = tmp_path / "data"
    data.mkdir()
    (data / "progress.sqlite3").write_bytes(b"rubbish" * 100)
    (data / "progress.damaged-20260101-000000.sqlite3").touch()
    ran = program("doctor", "--json")
    assert ran.status == 1
    found = {finding["code"]: finding for finding in ran.json["findings"]}
    assert found["progress-trouble"]["serious"]
    assert "moves it aside" in found["progress-trouble"]["message"]
    assert "20260101" in found["set-aside"]["message"]
    assert (data / "progress.sqlite3").read_bytes() == b"rubbish" * 100


@pytest.mark.parametrize("command", ["stats", "doctor", "list"])
def test_the_language_last_chosen_is_remembered(
    command: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    from tui.cli import main
    from tui.progress.store import open_store

    monkeypatch.setenv("LC_ALL", "en_US.UTF-8")
    with open_store(tmp_path / "data") as store:
        store.set_setting("language", "zh")
    main(["--data-dir", str(tmp_path / "data"), command, "--help"])
    assert "用法" in capsys.readouterr().out


def test_doctor_finds_open_permissions_and_another_copy(program: Program, tmp_path: Path) -> None:
    data = tmp_path / "data"
    with open_store(data) as store:
        store.skip("some-question")
        (data / "progress.sqlite3").chmod(0o644)
        ran = program("doctor", "--json")
        found = {finding["code"]: finding for finding in ran.json["findings"]}
        assert ran.json["progress"]["open_to_others"] == ["progress.sqlite3"] and ran.json["progress"]["running"] == 1
        assert "chmod" in found["open-to-others"]["message"] and not found["running"]["serious"]
    (data / "progress.sqlite3").chmod(0o600)
    ran = program("doctor", "--json")
    assert not {"open-to-others", "running"} & {finding["code"] for finding in ran.json["findings"]}
