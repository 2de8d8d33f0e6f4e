"""The real program in a pseudo-terminal: signals leave the terminal as it was found, and nothing typed is lost."""

from __future__ import annotations

import contextlib
import os
import random
import re
import signal
import sqlite3
import subprocess
import sys
import termios
import time
from pathlib import Path

import pexpect
import pytest

from tests.soak import seed, times
from tests.tui.commands.started import COMMAND, ROOT, environment, next_start
from tui.commands import signals
from tui.progress.store import open_store

ENDINGS = [signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT, signal.SIGINT]
ON = re.compile(r"\x1b\[\?(1049|1000|1003|1006|2004|1004)(h|l)")


def _listen() -> None:
    for number in ENDINGS:
        signal.signal(number, signal.SIG_DFL)


class Terminal:
    """The program, all that it wrote, and the terminal's attributes before it began."""

    def __init__(self, data: Path, *arguments: str, **more: str) -> None:
        self.child = pexpect.spawn(
            COMMAND[0],
            [*COMMAND[1:], "--data-dir", str(data), *arguments],
            env=environment(**{"COLUMNS": "80", "LINES": "24", **more}),
            cwd=str(data.parent),
            encoding="utf-8",
            dimensions=(24, 80),
            timeout=60,
            preexec_fn=_listen,
        )
        # The terminal's other end, kept open: its attributes can be read when the program is gone.
        self.end = os.open(_other_end(self.child), os.O_RDWR | os.O_NOCTTY)
        self.before = termios.tcgetattr(self.end)
        self.written = ""

    def see(self, what: str) -> None:
        self.child.expect(what)
        self.written += self.child.before + self.child.after

    def type_half_an_answer(self) -> None:
        self.child.send("i")
        time.sleep(0.5)  # the keys that follow go to the field
        self.child.send("half an answer")
        self.see("answer")

    def ends(self) -> int | None:
        deadline = time.monotonic() + 60
        while self.child.isalive() and time.monotonic() < deadline:
            try:
                self.written += self.child.read_nonblocking(65536, timeout=0.1)
            except (pexpect.TIMEOUT, pexpect.EOF):
                continue
        while True:
            try:
                self.written += self.child.read_nonblocking(65536, timeout=0.1)
            except (pexpect.TIMEOUT, pexpect.EOF):
                break
        status: int | None = self.child.exitstatus
        return status

    def modes(self) -> dict[str, str]:
        """The last thing said of each mode that a screen turns on."""
        return dict(ON.findall(self.written))

    def close(self) -> None:
        self.child.close(force=True)
        os.close(self.end)


def _other_end(child: pexpect.spawn) -> str:
    return os.readlink(f"/proc/{child.pid}/fd/0") if os.path.exists("/proc") else os.ttyname(0)


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return tmp_path / "d"


def assert_half_an_answer(data: Path) -> None:
    with open_store(data) as store:
        assert list(store.drafts().values()) == ["half an answer"]
        place = store.place("practice")
        assert place is not None and place.typed == "half an answer"


pytestmark = pytest.mark.skipif(not os.path.exists("/proc/self/fd"), reason="finds the terminal's other end in /proc")


@pytest.mark.parametrize("ending", ENDINGS * times(1, 5))
def test_the_line_quiz_leaves_the_terminal_as_it_found_it(data: Path, ending: signal.Signals) -> None:
    """SIGINT by the terminal's Ctrl+C, the others sent."""
    terminal = Terminal(data, "--plain", "--lang", "en")
    try:
        terminal.see("answer> ")
        terminal.child.sendline("the first line")
        terminal.see("answer> ")
        terminal.child.sendintr() if ending == signal.SIGINT else os.kill(terminal.child.pid, ending)
        assert terminal.ends() == 130
        assert termios.tcgetattr(terminal.end) == terminal.before
        assert "Traceback" not in terminal.written
    finally:
        terminal.close()
    with open_store(data) as store:
        assert list(store.drafts().values()) == ["the first line"]
    assert "the first line" in next_start(data)


@pytest.mark.parametrize("term", ["dumb", ""])
def test_a_terminal_that_can_do_nothing_gets_the_line_quiz(data: Path, term: str) -> None:
    terminal = Terminal(data, "--lang", "en", TERM=term)
    try:
        terminal.see("answer> ")
        assert "\x1b[?1049h" not in terminal.written
    finally:
        terminal.close()


def stopped(process: int) -> None:
    """Wait until it stands still, as a shell does: one that is told to go on before would stop for good."""
    while Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] != "T":
        time.sleep(0.02)


