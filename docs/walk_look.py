"""Look inside two trained models in the real program, and keep what was on the screen.

    python docs/walk_look.py --lang zh --size 100x36 --out docs/look-zh

writes OUT-head.svg (the cross-attention of ``dates`` on a date) and OUT-lens.svg (what each layer of
``bert-mini`` would fill in). Nothing is staged: the keys of a person go in, and what the terminal shows comes out.
Needs the extra ``test`` (pexpect, pyte).
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

from walk import Walk

DOWN = "\x1b[B"
LINES = {"zh": "连线", "en": "lines, the thicker"}
LENS = {"zh": "每层会预测什么", "en": "what each layer would predict"}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--lang", choices=("zh", "en"), default="en")
    parser.add_argument("--size", default="100x36")
    parser.add_argument("--out", type=Path, required=True)
    options = parser.parse_args()
    columns, lines = map(int, options.size.split("x"))
    with tempfile.TemporaryDirectory() as folder:
        terminal = Walk(options.lang, columns, lines, folder)

        def keep(name: str) -> None:
            terminal.settle()
            Path(f"{options.out}-{name}.svg").write_text(terminal.picture("tformer-quiz"), encoding="utf-8")

        terminal.see(r"1/\d+")
        terminal.press("O")
        terminal.see(LINES[options.lang])
        terminal.settle()
        terminal.press("o")  # the picture alone
        terminal.settle()
        keep("head")
        for key in ("o", "x", DOWN, "\r"):
            terminal.press(key)
            terminal.settle()
        terminal.see("bert-mini[:：]")
        terminal.see(LINES[options.lang])
        terminal.settle()
        for _ in range(5):
            terminal.press(".")
            terminal.settle()
        terminal.see(LENS[options.lang])
        keep("lens")
        terminal.close()


if __name__ == "__main__":
    main()
