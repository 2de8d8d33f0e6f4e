"""What a stranger wrote reaches the terminal as text: pasted, in messages, and where a widget lets it through."""

from __future__ import annotations

from pathlib import Path

from rich.segment import Segment
from textual import events
from textual._compositor import ChopsUpdate, LayoutUpdate
from textual.app import App
from textual.geometry import Region
from textual.strip import Strip
from textual.widgets import Input, TextArea

from questions.loader import load
from tests.harmless import is_harmless
from tests.tui.screens.conftest import Open, shown, until
from tui.app import QuizApp
from tui.progress.store import open_store
from tui.screens.guard import guarded
from tui.screens.program import Said

HOSTILE = "a\x1b]52;c;aGk=\x07\x1b]8;;x:y\x1b\\\x9b2J\u202egnp\u2066\u2028\x7f\x85\u200f\ufeff\U000e0041z"
WRITTEN = r"a\x1b]52;c;aGk=\x07"


async def test_what_is_pasted_or_said_is_shown_as_text(opened: Open) -> None:
    """In both languages: what surrounds it is another."""
    async with opened(language="zh") as pilot:
        await pilot.press("i")
        pilot.app.post_message(events.Paste("one\rtwo\r\nthree\nfour\tfive"))
        await pilot.pause()
        box = pilot.app.focused
        assert isinstance(box, TextArea) and box.text == "one\ntwo\nthree\nfour\tfive"  # lines stay lines
        pilot.app.notify(HOSTILE)
        await pilot.pause()
        assert WRITTEN in shown(pilot) and is_harmless(shown(pilot))
        assert WRITTEN in Said(HOSTILE).text
        pilot.app.fall_silent()
        box.text = HOSTILE
        await pilot.pause()
        assert is_harmless(shown(pilot))
        box.text = ""
        await pilot.pause()
        assert WRITTEN not in shown(pilot)
        for keys, kind in (
            (["i"], TextArea), (["ctrl+s", "e"], Input), (["escape", "L", "B", "slash"], Input),
        ):  # fmt: skip
            await pilot.press(*keys)
            await pilot.pause()
            assert isinstance(pilot.app.focused, kind), keys
            pilot.app.post_message(events.Paste(HOSTILE))
            await pilot.pause()
            assert WRITTEN in shown(pilot) and is_harmless(shown(pilot).replace("\n", "")), keys
        await pilot.press("ctrl+u")
        pilot.app.post_message(events.Paste("two\twords\nof a table"))
        await pilot.pause()
        assert isinstance(pilot.app.focused, Input) and pilot.app.focused.value == "two words of a table"
        await pilot.press("escape", "ctrl+p")
        await pilot.pause()
        assert pilot.app.language == "en"
        pilot.app.post_message(events.Paste(HOSTILE))
        await pilot.pause()
        assert WRITTEN in shown(pilot) and is_harmless(shown(pilot))


def test_the_last_guard_leaves_out_what_a_widget_let_through() -> None:
    console = App().console
    bad, good = Strip([Segment(HOSTILE), Segment("文 b")]), Strip([Segment("good")])
    for update in (
        LayoutUpdate([[bad, good], [good]], Region(0, 0, 20, 2)),
        ChopsUpdate([{0: bad, 30: good}, {0: None}], [(0, 0, 40), (1, 0, 40)], [[30, 40], [40]]),
    ):
        assert HOSTILE in update.render_segments(console)
        written = guarded(update).render_segments(console)
        assert "\x1b]" not in written and "文 b" in written and "good" in written
        assert not {character for character in written if not is_harmless(character)} - {"\x1b"}
    assert bad.cell_length == Strip([Segment("a]52;c;aGk=]8;;x:y\\2Jgnpz文 b")]).cell_length


MARKUP = "[a=。b] [/] [@click=app.quit]zebra[/] [red"
MARKED_UP = f"""\
- id: mine
  topic: attention
  level: 1
  question: {{en: "{MARKUP} asked"}}
  answer: {{en: "{MARKUP} answered"}}
  key_points:
    - {{en: "{MARKUP} pointed", match: [zebra]}}
  misconception: {{en: "{MARKUP} mistaken", match: [horse]}}
  sources: [{{title: "{MARKUP} titled", where: "{MARKUP}"}}]
  experiment: {{run: attention-steps, with: {{sentence: "[a=b] [/] zebra"}}}}
"""


async def test_what_looks_like_markup_is_text_everywhere(tmp_path: Path) -> None:
    """Of a question's texts the palette read those of a hit's second line as markup: a search ended the program."""
    file = tmp_path / "mine.yaml"
    file.write_text(MARKED_UP, encoding="utf-8")
    bank = load([file])
    assert not bank.problems
    with open_store(tmp_path / "d") as store:
        app = QuizApp(bank.questions, store, language="en")
        async with app.run_test(size=(120, 40), notifications=True) as pilot:
            for keys, words in (
                (["ctrl+p", *"mistaken"], "question · …@click=app.quit]zebra[/]"),
                (["escape", "escape", "i", *"zebra", "ctrl+s"], "answered"),
                (["B"], f"{MARKUP} asked"),
                (["I", "i"], f"{MARKUP} asked"),
                (["i", *"zebra", "ctrl+s"], "pointed"),
            ):
                await pilot.press(*keys)
                await until(pilot, lambda words=words: words in shown(pilot))  # type: ignore[misc]
                assert app.crash is None
            assert app.is_running
