"""The mock interview and Progress on the screen."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from textual.events import Paste
from textual.pilot import Pilot

from questions.bilingual import Language
from tests.tui.screens.conftest import Open, shown, tasks, until
from tui.bank import load_bank
from tui.practice.interview import Interview
from tui.practice.selection import Selection
from tui.practice.written import everything
from tui.screens.answer_box import AnswerBox
from tui.screens.choices import Choices
from tui.screens.interview import InterviewScreen
from tui.screens.live_panel import LivePanel
from tui.screens.mark_list import MarkList
from tui.screens.practice import PracticeScreen
from tui.screens.progress import ProgressScreen
from tui.widgets.checks_panel import ChecksPanel
from tui.widgets.knob_panel import KnobPanel


def screen(pilot: Pilot[Any]) -> InterviewScreen:
    found = pilot.app.screen
    assert isinstance(found, InterviewScreen)
    return found


def interview(pilot: Pilot[Any]) -> Interview:
    found = screen(pilot).interview
    assert found is not None
    return found


@pytest.mark.parametrize(("size", "language"), [((80, 24), "zh"), ((120, 40), "en")])
async def test_an_interview_from_wishes_to_report(opened: Open, language: Language, size: tuple[int, int]) -> None:
    async with opened(size=size, language=language, only="sqrt-dk") as pilot:
        await pilot.press("I")
        assert screen(pilot).stage == "wishing"
        knobs = screen(pilot).query_one("#wishes", KnobPanel)
        await pilot.press("left", "down", "right")
        assert (knobs.values["questions"], knobs.values["minutes"]) == (5, 35)
        await pilot.press("i")
        assert screen(pilot).stage == "asked" and interview(pilot).minutes == 35
        assert any(f" {minutes}:" in shown(pilot) for minutes in (33, 34, 35))  # the clock runs
        await pilot.press("i", *"variance grows with d_k", "ctrl+s")
        assert screen(pilot).stage == "revealed"
        turn = interview(pilot).turn
        assert turn is not None and "found" in turn.marks and "✓" in shown(pilot)
        panel = screen(pilot).query_one(LivePanel)
        await until(pilot, lambda: panel.measured is not None)
        await pilot.press("x" if size[0] < 100 else "tab")
        await pilot.pause()
        assert "✓" in shown(pilot)  # the experiment as evidence, its checks counted
        before = panel.measured
        await pilot.press("r")  # the keys that its last line names: run again, and the checks
        await until(pilot, lambda: panel.measured is not before)
        await pilot.press("c")
        assert panel.query_one(ChecksPanel).display
        await pilot.press("c", "x")
        await pilot.pause()
        await pilot.press("n")
        assert interview(pilot).turns[0].rating is not None
        while screen(pilot).stage != "told":  # a follow-up, perhaps
            await pilot.press("space")
            assert "说了误解" not in shown(pilot) and "misconception" not in shown(pilot)  # nothing is said of one here
            await pilot.press("n")
            await pilot.pause()
        said = shown(pilot)
        assert ("接下来先补这几处" if language == "zh" else "What to study next") in said
        (kept,) = pilot.app.store.interviews()
        assert kept["ended_at"] is not None
        assert len(pilot.app.store.reviews("sqrt-dk")) == 1


async def test_marks_are_changed_by_keys_and_taken_up_in_the_language_of_the_screen(
    opened: Open, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Space changes them and the misconception has a key; an interview that was left at them is taken up there, X ends
    it early, and its report is saved beside what is there."""
    monkeypatch.chdir(tmp_path)
    async with opened(only="sqrt-dk") as pilot:
        await pilot.press("I", "i", "s")
        await pilot.pause()
        turn = interview(pilot).turn
        assert turn is not None and turn.spoken and set(turn.marks) == {"missed"}
        assert isinstance(pilot.app.focused, MarkList)
        await pilot.press("space", "down", "space", "space", "j", "enter", "k", "M")
        assert turn.marks[:3] == ["found", "unsure", "found"] and turn.said_misconception
        await pilot.press("M")
        assert not turn.said_misconception
    async with opened(only="sqrt-dk") as pilot:
        await pilot.press("I")
        assert screen(pilot).stage == "revealed"
        await until(pilot, lambda: screen(pilot).query_one(LivePanel).measured is not None)
        assert not re.search("[\u4e00-\u9fff]", shown(pilot).replace("中文", ""))  # the knobs' names were Chinese
        await pilot.press("X", "n")
        await pilot.pause()
        assert screen(pilot).stage == "revealed"  # asked, and thought better of
        await pilot.press("X")
        await pilot.pause()
        assert "cannot be taken up again" in shown(pilot)
        await pilot.press("y")
        await pilot.pause()
        assert screen(pilot).stage == "told"
        await pilot.press("w", "w")
        assert sorted(path.name for path in tmp_path.glob("*.md")) == ["interview-2.md", "interview.md"]
        assert (tmp_path / "interview.md").read_text(encoding="utf-8").startswith("# Mock interview: a report")
        await pilot.press("W")
        await until(pilot, (tmp_path / "interview.html").exists)
        html = (tmp_path / "interview.html").read_text(encoding="utf-8")
        assert "<h1>Mock interview: a report</h1>" in html and "<svg" in html  # the experiment's figure, run for it
        await pilot.press("L")
        assert "模拟面试报告" in shown(pilot)
        await pilot.press("N")
        assert screen(pilot).stage == "wishing"


