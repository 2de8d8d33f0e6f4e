"""The file is locked, read-only or gone while the screen is open: it goes on at once, says what it waits for, and
writes everything when it can."""

from __future__ import annotations

import os
import sqlite3
import stat
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from textual.pilot import Pilot

from tests.tui.commands.started import environment
from tests.tui.screens.conftest import Open, shipped, shown, tasks, until
from tui.app import QuizApp
from tui.practice.written import framework_of
from tui.progress.peeking import peek_setting
from tui.progress.preferences import SETTINGS as PREFERENCES
from tui.progress.preferences import Preferences, read_preferences
from tui.progress.store import POINTS_TO_NAME, open_store
from tui.screens.look import FOLDER, REMEMBERED


def locked(path: Path) -> Callable[[], None]:
    holder = sqlite3.connect(path, isolation_level=None)
    holder.execute("BEGIN IMMEDIATE")
    return holder.close


def folder_in_the_way(path: Path) -> Callable[[], None]:
    """The data folder is moved away, and a file stands in its place."""
    folder, elsewhere = path.parent, path.parent.with_name("elsewhere")
    folder.rename(elsewhere)
    folder.write_text("in the way")

    def give_back() -> None:
        folder.unlink()
        elsewhere.rename(folder)

    return give_back


async def rate(pilot: Pilot[Any], words: str) -> None:
    await pilot.press("i", *words, "ctrl+s", "3")
    await pilot.pause()


@pytest.mark.parametrize("trouble", [locked, folder_in_the_way])
async def test_the_screen_goes_on_and_says_what_it_waits_for(
    opened: Open, tmp_path: Path, trouble: Callable[[Path], Callable[[], None]]
) -> None:
    async with opened(size=(120, 40)) as pilot:
        await rate(pilot, "before")
        begun = time.process_time()
        end = trouble(tmp_path / "progress.sqlite3")
        await rate(pilot, "meanwhile")
        print(f"{trouble.__name__}: rated after {time.process_time() - begun:.2f} s of CPU")
        assert len(pilot.app.store.reviews()) == 2 and pilot.app.store.waiting is not None
        pilot.app.watch_progress()
        await pilot.pause()
        assert "waiting to write" in shown(pilot)
        end()
        pilot.app.store.retry(now=True)
        await until(pilot, lambda: pilot.app.store.waiting is None)
        pilot.app.watch_progress()
        await pilot.pause()
        assert "are now written" in shown(pilot)
    with open_store(tmp_path) as store:
        assert sorted(review.answer.text for review in store.reviews()) == ["before", "meanwhile"]


async def test_what_is_saved_beside_is_the_persons_alone_and_no_folder_is_no_end(
    opened: Open, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A report with every answer in it was everybody's to read; the folder gone, saving ended the program."""
    work = tmp_path / "work"
    work.mkdir()
    monkeypatch.chdir(work)
    async with opened(size=(80, 24)) as pilot:
        (work / "report.md").symlink_to("nowhere")
        for _ in range(2):
            pilot.app.save_beside("report.md", "answers")
            assert stat.S_IMODE((work / "report-2.md").stat().st_mode) == 0o600
        assert sorted(each.name for each in work.iterdir()) == ["report-2.md", "report-3.md", "report.md"]
        for each in work.iterdir():
            each.unlink()
        work.rmdir()
        pilot.app.save_beside("report.md", "answers")
        await pilot.pause()
        assert "no such file or folder" in shown(pilot) and pilot.app.crash is None
    monkeypatch.chdir(tmp_path)


FULL = """
import resource, signal, sys
from pathlib import Path
from tui.progress.records import Answer
from tui.progress.store import open_store
store = open_store(Path(sys.argv[1]))
store.rate("before", 3, "en", Answer("x"))
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
full = max(path.stat().st_size for path in Path(sys.argv[1]).iterdir())
limits = resource.getrlimit(resource.RLIMIT_FSIZE)
resource.setrlimit(resource.RLIMIT_FSIZE, (full, limits[1]))
store.rate("after", 4, "en", Answer("long " * 40_000))
assert store.waiting is not None and store.card("after") is not None
print(store.waiting.fields["reason"])
resource.setrlimit(resource.RLIMIT_FSIZE, limits)
assert store.retry(now=True), store.waiting
store.close()
"""


def test_a_disk_that_takes_no_more(tmp_path: Path) -> None:
    """The system itself refuses to write, in the middle of a rating; then there is room again."""
    done = subprocess.run(
        [sys.executable, "-c", FULL, str(tmp_path / "d")], capture_output=True, text=True, env=environment()
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip()
    with open_store(tmp_path / "d") as store:
        assert [review.question_id for review in store.reviews()] == ["before", "after"] and store.notices == ()


READ_ONLY = """
import os, sys
from pathlib import Path
from tui.progress.store import open_store
folder = Path(sys.argv[1])
open_store(folder / "imports everything").close()
os.chown(folder, 65534, 65534)
os.setegid(65534); os.seteuid(65534)
data = folder / "data"
store = open_store(data)
store.rate("before", 3, "en")
store.close()
for path in data.iterdir():
    path.chmod(0o400)
data.chmod(0o500)
store = open_store(data)
assert store.notices or store.waiting, "it says nothing"
store.rate("after", 4, "en")
assert sorted(store.cards()) == ["after", "before"], store.cards()
print([notice.code for notice in store.notices], store.waiting and store.waiting.code)
"""


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="only root becomes another user")
def test_a_folder_that_was_made_read_only(tmp_path: Path) -> None:
    """As a user to whom modes mean something: what is there is shown, what cannot be written is said."""
    with tempfile.TemporaryDirectory() as folder:  # pytest's own folder is closed to another user
        done = subprocess.run(
            [sys.executable, "-c", READ_ONLY, folder], capture_output=True, text=True, env=environment()
        )
    assert done.returncode == 0, done.stdout + done.stderr
    print(done.stdout)


SETTINGS = ("theme", "framework", "task", "experiment", "welcomed", "language", *PREFERENCES, REMEMBERED, FOLDER,
            POINTS_TO_NAME, "texts.sentence")  # fmt: skip


@pytest.mark.parametrize("value", ["[[]]", "1e308", "[" * 100_000 + "]" * 100_000], ids=["list", "number", "deep"])
async def test_settings_of_another_kind(tmp_path: Path, value: str) -> None:
    """As a damaged file or another version has them: they are as if not set. A theme that was a list, and ratings to
    look through that were a number, ended every start; what is nested without end ended it before it began."""
    with open_store(tmp_path) as store:
        store.rate("p1-q1", 3, "en")
    with sqlite3.connect(tmp_path / "progress.sqlite3") as raw:
        raw.executemany("INSERT OR REPLACE INTO settings VALUES (?, ?)", [(name, value) for name in SETTINGS])
    raw.close()
    assert peek_setting(tmp_path, "language") != "zh"
    with open_store(tmp_path) as store:
        assert ("progress-rows-set-aside" in {notice.code for notice in store.notices}) == (len(value) > 1000)
        assert read_preferences(store) == Preferences() and framework_of(store) == "numpy"
        app = QuizApp(shipped()[:2], store, language="en", tasks=tasks())
        async with app.run_test(size=(120, 40)) as pilot:
            for key in "EHP":
                await pilot.press(key)
                await pilot.pause()
                assert app.crash is None, key
