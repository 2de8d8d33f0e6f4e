"""``code``: exit status and JSON as promised, words on what is wrong."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from questions.loader import load_shipped
from tests.tui.commands.conftest import Ran
from tests.tui.judge.hostile import GOOD
from tui.judge.catalogue import NAMES

Program = Callable[..., Ran]
KEYS = ["task", "framework", "passed", "cases", "first_failure", "mistakes"]
NO_MAXIMUM = GOOD.replace("x - x.max(axis=axis, keepdims=True)", "x")


@pytest.fixture
def mine(tmp_path: Path) -> Callable[[str], str]:
    def write(source: str) -> str:
        path = tmp_path / "mine.py"
        path.write_text(source, encoding="utf-8")
        return str(path)

    return write


def test_the_tasks_are_listed_in_the_order_of_learning(program: Program) -> None:
    assert [line.split()[0] for line in program("code").out.splitlines()] == list(NAMES)
    assert [each["task"] for each in program("code", "--json").json] == list(NAMES)


def test_a_task_is_shown_without_its_solution(program: Program) -> None:
    ran = program("code", "rope")
    assert ran.status == 0
    assert "rope(x, offset=0, base=10000.0)" in ran.out and "hint 3: " in ran.out
    assert "np.stack" not in ran.out and "np.stack" in program("show", "code-rope").out
    assert program("code", "code-rope").out == ran.out
    assert "要写的函数" in program("code", "rope", lang="zh").out


def test_a_right_file(program: Program, mine: Callable[[str], str]) -> None:
    ran = program("code", "softmax", mine(GOOD), "--json")
    assert ran.status == 0
    data = ran.json
    assert list(data) == KEYS
    assert data["passed"] is True and data["first_failure"] is None and data["mistakes"] == []
    assert data["cases"]["failed"] == 0 < data["cases"]["passed"]
    assert "passed" in program("code", "softmax", mine(GOOD)).out


def test_a_wrong_file(program: Program, mine: Callable[[str], str]) -> None:
    ran = program("code", "softmax", mine(NO_MAXIMUM), "--json")
    assert ran.status == 1
    data = ran.json
    assert list(data) == KEYS
    assert data["passed"] is False and data["mistakes"] == ["no-maximum-subtracted"]
    assert data["first_failure"]["line"] == 6 and data["first_failure"]["kind"] == "nan"
    json.dumps(data, allow_nan=False)
    text = program("code", "softmax", mine(NO_MAXIMUM), lang="zh").out
    assert "你的数正是没有先减最大值的 softmax 的数" in text and "差" in text


@pytest.mark.parametrize(
    "arguments",
    [
        ["sofmax", "{file}"],
        ["softmax", "{file}", "--framework", "jax"],
        ["softmax", "/nonexistent/mine.py"],
        ["softmax", "/"],
        ["softmax", "/dev/zero"],
        ["softmax", "{file}", "--framework"],
        ["softmax", "{file}", "more"],
    ],
)
def test_wrong_usage(program: Program, mine: Callable[[str], str], arguments: list[str]) -> None:
    file = mine(GOOD)
    ran = program("code", *(each.format(file=file) for each in arguments))
    assert (ran.status, ran.out) == (2, "") and ran.err


def test_the_bank_has_every_task_with_everything() -> None:
    bank = load_shipped()
    assert sorted(task.task for task in bank.tasks) == sorted(NAMES)
    for task in bank.tasks:
        assert task.id == f"code-{task.task}" and 8 <= task.minutes <= 20
        for key, text in task.texts():
            assert not text.missing("zh") and not text.missing("en"), (task.id, key)
        assert len(task.hints) == 3 and task.sources and len(task.follow_ups) >= 2


def test_list_has_both_kinds(program: Program) -> None:
    kinds = {each["id"]: each["kind"] for each in program("list", "--json").json}
    assert kinds["sqrt-dk"] == "open" and kinds["code-softmax"] == "code"
    assert program("show", "code-softmax", "--json").json["kind"] == "code"
