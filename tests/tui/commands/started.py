"""Starting the program in a process of its own, and reading what it kept."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

from questions.loader import load_shipped
from tui.bank import KEPT, load_bank

ROOT = Path(__file__).resolve().parents[3]
FIRST = load_shipped().questions[0].id  # what a person without progress is asked first
COMMAND = [sys.executable, "-m", "tui.cli"]


def environment(**more: str) -> dict[str, str]:
    """The same on every machine, but for ``more``."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "SYSTEMROOT") if name in os.environ}
    return {
        **kept,
        "PYTHONPATH": str(ROOT),
        "PYTHONUTF8": "1",
        "LANG": "en_US.UTF-8",
        "TERM": "xterm-256color",
        "MLXFORMER_BACKEND": "numpy",
        "OMP_NUM_THREADS": "1",
        **more,
    }


@cache
def _kept() -> bytes:
    with TemporaryDirectory() as folder:
        load_bank((), Path(folder))
        return (Path(folder) / KEPT).read_bytes()


def started_before(data: Path) -> Path:
    """``data`` with what a start before has kept there of the questions: reading them anew is most of a start."""
    data.mkdir(mode=0o700, exist_ok=True)
    (data / KEPT).write_bytes(_kept())
    return data


def run(
    data: Path, *arguments: str, typed: str = "", cwd: Path | None = None, first: bool = False, **more: str
) -> subprocess.CompletedProcess[str]:
    """The program with ``data`` as its data folder, which was used before unless this is the ``first`` start, and
    ``typed`` as its whole input."""
    if not first:
        started_before(data)
    return subprocess.run(
        [*COMMAND, "--data-dir", str(data), *arguments],
        input=typed,
        capture_output=True,
        text=True,
        encoding="utf-8",
        env=environment(**more),
        cwd=cwd or data.parent,
        timeout=60,
    )


def ratings(data: Path) -> list[tuple[str, int, str]]:
    """The ratings in the file that were not undone: question, rating, answer."""
    with sqlite3.connect(data / "progress.sqlite3") as raw:
        rows = raw.execute(
            "SELECT reviews.question_id, rating, answer FROM reviews JOIN actions ON id = action_id "
            "WHERE undone_at IS NULL ORDER BY id"
        )
        return list(rows)
