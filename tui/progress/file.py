"""Opening the progress file so that nothing in it can be lost.

- Two programs may open it at once: WAL, a busy timeout, and one opening at a time.
- A damaged file is set aside under a dated name, with its ``-wal`` and ``-shm``, never written over.
- A file from a newer version of the program, or one that is not ours, is refused and left as it was.
- A folder that cannot be written gives a store in memory, with what could still be read, and a notice that says so.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import sqlite3
import stat
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from tui.progress.errors import ProgressError
from tui.progress.peeking import FILE_NAME, file_application, file_version, is_there
from tui.progress.records import write_time
from tui.progress.salvage import lacking, take_out, unreadable_rows
from tui.progress.schema import APPLICATION_ID, VERSION, migrate

BUSY_SECONDS = 0.2  # that a change waits for a lock before it is made in memory: the screen must answer
OPEN_SECONDS = 1.0  # that opening waits
FOLDER_SECONDS = 1.0  # that one start waits for another
_SIDES = ("-wal", "-shm")  # beside the file while it is open, and after a kill
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
    is_unread: bool = False  # there is a file, and what it holds could not be read


class _Damaged(Exception):
    """The file cannot be read as SQLite, or lacks what its version says it has; ``reason`` can be said in Chinese."""

    def __init__(self, reason: Exception) -> None:
        super().__init__(str(reason))
        self.reason = reason


def open_file(folder: Path, now: datetime) -> OpenedFile:
    """Open or create the progress file in ``folder``.

    Raises ``ProgressError``: ``progress-newer``, ``progress-foreign``, ``progress-busy``.
    """
    path = folder / FILE_NAME
    notices: list[Notice] = []
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        with one_at_a_time(folder):
            looked_at = _inode(path)
            try:
                connection, rows = _open(path)
            except _Damaged as damage:
                if _inode(path) == looked_at:  # or another start has set it aside meanwhile
                    aside = _set_aside(path, now)
                    fields = {"path": path, "aside": aside, "reason": damage.reason}
                    notices.append(Notice("progress-set-aside", fields))
                connection, rows = _open(path)
            if rows:
                aside = _free_name(path, now)
                _make_private(aside)
                take_out(connection, rows, aside)
                tables = sorted({table for table, _ in rows})
                fields = {"path": path, "aside": aside, "count": len(rows), "tables": tables}
                notices.append(Notice("progress-rows-set-aside", fields))
            return OpenedFile(connection, path, tuple(notices))
    except (OSError, sqlite3.OperationalError) as error:
        if isinstance(error, sqlite3.OperationalError) and _primary(error) not in _UNWRITABLE:
            raise say_sqlite(error, path, OPEN_SECONDS) from error
        notices.append(Notice("progress-not-kept", {"folder": folder, "reason": error}))
        memory, is_read = _into_memory(path)
        return OpenedFile(memory, None, tuple(notices), is_there(path) and not is_read)


def _inode(path: Path) -> int | None:
    try:
        return os.stat(path).st_ino
    except OSError:
        return None


def open_memory() -> OpenedFile:
    """A store that keeps nothing, for a program that must not write."""
    return OpenedFile(_into_memory(None)[0], None)


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
    ahead: int = 0  # reviews that are dated after today


def inspect_file(folder: Path, tomorrow: datetime | None = None) -> FileState:
    """Look at the progress file without a store, for ``doctor``; nothing is made, moved or written."""
    path = folder / FILE_NAME
    aside: tuple[Path, ...] = ()
    try:
        aside = tuple(sorted(folder.glob("progress.damaged-*.sqlite3"))) if os.path.isdir(folder) else ()
        size = os.stat(path).st_size
    except (FileNotFoundError, NotADirectoryError):
        return FileState(path, None, None, None, None, None, aside)
    except OSError as error:
        why = ProgressError("progress-unwritable", f"cannot read {path}: {error}", path=str(path), reason=error)
        return FileState(path, None, None, None, None, why, aside)
    trouble: ProgressError | None = None
    cards = reviews = version = None
    ahead = 0
    try:
        _examine(path)
        with contextlib.closing(sqlite3.connect(_read_only(path), uri=True)) as connection:
            version = connection.execute("PRAGMA user_version").fetchone()[0]
            if version:
                cards = connection.execute("SELECT count(*) FROM cards").fetchone()[0]
                counting = "SELECT count(*) FROM reviews JOIN actions ON id = action_id WHERE undone_at IS NULL"
                reviews = connection.execute(counting).fetchone()[0]
                if tomorrow is not None:
                    when = (write_time(tomorrow),)
                    ahead = connection.execute(f"{counting} AND reviewed_at > ?", when).fetchone()[0]
    except ProgressError as error:
        trouble = error
    except _Damaged as damage:
        message = f"{path} is damaged ({damage}); the next start moves it aside and begins a new one"
        trouble = ProgressError("progress-damaged", message, path=path, reason=damage.reason)
    except (sqlite3.Error, UnicodeDecodeError) as error:
        trouble = say_sqlite(error, path)
    return FileState(path, size, version, cards, reviews, trouble, aside, ahead)


def say_sqlite(error: Exception, path: Path | None, seconds: float = BUSY_SECONDS) -> ProgressError:
    """What SQLite met while reading or writing, as an error that can be said in either language."""
    code = _primary(error)
    where = str(path) if path else "memory"
    if code in _BUSY:
        if path is not None and (holder := who_locks(path)):
            message = f"{where} has been locked by {holder} for {seconds:g} s; close that one or try again"
            return ProgressError("progress-locked", message, path=where, seconds=seconds, holder=holder)
        message = f"{where} has been locked by another program for {seconds:g} s; close that one or try again"
        return ProgressError("progress-busy", message, path=where, seconds=seconds)
    if code in _UNWRITABLE:
        message = f"cannot write {where}: {error}"
        return ProgressError("progress-unwritable", message, path=where, reason=error)
    message = f"cannot read or write {where}: {error}; nothing since the last rating that succeeded is lost"
    return ProgressError("progress-unusable", message, path=where, reason=error)


def _open(path: Path) -> tuple[sqlite3.Connection, list[tuple[str, int]]]:
    """The open file, and the rows in it that cannot be read."""
    _examine(path)
    _make_private(path)
    connection = sqlite3.connect(path, isolation_level=None, timeout=OPEN_SECONDS)
    try:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")  # a rating is on the disk when the next question is shown
        prepare(connection)
        _require_writable(connection)
        return connection, unreadable_rows(connection)
    except BaseException as error:
        connection.close()
        if isinstance(error, UnicodeDecodeError) or (isinstance(error, sqlite3.Error) and _is_damage(error)):
            raise _Damaged(error) from error
        raise


def prepare(connection: sqlite3.Connection) -> None:
    """Read rows by name, hold the references, and bring the tables to the last version.

    Bytes that are no text are read as text with marks in it: one bad letter does not hide a whole table.
    """
    connection.row_factory = sqlite3.Row
    connection.text_factory = lambda data: data.decode("utf-8", "replace")
    connection.execute("PRAGMA foreign_keys = ON")
    migrate(connection)


@contextlib.contextmanager
def at_once(connection: sqlite3.Connection) -> Iterator[None]:
    """Within it nothing waits for a lock."""
    connection.execute("PRAGMA busy_timeout = 0")
    try:
        yield
    finally:
        connection.execute(f"PRAGMA busy_timeout = {int(BUSY_SECONDS * 1000)}")


def fold_in(connection: sqlite3.Connection) -> None:
    """Write what stands in the ``-wal`` into the file, and empty it, where nobody else is reading it at this moment.

    What others do to a file beside ours (remove it, write over it, leave it beside a file that they put in the place
    of ours, into which SQLite would read it) then does nothing to what was changed.
    """
    with contextlib.suppress(sqlite3.Error), at_once(connection):
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()


def copy_to_file(connection: sqlite3.Connection, path: Path, make_room: Callable[[], None] = lambda: None) -> None:
    """Write all that ``connection`` holds to ``path``, whole or not at all, and over no file. Raises ``OSError``.

    ``make_room`` is called once the copy is made, so that what stands at ``path`` goes only when it can be replaced.
    """
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    descriptor, scratch = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)  # the person's alone
    os.close(descriptor)
    try:
        with contextlib.closing(sqlite3.connect(scratch)) as target:
            connection.backup(target)
        make_room()
        for side in _SIDES:  # of a file that is gone: SQLite would read them into the new one
            with contextlib.suppress(FileNotFoundError):
                os.unlink(path.with_name(path.name + side))
        try:
            os.link(scratch, path)
        except PermissionError:  # a drive that knows no links
            if path.exists():
                raise
            os.rename(scratch, path)
    except sqlite3.Error as error:
        raise OSError(None, str(error)) from error
    finally:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(scratch)


def _make_private(path: Path) -> None:
    """A new file is the person's alone, and one that others may read becomes it (the sides get what the file has)."""
    with contextlib.suppress(OSError):
        os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
        if path.stat().st_mode & 0o077:
            path.chmod(0o600)


