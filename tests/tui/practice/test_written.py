"""The file in which code is written by hand: whole or as it was, the person's alone, where nobody else can put it."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from questions.bilingual import LANGUAGES
from questions.loader import load_shipped
from tui.language.words import words
from tui.practice import written
from tui.practice.written import LARGEST, begin_draft, draft_path, draft_text, keep_draft

TASK = load_shipped().tasks[0]


def test_a_draft_is_the_persons_alone_and_begun_once(tmp_path: Path) -> None:
    path = draft_path(tmp_path / "d" / "progress.sqlite3", TASK, "numpy")
    mask = os.umask(0)
    try:
        assert begin_draft(path, TASK, "numpy")
    finally:
        os.umask(mask)
    assert [stat.S_IMODE(each.stat().st_mode) for each in (path.parent, path)] == [0o700, 0o600]
    keep_draft(path, "mine = '方差'\n")
    assert not begin_draft(path, TASK, "numpy") and path.read_text("utf-8") == "mine = '方差'\n"


def test_what_cannot_be_written_whole_leaves_what_was_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """``write_text`` empties the file first: on a full disk, or killed there, months of code were gone."""
    path = tmp_path / "mine.py"
    keep_draft(path, "before")

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(written.os, "replace", full)
    with pytest.raises(OSError, match="No space"):
        keep_draft(path, "after")
    with pytest.raises(UnicodeEncodeError):
        keep_draft(path, "after \ud800")
    assert path.read_text("utf-8") == "before" and [each.name for each in tmp_path.iterdir()] == ["mine.py"]


@pytest.mark.parametrize(
    ("content", "zh", "en"),
    [
        (b"a\ncaf\xe9", "第 6 个字节是 0xe9", "byte 6 is 0xe9"),
        (None, "那里的设备用不了", "device"),
        (LARGEST + 1, "文件太大", "too large"),
    ],
)
def test_what_an_editor_left_that_is_no_code_is_said(
    tmp_path: Path, content: bytes | int | None, zh: str, en: str
) -> None:
    """Bytes that are no text (said in Python's English), a pipe that nobody fills, a file of any size."""
    path = tmp_path / "mine.py"
    if content is None:
        os.mkfifo(path)
    else:
        path.write_bytes(content if isinstance(content, bytes) else bytes(content))
    with pytest.raises((OSError, UnicodeDecodeError)) as refused:
        draft_text(path)
    said = {
        language: words("code.unreadable-draft", language, path=path, reason=refused.value) for language in LANGUAGES
    }
    assert zh in said["zh"] and en in said["en"]
    path.unlink()
    path.write_bytes("a\r\nb\r猫".encode())
    assert draft_text(path) == "a\nb\n猫"


def test_a_link_of_the_persons_stays_one(tmp_path: Path) -> None:
    (tmp_path / "kept elsewhere.py").write_text("before")
    path = tmp_path / "mine.py"
    path.symlink_to(tmp_path / "kept elsewhere.py")
    keep_draft(path, "after")
    assert path.is_symlink() and (tmp_path / "kept elsewhere.py").read_text() == "after"


def test_where_nothing_is_kept_the_folder_cannot_be_foreseen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What lies there is run: in a folder of one name for all, another person of this machine could put it there."""
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr(written.tempfile, "tempdir", None)
    written._folder_of_this_sitting.cache_clear()
    try:
        first = draft_path(None, TASK, "numpy")
        assert first == draft_path(None, TASK, "numpy") and stat.S_IMODE(first.parent.stat().st_mode) == 0o700
        written._folder_of_this_sitting.cache_clear()
        assert draft_path(None, TASK, "numpy") != first
    finally:
        written._folder_of_this_sitting.cache_clear()
