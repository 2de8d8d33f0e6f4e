"""What the run on MLX leaves to the run on NumPy: nothing that computes with arrays, and nothing that was asked for."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import ONCE, ROOT

pytest.importorskip("mlx.core", reason="MLX is not installed: there is one run only")


def imported(path: Path) -> Iterator[str]:
    """``a.b`` for ``import a.b``, ``a.b.c`` for ``from a.b import c``."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


@pytest.mark.parametrize("once", ONCE)
def test_what_is_left_out_is_there_and_computes_nothing(once: str) -> None:
    path = ROOT / once
    files = [path] if path.is_file() else sorted(path.rglob("*.py"))
    assert files, f"{once} is not there (any more): take it out of ONCE in tests/conftest.py"
    wrong = [
        f"{file.relative_to(ROOT)} imports {name}"
        for file in files
        for name in imported(file)
        if name.startswith(("mlxformer.backend", "mlx.", "tests.mlxformer"))
    ]
    assert not wrong, f"take out of ONCE what {wrong}"


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
    folders = ("tests/mlxformer/pretrained", "tests/tui")
    left_out = ["--ignore=tests/tui/experiments", "--ignore=tests/tui/commands"]
    found = collected(*folders, *left_out)
    assert other in found and not found & {marked, free}
    assert {marked, free} <= collected(marked, "tests/tui/text")
    assert {marked, free, other} <= collected(*folders, *left_out, "--whole")
