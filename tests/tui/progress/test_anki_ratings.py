"""Ratings given in Anki: those of our notes come over with their times, and FSRS says where each question stands."""

from __future__ import annotations

import sqlite3
import zipfile
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tui.progress.anki_ratings import guid_of, read_anki
from tui.progress.errors import ProgressError
from tui.progress.records import utc_now
from tui.progress.schedule import Schedule
from tui.progress.store import open_store
from tui.progress.taking_over import count_what_would_be_taken, take_over

BEGAN = datetime(2026, 11, 1, 8, tzinfo=UTC)
# Note, days after the beginning, ease, kind of the row: 4 is "set due date", where nobody answered.
ROWS = [(1, 0, 1, 0), (1, 1, 3, 1), (2, 2, 3, 1), (1, 3, 0, 4), (1, 9, 4, 1), (3, 1, 2, 0), (4, 1, 2, 0), (1, 2, 3, 4)]
GUIDS = {1: guid_of("p1-q1", "zh"), 2: guid_of("p1-q1", "en"), 3: guid_of("gone", "zh"), 4: "aT7x/q"}


def collection(path: Path) -> Path:
    """A collection as Anki's schema 11 has it, of what is read of it."""
    with sqlite3.connect(path) as anki:
        anki.executescript(
            "CREATE TABLE notes (id integer primary key, guid text); CREATE TABLE cards (id integer primary key, "
            "nid integer); CREATE TABLE revlog (id integer primary key, cid integer, ease integer, time integer, "
            "type integer)"
        )
        anki.executemany("INSERT INTO notes VALUES (?, ?)", GUIDS.items())
        anki.executemany("INSERT INTO cards VALUES (?, ?)", [(10 + note, note) for note in GUIDS])
        for row, (note, days, ease, kind) in enumerate(ROWS):
            moment = int((BEGAN + timedelta(days=days)).timestamp() * 1000) + row
            anki.execute("INSERT INTO revlog VALUES (?, ?, ?, 7500, ?)", (moment, 10 + note, ease, kind))
    anki.close()
    return path


def package(tmp_path: Path, *names: str) -> Path:
    path = tmp_path / "deck.apkg"
    with zipfile.ZipFile(path, "w") as made:
        for name in names:
            made.write(collection(tmp_path / "c"), name)
            (tmp_path / "c").unlink()
    return path


def test_ratings_of_both_decks_are_one_history(tmp_path: Path) -> None:
    found = read_anki(package(tmp_path, "collection.anki2"), {"p1-q1"}, Schedule())
    assert (found.other_notes, found.unknown) == (1, ("gone",))
    with open_store(tmp_path / "d") as store:
        store.rate("p1-q2", 3, "zh")
        assert count_what_would_be_taken(store, found.foreign, utc_now(), replace=False).reviews == 4
        assert store.cards().keys() == {"p1-q2"}  # that was a dry run
        taken = take_over(store, found.foreign, utc_now(), replace=False, dry=False)
        assert (taken.reviews, taken.cards, taken.here) == (4, 1, 0)
        again = take_over(store, found.foreign, utc_now(), replace=False, dry=False)
        assert (again.reviews, again.here) == (0, 4)  # no rating twice
        reviews = store.reviews("p1-q1")
        assert [(review.rating, review.language, review.answer.seconds) for review in reviews] == [
            (1, "zh", 7.5),
            (3, "zh", 7.5),
            (3, "en", 7.5),
            (4, "zh", 7.5),
        ]
        assert [(review.reviewed_at - BEGAN).days for review in reviews] == [0, 1, 2, 9]
        card = None
        for review in reviews:  # FSRS over the same ratings at the same times
            card = Schedule().rate(card, review.rating, review.reviewed_at)  # type: ignore[arg-type]
        assert store.card("p1-q1") == card and store.cards().keys() == {"p1-q1", "p1-q2"}


@pytest.mark.parametrize(
    ("make", "code"),
    [
        (lambda folder: package(folder, "collection.anki2", "collection.anki21b"), "import-anki-new"),
        (lambda folder: package(folder, "media"), "import-not-anki"),
        (lambda folder: folder / "none.apkg", "import-unreadable"),
        (lambda folder: folder, "import-unreadable"),
    ],
)
def test_what_is_no_package_is_refused_with_its_reason(tmp_path: Path, make: object, code: str) -> None:
    with pytest.raises(ProgressError) as raised:
        read_anki(make(tmp_path), {"p1-q1"}, Schedule())  # type: ignore[operator]
    assert raised.value.code == code


def test_bytes_that_are_no_collection_are_refused(tmp_path: Path) -> None:
    (tmp_path / "deck.anki2").write_bytes(b"\0" * 4096)
    with pytest.raises(ProgressError) as raised:
        read_anki(tmp_path / "deck.anki2", {"p1-q1"}, Schedule())
    assert raised.value.code == "import-not-anki"
