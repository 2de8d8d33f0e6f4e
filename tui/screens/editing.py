"""A file opened in the person's own editor, while the program stands aside."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from textual.app import App, SuspendNotSupported

from tui.practice import editor


def edit(app: App[Any], path: Path, line: int | None = None) -> bool:
    """Let the person edit ``path`` until their editor ends; False where none can be opened."""
    if not editor.own_editor():
        return False
    try:
        with app.suspend():
            editor.edit(path, line)
    except (SuspendNotSupported, OSError):
        return False
    app.screen.refresh(layout=True)
    return True
