"""A person's own questions while the program runs: read again when saved, edited at their line, progress kept."""

from __future__ import annotations

import signal
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from textual.pilot import Pilot

from questions.loader import Bank
from tests.tui.screens.conftest import shown, until
from tui.app import QuizApp
from tui.app import run as start
from tui.bank import OwnFiles, load_bank
from tui.commands.context import Context
from tui.language.words import say_error
from tui.practice.editor import EditorError, at_line
from tui.progress.store import open_store
from tui.screens import editing, program
from tui.screens.side_tabs import SideTabs

ONE = """\
- id: own-{number}
  topic: attention
  level: 1
  question: {{en: "{title}"}}
  answer: {{en: Because.}}
  key_points: [{{id: a-point, en: A point, match: [point]}}]
"""


@asynccontextmanager
async def opened(folder: Path) -> AsyncIterator[tuple[Pilot[Any], Path]]:
    file = folder / "own.yaml"
    file.write_text(ONE.format(number=1, title="What is one?") + ONE.format(number=2, title="What is two?"), "utf-8")
    whole = load_bank([file])
    bank = Bank(tuple(each for each in whole.questions if not each.shipped))
    with open_store(folder / "d") as store:
        app = QuizApp(bank.questions, store, language="en")
        app.own = OwnFiles([file], bank)
        async with app.run_test(size=(100, 30), notifications=True) as pilot:
            await pilot.pause()
            yield pilot, file


