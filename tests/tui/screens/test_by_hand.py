"""By hand: a task taken up, written in a file, judged on each save, and rated."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from textual.pilot import Pilot

from questions.loader import load_shipped
from tests.tui.judge.hostile import GOOD
from tests.tui.screens.conftest import shown, until
from tui.app import QuizApp
from tui.bank import in_order, load_bank
from tui.judge.verdict import Verdict
from tui.practice.written import skeleton
from tui.progress.store import open_store
from tui.screens.by_hand import ByHandScreen

NO_MAXIMUM = GOOD.replace("x - x.max(axis=axis, keepdims=True)", "x")


def app_in(store: Any, language: Any = "en") -> QuizApp:
    bank = load_bank()
    return QuizApp(bank.questions[:1], store, language=language, tasks=in_order(bank))


def verdict(pilot: Pilot[Any]) -> Any:
    return pilot.app.screen._verdict


@pytest.mark.parametrize("key", ["H", "f12"])
async def test_written_wrong_then_right_then_rated(tmp_path: Path, key: str) -> None:
    with open_store(tmp_path) as store:
        app = app_in(store)
        async with app.run_test(size=(120, 40), notifications=True) as pilot:
            await pilot.press(key)
            await pilot.pause()
            assert isinstance(app.screen, ByHandScreen)
            await pilot.press("enter")
            await pilot.pause()
            draft = tmp_path / "by-hand" / "softmax_numpy.py"
            assert "def softmax(x, axis=-1):" in draft.read_text(encoding="utf-8")
            assert "Write a numerically stable softmax" in shown(pilot)
            await pilot.press("3")
            assert store.card("code-softmax") is None  # nothing is rated that was neither passed nor given up
            draft.write_text(NO_MAXIMUM, encoding="utf-8")
            await until(pilot, lambda: isinstance(verdict(pilot), Verdict), turns=2000)
            assert [mistake.name for mistake in verdict(pilot).mistakes] == ["no-maximum-subtracted"]
            await pilot.pause()
            assert "without the maximum subtracted" in shown(pilot)
            draft.write_text(GOOD, encoding="utf-8")
            await until(pilot, lambda: isinstance(verdict(pilot), Verdict) and verdict(pilot).passed, turns=2000)
            await pilot.press("3")
            card = store.card("code-softmax")
            assert card is not None
            assert store.reviews("code-softmax")[0].rating == 3
            await pilot.press("escape", "escape")
            await pilot.pause()
            assert not isinstance(app.screen, ByHandScreen)
    assert draft.read_text(encoding="utf-8") == GOOD  # the draft is kept


async def test_hints_solution_and_frameworks(tmp_path: Path) -> None:
    with open_store(tmp_path) as store:
        app = app_in(store, "zh")
        async with app.run_test(size=(100, 60), notifications=True) as pilot:
            await pilot.press("H", "j", "enter", "h")
            await pilot.pause()
            assert "提示 1" in shown(pilot) and "提示 2" not in shown(pilot)
            await pilot.press("h", "h", "h", "s")
            await pilot.pause()
            assert "提示 3" in shown(pilot) and "解答" in shown(pilot)
            await pilot.press("1")
            assert store.card("code-cross-entropy") is not None
            await pilot.press("f")
            assert store.setting("framework") == app.screen._framework


@pytest.mark.parametrize("size", [(80, 24), (40, 12), (20, 5)])
async def test_it_stands_at_any_size(tmp_path: Path, size: tuple[int, int]) -> None:
    with open_store(None) as store:
        app = app_in(store)
        async with app.run_test(size=size) as pilot:
            await pilot.press("H", "enter", "h", "L", "x", "x")
            await pilot.pause()
            assert isinstance(app.screen, ByHandScreen)


async def test_without_an_editor_the_file_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("EDITOR", raising=False)
    monkeypatch.delenv("VISUAL", raising=False)
    with open_store(tmp_path) as store:
        app = app_in(store)
        async with app.run_test(size=(120, 40), notifications=True) as pilot:
            await pilot.press("H", "enter", "e")
            await pilot.pause()
            assert app.said is not None and "softmax_numpy.py" in app.said.text


def test_every_task_has_a_skeleton_that_compiles() -> None:
    for task in load_shipped().tasks:
        compile(skeleton(task, "numpy"), task.task, "exec")
