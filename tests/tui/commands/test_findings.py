"""Everything that ``doctor`` can find, found once, and said in both languages with its cure."""

from __future__ import annotations

import ast
import inspect
import os
import platform
import shutil
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace

import pytest

from tests.tui.progress.test_keeping import _hold
from tui.commands import findings
from tui.commands.context import Context
from tui.commands.findings import Finding
from tui.language.words import words
from tui.progress.store import open_store

Patch = pytest.MonkeyPatch


def log(folder: Path, patch: Patch) -> None:
    (folder / "errors.log").touch(0o600)


def open_to_others(folder: Path, patch: Patch) -> None:
    (folder / "by-hand").mkdir(0o755)


def set_aside(folder: Path, patch: Patch) -> None:
    (folder / "progress.damaged-20260101-000000.sqlite3").touch(0o600)


def progress_trouble(folder: Path, patch: Patch) -> None:
    (folder / "progress.sqlite3").write_bytes(b"damaged" * 100)
    (folder / "progress.sqlite3").chmod(0o600)


def folder_not_writable(folder: Path, patch: Patch) -> None:
    folder.rmdir()
    folder.touch()


def ahead(folder: Path, patch: Patch) -> None:
    for year in (2020, 2261):
        with open_store(folder, lambda year=year: datetime(year, 1, 1, tzinfo=UTC)) as store:
            store.rate("q", 3, "en")
    shutil.rmtree(folder / "backups")


def left_waiting(folder: Path, patch: Patch) -> None:
    store = open_store(folder)
    store.rate("q", 3, "en")
    holder = _hold(folder / "progress.sqlite3")
    store.suspend("q")
    store.flag("q", "note", "en")
    store.close()
    holder.close()


def running(folder: Path, patch: Patch) -> None:
    store = open_store(folder)
    store.skip("q")
    patch.setattr(findings, "_kept_open", store, raising=False)  # until the test is over


def described(**fields: object) -> Callable[[Path, Patch], None]:
    def describe(folder: Path, patch: Patch) -> None:
        found = {"name": "numpy", "device": "cpu", "device_name": "", "reason": "no-gpu", "detail": "", **fields}
        patch.setattr("mlxformer.backend.describe", lambda: SimpleNamespace(**found))
        patch.setattr(platform, "system", lambda: "Darwin")
        patch.setattr(platform, "machine", lambda: "arm64")

    return describe


def no_backend(folder: Path, patch: Patch) -> None:
    patch.delattr("mlxformer.backend")
    patch.setitem(sys.modules, "mlxformer.backend", None)


def no_package(folder: Path, patch: Patch) -> None:
    patch.setattr(findings, "_version", lambda package: None if package in ("rich", "mlx") else "1")


def terminal(size: tuple[int, int] = (120, 40), encoding: str = "utf-8", **names: str) -> Callable[[Path, Patch], None]:
    def stand_in(folder: Path, patch: Patch) -> None:
        patch.setattr(sys, "stdout", SimpleNamespace(isatty=lambda: True, encoding=encoding, write=len, flush=int))
        patch.setattr(shutil, "get_terminal_size", lambda *_: os.terminal_size(size))
        patch.delenv("NO_COLOR", raising=False)
        for name, value in ({"TERM": "xterm-256color", "COLORTERM": "truecolor"} | names).items():
            patch.setenv(name, value)

    return stand_in


QUESTIONS = {"questions-unreadable": "none.yaml", "questions-faulty": "faulty.yaml"}
FOUND: dict[str, Callable[[Path, Patch], None]] = {
    "log": log, "open-to-others": open_to_others, "set-aside": set_aside, "progress-trouble": progress_trouble,
    "folder-not-writable": folder_not_writable, "ahead": ahead, "left-waiting": left_waiting, "running": running,
    "backend-fails": no_backend, "package-missing": no_package, "gpu-fails": described(detail="no driver"),
    "mlx-missing-on-mac": described(reason="no-mlx"), "terminal-small": terminal((60, 20)),
    "terminal-dumb": terminal(TERM="dumb"), "few-colours": terminal(TERM="xterm", COLORTERM=""),
    "encoding": terminal(encoding="ascii"), **dict.fromkeys(QUESTIONS, lambda folder, patch: None),
}  # fmt: skip
SERIOUS = {
    "progress-trouble", "folder-not-writable", "backend-fails", "package-missing", "questions-unreadable",
    "questions-faulty",
}  # fmt: skip


def found_in(context: Context) -> list[Finding]:
    """All but the questions, whose own examination takes the longest."""
    found: list[Finding] = []
    findings._versions(found)
    findings._backend(found)
    findings._progress(context, found)
    findings._terminal(found)
    if context.questions:
        findings._questions(context, found)
    return found


@pytest.mark.parametrize("code", FOUND)
def test_it_is_found_and_said(tmp_path: Path, monkeypatch: Patch, code: str) -> None:
    folder = tmp_path / "data"
    folder.mkdir(0o700)
    (tmp_path / "faulty.yaml").write_text("- id: x\n", encoding="utf-8")
    questions = (tmp_path / QUESTIONS[code],) if code in QUESTIONS else ()
    context = Context("en", folder, questions=questions)
    before = {finding.code for finding in found_in(Context("en", folder))}
    assert code not in before
    FOUND[code](folder, monkeypatch)
    found = {finding.code: finding for finding in found_in(context)}
    monkeypatch.undo()
    assert code in found and found[code].serious == (code in SERIOUS)
    for language in ("zh", "en"):
        said = words(f"doctor.{code}", language, **found[code].fields)  # type: ignore[arg-type]
        assert said and "{" not in said
    if code in ("ahead", "left-waiting", "running"):
        assert found[code].fields == {"count": {"ahead": 1, "left-waiting": 2, "running": 1}[code]}


def test_no_finding_is_left_out() -> None:
    calls = [node for node in ast.walk(ast.parse(inspect.getsource(findings))) if isinstance(node, ast.Call)]
    codes = [call.args[0] for call in calls if getattr(call.func, "id", "") == "Finding"]
    assert {code.value for code in codes if isinstance(code, ast.Constant)} == set(FOUND) and len(codes) >= len(FOUND)
