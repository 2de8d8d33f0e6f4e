"""The file is locked, removed, renamed, replaced or full while the program runs: nothing that was done is lost."""

from __future__ import annotations

import os
import sqlite3
import stat
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest

from tests.tui.progress.conftest import HandClock
from tui.progress import file as progress_file
from tui.progress.errors import ProgressError
from tui.progress.records import Answer, Place
from tui.progress.store import ProgressStore, open_store


def _kept(folder: Path) -> dict[str, int]:
    """The last rating of each question, as the next start finds it."""
    with open_store(folder) as store:
        assert store.kept
        return {review.question_id: review.rating for review in store.reviews()}


def _news(store: ProgressStore) -> list[str]:
    return [notice.code for notice in store.news()]


def _hold(path: Path) -> sqlite3.Connection:
    holder = sqlite3.connect(path, isolation_level=None)
    holder.execute("BEGIN IMMEDIATE")
    return holder


def test_a_locked_file_keeps_nobody_waiting(
    store: ProgressStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "progress.sqlite3"
    store.rate("before", 3, "en")
    holder = _hold(path)
    start = time.process_time()
    after = store.rate("q", 3, "en", Answer("variance"))
    store.set_draft("r", "half")
    store.suspend("s")
    assert time.process_time() - start < 1.0
    assert store.waiting is not None and store.waiting.fields["count"] == 3
    assert store.waiting.fields["reason"].code == "progress-busy"
    assert store.card("q") == after and store.draft("r") == "half" and store.suspended() == {"s"}
    with sqlite3.connect(path) as raw:
        assert raw.execute("SELECT question_id FROM cards").fetchall() == [("before",)]
    undone = store.undo()
    assert undone is not None and (undone.kind, undone.question_id) == ("suspend", "s")
    holder.execute("ROLLBACK")
    assert store.retry(now=True) and store.waiting is None and _news(store) == ["progress-written"]
    with sqlite3.connect(path) as raw:
        kinds = raw.execute("SELECT kind, undone_at IS NOT NULL FROM actions ORDER BY id").fetchall()
        assert kinds == [("rate", 0), ("rate", 0), ("suspend", 1)]
    assert store.card("q") == after
    assert [found.name for found in tmp_path.iterdir() if "waiting" in found.name] == []


def test_what_waited_is_rated_from_what_another_copy_has_done_meanwhile(tmp_path: Path, clock: HandClock) -> None:
    with open_store(tmp_path, clock) as store, open_store(tmp_path, clock) as other:
        holder = _hold(tmp_path / "progress.sqlite3")
        store.rate("q", 3, "en")
        holder.execute("ROLLBACK")
        between = other.rate("q", 1, "en")
        assert store.retry(now=True)
        (_, review) = store.reviews("q")
        assert (review.before, review.rating) == (between, 3)


@pytest.mark.parametrize("reopened", [False, True])
def test_a_kill_while_the_file_is_locked_loses_nothing(tmp_path: Path, reopened: bool) -> None:
    open_store(tmp_path).close()
    holder = _hold(tmp_path / "progress.sqlite3")
    program = (
        "import os, signal, sys\nfrom pathlib import Path\nfrom tui.progress.store import open_store\n"
        "from tui.progress.records import Answer, Place\n"
        "store = open_store(Path(sys.argv[1]))\n"
        "store.rate('q', 4, 'zh', Answer('方差', 'b', (0,)))\nstore.set_draft('r', 'half')\n"
        "store.save_place('practice', Place('r', 'half'))\n"
        "started = store._clock()\nstore.save_interview({'answers': []}, 'zh', started)\n"
        "store.save_interview({'answers': ['a']}, 'zh', started)\n"
        "os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    finished = subprocess.run([sys.executable, "-c", program, str(tmp_path)], check=False)
    assert finished.returncode == -9
    if reopened:  # while it is still locked: its turn comes later
        with open_store(tmp_path) as store:
            assert store.kept
    holder.execute("ROLLBACK")
    holder.close()
    with open_store(tmp_path) as store:
        (review,) = store.reviews()
        assert (review.rating, review.answer.text, review.answer.choice) == (4, "方差", "b")
        assert store.draft("r") == "half" and store.place("practice") == Place("r", "half")
        assert [interview["record"] for interview in store.interviews()] == [{"answers": ["a"]}]
    assert _kept(tmp_path) == {"q": 4}  # and not twice
    with open_store(tmp_path) as store:
        assert len(store.reviews()) == 1


@pytest.mark.parametrize("how", ["file removed", "folder removed", "folder renamed", "file renamed"])
def test_a_file_that_goes_is_made_anew_with_everything(tmp_path: Path, clock: HandClock, how: str) -> None:
    folder = tmp_path / "data"
    store = open_store(folder, clock)
    store.rate("before", 3, "en")
    path = folder / "progress.sqlite3"
    if how == "file removed":
        path.unlink()
    elif how == "file renamed":
        path.rename(folder / "mine.sqlite3")
    elif how == "folder renamed":
        folder.rename(tmp_path / "elsewhere")
    else:
        for inside in folder.iterdir():
            inside.unlink()
        folder.rmdir()
    store.rate("after", 4, "en")
    assert {"progress-gone", "progress-made-anew"} <= set(_news(store)) and store.waiting is None
    store.set_draft("q", "half")
    store.close()
    assert _kept(folder) == {"before": 3, "after": 4}


def test_a_file_that_is_replaced_gets_what_this_sitting_did(tmp_path: Path, clock: HandClock) -> None:
    with open_store(tmp_path / "other", clock) as other:
        other.rate("theirs", 2, "en")
    store = open_store(tmp_path / "data", clock)
    store.rate("before", 3, "en")
    for name in ("progress.sqlite3-wal", "progress.sqlite3-shm"):
        (tmp_path / "data" / name).unlink()
    os.replace(tmp_path / "other" / "progress.sqlite3", tmp_path / "data" / "progress.sqlite3")
    store.rate("after", 4, "en")
    assert "progress-replaced" in _news(store)
    store.close()
    assert _kept(tmp_path / "data") == {"theirs": 2, "before": 3, "after": 4}


def test_no_log_of_ours_is_read_into_a_file_that_took_the_place_of_ours(tmp_path: Path, clock: HandClock) -> None:
    """SQLite took the ``-wal`` beside it for its own: a backup put back was gone, another program's file too."""
    with open_store(tmp_path / "other", clock) as other:
        other.rate("theirs", 2, "en")
    path = tmp_path / "data" / "progress.sqlite3"
    store = open_store(tmp_path / "data", clock)
    store.rate("before", 3, "en")
    assert path.with_name("progress.sqlite3-wal").stat().st_size
    os.replace(tmp_path / "other" / "progress.sqlite3", path)
    store.rate("after", 4, "en")
    assert "progress-replaced" in _news(store)
    assert sorted(store.cards()) == ["after", "before", "theirs"]
    foreign = tmp_path / "foreign"
    with sqlite3.connect(foreign) as raw:
        raw.executescript("CREATE TABLE theirs (a); INSERT INTO theirs VALUES (7);")
    raw.close()
    before = foreign.read_bytes()
    os.replace(foreign, path)
    store.rate("later", 4, "en")
    assert store.waiting is not None and store.waiting.fields["reason"].code == "progress-foreign"
    store.close()
    assert path.read_bytes() == before


@pytest.mark.parametrize("how", ["removed", "overwritten", "emptied"])
def test_what_is_done_to_the_log_beside_loses_nothing(tmp_path: Path, how: str) -> None:
    """By who tidies up, or a copy that came in between; and then a kill, before the program could end well."""
    with open_store(tmp_path) as store:
        store.rate("before", 3, "en")
        store.settle()
        log = tmp_path / "progress.sqlite3-wal"
        assert log.stat().st_size == 0
        log.unlink() if how == "removed" else log.write_bytes(b"x" * 30_000 * (how == "overwritten"))
        store.rate("after", 4, "en")
        store.settle()
        copied = tmp_path / "as a kill leaves it"
        copied.mkdir()
        for path in tmp_path.glob("progress.sqlite3*"):
            (copied / path.name).write_bytes(path.read_bytes())
    assert _kept(copied) == {"before": 3, "after": 4}


def test_what_the_folder_does_not_take_is_kept_elsewhere_when_the_program_ends(
    tmp_path: Path, clock: HandClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It was said to be kept beside the file, and was not."""
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr(tempfile, "tempdir", None)
    folder = tmp_path / "data"
    store = open_store(folder, clock)
    folder.rename(tmp_path / "elsewhere")
    folder.write_text("in the way")
    store.rate("a", 4, "en", Answer("方差"))
    store.rate("b", 1, "en")
    left = store.left()
    assert left is not None and left == store.left()
    assert (left.code, left.fields["count"], left.fields["folder"]) == ("progress-left-elsewhere", 2, folder)
    assert stat.S_IMODE(left.fields["kept"].stat().st_mode) == 0o600
    store.close()
    folder.unlink()
    (tmp_path / "elsewhere").rename(folder)
    assert _kept(folder) == {}
    left.fields["kept"].rename(folder / left.fields["kept"].name)
    assert _kept(folder) == {"a": 4, "b": 1}
    assert [path.name for path in folder.iterdir() if "waiting" in path.name] == []


def test_what_was_kept_elsewhere_goes_when_it_is_written_after_all(tmp_path: Path, clock: HandClock) -> None:
    folder = tmp_path / "data"
    with open_store(folder, clock) as store:
        folder.rename(tmp_path / "elsewhere")
        folder.write_text("in the way")
        store.rate("a", 4, "en")
        left = store.left()
        assert left is not None
        folder.unlink()
        (tmp_path / "elsewhere").rename(folder)
        assert store.retry(now=True) and store.left() is None and not left.fields["kept"].exists()


def test_a_try_to_write_waits_for_no_lock(store: ProgressStore, tmp_path: Path) -> None:
    """Twice a second it kept the screen from its keys, for as long as a lock is waited for."""
    store.rate("before", 3, "en")
    holder = _hold(tmp_path / "progress.sqlite3")
    store.rate("q", 3, "en")
    assert store._file is not None
    store._file.execute("PRAGMA busy_timeout = 300000")
    assert not store.retry(now=True)
    holder.execute("ROLLBACK")
    assert store.retry(now=True)


def test_a_folder_that_goes_and_cannot_come_back_keeps_ratings_in_memory(tmp_path: Path, clock: HandClock) -> None:
    folder = tmp_path / "data"
    store = open_store(folder, clock)
    store.rate("before", 3, "en")
    folder.rename(tmp_path / "elsewhere")
    folder.write_text("in the way")
    store.rate("after", 4, "en")
    assert store.waiting is not None and store.waiting.code == "progress-waiting"
    assert sorted(store.cards()) == ["after", "before"]
    folder.unlink()
    (tmp_path / "elsewhere").rename(folder)
    assert store.retry(now=True)
    store.close()
    assert _kept(folder) == {"before": 3, "after": 4}


def test_a_full_disk_is_waited_for(store: ProgressStore, tmp_path: Path) -> None:
    store.rate("before", 3, "en")
    pages = store._connection.execute("PRAGMA page_count").fetchone()[0]
    store._connection.execute(f"PRAGMA max_page_count = {pages}")
    long = "长" * 20_000
    store.rate("q", 4, "en", Answer(long))
    assert store.waiting is not None and "full" in str(store.waiting.fields["reason"])
    assert not store.retry(now=True)
    assert store._file is not None
    store._file.execute("PRAGMA max_page_count = 100000")
    assert store.retry(now=True) and store.reviews("q")[0].answer.text == long
    with sqlite3.connect(tmp_path / "progress.sqlite3") as raw:
        assert raw.execute("SELECT length(answer) FROM reviews WHERE question_id = 'q'").fetchall() == [(20_000,)]


def test_what_is_no_matter_of_waiting_is_still_an_error(store: ProgressStore, tmp_path: Path) -> None:
    store.rate("q", 1, "en")
    with sqlite3.connect(tmp_path / "progress.sqlite3") as raw:
        raw.execute("CREATE TRIGGER odd BEFORE INSERT ON reviews BEGIN SELECT RAISE(ABORT, 'odd'); END")
    with pytest.raises(ProgressError, match="odd"):
        store.rate("q", 1, "en")
    assert store.waiting is None


def test_progress_is_the_persons_alone(tmp_path: Path) -> None:
    mask = os.umask(0)
    try:
        with open_store(tmp_path / "data") as store:
            store.rate("q", 3, "en")
            modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in (tmp_path / "data").iterdir()}
    finally:
        os.umask(mask)
    assert stat.S_IMODE((tmp_path / "data").stat().st_mode) == 0o700
    assert len(modes) == 4 and set(modes.values()) == {0o600}, modes
    path = tmp_path / "data" / "progress.sqlite3"
    path.chmod(0o644)  # as earlier versions left it
    open_store(tmp_path / "data").close()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_three_writers_lose_nothing(tmp_path: Path) -> None:
    program = (
        "import sys\nfrom pathlib import Path\nfrom tui.progress.store import open_store\n"
        "with open_store(Path(sys.argv[1])) as store:\n"
        "    for number in range(15): store.rate(f'{sys.argv[2]}-{number}', 3, 'en')\n"
    )
    writers = [subprocess.Popen([sys.executable, "-c", program, str(tmp_path), name]) for name in "abc"]
    assert [writer.wait(timeout=120) for writer in writers] == [0, 0, 0]
    assert len(_kept(tmp_path)) == 45


assert progress_file.BUSY_SECONDS < 0.5  # the screen answers within a second
