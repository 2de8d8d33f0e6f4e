"""``export``: files that the other program reads back."""

from __future__ import annotations

import contextlib
import csv
import json
import os
import sqlite3
import stat
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.tui.commands.conftest import Ran
from tui.bank import load_bank
from tui.commands.anki import HEADER
from tui.progress.records import Answer
from tui.progress.store import open_store

Program = Callable[..., Ran]


@pytest.fixture
def answered(tmp_path: Path) -> None:
    """Three ratings, one of them undone, a flag, a suspended question."""
    with open_store(tmp_path / "data") as store:
        store.rate("toy-double", 3, "zh", Answer('=1+1 两倍,"引号"\n# 第二行\n```\n结尾', "a", (0,), (), (1,), 12.5))
        store.rate("toy-again", 1, "en")
        store.rate("toy-again", 4, "en")
        store.undo()
        store.flag("toy-double", "公式 | 有误", "zh")
        store.suspend("toy-again")


def test_csv_is_a_row_for_each_rating_that_counts(program: Program, bank: Path, tmp_path: Path, answered: None) -> None:
    path = tmp_path / "out.csv"
    ran = program("export", str(path), "--questions", str(bank))
    assert (ran.status, ran.out) == (0, "") and str(path) in ran.err
    assert path.read_bytes().startswith(b"\xef\xbb\xbf")  # a spreadsheet takes it for UTF-8
    with path.open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [(row["question"], row["rating_name"]) for row in rows] == [("toy-double", "good"), ("toy-again", "again")]
    assert rows[0]["answer"] == '\'=1+1 两倍,"引号"\n# 第二行\n```\n结尾'  # shown by a spreadsheet, not computed
    assert (rows[0]["topic"], rows[0]["choice"], rows[0]["found"], rows[0]["seconds"]) == (
        "attention",
        "a",
        "1",
        "12.5",
    )
    assert float(rows[0]["stability"]) > 0


def test_json_has_everything_unrounded(program: Program, bank: Path, tmp_path: Path, answered: None) -> None:
    path = tmp_path / "out.json"
    program("export", str(path), "--questions", str(bank))
    data = json.loads(path.read_text(encoding="utf-8"))
    with open_store(tmp_path / "data") as store:
        assert data["cards"] == {name: card.plain() for name, card in store.cards().items()}
    assert [review["rating"] for review in data["reviews"]] == [3, 1]
    assert data["reviews"][0]["answer"].startswith("=1+1")
    assert data["flags"][0]["note"] == "公式 | 有误"
    assert data["suspended"] == ["toy-again"]
    assert data["format"] == "tformer-quiz progress" and data["version"] == 1


def test_the_report_is_markdown_that_no_answer_can_break(
    program: Program, bank: Path, tmp_path: Path, answered: None
) -> None:
    from markdown_it import MarkdownIt

    path = tmp_path / "out.md"
    program("export", str(path), "--questions", str(bank), lang="zh")
    tokens = MarkdownIt("commonmark").enable("table").parse(path.read_text(encoding="utf-8"))
    headings = [tokens[i + 1].content for i, token in enumerate(tokens) if token.type == "heading_open"]
    assert headings[0] == "Transformer 面试练习报告"
    assert "第二行" not in headings
    (quoted,) = [token.content for token in tokens if token.type == "fence" and "第二行" in token.content]
    assert quoted == '=1+1 两倍,"引号"\n# 第二行\n```\n结尾\n'
    assert "公式 | 有误" in path.read_text(encoding="utf-8")


def test_the_anki_deck_is_read_back_by_its_own_header(program: Program, bank: Path, tmp_path: Path) -> None:
    path = tmp_path / "deck.txt"
    program("export", str(path), "--questions", str(bank))
    lines = path.read_text(encoding="utf-8").split("\n")
    assert tuple(lines[: len(HEADER)]) == HEADER
    with path.open(encoding="utf-8", newline="") as file:
        for _ in HEADER:
            file.readline()
        rows = {row[0]: row for row in csv.reader(file, delimiter="\t")}
    assert {len(row) for row in rows.values()} == {5}
    _, deck, front, back, tags = rows["tformer-quiz/en/toy-double"]
    assert (deck, tags) == ("Transformer", "tformer-quiz attention level-2")
    assert front == "<p>What is x doubled?</p>"
    assert "<strong>In short</strong>: doubled it is 6, a share of 61.2 %" in back
    assert "<li>twice</li>" in back and '<a href="https://example.org/elements">' in back
    assert "(check:" not in back
    program("export", str(tmp_path / "again.tsv"), "--questions", str(bank))
    assert (tmp_path / "again.tsv").read_bytes() == path.read_bytes()  # the same notes: an import updates
    program("export", str(tmp_path / "zh.txt"), "--questions", str(bank), lang="zh")
    assert "tformer-quiz/zh/toy-double" in (tmp_path / "zh.txt").read_text(encoding="utf-8")


