"""Practice from end to end, as a person presses the keys."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from textual.events import Key, Paste
from textual.screen import Screen
from textual.widgets import Input

from tests.tui.screens.conftest import Open, shipped, shown, until
from tui.app import QuizApp
from tui.language.words import words
from tui.progress.store import open_store
from tui.screens.answer_box import MAX_LENGTH, AnswerBox
from tui.screens.help import HelpScreen
from tui.screens.key_bar import KeyBar
from tui.screens.live_panel import LivePanel
from tui.screens.passage import Passage
from tui.screens.place import MOST_OF_THE_FOCUS
from tui.screens.practice import PracticeScreen
from tui.screens.program import half_width
from tui.screens.reading import Reading
from tui.widgets.slider import SliderRow


def practice(pilot: Any) -> Any:
    assert isinstance(pilot.app.screen, PracticeScreen)
    return pilot.app.screen.practice


def has_run(pilot: Any) -> bool:
    return pilot.app.screen.query_one(LivePanel).measured is not None


async def test_ask_type_reveal_rate_undo(opened: Open) -> None:
    """One question from end to end: no field has the focus before the first character, a digit rates only an answer,
    every letter is typed, what marking is unsure of is counted, and undo brings the question back."""
    async with opened() as pilot:
        first = practice(pilot).attempt.question
        assert pilot.app.focused is None
        await pilot.press("3")
        assert practice(pilot).attempt.question == first and pilot.app.store.card(first.id) is None
        await pilot.press("enter", *"qLuf1?")
        assert pilot.app.screen.query_one(AnswerBox).text == "qLuf1?" and pilot.app.language == "en"
        phrases = [match for point in first.key_points for match in point.match if isinstance(match, str)]
        phrase = next(match for match in phrases if match.replace(" ", "").isalpha() and match.isascii())
        await pilot.press("space", *f"not {phrase}", "ctrl+s")
        assert practice(pilot).attempt.revealed and practice(pilot).attempt.typed == f"qLuf1? not {phrase}"
        statuses = [mark.status for mark in practice(pilot).attempt.marking.points]
        assert "unsure" in statuses
        await until(pilot, lambda: f"{statuses.count('unsure')} unsure" in shown(pilot))
        await until(pilot, lambda: has_run(pilot))
        text = shown(pilot)
        assert "Your answer" in text and "Key points:" in text
        headings = [str(heading.render()) for heading in pilot.app.screen.query("Reading > .heading")]
        assert any("In a minute" in heading for heading in headings)
        await pilot.press("3")
        assert practice(pilot).attempt.question != first and pilot.app.store.card(first.id) is not None
        await pilot.press("u")
        assert practice(pilot).attempt.question == first and practice(pilot).attempt.revealed
        assert pilot.app.store.card(first.id) is None


async def test_leave_and_come_back_where_it_was(opened: Open) -> None:
    """At a draft, and at an answer whose rating was taken back, beside which the plan is said on the line."""
    async with opened(size=(80, 24)) as pilot:
        await pilot.press("space", "4")
        second = practice(pilot).attempt.question.id
        await pilot.press("i", *"half an ans", "ctrl+q")
    async with opened(size=(80, 24)) as pilot:
        attempt = practice(pilot).attempt
        assert attempt.question.id == second and attempt.typed == "half an ans" and not attempt.revealed
        assert pilot.app.screen.query_one(AnswerBox).text == "half an ans"
        await pilot.press("space", "1", "u")
        assert practice(pilot).attempt.question.id == second and practice(pilot).attempt.revealed
        assert pilot.app.store.card(second) is None
        await pilot.app.action_quit()
    async with opened(size=(80, 24)) as pilot:
        assert practice(pilot).attempt.question.id == second and practice(pilot).attempt.revealed
        assert pilot.app.said.text.startswith("0 due, 19 new")


async def test_flag_suspend_and_a_reset_that_is_asked_twice(opened: Open) -> None:
    async with opened(size=(80, 24)) as pilot:
        first = practice(pilot).attempt.question.id
        await pilot.press("f", *"typo", "enter")
        assert pilot.app.store.flags()[first].note == "typo"
        await pilot.press("Z")
        assert first in pilot.app.store.suspended()
        assert practice(pilot).attempt.question.id != first
        await pilot.press("u")
        assert first not in pilot.app.store.suspended() and practice(pilot).attempt.question.id == first
        await pilot.press("space", "4")
        pilot.app.reset(None, lambda: None)
        await pilot.pause()
        await pilot.press("y")
        assert pilot.app.store.card(first) is not None
        await pilot.press("enter")  # means neither
        assert pilot.app.store.card(first) is not None
        await pilot.press("y")
        assert pilot.app.store.card(first) is None
        await pilot.press("u")
        assert pilot.app.store.card(first) is not None


async def test_leaving_while_the_screen_builds_what_an_answer_needs_is_no_error(
    opened: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ctrl+Q in the first half second ended in an error that was not expected, more often than not."""
    mounted: list[str] = []

    def leave(reading: Reading) -> None:
        mounted.append("reading")
        reading.app.exit()

    monkeypatch.setattr(Reading, "_on_mount", lambda self, event: leave(self))
    async with opened() as pilot:
        await until(pilot, lambda: bool(mounted))
    assert mounted == ["reading"] and pilot.app.crash is None


