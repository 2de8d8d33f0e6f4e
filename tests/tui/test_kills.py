"""The real program killed at random moments: nothing that it had shown as taken is lost, and undo takes back the last.

A few kills in the suite; 200 with ``make soak``.
"""

from __future__ import annotations

import os
import random
import select
import signal
import subprocess
import time
from pathlib import Path

import pytest

from tests.soak import times
from tests.tui.commands.started import COMMAND, environment
from tests.tui.test_signals import Terminal
from tui.progress.store import open_store

PROMPTS = ("answer> ", "none> ", "rate> ")


class Quiz:
    """The line quiz on pipes, and what it has said it took."""

    def __init__(self, data: Path) -> None:
        self.process = subprocess.Popen(
            [*COMMAND, "--data-dir", str(data), "--plain", "--lang", "en"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=environment(PYTHONUNBUFFERED="1"),
            cwd=data.parent,
        )
        self.said = ""
        self.ratings: list[int] = []  # shown as noted
        self.sent: int | None = None  # given, and not yet shown as noted
        self.typed: list[str] = []  # lines of the present answer that were followed by a prompt

    def prompt(self) -> str:
        """Read until the program asks for something; which prompt it is."""
        assert self.process.stdout is not None
        begin, deadline = len(self.said), time.monotonic() + 60
        while not self.said[begin:].endswith(PROMPTS):
            assert time.monotonic() < deadline, self.said[-500:]
            if select.select([self.process.stdout], [], [], 1)[0]:
                self.said += os.read(self.process.stdout.fileno(), 65536).decode("utf-8", "replace")
        if self.sent is not None and "Noted" in self.said[begin:]:
            self.ratings.append(self.sent)
            self.sent = None
        return next(prompt for prompt in PROMPTS if self.said.endswith(prompt))

    def send(self, line: str) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write((line + "\n").encode())
        self.process.stdin.flush()


@pytest.mark.parametrize("seed", range(times(4, 200)))
def test_a_kill_at_any_moment_loses_nothing(tmp_path: Path, seed: int) -> None:
    draw = random.Random(seed)
    data = tmp_path / "d"
    quiz = Quiz(data)
    line = ""
    for step in range(draw.randrange(2, 16)):
        prompt = quiz.prompt()
        if line and prompt == "answer> ":
            quiz.typed.append(line)
        line = ""
        if prompt == "answer> " and draw.random() < 0.6:
            line = f"line {step} 方差"
            quiz.send(line)
        elif prompt == "rate> ":
            quiz.sent = draw.choice((1, 2, 3, 4))
            quiz.typed = []
            quiz.send(str(quiz.sent))
        else:
            quiz.send("")
    time.sleep(draw.random() * 0.05)
    os.kill(quiz.process.pid, signal.SIGKILL)
    quiz.process.communicate()
    assert_kept(data, quiz.ratings, quiz.sent, "\n".join(quiz.typed))


def assert_kept(data: Path, ratings: list[int], sent: int | None, typed: str) -> None:
    """The next start finds the ratings that were shown as taken (``sent`` may be there), the draft that was begun,
    and an undo of each, the last first."""
    with open_store(data) as store:
        assert store.notices == ()
        reviews = store.reviews()
        given = [review.rating for review in reviews]
        assert given in (ratings, [*ratings, sent]), (given, ratings, sent)
        drafts = store.drafts()
        if typed:
            assert any(draft.startswith(typed) for draft in drafts.values()), (typed, drafts)
        for review in reversed(reviews):
            undone = store.undo()
            assert undone is not None
            assert (undone.kind, undone.question_id, undone.rating) == ("rate", review.question_id, review.rating)
            assert undone.answer == review.answer
            assert store.card(review.question_id) == review.before
            assert not review.answer.text or store.draft(review.question_id)
        assert store.undo() is None and store.cards() == {}


@pytest.mark.parametrize("seed", range(times(2, 60)))
def test_a_kill_in_the_screen_loses_nothing(tmp_path: Path, seed: int) -> None:
    draw = random.Random(seed)
    data = tmp_path / "d"
    language, answer = (("en", "Your answer"), ("zh", "参考答案|要点"))[seed % 2]
    screen = Terminal(data, "--lang", language)
    ratings: list[int] = []
    answers: list[str] = []
    sent, typed = None, ""
    try:
        screen.see(r"1/\d+")
        for number in range(draw.randrange(1, 5)):
            screen.child.send("i")
            screen.see(r"\^S")  # the keys that follow go to the field
            words = f"加权求和 {draw.randrange(10**6)}"
            screen.child.send(words)
            screen.see(words)
            answers.append(words)
            if draw.random() < 0.25:
                time.sleep(1.5)  # a draft is kept when the keys rest
                typed = words
                break
            screen.child.sendcontrol("s")
            screen.see(answer)
            sent = draw.choice((1, 2, 3, 4))
            screen.child.send(str(sent))
            if draw.random() < 0.25:
                break
            screen.see(rf"{number + 2}/\d+")  # the next question: this one is rated
            ratings.append(sent)
            sent = None
        time.sleep(draw.random() * 0.05)
        os.kill(screen.child.pid, signal.SIGKILL)
        screen.ends()
    finally:
        screen.close()
    with open_store(data) as store:
        reviews = store.reviews()
    assert [review.answer.text for review in reviews] == answers[: len(reviews)]
    assert_kept(data, ratings, sent, typed)
