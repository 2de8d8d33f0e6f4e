"""Walk through one question in the real program, in a pseudo-terminal, and keep what was on the screen.

    python docs/walk.py --lang zh --size 80x24 --sentence 我爱北京天安门 --knob temperature=0.5 --out docs/walk-zh
    python docs/walk.py --lang en --size 120x40 --sentence "the cat sat here" --knob temperature=2 --out docs/walk-en

writes OUT-asked.svg, OUT-revealed.svg and OUT-experiment.svg, and with ``--text`` prints the last screen. Nothing is
staged: the keys of a person go in, and what the terminal shows comes out. Needs the extra ``test`` (pexpect, pyte).
"""

from __future__ import annotations

import argparse
import contextlib
import io
import itertools
import os
import re
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import pexpect
import pyte
from rich.color import Color
from rich.console import Console
from rich.style import Style
from rich.text import Text

PATIENCE = 60.0  # seconds for anything to appear; a first start loads NumPy
ANSWERS = {
    "zh": "拿查询和键算相似度，softmax 归一化成权重，再对值加权求和",
    "en": "query-key similarity, a softmax makes weights, the output is a weighted sum of the values",
}
LABELS = {
    "zh": {"sentence": "句子", "temperature": "温度"},
    "en": {"sentence": "sentence", "temperature": "temperature"},
}


class Walk:
    """The program in a terminal of ``columns`` x ``lines``; ``see`` waits for the screen, ``press`` sends keys."""

    def __init__(
        self, language: str, columns: int, lines: int, data_dir: str, *, command: Sequence[str] = (), **more: str
    ) -> None:
        self.screen = pyte.Screen(columns, lines)
        self._stream = pyte.ByteStream(self.screen)
        environment = {**os.environ, **more, "TERM": "xterm-256color", "COLORTERM": "truecolor", "LC_ALL": "C.UTF-8"}
        environment |= {"COLUMNS": str(columns), "LINES": str(lines)}  # the terminal's own size is set after the start
        environment.pop("NO_COLOR", None)
        command = [*(command or (sys.executable, "-m", "tui.cli")), "--lang", language, "--data-dir", data_dir]
        self._child = pexpect.spawn(command[0], command[1:], dimensions=(lines, columns), env=environment, timeout=None)
        self._child.delaybeforesend = None

    @property
    def process(self) -> int:
        return int(self._child.pid)

    def ends(self) -> None:
        """Read until the program is gone, which somebody has told to end."""
        with contextlib.suppress(RuntimeError):
            end = time.monotonic() + PATIENCE
            while time.monotonic() < end:
                self._read()
        self._child.close(force=True)

    @property
    def text(self) -> str:
        """What is on the screen. pyte keeps an empty cell after each wide character; here it is dropped."""
        rows = []
        for line in range(self.screen.lines):
            cells = self.screen.buffer[line]
            rows.append("".join(cells[column].data for column in range(self.screen.columns)).rstrip())
        return "\n".join(rows)

    def see(self, what: str | Callable[[str], bool]) -> str:
        """Wait until ``what`` (a regular expression, or a question to the text) holds of the screen."""
        holds = what if callable(what) else (lambda text: re.search(what, text) is not None)
        end = time.monotonic() + PATIENCE
        while not holds(self.text):
            if time.monotonic() > end:
                raise TimeoutError(f"{what!r} did not appear within {PATIENCE:g} s. The screen was:\n{self.text}")
            self._read()
        return self.text

    def press(self, keys: str) -> None:
        self._child.send(keys)

    def settle(self) -> None:
        """Read until nothing has come for a moment."""
        while self._read(0.4):
            pass

    def close(self) -> None:
        self.press("\x11")  # ctrl+q
        try:
            self._child.expect(pexpect.EOF, timeout=PATIENCE)
        finally:
            self._child.close(force=True)

    def _read(self, wait: float = 0.1) -> bool:
        try:
            self._stream.feed(self._child.read_nonblocking(65536, timeout=wait))
        except pexpect.TIMEOUT:
            return False
        except pexpect.EOF:
            raise RuntimeError(f"the program ended. The screen was:\n{self.text}") from None
        return True

    def picture(self, title: str) -> str:
        """The screen as SVG."""
        console = Console(record=True, width=self.screen.columns, file=io.StringIO(), color_system="truecolor")
        for line in range(self.screen.lines):
            row = Text(no_wrap=True, overflow="ignore", end="\n")
            cells = [self.screen.buffer[line][column] for column in range(self.screen.columns)]
            for (_, style), run in itertools.groupby(enumerate(cells), key=lambda place: _run(*place)):
                row.append("".join(cell.data for _, cell in run), style)
            console.print(row)
        return console.export_svg(title=title)


