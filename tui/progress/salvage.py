"""Rows whose content cannot be read, in a file that is sound as SQLite: set aside, so that all the others serve.

The whole file is first copied beside it (``progress.damaged-DATE.sqlite3``); then the rows go. Ratings and actions are
not looked through at the start, for there may be hundreds of thousands: a bad one is passed over when it is read.
"""

from __future__ import annotations

import contextlib
import json
import math
import sqlite3
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

from tui.progress.records import read_card, read_time
from tui.progress.schema import MIGRATIONS, migrate

UNREADABLE = (ValueError, KeyError, TypeError, AttributeError, OverflowError, RecursionError)


def lacking(connection: sqlite3.Connection, version: int) -> list[str]:
    """The tables and columns (``cards.due``) that a file of ``version`` should have and this one has not."""
    with contextlib.closing(sqlite3.connect(":memory:", isolation_level=None)) as sound:
        migrate(sound, MIGRATIONS[:version])
        wanted, found = _columns(sound), _columns(connection)
    return sorted(wanted - found)


def unreadable_rows(connection: sqlite3.Connection) -> list[tuple[str, int]]:
    """The table and row number of every row, in the tables that are read whole, that cannot be read."""
    found = []
    for table, check in _CHECKS.items():
        for row in connection.execute(f"SELECT rowid AS number_of_row, * FROM {table}"):
            try:
                check(row)
            except UNREADABLE:
                found.append((table, row["number_of_row"]))
    return found


def take_out(connection: sqlite3.Connection, rows: list[tuple[str, int]], aside: Path) -> None:
    """Copy the file to ``aside``, which is new, and delete ``rows`` from it."""
    with contextlib.closing(sqlite3.connect(aside)) as copy:
        connection.backup(copy)
    connection.execute("BEGIN IMMEDIATE")
    try:
        for table, number in rows:
            connection.execute(f"DELETE FROM {table} WHERE rowid = ?", (number,))
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise


def _columns(connection: sqlite3.Connection) -> set[str]:
    tables = [row[0] for row in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
    names = [table for table in tables if not table.startswith("sqlite_")]
    found = set()
    for table in names:
        quoted = table.replace('"', '""')
        found |= {f"{table}.{row[1]}" for row in connection.execute(f'PRAGMA table_info("{quoted}")')}
    return found


def _check_card(row: sqlite3.Row) -> None:
    card = read_card(dict(row))
    numbers = [value for value in (card.stability, card.difficulty) if value is not None]
    if card.state not in (1, 2, 3) or not all(math.isfinite(value) and value > 0 for value in numbers):
        raise ValueError("no state that FSRS gives")
    if card.stability is None or card.difficulty is None or (card.step is None) != (card.state == 2):
        raise ValueError("no state that FSRS gives")
    if card.step is not None and not 0 <= card.step < 100:
        raise ValueError("no step that FSRS gives")


def _check_json(name: str, kind: type | None = None) -> Callable[[Any], None]:
    def check(row: sqlite3.Row) -> None:
        value = json.loads(row[name])
        if kind is not None and not isinstance(value, kind):
            raise ValueError(f"{name} is no {kind.__name__}")

    return check


def _check_place(row: sqlite3.Row) -> None:
    place = json.loads(row["place"])
    kinds = {"question_id": str | None, "typed": str, "choice": str | None, "revealed": bool, "more": dict}
    if not isinstance(place, dict) or not all(isinstance(place[n], k) for n, k in kinds.items() if n in place):
        raise ValueError("no place")
    if not isinstance(place.get("seconds", 0.0), int | float):
        raise ValueError("no place")


def _check_interview(row: sqlite3.Row) -> None:
    _check_json("record", dict)(row)
    read_time(row["started_at"])
    if row["ended_at"] is not None:
        read_time(row["ended_at"])


_CHECKS: dict[str, Callable[[Any], None]] = {
    "cards": _check_card,
    "flags": lambda row: (read_time(row["flagged_at"]), None)[1],
    "places": _check_place,
    "settings": _check_json("value"),
    "interviews": _check_interview,
    "buried": lambda row: (date.fromisoformat(row["day"]), None)[1],
}
