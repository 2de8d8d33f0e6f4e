"""By hand: a task taken up, written in a file, judged on each save, and rated."""

from __future__ import annotations

import shutil
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from textual import events
from textual.command import CommandList
from textual.pilot import Pilot

from questions.loader import load_shipped
from tests.tui.judge.hostile import GOOD
from tests.tui.screens.conftest import shown, until
from tui.app import QuizApp
from tui.bank import in_order, load_bank
from tui.judge.verdict import Verdict
from tui.practice.selection import Selection
from tui.practice.written import everything, skeleton
from tui.progress.store import open_store
from tui.screens.answer_box import MAX_CODE
from tui.screens.by_hand import ByHandScreen
from tui.screens.code_box import CodeBox
from tui.screens.practice import PracticeScreen

NO_MAXIMUM = GOOD.replace("x - x.max(axis=axis, keepdims=True)", "x")


def app_in(store: Any, language: Any = "en") -> QuizApp:
    bank = load_bank()
    return QuizApp(bank.questions[:1], store, language=language, tasks=in_order(bank))


def verdict(pilot: Pilot[Any]) -> Any:
    return pilot.app.screen._verdict


async def test_written_wrong_then_right_then_rated(tmp_path: Path) -> None:
    with open_store(tmp_path) as store:
        app = app_in(store)
        async with app.run_test(size=(120, 40), notifications=True) as pilot:
            await pilot.press("H")
            await pilot.pause()
            assert isinstance(app.screen, ByHandScreen)
            draft = tmp_path / "by-hand" / "softmax_numpy.py"
            assert "Write a numerically stable softmax" in shown(pilot)  # beside the list, to read
            await pilot.press("down")
            await pilot.pause()
            assert "Write a numerically stable softmax" not in shown(pilot) and not draft.parent.exists()
            await pilot.press("up", "enter")
            await pilot.pause()
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
            await pilot.press("f12", "j", "enter", "h")
            await pilot.pause()
            assert "提示 1" in shown(pilot) and "提示 2" not in shown(pilot)
            await pilot.resize_terminal(100, 24)
            await pilot.press("h")
            await until(pilot, lambda: "提示 2" in shown(pilot))  # what is new comes into sight
            await pilot.resize_terminal(100, 60)
            await pilot.press("h", "h", "s")
            await pilot.pause()
            assert "提示 3" in shown(pilot) and "解答" in shown(pilot)
            await pilot.press("1")
            assert store.card("code-cross-entropy") is not None
            await pilot.press("f")
            assert store.setting("framework") == app.screen._framework


