"""Practice from end to end, as a person presses the keys."""

from __future__ import annotations

from typing import Any

import pytest
from textual.events import Key, Paste
from textual.screen import Screen
from textual.widgets import Input

from tests.tui.screens.conftest import Open, shown, until
from tui.app import QuizApp
from tui.language.words import words
from tui.screens.answer_box import MAX_LENGTH, AnswerBox
from tui.screens.live_panel import LivePanel
from tui.screens.passage import Passage
from tui.screens.practice import PracticeScreen
from tui.screens.program import half_width
from tui.screens.reading import Reading


def practice(pilot: Any) -> Any:
    assert isinstance(pilot.app.screen, PracticeScreen)
    return pilot.app.screen.practice


def has_run(pilot: Any) -> bool:
    return pilot.app.screen.query_one(LivePanel).measured is not None


async def test_ask_type_reveal_rate_next(opened: Open) -> None:
    async with opened() as pilot:
        first = practice(pilot).attempt.question.id
        assert pilot.app.focused is None  # before the first character is typed no field has the focus
        await pilot.press("i", *"softmax", "ctrl+s")
        assert practice(pilot).attempt.revealed and practice(pilot).attempt.typed == "softmax"
        await until(pilot, lambda: has_run(pilot))
        text = shown(pilot)
        assert "Your answer" in text and "Key points:" in text
        headings = [str(heading.render()) for heading in pilot.app.screen.query("Reading > .heading")]
        assert any("In a minute" in heading for heading in headings)
        await pilot.press("3")
        assert practice(pilot).attempt.question.id != first
        assert pilot.app.store.card(first) is not None


async def test_space_reveals_and_digits_rate_only_after(opened: Open) -> None:
    async with opened() as pilot:
        first = practice(pilot).attempt.question.id
        await pilot.press("3")
        assert practice(pilot).attempt.question.id == first and pilot.app.store.card(first) is None
        await pilot.press("space")
        assert practice(pilot).attempt.revealed
        await pilot.press("3")
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


async def test_typing_takes_every_letter(opened: Open) -> None:
    async with opened() as pilot:
        await pilot.press("enter", *"qLuf1?", "escape")
        assert pilot.app.screen.query_one(AnswerBox).text == "qLuf1?"
        assert pilot.app.language == "en"


async def test_full_width_keys_act_and_are_typed_as_they_are(opened: Open) -> None:
    async with opened() as pilot:
        await pilot.press("Ｌ")
        assert pilot.app.language == "zh"
        await pilot.press("ｉ", "１", "escape")
        assert pilot.app.screen.query_one(AnswerBox).text == "１"
        await pilot.press("space", "４")
        assert practice(pilot).done == 1


@pytest.mark.parametrize(("typed", "key"), [("\u3000", "space"), ("。", "full_stop"), ("【", "left_square_bracket"),
                                            ("、", "slash"), ("》", "greater_than_sign"), ("１", "1")])  # fmt: skip
def test_a_key_of_an_input_method_is_the_key_it_stands_for(typed: str, key: str) -> None:
    assert half_width(Key(typed, typed)).key == key


async def test_language_switches_at_once_everywhere(opened: Open) -> None:
    async with opened(only="sqrt-dk") as pilot:
        await pilot.press("space")
        await until(pilot, lambda: has_run(pilot))
        english = shown(pilot)
        await pilot.press("L")
        await pilot.pause()
        chinese = shown(pilot)
        assert "In a minute" in english and "一分钟说法" not in english
        assert "一分钟说法" in chinese and "In a minute" not in chinese
        assert "随机种子" in chinese and "random seed" not in chinese  # the knobs
        assert pilot.app.store.setting("language") == "zh"


async def test_predict_then_run_it(opened: Open) -> None:
    async with opened(only="sqrt-dk") as pilot:
        predict = practice(pilot).attempt.question.predict
        wrong = next(letter for letter in predict.choices if letter != predict.answer)
        await pilot.press(wrong)
        assert practice(pilot).attempt.choice == wrong
        await pilot.press(wrong)
        assert practice(pilot).attempt.choice is None  # again takes it back
        await pilot.press(wrong, "space")
        await until(pilot, lambda: has_run(pilot))
        knobs = pilot.app.screen.query_one(LivePanel).measured.knobs
        assert all(knobs[name] == value for name, value in predict.settings.items())
        assert "not so: it is" in shown(pilot)