def test_what_is_saved_while_the_program_starts_is_a_change(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    started: list[QuizApp] = []
    file = tmp_path / "own.yaml"
    file.write_text(ONE.format(number=1, title="What is one?"), "utf-8")

    def reads_slowly(context: Context) -> Bank:
        bank = load_bank(context.questions)
        file.write_text(ONE.format(number=1, title="What is unity?"), "utf-8")
        return bank

    monkeypatch.setattr(Context, "load_bank", reads_slowly)
    monkeypatch.setattr(QuizApp, "run", lambda app: started.append(app))
    assert start(Context("en", tmp_path / "d", questions=(file,))) == 0
    own = started[0].own
    assert own is not None
    assert own.bank["own-1"].question.en == "What is one?" and own.have_changed()
    assert own.read_again()["own-1"].question.en == "What is unity?"


async def test_a_saved_file_is_read_again_under_the_hands_that_type(tmp_path: Path) -> None:
    async with opened(tmp_path) as (pilot, file):
        app: Any = pilot.app
        assert "What is one?" in shown(pilot)
        app.store.rate("own-2", 3, "en")
        await pilot.press("i", "h", "m")
        file.write_text(ONE.format(number=1, title="What is unity?") + ONE.format(number=3, title="Three?"), "utf-8")
        await until(pilot, lambda: "What is unity?" in shown(pilot))
        assert app.is_typing and app.screen.practice.attempt.typed == "hm"  # the draft and the focus stay
        assert [question.id for question in app.questions] == ["own-1", "own-3"]
        assert app.said.text == "Your questions were read again: 2, nothing wrong"
        assert "own-2" in app.store.cards()  # progress hangs on the id, and waits for the question to come back


async def test_a_faulty_question_stays_as_it_last_was_and_its_line_is_said(tmp_path: Path) -> None:
    async with opened(tmp_path) as (pilot, file):
        app: Any = pilot.app
        text = ONE.format(number=1, title="What is unity?") + ONE.format(number=2, title="Two?").replace(
            "level", "lvel"
        )
        file.write_text(text, "utf-8")
        await until(pilot, lambda: "What is unity?" in shown(pilot))
        assert f"{file}:7:3: own-2: " in app.said.text
        assert [question.question.say("en") for question in app.questions] == ["What is unity?", "What is two?"]
        file.write_text("- id: [", "utf-8")
        await until(pilot, lambda: ":1:" in app.said.text)
        assert "0 more" not in app.said.text and app.said.text.endswith("(a faulty question stays as it last was)")
        assert [question.id for question in app.questions] == ["own-1", "own-2"]


async def test_the_folder_is_looked_through_and_read_beside_the_screen(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each waits here for a key that the screen must take meanwhile."""
    pressed = threading.Event()
    waited: list[bool] = []
    look, read = OwnFiles.have_changed, OwnFiles.read_again

    def slow_look(own: OwnFiles) -> bool:
        waited.append(pressed.wait(20))
        return look(own)

    def slow_read(own: OwnFiles, report: Any) -> Bank:
        pressed.clear()
        report(0.25, "own.yaml")
        waited.append(pressed.wait(20))
        return read(own, report)

    monkeypatch.setattr(program, "SAY_EVERY", -1.0)
    monkeypatch.setattr(OwnFiles, "have_changed", slow_look)
    monkeypatch.setattr(OwnFiles, "read_again", slow_read)
    async with opened(tmp_path) as (pilot, file):
        app: Any = pilot.app
        file.write_text(ONE.format(number=1, title="What is unity?"), "utf-8")
        await pilot.press("L")
        assert app.language == "zh"
        pressed.set()
        await until(pilot, lambda: app.said is not None and app.said.text == "正在重读自己的题：25%")
        await pilot.press("L")
        assert app.language == "en"
        pressed.set()
        await until(pilot, lambda: "What is unity?" in shown(pilot))
    assert waited and all(waited)


async def test_the_editor_opens_the_file_at_the_question_and_what_it_saved_is_checked_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    called: list[list[str]] = []
    async with opened(tmp_path) as (pilot, file):
        app: Any = pilot.app

        def in_the_editor(app: Any, path: Path, line: int) -> bool:
            called.append(at_line(["vim"], path, line))
            path.write_text(ONE.format(number=2, title="What is a pair?"), "utf-8")
            return True

        monkeypatch.setattr("tui.screens.editing.edit", in_the_editor)
        await pilot.press("B", "j", "e")
        await until(pilot, lambda: "What is a pair?" in shown(pilot))
        assert called == [["vim", "+7", str(file)]]
        assert app.said.text.startswith("Your questions were read again")
        monkeypatch.undo()
        monkeypatch.setenv("EDITOR", 'vim "unclosed')
        monkeypatch.delenv("VISUAL", raising=False)
        assert not app.edit(file) and str(file) in app.said.text


class StandsAside:
    """An app as Textual's is: an error while it stands aside leaves it there."""

    screen = SimpleNamespace(refresh=lambda layout: None)
    away = False

    @contextmanager
    def suspend(self) -> Iterator[None]:
        self.away = True
        yield
        self.away = False


@pytest.mark.parametrize(
    ("editor", "code", "said"),
    [
        ("true", None, ""),
        ("false -x", "editor-failed", "编辑器 false 出错退出（退出码 1）"),
        ("no-such-editor --wait", "editor-not-started", "打不开编辑器 no-such-editor：没有这个文件"),
        ("", "no-editor", "q.yaml"),
    ],
)
def test_the_program_comes_back_from_any_editor_and_says_what_was_wrong_with_it(
    editor: str, code: str | None, said: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("EDITOR", editor)
    monkeypatch.delenv("VISUAL", raising=False)
    app: Any = StandsAside()
    interrupt = signal.getsignal(signal.SIGINT)
    try:
        editing.edit(app, tmp_path / "q.yaml", 7)
        failed = None
    except EditorError as error:
        failed = error
    assert not app.away and signal.getsignal(signal.SIGINT) is interrupt
    assert (failed and failed.code) == code and (failed is None or said in say_error(failed, "zh"))


@pytest.mark.parametrize(
    ("editor", "command"),
    [
        (["vim"], ["vim", "+7", "q.yaml"]),
        (["/usr/bin/nvim", "-u", "NONE"], ["/usr/bin/nvim", "-u", "NONE", "+7", "q.yaml"]),
        (["nano"], ["nano", "+7", "q.yaml"]),
        (["emacs", "-nw"], ["emacs", "-nw", "+7", "q.yaml"]),
        (["code", "--wait"], ["code", "--wait", "-g", "q.yaml:7"]),
        (["hx"], ["hx", "q.yaml:7"]),
        (["ed"], ["ed", "q.yaml"]),
    ],
)
def test_each_editor_is_told_the_line_in_its_own_way(editor: list[str], command: list[str]) -> None:
    assert at_line(editor, Path("q.yaml"), 7) == command
    assert at_line(editor, Path("q.yaml"), None) == [*editor, "q.yaml"]


@pytest.mark.parametrize("name", ["-c!id.yaml", "+call x.yaml", "--wait.yaml"])
@pytest.mark.parametrize("editor", ["vim", "code", "hx", "ed"])
def test_a_file_s_name_is_no_option_of_the_editor(editor: str, name: str) -> None:
    """In a stranger's folder, which was named as ``.``: vim would run what stands after ``-c`` and ``+``."""
    for line in (7, None):
        command = at_line([editor], Path(name), line)
        assert command[-1].startswith(f"./{name}")


async def test_an_answer_without_an_experiment_has_all_the_room_and_every_key_says_so(tmp_path: Path) -> None:
    async with opened(tmp_path) as (pilot, _):
        app: Any = pilot.app
        await app.ask("own-1")
        await pilot.press("space")
        await until(pilot, lambda: app.screen.live is not None and app.screen.has_class("revealed"))
        for key in ("x", "o", "full_stop", "c", "e"):
            app.fall_silent()
            await pilot.press(key)
            assert app.said.text == "This question has no experiment", key
        await pilot.pause()
        assert app.screen.query_one("#answer-side").size.width > app.size.width - 4
        await pilot.resize_terminal(80, 24)
        await pilot.pause()
        assert not app.screen.query_one(SideTabs).size.height