async def test_leaving_stops_the_clock_and_the_next_start_goes_on(opened: Open) -> None:
    """What is typed is on the disk within the second, so it is there after a kill, too."""
    async with opened(size=(80, 24)) as pilot:
        await pilot.press("I", "i", "i", *"half an")
        await until(pilot, lambda: pilot.app.store.interviews()[0]["record"]["present"]["typed"] == "half an")
        await pilot.press("escape", "G")
        await pilot.pause()
        assert isinstance(pilot.app.screen, ProgressScreen)
        left = pilot.app._screen_stacks["interview"][0].interview.pace().left
        await pilot.pause(0.3)
        assert pilot.app._screen_stacks["interview"][0].interview.pace().left == left
        await pilot.press("G")
        asked = interview(pilot).queue
    async with opened(size=(80, 24), language="zh") as pilot:
        await pilot.press("I")
        assert interview(pilot).queue == asked and screen(pilot).stage == "asked"
        assert screen(pilot).query_one(AnswerBox).text == "half an"
        assert interview(pilot).language == "en"  # that it was begun in


async def test_what_is_pasted_before_the_field_has_the_focus_goes_into_the_answer(opened: Open) -> None:
    """As in practice: pasted keys end no interview, and what was typed stays before it."""
    async with opened(size=(80, 24)) as pilot:
        await pilot.press("I", "i", "i", *"one", "escape")
        pilot.app.post_message(Paste(" X\ny"))
        await pilot.pause()
        await pilot.press("!")
        box = screen(pilot).query_one(AnswerBox)
        assert box.has_focus and box.text == "one X\ny!" and screen(pilot).stage == "asked"


async def test_the_plan_the_capitals_and_the_settings(opened: Open) -> None:
    """The plan stands beside the first question until a key acts; a capital, its key and Escape lead there and back;
    Caps Lock is told of where "i" would have typed; a setting is changed from the palette, and a wrong one refused."""
    async with opened(size=(80, 24), language="zh") as pilot:
        assert "到期 0 题，新题 20 道" in shown(pilot)
        first = pilot.app.screen.practice.attempt.question.id
        await pilot.press("n")
        assert "新题 20 道" not in shown(pilot) and pilot.app.screen.practice.attempt.question.id != first
        await pilot.press("L", "I")
        assert "turn Caps Lock off" in pilot.app.said.text
        await pilot.press("I")
        for capital, key, place in (("I", "f3", InterviewScreen), ("G", "f4", ProgressScreen)):
            for there, back in ((capital, capital), (key, "escape")):
                await pilot.press(there)
                await pilot.pause()
                assert isinstance(pilot.app.screen, place), there
                await pilot.press(back)
                await pilot.pause()
                assert isinstance(pilot.app.screen, PracticeScreen), back
        for typed, kept in (("3", 3), ("many", 3)):
            pilot.app.change("new-per-day")
            await pilot.pause()
            await pilot.press("home", "shift+end", "delete", *typed, "enter")
            await pilot.pause()
            assert pilot.app.store.setting("new-per-day") == kept
        assert "0..9999" in pilot.app.said.text
        assert pilot.app.screen.practice.plan().new == 3


