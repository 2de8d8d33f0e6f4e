"""The line-based quiz at a real terminal: typing, Ctrl-D, a kill, the width of the window. Ctrl-C: test_signals."""

from __future__ import annotations

import signal
import sqlite3
import time
from pathlib import Path

import pexpect

from tests.tui.commands.started import COMMAND, FIRST, environment, next_start, ratings
from tui.progress.store import open_store


def _listen() -> None:
    """Ctrl-C ends a program, unless what runs the tests was itself started deaf to it (in the background, say)."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def _terminal(data: Path, *arguments: str, **more: str) -> pexpect.spawn:
    return pexpect.spawn(
        COMMAND[0],
        [*COMMAND[1:], "--data-dir", str(data), *arguments],
        env=environment(**more),
        cwd=str(data.parent),
        encoding="utf-8",
        dimensions=(30, 90),
        timeout=30,
        preexec_fn=_listen,
    )


def test_the_quiz_at_a_terminal(tmp_path: Path) -> None:
    child = _terminal(tmp_path / "d", "--plain", "--lang", "zh")
    child.expect("回答> ")
    child.sendline("注意力是加权求和")
    child.expect("回答> ")
    child.sendline("")
    child.expect("直接回车不猜> ")
    child.sendline("")
    child.expect("一分钟说法|参考答案")
    child.expect("评分> ")
    child.sendline("f")
    child.expect("哪里有误")
    child.sendline("公式少了掩码")
    child.expect("已标记")
    child.expect("评分> ")  # a line that comes before it is no rating
    child.sendline("2")
    child.expect("已记下，6 分后再来")
    child.expect("回答> ")
    child.sendeof()
    child.expect(pexpect.EOF)
    child.close()
    assert child.exitstatus == 0
    assert ratings(tmp_path / "d") == [(FIRST, 2, "注意力是加权求和")]
    with sqlite3.connect(tmp_path / "d" / "progress.sqlite3") as raw:
        assert raw.execute("SELECT note FROM flags").fetchall() == [("公式少了掩码",)]


def test_a_kill_while_typing_loses_no_line(tmp_path: Path) -> None:
    child = _terminal(tmp_path / "d", "--plain", "--lang", "en")
    child.expect("answer> ")
    child.sendline("the first line")
    child.expect("answer> ")
    child.kill(signal.SIGKILL)
    child.expect(pexpect.EOF)
    child.close()
    with open_store(tmp_path / "d") as store:
        assert list(store.drafts().values()) == ["the first line"]
    assert "the first line" in next_start(tmp_path / "d")


def test_lines_are_broken_at_the_terminals_width(tmp_path: Path) -> None:
    from rich.cells import cell_len

    child = _terminal(tmp_path / "d", "show", FIRST, "--lang", "zh", COLUMNS="60")
    child.expect(pexpect.EOF)
    lines = (child.before or "").splitlines()
    lines = [line for line in lines if not line.startswith("questions/")]  # faults are told whole, for editors
    assert max(map(cell_len, lines)) <= 60
    assert not [line for line in lines if line.strip().startswith(("，", "。", "；", "）"))]


def test_pasted_paragraphs_are_one_answer_and_rate_nothing(tmp_path: Path) -> None:
    """An empty line and a line ``1`` within a pasted text: the first ends no answer, the second is no rating."""
    pasted = "the first paragraph\n\n1\nthe last one\n3\n"
    for bracketed in (False, True):
        data = tmp_path / str(bracketed)
        child = _terminal(data, "ask", FIRST, "--lang", "en", "--plain")
        child.expect("answer> ")
        child.send(f"\x1b[200~{pasted}\x1b[201~\n" if bracketed else pasted)
        child.expect("the last one")
        time.sleep(1)
        with sqlite3.connect(data / "progress.sqlite3") as raw:
            ((draft,),) = raw.execute("SELECT text FROM drafts").fetchall()
        raw.close()
        assert draft.split("\n") == ["the first paragraph", "", "1", "the last one", "3"]
        child.sendline("")
        if child.expect(["none> ", "rate> "]) == 0:  # the outcome to predict comes first
            child.sendline("")
            child.expect("rate> ")
        assert ratings(data) == []
        child.sendline("2")
        child.expect(pexpect.EOF)
        child.close()
        assert ratings(data) == [(FIRST, 2, draft)]
