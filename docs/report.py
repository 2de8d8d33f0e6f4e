"""Hold a mock interview in the real program, save its report as a page, and take a picture of the page.

    python docs/report.py --lang zh --out docs/report-zh.png

Nothing is staged: the keys of a person go in, the program marks what they typed and writes the page, and a Chromium
without a window draws it. Needs the extra ``test`` (pexpect, pyte) and Chromium.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from walk import ANSWERS, Walk

SIZE = "900,2250"
BROWSERS = ("chromium", "chromium-browser", "google-chrome")
SEEN = {"zh": ("题数", "存报告"), "en": ("questions", "save")}


def interview(language: str, folder: Path) -> Path:
    """Two questions, one answered in words and one not at all; the page that the program has saved."""
    command = (sys.executable, "-m", "tui.cli", "--seed", "4", "--kind", "open", "--topic", "attention")
    terminal = Walk(language, 100, 36, str(folder / "d"), command=command)
    terminal.see(r"1/\d+")
    terminal.press("I")
    wishes, told = SEEN[language]
    terminal.see(wishes)
    for keys in ("=", "2", "\r"):
        terminal.settle()
        terminal.press(keys)
    terminal.settle()
    terminal.press("i")
    terminal.see(r"1/2")
    terminal.press("i")
    terminal.see(r"\^S")
    terminal.press(ANSWERS[language])
    terminal.settle()
    terminal.press("\x13")
    while True:  # a follow-up, perhaps, and the second question, to which nothing is said
        terminal.settle()
        terminal.press("n")
        terminal.settle()
        if told in terminal.text:
            break
        terminal.press(" ")
    terminal.press("W")
    page, end = folder / "interview.html", time.monotonic() + 120
    while not page.exists() and time.monotonic() < end:
        terminal.settle()
    terminal.close()
    return page


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--lang", choices=("zh", "en"), default="en")
    parser.add_argument("--out", type=Path, required=True)
    options = parser.parse_args()
    browser = next(filter(None, map(shutil.which, BROWSERS)), None)
    if browser is None:
        raise SystemExit(f"the picture needs one of {', '.join(BROWSERS)}")
    out = options.out.resolve()
    with tempfile.TemporaryDirectory() as scratch:
        os.chdir(scratch)  # the program saves beside
        page = interview(options.lang, Path(scratch))
        drawing = [browser, "--headless=new", "--no-sandbox", "--hide-scrollbars", f"--window-size={SIZE}"]
        drawing += [f"--user-data-dir={scratch}/profile", f"--screenshot={out}", page.as_uri()]
        subprocess.run(drawing, check=True, capture_output=True, timeout=120)


if __name__ == "__main__":
    main()