def test_a_file_is_replaced_whole_and_keeps_its_permissions(program: Program, bank: Path, tmp_path: Path) -> None:
    path = tmp_path / "out.md"
    path.write_text("old")
    path.chmod(0o640)
    program("export", "--force", str(path))
    assert path.read_text(encoding="utf-8") != "old"
    assert stat.S_IMODE(path.stat().st_mode) == 0o640
    assert [name for name in os.listdir(tmp_path) if name.startswith(".")] == []
    link = tmp_path / "link.md"
    link.symlink_to(path)
    program("export", "--force", str(link))
    assert link.is_symlink()


@pytest.mark.parametrize(
    ("name", "english", "chinese"),
    [
        (
            "out.doc",
            "end its name in one of .csv, .json, .md, .html, .txt, .tsv, .apkg",
            "文件名要以 .csv、.json、.md、.html、.txt、.tsv、.apkg 之一结尾",
        ),
        ("out", "end its name", "结尾"),
        ("none/out.csv", "no such file or folder", "没有这个文件或文件夹"),
        ("folder.csv", "it is a folder", "这是一个文件夹"),
    ],
)
def test_where_nothing_can_be_written(program: Program, tmp_path: Path, name: str, english: str, chinese: str) -> None:
    (tmp_path / "folder.csv").mkdir()
    for language, said in (("en", english), ("zh", chinese)):
        ran = program("export", str(tmp_path / name), lang=language)
        assert ran.status == 2 and said in ran.err
    assert program("export").status == 2


def test_a_page_of_what_one_says_in_a_minute(
    program: Program, bank: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    only = _toys(bank, monkeypatch)
    path = tmp_path / "briefs.html"
    assert program("export", str(path), "--questions", str(bank)).status == 0
    text = path.read_text(encoding="utf-8")
    assert text.count("<section") == text.count("<svg") == only == 2
    assert "What is x doubled?" in text and "(check:" not in text and "@font-face" not in text
    assert program("export", str(path), "--questions", str(bank)).status == 2  # it is there
    assert program("export", str(path), "--questions", str(bank), "--force", lang="zh").status == 0
    assert 'lang="zh-CN"' in path.read_text(encoding="utf-8")


def test_an_anki_package_needs_genanki_and_says_so(
    program: Program, bank: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _toys(bank, monkeypatch)
    monkeypatch.setitem(sys.modules, "genanki", None)
    ran = program("export", str(tmp_path / "deck.apkg"), "--questions", str(bank))
    assert ran.status == 2 and "pip install 'tformer-quiz[anki]'" in ran.err and not (tmp_path / "deck.apkg").exists()


def test_an_anki_package_has_a_picture_on_each_back_and_fixed_guids(
    program: Program, bank: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("genanki")
    _toys(bank, monkeypatch)
    for name in ("one.apkg", "two.apkg"):
        assert program("export", str(tmp_path / name), "--questions", str(bank)).status == 0
    notes = [_notes(tmp_path / name, tmp_path) for name in ("one.apkg", "two.apkg")]
    assert [guid for guid, _, _ in notes[0]] == ["tformer-quiz/en/toy-double", "tformer-quiz/en/toy-again"]
    assert notes[0] == notes[1]
    for _, fields, media in notes[0]:
        assert '<img src="tformer-quiz-en-toy-' in fields and media == 2


def _notes(path: Path, folder: Path) -> list[tuple[str, str, int]]:
    with zipfile.ZipFile(path) as package:
        media = json.loads(package.read("media"))
        (folder / "collection").write_bytes(package.read("collection.anki2"))
    with contextlib.closing(sqlite3.connect(folder / "collection")) as collection:
        rows = collection.execute("SELECT guid, flds FROM notes ORDER BY id").fetchall()
    return [(guid, fields, len(media)) for guid, fields in rows]


def _toys(bank: Path, monkeypatch: pytest.MonkeyPatch) -> int:
    """Let the toy questions be the whole bank; how many there are."""
    only = load_bank([bank])
    toys = type(only)(tuple(question for question in only.questions if question.id.startswith("toy-")))
    monkeypatch.setattr("tui.commands.context.Context.load_bank", lambda context: toys)
    return len(toys.questions)
