"""Arguments that are empty, too long or of nobody; files that are there; progress from elsewhere; backups."""

from __future__ import annotations

import csv
import errno
import io
import json
import os
import re
import signal
import stat
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from rich.cells import cell_len

from questions.nodes import MAX_BYTES
from tests.tui.commands.conftest import Ran
from tui.bank import LONGEST, _contents, load_bank
from tui.figures.data import Bars
from tui.figures.export import figure_csv
from tui.language.harmless import as_cell, as_written
from tui.language.messages.help import TABLE as HELP
from tui.progress.backups import backups
from tui.progress.records import Answer
from tui.progress.store import open_store

Program = Callable[..., Ran]


@pytest.mark.parametrize(
    "arguments",
    [
        ["--questions", "", "list"],
        ["--questions=", "list"],
        ["check", ""],
        ["check", " "],
        ["show", ""],
        ["export", ""],
        ["list", "--search", ""],
        ["list", "--topic="],
    ],
)
def test_an_empty_argument_is_refused(program: Program, arguments: list[str]) -> None:
    ran = program(*arguments)
    assert (ran.status, ran.out) == (2, "") and "is empty" in ran.err


def test_an_empty_data_folder_is_not_the_real_one(capsys: pytest.CaptureFixture[str]) -> None:
    from tui.cli import main

    for arguments in (["--data-dir", "", "--plain"], ["--data-dir=", "stats"]):
        assert main(["--lang", "en", *arguments]) == 2
        assert "--data-dir is empty" in capsys.readouterr().err


@pytest.mark.parametrize("path", ["~nobody9", "~nobody9/x.json", "x" * 5000])
@pytest.mark.parametrize(
    "command", [["--data-dir", "{}", "stats"], ["--questions", "{}", "list"], ["check", "{}"], ["export", "{}.json"]]
)
def test_a_path_that_cannot_be(program: Program, path: str, command: list[str]) -> None:
    ran = program(*(part.format(path) for part in command))
    assert ran.status == 2 and "Traceback" not in ran.err and "did not expect" not in ran.err
    assert len(ran.err) < 500


@pytest.mark.parametrize(
    "command",
    [["--data-dir", "{}", "stats"], ["--questions", "{}", "list"], ["check", "{}"], ["export", "{}.json"],
     ["import", "{}.json"], ["code", "softmax", "{}"], ["lab", "toy", "--save", "{}.svg"], ["look", "{}", "hi"]],
)  # fmt: skip
@pytest.mark.parametrize("path", ["a\0b", "a\ud800b"])
def test_a_path_that_no_system_takes(program: Program, toy: object, command: list[str], path: str) -> None:
    """A NUL, which only a caller can give, was an error that nobody expected; in the data folder's name a traceback."""
    ran = program(*(part.format(path) for part in command))
    assert ran.status in (1, 2) and "Traceback" not in ran.err and "did not expect" not in ran.err, ran.err