HELD = """
import sys, threading, time
from pathlib import Path
def look(event, arguments):
    if event in ("socket.connect", "socket.bind", "socket.getaddrinfo", "socket.sendto", "socket.gethostbyname"):
        Path(__file__).with_name("sockets").write_text(f"{event} {arguments!r}")
sys.addaudithook(look)
threading.Thread(target=time.sleep, args=(600,)).start()  # which Python would wait for
"""


@pytest.mark.parametrize("ending", [None, *ENDINGS])
def test_leaving_waits_for_nothing(data: Path, tmp_path: Path, ending: signal.Signals | None) -> None:
    """By Ctrl+Q and by each signal: neither for what still runs nor for Python, which takes itself down for longer than
    all the rest of leaving. Nor has the screen opened a connection until then. The terminal is as it was found, nothing
    typed is lost, and a screen that was stopped in between is painted again without a key."""
    (tmp_path / "sitecustomize.py").write_text(HELD)
    terminal = Terminal(data, "--lang", "zh", PYTHONPATH=f"{tmp_path}{os.pathsep}{ROOT}")
    try:
        terminal.see("练习")
        terminal.type_half_an_answer()
        assert terminal.modes()["1049"] == "h" and termios.tcgetattr(terminal.end) != terminal.before
        if ending is None:
            os.kill(terminal.child.pid, signal.SIGTSTP)
            terminal.see(r"\x1b\[\?1049l")  # it gave the terminal up while it was stopped
            stopped(terminal.child.pid)
            os.kill(terminal.child.pid, signal.SIGCONT)
            terminal.see(r"\x1b\[\?1049h")
            terminal.see("half an answer")
        begun = time.monotonic()
        terminal.child.sendcontrol("q") if ending is None else os.kill(terminal.child.pid, ending)
        assert terminal.ends() == (0 if ending is None else 130)
        print(f"left after {time.monotonic() - begun:.2f} s")
        assert set(terminal.modes().values()) == {"l"} and termios.tcgetattr(terminal.end) == terminal.before
        assert not (tmp_path / "sockets").exists()
    finally:
        terminal.close()
    assert_half_an_answer(data)


def test_a_file_that_another_program_keeps_locked(data: Path) -> None:
    """The rating is taken and the next question asked at once; it is said what is waited for; leaving waits for no
    lock; and the next start writes what had to wait."""
    terminal = Terminal(data, "--lang", "en")
    try:
        terminal.see("reveal")
        terminal.type_half_an_answer()
        terminal.child.sendcontrol("s")
        terminal.see("Again")
        holder = sqlite3.connect(data / "progress.sqlite3", isolation_level=None)
        holder.execute("BEGIN IMMEDIATE")
        begun = time.monotonic()
        terminal.child.send("3")
        terminal.see("waiting to write")
        print(f"said after {time.monotonic() - begun:.2f} s")
        terminal.child.send("n")  # it goes on
        terminal.see("2/")
        begun = time.monotonic()
        terminal.child.sendcontrol("q")
        terminal.see("written by the next start")
        assert terminal.ends() == 0
        print(f"left after {time.monotonic() - begun:.2f} s")
        holder.close()
    finally:
        terminal.close()
    with open_store(data) as store:
        assert [(review.rating, review.answer.text) for review in store.reviews()] == [(3, "half an answer")]
        assert [notice.code for notice in store.news()] == ["progress-written"]


@pytest.mark.parametrize("ending", ENDINGS)
def test_a_signal_during_a_long_run_ends_it_at_once(data: Path, ending: signal.Signals) -> None:
    """The run is the slowest that there is, and nobody waits for it; nothing typed before it is lost. How long leaving
    takes is printed."""
    terminal = Terminal(data, "--lang", "en")
    try:
        terminal.see("reveal")
        terminal.type_half_an_answer()
        terminal.child.send("\x1b")  # leaves the field
        time.sleep(0.5)
        terminal.child.send("E")
        terminal.see("Experiments")
        terminal.child.send("/masking-rate")
        time.sleep(1)
        terminal.child.send("\r\r")
        time.sleep(random.random() * 2)
        os.kill(terminal.child.pid, signal.SIGTSTP)
        terminal.see(r"\x1b\[\?1049l")
        stopped(terminal.child.pid)
        os.kill(terminal.child.pid, signal.SIGCONT)
        terminal.see(r"\x1b\[\?1049h")
        time.sleep(random.random())
        begun = time.monotonic()
        os.kill(terminal.child.pid, ending)
        assert terminal.ends() == 130
        print(f"{ending.name}: left after {time.monotonic() - begun:.2f} s")
        assert time.monotonic() - begun < 10  # a run goes on for longer; half a second on a machine that is not busy
        assert set(terminal.modes().values()) == {"l"}
        assert termios.tcgetattr(terminal.end) == terminal.before
        assert "Traceback" not in terminal.written
    finally:
        terminal.close()
    assert_half_an_answer(data)


