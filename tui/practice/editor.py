"""The person's own editor: which it is, and how it is told a line."""

from __future__ import annotations

import os
import shlex
import signal
import subprocess
from collections.abc import Sequence
from pathlib import Path

from tui.language.usage import UsageError

# How each editor is told a line; what is in no list gets the file alone.
_PLUS = frozenset({"vi", "vim", "nvim", "gvim", "view", "nano", "pico", "emacs", "emacsclient", "micro", "kak", "joe",
                   "jed", "mg", "ne", "gedit", "kate", "mate"})  # fmt: skip
_COLON = frozenset({"hx", "helix", "subl", "sublime_text", "zed"})
_GOTO = frozenset({"code", "code-insiders", "codium", "cursor", "windsurf"})


class EditorError(UsageError):
    """There is no editor, or none that starts and ends well."""


def own_editor(path: Path) -> list[str]:
    """``$VISUAL`` or ``$EDITOR`` as a command. Raises ``EditorError``, which names ``path``, where there is none."""
    try:
        editor = shlex.split(os.environ.get("VISUAL") or os.environ.get("EDITOR") or "")
    except ValueError:  # a quote that is not closed
        editor = []
    if not editor:
        raise EditorError("no-editor", path=path)
    return editor


def edit(path: Path, line: int | None = None) -> None:
    """Let the person edit ``path`` until their editor ends. Raises ``EditorError``."""
    editor = own_editor(path)
    interrupted = signal.signal(signal.SIGINT, lambda *_: None)  # Ctrl+C is the editor's, which gets it as well
    try:
        status = subprocess.run(at_line(editor, path, line), check=False).returncode
    except OSError as error:
        raise EditorError("editor-not-started", editor=editor[0], reason=error, path=path) from error
    finally:
        signal.signal(signal.SIGINT, interrupted)
    if status:
        raise EditorError("editor-failed", editor=editor[0], status=status)


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