def _require_writable(connection: sqlite3.Connection) -> None:
    """Raise SQLite's error now, rather than at the first rating, where the file can only be read."""
    with at_once(connection):
        try:
            connection.execute("BEGIN IMMEDIATE")  # which a file that may only be read allows
            try:
                connection.execute(f"PRAGMA user_version = {VERSION}")
            finally:
                connection.execute("ROLLBACK")
        except sqlite3.OperationalError as error:
            if _primary(error) not in _BUSY:  # somebody else is writing: then so can we
                raise


def _examine(path: Path) -> None:
    """Refuse a file that is newer or not ours; raise ``_Damaged`` where it does not hold what it should.

    Through a read-only connection: a writing one would, when closed, fold the ``-wal`` into a damaged file.
    """
    if not path.exists() or (path.is_file() and path.stat().st_size == 0):
        return
    version = file_version(path)
    if version is None:
        raise _Damaged(ProgressError("not-sqlite", "it does not begin as a SQLite file does"))
    if version > VERSION:  # by its header: opening would leave a -wal and a -shm beside it
        raise _newer(path, version) if file_application(path) == APPLICATION_ID else _foreign(path)
    connection = sqlite3.connect(_read_only(path), uri=True, timeout=OPEN_SECONDS)
    try:
        version = connection.execute("PRAGMA user_version").fetchone()[0]
        application: int = connection.execute("PRAGMA application_id").fetchone()[0]
        tables = {row[0] for row in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
        if not tables and version == 0:
            return  # another start is just making it
        if application != APPLICATION_ID:
            raise _foreign(path)
        if version > VERSION:  # as long as that stands in the -wal alone
            raise _newer(path, version)
        if missing := lacking(connection, version):
            why = f"these are missing: {', '.join(missing)}"
            raise _Damaged(ProgressError("lacking", why, missing=missing))
        begun = _begun.pop(path, None)
        verdict = _check(connection) if begun is None else begun.result()
        if verdict != "ok":
            raise _Damaged(ProgressError("verdict", verdict.replace("\n", " "), verdict=verdict))
    except UnicodeDecodeError as error:  # in what SQLite says of the tables
        raise _Damaged(error) from error
    except sqlite3.Error as error:
        if _is_damage(error):
            raise _Damaged(error) from error
        if _primary(error) not in _UNWRITABLE:  # a journal to roll back needs a writing connection: let that one try
            raise
    finally:
        connection.close()


_begun: dict[Path, Future[str]] = {}


def check_ahead(folder: Path) -> None:
    """Begin to look through the file in a thread: with years of reviews in it that takes a part of a start."""
    path = folder / FILE_NAME
    if file_version(path) is not None:
        thread = ThreadPoolExecutor(1, "check-ahead")
        _begun[path] = thread.submit(_check_file, path)
        thread.shutdown(wait=False)


def _check_file(path: Path) -> str:
    with contextlib.closing(sqlite3.connect(_read_only(path), uri=True, timeout=OPEN_SECONDS)) as connection:
        return _check(connection)


def _check(connection: sqlite3.Connection) -> str:
    verdict: str = connection.execute("PRAGMA quick_check(1)").fetchone()[0]
    return verdict


def _read_only(path: Path) -> str:
    return f"{path.resolve().as_uri()}?mode=ro"


def _foreign(path: Path) -> ProgressError:
    message = f"{path} is a SQLite file of another program; choose another folder with --data-dir"
    return ProgressError("progress-foreign", message, path=str(path))


def _newer(path: Path, version: int) -> ProgressError:
    message = (
        f"{path} was written by a newer version of the program (format {version}; this one reads up to {VERSION}). "
        "Update the program, or choose another folder with --data-dir; the file has been left as it is"
    )
    return ProgressError("progress-newer", message, path=str(path), version=version, ours=VERSION)


def examine_file(path: Path) -> None:
    """Raise ``ProgressError`` where ``path`` is not a sound progress file of this version or an earlier one."""
    if file_version(path) in (None, 0):
        reason = ProgressError("not-sqlite", "it does not begin as a SQLite file does")
        raise ProgressError("backup-damaged", f"{path} is damaged: {reason}", path=path, reason=reason)
    try:
        _examine(path)
    except _Damaged as damage:
        message = f"{path} is damaged: {damage}"
        raise ProgressError("backup-damaged", message, path=path, reason=damage.reason) from damage
    except sqlite3.Error as error:
        raise say_sqlite(error, path) from error


def move_away(path: Path, folder: Path, name: str) -> Path:
    """Rename ``path`` and what lies beside it to ``name`` in ``folder``, onto no file; where it went."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    aside = folder / f"{name}.sqlite3"
    number = 1
    while aside.exists():
        number += 1
        aside = folder / f"{name}-{number}.sqlite3"
    return _move(path, aside)


def _set_aside(path: Path, now: datetime) -> Path:
    return _move(path, _free_name(path, now))


def _move(path: Path, aside: Path) -> Path:
    """Rename the file and what lies beside it, keeping the names that SQLite pairs."""
    path.rename(aside)
    with contextlib.suppress(OSError):
        if stat.S_ISREG(os.lstat(aside).st_mode):
            aside.chmod(0o600)
    for side in _SIDES:
        with contextlib.suppress(FileNotFoundError):
            path.with_name(path.name + side).rename(aside.with_name(aside.name + side))
    return aside


def _free_name(path: Path, now: datetime) -> Path:
    """A name for what is set aside, that of no file."""
    stamp = now.strftime("%Y%m%d-%H%M%S")
    aside = path.with_name(f"{path.stem}.damaged-{stamp}{path.suffix}")
    number = 1
    while aside.exists():
        number += 1
        aside = path.with_name(f"{path.stem}.damaged-{stamp}-{number}{path.suffix}")
    return aside


def _into_memory(path: Path | None) -> tuple[sqlite3.Connection, bool]:
    """A store in memory, filled from the file where that can be read, and whether it was."""
    memory = sqlite3.connect(":memory:", isolation_level=None)
    is_read = path is not None and _copy_into(memory, path)
    if not is_read:
        memory.close()
        memory = sqlite3.connect(":memory:", isolation_level=None)
    prepare(memory)
    return memory, is_read


def _copy_into(memory: sqlite3.Connection, path: Path) -> bool:
    """Whether ``path`` could be copied: by way of a scratch folder, for SQLite cannot read a WAL without writing."""
    if not path.is_file():  # a device may have no end
        return False
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
def one_at_a_time(folder: Path) -> Iterator[None]:
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
        deadline = time.monotonic() + FOLDER_SECONDS
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


def _is_damage(error: sqlite3.Error) -> bool:
    """Whether SQLite could not make sense of what the file holds: whatever is neither a lock nor a refused write."""
    return _primary(error) not in _BUSY | _UNWRITABLE


def _primary(error: Exception) -> int:
    """SQLite's primary result code: the low byte of the extended one."""
    return getattr(error, "sqlite_errorcode", 0) & 0xFF


def who_locks(path: Path) -> str:
    """The programs that keep others from writing the file, as ``name PROCESS``; empty where nobody can tell.

    Linux lists all locks in ``/proc/locks``: ``1: POSIX  ADVISORY  WRITE 4711 08:01:131074 0 EOF``.
    """
    found: dict[str, str] = {}
    with contextlib.suppress(OSError, ValueError):
        files = [path, *(path.with_name(path.name + side) for side in _SIDES)]
        inodes = {str(file.stat().st_ino) for file in files if file.exists()}
        for line in Path("/proc/locks").read_text(encoding="utf-8").splitlines():
            words = line.split()
            if len(words) > 5 and words[3] == "WRITE" and words[5].rpartition(":")[2] in inodes:
                process = words[4]
                if process.isdecimal() and int(process) != os.getpid():
                    name = Path("/proc", process, "comm").read_text(encoding="utf-8", errors="replace").strip()
                    found[process] = f"{name} {process}"
    return ", ".join(found.values())