@pytest.mark.parametrize("guessed", [False, True])
async def test_the_minutes_answer_is_first_where_nothing_was_said_or_guessed(opened: Open, guessed: bool) -> None:
    async with opened(only="sqrt-dk") as pilot:
        await pilot.press(*("a" if guessed else ""), "space")
        await until(pilot, lambda: has_run(pilot))
        brief = words("quiz.brief", "en")
        kinds = [str(block.text) for block in pilot.app.screen.reading._blocks() if block.kind == "heading"]
        assert kinds.index(brief) == (2 if guessed else 0), kinds


async def test_turning_a_knob_changes_the_numbers_in_the_answer(opened: Open) -> None:
    async with opened(only="sqrt-dk") as pilot:
        await pilot.press("space")
        await until(pilot, lambda: has_run(pilot))
        panel = pilot.app.screen.query_one(LivePanel)
        before = panel.measured.checks["variance-grows"].measured
        from tui.widgets.slider import SliderRow

        slider = next(row for row in panel.query(SliderRow) if row.knob.name == "d_k")
        slider.focus()
        await pilot.press("equals_sign", "4", "enter")
        await until(pilot, lambda: panel.measured.knobs["d_k"] == slider.knob.minimum)
        after = panel.measured.checks["variance-grows"].measured
        assert before > 400 and after < 8
        assert "→" in shown(pilot)


async def test_undo_brings_the_question_back(opened: Open) -> None:
    async with opened() as pilot:
        first = practice(pilot).attempt.question.id
        await pilot.press("space", "1", "u")
        assert practice(pilot).attempt.question.id == first and practice(pilot).attempt.revealed
        assert pilot.app.store.card(first) is None
        await pilot.app.action_quit()
    async with opened() as pilot:  # where it was left, at an answer: the plan is said on the line
        assert practice(pilot).attempt.question.id == first and practice(pilot).attempt.revealed
        assert pilot.app.said.text.startswith("0 due, 20 new")


async def test_leave_and_come_back_where_it_was(opened: Open) -> None:
    async with opened() as pilot:
        second = await _second(pilot)
        await pilot.press("i", *"half an ans", "ctrl+q")
    async with opened() as pilot:
        attempt = practice(pilot).attempt
        assert attempt.question.id == second and attempt.typed == "half an ans"
        assert pilot.app.screen.query_one(AnswerBox).text == "half an ans"


async def _second(pilot: Any) -> str:
    await pilot.press("space", "4")
    name: str = practice(pilot).attempt.question.id
    return name


async def test_flag_and_suspend(opened: Open) -> None:
    async with opened() as pilot:
        first = practice(pilot).attempt.question.id
        await pilot.press("f", *"typo", "enter")
        assert pilot.app.store.flags()[first].note == "typo"
        await pilot.press("Z")
        assert first in pilot.app.store.suspended()
        assert practice(pilot).attempt.question.id != first
        await pilot.press("u")
        assert first not in pilot.app.store.suspended()


async def test_reset_is_asked_twice(opened: Open) -> None:
    async with opened() as pilot:
        first = practice(pilot).attempt.question.id
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


ODD = [
    "",
    "[/]",
    "[bold]x[/bold] [/nothing] [@click=app.quit]q[/]",
    "🙂👩‍👩‍👧‍👦 é",
    "שלום مرحبا",
    "a\x00b\x1b[31mred\x07",
    "长" * 300,
]


async def test_odd_answers_are_shown_as_they_are(opened: Open) -> None:
    async with opened(size=(200, 50), language="zh") as pilot:
        for number, answer in enumerate(ODD):
            pilot.app.screen.query_one(AnswerBox).load_text(answer)
            await pilot.press("space")
            await pilot.pause()
            assert practice(pilot).attempt.revealed
            if "[" in answer and "\x1b" not in answer:
                assert answer.replace(" ", "") in shown(pilot).replace(" ", "")
            await pilot.press("2")
            pilot.app._key = ""
            assert practice(pilot).done == number + 1


async def test_an_answer_is_shown_in_its_lines_with_what_was_found_underlined(opened: Open) -> None:
    async with opened() as pilot:
        typed = "first, a softmax\n\n1\n\x1b[2J last"
        pilot.app.screen.query_one(AnswerBox).load_text(typed)
        await pilot.press("space")
        await pilot.pause()
        (quote,) = pilot.app.screen.query("Reading > .quote").results(Passage)
        assert str(quote.render()).split("\n") == ["first, a softmax", "", "1", "\\x1b[2J last"]


async def test_too_long_an_answer_is_cut_and_said(opened: Open) -> None:
    async with opened() as pilot:
        pilot.app.screen.query_one(AnswerBox).load_text("x" * (MAX_LENGTH + 5))
        await pilot.pause()
        assert len(pilot.app.screen.query_one(AnswerBox).text) == MAX_LENGTH
        await until(pilot, lambda: "too long" in shown(pilot))


