"""The program with its clock set to another moment: ``python -m tests.tui.moved_clock 2026-11-24T09:00 ARGUMENTS``.

The program itself has no way to be told the time. Here its one clock is replaced before anything else has taken it.
"""

from __future__ import annotations

import sys
import time
from datetime import UTC, datetime, timedelta


def main() -> int:
    import tui.progress.records as records

    begins, started = datetime.fromisoformat(sys.argv[1]).replace(tzinfo=UTC), time.monotonic()
    records.utc_now = lambda: min(begins + timedelta(seconds=time.monotonic() - started), records.LATEST)
    taken = [name for name, module in sys.modules.items() if name.startswith("tui.") and hasattr(module, "utc_now")]
    assert taken == ["tui.progress.records"], f"the clock was taken already by {taken}"
    from tui.cli import main as run

    return run(sys.argv[2:])


if __name__ == "__main__":
    sys.exit(main())