NAMING = {
    "questions": (["--questions", "{}", "list"], ".yaml"), "check": (["check", "{}"], ".yaml"),
    "import": (["import", "{}"], ".json"), "import Anki's": (["import", "{}"], ".apkg"),
    "export": (["export", "{}"], ".json"), "export over": (["export", "{}", "--force"], ".csv"),
    "lab": (["lab", "toy", "--save", "{}"], ".svg"), "look": (["look", "{}", "hi"], ""),
    "code": (["code", "softmax", "{}"], ".py"), "report": (["interview", "--questions", "1", "--report", "{}"], ".md"),
}  # fmt: skip


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="the system has no pipes with names")
@pytest.mark.parametrize("command", NAMING)
def test_a_place_where_no_file_is(
    program: Program, toy: object, tmp_path: Path, command: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Pipes that nobody fills, devices without end, links in a circle, folders, sockets, files that cannot be read:
    nothing waits, nothing is written over, and each is said in a sentence."""
    arguments, suffix = NAMING[command]
    pipe, endless, circle, folder = (tmp_path / f"{name}{suffix}" for name in ("pipe", "endless", "circle", "folder"))
    os.mkfifo(pipe)
    endless.symlink_to("/dev/zero")
    circle.symlink_to(circle)
    folder.mkdir()
    monkeypatch.setattr("sys.stdin", io.StringIO(""))

    def hangs(*_: object) -> None:
        raise AssertionError("it waits")

    before = signal.signal(signal.SIGALRM, hangs)
    try:
        for place in (pipe, endless, circle, folder, f"~nobody9/x{suffix}", "/dev/full", "/proc/self/mem"):
            signal.alarm(60)
            ran = program(*(part.format(place) for part in arguments))
            said = ran.err + ran.out
            assert ran.status == 2 or (place == folder and suffix == ".yaml"), (place, said)
            assert "did not expect" not in said and "Traceback" not in said and len(said) < 2_000, (place, said)
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)
    assert stat.S_ISFIFO(pipe.lstat().st_mode) and circle.is_symlink() and endless.is_symlink()
    assert not [each for each in tmp_path.iterdir() if each.name.startswith(".tformer")]


def test_of_a_file_without_end_no_more_is_read_than_of_the_longest(tmp_path: Path) -> None:
    """To know whether it had changed, all of it was read into memory."""
    long = tmp_path / "long.yaml"
    with long.open("wb") as file:
        file.truncate(1 << 40)
    assert len(_contents(long)) == LONGEST == MAX_BYTES + 1
    bank = load_bank([long], tmp_path)
    assert [problem.code for problem in bank.problems] == ["file-too-large"]


@contextmanager
def somebody() -> Iterator[Path]:
    """A folder of somebody's to whom modes mean something: of root's nothing is closed to root."""
    with tempfile.TemporaryDirectory() as folder:
        is_root = os.geteuid() == 0
        if is_root:
            os.chown(folder, 65534, 65534)
            os.seteuid(65534)
        try:
            yield Path(folder)
        finally:
            if is_root:
                os.seteuid(0)


@pytest.mark.skipif(not hasattr(os, "geteuid"), reason="the system has no modes")
def test_folders_and_files_that_are_closed(program: Program, toy: object, tmp_path: Path) -> None:
    """Whatever looks whether a file is there was refused in a closed folder, and nobody had expected that; of progress
    that could not be read an export with nothing in it was written over a good one."""
    for command in (
        ["export", f"{tmp_path}/x.json"], ["import", f"{tmp_path}/x.json"], ["doctor", "--json"], ["restore"],
        ["lab", "toy", "--save", f"{tmp_path}/x.svg"], ["look", str(tmp_path), "hi"], ["import", f"{tmp_path}/x.apkg"],
        ["check", str(tmp_path)], ["settings", "new-per-day", "7"], ["stats"],
    ):  # fmt: skip
        program(*command)  # so that all that is imported is: somebody may not read Python's own library
    with somebody() as folder:
        data, closed, kept = folder / "data", folder / "closed", folder / "kept.json"
        with open_store(data) as store:
            store.rate("q", 3, "en")
        at = ["--data-dir", str(data)]
        assert program(*at, "export", str(kept)).status == 0
        (data / "progress.sqlite3").chmod(0o400)
        ran = program(*at, "doctor", "--json")
        found = {each["code"]: each["message"] for each in ran.json["findings"]}
        assert "progress.sqlite3 cannot be written" in found["folder-not-writable"] and ran.status == 1
        for change in (["settings", "new-per-day", "7"], ["import", str(kept)]):
            ran = program(*at, *change)
            assert (ran.status, ran.out) == (2, "") and "read-only" in ran.err, ran.err
        assert program(*at, "export", str(kept), "--force").status == 0 and '"q"' in kept.read_text()
        (data / "progress.sqlite3").chmod(0o600)
        data.chmod(0)
        closed.mkdir(mode=0)
        for command in (
            [*at, "stats"], [*at, "export", str(kept), "--force"], [*at, "restore"], [*at, "settings"],
            ["export", f"{closed}/x.csv"], ["lab", "toy", "--save", f"{closed}/x.svg"], ["look", str(closed), "hi"],
            ["import", f"{closed}/x.apkg"], ["check", str(closed)], ["--questions", f"{closed}/x.yaml", "list"],
        ):  # fmt: skip
            for lang, said in (("en", "permission denied"), ("zh", "没有权限")):
                ran = program(*command, lang=lang)
                assert ran.status == 2 and said in (ran.err + ran.out).lower(), (command, ran)
        assert '"q"' in kept.read_text()
        assert program(*at, "doctor").status == 1
        assert program("--data-dir", f"{closed}/data", "list").status == 0
        data.chmod(0o700)
        closed.chmod(0o700)


def test_export_never_writes_over_a_file_unasked(program: Program, tmp_path: Path) -> None:
    path = tmp_path / "progress.json"
    assert program("export", str(path)).status == 0
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    path.write_text("mine")
    ran = program("export", str(path))
    assert ran.status == 2 and "--force" in ran.err and path.read_text() == "mine"
    link = tmp_path / "link.json"
    link.symlink_to(path)
    assert program("export", str(link)).status == 2 and path.read_text() == "mine"
    assert program("export", str(link), "--force").status == 0
    assert link.is_symlink() and json.loads(path.read_text())["format"] == "tformer-quiz progress"
    folder = tmp_path / "folder.md"
    folder.mkdir()
    assert program("export", str(folder), "--force").status == 2
    assert [each.name for each in tmp_path.iterdir() if each.name.startswith(".")] == []


def test_a_spreadsheet_computes_nothing_of_it(program: Program, tmp_path: Path) -> None:
    with open_store(tmp_path / "data") as store:
        for number, text in enumerate(("=1+1", "＝cmd|calc", "+1", "－2", "＠x", "@x", "\t=1", "  =1", "plain")):
            store.rate(f"={number}", 3, "en", Answer(text, choice="=2"))
    assert program("export", str(tmp_path / "out.csv")).status == 0
    with (tmp_path / "out.csv").open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    for row in rows:
        for cell in row.values():
            assert cell.lstrip()[:1] not in tuple("=+-@＝＋－＠"), cell
    assert [row["answer"] for row in rows][-1] == "plain"


def test_what_a_table_and_a_page_write_out_costs_as_the_text() -> None:
    """Every line end looked through all that follow it: an export of 100,000 of them did not end."""
    for piece in ("\n", " ", "; ", "\t ", "<a", "![", "\\("):
        assert len(as_cell(piece * 50_000)) == len(piece) * 50_000
        assert len(as_written(piece * 50_000)) >= len(piece) * 50_000


@pytest.mark.parametrize(
    ("text", "cell"),
    [("a;=1+1;", "a;'=1+1;"), ("a\t@x", "a\t'@x"), ("- a\n  =b", "'- a\n  '=b"), ("﹦1", "'﹦1"),
     ("x = 1; y", "x = 1; y"), ("-", "-"), ("=", "="), ("1-2", "1-2")],
)  # fmt: skip
def test_what_begins_a_formula_anywhere_in_a_cell_is_marked(text: str, cell: str) -> None:
    """Where numbers have a decimal comma, a spreadsheet splits a line at its semicolons."""
    assert as_cell(text) == cell
    _, row = csv.reader(io.StringIO(figure_csv(Bars("t", [text], [1.0]))))
    assert row[0] == cell


def test_a_topic_of_two_words_is_one_tag_in_anki(program: Program, tmp_path: Path, bank: Path) -> None:
    bank.write_text(bank.read_text(encoding="utf-8").replace("topic: bert", "topic: my own topic"), encoding="utf-8")
    program("export", str(tmp_path / "deck.txt"), "--questions", str(bank))
    (line,) = [row for row in (tmp_path / "deck.txt").read_text(encoding="utf-8").splitlines() if "toy-again" in row]
    assert line.split("\t")[-1].split() == ["tformer-quiz", "my-own-topic", "level-1"]


def test_help_fits_80_columns() -> None:
    for name, help_ in HELP.items():
        for text in (help_.zh, help_.en):
            assert max(map(cell_len, text.split("\n"))) <= 80, name


def test_lists_and_settings(program: Program, tmp_path: Path) -> None:
    every = program("list", "--json").json
    some = program("list", "--json", "--topic", "masking", "--level", "2").json
    assert some and all((each["topic"], each["level"]) == ("masking", 2) for each in some)
    assert len(some) == sum((each["topic"], each["level"]) == ("masking", 2) for each in every)
    assert program("list", "--flagged", "--json").json == []
    with open_store(tmp_path / "data") as store:
        store.flag("kv-cache", "wrong", "en")
    assert [each["id"] for each in program("list", "--flagged", "--json").json] == ["kv-cache"]
    ran = program("list", "--topic", "maskin")
    assert ran.status == 2 and "did you mean masking?" in ran.err
    assert program("list", "--level", "4").status == 2

    assert "new-per-day = 20" in program("settings").out
    assert "new-per-day = 7" in program("settings", "new-per-day", "7").out
    assert program("settings", "new-per-day", "many").status == 2
    ran = program("settings", "new-per-da")
    assert ran.status == 2 and "did you mean new-per-day?" in ran.err
    assert program("--interview-on", "tomorrow", "stats").status == 2
    ran = program("settings", "interview-on", "2020-01-01")
    assert "interview-on = 2020-01-01" in ran.out and "over" in ran.err
    for ran in (program("list", "--search", "nothing has this"), program("ask", "--search", "nothing has this")):
        assert ran.status == 0 and "No question meets these conditions" in ran.out + ran.err
    with open_store(tmp_path / "data") as store:
        assert store.setting("new-per-day") == 7


@pytest.fixture
def elsewhere(tmp_path: Path) -> Path:
    """A file that another machine exported: 3 ratings, one of them also here, a flag, a suspended question."""
    from tui.progress.export import as_json

    start = datetime(2026, 11, 20, 8, 0, tzinfo=UTC)
    now = [start]
    for folder in ("data", "other"):
        now[0] = start
        with open_store(tmp_path / folder, lambda: now[0]) as store:
            store.rate("both", 3, "zh", Answer("同一次", found=(0,)))
            now[0] += timedelta(days=1)
            if folder == "other":
                store.rate("both", 3, "zh")
                store.rate("theirs", 4, "en", Answer("w" * 100, "b", seconds=9.5))
                store.flag("theirs", "=wrong", "en")
                store.suspend("theirs")
                store.save_interview({"answers": ["半"]}, "zh", now[0])
                (tmp_path / "other.json").write_text(as_json(store, now[0]), encoding="utf-8")
            else:
                store.rate("ours", 1, "zh")
    return tmp_path / "other.json"


def test_progress_is_merged_once_and_undo_does_not_touch_it(program: Program, tmp_path: Path, elsewhere: Path) -> None:
    ran = program("import", str(elsewhere), "--dry-run")
    assert ran.status == 0 and "nothing was changed" in ran.out and "ratings 2 (1 are here already)" in ran.out
    with open_store(tmp_path / "data") as store:
        assert len(store.reviews()) == 2 and store.flags() == {}
    ran = program("import", str(elsewhere))
    assert ran.status == 0 and "ratings 2 (1 were here already), cards 2" in ran.out and "restore" in ran.err
    with open_store(tmp_path / "data") as store, open_store(tmp_path / "other") as other:
        assert {(r.question_id, r.rating) for r in store.reviews()} == {
            ("both", 3), ("ours", 1), ("theirs", 4)
        }  # fmt: skip
        assert len(store.reviews()) == 4 and store.reviews("theirs") == other.reviews("theirs")
        assert store.card("both") == other.card("both") and store.card("ours") is not None
        assert store.flags() == other.flags() and store.suspended() == {"theirs"} and len(store.interviews()) == 1
        undone = store.undo()
        assert undone is not None and undone.question_id == "ours"
        store.rate("ours", 1, "zh")
    assert "ratings 0 (3 were here already), cards 0" in program("import", str(elsewhere)).out


def test_progress_is_replaced_and_restored(program: Program, tmp_path: Path, elsewhere: Path) -> None:
    assert "nothing was changed" in program("import", str(elsewhere), "--replace", "--dry-run").out
    ran = program("import", str(elsewhere), "--replace")
    assert ran.status == 0
    with open_store(tmp_path / "data") as store:
        assert sorted(store.cards()) == ["both", "theirs"]
    listed = program("restore").out
    name = next(line.split()[0] for line in listed.splitlines() if line.startswith("before-"))
    assert f"{name}  ratings 2" in listed
    assert program("restore", name).status == 0
    with open_store(tmp_path / "data") as store:
        assert sorted(store.cards()) == ["both", "ours"]
    assert "did you mean" in program("restore", name[:-1]).err
    damaged = tmp_path / "data" / "backups" / "damaged.sqlite3"
    damaged.write_bytes(b"SQLite format 3\0" + b"x" * 5000)
    ran = program("restore", "damaged.sqlite3")
    assert ran.status == 2 and "damaged" in ran.err
    with open_store(tmp_path / "data") as store:
        assert sorted(store.cards()) == ["both", "ours"]
    present = tmp_path / "data" / "progress.sqlite3"
    present.write_bytes(b"x" * 5000)  # what is damaged goes aside too
    assert program("restore", name).status == 0
    assert any(path.read_bytes() == b"x" * 5000 for path in damaged.parent.iterdir())
    with open_store(tmp_path / "data") as store:
        assert sorted(store.cards()) == ["both", "ours"]


def test_what_stands_here_goes_only_when_the_backup_can_take_its_place(
    program: Program, tmp_path: Path, elsewhere: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A disk that is full, or a kill while years of ratings are copied, leaves the progress that there is."""
    program("import", str(elsewhere))
    name = program("restore").out.split()[0]
    present = tmp_path / "data" / "progress.sqlite3"
    before = present.read_bytes()

    def full(**_: object) -> tuple[int, str]:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patched:
        patched.setattr("tui.progress.file.tempfile.mkstemp", full)
        ran = program("restore", name)
    assert ran.status == 2 and present.read_bytes() == before
    with open_store(tmp_path / "data") as store:
        assert sorted(store.cards()) == ["both", "ours", "theirs"]


def test_a_backup_a_day_and_ten_are_kept(tmp_path: Path) -> None:
    now = [datetime(2026, 11, 1, 12, 0, tzinfo=UTC)]
    for day in range(15):
        now[0] = datetime(2026, 11, 1 + day, 12, 0, tzinfo=UTC)
        for _ in range(2):
            with open_store(tmp_path, lambda: now[0]) as store:
                store.rate(f"q{day}", 3, "en")
    looked = [each.reviews or 0 for each in backups(tmp_path)]
    assert [count // 2 for count in looked] == [*range(14, 4, -1)]  # each made as its day began
    names = sorted(path.name for path in (tmp_path / "backups").iterdir())  # looking at them left nothing beside
    assert names == [f"progress-2026-11-{day:02}.sqlite3" for day in range(6, 16)]
    assert {stat.S_IMODE(path.stat().st_mode) for path in (tmp_path / "backups").iterdir()} == {0o600}


def test_a_clock_set_back_keeps_todays_backup_and_what_kills_left_goes(tmp_path: Path) -> None:
    now = [datetime(2100, 1, 1, 12, tzinfo=UTC)]
    for _ in range(12):
        with open_store(tmp_path, lambda: now[0]) as store:
            store.rate("q", 3, "en")
        now[0] += timedelta(days=1)
    old, young = (tmp_path / "backups" / f".copy-{name}" for name in ("killed", "of-another-start"))
    for half in (old, young):
        half.touch()
    os.utime(old, (0, 0))
    with open_store(tmp_path, lambda: datetime(2026, 11, 29, 12, tzinfo=UTC)):
        pass
    names = sorted(path.name for path in (tmp_path / "backups").iterdir())
    assert names == [
        young.name,
        "progress-2026-11-29.sqlite3",
        *(f"progress-2100-01-{n:02}.sqlite3" for n in range(4, 13)),
    ]


@pytest.mark.parametrize(
    "text",
    [
        "", "[", "[]", "{}", "null", "[" * 100_000, '{"format": "tformer-quiz progress", "version": 1}',
        '{"format": "tformer-quiz progress", "version": 99, "cards": {}}', "\ufeff{}",
    ],
)  # fmt: skip
def test_a_file_that_is_not_ours_changes_nothing(program: Program, tmp_path: Path, text: str) -> None:
    path = tmp_path / "x.json"
    path.write_text(text, encoding="utf-8")
    ran = program("import", str(path))
    assert ran.status == 2 and "Traceback" not in ran.err and "did not expect" not in ran.err and len(ran.err) < 600


ENGLISH = re.compile(r"[A-Za-z]{2,} [a-z]{2,} [a-z]{2,}")  # three words on end: a sentence, not a name


@pytest.mark.parametrize("name", ["no.json", "no.apkg", "binary.json", "other.json", "part.json", "folder"])
def test_why_a_file_cannot_be_imported_is_said_in_chinese(program: Program, tmp_path: Path, name: str) -> None:
    (tmp_path / "folder").mkdir()
    for file in ("no.json", "no.apkg"):
        (tmp_path / file).write_text("hello", encoding="utf-8")
    (tmp_path / "binary.json").write_bytes(b"\xff\xfe\x00")
    (tmp_path / "other.json").write_text("{}", encoding="utf-8")
    (tmp_path / "part.json").write_text('{"format": "tformer-quiz progress", "version": 1}', encoding="utf-8")
    ran = program("import", str(tmp_path / name), lang="zh")
    assert ran.status == 2 and name in ran.err and not ENGLISH.search(ran.err.replace("tformer-quiz progress", ""))


FAULTY = """
- id: Mine
  topic: attention
  level: easy
  question: [one]
  answer: {zh: "[61 %](check:nope) [3](source:2) [4](card:x) 见 [5 %](card:bert-mini/nope)"}
  key_points: [{zh: 打分, match: [打分]}, {zh: 归一化, match: [归一化], check: nope}]
  sources: [{title: 书, url: ftp://x}]
  experiment: {run: scaling, with: {d_k: many, scale: [1], e: 1}}
- id: two
  topic: attention
  question: {zh: 问}
  answer: {zh: "[61 %](check:nope)"}
  experiment: {run: scaling, with: 3}
"""


def test_what_is_wrong_with_a_question_is_told_in_chinese(program: Program, tmp_path: Path) -> None:
    file = tmp_path / "mine.yaml"
    file.write_text(FAULTY, encoding="utf-8")
    told = program("check", str(file), lang="zh")
    assert told.status == 2 and len(told.out.splitlines()) > 12
    assert not [line for line in told.out.splitlines() if ENGLISH.search(line)], told.out


def test_a_damaged_progress_file_is_told_in_chinese(program: Program, tmp_path: Path) -> None:
    (tmp_path / "progress.sqlite3").write_bytes(b"no database at all" * 300)
    looked = program("--data-dir", str(tmp_path), "doctor", lang="zh")
    told = next(line for line in looked.out.splitlines() if "损坏" in line)
    assert "损坏（不是 SQLite 文件）" in told and not ENGLISH.search(told)
    moved = program("--data-dir", str(tmp_path), "stats", lang="zh")
    assert "进度文件损坏（不是 SQLite 文件）" in moved.err


def test_restore_says_that_there_is_no_backup_rather_than_list_none(program: Program) -> None:
    ran = program("restore", "progress-2026-11-01.sqlite3")
    assert ran.status == 2 and "there is no backup in" in ran.err and "There is:" not in ran.err


@pytest.mark.parametrize(
    "change",
    [
        lambda data: data["cards"]["both"].update(stability=-1),
        lambda data: data["cards"]["both"].update(stability="a"),
        lambda data: data["cards"]["both"].update(due="9999-12-31T23:59:59-12:00"),
        lambda data: data["cards"].update({"\ud800": data["cards"]["both"]}),
        lambda data: data["reviews"][0].update(rating=5),
        lambda data: data["reviews"][0].update(rating=True),
        lambda data: data["reviews"][0].update(seconds=float("nan")),
        lambda data: data["reviews"][0].update(found=["a"]),
        lambda data: data["reviews"][0].pop("after"),
        lambda data: data["flags"][0].update(question=None),
        lambda data: data.update(suspended=[3]),
        lambda data: data.update(interviews=[{"record": []}]),
    ],
)
def test_one_bad_value_in_a_file_changes_nothing(
    program: Program, tmp_path: Path, elsewhere: Path, change: Callable[[dict[str, object]], object]
) -> None:
    data = json.loads(elsewhere.read_text(encoding="utf-8"))
    change(data)
    elsewhere.write_text(json.dumps(data), encoding="utf-8")
    ran = program("import", str(elsewhere))
    assert ran.status == 2 and "is not what export FILE.json writes" in ran.err
    with open_store(tmp_path / "data") as store:
        assert len(store.reviews()) == 2


def test_pipes_devices_and_huge_files_are_not_read(program: Program, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.json")
    with (tmp_path / "huge.json").open("wb") as file:
        file.truncate(200 * 2**20)
    for path in (str(tmp_path / "pipe.json"), "/dev/zero", str(tmp_path), str(tmp_path / "none.json"),
                 str(tmp_path / "huge.json")):  # fmt: skip
        assert program("import", path).status == 2
