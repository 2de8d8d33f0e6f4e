"""Starting the program in a process of its own, and reading what it kept."""

from __future__ import annotations

import contextlib
import io
import os
import sqlite3
import subprocess
import sys
from pathlib import Path
from unittest.mock import patch

from questions.loader import load_shipped

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


def run(
    data: Path, *arguments: str, typed: str = "", cwd: Path | None = None, **more: str
) -> subprocess.CompletedProcess[str]:
    """The program with ``data`` as its data folder and ``typed`` as its whole input."""
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


def next_start(data: Path) -> str:
    """What the line quiz says at its next start, in this process, with an input that ends at once."""
    from tui.cli import main

    with contextlib.redirect_stdout(io.StringIO()) as said, patch("sys.stdin", io.StringIO()):
        assert main(["--data-dir", str(data), "--plain", "--lang", "en"]) == 0
    return said.getvalue()


def ratings(data: Path) -> list[tuple[str, int, str]]:
    """The ratings in the file that were not undone: question, rating, answer."""
    with sqlite3.connect(data / "progress.sqlite3") as raw:
        rows = raw.execute(
            "SELECT reviews.question_id, rating, answer FROM reviews JOIN actions ON id = action_id "
            "WHERE undone_at IS NULL ORDER BY id"
        )
        return list(rows)
