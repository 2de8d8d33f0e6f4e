"""Opening: nothing is written over, whatever is found where the file should be."""

from __future__ import annotations

import contextlib
import errno
import sqlite3
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.tui.progress.conftest import HandClock
from tui.language.words import say_error
from tui.progress import file as progress_file
from tui.progress.errors import ProgressError
from tui.progress.peeking import file_version
from tui.progress.schema import MIGRATIONS, VERSION, migrate
from tui.progress.store import open_store


def _contents(folder: Path) -> dict[str, bytes]:
    """By name, the files; the folder of backups is made beside them by a thread, at its own time."""
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}


def test_a_new_file_is_strict_wal_and_of_our_version(tmp_path: Path) -> None:
    with open_store(tmp_path / "made" / "on the way") as store:
        store.rate("q", 3, "en")
        path = store.path
        assert store.kept and path is not None
        with sqlite3.connect(path) as raw:
            assert raw.execute("PRAGMA journal_mode").fetchone() == ("wal",)
            assert raw.execute("PRAGMA user_version").fetchone() == (VERSION,)
            tables = raw.execute("SELECT name, strict FROM pragma_table_list WHERE schema = 'main'").fetchall()
            ours = {name: strict for name, strict in tables if not name.startswith("sqlite_")}
    assert {"cards", "drafts", "reviews"} <= set(ours)
    assert set(ours.values()) == {1}


@pytest.mark.parametrize("rubbish", [b"not a database at all", b"SQLite format 3\0" + b"\xff" * 5000])
def test_a_damaged_file_is_set_aside_whole(tmp_path: Path, clock: HandClock, rubbish: bytes) -> None:
    (tmp_path / "progress.sqlite3").write_bytes(rubbish)
    (tmp_path / "progress.sqlite3-wal").write_bytes(b"what was not yet folded in")
    if rubbish.startswith(b"SQLite"):  # an intact version number, or it would be a newer file, which is refused
        header = bytearray(rubbish)
        header[60:64] = (1).to_bytes(4, "big")
        rubbish = bytes(header)
        (tmp_path / "progress.sqlite3").write_bytes(rubbish)
    with open_store(tmp_path, clock) as store:
        (notice,) = store.notices
        assert notice.code == "progress-set-aside"
        assert notice.fields["aside"] == tmp_path / "progress.damaged-20261123-080000.sqlite3"
        store.rate("q", 3, "en")
    assert (tmp_path / "progress.damaged-20261123-080000.sqlite3").read_bytes() == rubbish
    assert (tmp_path / "progress.damaged-20261123-080000.sqlite3-wal").read_bytes() == b"what was not yet folded in"
    (tmp_path / "progress.sqlite3").write_bytes(rubbish)  # and again in the same second: the first one stays
    with open_store(tmp_path, clock) as store:
        assert store.notices[0].fields["aside"].name == "progress.damaged-20261123-080000-2.sqlite3"


def test_a_page_overwritten_in_the_middle_is_found_at_the_next_start(tmp_path: Path, clock: HandClock) -> None:
    with open_store(tmp_path, clock) as store:
        for number in range(200):
            store.rate(f"question-{number}", 3, "en")
    path = tmp_path / "progress.sqlite3"
    whole = bytearray(path.read_bytes())
    whole[8192 : 8192 + 16384] = b"\xa5" * 16384
    path.write_bytes(whole)
    with open_store(tmp_path, clock) as store:
        assert [notice.code for notice in store.notices] == ["progress-set-aside"]
        assert store.cards() == {}
    assert (tmp_path / "progress.damaged-20261123-080000.sqlite3").read_bytes() == bytes(whole)


def test_a_file_without_its_tables_is_damaged(tmp_path: Path, clock: HandClock) -> None:
    open_store(tmp_path, clock).close()
    with sqlite3.connect(tmp_path / "progress.sqlite3") as raw:
        raw.execute("DROP TABLE cards")
    with open_store(tmp_path, clock) as store:
        assert "cards" in str(store.notices[0].fields["reason"])


