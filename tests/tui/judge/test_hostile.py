"""Whatever a file does, the judge says what and in which line; nothing is left behind."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.tui.commands.started import environment
from tests.tui.judge.hostile import GOOD, HOSTILE
from tui.judge.judging import judge
from tui.judge.memory import resident
from tui.judge.process import Runner

SECONDS = 1.0  # for those that never end; a good file takes a small part of it


@pytest.mark.parametrize("name", HOSTILE)
def test_a_file_is_never_more_than_a_failure(name: str) -> None:
    source, kind, line = HOSTILE[name]
    limit = SECONDS if kind == "time" else 20.0
    runner = Runner("numpy", seconds=limit)
    verdict = judge("softmax", source.encode(), "mine.py", "numpy", runner)
    failure = verdict.failure
    assert failure is not None and not verdict.passed
    assert failure.kind.startswith(kind), failure.say("en")
    if not failure.kind.startswith(("values", "nan")):
        assert not verdict.mistakes, "a mistake is known by its numbers, and there are none"
    assert line is None or failure.line == line, failure.say("en")
    for language in ("zh", "en"):
        said = failure.say(language)
        assert said and len(said) < 2000
        assert not any(character in said for character in "\x1b\x07\u202e")
    assert len(verdict.printed) < 20_000
    assert not runner.folder.exists()
    assert runner.process.returncode is not None
    assert not Path("/tmp/left-behind").exists()


@pytest.mark.parametrize(
    ("source", "line", "place", "byte"),
    [
        (b"x = 1\ncaf\xe9 = 1\n", 2, "10", "0xe9"),
        ("x = 1\n".encode("utf-16-le"), 1, "2", "0x00"),
        (b"\xff\xfe", 1, "1", "0xff"),
    ],
)
def test_what_is_no_text_is_said_with_its_place(source: bytes, line: int, place: str, byte: str) -> None:
    """Python said it in English, in the middle of a Chinese sentence."""
    failure = judge("softmax", source, "mine.py").failure
    assert failure is not None and (failure.kind, failure.line) == ("syntax-not-text", line)
    assert f"第 {place} 个字节是 {byte}" in failure.say("zh") and "codec" not in failure.say("zh") + failure.say("en")
    assert f"byte {place} is {byte}" in failure.say("en")


def test_another_encoding_may_be_declared(tmp_path: Path) -> None:
    source = "# -*- coding: latin-1 -*-\nname = 'café'\nassert len(name) == 4\n" + GOOD
    assert judge("softmax", source.encode("latin-1"), "mine.py").passed


def test_a_good_file_passes_and_may_print_a_little() -> None:
    source = "print('hello \\x1b[31m')\n" + GOOD
    verdict = judge("softmax", source.encode(), "mine.py")
    assert verdict.passed
    assert verdict.printed == "hello \\u001b[31m\n"


def test_the_environment_of_the_process_names_no_place_of_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TFORMER_SECRET", "x")
    with Runner("numpy") as runner:
        environment = runner._environment()
    assert "TFORMER_SECRET" not in environment and environment["HOME"] == str(runner.folder)


def test_the_resident_size_of_this_process() -> None:
    import os

    held = bytearray(50 << 20)
    assert len(held) < resident(os.getpid()) < 8 << 30
    assert resident(2**30) == 0


LOOKING = """
import numpy as np
def attention(q, k, v, mask=None):
    s = look("scores", q @ k.swapaxes(-1, -2))
    s = look("scaled", s * q.shape[-1] ** {power})
    if mask is not None:
        s = look("masked", np.where(mask, s, -1e9).astype(s.dtype))
    e = np.exp(s - s.max(-1, keepdims=True))
    w = look("weights", e / e.sum(-1, keepdims=True))
    look("nonsense", w)
    return w @ v
"""


def test_looks_find_the_first_wrong_stage() -> None:
    verdict = judge("attention", LOOKING.format(power="-1").encode(), "mine.py")
    assert verdict.failure is not None and verdict.failure.stage is not None
    stage = verdict.failure.stage
    assert (stage.right, stage.wrong) == (("scores",), "scaled")


def test_looks_that_are_right_are_said_so() -> None:
    """The fault is after them: a row that sees nothing; a masked score may be any large negative number."""
    verdict = judge("attention", LOOKING.format(power="-0.5").encode(), "mine.py")
    assert verdict.failure is not None and verdict.failure.stage is not None
    stage = verdict.failure.stage
    assert stage.right[:3] == ("scores", "scaled", "masked") and stage.wrong in (None, "weights")
    assert "nonsense" in stage.unknown or stage.wrong == "weights"


def test_look_is_nothing_elsewhere() -> None:
    with pytest.raises(NameError):
        exec("look('scores', 1)", {})


LEFT = """
import sys, time
from tui.judge.catalogue import load_task
from tui.judge.process import Runner
runner = Runner("numpy", seconds=60)
runner._wait_until_ready()
runner._send({source!r}, "mine.py", load_task("softmax").cases)
time.sleep(0.5)
print(runner.process.pid, runner.folder, flush=True)
sys.stdin.read()
"""


@pytest.mark.parametrize(
    "source", ["while True: pass\n", "import time\ntime.sleep(3600)\n", HOSTILE["endless-and-deaf"][0]]
)
def test_a_file_ends_with_the_program_however_that_ends(source: str) -> None:
    """It went on for ever, at full speed, where the program was killed or had left in a hurry."""
    program = LEFT.format(source=source.encode())
    with subprocess.Popen(
        [sys.executable, "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment()
    ) as judge_process:
        assert judge_process.stdout is not None
        number, folder = judge_process.stdout.readline().split()
        judge_process.kill()
    with contextlib.suppress(ProcessLookupError):
        for _ in range(400):  # it belongs to nobody now: only its being gone can be seen
            if Path(f"/proc/{number}/stat").exists() and " Z " in Path(f"/proc/{number}/stat").read_text():
                break
            os.kill(int(number), 0)
            time.sleep(0.05)
        else:
            os.kill(int(number), 9)
            raise AssertionError("it still runs")
    assert not Path(folder).exists()
