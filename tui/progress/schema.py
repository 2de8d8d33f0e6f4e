"""What the progress file holds, version by version.

``PRAGMA user_version`` counts the migrations that a file has had. A migration is never edited once released:
a change is a new one at the end. Times are ISO 8601 in UTC with microseconds, so that text sorts as time does.
A question is known by its ``id`` alone; nothing of its text is kept, so editing a question resets nothing.
"""

from __future__ import annotations

import sqlite3

APPLICATION_ID = 0x54465131  # "TFQ1": what makes a SQLite file ours

MIGRATIONS: tuple[str, ...] = (
    """
    -- One row for each time the program was opened.
    CREATE TABLE sessions (
        id INTEGER PRIMARY KEY,
        started_at TEXT NOT NULL,
        ended_at TEXT
    ) STRICT;

    -- The state that FSRS gave, unrounded. No row: the question is new.
    CREATE TABLE cards (
        question_id TEXT PRIMARY KEY,
        state INTEGER NOT NULL CHECK (state BETWEEN 1 AND 3),
        step INTEGER,
        stability REAL,
        difficulty REAL,
        due TEXT NOT NULL,
        last_review TEXT
    ) STRICT;

    CREATE TABLE suspended (
        question_id TEXT PRIMARY KEY,
        since TEXT NOT NULL
    ) STRICT;

    -- Questions reported as wrong.
    CREATE TABLE flags (
        question_id TEXT PRIMARY KEY,
        note TEXT NOT NULL,
        language TEXT NOT NULL,
        flagged_at TEXT NOT NULL
    ) STRICT;

    -- Everything that can be undone, with what was there before and after it (JSON).
    CREATE TABLE actions (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        session_id INTEGER NOT NULL REFERENCES sessions (id),
        kind TEXT NOT NULL CHECK (kind IN ('rate', 'suspend', 'resume', 'flag', 'unflag', 'reset')),
        question_id TEXT,
        at TEXT NOT NULL,
        before TEXT NOT NULL,
        after TEXT NOT NULL,
        undone_at TEXT
    ) STRICT;
    CREATE INDEX actions_to_undo ON actions (session_id, id) WHERE undone_at IS NULL;

    -- A rating and what the person had answered. It counts unless its action was undone; a reset keeps it.
    CREATE TABLE reviews (
        action_id INTEGER PRIMARY KEY REFERENCES actions (id),
        question_id TEXT NOT NULL,
        rating INTEGER NOT NULL CHECK (rating BETWEEN 1 AND 4),
        reviewed_at TEXT NOT NULL,
        seconds REAL,
        language TEXT NOT NULL,
        answer TEXT NOT NULL,
        choice TEXT,
        found TEXT NOT NULL,
        unsure TEXT NOT NULL,
        missed TEXT NOT NULL,
        mode TEXT NOT NULL
    ) STRICT;
    CREATE INDEX reviews_by_question ON reviews (question_id, reviewed_at);

    -- Where the person left each mode, to come back to.
    CREATE TABLE places (
        mode TEXT PRIMARY KEY,
        place TEXT NOT NULL,
        saved_at TEXT NOT NULL
    ) STRICT;

    CREATE TABLE settings (
        name TEXT PRIMARY KEY,
        value TEXT NOT NULL
    ) STRICT;

    -- A finished or abandoned interview: its questions, answers and marks (JSON).
    CREATE TABLE interviews (
        id INTEGER PRIMARY KEY,
        started_at TEXT NOT NULL,
        ended_at TEXT,
        language TEXT NOT NULL,
        record TEXT NOT NULL
    ) STRICT;
    """,
    """
    -- What a person has typed to each question and not yet rated.
    CREATE TABLE drafts (
        question_id TEXT PRIMARY KEY,
        text TEXT NOT NULL,
        saved_at TEXT NOT NULL
    ) STRICT;

    -- Put off to the next day: a question is left out while the person's day is the one that stands here.
    CREATE TABLE buried (
        question_id TEXT PRIMARY KEY,
        day TEXT NOT NULL
    ) STRICT;

    -- The question that each running copy of the program is asking, so that no two ask the same one.
    CREATE TABLE claims (
        session_id INTEGER PRIMARY KEY REFERENCES sessions (id),
        question_id TEXT NOT NULL
    ) STRICT;

    -- Skipping and burying can be undone too, what was imported cannot: SQLite changes a CHECK only with the table.
    CREATE TABLE actions_2 (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        session_id INTEGER NOT NULL REFERENCES sessions (id),
        kind TEXT NOT NULL
            CHECK (kind IN (
                'rate', 'skip', 'bury', 'unbury', 'suspend', 'resume', 'flag', 'unflag', 'reset', 'import'
            )),
        question_id TEXT,
        at TEXT NOT NULL,
        before TEXT NOT NULL,
        after TEXT NOT NULL,
        undone_at TEXT
    ) STRICT;
    INSERT INTO actions_2 SELECT id, session_id, kind, question_id, at, before, after, undone_at FROM actions;
    DROP TABLE actions;
    ALTER TABLE actions_2 RENAME TO actions;
    CREATE INDEX actions_to_undo ON actions (session_id, id) WHERE undone_at IS NULL;
    CREATE INDEX reviews_by_time ON reviews (reviewed_at);
    """,
    """
    -- Of a rating, the state in which FSRS had the card before it, 0 where it was new: counted without its action.
    ALTER TABLE reviews ADD COLUMN from_state INTEGER;
    UPDATE reviews SET from_state = (
        SELECT CASE
            WHEN before = 'null' THEN 0
            WHEN json_valid(before) THEN CAST(json_extract(before, '$.state') AS INTEGER)
        END FROM actions WHERE id = action_id
    );
    -- All that is counted over every rating, so that no answer's text is read for it.
    DROP INDEX reviews_by_time;
    DROP INDEX reviews_by_question;
    CREATE INDEX reviews_by_time ON reviews (reviewed_at, rating, from_state, seconds);
    CREATE INDEX reviews_by_question ON reviews (question_id, reviewed_at, rating, from_state);
    CREATE INDEX reviews_marked ON reviews (question_id, reviewed_at)
        WHERE found != '[]' OR unsure != '[]' OR missed != '[]';
    CREATE INDEX actions_undone ON actions (id) WHERE undone_at IS NOT NULL;
    """,
)