# English, which is longer, where there is least room.
SHOWN: list[tuple[tuple[int, int], Language]] = [
    ((120, 40), "zh"), ((80, 24), "zh"), ((80, 24), "en"), ((40, 12), "en"),
]  # fmt: skip


async def test_progress_counts_anew_and_shows_every_figure(opened: Open) -> None:
    async with opened(size=(80, 24), only="sqrt-dk") as pilot:
        await pilot.press("G")
        assert "ratings: 0" in shown(pilot)
        await pilot.press("G", "space", "3", "G")
        await pilot.pause()
        assert "ratings: 1" in shown(pilot)
        progress = pilot.app.screen
        assert isinstance(progress, ProgressScreen)
        names = [figure.name for figure in progress._figures]
        assert names[0] == "forecast" and len(names) == 8
        for _ in names:
            for size, pilot.app.language in SHOWN:
                await pilot.resize_terminal(*size)
                await pilot.pause()
                assert progress.focused is not None  # something to scroll or to read
                shown(pilot)
            await pilot.press("left", "right", "full_stop")
        assert progress._front == 0
        for pilot.app.language, said in (("zh", "评过 1 次"), ("en", "ratings: 1, today: 1")):
            await pilot.pause()
            assert said in shown(pilot)


async def test_the_end_of_a_sitting_says_what_was_done_and_what_more_there_is(opened: Open) -> None:
    async with opened(only="sqrt-dk") as pilot:
        await pilot.press("space", "4")
        await pilot.pause()
        said = " ".join(shown(pilot).split())
        assert "rated 1 (again 0, hard 0, good 0, easy 1), 1 of them new" in said and "due in 8" in said
        commands = {command.title: command for command in pilot.app.screen.commands()}
        commands["Study ahead: what is due tomorrow"].callback()
        assert "nothing more to ask" in pilot.app.said.text
        assert not pilot.app.screen.query_one(Choices).display  # of the question that was asked last
        await pilot.app.study(Selection(search="there is none"))
        await pilot.pause()
        said = " ".join(shown(pilot).split())
        assert "No question meets these conditions" in said and "Ctrl+P lets you study everything" in said
        await pilot.app.action_quit()
        assert pilot.app.farewell.startswith("rated 1 (again 0, hard 0, good 0, easy 1)")


async def test_code_is_written_in_the_own_editor_and_framework(
    opened: Open, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("tui.practice.written.is_installed", lambda framework: framework != "mlx")
    monkeypatch.setattr("tui.practice.interview.is_installed", lambda framework: framework != "mlx")
    edited: list[Path] = []

    def edit(app: Any, path: Path, line: int | None = None) -> bool:
        edited.append(path)
        path.write_text("# by the editor\n", encoding="utf-8")
        return True

    monkeypatch.setattr("tui.screens.editing.edit", edit)
    async with opened(size=(80, 24)) as pilot:
        app = pilot.app
        app.tasks, app.questions = tasks(), everything(load_bank(), tasks())
        app.selection = Selection(kind="code")
        await pilot.press("I", "i")
        box = screen(pilot).query_one(AnswerBox)
        turn = interview(pilot).turn
        assert turn is not None and box.text.startswith("import numpy")
        await pilot.press("i", "x", "escape")
        assert "    x\n" in box.text and not app.is_typing  # in the place of the empty body
        await pilot.press("f")
        assert box.text.startswith("import torch") and "torch" in shown(pilot)
        await pilot.press("e")
        assert turn.typed == box.text == "# by the editor\n" and edited[0].name.endswith("_torch.py")
        edited[0].write_text("# saved later\n", encoding="utf-8")  # an editor that does not wait
        screen(pilot)._tick()
        assert turn.typed == "# saved later\n"
        await pilot.press("f")
        assert "    x\n" in turn.typed  # each framework keeps its own