@pytest.mark.parametrize("ending", ENDINGS)
def test_a_signal_before_the_screen_stands_ends_it_without_a_traceback(
    ending: signal.Signals, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Raised in the event loop, by whatever ran at that moment, it left by a traceback."""
    ended: list[int] = []
    earlier = signal.signal(ending, signal.default_int_handler)  # ignored, where a shell began the tests with &
    monkeypatch.setattr(signals, "_end_now", lambda before, status, said: ended.append(status))
    try:
        with signals.interruptible():
            with signals.terminal_as_found():
                signal.raise_signal(ending)  # in this thread: a signal to the process may come by another, and later
            assert ended == [130]
            with pytest.raises(KeyboardInterrupt):
                signal.raise_signal(ending)
    finally:
        signal.signal(ending, earlier)


LOADING = """
import builtins, runpy, sys
started, loading = sys.argv[1:]
real = builtins.__import__
def interrupted(name, *rest, **named):
    if name == loading:
        raise KeyboardInterrupt
    return real(name, *rest, **named)
builtins.__import__ = interrupted
runpy.run_module(started, run_name="__main__")
"""


@pytest.mark.parametrize(("started", "loading"), [("tui.cli", "rich.cells"), ("tui", "tui.cli")])
def test_ctrl_c_while_the_program_loads_ends_it_without_a_traceback(started: str, loading: str) -> None:
    ran = subprocess.run([sys.executable, "-c", LOADING, started, loading], capture_output=True, text=True, timeout=60)
    assert (ran.returncode, ran.stderr) == (130, "")


BYTES = (
    b"\xff\xfe\x80", b"\xc3", b"\xe7\x8c", b"\xf4\x90\x80\x80", b"\xed\xa0\x80", "猫".encode(), b"\x00", b"\x1b",
    b"\x1b[", b"\x1b[999999999;999999999H", b"\x1b[1;2;3;4;5;6;7;8;9u", b"\x1b[" + b"1" * 5000, b"\x1b]52;c;",
    b"\x1bP+q", b"\x1b_", b"\x1b[200~", b"\x1b[200~half a paste \x1b[31m", b"\x1b[201~", b"\x1b[<0;1;1M",
    b"\x1b[<0;99999;99999M", b"\x1b[<64;5;5M", b"\x1b[<35;-1;-1m", b"\x1b[M\xff\xff\xff", b"\x1b[M !!", b"\x1b[I",
    b"\x1b[O", b"\x1b[?2026;2$y", b"\x1b[?1;2c", b"\x1b[5;5R", b"\x1b[48;0;0;0;0t", b"\x1bOP", b"\x1b[24~",
    b"\x1b[57344u", b"\x1b[97;999u", b"\x9b31m", b"\x1b[1;1", b"\r\n", b"\x7f" * 40, b"x" * 4096, b"\x85\xa0",
)  # fmt: skip


@pytest.mark.parametrize("number", range(times(2, 30)))
def test_no_bytes_end_the_program(data: Path, number: int) -> None:
    """What no keyboard sends: halves of characters and of sequences, pastes without an end, places far outside."""
    draw = random.Random(seed(number))
    terminal = Terminal(data, "--lang", "zh")
    try:
        terminal.see("练习")
        sent = []
        for _ in range(times(60, 300)):
            some = draw.choice(BYTES) if draw.random() < 0.7 else draw.randbytes(draw.randrange(1, 12))
            sent.append(some.translate(None, b"qQ\x11\x03\x1a\x1c"))  # the keys that leave are known to
            os.write(terminal.child.child_fd, sent[-1])
            with contextlib.suppress(pexpect.TIMEOUT):
                terminal.written += terminal.child.read_nonblocking(1 << 20, timeout=0.02)
            assert terminal.child.isalive(), sent[-20:]
        os.write(terminal.child.child_fd, b"\x1b[201~")
        os.kill(terminal.child.pid, signal.SIGTERM)
        assert terminal.ends() == 130, sent[-20:]
        assert set(terminal.modes().values()) == {"l"} and termios.tcgetattr(terminal.end) == terminal.before
        assert not (data / "errors.log").exists(), (data / "errors.log").read_text(encoding="utf-8")[-2000:]
    finally:
        terminal.close()