def test_a_newer_file_is_refused_and_left_as_it_was(tmp_path: Path) -> None:
    open_store(tmp_path).close()
    with sqlite3.connect(tmp_path / "progress.sqlite3") as raw:
        raw.execute(f"PRAGMA user_version = {VERSION + 1}")
    raw.close()
    before = _contents(tmp_path)
    with pytest.raises(ProgressError, match="newer version of the program") as refused:
        open_store(tmp_path)
    assert refused.value.code == "progress-newer"
    assert refused.value.fields["version"] == VERSION + 1
    assert _contents(tmp_path) == before


def test_a_file_that_is_newer_in_its_wal_alone_is_refused(tmp_path: Path) -> None:
    open_store(tmp_path).close()
    with contextlib.closing(sqlite3.connect(tmp_path / "progress.sqlite3")) as raw:
        raw.execute(f"PRAGMA user_version = {VERSION + 1}")
        assert file_version(tmp_path / "progress.sqlite3") == VERSION
        with pytest.raises(ProgressError, match="newer version of the program"):
            open_store(tmp_path)


@pytest.mark.parametrize("version", [0, VERSION + 70])  # a browser counts further than we do
def test_another_programs_file_is_refused_and_left_as_it_was(tmp_path: Path, version: int) -> None:
    with sqlite3.connect(tmp_path / "progress.sqlite3") as raw:
        raw.execute("CREATE TABLE theirs (x)")
        raw.execute(f"PRAGMA user_version = {version}")
    raw.close()
    before = _contents(tmp_path)
    with pytest.raises(ProgressError) as refused:
        open_store(tmp_path)
    assert refused.value.code == "progress-foreign"
    assert _contents(tmp_path) == before


def test_a_file_of_zero_bytes_is_a_new_one(tmp_path: Path) -> None:
    (tmp_path / "progress.sqlite3").touch()
    with open_store(tmp_path) as store:
        assert store.kept and store.notices == ()


def test_where_no_folder_can_be_made_nothing_is_kept_and_that_is_said(tmp_path: Path) -> None:
    (tmp_path / "a file").write_text("in the way")
    with open_store(tmp_path / "a file" / "folder") as store:
        assert not store.kept
        assert [notice.code for notice in store.notices] == ["progress-not-kept"]
        store.rate("q", 3, "en")
        assert store.card("q") is not None


