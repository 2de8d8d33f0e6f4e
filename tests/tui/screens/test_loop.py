"""The loop never breaks: the focus is on what is there, keys act as the bar says, nothing typed is lost."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any

import pytest
from rich.cells import cell_len
from textual.events import Key, Paste
from textual.widgets import Input

from questions.bilingual import Bilingual
from tests.tui.screens.conftest import Open, shown, tasks, until
from tui.experiments import compute
from tui.experiments.compute import Failed
from tui.experiments.contract import Check, Experiment, Knob, Result
from tui.figures.data import Curve, Series, Table
from tui.screens.answer_box import AnswerBox
from tui.screens.browse import BrowseScreen
from tui.screens.key_bar import KeyBar
from tui.screens.lab import LabScreen
from tui.screens.live_panel import LivePanel
from tui.screens.message_line import MessageLine
from tui.screens.practice import PracticeScreen
from tui.screens.program import READ
from tui.screens.ticking import TickDialog
from tui.widgets.holding import stands
from tui.widgets.knob_panel import KnobPanel
from tui.widgets.knobs import KnobRow
from tui.widgets.slider import SliderRow
from tui.widgets.steps_panel import StepsPanel


def practice(pilot: Any) -> Any:
    assert isinstance(pilot.app.screen, PracticeScreen)
    return pilot.app.screen.practice


def live(pilot: Any) -> LivePanel:
    return pilot.app.screen.query_one(LivePanel)


async def revealed(pilot: Any) -> LivePanel:
    await pilot.press("space")
    panel = live(pilot)
    await until(pilot, lambda: panel.measured is not None)
    return panel


def name_of(pilot: Any) -> str:
    return practice(pilot).attempt.question.id


async def let_go(pilot: Any) -> None:
    """The key is up: the next press is a new one."""
    pilot.app._key = ""


# --- the focus ---------------------------------------------------------------------------------------------------


async def test_no_way_of_replacing_an_experiment_leaves_the_focus_on_what_is_gone(opened: Open) -> None:
    """By keys, while the knobs of the one before are being taken away; and by the program, run to its end or not."""
    async with opened() as pilot:
        await pilot.press("E")
        assert isinstance(pilot.app.screen, LabScreen)
        await pilot.press("escape", "down", "down", "enter")
        second = pilot.app.screen._open
        await pilot.press("escape", "down", "enter")  # while the knobs of the second are being taken away
        panel = live(pilot)
        await until(pilot, lambda: panel.measured is not None)
        await pilot.pause()
        assert pilot.app.screen._open != second
        assert pilot.app.focused is not None and stands(pilot.app.focused)
        await pilot.press("L")
        assert pilot.app.language == "zh"
        for number, name in enumerate(pilot.app.screen._names[:4], 1):  # run, run, not run, run after that
            pilot.app.screen.open(name, {})
            if number % 3:
                await until(pilot, lambda: panel.measured is not None)
                await pilot.press(*["tab"] * number, "full_stop", "full_stop")
            focused = pilot.app.focused
            assert focused is None or stands(focused), name
        await pilot.press("escape", "escape")
        assert isinstance(pilot.app.screen, PracticeScreen)


# --- keys act as the bar says ------------------------------------------------------------------------------------


async def test_digits_rate_wherever_the_focus_is_and_the_bar_follows_it(opened: Open) -> None:
    """From a box that is gone, from a tab stop (each is seen and none opens), from a knob, after a typed value."""
    async with opened(only="sqrt-dk") as pilot:

        async def rates(digit: str, where: str) -> None:
            await pilot.press(digit)
            assert practice(pilot).done == 1, where

        async def back() -> None:
            await let_go(pilot)
            await pilot.press("u")
            await let_go(pilot)
            await until(pilot, lambda: panel.measured is not None)
            assert practice(pilot).done == 0 and practice(pilot).attempt.revealed

        def bar() -> str:
            return shown(pilot).splitlines()[-1]

        # What is hidden cannot have the focus.
        panel = live(pilot)
        pilot.app.screen.set_focus(panel.query_one("#figure"))
        assert pilot.app.focused is None
        pilot.app.screen.query_one(AnswerBox).focus()
        await pilot.pause()
        await pilot.press("ctrl+s")  # the box is not on show any more
        await rates("3", "where the box had the focus")
        await back()
        # Tab: the figure, then the knobs, then the follow-ups.
        await pilot.pause()
        stops = []
        for _ in range(9):
            await pilot.press("tab")
            await pilot.pause()
            stops.append(pilot.app.focused)
            assert stands(pilot.app.focused) and not pilot.app.is_typing, stops
            if len(stops) == 1:
                assert "cell" in bar() and "turn" not in bar()
            elif len(stops) == 2:
                assert "turn" in bar() and "submit" not in bar()
        knobs = len(panel.query(KnobRow))
        assert stops[0] in panel.query_one("#figure").query("*")
        assert not isinstance(stops[0], KnobRow) and all(isinstance(stop, KnobRow) for stop in stops[1 : 1 + knobs])
        await rates("3", "at the last stop")
        await back()
        # A knob keeps its value under a digit; what is typed after Enter it takes, at Enter.
        slider = next(row for row in panel.query(SliderRow) if row.knob.name == "d_k")
        slider.focus()
        await pilot.pause()
        before = slider.value
        await rates("3", "on a knob")
        assert slider.value == before
        await back()
        slider.focus()
        await pilot.press("equals_sign")
        await pilot.pause()
        assert "take it" in bar() and "turn" not in bar() and "whole" not in bar()
        await pilot.press("escape", "enter", "6", "4", "L", "enter")
        await until(pilot, lambda: panel.measured is not None and panel.measured.knobs["d_k"] == 64)
        assert pilot.app.language == "en"  # a letter is no part of a number
        await rates("4", "after a typed value")


# What is pressed from each context to come to the next; RUN waits for the experiment.
WALKS: dict[str, list[tuple[str, tuple[str, ...]]]] = {
    "practice": [
        ("asked", ()),
        ("typing", ("i",)),
        ("revealed", ("escape", "space", "RUN")),
        ("figure", ("tab",)),
        ("knob", ("tab",)),
        ("typed knob", ("equals_sign",)),
        ("sentence", ("escape", "e")),
        ("whole", ("escape", "o")),
        ("steps", ("o", "STEPS")),
        ("step", ("enter", *["greater_than_sign"] * 5)),
        ("sum", ("enter",)),
    ],
    "elsewhere": [
        ("experiment", ("E", "RUN")),
        ("experiments", ("escape",)),
        ("questions", ("B",)),
        ("search", ("slash",)),
    ],
    "look": [
        ("lines", ("O", "RUN")),
        ("a token's lines", ("down",)),
        ("all heads", ("full_stop",)),
        ("grid", ("g",)),
        ("model", ("full_stop",)),
        ("text", ("e",)),
        ("whole look", ("escape", "o")),
        ("look steps", ("o", "STEPS")),
        ("look step", ("enter",)),
        ("models", ("x",)),
    ],
    "writing": [("strips", ("O", "RUN", "W", "WRITES")), ("writing knob", ("tab",))],
    "interview": [
        ("wishes", ("I",)),
        ("interview asked", ("i",)),
        ("interview typing", ("i",)),
        ("interview marks", ("escape", "space", "RUN")),
        ("interview experiment", ("x",)),
        ("report", ("X", "y")),
    ],
    "by hand": [
        ("tasks", ("H",)),
        ("task", ("enter",)),
        ("code", ("i",)),
        ("task that is rated", ("escape", "s", "1")),
    ],
    "progress": [
        ("forecast", ("G",)),
        ("calendar", ("full_stop",)),
        ("topics", ("full_stop",)),
        ("retention", ("full_stop", "full_stop", "full_stop")),
    ],
}


@pytest.mark.parametrize("walk", WALKS)
async def test_no_context_binds_a_key_twice_and_the_bar_is_true(opened: Open, walk: str) -> None:
    """Neither where it was come to, 120 wide, nor in a narrow window, to which each context is shrunk and back."""
    async with opened(size=(120, 40), only="attention-formula") as pilot:
        pilot.app.tasks = tasks()
        for context, keys in WALKS[walk]:
            for key in keys:
                if key == "RUN":
                    await until(pilot, lambda: live(pilot).measured is not None)
                elif key == "WRITES":
                    await until(pilot, lambda: live(pilot).measured is not None and "step" in live(pilot).knobs)
                elif key == "STEPS":
                    live(pilot)._turn_to("steps")
                    await pilot.pause()
                else:
                    await pilot.press(key)
                await pilot.pause()
            _assert_keys_are_true(pilot.app.screen, context, pilot.app.is_typing)
            for size in ((80, 24), (120, 40)):
                await pilot.resize_terminal(*size)
                _assert_keys_are_true(pilot.app.screen, context, pilot.app.is_typing)


def _assert_keys_are_true(screen: Any, context: str, typing: bool) -> None:
    bound: dict[str, list[str]] = {}
    for node, bindings in screen._binding_chain:
        if node.__class__.__module__.startswith("tui."):
            for key, binding in bindings:
                name, arguments = _parsed(binding.action)
                if binding.id and node.check_action(name, arguments):  # Textual's own have no id
                    bound.setdefault(key, []).append(f"{type(node).__name__}: {binding.action}")
    nested = {"escape", "enter"}  # the innermost thing that can be opened or left has them
    typed = {key for key in bound if len(key) == 1 or key in ("home", "left", "right")} if typing else set()
    twice = {key: acts for key, acts in bound.items() if len(acts) > 1 and key not in nested | typed}
    assert twice == {}, context
    for hint in screen.query_one(KeyBar).hints:
        active = screen.active_bindings.get(hint.binds or hint.key)
        assert active is not None, (context, hint)
        assert active.binding.action.split(".")[-1] == hint.action.split(".")[-1], (context, hint)


def _parsed(action: str) -> tuple[str, tuple[object, ...]]:
    from textual.actions import parse

    _, name, arguments = parse(action)
    return name, arguments


async def test_steps_are_walked_by_angles_opened_or_from_a_knob_and_name_words(opened: Open) -> None:
    async with opened(only="attention-formula") as pilot:
        panel = await revealed(pilot)
        await pilot.press("tab")
        panel._turn_to("steps")
        await pilot.pause()
        await pilot.pause()
        await pilot.press(*["down"] * 5, "enter")  # past the text, the tokens, Q, K and V
        await pilot.pause()
        tokens = panel._result.figures[0].rows
        assert "scores" in shown(pilot) and f"query {tokens[0]} → key {tokens[0]}" in shown(pilot)
        await pilot.press("right", "greater_than_sign")
        await pilot.pause()
        assert "scaled" in shown(pilot) and f"key {tokens[1]}" in shown(pilot)
        await pilot.press("less_than_sign", "less_than_sign", "escape")
        await pilot.pause()
        assert pilot.app.focused is panel.query_one("StepList")
        # The same keys with a knob in focus, while the path is in front.
        steps = panel.query_one(StepsPanel)
        await pilot.press(*["less_than_sign"] * 8)
        assert steps.list.chosen == 0 and not steps.is_open
        knob = next(iter(live(pilot).query(SliderRow)))
        pilot.app.screen.set_focus(knob)
        await pilot.press("greater_than_sign")
        assert steps.list.chosen == 1 and pilot.app.focused is steps.list
        pilot.app.screen.set_focus(knob)
        await pilot.press("greater_than_sign", "less_than_sign", "enter")
        await until(pilot, lambda: steps.is_open)
        pilot.app.screen.set_focus(pilot.app.screen.query_one("#answer-side"))
        await pilot.press("greater_than_sign")
        await until(pilot, lambda: steps.list.chosen == 2 and steps.has_focus_within)
        live(pilot)._turn_to(0)
        await until(pilot, lambda: not steps.display and not steps.has_focus_within)
        await pilot.pause()
        pilot.app.screen.set_focus(knob)
        await pilot.press("greater_than_sign")  # the path is not in front
        assert steps.list.chosen == 2 and pilot.app.focused is knob


async def test_a_message_goes_when_its_occasion_is_over(opened: Open) -> None:
    async with opened() as pilot:
        app = pilot.app
        await pilot.press("3")
        assert app.said is not None  # reveal first
        await pilot.press("space")
        assert app.said is not None  # too soon to have been read
        app._said_at -= READ
        await pilot.press("tab")
        assert app.said is None
        app.notify("a disk is full", severity="error")
        app._said_at -= READ
        await pilot.press("tab")
        assert app.said is not None  # what is wrong stays for its time
        await pilot.press("B", "E")
        app.notify("only told")
        await pilot.press("escape")
        assert app.said is None


async def test_other_knobs_leave_the_focus_on_the_figure(opened: Open) -> None:
    async with opened(only="attention-steps") as pilot:
        panel = await revealed(pilot)
        panel.focus_figure()
        before = panel.measured
        await pilot.press("T")  # it runs again: what was read is gone
        await until(pilot, lambda: panel.measured not in (None, before))
        await until(pilot, lambda: pilot.app.focused is not None, 5)
        assert panel.query_one("#figure") in pilot.app.focused.ancestors


async def test_a_message_that_is_cut_names_the_key_that_shows_all_of_it(opened: Open) -> None:
    said = "a file of yours is faulty " * 8 + "END"
    async with opened(size=(80, 24), language="zh") as pilot:
        app = pilot.app
        for whole in ("全文", "all"):
            for severity, before, key, on_the_line in (
                ("information", (), "question_mark", "?"), ("error", ("i",), "f1", "F1")
            ):  # fmt: skip
                await pilot.press(*before)
                app.notify(said, severity=severity)
                await pilot.pause()
                line = app.screen.query_one(MessageLine).render().plain
                assert line.endswith(f"⋯ {on_the_line} {whole}") and cell_len(line) <= 78
                app._said_at -= READ + 1  # long enough to have been read
                await pilot.press(key)
                assert "END" in shown(pilot), (whole, key)
                await pilot.press("escape")
            if app.language == "zh":
                await pilot.press("escape", "L")
                app.fall_silent()


async def test_the_question_s_own_experiment_opens(opened: Open) -> None:
    async with opened(only="rnn-gradients") as pilot:
        own = practice(pilot).attempt.question.experiment.run
        await pilot.press("E")
        await pilot.pause()
        assert isinstance(pilot.app.screen, LabScreen) and pilot.app.screen._open == own


async def test_the_knobs_start_at_their_top_with_each_question(opened: Open) -> None:
    async with opened(size=(80, 24)) as pilot:
        panel = await revealed(pilot)
        await pilot.press("x", *["tab"] * 6)
        await pilot.pause()
        await pilot.press("3")
        await revealed(pilot)
        await pilot.pause()
        assert panel.query_one("#knobs").scroll_offset.y == 0


# --- held keys, Caps Lock ----------------------------------------------------------------------------------------


async def test_a_held_key_acts_once_and_undo_names_the_question_and_returns_to_it(opened: Open) -> None:
    async def hold(key: str) -> None:
        for _ in range(8):
            pilot.app.post_message(Key(key, key))
        await pilot.pause()

    async with opened(size=(200, 40)) as pilot:
        for key, word in (("z", "tomorrow"), ("Z", "taken back"), ("n", "skipped")):
            asked = practice(pilot).attempt.question
            await hold(key)
            assert name_of(pilot) != asked.id, key
            await let_go(pilot)
            await pilot.press("u")
            await pilot.pause()
            line = shown(pilot).splitlines()[-2]
            assert name_of(pilot) == asked.id and word in line and asked.question.en[:20] in line, key  # once: one Undo
            await let_go(pilot)
        await pilot.press("n")
        await let_go(pilot)
        second = name_of(pilot)
        await pilot.press("n")
        await let_go(pilot)
        await hold("u")
        assert name_of(pilot) == second  # one of the two skips


async def test_a_held_rating_rates_once_takes_what_a_knob_is_for_along_and_turning_repeats(opened: Open) -> None:
    async with opened() as pilot:
        panel = await revealed(pilot)
        line = pilot.app.screen.query_one(MessageLine)
        row = next(row for knobs in panel.query(KnobPanel) for row in knobs.rows if row.knob.help is not None)
        pilot.app.screen.set_focus(row)
        await until(pilot, lambda: line.standing is not None)
        for _ in range(5):
            pilot.app.post_message(Key("3", "3"))
        await pilot.pause()
        assert practice(pilot).done == 1
        await until(pilot, lambda: line.standing is None)
        await let_go(pilot)
        await revealed(pilot)
        slider = panel.query(SliderRow).first()
        slider.focus()
        await pilot.pause()
        value, step = slider.value, slider.scale
        for _ in range(3):
            pilot.app.post_message(Key("right", None))
        await pilot.pause()
        assert slider.value == step.at(min(step.fraction(step.step(value, 3)), 1.0))


async def test_caps_lock_is_said_and_the_same_capital_comes_back(opened: Open) -> None:
    async with opened(only="sqrt-dk") as pilot:
        await pilot.press("i", *"draft", "escape", "B")
        assert isinstance(pilot.app.screen, BrowseScreen)
        await pilot.pause()
        assert "Caps Lock" in shown(pilot)
        await pilot.press("B")
        assert pilot.app.screen.query_one(AnswerBox).text == "draft"
        await pilot.press("E", "E")
        assert isinstance(pilot.app.screen, PracticeScreen)
        await pilot.press("B", "E", "escape", "escape", "escape")
        assert isinstance(pilot.app.screen, BrowseScreen | PracticeScreen)


# --- messages, drafts, undo --------------------------------------------------------------------------------------


async def test_each_question_keeps_its_draft_from_the_first_key_on(opened: Open) -> None:
    """Through another question, another language, Undo, the next start, a rating and the Undo of that."""
    async with opened() as pilot:
        box = pilot.app.screen.query_one(AnswerBox)
        first = name_of(pilot)
        assert "Welcome" in shown(pilot)
        await pilot.press("i", *"one")  # the first key acts, and ends the welcome
        await until(pilot, lambda: pilot.app.store.draft(first) == "one", turns=60)  # written within a second
        assert box.text == "one" and "Welcome" not in shown(pilot)
        await pilot.press("escape", "n")
        second = name_of(pilot)
        assert box.text == ""
        await pilot.press("i", *"two", "escape", "L", "B")
        await pilot.app.ask(first)
        assert box.text == "one"
        await pilot.app.ask(second)
        assert box.text == "two"
        await pilot.press("u")  # the skip
        assert name_of(pilot) == first and box.text == "one"
    async with opened() as pilot:
        assert "Welcome" not in shown(pilot)
        assert name_of(pilot) == first and pilot.app.screen.query_one(AnswerBox).text == "one"
        await pilot.press("i", *", said", "ctrl+s", "3")
        second = name_of(pilot)
        assert second != first
        await pilot.press("i", *" next", "escape", "u")
        assert name_of(pilot) == first and practice(pilot).attempt.typed == "one, said"
        await pilot.press("3")
        assert name_of(pilot) == second and pilot.app.screen.query_one(AnswerBox).text.endswith(" next")


async def test_pasting_never_acts_as_keys_a_message_covers_nothing_and_a_flag_is_withdrawn(opened: Open) -> None:
    async with opened(size=(80, 24)) as pilot:
        name = name_of(pilot)
        pilot.app.post_message(Paste("q\n3\n\n1\nsecond paragraph"))
        await pilot.pause()
        assert pilot.app.screen.query_one(AnswerBox).text == "q\n3\n\n1\nsecond paragraph"
        await pilot.press("ctrl+s", "f")
        pilot.app.post_message(Paste("one\ntwo"))
        await pilot.pause()
        assert pilot.app.screen.query_one(Input).value == "one two"
        await pilot.press("enter")
        await pilot.pause()
        lines = shown(pilot).splitlines()
        assert "Flagged" in lines[-2] and "1  Again" in lines[-3] and "4  Easy" in lines[-3]
        assert name in pilot.app.store.flags()
        await let_go(pilot)
        await pilot.press("f")  # by the same key
        assert name not in pilot.app.store.flags()


async def test_a_click_on_a_number_shows_its_check_and_ticking_changes_what_is_rated(opened: Open) -> None:
    async with opened(size=(80, 24), only="sqrt-dk") as pilot:
        panel = await revealed(pilot)
        # Each number in the answer that was measured bears a ✓, and leads to its check.
        await until(pilot, lambda: " ✓" in shown(pilot))
        links = {
            (segment.style.meta["@click"], row, column)
            for row, strip in enumerate(pilot.app.screen._compositor.render_strips())
            for column, segment in _placed(strip)
            if segment.style is not None and "@click" in segment.style.meta and "✓" in segment.text
        }
        click, row, column = max(links)
        name = click.split("'")[1]
        claim = panel.measured.checks[name].claim.say("en")
        assert not panel.query_one("ChecksPanel").display
        await pilot.click(offset=(column, row))
        await until(pilot, lambda: claim[:40] in shown(pilot))
        assert panel.query_one("ChecksPanel").display
        await pilot.press("t")
        await until(pilot, lambda: isinstance(pilot.app.screen, TickDialog))
        await pilot.press("space", "down", "down", "enter", "escape")
        assert isinstance(pilot.app.screen, PracticeScreen)
        marks = [mark.status for mark in practice(pilot).attempt.marking.points]
        assert [status == "found" for status in marks[:3]] == [True, False, True]
        await pilot.press("3")
        (review,) = pilot.app.store.reviews()
        points = pilot.app.screen.practice._questions[review.question_id].key_points
        assert list(review.answer.found) == [points[0].id, points[2].id]


# --- the picture -------------------------------------------------------------------------------------------------


LEAST = {(120, 40): 22, (80, 24): 14, (200, 50): 30}
SHOWN = [((120, 40), "zh"), ((80, 24), "zh"), ((80, 24), "en"), ((200, 50), "en")]  # both where there is least room
AXIS_LINES = 2  # of a plot: its axis and the numbers below


@pytest.mark.parametrize("only", ["attention-formula", "sqrt-dk", "rnn-gradients"])
async def test_the_figure_leads(opened: Open, only: str) -> None:
    async with opened(only=only) as pilot:
        panel = await revealed(pilot)
        for size, language in SHOWN:
            pilot.app.language = language
            await pilot.resize_terminal(*size)
            if (size[0] < 100) is not pilot.app.screen.has_class("experiment-side"):
                await pilot.press("x")
            await _figures_have_rows(pilot, panel, LEAST[size])
        before = panel.query_one("#figure").size.height
        await pilot.press("o")
        await pilot.pause()
        assert panel.query_one("#figure").size.height > before and panel.region.width == size[0]
        await pilot.press("o")
        await pilot.pause()
        assert panel.query_one("#figure").size.height == before


async def _figures_have_rows(pilot: Any, panel: LivePanel, least: int) -> None:
    for page in panel._pages():
        if isinstance(page, int):
            panel._turn_to(page)
            await pilot.pause()
            await pilot.pause()
            view = panel.query_one("FigureView").view
            canvas = getattr(view, "canvas", None)
            if canvas is not None:
                assert canvas.size.height >= min(least, canvas._lines(canvas._frame, canvas._tall)), page
                assert panel.query_one("#figure").size.height >= least + 4
            elif hasattr(view, "_rows"):
                assert view._rows + AXIS_LINES >= least, (pilot.app.language, pilot.app.size, page)


async def test_nothing_jumps_when_a_run_goes_on_or_fails(opened: Open) -> None:
    async with opened(size=(80, 24), only="sqrt-dk") as pilot:
        panel = await revealed(pilot)
        await pilot.press("x", "x", "x")
        await pilot.pause()
        await _nothing_jumps(pilot, panel)
        await pilot.resize_terminal(120, 40)
        await pilot.pause()
        await _nothing_jumps(pilot, panel)


async def _nothing_jumps(pilot: Any, panel: LivePanel) -> None:
    region, size = panel.query_one("#figure").region, pilot.app.size
    panel._say_running()
    await pilot.pause()
    assert panel.query_one("#figure").region == region and "running" in shown(pilot), size
    panel.post_message(LivePanel.Arrived(Failed(panel._number, RuntimeError("no memory"))))
    await pilot.pause()
    assert "no memory" in shown(pilot), size
    assert panel.query_one("#run-message").region.y == region.y, size
    await pilot.press("r")
    await until(pilot, lambda: panel.measured is not None)
    await pilot.pause()
    assert panel.query_one("#figure").region == region, size


class Counting(Experiment):
    """Offers a curve of as many points as it has counted, and waits at the gate for the next; a table at the end."""

    def __init__(self) -> None:
        steps = Knob("steps", "steps", "number", 3, minimum=1, maximum=9)
        super().__init__("counting", Bilingual("数", "Counting"), Bilingual("", ""), (steps,), ())
        object.__setattr__(self, "gate", threading.Semaphore(0))

    def run(self, settings: Any = None, report: Any = None, *, hidden: bool = False) -> Result:
        def curve(points: int) -> Curve:
            x = [float(at) for at in range(points)]
            return Curve("how far", "step", "", [Series("counted", x, x)], name="count")

        for points in range(1, settings["steps"] + 1):
            report(points / settings["steps"], "counting")
            self.meanwhile(lambda points=points: curve(points))  # type: ignore[misc]
            assert self.gate.acquire(timeout=20)  # type: ignore[attr-defined]
        checks = [Check("counts", Bilingual("数了", "It counts"), 1.0, "==", 1.0, 0.0, True)]
        return Result((curve(10 * settings["steps"]), Table("numbers", ["n"], [[1]], name="numbers")), checks)


async def test_a_long_run_shows_its_figure_as_it_grows_and_another_knob_ends_it(
    opened: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(compute, "PATIENCE", 0.0)
    monkeypatch.setattr(compute, "PROGRESS_EVERY", 0.0)
    experiment = Counting()
    gate: threading.Semaphore = experiment.gate  # type: ignore[attr-defined]
    async with opened(only="sqrt-dk") as pilot:
        await pilot.press("E")
        panel = live(pilot)
        panel.show(experiment, {})

        def points() -> int:
            figure = panel.figure_named("count")
            return len(figure.series[0].x) if isinstance(figure, Curve) else 0

        await until(pilot, lambda: points() == 1)
        assert panel.measured is None and "running" in shown(pilot) and "how far" in shown(pilot)
        gate.release()
        await until(pilot, lambda: points() == 2)
        panel.turn({"steps": 2})  # while it runs
        gate.release(3)
        await until(pilot, lambda: panel.measured is not None)
        await pilot.pause()
        assert panel.measured is not None and panel.measured.knobs["steps"] == 2
        assert points() == 20 and "running" not in shown(pilot) and "1 of 1 checks hold" in shown(pilot)
        # What is in front is what grows: another figure stays whole until the run has ended.
        panel.turn({"steps": 3})
        await until(pilot, lambda: points() == 1)
        await pilot.pause()
        assert "checks hold" not in shown(pilot)  # they were those of the run before
        assert not panel.has_class("stale")  # the picture is of this one
        gate.release(3)
        await until(pilot, lambda: points() == 30)
        panel.show_figure("numbers")
        whole = panel._result
        pilot.app.choose_theme("ansi-dark")
        panel.turn({"steps": 4})
        gate.release(2)
        await until(pilot, lambda: gate._value == 0)
        await pilot.pause()
        assert panel._result is whole
        await until(pilot, lambda: panel.has_class("stale"))  # what is in front is of other knobs, and faint
        assert "checks hold" not in shown(pilot) and panel.query_one("#figure").opacity < 1
        gate.release(2)
        await until(pilot, lambda: points() == 40)
        await pilot.pause()
        assert not panel.has_class("stale") and panel.query_one("#figure").opacity == 1


async def test_checks_fold_and_say_of_which_path_they_speak(opened: Open) -> None:
    async with opened() as pilot:
        await pilot.app.experiment("attention-steps", {"mistake": "no-scale"})
        panel = live(pilot)
        knob = next(knob for knob in panel.experiment.knobs if knob.name == "mistake")
        assert knob.default != "no-scale"
        await until(pilot, lambda: panel.measured is not None)
        await pilot.pause()
        assert "of the correct path" in shown(pilot)
        await pilot.press("c")
        await pilot.pause()
        assert "expected" in shown(pilot)
        await pilot.press("c")
        await pilot.pause()
        assert panel.query_one("FigureView").display and "expected" not in shown(pilot)


def _placed(strip: Any) -> Iterator[tuple[int, Any]]:
    column = 0
    for segment in strip:
        yield column, segment
        column += segment.cell_length


# --- any size ----------------------------------------------------------------------------------------------------


async def test_the_smallest_windows_lose_nothing(opened: Open) -> None:
    """Each size meets a question that is asked and an answer that is revealed there."""
    async with opened() as pilot:
        for size in ((20, 5), (1, 1), (3, 2)):
            await pilot.press("i", *"kept", "escape")
            await pilot.resize_terminal(*size)
            await pilot.press(
                "B", "pageup", "pagedown", "slash", "a", "escape", "escape", "escape", "E", "tab", "pageup"
            )
            await pilot.press("escape", "escape", "escape")
            if pilot.app.current_mode != "practice":
                await pilot.app.go("practice")
            await pilot.press("space", "tab", "tab", "down", "x", "c", "c", "o", "o", "question_mark", "escape", "T")
            await pilot.press("t", "escape")
            await pilot.resize_terminal(120, 40)
            await pilot.pause()
            assert practice(pilot).attempt.typed == "kept", size
            await pilot.press("3")
            await let_go(pilot)