async def test_a_key_that_comes_when_the_screens_are_gone_is_no_error(opened: Open) -> None:
    """Forwarded by a widget, on a busy machine: it ended the program, which was being left, in an error."""
    async with opened(only="sqrt-dk") as pilot:
        screens = pilot.app._screen_stacks[pilot.app.current_mode]
        gone = screens.copy()
        screens.clear()
        for event in (Key("x", "x"), Paste("x")):
            for event._forwarded in (False, True):
                await pilot.app.on_event(event)
        screens.extend(gone)
    assert pilot.app.crash is None


async def test_the_first_question_stands_there_and_takes_keys_before_what_its_answer_needs(
    opened: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    def at_once(screen: PracticeScreen, callback: Any, *given: Any) -> bool:
        return callback.__name__ == "_bring_answer" or later(
            screen, callback, *given
        )  # which then never comes by itself

    later = PracticeScreen.call_after_refresh
    monkeypatch.setattr(PracticeScreen, "call_after_refresh", at_once)
    async with opened(only="sqrt-dk") as pilot:
        assert not pilot.app.screen.query(LivePanel) and "reveal" in shown(pilot)
        await pilot.press("L", "L", "a", "i", *"softmax", "escape")
        assert practice(pilot).attempt.choice == "a" and not pilot.app.screen.query(LivePanel)
        await pilot.press("space")
        await until(pilot, lambda: has_run(pilot))
        assert practice(pilot).attempt.revealed and "Key points" in shown(pilot)
        await pilot.press("3", "u")
        assert practice(pilot).attempt.revealed


async def test_the_first_frame_that_is_drawn_waits_for_nothing_that_an_answer_needs(
    opened: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    drawn = []

    def display(app: QuizApp, screen: Screen[Any], renderable: object) -> None:
        if renderable is not None and not app._batch_count:  # else Textual drops it
            drawn.append(bool(screen.query(LivePanel)))

    monkeypatch.setattr(QuizApp, "_display", display)
    async with opened(only="sqrt-dk") as pilot:
        await until(pilot, lambda: drawn[-1:] == [True])
    assert not drawn[0]


async def test_full_width_keys_a_long_answer_and_one_of_lines(opened: Open) -> None:
    """Full-width keys act and are typed as they are; too long an answer is cut and said; an answer is shown in its
    lines, with what was found underlined."""
    async with opened(size=(80, 24)) as pilot:
        box = pilot.app.screen.query_one(AnswerBox)
        await pilot.press("Ｌ")
        assert pilot.app.language == "zh"
        await pilot.press("ｉ", "１", "escape", "Ｌ")
        assert box.text == "１" and pilot.app.language == "en"
        box.load_text("x" * (MAX_LENGTH + 5))
        await pilot.pause()
        assert len(box.text) == MAX_LENGTH
        await until(pilot, lambda: "too long" in shown(pilot))
        box.load_text("first, a softmax\n\n1\n\x1b[2J last")
        await pilot.press("space")
        await pilot.pause()
        (quote,) = pilot.app.screen.query("Reading > .quote").results(Passage)
        assert str(quote.render()).split("\n") == ["first, a softmax", "", "1", "\\x1b[2J last"]
        await pilot.press("４")
        assert practice(pilot).done == 1


@pytest.mark.parametrize(("typed", "key"), [("\u3000", "space"), ("。", "full_stop"), ("【", "left_square_bracket"),
                                            ("、", "slash"), ("》", "greater_than_sign"), ("１", "1")])  # fmt: skip
def test_a_key_of_an_input_method_is_the_key_it_stands_for(typed: str, key: str) -> None:
    assert half_width(Key(typed, typed)).key == key


def order(pilot: Any) -> list[str]:
    """The headings of the answer."""
    return [str(block.text) for block in pilot.app.screen.reading._blocks() if block.kind == "heading"]


async def test_predict_run_switch_the_language_and_turn_a_knob(opened: Open) -> None:
    """The question about 1/√d_k: a choice is taken, taken back and judged by the run; everything is in the language at
    once; a turned knob changes the numbers in the answer."""
    async with opened(only="sqrt-dk") as pilot:
        predict = practice(pilot).attempt.question.predict
        wrong = next(letter for letter in predict.choices if letter != predict.answer)
        await pilot.press(wrong)
        assert practice(pilot).attempt.choice == wrong
        await pilot.press(wrong)
        assert practice(pilot).attempt.choice is None  # again takes it back
        await pilot.press(wrong, "space")
        await until(pilot, lambda: has_run(pilot))
        panel = pilot.app.screen.query_one(LivePanel)
        assert all(panel.measured.knobs[name] == value for name, value in predict.settings.items())
        english = shown(pilot)
        assert "not so: it is" in english
        assert order(pilot).index(words("quiz.brief", "en")) == 2, order(pilot)  # behind what was guessed
        await pilot.press("L")
        await pilot.pause()
        chinese = shown(pilot)
        assert "In a minute" in english and "一分钟说法" not in english
        assert "一分钟说法" in chinese and "In a minute" not in chinese
        assert "随机种子" in chinese and "random seed" not in chinese  # the knobs
        assert pilot.app.store.setting("language") == "zh"
        slider = next(row for row in panel.query(SliderRow) if row.knob.name == "d_k")
        slider.focus()
        await pilot.press("equals_sign", *"512", "enter")  # the question's own; the prediction's is 256
        await until(pilot, lambda: panel.measured.knobs["d_k"] == practice(pilot).attempt.question.settings["d_k"])
        before = panel.measured.checks["variance-grows"].measured
        await pilot.press("equals_sign", "4", "enter")
        await until(pilot, lambda: panel.measured.knobs["d_k"] == slider.knob.minimum)
        after = panel.measured.checks["variance-grows"].measured
        assert before > 400 and after < 8
        assert "→" in shown(pilot)


async def test_the_minutes_answer_the_sentence_and_help(opened: Open) -> None:
    """Where nothing was said or guessed the minute's answer is first; the sentence is typed and drawn; help tells about
    the focused thing."""
    async with opened() as pilot:
        await pilot.press("space")
        await until(pilot, lambda: has_run(pilot))
        assert order(pilot)[0] == words("quiz.brief", "en"), order(pilot)
        await pilot.press("question_mark")
        assert isinstance(pilot.app.screen, HelpScreen)
        assert "Ctrl+S" in shown(pilot)
        await pilot.press("escape")
        panel = pilot.app.screen.query_one(LivePanel)
        panel.focus_figure()
        await pilot.pause()
        await pilot.press("f1")
        assert "Focused now" in shown(pilot)
        await pilot.press("escape", "e")
        await pilot.pause()
        assert pilot.app.focused is panel.query_one(Input)
        await pilot.press("ctrl+u", *"zebra yak")
        await until(pilot, lambda: panel.measured.knobs["sentence"] == "zebra yak")
        await until(pilot, lambda: "zebra" in shown(pilot).replace(" ", ""))


ODD = [
    "",
    "[/]",
    "[bold]x[/bold] [/nothing] [@click=app.quit]q[/]",
    "🙂👩‍👩‍👧‍👦 é",
    "שלום مرحبا",
    "a\x00b\x1b[31mred\x07",
    "长" * 300,
]


async def test_odd_answers_are_shown_as_they_are(tmp_path: Path) -> None:
    """On one question as often as there are answers, without its experiment: that one is not what is looked at."""
    plain = replace(next(each for each in shipped() if each.id == "sqrt-dk"), experiment=None, predict=None)
    with open_store(tmp_path) as store:
        app = QuizApp([replace(plain, id=f"odd-{number}") for number in range(len(ODD))], store, language="zh")
        async with app.run_test(size=(120, 24), notifications=True) as pilot:
            for number, answer in enumerate(ODD):
                await pilot.pause()
                pilot.app.screen.query_one(AnswerBox).load_text(answer)
                await pilot.press("space")
                await pilot.pause()
                assert practice(pilot).attempt.revealed, answer
                if "[" in answer and "\x1b" not in answer:
                    assert answer.replace(" ", "") in shown(pilot).replace(" ", "")
                await pilot.press("2")
                app._key = ""
                assert practice(pilot).done == number + 1, answer


async def test_any_size_works_and_can_change(opened: Open) -> None:
    async with opened(size=(20, 5), language="zh") as pilot:
        for done, (pilot.app.language, size) in enumerate(
            (("zh", (20, 5)), ("zh", (80, 24)), ("en", (40, 12)), ("en", (200, 60)))
        ):
            await pilot.resize_terminal(*size)
            await pilot.press("space")
            await until(pilot, lambda: has_run(pilot))
            for width, height in ((80, 24), (20, 5), (120, 40), size):
                await pilot.resize_terminal(width, height)
                await pilot.pause()
                shown(pilot)
            await pilot.press("x", "full_stop", "full_stop", "x", "3")
            assert practice(pilot).done == done + 1, size


async def test_the_bar_has_the_keys_of_the_new_size(opened: Open) -> None:
    """In a narrow window x goes to what stands beside the answer in a wide one; so it is in other places."""
    async with opened(size=(80, 24), only="sqrt-dk") as pilot:
        await pilot.press("space")
        for place, narrow in (((), "x experiment"), (("E", "enter"), None), (("P", "B"), None)):
            await pilot.press(*place)
            for size in ((120, 40), (200, 50), (80, 24)):
                await pilot.resize_terminal(*size)
                await pilot.pause()
                await pilot.pause()
                screen, at = pilot.app.screen, (place, size)
                now = [*screen.focus_hints()[:MOST_OF_THE_FOCUS], *screen.screen_hints()]
                assert list(screen.query_one(KeyBar).hints) == now, at
                if narrow:
                    assert (narrow in shown(pilot)) == (size == (80, 24)), at


async def test_every_key_of_the_bar_fits_80_columns(opened: Open) -> None:
    async with opened(size=(80, 24)) as pilot:
        for keys in ((), ("i",), ("escape", "space"), ("E",), ("P", "B")):
            await pilot.press(*keys)
            for pilot.app.language in ("zh", "en"):
                await pilot.pause()
                at = (pilot.app.language, keys)
                bar = pilot.app.screen.query_one(KeyBar)
                fitting = bar.shown(80)
                assert fitting[-1] == bar.hints[-1] and fitting[-1].key in ("?", "F1"), at
                assert len(fitting) == len(bar.hints) or len(fitting) >= 5, at
                line = shown(pilot).splitlines()[-1]
                assert all(f"{hint.key} {hint.label}" in line for hint in fitting), (at, line)


async def test_narrow_has_two_tabs_and_going_to_the_experiment_does_not_end_in_a_text_field(opened: Open) -> None:
    async with opened(size=(80, 24), only="teacher-forcing") as pilot:
        await pilot.press("space")
        panel = pilot.app.screen.query_one(LivePanel)
        assert not panel.display and "In a minute" in shown(pilot)
        await pilot.press("x")
        await until(pilot, lambda: has_run(pilot))
        assert panel.display and "In a minute" not in shown(pilot) and "date model" in shown(pilot)
        assert "place of the error" in shown(pilot)  # a knob
        await pilot.press("x", "x")
        await pilot.pause()
        assert not pilot.app.is_typing  # its first figure has nothing to focus, its first knob is a text
        await pilot.press("x")
        assert not panel.display and "Key points" in shown(pilot)
        await pilot.press("4")
        assert practice(pilot).done == 1
