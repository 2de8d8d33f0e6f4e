"""What is made when the program is installed: its bank, read and judged, so that the first start need not.

A bank that was made of other files than those beside it is not taken (``tui.bank``): an editable install may change.
"""

from __future__ import annotations

import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class KeptBank(BuildHookInterface[Any]):
    """Hatch's hook: ``tui/bank.json`` beside the source of an editable installation, or in the wheel."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        sys.path.insert(0, self.root)
        from tui.bank import INSTALLED, keep_shipped

        if version == "editable":  # which is this folder itself
            keep_shipped(INSTALLED.parent)
            return
        self._folder = TemporaryDirectory()
        kept = keep_shipped(Path(self._folder.name))
        if kept is not None:
            build_data["force_include"][str(kept)] = f"tui/{INSTALLED.name}"

    def finalize(self, version: str, build_data: dict[str, Any], artifact_path: str) -> None:
        if version != "editable":
            self._folder.cleanup()
