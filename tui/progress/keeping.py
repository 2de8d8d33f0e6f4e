"""Keeping what a person does, whatever becomes of the file meanwhile.

The file may be locked by another program, removed, renamed, replaced or full while the program runs. Then nothing
waits and nothing is lost: the store goes on in a copy in memory, says what it waits for (``waiting``), and writes
every change again, in order, as soon as the file can be had.

- Before and after each change the file at the path is compared with the one that is open (device and inode): SQLite
  goes on writing to a file that has no name any more, and says nothing.
- A file that is gone is made anew with all that the open one held. One that was replaced gets what was done in this
  sitting and is not in it yet.
"""

from __future__ import annotations

import contextlib
import functools
import os
import sqlite3
import time
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path
from threading import Thread
from types import TracebackType
from typing import Any, Concatenate, ParamSpec, Self, TypeVar

from tui.progress.errors import ProgressError
from tui.progress.file import Notice, OpenedFile, at_once, copy_to_file, fold_in, open_file, prepare, say_sqlite
from tui.progress.records import LATEST, Clock, write_time
from tui.progress.running import Running
from tui.progress.waiting import Change, WaitingFile, left_behind

PATIENCE = 0.5  # seconds between two tries to write what waits
COPYING = 0.5  # seconds that copying the open file into memory may take
_TO_WAIT_FOR = frozenset({"progress-busy", "progress-locked", "progress-unwritable", "progress-gone"})
_IN_ACTIONS = frozenset({"rate", "skip", "bury", "suspend", "flag", "unflag", "reset"})

P = ParamSpec("P")
R = TypeVar("R")
S = TypeVar("S", bound="KeptFile")


def kept(method: Callable[Concatenate[S, P], R]) -> Callable[Concatenate[S, P], R]:
    """A change that is made in memory, and again in the file later, where the file cannot be written now."""

    @functools.wraps(method)
    def change(self: S, *arguments: P.args, **options: P.kwargs) -> R:
        result: R = self._change(method, arguments, options)
        return result

    return change


