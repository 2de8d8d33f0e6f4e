"""No network and no surprise: what the program and the library write stands in the data folder or where it was asked
for, no socket is opened, and nothing is left in the home or temporary folder."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
GUARD = """
import os, runpy, sys
def look(event, arguments):
    if event in ("socket.connect", "socket.bind", "socket.getaddrinfo", "socket.sendto", "socket.gethostbyname"):
        print("SOCKET", event, file=sys.stderr, flush=True)
        os._exit(77)
sys.addaudithook(look)
sys.argv = sys.argv[1:]
runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)
"""
LIBRARY = """
import tempfile, numpy as np, mlxformer as mf
from mlxformer.backend import mx
bert = mf.load_pretrained("bert-mini")
bert.fill("画蛇添[MASK]", k=2)
try:
    mf.BertModel.from_pretrained("no-owner/no-model")
except mf.CheckpointError:
    pass
"""


def quiet(home: Path, module: str, *arguments: str, typed: str = "") -> subprocess.CompletedProcess[str]:
    """``python -m module`` under the guard, with everything that a program may write to beneath ``home``."""
    work = home / "work"
    for folder in ("home", "tmp", "work"):
        (home / folder).mkdir(exist_ok=True, parents=True)
    environment = {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": str(ROOT),
        "PYTHONDONTWRITEBYTECODE": "1",
        "HOME": str(home / "home"),
        "TMPDIR": str(home / "tmp"),
        "LANG": "en_US.UTF-8",
        "MLXFORMER_BACKEND": os.environ.get("MLXFORMER_BACKEND", "numpy"),
    }
    done = subprocess.run(
        [sys.executable, "-c", GUARD, module, *arguments],
        input=typed,
        capture_output=True,
        text=True,
        encoding="utf-8",
        env=environment,
        cwd=work,
        timeout=120,
    )
    assert done.returncode != 77 and "SOCKET" not in done.stderr, done.stderr
    assert "Traceback" not in done.stderr, done.stderr
    return done


def files(home: Path) -> set[str]:
    """What was written; MLX's CPU build compiles kernels of its own into ``TMPDIR/mlx``, as SECURITY.md says."""
    found = {str(path.relative_to(home)) for path in home.rglob("*") if not path.is_dir()}
    return {name for name in found if not name.startswith("tmp/mlx/")}


@pytest.mark.once
def test_the_guard_bites(tmp_path: Path) -> None:
    code = "import socket; socket.create_connection(('127.0.0.1', 9))"
    (tmp_path / "work").mkdir()
    (tmp_path / "work" / "calls.py").write_text(code)
    with pytest.raises(AssertionError, match="SOCKET"):
        quiet(tmp_path, "calls")


@pytest.mark.once
def test_what_only_reads_leaves_nothing_behind(tmp_path: Path) -> None:
    for arguments in (["list"], ["stats"], ["doctor"], ["check"], ["show", "nothing"]):
        quiet(tmp_path, "tui", *arguments)
    quiet(tmp_path, "mlxformer.convert", "nowhere")
    assert files(tmp_path) == set()


def test_what_computes_leaves_nothing_behind(tmp_path: Path) -> None:
    quiet(tmp_path, "tui", "lab", "attention-steps")
    quiet(tmp_path, "mlxformer", "我爱你")
    (tmp_path / "work" / "uses.py").write_text(LIBRARY, encoding="utf-8")
    assert quiet(tmp_path, "uses").returncode == 0
    assert files(tmp_path) == {"work/uses.py"}


@pytest.mark.once
def test_what_is_written_stands_in_the_data_folder_or_where_it_was_asked_for(tmp_path: Path) -> None:
    data = tmp_path / "data"
    at = ("--data-dir", str(data))
    quiet(tmp_path, "tui", *at, "--plain", typed="an answer\n.\n3\nq\n")
    quiet(tmp_path, "tui", *at, "interview", "--questions", "1", "--report", "report.md", typed="a\n.\n3\nq\n")
    for name in ("out.json", "out.csv", "out.md", "out.txt"):
        assert quiet(tmp_path, "tui", *at, "export", name).returncode == 0
    before = (tmp_path / "work" / "out.json").read_bytes()
    assert quiet(tmp_path, "tui", *at, "export", "out.json").returncode == 2
    assert (tmp_path / "work" / "out.json").read_bytes() == before
    assert quiet(tmp_path, "tui", *at, "import", "out.json").returncode == 0
    outside = {name for name in files(tmp_path) if not name.startswith("data/")}
    assert outside - {"work/report.md"} == {f"work/out.{suffix}" for suffix in ("json", "csv", "md", "txt")}
    modes = {path.name: path.stat().st_mode & 0o777 for path in (data, *data.rglob("*"))}
    assert set(modes.values()) <= {0o600, 0o700}, modes
    assert (tmp_path / "work" / "out.json").stat().st_mode & 0o777 == 0o600


@pytest.mark.once
def test_a_scratch_file_cannot_be_foreseen_and_follows_no_link(tmp_path: Path) -> None:
    work = tmp_path / "work"
    work.mkdir()
    precious = tmp_path / "precious"
    precious.write_text("mine")
    (work / "out.json").symlink_to(precious)
    assert quiet(tmp_path, "tui", "--data-dir", str(tmp_path / "d"), "export", "out.json").returncode == 2
    assert precious.read_text() == "mine"
