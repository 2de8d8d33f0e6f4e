"""A file opened in the person's own editor, while the program stands aside."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from textual.app import App, SuspendNotSupported

from tui.practice import editor
from tui.practice.editor import EditorError


def edit(app: App[Any], path: Path, line: int | None = None) -> None:
    """Let the person edit ``path`` until their editor ends. Raises ``EditorError``."""
    editor.own_editor(path)
    failed: EditorError | None = None
    try:
        with app.suspend():
            try:
                editor.edit(path, line)
            except EditorError as error:  # raised in here, it would leave the terminal as the editor has it
                failed = error
    except SuspendNotSupported as error:
        raise EditorError("no-editor", path=path) from error
    app.screen.refresh(layout=True)
    if failed is not None:
        raise failed
