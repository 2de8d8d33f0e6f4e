"""``mark``: an answer from stdin, marked; bad input is refused in a sentence."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.tui.commands.conftest import Ran

Marked = Callable[..., Ran]


@pytest.fixture
def marked(program: Callable[..., Ran], monkeypatch: pytest.MonkeyPatch) -> Marked:
    """Runs ``mark`` with these bytes on stdin."""

    def run(answer: str | bytes, *arguments: str, lang: str = "en") -> Ran:
        data = answer.encode() if isinstance(answer, str) else answer
        monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(data), encoding="utf-8"))
        return program("mark", *arguments, lang=lang)

    return run


def test_json_says_the_state_of_each_point_and_where(marked: Marked, bank: Path) -> None:
    answer = "\ufeff是 twice。不是平方。\n"
    ran = marked(answer, "toy-double", "--json", "--questions", str(bank))
    assert ran.status == 0
    assert ran.json == {
        "points": [
            {"id": None, "text": {"zh": "两倍", "en": "twice"}, "state": "said", "where": [[2, 7]]},
            {"id": None, "text": {"zh": "相加", "en": "a sum"}, "state": "missed", "where": []},
        ],
        "misconception": {"state": "half", "where": [[10, 12]]},
    }


def test_a_shipped_question_has_ids_and_both_languages(marked: Marked) -> None:
    ran = marked("The variance of q·k grows with d_k. The softmax does not saturate.", "sqrt-dk", "--json")
    points = {point["id"]: point for point in ran.json["points"]}
    assert (points["variance"]["state"], points["saturation"]["state"], points["root"]["state"]) == (
        "said",
        "half",
        "missed",
    )
    assert points["variance"]["text"].keys() == {"zh", "en"}


def test_an_author_sees_the_words_and_the_phrase(marked: Marked, bank: Path) -> None:
    ran = marked("it is doubled, not the square", "toy-double", "--questions", str(bank))
    assert ran.out.splitlines() == [
        "Your answer: 1 of 2 key points",
        "✓ said: twice",
        "    “doubled” 6–13, by 两倍",
        "✗ missed: a sum",
        "",
        "the misconception is mentioned and denied: it is the square",
        "    “square” 23–29, by square*",
    ]
    zh = marked("两倍", "toy-double", "--questions", str(bank), lang="zh").out
    assert "✓ 说到了：两倍\n    “两倍” 0–2，命中 两倍\n" in zh
    assert "没说流传的误解：" in zh


@pytest.mark.parametrize(
    ("answer", "english", "chinese"),
    [
        (b"", "there is no answer on stdin", "标准输入里没有回答"),
        (b" \n\t\n", "there is no answer on stdin", "标准输入里没有回答"),
        (b"\xef\xbb\xbf", "there is no answer on stdin", "标准输入里没有回答"),
        ("方差".encode("gbk"), "the answer is not UTF-8 (byte 1 is 0xb7)", "第 1 个字节是 0xb7"),
        (b"x" * 100_001, "longer than 100,000 bytes", "超过 100,000 字节"),
    ],
)
def test_what_is_no_answer_is_refused(marked: Marked, answer: bytes, english: str, chinese: str) -> None:
    ran = marked(answer, "sqrt-dk")
    assert (ran.status, ran.out) == (2, "") and english in ran.err
    assert chinese in marked(answer, "sqrt-dk", lang="zh").err


class _Endless(io.RawIOBase):
    """Gives bytes for ever, and counts them."""

    given = 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        self.given += len(buffer)
        buffer[:] = b"x" * len(buffer)
        return len(buffer)


def test_of_an_endless_line_no_more_is_read_than_tells(
    program: Callable[..., Ran], monkeypatch: pytest.MonkeyPatch
) -> None:
    endless = _Endless()
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BufferedReader(endless), encoding="utf-8"))
    ran = program("mark", "sqrt-dk")
    assert ran.status == 2 and "longer than" in ran.err
    assert endless.given < 1_000_000


def test_an_unknown_id_is_answered_with_the_nearest(marked: Marked) -> None:
    ran = marked("x", "sqrt-dq")
    assert (ran.status, ran.out) == (2, "") and "did you mean sqrt-dk?" in ran.err
    assert "tformer-quiz mark needs ID: tformer-quiz mark ID [--json] < FILE" in marked("x").err


def test_control_characters_of_the_answer_do_not_reach_the_terminal(marked: Marked, bank: Path) -> None:
    ran = marked("two\x1b[2Jtimes the twice\x1b]0;x\x07 twice", "toy-double", "--questions", str(bank))
    assert ran.status == 0 and "\x1b" not in ran.out and "\x07" not in ran.out
