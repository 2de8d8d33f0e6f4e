"""A few pictures of whole screens. Facts are held elsewhere: these notice that something looks otherwise.

None shows what an experiment measured: rounding differs between backends and processors, and the pilot tests hold it.

``pytest tests/tui/screens/test_snapshots.py --snapshot-update`` takes new ones; look at them before you keep them.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from textual.pilot import Pilot

from questions.bilingual import Language
from tui.app import QuizApp
from tui.bank import load_bank
from tui.progress.store import open_store

SnapCompare = Callable[..., bool]
SHOWN = Path(__file__).with_name("three_questions.yaml")


def app(language: Language) -> QuizApp:
    questions = [question for question in load_bank([SHOWN]).questions if question.id.startswith("picture-")]
    made = QuizApp(questions, open_store(None), language=language)
    made.animation_level = "none"
    return made


async def helped(pilot: Pilot[Any]) -> None:
    await pilot.press("question_mark")
    await pilot.pause()


async def browser(pilot: Pilot[Any]) -> None:
    await pilot.press("B")
    await pilot.pause()


@pytest.mark.parametrize(
    ("language", "size", "before"),
    [
        ("zh", (80, 24), None),
        ("en", (50, 24), None),
        ("en", (120, 40), helped),
        ("zh", (50, 24), browser),
    ],
    ids=["asked-zh-80", "asked-en-50", "help-en-120", "browser-zh-50"],
)
def test_screen(snap_compare: SnapCompare, language: Language, size: tuple[int, int], before: Any) -> None:
    assert snap_compare(app(language), terminal_size=size, run_before=before)
