"""The person's own editor: which it is, and how it is told a line."""

from __future__ import annotations

import os
import shlex
import subprocess
from collections.abc import Sequence
from pathlib import Path

# How each editor is told a line; what is in no list gets the file alone.
_PLUS = frozenset({"vi", "vim", "nvim", "gvim", "view", "nano", "pico", "emacs", "emacsclient", "micro", "kak", "joe",
                   "jed", "mg", "ne", "gedit", "kate", "mate"})  # fmt: skip
_COLON = frozenset({"hx", "helix", "subl", "sublime_text", "zed"})
_GOTO = frozenset({"code", "code-insiders", "codium", "cursor", "windsurf"})


def own_editor() -> list[str]:
    """``$VISUAL`` or ``$EDITOR`` as a command; empty where neither names one."""
    try:
        return shlex.split(os.environ.get("VISUAL") or os.environ.get("EDITOR") or "")
    except ValueError:  # a quote that is not closed
        return []


def edit(path: Path, line: int | None = None) -> None:
    """Let the person edit ``path`` until their editor ends. Raises ``OSError`` where there is none that starts."""
    editor = own_editor()
    if not editor:
        raise FileNotFoundError("no editor")
    subprocess.run(at_line(editor, path, line), check=False)


def at_line(editor: Sequence[str], path: Path, line: int | None) -> list[str]:
    """The command that opens ``path`` at ``line``, from 1: ``vim +12 FILE``, ``code -g FILE:12``, ``hx FILE:12``."""
    name = Path(editor[0]).name.removesuffix(".exe")
    file = str(path)
    if file.startswith(("-", "+")):  # of a stranger's folder: to an editor that would be an option, and options run
        file = os.path.join(os.curdir, file)
    if line and name in _PLUS:
        return [*editor, f"+{line}", file]
    if line and name in _GOTO:
        return [*editor, "-g", f"{file}:{line}"]
    if line and name in _COLON:
        return [*editor, f"{file}:{line}"]
    return [*editor, file]
