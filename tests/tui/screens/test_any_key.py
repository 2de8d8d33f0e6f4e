"""Any key, any click, any paste at any size, in every place, both languages and several themes: the program stands.

The draw is seeded: a failure names its seed and the last events. ``make soak`` draws twenty times as many.
"""

from __future__ import annotations

import random
from collections import deque
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from textual import events
from textual.app import App, ComposeResult
from textual.containers import Vertical
from textual.pilot import OutOfBounds, Pilot
from textual.widgets import TextArea

from questions.bilingual import Language
from tests import soak
from tests.soak import times
from tui.app import THEMES, QuizApp
from tui.bank import in_order, load_bank
from tui.practice.written import everything
from tui.progress.store import open_store
from tui.screens.answer_box import AnswerBox
from tui.screens.code_box import CodeBox
from tui.screens.listing import Options
from tui.widgets.line_input import LineInput

EVENTS = times(75, 5_000)  # of each of four draws
KEYS = (
    *"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789,.<>[]",
    *(f"f{number}" for number in range(1, 13)),
    "space", "enter", "escape", "tab", "shift+tab", "up", "down", "left", "right", "pageup", "pagedown", "home", "end",
    "backspace", "delete", "slash", "equals_sign", "question_mark",
    "ctrl+p", "ctrl+s", "ctrl+z", "ctrl+a", "ctrl+k", "ctrl+w", "ctrl+home", "ctrl+end", "shift+up", "shift+right",
)  # fmt: skip
PASTES = ("猫", "a\nb\r\nc", "\x1b[2J\u202e", "[/]", "x" * 30_000, "9" * 400, "-1e999", "nan", "👩‍🔬e\u0301", "\t", "")
SIZES = ((1, 1), (20, 5), (300, 100), (80, 24), (120, 40), (2, 60), (200, 2), (40, 10))


async def draw(pilot: Pilot[Any], app: QuizApp, chance: random.Random, count: int) -> AsyncIterator[str]:
    """``count`` events, each sent; what it was."""
    for _ in range(count):
        kind = chance.random()
        if kind < 0.8:
            key = chance.choice(KEYS)
            yield key
            await pilot.press(key)
        elif kind < 0.88:
            width, height = app.size
            where = chance.randrange(max(width, 1)), chance.randrange(max(height, 1))
            yield f"click {where}"
            try:
                await pilot.click(offset=where, times=chance.choice((1, 1, 2)))
            except OutOfBounds:
                continue
        elif kind < 0.93:
            text = chance.choice(PASTES)
            yield f"paste {text[:20]!r}"
            app.post_message(events.Paste(text))
        elif kind < 0.98:
            size = chance.choice(SIZES)
            yield f"resize {size}"
            await pilot.resize_terminal(*size)
        else:
            theme = chance.choice(THEMES)
            yield f"theme {theme}"
            app.choose_theme(theme)


@pytest.mark.parametrize(
    ("seed", "language", "size"), [(1, "zh", (80, 24)), (2, "en", (120, 40)), (3, "zh", (120, 40)), (4, "en", (80, 24))]
)
async def test_the_program_stands(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, seed: int, language: Language, size: tuple[int, int]
) -> None:
    seed = soak.seed(seed)

    async def stay(app: QuizApp) -> None:
        app.keep()  # all of leaving but the end, which would end the draw

    monkeypatch.setattr(QuizApp, "action_quit", stay)
    monkeypatch.chdir(tmp_path)  # where `w` saves pictures
    for editor in ("VISUAL", "EDITOR"):
        monkeypatch.delenv(editor, raising=False)  # it would wait for its person
    chance = random.Random(seed)
    latest: deque[str] = deque(maxlen=25)
    bank = load_bank()
    tasks = in_order(bank)
    with open_store(tmp_path) as store:
        app = QuizApp(everything(bank, tasks), store, language=language, seed=seed, tasks=tasks)
        async with app.run_test(size=size, notifications=True) as pilot:
            async for what in draw(pilot, app, chance, EVENTS):
                latest.append(what)
                assert app.crash is None and app.is_running, (seed, list(latest))
            await pilot.resize_terminal(80, 24)
            await pilot.pause()
        assert app.crash is None, (seed, list(latest), app.crash)


async def test_the_palette_stands_without_room(tmp_path: Path) -> None:
    """It was laid out at no width, and asked for the line of an entry that had none."""
    with open_store(tmp_path) as store:
        app = QuizApp(load_bank().questions, store, language="zh")
        async with app.run_test(size=(2, 60)) as pilot:
            for size in ((2, 60), (1, 1), (200, 2), (20, 5)):
                await pilot.resize_terminal(*size)
                await pilot.press("ctrl+p")
                for key in ("pagedown", "pageup", "猫", "pagedown", "up", "pageup"):
                    await pilot.press(key)
                    await pilot.pause()
                    assert app.crash is None, (size, key)
                for narrow in ((80, 24), (4, 60), (2, 60), size):
                    await pilot.resize_terminal(*narrow)
                    await pilot.press("a", "pagedown")
                    await pilot.pause()
                    assert app.crash is None, (size, narrow)
                await pilot.press("escape")
                assert not app.screen.is_modal, size
        assert app.crash is None


class Narrow(App[None]):
    """Every list and field of ours in a box of ``width``, as it stands in a dialog."""

    def compose(self) -> ComposeResult:
        with Vertical():
            listed = Options("猫 one two", "three", markup=False)
            listed.styles.height = "auto"
            yield listed
            yield AnswerBox()
            yield CodeBox(id="code")
            yield LineInput("猫 value")


async def test_every_field_and_list_stands_without_width() -> None:
    """A list was laid out at no width, where Textual breaks its lines in steps of none; a field too, once."""
    app = Narrow()
    async with app.run_test(size=(40, 60)) as pilot:
        for field in app.query(TextArea):
            field.load_text("猫 half an answer, longer than a line of it\n" * 3)
        for width in (40, 5, 4, 3, 2, 1, 0, 3):
            app.query_one(Vertical).styles.width = width
            await pilot.pause()
            for widget in app.query("Options, AnswerBox, CodeBox, LineInput"):
                widget.focus()
                await pilot.press("down", "x")
        await pilot.resize_terminal(1, 1)
        await pilot.press("a", "down")
        assert app.is_running
