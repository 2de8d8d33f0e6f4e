"""What is read of the progress file without opening a store: a setting, and the version. It needs little."""

from __future__ import annotations

import contextlib
import json
import os
import sqlite3
import stat
from pathlib import Path
from typing import Any

FILE_NAME = "progress.sqlite3"


def peek_setting(folder: Path, name: str) -> Any:
    """A setting, read without a store and without a trace: None where there is no file or no such setting."""
    path = folder / FILE_NAME
    if file_version(path) is None:
        return None
    try:
        with contextlib.closing(sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True)) as connection:
            row = connection.execute("SELECT value FROM settings WHERE name = ?", (name,)).fetchone()
            return json.loads(row[0]) if row else None
    except (
        sqlite3.Error,
        ValueError,
        TypeError,
        RecursionError,
    ):  # the store says what is wrong with the file when it is opened
        return None


def is_there(path: Path) -> bool:
    """Whether there is something at ``path``; also where a closed folder keeps that to itself."""
    try:
        os.stat(path)
    except (FileNotFoundError, NotADirectoryError):
        return False
    except OSError:
        pass
    return True


def file_version(path: Path) -> int | None:
    """``PRAGMA user_version`` from the header alone, without opening it: None where there is no SQLite header."""
    return _in_header(path, 60)


def file_application(path: Path) -> int | None:
    """``PRAGMA application_id``, likewise."""
    return _in_header(path, 68)


def _in_header(path: Path, offset: int) -> int | None:
    try:
        if not stat.S_ISREG(os.stat(path).st_mode):  # a pipe would be waited for
            return None
        with path.open("rb") as file:
            header = file.read(72)
    except OSError:
        return None
    if not header.startswith(b"SQLite format 3\0") or len(header) < 72:
        return None
    return int.from_bytes(header[offset : offset + 4], "big")
