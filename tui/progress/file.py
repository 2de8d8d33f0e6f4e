"""Opening the progress file so that nothing in it can be lost.

- Two programs may open it at once: WAL, a busy timeout, and one opening at a time.
- A damaged file is set aside under a dated name, with its ``-wal`` and ``-shm``, never written over.
- A file from a newer version of the program, or one that is not ours, is refused and left as it was.
- A folder that cannot be written gives a store in memory, with what could still be read, and a notice that says so.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import sqlite3
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from tui.progress.errors import ProgressError
from tui.progress.schema import APPLICATION_ID, VERSION, migrate

FILE_NAME = "progress.sqlite3"
BUSY_SECONDS = 5.0
_SIDES = ("-wal", "-shm")  # beside the file while it is open, and after a kill
_TABLES = frozenset(
    {
        *("sessions", "cards", "suspended", "flags", "actions", "reviews", "places", "settings", "interviews"),
        *("drafts", "buried", "claims"),
    }
)
_UNWRITABLE = frozenset(
    {
        sqlite3.SQLITE_READONLY,
        sqlite3.SQLITE_CANTOPEN,
        sqlite3.SQLITE_PERM,
        sqlite3.SQLITE_IOERR,
        sqlite3.SQLITE_FULL,
    }
)
_BUSY = frozenset({sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED})
_DAMAGED = frozenset({sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB})


@dataclass(frozen=True)
class Notice:
    """Something a person must be told about their progress: ``progress-set-aside`` or ``progress-not-kept``."""

    code: str
    fields: dict[str, Any]


@dataclass(frozen=True)
class OpenedFile:
    """``path`` is None where nothing is kept: the connection is then to memory."""

    connection: sqlite3.Connection
    path: Path | None
    notices: tuple[Notice, ...] = ()


class _Damaged(Exception):
    """The file cannot be read as SQLite, or lacks what its version says it has."""


def open_file(folder: Path, now: datetime) -> OpenedFile:
    """Open or create the progress file in ``folder``.

    Raises ``ProgressError``: ``progress-newer``, ``progress-foreign``, ``progress-busy``.
    """
    path = folder / FILE_NAME
    notices: list[Notice] = []
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with _one_at_a_time(folder):
            try:
                return OpenedFile(_open(path), path)
            except _Damaged as damage:
                aside = _set_aside(path, now)
                notices.append(Notice("progress-set-aside", {"path": path, "aside": aside, "reason": str(damage)}))
                return OpenedFile(_open(path), path, tuple(notices))
    except (OSError, sqlite3.OperationalError) as error:
        if isinstance(error, sqlite3.OperationalError) and _primary(error) not in _UNWRITABLE:
            raise say_sqlite(error, path) from error
        reason: object = error if isinstance(error, OSError) else str(error)  # an OSError can be said in Chinese
        notices.append(Notice("progress-not-kept", {"folder": folder, "reason": reason}))
        return OpenedFile(_into_memory(path), None, tuple(notices))


def open_memory() -> OpenedFile:
    """A store that keeps nothing, for a program that must not write."""
    return OpenedFile(_into_memory(None), None)


def peek_setting(folder: Path, name: str) -> Any:
    """A setting, read without a store and without a trace: None where there is no file or no such setting."""
    path = folder / FILE_NAME
    if file_version(path) is None:
        return None
    try:
        with contextlib.closing(sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True)) as connection:
            row = connection.execute("SELECT value FROM settings WHERE name = ?", (name,)).fetchone()
            return json.loads(row[0]) if row else None
    except (sqlite3.Error, ValueError):  # the store says what is wrong with the file when it is opened
        return None


@dataclass(frozen=True)
class FileState:
    """The progress file as it is found, untouched. ``trouble`` is why it could not be opened as it stands."""

    path: Path
    bytes: int | None
    version: int | None
    cards: int | None
    reviews: int | None
    trouble: ProgressError | None
    set_aside: tuple[Path, ...]


def inspect_file(folder: Path) -> FileState:
    """Look at the progress file without a store, for ``doctor``; nothing is made, moved or written."""
    path = folder / FILE_NAME
    aside = tuple(sorted(folder.glob("progress.damaged-*.sqlite3"))) if folder.is_dir() else ()
    if not path.exists():
        return FileState(path, None, None, None, None, None, aside)
    trouble: ProgressError | None = None
    cards = reviews = version = None
    try:
        _examine(path)
        with contextlib.closing(sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True)) as connection:
            version = connection.execute("PRAGMA user_version").fetchone()[0]
            if version:
                cards = connection.execute("SELECT count(*) FROM cards").fetchone()[0]
                counting = "SELECT count(*) FROM reviews JOIN actions ON id = action_id WHERE undone_at IS NULL"
                reviews = connection.execute(counting).fetchone()[0]
    except ProgressError as error:
        trouble = error
    except _Damaged as damage:
        message = f"{path} is damaged ({damage}); the next start moves it aside and begins a new one"
        trouble = ProgressError("progress-damaged", message, path=path, reason=str(damage))
    except sqlite3.Error as error:
        trouble = say_sqlite(error, path)
    return FileState(path, path.stat().st_size, version, cards, reviews, trouble, aside)


def say_sqlite(error: sqlite3.Error, path: Path | None) -> ProgressError:
    """What SQLite met while reading or writing, as an error that can be said in either language."""
    code = _primary(error)
    where = str(path) if path else "memory"
    if code in _BUSY:
        message = f"{where} has been locked by another program for {BUSY_SECONDS:g} s; close that one or try again"
        return ProgressError("progress-busy", message, path=where, seconds=BUSY_SECONDS)
    message = f"cannot read or write {where}: {error}; nothing since the last rating that succeeded is lost"
    return ProgressError("progress-unusable", message, path=where, reason=str(error))


def file_version(path: Path) -> int | None:
    """``PRAGMA user_version`` from the header alone, without opening it: None where there is no SQLite header."""
    try:
        with path.open("rb") as file:
            header = file.read(64)
    except OSError:
        return None
    if not header.startswith(b"SQLite format 3\0") or len(header) < 64:
        return None
    return int.from_bytes(header[60:64], "big")


def _open(path: Path) -> sqlite3.Connection:
    _examine(path)
    connection = sqlite3.connect(path, isolation_level=None, timeout=BUSY_SECONDS)
    try:
        connection.row_factory = sqlite3.Row
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")  # a rating is on the disk when the next question is shown
        connection.execute("PRAGMA foreign_keys = ON")
        migrate(connection)
        _require_writable(connection)
        return connection
    except BaseException as error:
        connection.close()
        if isinstance(error, sqlite3.Error) and _primary(error) in _DAMAGED:
            raise _Damaged(str(error)) from error
        raise


def _require_writable(connection: sqlite3.Connection) -> None:
    """Raise SQLite's error now, rather than at the first rating, where the file can only be read."""
    connection.execute("PRAGMA busy_timeout = 0")
    try:
        connection.execute("BEGIN IMMEDIATE")  # which a file that may only be read allows
        try:
            connection.execute(f"PRAGMA user_version = {VERSION}")
        finally:
            connection.execute("ROLLBACK")
    except sqlite3.OperationalError as error:
        if _primary(error) not in _BUSY:  # somebody else is writing: then so can we
            raise
    finally:
        connection.execute(f"PRAGMA busy_timeout = {int(BUSY_SECONDS * 1000)}")


