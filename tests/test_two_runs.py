"""What the run on MLX leaves to the run on NumPy: nothing that computes with arrays, and nothing that was asked for."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import ONCE, ROOT, TWICE, is_left_out

pytest.importorskip("mlx.core", reason="MLX is not installed: there is one run only")


def imported(path: Path) -> Iterator[str]:
    """``a.b`` for ``import a.b``, ``a.b.c`` for ``from a.b import c``."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


@pytest.mark.parametrize("path", [*ONCE, *TWICE])
def test_what_is_listed_is_there(path: str) -> None:
    assert (ROOT / path).exists(), f"{path} is not there (any more): take it out of tests/conftest.py"


# These load both backends by their own names, whichever is chosen.
BOTH = ("mlxformer.backend.numpy", "tests.mlxformer.backend")


@pytest.mark.parametrize("once", ONCE)
def test_what_is_left_out_computes_nothing(once: str) -> None:
    path = ROOT / once
    files = [file for file in ([path] if path.is_file() else sorted(path.rglob("*.py"))) if is_left_out(file)]
    wrong = [
        f"{file.relative_to(ROOT)} imports {name}"
        for file in files
        for name in imported(file)
        if name.startswith(("mlxformer.backend", "mlx.", "tests.mlxformer")) and not name.startswith(BOTH)
        if file.name != "conftest.py"
    ]
    assert files and not wrong, f"add to TWICE in tests/conftest.py what {wrong}"


def collected(*arguments: str) -> set[str]:
    """The files of which a run on MLX has tests."""
    command = [sys.executable, "-m", "pytest", "--collect-only", "-q", "-p", "no:cacheprovider", *arguments]
    environment = {**os.environ, "MLXFORMER_BACKEND": "mlx"}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True)
    return {line.partition("::")[0] for line in done.stdout.splitlines() if "::" in line}


def test_a_named_file_runs_and_so_does_everything_where_the_whole_is_wanted() -> None:
    marked, free, other = (
        "tests/mlxformer/pretrained/test_both_backends.py",
        "tests/tui/text/test_layout.py",
        "tests/mlxformer/pretrained/test_dates.py",
    )
    folders = ("tests/mlxformer/pretrained", "tests/tui", "--ignore=tests/tui/experiments")
    found = collected(*folders)
    assert other in found and not found & {marked, free}
    assert {file for file in found if file.startswith("tests/tui")} == {file for file in TWICE if file.endswith(".py")}
    assert {marked, free} <= collected(marked, "tests/tui/text")
    assert {marked, free, other} <= collected("tests/mlxformer/pretrained", "tests/tui/text", "--whole")
