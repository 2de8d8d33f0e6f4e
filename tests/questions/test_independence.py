"""The bank knows nothing of models or screens."""

from __future__ import annotations

import subprocess
import sys

FOREIGN = ("numpy", "mlx", "mlxformer", "tui", "textual", "rich", "torch")
PROGRAM = f"""
import sys
from questions import loader, marking, schema
bank = loader.load_shipped()
assert bank.questions and not bank.problems
marking.mark("方差", bank.questions[0].key_points)
print(*[name for name in {FOREIGN!r} if name in sys.modules])
"""


def test_loading_and_marking_import_no_model_and_no_screen():
    done = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=False)
    assert (done.stdout.strip(), done.stderr) == ("", "")
