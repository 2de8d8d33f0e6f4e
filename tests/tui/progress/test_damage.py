"""Damaged files: set aside or refused with a sentence, never written over, never an exception that nobody said."""

from __future__ import annotations

import os
import random
import shutil
import sqlite3
import threading
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from tests.soak import times
from tui.language.words import say_code, say_error
from tui.progress.errors import ProgressError
from tui.progress.file import check_ahead, inspect_file
from tui.progress.peeking import FILE_NAME, peek_setting
from tui.progress.records import Answer, Place
from tui.progress.store import ProgressStore, open_store

NOW = datetime(2026, 11, 23, 8, 0, tzinfo=UTC)


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file with some of everything."""
    folder = tmp_path_factory.mktemp("sound")
    now = [NOW - timedelta(days=30)]
    with open_store(folder, lambda: now[0]) as store:
        for number in range(40):
            store.rate(
                f"question-{number % 15}", (3, 1, 4, 2)[number % 4], "zh", Answer(f"回答 {number}", found=(0, 1))
            )
            store.set_draft(f"question-{number % 9}", "打到一半 " * number)
            now[0] += timedelta(hours=17)
        store.flag("question-1", "公式少了掩码", "zh")
        store.suspend("question-2")
        store.bury("question-3", date(2026, 11, 23))
        store.set_setting("language", "zh")
        store.save_place("practice", Place("question-4", "half", None, True, 2.5, {"tab": 1}))
        store.save_interview({"answers": ["一半"]}, "zh", NOW)
    with sqlite3.connect(folder / "progress.sqlite3") as raw:
        raw.execute("PRAGMA journal_mode = DELETE")
    raw.close()
    return folder / "progress.sqlite3"


def use(folder: Path) -> list[str]:
    """Open, read everything, change everything; the codes of what was told."""
    peek_setting(folder, "language")
    inspect_file(folder)
    told: list[str] = []

    def attempt(*calls: object) -> None:
        for call in calls:
            assert callable(call)
            try:
                call()
            except ProgressError as error:
                assert say_error(error, "zh") and "{" not in say_error(error, "zh")
                told.append(error.code)

    def everything(store: ProgressStore) -> None:
        attempt(store.cards, store.reviews, store.flags, store.suspended, store.interviews, store.drafts, store.claimed)
        attempt(lambda: store.place("practice"), lambda: store.setting("language"), lambda: store.draft("question-1"))
        attempt(lambda: store.buried(date(2026, 11, 23)))
        for _ in range(3):
            attempt(store.undo)
        attempt(lambda: store.rate("question-4", 3, "en", Answer("x")), lambda: store.rate("new", 3, "en"), store.undo)
        attempt(lambda: store.set_draft("question-1", "y"), lambda: store.suspend("question-5"))
        attempt(lambda: store.save_place("practice", Place("a")), lambda: store.claim("a"), store.reset, store.undo)

    try:
        with open_store(folder, lambda: NOW) as store:
            told += [notice.code for notice in store.notices]
            for notice in store.notices:
                assert "{" not in say_code(notice.code, notice.fields, "{", "zh")
            everything(store)
    except ProgressError as error:
        told.append(error.code)
    return told


def test_damaged_bytes(sound: Path, tmp_path: Path) -> None:
    """Bytes of a sound file changed, cut out, or cut off at random."""
    outcomes = set()
    for seed in range(times(30, 500)):
        draw = random.Random(seed)
        data = bytearray(sound.read_bytes())
        for _ in range(draw.choice((1, 3, 30))):
            at = draw.randrange(len(data))
            length = draw.choice((1, 1, 8, 600))
            kind = draw.random()
            if kind < 0.7:
                data[at : at + length] = draw.randbytes(min(length, len(data) - at))
            elif kind < 0.85:
                del data[at : at + length]
            else:
                del data[max(at, 100) :]
        folder = tmp_path / str(seed)
        folder.mkdir()
        (folder / "progress.sqlite3").write_bytes(data)
        told = use(folder)
        outcomes |= set(told)
        if "progress-set-aside" in told:
            (aside,) = folder.glob("progress.damaged-*.sqlite3")
            assert aside.read_bytes() == bytes(data), f"seed {seed}: what was set aside is not what there was"
        if told and told[0] in ("progress-newer", "progress-foreign"):
            assert (folder / "progress.sqlite3").read_bytes() == bytes(data), f"seed {seed}"
        shutil.rmtree(folder)
    assert "progress-set-aside" in outcomes  # or nothing was damaged at all


@pytest.mark.parametrize("kind", ["a pipe", "an endless device", "a folder"])
def test_what_is_no_file_at_all_is_set_aside(kind: str, tmp_path: Path) -> None:
    """Nothing waits for what somebody might write into a pipe, or reads a device to its end."""
    path = tmp_path / FILE_NAME
    if kind == "a pipe":
        os.mkfifo(path)
    elif kind == "a folder":
        path.mkdir()
    else:
        path.symlink_to("/dev/zero")

    def look() -> list[str]:
        assert peek_setting(tmp_path, "language") is None
        trouble = inspect_file(tmp_path).trouble
        assert trouble is not None and trouble.code == "progress-damaged"
        with open_store(tmp_path, lambda: NOW) as store:
            return [notice.code for notice in store.notices]

    found: list[list[str]] = []
    looking = threading.Thread(target=lambda: found.append(look()), daemon=True)
    looking.start()
    looking.join(timeout=20)
    assert found == [["progress-set-aside"]]
    assert path.is_file() and len(list(tmp_path.glob("progress.damaged-*.sqlite3"))) == 1


CONTENT = {
    "text that is not UTF-8": "UPDATE reviews SET answer = CAST(x'ff80fe' AS TEXT)",
    "a key that is not UTF-8": "UPDATE cards SET question_id = CAST(x'ff80' AS TEXT) WHERE question_id = 'question-1'",
    "a place that is no JSON": "UPDATE places SET place = '{\"question_id\": '",
    "a place of unknown keys": "UPDATE places SET place = json_set(place, '$.mood', 'good')",
    "a place that is a list": "UPDATE places SET place = '[1, 2]'",
    "a place of wrong kinds": 'UPDATE places SET place = \'{"question_id": 3, "typed": null}\'',
    "a setting that is no JSON": "UPDATE settings SET value = 'zh'",
    "a bad due time": "UPDATE cards SET due = 'tomorrow' WHERE question_id = 'question-1'",
    "the 31st of February": "UPDATE cards SET due = '2026-02-31T00:00:00+00:00' WHERE question_id = 'question-1'",
    "the year 9999": "UPDATE cards SET due = '9999-12-31T23:59:59.999999-12:00' WHERE question_id = 'question-1'",
    "a time without a zone": "UPDATE flags SET flagged_at = '2026-11-23T08:00:00'",
    "an infinite stability": "UPDATE cards SET stability = 9e999 WHERE question_id = 'question-1'",
    "no stability": "UPDATE cards SET stability = NULL WHERE question_id = 'question-1'",
    "a negative stability": "UPDATE cards SET stability = -3.0 WHERE question_id = 'question-1'",
    "a learning card without a step": "UPDATE cards SET state = 1, step = NULL WHERE question_id = 'question-1'",
    "a review of no time": "UPDATE reviews SET reviewed_at = 'then' WHERE action_id = 3",
    "a review of no JSON": "UPDATE reviews SET found = '[0,' WHERE action_id = 3",
    "an action of no JSON": "UPDATE actions SET before = '{', after = '' WHERE id = 3",
    "an action of another shape": "UPDATE actions SET before = '{\"due\": 1}' WHERE id = 3",
    "an interview of no JSON": "UPDATE interviews SET record = 'x'",
    "a day that is none": "UPDATE buried SET day = 'Monday'",
}
_ROWS = ("place that is", "place of wrong", "setting", "due", "February", "9999", "zone", "stability", "step")


@pytest.mark.parametrize("kind", CONTENT)
def test_a_sound_file_of_damaged_content(sound: Path, tmp_path: Path, kind: str) -> None:
    path = tmp_path / "progress.sqlite3"
    shutil.copy(sound, path)
    with sqlite3.connect(path) as raw:
        raw.execute(CONTENT[kind])
    raw.close()
    with open_store(tmp_path, lambda: NOW) as store:
        assert store.kept
        told = [notice.code for notice in store.notices]
        others = len(store.reviews())
    assert others >= 38, "one bad row hides no other"
    if any(part in kind for part in (*_ROWS, "interview", "day")):
        assert told == ["progress-rows-set-aside"]
        (aside,) = tmp_path.glob("progress.damaged-*.sqlite3")  # with the bad row in it
        assert aside.stat().st_mode & 0o777 == 0o600
        with sqlite3.connect(aside) as raw, sqlite3.connect(sound) as whole:
            counting = "SELECT count(*) FROM actions"
            assert raw.execute(counting).fetchone() == whole.execute(counting).fetchone()
    else:
        assert told == []
    use(tmp_path)


@pytest.mark.parametrize(
    "change",
    [
        "DROP INDEX reviews_by_time; ALTER TABLE reviews DROP COLUMN seconds",
        "ALTER TABLE cards DROP COLUMN step",
        "ALTER TABLE settings RENAME COLUMN value TO worth",
        "DROP TABLE places",
        "ALTER TABLE cards RENAME TO karten",
    ],
)
def test_a_missing_column_or_table_sets_the_file_aside(sound: Path, tmp_path: Path, change: str) -> None:
    path = tmp_path / "progress.sqlite3"
    shutil.copy(sound, path)
    with sqlite3.connect(path) as raw:
        raw.executescript(change)
    raw.close()
    before = path.read_bytes()
    with open_store(tmp_path, lambda: NOW) as store:
        assert [notice.code for notice in store.notices] == ["progress-set-aside"]
        store.rate("q", 3, "en")
    (aside,) = tmp_path.glob("progress.damaged-*.sqlite3")
    assert aside.read_bytes() == before


def test_a_first_version_that_is_damaged_is_set_aside_too(tmp_path: Path) -> None:
    path = tmp_path / "progress.sqlite3"
    shutil.copy(Path(__file__).parent / "files" / "version-1.sqlite3", path)
    with sqlite3.connect(path) as raw:
        raw.execute("DROP TABLE interviews")
    raw.close()
    with open_store(tmp_path, lambda: NOW) as store:
        assert [notice.code for notice in store.notices] == ["progress-set-aside"]


@pytest.mark.parametrize("year", [1970, 2000, 9000, 9999])
def test_a_clock_that_jumps(tmp_path: Path, year: int) -> None:
    now = [NOW]
    with open_store(tmp_path, lambda: now[0]) as store:
        for moment in (NOW, datetime(year, 12, 30, 12, 0, tzinfo=UTC), NOW, NOW + timedelta(days=1)):
            now[0] = moment
            for rating in (1, 2, 3, 4):
                store.rate("q", rating, "en")  # type: ignore[arg-type]
                store.rate(f"{year}-{rating}", rating, "en")  # type: ignore[arg-type]
            assert store.schedule.intervals(store.card("q"), moment)[4] > timedelta(0)
            assert 0 <= store.schedule.recall(store.card("q"), moment) <= 1
        rated = len(store.reviews())
        while store.undo() is not None:
            rated -= 1
        assert rated == 0 and store.cards() == {}


@pytest.mark.parametrize("hurt", [False, True])
def test_a_file_that_was_looked_through_ahead_is_judged_as_any_other(tmp_path: Path, hurt: bool) -> None:
    with open_store(tmp_path) as store:
        store.rate("q", 3, "en")
    path = tmp_path / FILE_NAME
    if hurt:
        data = bytearray(path.read_bytes())
        data[4096:8192] = b"\xff" * 4096
        path.write_bytes(data)
    check_ahead(tmp_path)
    with open_store(tmp_path) as store:
        assert [notice.code for notice in store.notices] == ["progress-set-aside"] * hurt
        assert (store.card("q") is None) == hurt
    check_ahead(tmp_path / "none")  # nothing is there, and nothing is made
    assert not (tmp_path / "none").exists()
