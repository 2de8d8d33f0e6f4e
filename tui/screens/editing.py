"""A file opened in the person's own editor, at a line, while the program stands aside."""

from __future__ import annotations

import os
import shlex
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from textual.app import App, SuspendNotSupported

# How each editor is told a line; what is in neither list gets the file alone.
_PLUS = frozenset({"vi", "vim", "nvim", "gvim", "view", "nano", "pico", "emacs", "emacsclient", "micro", "kak", "joe",
                   "jed", "mg", "ne", "gedit", "kate", "mate"})  # fmt: skip
_COLON = frozenset({"hx", "helix", "subl", "sublime_text", "zed"})
_GOTO = frozenset({"code", "code-insiders", "codium", "cursor", "windsurf"})


def edit(app: App[Any], path: Path, line: int | None = None) -> bool:
    """Let the person edit ``path`` until their editor ends; False where none can be opened."""
    try:
        editor = shlex.split(os.environ.get("VISUAL") or os.environ.get("EDITOR") or "")
        if not editor:
            raise SuspendNotSupported
        with app.suspend():
            subprocess.run(at_line(editor, path, line), check=False)
    except (SuspendNotSupported, OSError, ValueError):  # the last: a quote that is not closed
        return False
    app.screen.refresh(layout=True)
    return True


def at_line(editor: Sequence[str], path: Path, line: int | None) -> list[str]:
    """The command that opens ``path`` at ``line``, from 1: ``vim +12 FILE``, ``code -g FILE:12``, ``hx FILE:12``."""
    name = Path(editor[0]).name.removesuffix(".exe")
    if line and name in _PLUS:
        return [*editor, f"+{line}", str(path)]
    if line and name in _GOTO:
        return [*editor, "-g", f"{path}:{line}"]
    if line and name in _COLON:
        return [*editor, f"{path}:{line}"]
    return [*editor, str(path)]
