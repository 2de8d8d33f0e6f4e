"""Progress from elsewhere: what ``export FILE.json`` wrote, merged into this file or put in its place.

Merged, a rating that is here already (question, time and rating are the same) is not taken twice; of two states of one
card the one that was rated last holds; flags, suspended questions and interviews of either side are kept. What is
taken over is no action of this person on this machine: undo does not touch it, the backup made before brings it back.
"""

from __future__ import annotations

import json
import math
import os
import stat
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tui.progress.backups import back_up_before
from tui.progress.errors import ProgressError
from tui.progress.export import FORMAT, FORMAT_VERSION
from tui.progress.records import NEW, CardState, read_card, read_points, read_time, to_json, write_time
from tui.progress.salvage import UNREADABLE

if TYPE_CHECKING:
    from tui.progress.store import ProgressStore

LARGEST = 32 * 2**20  # bytes
MOST = 1_500_000  # commas and brackets, of 75,000 ratings: 32 MB of `{}` would take 800 MB
_TABLES = ("reviews", "actions", "cards", "flags", "suspended", "buried", "drafts", "places", "interviews")


@dataclass(frozen=True)
class Taken:
    """What was taken over, or would be: how many of each. ``here`` are the ratings that were here already."""

    reviews: int
    here: int
    cards: int
    flags: int
    suspended: int
    interviews: int
    backup: Path | None = None


@dataclass(frozen=True)
class Foreign:
    """The content of an exported file, every time and number in it looked at."""

    cards: Mapping[str, CardState]
    reviews: tuple[Mapping[str, Any], ...]
    flags: tuple[Mapping[str, str], ...]
    suspended: tuple[str, ...]
    interviews: tuple[Mapping[str, Any], ...]


