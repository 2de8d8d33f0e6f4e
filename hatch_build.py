"""What is made when the program is installed: its bank, read and judged, so that the first start need not.

A bank that was made of other files than those beside it is not taken (``tui.bank``), so an editable install may change.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class KeptBank(BuildHookInterface[Any]):
    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        sys.path.insert(0, self.root)
        from tui.bank import keep_shipped

        kept = keep_shipped(Path(self.root, "tui"))
        if kept is not None:
            build_data["artifacts"].append(f"/tui/{kept.name}")