async def test_no_task_chosen_then_one_at_any_size_and_no_editor(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With the focus neither in the list nor in a text, ``r`` looked for the file of no task, and the program ended.
    The screen and a task open where there is least room and stand at any size in either language; where there is no
    editor the file is named."""
    monkeypatch.delenv("EDITOR", raising=False)
    monkeypatch.delenv("VISUAL", raising=False)
    with open_store(tmp_path) as store:
        app = app_in(store)
        async with app.run_test(size=(20, 5), notifications=True) as pilot:
            await pilot.press("H")
            await pilot.resize_terminal(120, 40)
            await pilot.pause()
            app.screen.set_focus(None)
            for key in ("r", "e", "h", "s", "m", "3", "u", "f", "x", "r", "escape"):
                await pilot.press(key)
                await pilot.pause()
                assert app.crash is None, key
            await pilot.resize_terminal(20, 5)
            await pilot.press("H", "enter")
            for size in ((20, 5), (40, 12), (80, 24)):
                await pilot.resize_terminal(*size)
                await pilot.press("h", "L", "x", "x")
                await pilot.pause()
                assert isinstance(app.screen, ByHandScreen), size
            await pilot.resize_terminal(120, 40)
            while store.setting("framework") != "numpy":  # above, f took the next one
                await pilot.press("f")
            await pilot.press("e")
            await pilot.pause()
            assert app.said is not None and "softmax_numpy.py" in app.said.text


def test_every_task_has_a_skeleton_that_compiles() -> None:
    for task in load_shipped().tasks:
        compile(skeleton(task, "numpy"), task.task, "exec")


NO_SCALE = """\
def attention(q, k, v, mask=None):
    s = q @ np.swapaxes(k, -1, -2)
    if mask is not None:
        s = np.where(mask, s, -np.inf)
    m = np.max(s, axis=-1, keepdims=True)
    e = np.exp(s - np.where(np.isfinite(m), m, 0))
    t = e.sum(axis=-1, keepdims=True)
    return (e / np.where(t == 0, 1, t)) @ v
"""


async def test_written_here_kept_as_it_is_typed_and_led_to_what_shows_the_mistake(tmp_path: Path) -> None:
    with open_store(tmp_path) as store:
        bank = load_bank()
        app = QuizApp(everything(bank), store, language="en", tasks=in_order(bank))
        async with app.run_test(size=(80, 24), notifications=True) as pilot:
            await app.write("code-attention")
            await pilot.press("i")
            draft = tmp_path / "by-hand" / "attention_numpy.py"
            await pilot.press("i", "f", "space", "1", ":", "enter", "x")
            box = app.screen.query_one(CodeBox)
            assert box.text.split("\n")[3:6] == ["def attention(q, k, v, mask=None):", "    if 1:", "        x"]
            await until(pilot, lambda: "        x" in draft.read_text(encoding="utf-8"))  # without being told to
            assert verdict(pilot) is None  # nor is it judged before
            box.load_text("import numpy as np\n" + NO_SCALE)
            await pilot.press("ctrl+s")
            await until(pilot, lambda: isinstance(verdict(pilot), Verdict), turns=2000)
            (mistake,) = verdict(pilot).mistakes
            assert mistake.question is not None
            await until(pilot, lambda: "1/√D" in shown(pilot))  # below the text, which one goes on in
            await pilot.press("escape", "m")
            await until(pilot, lambda: isinstance(app.screen, PracticeScreen))
            assert app.screen.practice.attempt.question.id == mistake.question


async def test_what_stands_here_goes_with_no_folder(tmp_path: Path) -> None:
    """The ratings came back when the data folder was removed; the code that one was writing did not."""
    draft = tmp_path / "by-hand" / "softmax_numpy.py"
    with open_store(tmp_path) as store:
        app = app_in(store)
        async with app.run_test(size=(100, 30), notifications=True) as pilot:
            await pilot.press("H", "enter", "i", "#", "m", "i", "n", "e")
            await until(pilot, lambda: "#mine" in draft.read_text(encoding="utf-8"))
            for leaving in (False, True):
                shutil.rmtree(draft.parent)
                if leaving:
                    app.keep()
                await until(pilot, draft.exists)
                assert "#mine" in draft.read_text(encoding="utf-8")
            assert app.said is not None and "is written there again" in app.said.text


async def test_practice_asks_for_code_and_goes_on_when_it_is_rated(tmp_path: Path) -> None:
    with open_store(tmp_path) as store:
        bank = load_bank()
        app = QuizApp(everything(bank), store, language="en", tasks=in_order(bank))
        app.selection = Selection(kind="code")
        async with app.run_test(size=(120, 40), notifications=True) as pilot:
            await pilot.pause()
            practice = app.screen.practice  # type: ignore[attr-defined]
            assert practice.attempt.question.id == "code-softmax" and practice.remaining == min(20, len(bank.tasks))
            await pilot.press("enter")
            await until(pilot, lambda: isinstance(app.screen, ByHandScreen))
            (tmp_path / "by-hand" / "softmax_numpy.py").write_text(GOOD, encoding="utf-8")
            await until(pilot, lambda: isinstance(verdict(pilot), Verdict) and verdict(pilot).passed, turns=2000)
            await pilot.press("3")
            assert store.card("code-softmax") is None  # one is in the text: it is typed
            await pilot.press("escape", "3")
            await until(pilot, lambda: isinstance(app.screen, PracticeScreen))
            await until(pilot, lambda: practice.attempt.question.id != "code-softmax")
            assert practice.done == 1 and practice.attempt.question.kind == "code"
            await pilot.press("space")  # to give up is to see the solution here
            await until(pilot, lambda: "def attention" in shown(pilot))
            await pilot.press("1", "u")
            await pilot.pause()
            assert practice.attempt.question.id == "code-attention" and practice.attempt.revealed


@pytest.mark.parametrize(("key", "size"), [("i", (80, 24)), ("enter", (120, 40))])
async def test_from_practice_the_cursor_is_in_the_text_and_escape_leads_back(
    tmp_path: Path, key: str, size: tuple[int, int]
) -> None:
    with open_store(tmp_path) as store:
        bank = load_bank()
        app = QuizApp(everything(bank), store, language="zh", tasks=in_order(bank))
        app.selection = Selection(kind="code")
        async with app.run_test(size=size, notifications=True) as pilot:
            for character in (key, "z", "3", "u", "enter", "q"):  # in one burst, as a slow line delivers them
                app.post_message(events.Key(character, "\r" if character == "enter" else character))
            await until(pilot, lambda: isinstance(app.screen, ByHandScreen))
            box = app.screen.query_one(CodeBox)
            await until(pilot, lambda: box.text.endswith("    z3u\n    q\n"))
            assert box.has_focus and not store.buried(date.today()) and app.is_running
            assert "写出数值稳定的" in shown(pilot)  # beside the text, or below
            await pilot.press("escape")
            assert not app.is_typing and isinstance(app.screen, ByHandScreen)
            await pilot.press("escape")
            await until(pilot, lambda: isinstance(app.screen, PracticeScreen))
            await pilot.press(key)
            await until(pilot, lambda: app.is_typing)
            await pilot.press("!")
            assert box.text.endswith("    q!\n")  # where one was


async def test_what_is_pasted_before_one_types_is_code_and_another_task_begins_with_its_own_body(
    tmp_path: Path,
) -> None:
    with open_store(tmp_path) as store:
        app = app_in(store)
        async with app.run_test(size=(80, 24), notifications=True) as pilot:
            await pilot.press("H", "enter")
            await pilot.pause()
            app.post_message(events.Paste("    3s\n    q"))
            await until(pilot, lambda: app.is_typing)
            box = app.screen.query_one(CodeBox)
            await until(pilot, lambda: box.text.endswith("axis=-1):\n        3s\n    q\n"))
            await pilot.resize_terminal(120, 40)
            await pilot.press("ctrl+home", "x", "ctrl+end", "y")
            assert box.text.startswith("ximport") and box.text.endswith("q\ny")
            await pilot.press("escape", "escape", "j", "enter", "i", "z")
            assert box.text.endswith("    z\n") and "cross_entropy" in box.text and "3s" not in box.text


async def test_a_draft_too_long_for_here_is_left_as_it_is(tmp_path: Path) -> None:
    draft = tmp_path / "by-hand" / "softmax_numpy.py"
    draft.parent.mkdir()
    draft.write_text("#" * (MAX_CODE + 1), encoding="utf-8")
    with open_store(tmp_path) as store:
        app = app_in(store)
        async with app.run_test(size=(80, 24), notifications=True) as pilot:
            await pilot.press("H", "enter", "i")
            assert not app.is_typing and app.said is not None and "too long" in app.said.text
            await pilot.press("x", "q")
    assert draft.stat().st_size == MAX_CODE + 1


async def test_a_task_is_rated_once_and_undo_takes_it_back(tmp_path: Path) -> None:
    with open_store(tmp_path) as store:
        app = app_in(store)
        async with app.run_test(size=(120, 40), notifications=True) as pilot:
            await pilot.press("H", "enter")
            await pilot.pause()
            assert "1-4" not in shown(pilot)
            await pilot.press("s")
            await pilot.pause()
            assert "1-4" in shown(pilot)
            await pilot.press("2", "1")
            await pilot.pause()
            assert "1-4" not in shown(pilot)
            assert [review.rating for review in store.reviews()] == [2]
            assert app.said is not None and "rated already" in app.said.text
            await pilot.press("u")
            assert not store.reviews() and "softmax" in app.said.text
            await pilot.press("3")
            assert [review.rating for review in store.reviews()] == [3]


async def test_the_one_search_and_the_list_have_the_tasks(tmp_path: Path) -> None:
    with open_store(None) as store:
        bank = load_bank()
        app = QuizApp(everything(bank), store, language="en", tasks=in_order(bank))
        async with app.run_test(size=(120, 40)) as pilot:
            await pilot.press("B", "slash", *"multi-head causal", "enter")
            await pilot.pause()
            assert "Write multi-head" in shown(pilot)
            await pilot.press("ctrl+p")
            app.post_message(events.Paste("numerically stable softmax"))  # one search; each key would be another
            await until(pilot, lambda: "write it by hand" in shown(pilot))
            listed = app.screen.query_one(CommandList)
            assert listed.virtual_size.height == 2 * listed.option_count  # what it is, and what was hit: a line each


async def test_practice_asks_the_kind_that_is_wanted(tmp_path: Path) -> None:
    with open_store(None) as store:
        bank = load_bank()
        app = QuizApp(everything(bank), store, language="en", tasks=in_order(bank))
        async with app.run_test(size=(120, 40)) as pilot:
            await pilot.pause()
            practice = app.screen.practice  # type: ignore[attr-defined]
            first = practice.attempt.question.id
            assert practice.attempt.question.kind == "open"
            await pilot.press("ctrl+p", *"only what is written", "enter")
            await until(pilot, lambda: practice.attempt.question.id == "code-softmax")
            app.screen.study("")  # type: ignore[attr-defined]
            assert practice.attempt.question.id == "code-softmax"  # the present one stays where both are studied
            app.screen.study("open")  # type: ignore[attr-defined]
            assert practice.attempt.question.id == first
