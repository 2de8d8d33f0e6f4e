"""Write multi-head attention by hand in the real program, wrong and then mended, and keep what was on the screen.

    python docs/walk_by_hand.py --lang zh --size 100x44 --out docs/by-hand-zh

writes OUT-named.svg (the heads reshaped without transposing, judged and named) and OUT-mended.svg. Nothing is staged:
the keys of a person go in, the file is saved as an editor saves it, and what the terminal shows comes out. Needs the
extra ``test`` (pexpect, pyte).
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

from walk import Walk

from questions.loader import load_shipped
from tui.judge.catalogue import NAMES

TASK = "multi-head-attention"
RIGHT = "return z.reshape(B, T, num_heads, D).transpose(0, 2, 1, 3)"
WRONG = "return z.reshape(B, num_heads, T, D)"
PASSED = {"zh": "通过：", "en": "passed: all"}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--lang", choices=("zh", "en"), default="en")
    parser.add_argument("--size", default="100x44")
    parser.add_argument("--out", type=Path, required=True)
    options = parser.parse_args()
    columns, lines = map(int, options.size.split("x"))
    solution = load_shipped().task(TASK).solution.numpy
    assert solution.count(RIGHT) == 1
    with tempfile.TemporaryDirectory() as folder:
        terminal = Walk(options.lang, columns, lines, folder)

        def keep(name: str) -> None:
            terminal.settle()
            Path(f"{options.out}-{name}.svg").write_text(terminal.picture("tformer-quiz"), encoding="utf-8")

        terminal.see(r"1/\d+")
        terminal.press("H")
        terminal.see("softmax")
        terminal.press("j" * NAMES.index(TASK) + "\r")
        draft = Path(folder) / "by-hand" / f"{TASK.replace('-', '_')}_numpy.py"
        terminal.see("w_o")
        draft.write_text(solution.replace(RIGHT, WRONG), encoding="utf-8")
        terminal.see("heads-not-transposed")
        keep("named")
        draft.write_text(solution, encoding="utf-8")
        terminal.see(PASSED[options.lang])
        keep("mended")
        terminal.close()


if __name__ == "__main__":
    main()
