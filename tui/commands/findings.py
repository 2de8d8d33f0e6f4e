"""What the program finds where it runs: versions, backend, data folder, terminal, questions; and what is off.

Each examination stands alone: one that fails is a finding, and the others still report.
"""

from __future__ import annotations

import locale
import os
import platform
import shutil
import sqlite3
import sys
from dataclasses import dataclass, field
from datetime import timedelta
from importlib import metadata
from pathlib import Path
from typing import Any

from tui.commands.context import Context
from tui.language.usage import UsageError
from tui.progress.file import inspect_file
from tui.progress.records import utc_now
from tui.progress.running import count_running
from tui.progress.waiting import left_behind

PACKAGES = (
    "numpy", "mlx", "textual", "rich", "fsrs", "platformdirs", "pyyaml", "safetensors", "tokenizers",
)  # fmt: skip
OPTIONAL = frozenset({"mlx"})
NARROWEST, SHORTEST = 80, 24  # what the screens are made for


@dataclass(frozen=True)
class Finding:
    """What is off. ``serious``: something does not work; otherwise it only works less well. ``code`` has the cure."""

    code: str
    fields: dict[str, Any] = field(default_factory=dict)
    serious: bool = False


@dataclass(frozen=True)
class Examination:
    """The facts, by group, as JSON takes them, and the findings."""

    facts: dict[str, dict[str, Any]]
    findings: list[Finding]

    @property
    def well(self) -> bool:
        return not any(finding.serious for finding in self.findings)


def examine(context: Context) -> Examination:
    """Look at everything. Nothing is written; the backend is loaded, for only that tells whether it can be."""
    findings: list[Finding] = []
    facts = {
        "versions": _versions(findings),
        "backend": _backend(findings),
        "progress": _progress(context, findings),
        "terminal": _terminal(findings),
        "questions": _questions(context, findings),
    }
    return Examination(facts, findings)


def _versions(findings: list[Finding]) -> dict[str, Any]:
    versions: dict[str, Any] = {
        "tformer-quiz": _version("tformer-quiz"),
        "python": platform.python_version(),
        "system": platform.platform(),
        "sqlite": sqlite3.sqlite_version,
    }
    for package in PACKAGES:
        versions[package] = _version(package)
        if versions[package] is None and package not in OPTIONAL:
            findings.append(Finding("package-missing", {"package": package}, serious=True))
    return versions


def _version(package: str) -> str | None:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None


def _backend(findings: list[Finding]) -> dict[str, Any]:
    facts: dict[str, Any] = {"asked": os.environ.get("MLXFORMER_BACKEND")}
    try:
        from mlxformer import backend
    except Exception as error:  # whatever keeps it from loading is what doctor is asked about
        findings.append(Finding("backend-fails", {"reason": error}, serious=True))
        return facts
    description = backend.describe()
    if description.reason == "no-mlx" and platform.system() == "Darwin" and platform.machine() == "arm64":
        findings.append(Finding("mlx-missing-on-mac"))
    if description.detail and description.reason != "no-mlx":
        findings.append(Finding("gpu-fails", {"reason": description.detail}))
    return facts | {
        "name": description.name,
        "device": description.device,
        "device_name": description.device_name,
        "reason": description.reason,
        "detail": description.detail,
        "description": description,
    }


def _progress(context: Context, findings: list[Finding]) -> dict[str, Any]:
    state = inspect_file(context.data_dir, utc_now() + timedelta(days=1))
    if state.trouble is not None:
        findings.append(Finding("progress-trouble", {"reason": state.trouble}, serious=True))
    for place in (context.data_dir, state.path):
        if not _can_write(place):
            findings.append(Finding("folder-not-writable", {"folder": place}, serious=True))
            break
    if state.set_aside:
        findings.append(Finding("set-aside", {"files": [path.name for path in state.set_aside]}))
    if open_to_others := _open_to_others(context.data_dir):
        findings.append(Finding("open-to-others", {"files": open_to_others, "folder": context.data_dir}))
    if state.ahead:
        findings.append(Finding("ahead", {"count": state.ahead}))
    if waiting := sum(len(changes) for _, changes in left_behind(context.data_dir)):
        findings.append(Finding("left-waiting", {"count": waiting}))
    running = count_running(context.data_dir)
    if running:
        findings.append(Finding("running", {"count": running}))
    log = context.data_dir / "errors.log"
    if os.path.exists(log):
        findings.append(Finding("log", {"log": log}))
    return {
        "folder": str(context.data_dir),
        "file": state.path.name if state.bytes is not None else None,
        "bytes": state.bytes,
        "version": state.version,
        "cards": state.cards,
        "reviews": state.reviews,
        "set_aside": [path.name for path in state.set_aside],
        "open_to_others": open_to_others,
        "running": running,
    }


