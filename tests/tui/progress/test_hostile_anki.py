"""A package of Anki's from a stranger: without end, of odd kinds, or no package: refused in a sentence, soon."""

from __future__ import annotations

import sqlite3
import time
import zipfile
from pathlib import Path

import pytest

from tui.progress.anki_ratings import read_anki
from tui.progress.errors import ProgressError
from tui.progress.schedule import Schedule

TABLES = "CREATE TABLE notes (id, guid); CREATE TABLE cards (id, nid); CREATE TABLE revlog (id, cid, ease, time, type);"
NOTE = "INSERT INTO notes VALUES (1, 'tformer-quiz/en/q'); INSERT INTO cards VALUES (1, 1);"
ENDLESS = "AS WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT i AS id,"


def package(folder: Path, script: str) -> Path:
    with sqlite3.connect(folder / "collection.anki2") as made:
        made.executescript(script)
    made.close()
    path = folder / "in.apkg"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.write(folder / "collection.anki2", "collection.anki2")
    return path


def test_a_sound_one_is_read(tmp_path: Path) -> None:
    path = package(tmp_path, TABLES + NOTE + "INSERT INTO revlog VALUES (1764000000000, 1, 3, 5000, 0);")
    (review,) = read_anki(path, {"q"}, Schedule()).foreign.reviews
    assert (review["question"], review["rating"], review["seconds"]) == ("q", 3, 5.0)


@pytest.mark.parametrize(
    "script",
    [
        f"CREATE VIEW notes {ENDLESS} 'tformer-quiz/en/q' AS guid FROM n; "
        "CREATE TABLE cards (id, nid); CREATE TABLE revlog (id, cid, ease, time, type);",
        f"CREATE TABLE notes (id, guid); CREATE TABLE cards (id, nid); {NOTE} "
        f"CREATE VIEW revlog {ENDLESS} 1 AS cid, 3 AS ease, 1 AS time, 0 AS type FROM n;",
        TABLES + NOTE + "INSERT INTO revlog VALUES (9223372036854775807, 1, 3, 5, 0);",
        TABLES + NOTE + "INSERT INTO revlog VALUES (-62135596800001, 1, 3, 5, 0);",
        TABLES + "INSERT INTO notes VALUES ('x', 'tformer-quiz/en/q');",
        TABLES + "INSERT INTO notes VALUES (2, CAST(x'74666f726d65722d7175697a2fff' AS TEXT));",
        "CREATE TABLE other (id);",
    ],
)
def test_what_is_none_is_refused(tmp_path: Path, script: str) -> None:
    path = package(tmp_path, script)
    begun = time.process_time()
    with pytest.raises(ProgressError) as caught:
        read_anki(path, {"q"}, Schedule())
    print(f"{caught.value}"[:150], f"{time.process_time() - begun:.2f} s")
    assert caught.value.code == "import-not-anki" and len(str(caught.value)) < 600


@pytest.mark.parametrize("at", [35, 60, 100, -30])
def test_a_damaged_archive_is_refused(tmp_path: Path, at: int) -> None:
    path = package(tmp_path, TABLES + NOTE)
    data = bytearray(path.read_bytes())
    data[at] ^= 0xFF
    path.write_bytes(data)
    try:
        assert read_anki(path, {"q"}, Schedule()).foreign.reviews == ()
    except ProgressError as error:
        assert error.code in ("import-not-anki", "import-unreadable", "import-too-large")