@pytest.mark.parametrize(("language", "sizes"), [("zh", [(20, 5), (80, 24)]), ("en", [(40, 12), (200, 60)])])
async def test_any_size_works_and_can_change(opened: Open, language: str, sizes: list[tuple[int, int]]) -> None:
    async with opened(size=(20, 5), language=language) as pilot:
        for size in sizes:
            await pilot.resize_terminal(*size)
            await pilot.press("space")
            await until(pilot, lambda: has_run(pilot))
            for width, height in ((80, 24), (20, 5), (120, 40), size):
                await pilot.resize_terminal(width, height)
                await pilot.pause()
                shown(pilot)
            before = practice(pilot).done
            await pilot.press("x", "full_stop", "full_stop", "x", "3")
            assert practice(pilot).done == before + 1


@pytest.mark.parametrize("language", ["zh", "en"])
async def test_every_key_of_the_bar_fits_80_columns(opened: Open, language: str) -> None:
    from tui.screens.key_bar import KeyBar

    async with opened(size=(80, 24), language=language) as pilot:
        for keys in ((), ("i",), ("escape", "space"), ("E",), ("P", "B")):
            await pilot.press(*keys)
            await pilot.pause()
            bar = pilot.app.screen.query_one(KeyBar)
            fitting = bar.shown(80)
            assert fitting[-1] == bar.hints[-1] and fitting[-1].key in ("?", "F1"), keys
            assert len(fitting) == len(bar.hints) or len(fitting) >= 5, keys
            line = shown(pilot).splitlines()[-1]
            assert all(f"{hint.key} {hint.label}" in line for hint in fitting), keys


async def test_narrow_has_two_tabs(opened: Open) -> None:
    async with opened(size=(80, 24), only="attention-formula") as pilot:
        await pilot.press("space")
        assert not pilot.app.screen.query_one(LivePanel).display or "In a minute" in shown(pilot)
        await pilot.press("x")
        await until(pilot, lambda: has_run(pilot))
        assert "causal mask" in shown(pilot)
        await pilot.press("x")
        assert "Key points" in shown(pilot)


async def test_sentence_is_typed_and_drawn(opened: Open) -> None:
    async with opened() as pilot:
        await pilot.press("space")
        await until(pilot, lambda: has_run(pilot))
        panel = pilot.app.screen.query_one(LivePanel)
        await pilot.press("e")
        await pilot.pause()
        assert pilot.app.focused is panel.query_one(Input)
        await pilot.press("ctrl+u", *"zebra yak")
        await until(pilot, lambda: panel.measured.knobs["sentence"] == "zebra yak")
        await until(pilot, lambda: "zebra" in shown(pilot).replace(" ", ""))


async def test_help_tells_about_the_focused_thing(opened: Open) -> None:
    from tui.screens.help import HelpScreen

    async with opened() as pilot:
        await pilot.press("space")
        await until(pilot, lambda: has_run(pilot))
        await pilot.press("question_mark")
        assert isinstance(pilot.app.screen, HelpScreen)
        assert "Ctrl+S" in shown(pilot)
        await pilot.press("escape")
        pilot.app.screen.query_one(LivePanel).focus_figure()
        await pilot.pause()
        await pilot.press("f1")
        assert "Focused now" in shown(pilot)


async def test_going_to_the_experiment_does_not_end_in_a_text_field(opened: Open) -> None:
    async with opened(size=(80, 24), only="teacher-forcing") as pilot:
        await pilot.press("space")
        await until(pilot, lambda: has_run(pilot))
        await pilot.press("x")
        await pilot.pause()
        assert not pilot.app.is_typing  # its first figure has nothing to focus, its first knob is a text
        await pilot.press("x", "4")
        assert practice(pilot).done == 1


async def test_points_that_marking_is_unsure_of_are_counted(opened: Open) -> None:
    async with opened(only="sqrt-dk") as pilot:
        points = practice(pilot).attempt.question.key_points
        phrases = [match for point in points for match in point.match if isinstance(match, str)]
        phrase = next(match for match in phrases if match.replace(" ", "").isalpha() and match.isascii())
        await pilot.press("i", *f"not {phrase}", "ctrl+s")
        statuses = [mark.status for mark in practice(pilot).attempt.marking.points]
        assert "unsure" in statuses
        await until(pilot, lambda: f"{statuses.count('unsure')} unsure" in shown(pilot))