VERSION = len(MIGRATIONS)


def migrate(connection: sqlite3.Connection, migrations: tuple[str, ...] = MIGRATIONS) -> None:
    """Bring the file to the last version; a migration is whole or not at all, also when two programs start at once."""
    if _version(connection) >= len(migrations):
        return
    connection.execute("PRAGMA foreign_keys = OFF")  # or a table could not be replaced that others refer to
    try:
        _migrate(connection, migrations)
    finally:
        connection.execute("PRAGMA foreign_keys = ON")


def _migrate(connection: sqlite3.Connection, migrations: tuple[str, ...]) -> None:
    while _version(connection) < len(migrations):
        connection.execute("BEGIN IMMEDIATE")
        try:
            version = _version(connection)  # again, under the lock: another start may have been first
            if version < len(migrations):
                for statement in _statements(migrations[version]):
                    connection.execute(statement)
                connection.execute(f"PRAGMA user_version = {version + 1}")
                connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
            connection.execute("COMMIT")
        except BaseException:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            raise


def _version(connection: sqlite3.Connection) -> int:
    version: int = connection.execute("PRAGMA user_version").fetchone()[0]
    return version


def _statements(script: str) -> list[str]:
    """The statements of ``script`` one by one: ``executescript`` would commit the transaction first."""
    statements: list[str] = []
    statement = ""
    for part in script.split(";")[:-1]:
        statement += part + ";"
        if sqlite3.complete_statement(statement):
            statements.append(statement)
            statement = ""
    return statements
