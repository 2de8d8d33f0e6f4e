"""Copies of the progress file: one a day by itself, ten kept, and one before anything that replaces progress."""

from __future__ import annotations

import contextlib
import os
import sqlite3
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from threading import Thread

from tui.progress.errors import ProgressError
from tui.progress.file import copy_to_file, examine_file, move_away, one_at_a_time
from tui.progress.peeking import FILE_NAME

FOLDER = "backups"
KEPT = 10  # of those made by themselves
A_DAY = 24 * 60 * 60  # seconds
_DAILY, _BEFORE, _SCRATCH = "progress-", "before-", ".copy-"


@dataclass(frozen=True)
class Backup:
    """A copy; ``reviews`` is None where it cannot be read."""

    path: Path
    bytes: int
    reviews: int | None


def back_up_daily(file: Path, now: datetime) -> Thread | None:
    """Copy the progress file, once a day and where there is anything; the copies before the last ten go.

    In a thread, which is returned: the first question of the day does not wait until years of ratings are copied. A
    copy that cannot be made is none: nothing is lost by it, and it is tried again at the next start.
    """
    path = file.parent / FOLDER / f"{_DAILY}{now.astimezone():%Y-%m-%d}.sqlite3"
    if path.exists():
        return None
    thread = Thread(target=_back_up, args=(file, path), name="backup")
    thread.start()
    return thread


def _back_up(file: Path, path: Path) -> None:
    with contextlib.suppress(OSError, sqlite3.Error), _opened(file) as source:
        if not source.execute("SELECT 1 FROM reviews LIMIT 1").fetchone():
            return
        _copy(source, path)
        days = sorted(path.parent.glob(f"{_DAILY}*.sqlite3"))
        for old in [day for day in days if day != path][: 1 - KEPT]:  # a clock set back keeps today's too
            old.unlink()
        for half in path.parent.glob(f"{_SCRATCH}*"):
            if path.stat().st_mtime - half.stat().st_mtime > A_DAY:  # left by a kill; no copy takes as long
                half.unlink()


def back_up_before(connection: sqlite3.Connection, folder: Path, now: datetime) -> Path:
    """Copy what ``connection`` holds before it is replaced. Raises ``OSError``."""
    stamp = f"{now.astimezone():%Y-%m-%d-%H%M%S}"
    path = folder / FOLDER / f"{_BEFORE}{stamp}.sqlite3"
    number = 1
    while path.exists():
        number += 1
        path = path.with_name(f"{_BEFORE}{stamp}-{number}.sqlite3")
    _copy(connection, path)
    return path


def backups(folder: Path) -> list[Backup]:
    """All copies, the newest first."""
    found = [path for path in (folder / FOLDER).glob("*.sqlite3") if path.is_file()]
    found.sort(key=lambda path: path.stat().st_mtime, reverse=True)
    return [Backup(path, path.stat().st_size, _reviews(path)) for path in found]


def restore(path: Path, folder: Path, now: datetime) -> Path | None:
    """Put the copy ``path`` in the place of the progress file; where the file that stood there went.

    Raises ``ProgressError`` where the copy is none of ours or damaged: then nothing is changed; and ``OSError``.
    """
    examine_file(path)
    aside: Path | None = None
    present = folder / FILE_NAME

    def make_room() -> None:
        nonlocal aside
        if present.exists():
            aside = move_away(present, folder / FOLDER, f"{_BEFORE}{now.astimezone():%Y-%m-%d-%H%M%S}")

    with one_at_a_time(folder), _opened(path) as source:
        copy_to_file(source, present, make_room)
    return aside


def _copy(connection: sqlite3.Connection, path: Path) -> None:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    descriptor, scratch = tempfile.mkstemp(prefix=_SCRATCH, dir=path.parent)  # the person's alone
    os.close(descriptor)
    try:
        with contextlib.closing(sqlite3.connect(scratch)) as target:
            connection.backup(target)
            target.execute("PRAGMA journal_mode = DELETE")  # one file by itself: reading it leaves none beside it
        os.replace(scratch, path)
    finally:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(scratch)


@contextlib.contextmanager
def _opened(path: Path) -> Iterator[sqlite3.Connection]:
    with contextlib.closing(sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True)) as connection:
        yield connection


def _reviews(path: Path) -> int | None:
    try:
        examine_file(path)
        with _opened(path) as connection:
            counting = "SELECT count(*) FROM reviews JOIN actions ON id = action_id WHERE undone_at IS NULL"
            return int(connection.execute(counting).fetchone()[0])
    except (ProgressError, sqlite3.Error, OSError):
        return None
