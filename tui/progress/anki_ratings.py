"""Ratings that a person gave in Anki to the deck of ``export``, as progress from elsewhere.

A note is ours by its guid (``guid_of``), which both exports write: its cards' rows in Anki's ``revlog`` are the
ratings, in the numbers that we use (1 again … 4 easy). FSRS is run over them from the first, so that a question has
the state that it would have if they had been given here. The format is Anki's "collection" of schema 11, as a package
made "for older versions" has it; see ``proto`` and ``rslib/src/storage`` of github.com/ankitects/anki.
"""

from __future__ import annotations

import contextlib
import errno
import shutil
import sqlite3
import tempfile
import zipfile
import zlib
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from tui.progress.errors import ProgressError
from tui.progress.records import CardState
from tui.progress.schedule import Schedule
from tui.progress.taking_over import Foreign, no_file, read_review

SUFFIXES = (".apkg", ".colpkg", ".anki2", ".anki21")
LARGEST = 1 << 28  # bytes of a collection
MOST = 200_000  # notes of ours, and ratings of them
_STEPS, _EVERY = 30_000_000, 100_000  # of SQLite's machine, a second or two: a table may be a view without end
_UNREADABLE = (
    sqlite3.Error, zipfile.BadZipFile, zlib.error, EOFError, ValueError, TypeError, NotImplementedError, RuntimeError,
    OverflowError, KeyError,
)  # fmt: skip
GUID = "tformer-quiz/{}/{}"  # language and question: a deck in each language has notes of its own
MODE = "anki"
_LEARN, _FILTERED = 0, 3  # kinds of a row in which a person answered; 4 and 5 are rescheduled by hand or by Anki
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class AnkiRatings:
    """What was found: ``foreign`` to take over, and how many notes are none of ours, or of no question that is open."""

    foreign: Foreign
    other_notes: int
    unknown: tuple[str, ...]


def is_anki(path: Path) -> bool:
    return path.suffix.lower() in SUFFIXES


def guid_of(question_id: str, language: str) -> str:
    """The guid of a question's note."""
    return GUID.format(language, question_id)


def read_anki(path: Path, known: Collection[str], schedule: Schedule) -> AnkiRatings:
    """The ratings in an Anki package or collection of questions whose id is in ``known``.

    Raises ``ProgressError``: ``import-unreadable``, ``import-too-large``, ``import-anki-new``, ``import-not-anki``.
    """
    try:
        with _collection(path) as file, _opened(file) as connection:
            prefix = GUID.partition("/")[0] + "/%"
            (count,) = connection.execute("SELECT count(*) FROM notes").fetchone()
            found_notes = connection.execute(
                "SELECT id, substr(guid, 1, 200) FROM notes WHERE guid LIKE ? LIMIT ?", (prefix, MOST)
            )
            notes = {int(row[0]): str(row[1]) for row in found_notes}
            answered = connection.execute(
                "SELECT revlog.id, cards.nid, revlog.ease, revlog.time FROM revlog JOIN cards ON cards.id = revlog.cid "
                "JOIN notes ON notes.id = cards.nid "
                "WHERE notes.guid LIKE ? AND revlog.ease BETWEEN 1 AND 4 AND revlog.type BETWEEN ? AND ? "
                "AND typeof(revlog.id) = 'integer' AND typeof(revlog.ease) = 'integer' "
                "AND typeof(revlog.time) = 'integer' ORDER BY revlog.id LIMIT ?",
                (prefix, _LEARN, _FILTERED, MOST),
            ).fetchall()
            return _ratings(notes, count, answered, known, schedule)
    except OSError as error:
        raise ProgressError("import-unreadable", f"cannot read {path}: {error}", path=path, reason=error) from error
    except _UNREADABLE as error:
        reason = f"{type(error).__name__}: {error}"[:200]
        message = f"{path} is no Anki package or collection: {reason}"
        raise ProgressError("import-not-anki", message, path=path) from error


def _ratings(
    notes: Mapping[int, str],
    count: int,
    answered: Sequence[tuple[int, int, Any, int]],
    known: Collection[str],
    schedule: Schedule,
) -> AnkiRatings:
    ours = {note: found for note, guid in notes.items() if (found := _ours(guid)) is not None}
    reviews = []
    cards: dict[str, CardState] = {}
    for moment, note, ease, milliseconds in answered:
        if note not in ours or ours[note][1] not in known:
            continue
        language, question = ours[note]
        at = _EPOCH + timedelta(milliseconds=moment)
        before = cards.get(question)
        cards[question] = schedule.rate(before, ease, at)
        reviews.append(
            read_review(
                {
                    "question": question, "rating": ease, "reviewed_at": at.isoformat(), "language": language,
                    "seconds": milliseconds / 1000, "answer": "", "choice": None, "found": [], "unsure": [],
                    "missed": [], "mode": MODE, "before": None if before is None else before.plain(),
                    "after": cards[question].plain(),
                }
            )
        )  # fmt: skip
    unknown = sorted({question for _, question in ours.values() if question not in known})
    return AnkiRatings(Foreign(cards, tuple(reviews), (), (), ()), count - len(ours), tuple(unknown))


def _ours(guid: str) -> tuple[str, str] | None:
    """The language and the question of one of our notes."""
    program, _, rest = guid.partition("/")
    language, _, question = rest.partition("/")
    return (language, question) if program == GUID.partition("/")[0] and language and question else None


@contextlib.contextmanager
def _collection(path: Path) -> Iterator[Path]:
    """The collection as a file of its own: SQLite may not write beside the person's."""
    if not path.is_file():
        if path.exists():
            raise no_file(path)
        raise FileNotFoundError(errno.ENOENT, "No such file or directory")
    with tempfile.TemporaryDirectory() as scratch:
        copy = Path(scratch) / "collection.anki2"
        if not zipfile.is_zipfile(path):
            _refuse_large(path, path.stat().st_size)
            shutil.copyfile(path, copy)
        else:
            with zipfile.ZipFile(path) as package:
                members = {member.filename: member for member in package.infolist()}
                if "collection.anki21b" in members:  # compressed by Zstandard; the other file in it says only that
                    message = f"{path} is in Anki's newest format: export it again 'for older Anki versions'"
                    raise ProgressError("import-anki-new", message, path=path)
                member = members.get("collection.anki21") or members.get("collection.anki2")
                if member is None:
                    raise ValueError("no collection in it")
                _refuse_large(path, member.file_size)
                with package.open(member) as source, copy.open("wb") as target:
                    shutil.copyfileobj(source, target)
        yield copy


def _refuse_large(path: Path, size: int) -> None:
    if size > LARGEST:
        message = f"{path} is larger than {LARGEST} bytes"
        raise ProgressError("import-too-large", message, path=path, most=LARGEST // 2**20)


@contextlib.contextmanager
def _opened(file: Path) -> Iterator[sqlite3.Connection]:
    with contextlib.closing(sqlite3.connect(file)) as connection:
        steps = iter(range(_STEPS // _EVERY))
        connection.set_progress_handler(lambda: next(steps, None) is None, _EVERY)
        connection.create_collation("unicase", _unicase)  # Anki's own, which a newer schema's tables name
        yield connection


def _unicase(one: str, other: str) -> int:
    return (one.casefold() > other.casefold()) - (one.casefold() < other.casefold())