def _run(column: int, cell: pyte.screens.Char) -> tuple[int, Style]:
    """What neighboring cells share that are written as one text: a word, or blanks. A wide character stands alone:

    not every viewer stretches a text to its cells, and it would move what follows it.
    """
    style = Style(color=_color(cell.fg), bgcolor=_color(cell.bg), bold=cell.bold, reverse=cell.reverse)
    if not cell.data.isascii():
        return column, style
    return (-1 if cell.data.isspace() else -2), style


def _color(name: str) -> Color | None:
    if name == "default":
        return None
    if re.fullmatch(r"[0-9a-f]{6}", name):
        return Color.parse(f"#{name}")
    return Color.parse({"brown": "yellow"}.get(name, name))


def walk(
    language: str, columns: int, lines: int, sentence: str, knobs: dict[str, str], data_dir: str, out: Path | None
) -> str:
    """Answer the first question, reveal it, type ``sentence`` and turn ``knobs``; the text of the last screen."""
    labels = LABELS[language]
    wide = columns >= 100
    terminal = Walk(language, columns, lines, data_dir)

    def keep(name: str) -> None:
        terminal.settle()
        if out is not None:
            Path(f"{out}-{name}.svg").write_text(terminal.picture("tformer-quiz"), encoding="utf-8")

    terminal.see(r"1/\d+")
    terminal.press("i")
    terminal.see(r"\^S")  # the field has the focus
    terminal.press(ANSWERS[language])
    terminal.see(re.escape(ANSWERS[language][:12]))
    keep("asked")
    terminal.press("\x13")  # ctrl+s
    terminal.see(r"NumPy|MLX")
    keep("revealed")
    if not wide:
        terminal.press("x")
        terminal.settle()
    for name, value in {"sentence": sentence, **knobs}.items():
        _focus(terminal, labels[name])
        if name == "sentence":
            terminal.press("=")  # opens the field, the cursor at its end
            terminal.settle()
            terminal.press("\x15")  # delete to the beginning
            terminal.settle()  # an action is run after the keys that came with it
            terminal.press(sentence)
            terminal.see(rf"▸\s*{labels[name]}\s+{re.escape(sentence)}")
            terminal.press("\r")
        else:
            terminal.press("=")
            terminal.settle()
            terminal.press(f"{value}\r")
            terminal.see(rf"▸\s*{labels[name]}.*\s{re.escape(value)}\b")
        terminal.settle()
    terminal.press("\t")
    keep("experiment")
    text = terminal.text
    terminal.close()
    return text


def _focus(terminal: Walk, label: str) -> None:
    """Tab until the knob ``label`` is marked as focused."""
    for _ in range(40):
        if re.search(rf"▸\s*{re.escape(label)}", terminal.text):
            return
        terminal.press("\t")
        terminal.settle()
    raise RuntimeError(f"no knob {label!r} took the focus. The screen was:\n{terminal.text}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--lang", choices=("zh", "en"), default="zh")
    parser.add_argument("--size", default="80x24", help="columns x lines")
    parser.add_argument("--sentence", required=True)
    parser.add_argument("--knob", action="append", default=[], metavar="NAME=VALUE")
    parser.add_argument("--out", type=Path)
    parser.add_argument("--text", action="store_true")
    given = parser.parse_args()
    columns, lines = map(int, given.size.split("x"))
    knobs = dict(knob.split("=", 1) for knob in given.knob)
    with tempfile.TemporaryDirectory() as data_dir:
        text = walk(given.lang, columns, lines, given.sentence, knobs, data_dir, given.out)
    if given.text:
        print(text)


if __name__ == "__main__":
    main()