def _examine(path: Path) -> None:
    """Refuse a file that is newer or not ours; raise ``_Damaged`` where it does not hold what it should.

    Through a read-only connection: a writing one would, when closed, fold the ``-wal`` into a damaged file.
    """
    if not path.exists() or path.stat().st_size == 0:
        return
    version = file_version(path)
    if version is None:
        raise _Damaged("it does not begin as a SQLite file does")
    if version > VERSION:
        raise _newer(path, version)
    connection = sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True, timeout=BUSY_SECONDS)
    try:
        version = connection.execute("PRAGMA user_version").fetchone()[0]
        application: int = connection.execute("PRAGMA application_id").fetchone()[0]
        tables = {row[0] for row in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
        if not tables and version == 0:
            return  # another start is just making it
        if application != APPLICATION_ID:
            message = f"{path} is a SQLite file of another program; choose another folder with --data-dir"
            raise ProgressError("progress-foreign", message, path=str(path))
        if version > VERSION:
            raise _newer(path, version)
        if version == VERSION and (lacking := _TABLES - tables):
            raise _Damaged(f"tables are missing: {', '.join(sorted(lacking))}")
        verdict: str = connection.execute("PRAGMA quick_check(1)").fetchone()[0]
        if verdict != "ok":
            raise _Damaged(verdict.replace("\n", " "))
    except sqlite3.Error as error:
        if _primary(error) in _DAMAGED:
            raise _Damaged(str(error)) from error
        if _primary(error) not in _UNWRITABLE:  # a journal to roll back needs a writing connection: let that one try
            raise
    finally:
        connection.close()


def _newer(path: Path, version: int) -> ProgressError:
    message = (
        f"{path} was written by a newer version of the program (format {version}; this one reads up to {VERSION}). "
        "Update the program, or choose another folder with --data-dir; the file has been left as it is"
    )
    return ProgressError("progress-newer", message, path=str(path), version=version, ours=VERSION)


def _set_aside(path: Path, now: datetime) -> Path:
    """Rename the file and what lies beside it, keeping the names that SQLite pairs; never onto an existing file."""
    stamp = now.strftime("%Y%m%d-%H%M%S")
    aside = path.with_name(f"{path.stem}.damaged-{stamp}{path.suffix}")
    number = 1
    while aside.exists():
        number += 1
        aside = path.with_name(f"{path.stem}.damaged-{stamp}-{number}{path.suffix}")
    path.rename(aside)
    for side in _SIDES:
        with contextlib.suppress(FileNotFoundError):
            path.with_name(path.name + side).rename(aside.with_name(aside.name + side))
    return aside


def _into_memory(path: Path | None) -> sqlite3.Connection:
    """A store in memory, filled from the file where that can be read."""
    memory = sqlite3.connect(":memory:", isolation_level=None)
    if path is not None and not _copy_into(memory, path):
        memory.close()
        memory = sqlite3.connect(":memory:", isolation_level=None)
    memory.row_factory = sqlite3.Row
    memory.execute("PRAGMA foreign_keys = ON")
    migrate(memory)
    return memory


def _copy_into(memory: sqlite3.Connection, path: Path) -> bool:
    """Whether ``path`` could be copied: by way of a scratch folder, for SQLite cannot read a WAL without writing."""
    with tempfile.TemporaryDirectory() as scratch:
        copy = Path(scratch) / FILE_NAME
        try:
            shutil.copyfile(path, copy)
            with contextlib.suppress(FileNotFoundError):
                shutil.copyfile(path.with_name(path.name + "-wal"), copy.with_name(copy.name + "-wal"))
            with contextlib.closing(sqlite3.connect(copy)) as source:
                source.backup(memory)
            found = [memory.execute(f"PRAGMA {name}").fetchone()[0] for name in ("application_id", "user_version")]
        except (OSError, sqlite3.DatabaseError):
            return False
    return found[0] == APPLICATION_ID and found[1] <= VERSION


@contextlib.contextmanager
def _one_at_a_time(folder: Path) -> Iterator[None]:
    """Hold the folder while a file is examined, set aside or created, so that two starts cannot cross.

    Advisory, and without it where the system has no ``flock`` (Windows, some network drives): SQLite's own locks
    still guard the data then; only two starts on one damaged file could cross.
    """
    try:
        import fcntl
    except ImportError:
        yield
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        deadline = time.monotonic() + BUSY_SECONDS
        while time.monotonic() < deadline:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                time.sleep(0.01)
            except OSError:
                break
        yield
    finally:
        os.close(descriptor)


def _primary(error: sqlite3.Error) -> int:
    """SQLite's primary result code: the low byte of the extended one."""
    return getattr(error, "sqlite_errorcode", 0) & 0xFF