def _open_to_others(folder: Path) -> list[str]:
    """What of the program's own in the data folder, and the folder itself, others on this machine may read or write."""
    if os.name != "posix" or not os.path.isdir(folder):
        return []
    names = ("progress.*", "errors.log*", "bank*.json", "by-hand", "by-hand/*.py")  # the last are run
    own = (folder, *(path for name in names for path in folder.glob(name)))
    return sorted(path.name or str(path) for path in own if path.lstat().st_mode & 0o077 and not path.is_symlink())


def _can_write(folder: Path) -> bool:
    """Whether the folder or the file, or the nearest folder above it that exists, may be written."""
    present = folder
    while not os.path.exists(present) and present != present.parent:
        present = present.parent
    is_folder, effective = os.path.isdir(present), os.access in os.supports_effective_ids
    wanted = os.W_OK | os.X_OK if is_folder else os.W_OK
    return (is_folder or present == folder) and os.access(present, wanted, effective_ids=effective)


def _terminal(findings: list[Finding]) -> dict[str, Any]:
    from rich.console import Console

    stdin, stdout = (bool(stream and stream.isatty()) for stream in (sys.stdin, sys.stdout))
    size = shutil.get_terminal_size()
    encoding = (getattr(sys.stdout, "encoding", None) or "").lower()
    console = Console()
    colors = console.color_system
    term = os.environ.get("TERM", "")
    if stdout:
        if size.columns < NARROWEST or size.lines < SHORTEST:
            wanted = {"columns": NARROWEST, "lines": SHORTEST}
            findings.append(Finding("terminal-small", {"size": f"{size.columns} x {size.lines}", **wanted}))
        if term in ("", "dumb") and os.name != "nt":
            findings.append(Finding("terminal-dumb", {"term": term or "-"}))
        elif colors not in ("truecolor", "256") and "NO_COLOR" not in os.environ:
            findings.append(Finding("few-colours", {"colours": colors or "-"}))
    if not encoding.startswith(("utf", "gb18030")):
        findings.append(Finding("encoding", {"encoding": encoding or "-"}))
    return {
        "stdin_is_terminal": stdin,
        "stdout_is_terminal": stdout,
        "columns": size.columns,
        "lines": size.lines,
        "TERM": term,
        "COLORTERM": os.environ.get("COLORTERM"),
        "NO_COLOR": "NO_COLOR" in os.environ,
        "colours": colors,
        "encoding": encoding,
        "locale": ".".join(part for part in locale.getlocale() if part) or None,
        "ambiguous_width": None,  # only the terminal's settings know whether · and √ take one cell or two
    }


def _questions(context: Context, findings: list[Finding]) -> dict[str, Any]:
    from tui.bank import load_bank
    from tui.experiments.catalogue import catalogue

    try:
        bank = context.load_bank(anew=True)
    except UsageError as error:
        findings.append(Finding("questions-unreadable", {"reason": error}, serious=True))
        bank = load_bank()
    if bank.problems:
        findings.append(Finding("questions-faulty", {"count": len(bank.problems)}, serious=True))
    return {
        "questions": len(bank.questions),
        "shipped": sum(question.shipped for question in bank.questions),
        "files": sorted({question.file for question in bank.questions}),
        "problems": len(bank.problems),
        "experiments": len(catalogue()),
    }
