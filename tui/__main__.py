"""``python -m tui`` is ``tformer-quiz``."""

from __future__ import annotations

import sys

try:  # Ctrl+C at this moment too, as in ``tui.cli``
    from tui.cli import main
except KeyboardInterrupt:
    sys.exit(130)

if __name__ == "__main__":
    sys.exit(main())
