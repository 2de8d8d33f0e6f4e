"""Reading and writing progress. Every change is one transaction, on the disk before the call returns."""

from __future__ import annotations

import contextlib
import json
import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import fields
from datetime import date, datetime
from pathlib import Path
from typing import Any

from tui.progress.backups import back_up_daily
from tui.progress.file import OpenedFile, open_file, open_memory
from tui.progress.keeping import KeptFile, kept, take_in_what_was_left
from tui.progress.preferences import read_preferences
from tui.progress.records import (
    NEW,
    REVIEW,
    ActionKind,
    Answer,
    CardState,
    Clock,
    Flag,
    Marks,
    Place,
    Rating,
    Review,
    Undone,
    read_card,
    read_points,
    read_time,
    to_json,
    utc_now,
    write_time,
)
from tui.progress.salvage import UNREADABLE
from tui.progress.schedule import Schedule
from tui.progress.undo import read_answer, undo_last

POINTS_TO_NAME = "points-to-name"  # a setting: questions in whose ratings key points stand by their numbers
_BY_NUMBER = (
    "SELECT DISTINCT question_id FROM reviews WHERE found GLOB '[[][0-9]*' OR unsure GLOB '[[][0-9]*' "
    "OR missed GLOB '[[][0-9]*'"
)


class ProgressStore(KeptFile):
    """One opened progress file. ``kept`` is False where nothing will be there next time; ``notices`` say why."""

    def __init__(self, opened: OpenedFile, clock: Clock = utc_now, schedule: Schedule | None = None) -> None:
        super().__init__(opened, clock)
        self.schedule = schedule or Schedule()

    # --- reading -----------------------------------------------------------------------------------------------

    def card(self, question_id: str) -> CardState | None:
        rows = self._rows("SELECT * FROM cards WHERE question_id = ?", question_id)
        return read_card(dict(rows[0])) if rows else None

    def cards(self) -> dict[str, CardState]:
        """Every question that has been rated and not reset since."""
        return {row["question_id"]: read_card(dict(row)) for row in self._rows("SELECT * FROM cards")}

    def reviews(self, question_id: str | None = None, since: datetime | None = None) -> list[Review]:
        """The ratings that were not undone, oldest first; those before a reset are among them."""
        conditions, values = ["actions.undone_at IS NULL"], []
        if question_id is not None:
            conditions.append("reviews.question_id = ?")
            values.append(question_id)
        if since is not None:
            conditions.append("reviewed_at >= ?")
            values.append(write_time(since))
        rows = self._rows(
            "SELECT reviews.*, actions.before, actions.after FROM reviews JOIN actions ON actions.id = action_id "
            f"WHERE {' AND '.join(conditions)} ORDER BY reviewed_at, action_id",
            *values,
        )
        reviews = []
        for row in rows:
            with contextlib.suppress(*UNREADABLE):  # a damaged row is passed over, and stays in the file
                reviews.append(_read_review(row))
        return reviews

    @property
    def was_rated(self) -> bool:
        """Whether there is a rating that was not undone, a damaged one too."""
        return bool(
            self._rows(
                "SELECT 1 FROM reviews JOIN actions ON actions.id = action_id WHERE actions.undone_at IS NULL LIMIT 1"
            )
        )

    def rated_between(self, begins: datetime, ends: datetime) -> tuple[int, int]:
        """How many new questions, and how many cards under review, were rated in that time."""
        rows = self._rows(
            "SELECT sum(from_state = ?) AS new, sum(from_state = ?) AS reviews FROM reviews JOIN actions "
            "ON actions.id = action_id WHERE undone_at IS NULL AND reviewed_at >= ? AND reviewed_at < ?",
            NEW,
            REVIEW,
            write_time(begins),
            write_time(ends),
        )
        return int(rows[0]["new"] or 0), int(rows[0]["reviews"] or 0)

    def seconds(self, latest: int = 200) -> tuple[list[float], list[float]]:
        """What each of the ``latest`` answers took, in seconds; and those of them to new questions."""
        rows = self._rows(
            "SELECT seconds, from_state = 0 AS new FROM reviews JOIN actions ON actions.id = action_id "
            "WHERE undone_at IS NULL AND seconds IS NOT NULL ORDER BY action_id DESC LIMIT ?",
            latest,
        )
        return [row["seconds"] for row in rows], [row["seconds"] for row in rows if row["new"]]

    def flags(self) -> dict[str, Flag]:
        rows = self._rows("SELECT * FROM flags ORDER BY flagged_at")
        return {
            row["question_id"]: Flag(row["question_id"], row["note"], row["language"], read_time(row["flagged_at"]))
            for row in rows
        }

    def suspended(self) -> frozenset[str]:
        return frozenset(row["question_id"] for row in self._rows("SELECT question_id FROM suspended"))

    def buried(self, day: date) -> frozenset[str]:
        """The questions put off until ``day`` is over."""
        return frozenset(
            row["question_id"] for row in self._rows("SELECT question_id FROM buried WHERE day = ?", day.isoformat())
        )

    def draft(self, question_id: str) -> str:
        """What was typed to ``question_id`` and not yet rated; empty where nothing was."""
        rows = self._rows("SELECT text FROM drafts WHERE question_id = ?", question_id)
        return str(rows[0]["text"]) if rows else ""

    def drafts(self) -> dict[str, str]:
        """All drafts by question."""
        return {row["question_id"]: row["text"] for row in self._rows("SELECT question_id, text FROM drafts")}

    def claimed(self) -> frozenset[str]:
        """The questions that other running copies of the program are asking at this moment."""
        rows = self._rows("SELECT * FROM claims WHERE session_id IS NOT ?", self._session)
        if not rows:
            return frozenset()
        running = self._running.others()
        return frozenset(row["question_id"] for row in rows if row["session_id"] in running)

    def marked(self) -> list[str]:
        """The questions that have an answer of which key points were marked."""
        rows = self._rows(
            "SELECT DISTINCT question_id FROM reviews WHERE found != '[]' OR unsure != '[]' OR missed != '[]'"
        )
        return [row["question_id"] for row in rows]

    def latest_marks(self, question_id: str, most: int) -> list[Marks]:
        """The key points that each of the ``most`` latest marked answers said, half said and missed, newest first."""
        rows = self._rows(
            "SELECT found, unsure, missed FROM reviews WHERE question_id = ? AND (found != '[]' OR unsure != '[]' "
            "OR missed != '[]') AND action_id NOT IN (SELECT id FROM actions WHERE undone_at IS NOT NULL) "
            "ORDER BY reviewed_at DESC, action_id DESC LIMIT ?",
            question_id,
            most,
        )
        marks: list[Marks] = []
        for row in rows:
            with contextlib.suppress(*UNREADABLE):
                said, half, not_said = (read_points(json.loads(row[n])) for n in ("found", "unsure", "missed"))
                marks.append((said, half, not_said))
        return marks

    def setting(self, name: str, default: Any = None) -> Any:
        rows = self._rows("SELECT value FROM settings WHERE name = ?", name)
        return json.loads(rows[0]["value"]) if rows else default

    def place(self, mode: str) -> Place | None:
        """Where the person left ``mode``, or None."""
        rows = self._rows("SELECT place FROM places WHERE mode = ?", mode)
        if not rows:
            return None
        known = {each.name for each in fields(Place)}  # a newer version may have written more
        return Place(**{name: value for name, value in json.loads(rows[0]["place"]).items() if name in known})

    def interviews(self) -> list[dict[str, Any]]:
        """Saved interviews, the newest first: ``id``, ``started_at``, ``ended_at``, ``language``, ``record``."""
        return [
            {
                "id": row["id"],
                "started_at": read_time(row["started_at"]),
                "ended_at": None if row["ended_at"] is None else read_time(row["ended_at"]),
                "language": row["language"],
                "record": json.loads(row["record"]),
            }
            for row in self._rows("SELECT * FROM interviews ORDER BY started_at DESC, id DESC")
        ]

    # --- changes that can be undone ----------------------------------------------------------------------------

    @kept
    def rate(self, question_id: str, rating: Rating, language: str, answer: Answer | None = None) -> CardState:
        """Write ``rating`` and the state it leads to, from the state that the file holds at this moment."""
        answer = answer or Answer()
        now = self._now()
        with self._writing() as session:
            before = self.card(question_id)
            after = self.schedule.rate(before, rating, now)
            self._put_card(question_id, after)
            action = self._act(session, "rate", question_id, now, _plain(before), after.plain())
            self._connection.execute(
                "INSERT INTO reviews VALUES (:action_id, :question_id, :rating, :reviewed_at, :seconds, :language, "
                ":answer, :choice, :found, :unsure, :missed, :mode, :from_state)",
                {
                    "action_id": action,
                    "question_id": question_id,
                    "rating": rating,
                    "reviewed_at": write_time(now),
                    "seconds": answer.seconds,
                    "language": language,
                    "answer": answer.text,
                    "choice": answer.choice,
                    "found": to_json(list(answer.found)),
                    "unsure": to_json(list(answer.unsure)),
                    "missed": to_json(list(answer.missed)),
                    "mode": answer.mode,
                    "from_state": NEW if before is None else before.state,
                },
            )
            # The answer stands in the review now. A draft that says something else was typed since, and stays.
            self._connection.execute(
                "DELETE FROM drafts WHERE question_id = ? AND text = ?", (question_id, answer.text)
            )
        return after

    @kept
    def skip(self, question_id: str) -> None:
        """Note that a question was put off within a sitting: nothing changes in the file but what undo takes back."""
        now = self._now()
        with self._writing() as session:
            self._act(session, "skip", question_id, now, None, None)

    @kept
    def bury(self, question_id: str, day: date | None) -> None:
        """Leave a question out until ``day`` is over; None takes it back in."""
        now, wanted = self._now(), None if day is None else day.isoformat()
        with self._writing() as session:
            rows = self._rows("SELECT day FROM buried WHERE question_id = ?", question_id)
            before = rows[0]["day"] if rows else None
            if before == wanted:
                return
            self._connection.execute("DELETE FROM buried WHERE question_id = ?", (question_id,))
            if wanted is not None:
                self._connection.execute("INSERT INTO buried VALUES (?, ?)", (question_id, wanted))
            self._act(session, "bury" if wanted else "unbury", question_id, now, before, wanted)

    @kept
    def suspend(self, question_id: str, suspended: bool = True) -> None:
        """Leave a question out of the queue, or take it back in."""
        now = self._now()
        with self._writing() as session:
            already = bool(self._rows("SELECT 1 FROM suspended WHERE question_id = ?", question_id))
            if already == suspended:
                return
            if suspended:
                self._connection.execute("INSERT INTO suspended VALUES (?, ?)", (question_id, write_time(now)))
            else:
                self._connection.execute("DELETE FROM suspended WHERE question_id = ?", (question_id,))
            self._act(session, "suspend" if suspended else "resume", question_id, now, already, suspended)

    @kept
    def flag(self, question_id: str, note: str, language: str) -> None:
        """Report a question as wrong; a second report replaces the note."""
        now = self._now()
        with self._writing() as session:
            before = self._flag_row(question_id)
            after = {"note": note, "language": language, "flagged_at": write_time(now)}
            self._connection.execute(
                "INSERT OR REPLACE INTO flags VALUES (:question_id, :note, :language, :flagged_at)",
                {"question_id": question_id, **after},
            )
            self._act(session, "flag", question_id, now, before, after)

    @kept
    def unflag(self, question_id: str) -> None:
        """Withdraw a report."""
        now = self._now()
        with self._writing() as session:
            before = self._flag_row(question_id)
            if before is not None:
                self._connection.execute("DELETE FROM flags WHERE question_id = ?", (question_id,))
                self._act(session, "unflag", question_id, now, before, None)

    @kept
    def reset(self, question_id: str | None = None) -> int:
        """Make one question, or all, new again; how many there were. The reviews stay, and undo brings all back.

        The caller asks twice. Flags, suspended questions and settings stay.
        """
        now = self._now()
        with self._writing() as session:
            cards = self.cards()
            if question_id is not None:
                cards = {question_id: cards[question_id]} if question_id in cards else {}
            if cards:
                self._connection.executemany("DELETE FROM cards WHERE question_id = ?", [(name,) for name in cards])
                before = {name: card.plain() for name, card in cards.items()}
                self._act(session, "reset", question_id, now, before, None)
        return len(cards)

    @kept
    def undo(self) -> Undone | None:
        """Take back this person's last change, whatever way its session ended; None where there is none.

        Only what another running copy of the program has done is its own. The saved state is put back, not computed
        again. Raises ``ProgressError`` (``progress-changed``) where another running copy has changed the same since.
        """
        with self._writing():
            return undo_last(self._connection, self._running.others(), write_time(self._now()))

    # --- changes that need no undo -----------------------------------------------------------------------------

    @kept
    def set_setting(self, name: str, value: Any) -> None:
        with self._writing():
            self._connection.execute("INSERT OR REPLACE INTO settings VALUES (?, ?)", (name, to_json(value)))

    @kept
    def set_draft(self, question_id: str, text: str) -> None:
        """Keep what is typed to ``question_id``: on the disk when this returns. An empty ``text`` removes it."""
        if text == self.draft(question_id):
            return
        with self._writing():
            if text:
                self._connection.execute(
                    "INSERT OR REPLACE INTO drafts VALUES (?, ?, ?)", (question_id, text, write_time(self._now()))
                )
            else:
                self._connection.execute("DELETE FROM drafts WHERE question_id = ?", (question_id,))

    @kept
    def claim(self, question_id: str | None) -> None:
        """Say that this program is asking ``question_id``, until it asks another (None: none) or ends."""
        if question_id is None and self._session is None:
            return
        with self._writing() as session:
            self._connection.execute("DELETE FROM claims WHERE session_id = ?", (session,))
            if question_id is not None:
                self._connection.execute("INSERT INTO claims VALUES (?, ?)", (session, question_id))

    @kept
    def save_place(self, mode: str, place: Place | None) -> None:
        """Remember where the person is in ``mode``; None forgets it."""
        with self._writing():
            if place is None:
                self._connection.execute("DELETE FROM places WHERE mode = ?", (mode,))
                return
            text = to_json({**vars(place), "more": dict(place.more)})
            self._connection.execute(
                "INSERT OR REPLACE INTO places VALUES (?, ?, ?)", (mode, text, write_time(self._now()))
            )

    @kept
    def save_interview(
        self,
        record: Mapping[str, Any],
        language: str,
        started_at: datetime,
        ended_at: datetime | None = None,
    ) -> int:
        """Write an interview, over what was written of it before (``started_at`` tells which); its id."""
        at, ended = write_time(started_at), None if ended_at is None else write_time(ended_at)
        values = (ended, language, to_json(record), at)
        with self._writing():
            update = "UPDATE interviews SET ended_at = ?, language = ?, record = ? WHERE started_at = ?"
            if not self._connection.execute(update, values).rowcount:
                insert = "INSERT INTO interviews (ended_at, language, record, started_at) VALUES (?, ?, ?, ?)"
                self._connection.execute(insert, values)
            row: int = self._rows("SELECT id FROM interviews WHERE started_at = ?", at)[0]["id"]
            return row

    def unnamed(self) -> list[str]:
        """The questions in whose ratings key points stand by their numbers; looked for once in all ratings."""
        waiting = self.setting(POINTS_TO_NAME)
        if not isinstance(waiting, list) or not all(isinstance(name, str) for name in waiting):
            waiting = [row["question_id"] for row in self._rows(_BY_NUMBER)]
            if self.waiting is None:
                self.set_setting(POINTS_TO_NAME, waiting)
        return waiting

    def name_points(self, points: Mapping[str, Sequence[str | None]]) -> int:
        """Put ids in the place of numbers in what an earlier version wrote; how many ratings were changed.

        points: by question the ids of its key points, in order, None where one has none. A question that is in no file
        that is open now is named when it is.
        """
        if self.waiting is not None:
            return 0
        waiting = self.unnamed()
        known = [question for question in waiting if question in points]
        if not known:
            return 0
        changed = 0
        with self._writing():
            for question in known:
                for row in self._rows(
                    "SELECT action_id, found, unsure, missed FROM reviews WHERE question_id = ?", question
                ):
                    before = {name: row[name] for name in ("found", "unsure", "missed")}
                    with contextlib.suppress(*UNREADABLE):  # a damaged row is passed over, and stays in the file
                        after = {name: _named(json.loads(value), points[question]) for name, value in before.items()}
                        changed += after != before
                        self._connection.execute(
                            "UPDATE reviews SET found = :found, unsure = :unsure, missed = :missed "
                            "WHERE action_id = :id",
                            {**after, "id": row["action_id"]},
                        )
            left = to_json([question for question in waiting if question not in points])
            self._connection.execute("INSERT OR REPLACE INTO settings VALUES (?, ?)", (POINTS_TO_NAME, left))
        return changed

    # --- inside ------------------------------------------------------------------------------------------------

    def _put_card(self, question_id: str, card: CardState) -> None:
        self._connection.execute(
            "INSERT OR REPLACE INTO cards (question_id, state, step, stability, difficulty, due, last_review) "
            "VALUES (:question_id, :state, :step, :stability, :difficulty, :due, :last_review)",
            {"question_id": question_id, **card.plain()},
        )

    def _flag_row(self, question_id: str) -> dict[str, Any] | None:
        rows = self._rows("SELECT note, language, flagged_at FROM flags WHERE question_id = ?", question_id)
        return dict(rows[0]) if rows else None

    def _act(
        self, session: int, kind: ActionKind, question_id: str | None, now: datetime, before: Any, after: Any
    ) -> int:
        row = self._connection.execute(
            "INSERT INTO actions (session_id, kind, question_id, at, before, after) VALUES (?, ?, ?, ?, ?, ?)",
            (session, kind, question_id, write_time(now), to_json(before), to_json(after)),
        ).lastrowid
        assert row is not None
        return row


def open_store(folder: Path | None, clock: Clock = utc_now, schedule: Schedule | None = None) -> ProgressStore:
    """The store in ``folder``; None gives one in memory that keeps nothing. Raises ``ProgressError``."""
    opened = open_memory() if folder is None else open_file(folder, clock())
    store = ProgressStore(opened, clock, schedule)
    if schedule is None:
        store.schedule = Schedule(read_preferences(store).desired_retention)
    if store.path is not None:
        store.copying = back_up_daily(store.path, clock())
    take_in_what_was_left(store)
    return store


def _named(numbers: Sequence[Any], ids: Sequence[str | None]) -> str:
    """A list of key points with ids for numbers, where there are such."""
    return to_json([(ids[n] or n) if isinstance(n, int) and 0 <= n < len(ids) else n for n in read_points(numbers)])


def _plain(card: CardState | None) -> dict[str, Any] | None:
    return None if card is None else card.plain()


def _read_review(row: sqlite3.Row) -> Review:
    before = json.loads(row["before"])
    return Review(
        row["question_id"],
        row["rating"],
        read_time(row["reviewed_at"]),
        row["language"],
        read_answer(row),
        None if before is None else read_card(before),
        read_card(json.loads(row["after"])),
    )
