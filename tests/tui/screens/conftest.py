"""The application on the shipped bank, with its progress in a temporary folder."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from textual.pilot import Pilot

from questions.bilingual import Language
from tui.app import QuizApp
from tui.bank import in_order, load_bank
from tui.progress.store import open_store

shipped = cache(lambda: load_bank().questions)  # read once: it is most of what opening the program costs
tasks = cache(lambda: tuple(in_order(load_bank())))

Open = Callable[..., AbstractAsyncContextManager[Pilot[Any]]]


@pytest.fixture
def opened(tmp_path: Path) -> Open:
    """``async with opened(size=…, language=…, only=…) as pilot``: the program, where it was left the last time."""

    @asynccontextmanager
    async def open_app(
        size: tuple[int, int] = (120, 40), language: Language = "en", only: str | None = None
    ) -> AsyncIterator[Pilot[Any]]:
        questions = [question for question in shipped() if only in (None, question.id)]
        assert questions
        with open_store(tmp_path) as store:
            app = QuizApp(questions, store, language=language)
            async with app.run_test(size=size, notifications=True) as pilot:
                await pilot.pause()
                yield pilot

    return open_app


async def until(pilot: Pilot[Any], holds: Callable[[], bool], turns: int = 600) -> None:
    """Let the program go on until ``holds``. Experiments run in a thread of their own, so this has to wait for them."""
    for _ in range(turns):
        await pilot.pause()
        if holds():
            return
        await pilot.pause(0.02)
    raise AssertionError("it never came to hold")


def shown(pilot: Pilot[Any]) -> str:
    """The text on the screen."""
    compositor = pilot.app.screen._compositor
    return "\n".join("".join(segment.text for segment in strip) for strip in compositor.render_strips())
