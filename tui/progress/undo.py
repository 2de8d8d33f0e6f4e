"""Undo: what was there before an action is put back from the file, never computed again.

Computing again would need every later rating to be replayed, and would give another schedule whenever FSRS's
parameters have changed in between.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Collection
from typing import Any

from tui.progress.errors import ProgressError
from tui.progress.records import Answer, Undone, read_card, read_time
from tui.progress.salvage import UNREADABLE

_CARD = ("state", "step", "stability", "difficulty", "due", "last_review")


def undo_last(connection: sqlite3.Connection, running: Collection[int], now: str) -> Undone | None:
    """Undo the last action, within the open transaction; None where there is none.

    ``running`` are the sessions of other copies of the program that are in use at this moment: their actions are
    their own. A session that was killed is not among them, and what was done in it last is taken back first.
    """
    others = ", ".join(str(int(session)) for session in running)
    action = connection.execute(
        "SELECT * FROM actions WHERE undone_at IS NULL AND kind != 'import' "
        f"AND session_id NOT IN ({others}) ORDER BY id DESC LIMIT 1"
    ).fetchone()
    if action is None:
        return None
    try:
        return _undo(connection, action, now)
    except UNREADABLE as error:
        message = f"cannot undo: what was there before {action['kind']} of {action['question_id']} cannot be read"
        raise ProgressError("progress-not-undoable", message, question=action["question_id"]) from error


def _undo(connection: sqlite3.Connection, action: sqlite3.Row, now: str) -> Undone:
    kind, question_id = action["kind"], action["question_id"]
    before, after = json.loads(action["before"]), json.loads(action["after"])
    if kind == "rate":
        _restore_card(connection, question_id, before, after)
    elif kind == "reset":
        for name, card in before.items():
            _restore_card(connection, name, card, None)
    elif kind in ("suspend", "resume"):
        _restore_suspended(connection, question_id, before, after, action["at"])
    elif kind in ("bury", "unbury"):
        _restore_buried(connection, question_id, before, after)
    elif kind in ("flag", "unflag"):
        _restore_flag(connection, question_id, before, after)
    connection.execute("UPDATE actions SET undone_at = ? WHERE id = ?", (now, action["id"]))
    rated = connection.execute("SELECT * FROM reviews WHERE action_id = ?", (action["id"],)).fetchone()
    if rated is None:
        return Undone(kind, question_id, read_time(action["at"]))
    answer = read_answer(rated)
    if answer.text:  # what was answered stands in the field again, unless something newer does
        connection.execute("INSERT OR IGNORE INTO drafts VALUES (?, ?, ?)", (question_id, answer.text, now))
    return Undone(kind, question_id, read_time(action["at"]), rated["rating"], answer)


def read_answer(row: sqlite3.Row) -> Answer:
    """The answer in a row of ``reviews``."""
    found, unsure, missed = (json.loads(row[name]) for name in ("found", "unsure", "missed"))
    return Answer(row["answer"], row["choice"], found, unsure, missed, row["seconds"], row["mode"])


def _restore_card(connection: sqlite3.Connection, question_id: str, before: Any, after: Any) -> None:
    row = connection.execute(f"SELECT {', '.join(_CARD)} FROM cards WHERE question_id = ?", (question_id,)).fetchone()
    present = None if row is None else read_card(dict(row))
    if present != (None if after is None else read_card(after)):
        raise _changed(question_id)
    if before is None:
        connection.execute("DELETE FROM cards WHERE question_id = ?", (question_id,))
        return
    connection.execute(
        f"INSERT OR REPLACE INTO cards (question_id, {', '.join(_CARD)}) "
        f"VALUES (:question_id, {', '.join(':' + name for name in _CARD)})",
        {"question_id": question_id, **before},
    )


def _restore_suspended(connection: sqlite3.Connection, question_id: str, before: bool, after: bool, at: str) -> None:
    row = connection.execute("SELECT 1 FROM suspended WHERE question_id = ?", (question_id,)).fetchone()
    if (row is not None) != after:
        raise _changed(question_id)
    if before:
        connection.execute("INSERT INTO suspended VALUES (?, ?)", (question_id, at))
    else:
        connection.execute("DELETE FROM suspended WHERE question_id = ?", (question_id,))


def _restore_buried(connection: sqlite3.Connection, question_id: str, before: str | None, after: str | None) -> None:
    row = connection.execute("SELECT day FROM buried WHERE question_id = ?", (question_id,)).fetchone()
    if (None if row is None else row["day"]) != after:
        raise _changed(question_id)
    connection.execute("DELETE FROM buried WHERE question_id = ?", (question_id,))
    if before is not None:
        connection.execute("INSERT INTO buried VALUES (?, ?)", (question_id, before))


def _restore_flag(connection: sqlite3.Connection, question_id: str, before: Any, after: Any) -> None:
    fields = "note, language, flagged_at"
    row = connection.execute(f"SELECT {fields} FROM flags WHERE question_id = ?", (question_id,)).fetchone()
    if (None if row is None else dict(row)) != after:
        raise _changed(question_id)
    connection.execute("DELETE FROM flags WHERE question_id = ?", (question_id,))
    if before is not None:
        connection.execute(
            f"INSERT INTO flags (question_id, {fields}) VALUES (:question_id, :note, :language, :flagged_at)",
            {"question_id": question_id, **before},
        )


def _changed(question_id: str) -> ProgressError:
    message = f"cannot undo: {question_id} has been changed by another running copy of the program since"
    return ProgressError("progress-changed", message, question=question_id)