def read_export(path: Path) -> Foreign:
    """Read an exported JSON file. Raises ``ProgressError`` that says what is wrong with it."""
    try:
        found = os.stat(path)
        if not stat.S_ISREG(found.st_mode):
            raise no_file(path)
        if found.st_size > LARGEST:
            message = f"{path} is larger than {LARGEST} bytes"
            raise ProgressError("import-too-large", message, path=path, most=LARGEST // 2**20)
        text = path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise ProgressError("import-unreadable", f"cannot read {path}: {error}", path=path, reason=error) from error
    except UnicodeDecodeError as error:
        raise _not_ours(path, "not-utf8", "it is not UTF-8") from error
    found_signs = sum(map(text.count, ",[{"))
    if found_signs > MOST:
        message = f"{path} holds about {found_signs:,} values; at most {MOST:,} are read"
        raise ProgressError("import-too-many", message, path=path, count=found_signs, most=MOST)
    try:
        data = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise _not_ours(path, "not-json", f"it is not JSON ({error})") from error
    if not isinstance(data, dict) or data.get("format") != FORMAT:
        raise _not_ours(path, "not-format", f"its format is not {FORMAT!r}", format=FORMAT)
    if data.get("version") != FORMAT_VERSION:
        version = str(data.get("version"))[:40]
        message = f"{path} is of version {version}; this program reads version {FORMAT_VERSION}"
        raise ProgressError("import-version", message, path=path, version=version, ours=FORMAT_VERSION)
    try:
        return Foreign(
            {_text(name): _card(card) for name, card in data["cards"].items()},
            tuple(read_review(review) for review in data["reviews"]),
            tuple(_flag(flag) for flag in data["flags"]),
            tuple(_text(name) for name in data["suspended"]),
            tuple(_interview(interview) for interview in data["interviews"]),
        )
    except UNREADABLE as error:
        what = f"{type(error).__name__}: {error}"[:200]
        raise _not_ours(path, "not-a-part", f"a part of it is missing or wrong ({what})", what=what) from error


def take_over(store: ProgressStore, foreign: Foreign, now: datetime, *, replace: bool, dry: bool) -> Taken:
    """Merge ``foreign`` into ``store``, or put it in the place of what is there; ``dry`` only counts.

    Raises ``ProgressError`` and ``OSError``; then nothing was changed.
    """
    connection = store._connection
    backup = None
    if not dry and store.path is not None:
        backup = back_up_before(connection, store.path.parent, now)
    with store._writing() as session:
        if replace:
            for table in _TABLES:
                connection.execute(f"DELETE FROM {table}")
        here = {
            (row["question_id"], row["reviewed_at"], row["rating"])
            for row in connection.execute("SELECT question_id, reviewed_at, rating FROM reviews")
        }
        new = [r for r in foreign.reviews if (r["question"], r["reviewed_at"], r["rating"]) not in here]
        for review in new:
            _add_review(connection, session, review)
        # An earlier version exported key points by number: they are looked for again.
        connection.execute("DELETE FROM settings WHERE name = ?", ("points-to-name",))
        present = store.cards()
        cards = {name: card for name, card in foreign.cards.items() if _is_later(card, present.get(name))}
        for name, card in cards.items():
            store._put_card(name, card)
        flags = [flag for flag in foreign.flags if flag["question"] not in store.flags()]
        for flag in flags:
            connection.execute("INSERT INTO flags VALUES (:question, :note, :language, :flagged_at)", flag)
        suspended = [name for name in foreign.suspended if name not in store.suspended()]
        connection.executemany("INSERT INTO suspended VALUES (?, ?)", [(name, write_time(now)) for name in suspended])
        known = {row["started_at"] for row in connection.execute("SELECT started_at FROM interviews")}
        interviews = [interview for interview in foreign.interviews if interview["started_at"] not in known]
        for interview in interviews:
            connection.execute(
                "INSERT INTO interviews (started_at, ended_at, language, record) "
                "VALUES (:started_at, :ended_at, :language, :record)",
                interview,
            )
        taken = Taken(
            len(new), len(foreign.reviews) - len(new), len(cards), len(flags), len(suspended), len(interviews), backup
        )
        if dry:
            raise _Dry(taken)
    return taken


class _Dry(Exception):
    """Ends the transaction of a dry run, so that nothing of it stays."""

    def __init__(self, taken: Taken) -> None:
        super().__init__()
        self.taken = taken


def count_what_would_be_taken(store: ProgressStore, foreign: Foreign, now: datetime, *, replace: bool) -> Taken:
    """What ``take_over`` would do; the file stays as it is."""
    try:
        return take_over(store, foreign, now, replace=replace, dry=True)
    except _Dry as dry:
        return dry.taken


def _add_review(connection: Any, session: int, review: Mapping[str, Any]) -> None:
    action = connection.execute(
        "INSERT INTO actions (session_id, kind, question_id, at, before, after) VALUES (?, 'import', ?, ?, ?, ?)",
        (session, review["question"], review["reviewed_at"], review["before"], review["after"]),
    ).lastrowid
    connection.execute(
        "INSERT INTO reviews VALUES (:action, :question, :rating, :reviewed_at, :seconds, :language, :answer, :choice, "
        ":found, :unsure, :missed, :mode, :from_state)",
        {**review, "action": action},
    )


def _is_later(card: CardState, present: CardState | None) -> bool:
    if present is None or card == present:
        return present is None
    return (card.last_review or card.due) > (present.last_review or present.due)


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise ValueError(f"a text is due, not {value!r}"[:100])
    value.encode("utf-8")  # half of a surrogate pair cannot be kept
    return value


def _card(plain: Any) -> CardState:
    card = read_card(plain)
    numbers = (card.stability, card.difficulty)
    if card.state not in (1, 2, 3) or not all(
        isinstance(value, int | float) and math.isfinite(value) and value > 0 for value in numbers
    ):
        raise ValueError("a card's state is none that FSRS gives")
    if (card.step is None) != (card.state == 2) or not (card.step is None or 0 <= card.step < 100):
        raise ValueError("a card's step is none that FSRS gives")
    return card


def read_review(plain: Any) -> dict[str, Any]:
    """An exported rating as its row takes it. Raises what ``UNREADABLE`` lists where it is none."""
    if plain["rating"] not in (1, 2, 3, 4) or isinstance(plain["rating"], bool):
        raise ValueError(f"a rating is 1 to 4, not {plain['rating']!r}"[:100])
    seconds = plain["seconds"]
    if seconds is not None and not (isinstance(seconds, int | float) and 0 <= seconds < 1e9):
        raise ValueError(f"{seconds!r} are no seconds"[:100])
    before = plain["before"]
    return {
        "question": _text(plain["question"]),
        "rating": int(plain["rating"]),
        "reviewed_at": write_time(read_time(plain["reviewed_at"])),
        "seconds": seconds,
        "language": _text(plain["language"]),
        "answer": _text(plain["answer"]),
        "choice": None if plain["choice"] is None else _text(plain["choice"]),
        "found": to_json(read_points(plain["found"])),
        "unsure": to_json(read_points(plain["unsure"])),
        "missed": to_json(read_points(plain["missed"])),
        "mode": _text(plain["mode"]),
        "before": to_json(None if before is None else _card(before).plain()),
        "after": to_json(_card(plain["after"]).plain()),
        "from_state": NEW if before is None else _card(before).state,
    }


def _flag(plain: Any) -> dict[str, str]:
    flag = {name: _text(plain[name]) for name in ("question", "note", "language")}
    return {**flag, "flagged_at": write_time(read_time(plain["flagged_at"]))}


def _interview(plain: Any) -> dict[str, Any]:
    if not isinstance(plain["record"], dict):
        raise ValueError("an interview's record is an object")
    ended = plain["ended_at"]
    return {
        "started_at": write_time(read_time(plain["started_at"])),
        "ended_at": None if ended is None else write_time(read_time(ended)),
        "language": _text(plain["language"]),
        "record": to_json(plain["record"]),
    }


def no_file(path: Path) -> ProgressError:
    """The error for a folder, a device or a pipe where a file is due."""
    why = ProgressError("not-a-file", "it is no regular file")
    return ProgressError("import-unreadable", f"{path} is no regular file", path=path, reason=why)


def _not_ours(path: Path, code: str, why: str, **fields: Any) -> ProgressError:
    message = f"{path} is not what `export FILE.json` writes: {why}"
    return ProgressError("import-not-ours", message, path=path, reason=ProgressError(code, why, **fields))