def test_what_can_be_read_but_not_written_is_shown(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    writer = open_store(tmp_path)
    rated = writer.rate("q", 3, "en")  # still in the -wal
    before = _contents(tmp_path)

    def refuse(path: Path) -> None:
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(progress_file, "_open", refuse)
    with open_store(tmp_path) as store:
        assert not store.kept
        assert store.notices[0].fields["reason"].errno == errno.EACCES
        assert store.cards() == {"q": rated}
        store.rate("q", 1, "en")
    assert _contents(tmp_path) == before
    writer.close()


def test_a_file_that_may_only_be_read_is_found_out_at_the_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with open_store(tmp_path) as store:
        rated = store.rate("q", 3, "en")
    connect = sqlite3.connect

    def read_only(database: object, **options: Any) -> sqlite3.Connection:
        if database == tmp_path / "progress.sqlite3":  # what the system does to a file without write permission
            return connect(f"{tmp_path.as_uri()}/progress.sqlite3?mode=ro", uri=True, **options)
        return connect(database, **options)  # type: ignore[call-overload,no-any-return]

    monkeypatch.setattr(progress_file.sqlite3, "connect", read_only)
    with open_store(tmp_path) as store:
        assert [notice.code for notice in store.notices] == ["progress-not-kept"]
        assert store.cards() == {"q": rated}


def test_what_is_set_aside_is_the_persons_alone(tmp_path: Path) -> None:
    path = tmp_path / "progress.sqlite3"
    path.write_bytes(b"damaged" * 100)
    path.chmod(0o644)
    open_store(tmp_path).close()
    (aside,) = tmp_path.glob("progress.damaged-*")
    assert aside.stat().st_mode & 0o777 == 0o600


def test_a_file_that_another_start_has_made_meanwhile_is_not_set_aside(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where the system has no lock for a folder, or the other start holds it for long."""
    path = tmp_path / "progress.sqlite3"
    path.write_bytes(b"damaged" * 100)
    look = progress_file._examine

    def slowly(examined: Path) -> None:
        monkeypatch.setattr(progress_file, "_examine", look)
        try:
            look(examined)
        finally:
            with open_store(tmp_path) as other:
                other.rate("theirs", 3, "en")

    monkeypatch.setattr(progress_file, "_examine", slowly)
    monkeypatch.setattr(progress_file, "one_at_a_time", lambda folder: contextlib.nullcontext())
    with open_store(tmp_path) as store:
        assert list(store.cards()) == ["theirs"] and store.notices == ()
    assert len(list(tmp_path.glob("progress.damaged-*"))) == 1


def test_migrations_run_in_order_and_only_once(tmp_path: Path) -> None:
    more = (*MIGRATIONS, "ALTER TABLE cards ADD COLUMN lapses INTEGER; UPDATE cards SET lapses = 7;")
    with open_store(tmp_path) as store:
        store.rate("q", 3, "en")
    raw = sqlite3.connect(tmp_path / "progress.sqlite3", isolation_level=None)
    for _ in range(2):
        migrate(raw, more)
        assert raw.execute("PRAGMA user_version").fetchone() == (len(more),)
        assert raw.execute("SELECT question_id, lapses FROM cards").fetchall() == [("q", 7)]
    raw.close()


def test_a_migration_that_fails_leaves_the_file_as_it_was(tmp_path: Path) -> None:
    open_store(tmp_path).close()
    raw = sqlite3.connect(tmp_path / "progress.sqlite3", isolation_level=None)
    with pytest.raises(sqlite3.OperationalError):
        migrate(raw, (*MIGRATIONS, "CREATE TABLE extra (x); SELECT * FROM missing;"))
    assert raw.execute("PRAGMA user_version").fetchone() == (VERSION,)
    assert raw.execute("SELECT name FROM sqlite_master WHERE name = 'extra'").fetchall() == []
    raw.close()


def test_two_first_starts_at_once_both_succeed(tmp_path: Path) -> None:
    program = (
        "import sys\nfrom pathlib import Path\nfrom tui.progress.store import open_store\n"
        "with open_store(Path(sys.argv[1])) as store:\n"
        "    assert store.kept, store.notices\n    store.rate(sys.argv[2], 3, 'en')\n"
    )
    (tmp_path / "progress.sqlite3").write_bytes(b"damaged" * 100)
    processes = [
        subprocess.Popen([sys.executable, "-c", program, str(tmp_path), name], stderr=subprocess.PIPE) for name in "ab"
    ]
    for process in processes:
        _, errors = process.communicate(timeout=60)
        assert (process.returncode, errors) == (0, b"")
    with open_store(tmp_path) as store:
        assert sorted(store.cards()) == ["a", "b"]
    assert len(list(tmp_path.glob("progress.damaged-*"))) == 1


@pytest.mark.skipif(not Path("/proc/locks").exists(), reason="only Linux lists who holds a lock")
def test_a_file_that_another_program_keeps_to_itself_names_that_program(tmp_path: Path) -> None:
    open_store(tmp_path).close()
    hold = (
        "import sqlite3, sys; c = sqlite3.connect(sys.argv[1], isolation_level=None); "
        "c.execute('PRAGMA locking_mode = EXCLUSIVE'); c.execute('BEGIN EXCLUSIVE'); "
        "c.execute('PRAGMA user_version = 3'); c.execute('COMMIT'); print('held', flush=True); sys.stdin.read()"
    )
    command = [sys.executable, "-c", hold, str(tmp_path / "progress.sqlite3")]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout is not None and holder.stdout.readline() == "held\n"
        with pytest.raises(ProgressError) as refused:
            open_store(tmp_path)
        holder.communicate("")
    assert refused.value.code == "progress-locked"
    assert refused.value.fields["holder"].endswith(f" {holder.pid}") and refused.value.fields["seconds"] == 1
    assert str(holder.pid) in say_error(refused.value, "zh")
    open_store(tmp_path).close()