class KeptFile:
    """An opened progress file, or the copy in memory that stands for it while it cannot be written."""

    def __init__(self, opened: OpenedFile, clock: Clock) -> None:
        self.path = opened.path
        self.notices: tuple[Notice, ...] = opened.notices
        self._connection = opened.connection
        self._is_unread = opened.is_unread
        self._clock = lambda: min(clock(), LATEST)
        self._at: datetime | None = None  # the time of the change that is being made
        self._session: int | None = None  # made by the first change, so that reading writes nothing
        folder = None if opened.path is None else opened.path.parent
        self._running = Running(folder)
        self._identity = _identity(opened.path)
        self._waiting: Notice | None = None
        self._news: list[Notice] = []
        self._file: sqlite3.Connection | None = None  # the file's connection, while ``_connection`` is the copy
        self._file_session: int | None = None
        self._pending: list[Change] = []
        self._journal: list[Change] = []  # of this sitting, for a file that is put in the place of ours
        self._noted = None if folder is None else WaitingFile(folder)
        self._next_try = 0.0
        self._is_settled = True  # whether the file itself holds everything, and its ``-wal`` nothing
        self.copying: Thread | None = None  # the backup of the day, while it is made

    # --- what is told ------------------------------------------------------------------------------------------

    @property
    def kept(self) -> bool:
        """Whether what is done will be there next time, as far as can be told now."""
        return self.path is not None

    def require_kept(self) -> None:
        """Raise ``progress-unwritable`` where a change would be for nothing."""
        for notice in self.notices if self.path is None else ():
            folder, reason = notice.fields["folder"], notice.fields["reason"]
            message = f"cannot write {folder}: {reason}"
            raise ProgressError("progress-unwritable", message, path=folder, reason=reason)

    def require_read(self) -> None:
        """Raise ``progress-unreadable`` where there is a file that could not be read: nothing in it is not none."""
        if self._is_unread:
            fields = self.notices[-1].fields
            message = f"cannot read the progress in {fields['folder']}: {fields['reason']}"
            raise ProgressError("progress-unreadable", message, **fields)

    @property
    def waiting(self) -> Notice | None:
        """What the store waits for before it can write (``progress-waiting``: ``reason``, ``count``), or None."""
        if self._waiting is None:
            return None
        return Notice(self._waiting.code, {**self._waiting.fields, "count": len(self._pending)})

    def left(self) -> Notice | None:
        """What is to be said where the program ends now: what the file has not got, and where that is kept."""
        if self._waiting is None or not self._pending or self.path is None or self._noted is None:
            return None
        kept = self._noted.keep_all(self._pending)
        fields = {**self._waiting.fields, "count": len(self._pending), "kept": kept, "folder": self.path.parent}
        if kept is None:
            return Notice("progress-left-lost", fields)
        beside = kept.parent == self.path.parent
        return Notice("progress-left-waiting" if beside else "progress-left-elsewhere", fields)

    def news(self) -> list[Notice]:
        """What happened to the file since this was last asked: to be told once."""
        news, self._news = self._news, []
        return news

    def stamp(self) -> tuple[int, ...]:
        """Another one whenever anything was written, here or by another program."""
        version: int = self._rows("PRAGMA data_version")[0][0]
        return id(self._connection), self._connection.total_changes, version

    # --- changes -----------------------------------------------------------------------------------------------

    def _change(self, method: Callable[..., Any], arguments: tuple[Any, ...], options: dict[str, Any]) -> Any:
        if self.path is None or self._at is not None:  # in memory by choice, or within another change
            return method(self, *arguments, **options)
        change = Change(method.__name__, arguments, options, self._clock())
        self.retry()
        with self._as_of(change.at):
            if self._waiting is None:
                try:
                    self._require_there()
                    change.result = method(self, *arguments, **options)
                    self._journal.append(change)
                    self._require_there()
                    return change.result
                except ProgressError as error:
                    if error.code not in _TO_WAIT_FOR:
                        raise
                    self._wait(error)
                    if self._journal and self._journal[-1] is change:  # written, to a file that has gone
                        return change.result
            change.result = method(self, *arguments, **options)
        if self._waiting is None:  # the file was made anew at once
            self._journal.append(change)
            return change.result
        self._pending.append(change)
        if self._noted is not None:
            self._noted.add(change)
        return change.result

    def retry(self, *, now: bool = False) -> bool:
        """Write what waits, if the file can be had; whether nothing waits any more. Tries twice a second at most."""
        if self._waiting is None:
            return True
        if not now and time.monotonic() < self._next_try:
            return False
        self._next_try = time.monotonic() + PATIENCE
        assert self.path is not None
        count = len(self._pending)
        try:
            found = _identity(self.path)
            if found is None:
                self._make_anew()
            elif found != self._identity:
                self._take_the_new_one()
            else:
                assert self._file is not None
                with at_once(self._file):  # the screen waits for this, twice a second
                    self._write_pending(self._file, self._file_session)
        except ProgressError as error:
            self._waiting = _waiting(error, self.path)
            return False
        except OSError as error:
            self._waiting = Notice("progress-waiting", {"path": self.path, "reason": error})
            return False
        self._waiting = None
        if self._noted is not None:
            self._noted.clear()
        if count:
            self._news.append(Notice("progress-written", {"path": self.path, "count": count}))
        return True

    def settle(self) -> None:
        """Let the file itself hold everything, in a moment in which nobody waits for it: see ``fold_in``."""
        if not self._is_settled and self._waiting is None and self.path is not None:
            fold_in(self._connection)
            self._is_settled = True

    def take_in(self, changes: list[Change], *, new: bool = False) -> None:
        """Make those of ``changes`` that are not in the file yet; ``new``: it is known that none is."""
        for change in changes:
            method = getattr(type(self), change.name, None)
            if method is None or not hasattr(method, "__wrapped__") or (not new and self._is_made(change)):
                continue
            with self._as_of(change.at):
                try:
                    method(self, *change.arguments, **change.options)
                except ProgressError as error:
                    if error.code in _TO_WAIT_FOR:
                        raise
                    self._news.append(Notice(error.code, error.fields))
                    continue
                except (TypeError, ValueError, AssertionError):  # a line that somebody else wrote
                    continue

    # --- going to memory and back ------------------------------------------------------------------------------

    def _require_there(self) -> None:
        """Raise ``progress-gone`` where the file at the path is not the one that is open."""
        if _identity(self.path) != self._identity:
            message = f"{self.path} has been removed, renamed or replaced while the program was running"
            raise ProgressError("progress-gone", message, path=str(self.path))

    def _wait(self, error: ProgressError) -> None:
        """Go on in memory with all that the open file holds."""
        self._file, self._file_session = self._connection, self._session
        memory = sqlite3.connect(":memory:", isolation_level=None)
        end = time.monotonic() + COPYING

        def watch(status: int, remaining: int, total: int) -> None:
            busy = status in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)
            if busy and time.monotonic() > end:  # the lock keeps out readers too
                raise sqlite3.OperationalError("the file cannot be read at this moment")

        try:
            self._file.backup(memory, pages=2000, progress=watch, sleep=0.05)
        except sqlite3.Error as unreadable:
            memory.close()
            raise error from unreadable
        prepare(memory)
        self._connection = memory
        self._waiting = _waiting(error, self.path)
        self._next_try = time.monotonic() + (0.0 if error.code == "progress-gone" else PATIENCE)
        if error.code == "progress-gone":
            fold_in(self._file)  # or the ``-wal`` that still lies there would be read into what took its place
            self._news.append(Notice("progress-gone", error.fields))
            self.retry()

    def _write_pending(self, connection: sqlite3.Connection, session: int | None) -> None:
        memory, memory_session = self._connection, self._session
        self._connection, self._session = connection, session
        waiting, self._waiting = self._waiting, None
        try:
            while self._pending:
                self.take_in(self._pending[:1], new=True)
                self._journal.append(self._pending.pop(0))
        except BaseException:
            self._file, self._file_session = self._connection, self._session
            self._connection, self._session, self._waiting = memory, memory_session, waiting
            raise
        memory.close()
        self._file = None

    def _make_anew(self) -> None:
        assert self.path is not None
        copy_to_file(self._connection, self.path)
        opened = open_file(self.path.parent, self._clock())
        if opened.path is None:
            raise _unwritable(self.path, opened)
        self._exchange(opened)
        self._journal += self._pending
        self._pending.clear()
        self._news.append(Notice("progress-made-anew", {"path": self.path}))

    def _take_the_new_one(self) -> None:
        assert self.path is not None
        opened = open_file(self.path.parent, self._clock())
        if opened.path is None:
            raise _unwritable(self.path, opened)
        changes = [*self._journal, *self._pending]
        self._exchange(opened, session=None)
        self._pending, self._journal = [], []
        self._waiting = None
        try:
            self.take_in(changes)
            self._journal = changes
        except ProgressError as error:
            self._pending = changes
            self._wait(error)
            raise
        self._news.append(Notice("progress-replaced", {"path": self.path}))

    def _exchange(self, opened: OpenedFile, session: int | None = -1) -> None:
        """Let ``opened`` take the place of the copy and of the file that has gone."""
        for connection in (self._file, self._connection):
            if connection is not None:
                with contextlib.suppress(sqlite3.Error):
                    connection.close()
        self._file = None
        self._connection = opened.connection
        self._session = self._session if session == -1 else session
        self._news += opened.notices
        self._running.end()
        self._running = Running(self.path.parent if self.path else None)
        if self._session is not None:
            self._running.begin(self._session)
        self._identity = _identity(self.path)

    def _is_made(self, change: Change) -> bool:
        at = write_time(change.at)
        if change.name == "undo":
            return bool(self._rows("SELECT 1 FROM actions WHERE undone_at = ?", at))
        if change.name not in _IN_ACTIONS:
            return False
        question = change.arguments[0] if change.arguments else change.options.get("question_id")
        kinds = {change.name, {"suspend": "resume", "bury": "unbury"}.get(change.name, change.name)}
        rows = self._rows("SELECT kind FROM actions WHERE at = ? AND question_id IS ?", at, question)
        return any(row["kind"] in kinds for row in rows)

    # --- inside ------------------------------------------------------------------------------------------------

    def _now(self) -> datetime:
        """The time of the change that is being made, which may be one that waited; else the clock's."""
        return self._at or self._clock()

    @contextlib.contextmanager
    def _as_of(self, moment: datetime) -> Iterator[None]:
        before, self._at = self._at, moment
        try:
            yield
        finally:
            self._at = before

    @contextlib.contextmanager
    def _writing(self) -> Iterator[int]:
        """One transaction that holds the write lock from its start: what is read in it is still true when written."""
        try:
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                session = self._session
                if session is None:
                    statement = "INSERT INTO sessions (started_at) VALUES (?)"
                    session = self._connection.execute(statement, (write_time(self._now()),)).lastrowid
                    assert session is not None
                    if self._waiting is None:
                        self._running.begin(session)  # before anybody can read of it
                yield session
                self._connection.execute("COMMIT")
                self._session = session
                self._is_settled = False
            except BaseException:
                if self._session is None:
                    self._running.end()
                if self._connection.in_transaction:
                    self._connection.execute("ROLLBACK")
                raise
        except (sqlite3.Error, UnicodeDecodeError) as error:  # the second: in what SQLite says of a damaged file
            raise say_sqlite(error, self.path) from error

    def _rows(self, statement: str, *values: Any) -> list[sqlite3.Row]:
        try:
            return self._connection.execute(statement, values).fetchall()
        except (sqlite3.Error, UnicodeDecodeError) as error:  # the second: in what SQLite says of a damaged file
            raise say_sqlite(error, self.path) from error

    def close(self) -> None:
        """End the session. What was changed is on the disk already; a kill instead of a close loses nothing."""
        self.retry(now=True)
        if self.copying is not None:
            self.copying.join()  # it only reads: only who writes folds the log into the file, closing as the last
        with contextlib.suppress(ProgressError):
            if self._session is not None and self._waiting is None:
                self._require_there()
                with self._writing() as session:
                    self._connection.execute("DELETE FROM claims WHERE session_id = ?", (session,))
                    statement = "UPDATE sessions SET ended_at = ? WHERE id = ?"
                    self._connection.execute(statement, (write_time(self._clock()), session))
        for connection in (self._connection, self._file):
            if connection is not None:
                with contextlib.suppress(sqlite3.Error):
                    connection.close()
        self._running.end()
        if self._noted is not None:
            self._noted.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def take_in_what_was_left(store: KeptFile) -> None:
    """Write what earlier programs could not, and remove their notes once all of it is in the file."""
    if store.path is None:
        return
    for path, changes in left_behind(store.path.parent):
        try:
            store.take_in(changes)
        except ProgressError:
            return  # it waits for the next start
        if changes:
            store._news.append(Notice("progress-written", {"path": store.path, "count": len(changes)}))
        with contextlib.suppress(OSError):
            path.unlink()


def _identity(path: Path | None) -> tuple[int, int] | None:
    if path is None:
        return None
    try:
        found = os.stat(path)
    except OSError:
        return None
    return found.st_dev, found.st_ino


def _waiting(error: ProgressError, path: Path | None) -> Notice:
    return Notice("progress-waiting", {"path": path, "reason": error})


def _unwritable(path: Path, opened: OpenedFile) -> ProgressError:
    opened.connection.close()
    reason = opened.notices[-1].fields.get("reason", "") if opened.notices else ""
    return ProgressError("progress-unwritable", f"cannot write {path}: {reason}", path=str(path), reason=reason)
