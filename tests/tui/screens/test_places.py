"""The browser, the lab, the palette, and going from one place to another."""

from __future__ import annotations

import pytest
from textual.widgets import Input, OptionList

from tests.tui.screens.conftest import Open, shipped, shown, until
from tui.experiments.beforehand import measured
from tui.progress.errors import ProgressError
from tui.screens import browse
from tui.screens.browse import BrowseScreen
from tui.screens.dialogs import LineDialog
from tui.screens.key_bar import KeyBar
from tui.screens.lab import LabScreen
from tui.screens.live_panel import LivePanel
from tui.screens.practice import PracticeScreen
from tui.screens.question_page import QuestionPage
from tui.widgets.holding import give_focus
from tui.widgets.knob_panel import KnobPanel
from tui.widgets.slider import SliderRow


async def test_the_browser_searches_orders_opens_and_suspends(opened: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    async with opened() as pilot:
        await pilot.press("B")
        assert isinstance(pilot.app.screen, BrowseScreen)
        found = pilot.app.screen.query_one("#found", OptionList)
        everything = found.option_count
        # In Chinese on an English screen; what was hit stands below each title, unless there are very many.
        await pilot.press("slash", *"方差")
        assert 0 < found.option_count < everything
        assert found.virtual_size.height > found.option_count
        with monkeypatch.context() as patched:
            patched.setattr(browse, "MOST_IN_FULL", found.option_count - 1)
            pilot.app.screen.show_again()
            await pilot.pause()
            assert found.virtual_size.height == found.option_count  # a line each
        await pilot.press("ctrl+u", *"zzzzqqq")
        assert "No question matches" in shown(pilot)
        await pilot.press("enter", "escape")
        hints = [hint.key for hint in pilot.app.screen.query_one(KeyBar).hints]
        assert "/" in hints and "Enter" not in hints and "Z" not in hints  # there is nothing that they could act on
        await pilot.press("escape")
        assert isinstance(pilot.app.screen, PracticeScreen)
        # The most fitting comes first, and opens.
        await pilot.press("B", "L", "slash", "ctrl+u", *"flash")
        await pilot.pause()
        assert found.get_option_at_index(0).id == "flash-attention"
        assert "只改计算次序和显存读写" in "".join(shown(pilot).split())
        await pilot.press("enter", "enter")
        await until(pilot, lambda: isinstance(pilot.app.screen, PracticeScreen))
        assert pilot.app.screen.practice.attempt.question.id == "flash-attention"
        # It is suspended from the list, and comes back by Undo.
        await pilot.press("B", "Z")
        assert "flash-attention" in pilot.app.store.suspended() and "停用" in shown(pilot)
        await pilot.press("u")
        assert "flash-attention" not in pilot.app.store.suspended()


ONE_OF_EACH_KIND = ("attention-steps", "scaling", "padding")


async def test_lab_draws_every_kind_of_figure(opened: Open) -> None:
    """That every experiment runs is held where the experiments are: here are heatmaps, curves, bars, tokens, tables."""
    kinds = set()
    async with opened() as pilot:
        await pilot.press("B", "E")
        screen = pilot.app.screen
        assert isinstance(screen, LabScreen)
        panel = screen.query_one(LivePanel)
        assert panel.visible == screen.is_open  # of what is not open yet nothing is said
        for name in ONE_OF_EACH_KIND:
            screen.open(name, {})
            await until(pilot, lambda: panel.measured is not None)
            failed = [check.name for check in panel.measured.checks.values() if check.holds is False]
            assert not failed, (name, failed)
            kinds |= {figure.kind for figure in panel._result.figures}
            for _ in panel._pages():
                await pilot.press("full_stop")
                shown(pilot)
    assert kinds >= {"heatmap", "curve", "bars", "tokens", "table"}


async def test_practice_experiment_runs_again_after_the_lab_took_the_thread(opened: Open) -> None:
    async with opened() as pilot:
        await pilot.press("space", "E")
        await pilot.pause()
        await pilot.press("P")
        await until(pilot, lambda: pilot.app.screen.query_one(LivePanel).measured is not None)


async def test_a_theme_is_kept_and_one_of_the_terminal_falls_back_without_color(
    opened: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with opened() as pilot:
        pilot.app.choose_theme("textual-light")
    async with opened() as pilot:
        assert pilot.app.theme == "textual-light"
        pilot.app.choose_theme("ansi-dark")
    monkeypatch.setenv("NO_COLOR", "1")
    async with opened() as pilot:
        assert pilot.app.theme == "textual-dark"


async def test_picture_is_saved_beside_and_never_over_another(
    opened: Open, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path_factory.mktemp("saved")
    monkeypatch.chdir(folder)
    async with opened(only="sqrt-dk") as pilot:
        await pilot.press("space")
        panel = pilot.app.screen.query_one(LivePanel)
        await until(pilot, lambda: panel.measured is not None)
        await pilot.pause()
        panel.focus_figure()
        await pilot.pause()
        await pilot.press("w", "c", "w", "c", "w", "enter", "w", "h", "w", "escape")
        await pilot.pause()
        kinds = sorted(path.suffix for path in folder.iterdir())
        assert kinds == [".csv", ".csv", ".html", ".svg"]
        give_focus(pilot.app.screen, next(iter(panel.query(SliderRow))))
        await pilot.press("w", "c")  # from a knob the picture too
        await pilot.pause()
        assert len(list(folder.iterdir())) == len(kinds) + 1
        monkeypatch.chdir("/proc")  # where nobody can write
        await pilot.press("w", "c")
        await until(pilot, lambda: "Cannot save" in shown(pilot))


async def test_a_place_opens_from_another_also_where_no_setting_can_be_written(
    opened: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with opened() as pilot:
        await pilot.app.experiment("qkv")  # as the palette does, from a place that was not open before
        panel = pilot.app.screen.query_one(LivePanel)
        await until(pilot, lambda: panel.measured is not None)
        await pilot.app.ask("rnn-gradients")
        assert pilot.app.screen.practice.attempt.question.id == "rnn-gradients"

        def full(name: str, value: object) -> None:
            raise ProgressError("progress-failed", "the disk is full")

        monkeypatch.setattr(pilot.app.store, "set_setting", full)
        await pilot.press("L")
        assert pilot.app.language == "zh"
        pilot.app.choose_theme("textual-light")
        await pilot.app.experiment("qkv")
        assert isinstance(pilot.app.screen, LabScreen)
        assert "the disk is full" in pilot.app.said.text


async def test_browser_has_one_line_for_each_question(opened: Open) -> None:
    async with opened(size=(80, 24)) as pilot:
        await pilot.press("B")
        await pilot.pause()
        assert shown(pilot).count("★") - shown(pilot).count("★★") >= 1
        lines = [line for line in shown(pilot).splitlines() if "★" in line]
        assert len(lines) >= 17 and all("· new" in line or "· due" in line for line in lines)


async def test_browser_filters_by_topic_level_and_state(opened: Open) -> None:
    async with opened() as pilot:
        await pilot.press("space", "4")  # one is no longer new
        await pilot.press("B")
        screen = pilot.app.screen
        found, knobs = screen.query_one("#found", OptionList), screen.query_one(KnobPanel)
        every = found.option_count
        give_focus(screen, knobs.row("state"))
        await pilot.press("right", "right")
        await pilot.pause()
        assert knobs.values["state"] == "new" and found.option_count == every - 1
        give_focus(screen, knobs.row("level"))
        await pilot.press("right")
        await pilot.pause()
        level = {question.id: question.level for question in pilot.app.questions}
        shown_ids = [found.get_option_at_index(index).id for index in range(found.option_count)]
        assert shown_ids and all(level[name] == 1 for name in shown_ids)


async def test_what_is_listed_can_be_studied_alone(opened: Open) -> None:
    async with opened(size=(80, 24)) as pilot:
        await pilot.press("B", "tab")
        assert not pilot.app.is_typing  # Tab stops at the filters: / begins a search
        topics = next(iter(pilot.app.screen.query(KnobPanel))).row("topic")
        topics.turn_to("masking")
        await pilot.pause()
        await pilot.press("s")
        await until(pilot, lambda: isinstance(pilot.app.screen, PracticeScreen))
        practice = pilot.app.screen.practice
        masking = {question.id for question in shipped() if question.topic == "masking"}
        assert practice.attempt.question.topic == "masking" and practice.remaining == len(masking)
        assert f"Studying these {len(masking)} alone" in pilot.app.said.text and "a part" in shown(pilot)
        await pilot.press("ctrl+p", *"study everything")
        await until(pilot, lambda: "Only a part is studied now" in shown(pilot))
        await pilot.press("enter")
        await until(pilot, lambda: not pilot.app.selection)
        await pilot.press("ctrl+p", *"study only positions")
        await until(pilot, lambda: "Study only: positions" in shown(pilot))
        await pilot.press("enter")
        await until(pilot, lambda: practice.attempt.question.topic == "positions")
        await pilot.press("B", "slash", *"zzqq", "escape", "s")
        assert "No question matches" in pilot.app.said.text and pilot.app.current_mode == "browse"


async def test_a_question_is_read_without_being_asked(opened: Open) -> None:
    async with opened(only="sqrt-dk") as pilot:
        asked = pilot.app.screen.practice.attempt
        await pilot.press("B", "space")
        await pilot.pause()
        assert isinstance(pilot.app.screen, QuestionPage) and "In a minute" in shown(pilot)
        await pilot.press("end", "escape", "B")
        await pilot.pause()
        assert pilot.app.screen.practice.attempt is asked and not asked.revealed and not pilot.app.store.reviews()


async def test_the_palette_is_the_one_search(opened: Open) -> None:
    async with opened() as pilot:
        await pilot.press("ctrl+p", *"flash")
        await until(pilot, lambda: "key point" in shown(pilot))
        lines = [line.strip() for line in shown(pilot).splitlines() if line.strip()]
        assert any("FlashAttention" in line for line in lines)
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(pilot.app.screen, PracticeScreen))
        await until(pilot, lambda: pilot.app.screen.practice.attempt.question.id == "flash-attention")
        await pilot.press("ctrl+p", *"new questions a day")
        await until(pilot, lambda: "Setting: new questions a day" in shown(pilot))
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(pilot.app.screen, LineDialog))
        await pilot.press("escape")
        for typed, said in (
            ("每天最多几道新题", "Setting: new questions a day"),  # in the other language
            ("desired-ret", "Setting: the share to be recalled"),  # as ``settings`` names it
            ("去看进度", "Go to your progress"),
        ):
            await pilot.press("ctrl+p")
            await pilot.pause()
            pilot.app.screen.query_one(Input).value = typed
            await until(pilot, lambda said=said: said in shown(pilot))
            await pilot.press("escape")
        assert pilot.app.language == "en"


async def test_a_setting_that_cannot_be_stands_there_to_be_mended(opened: Open) -> None:
    async with opened(language="zh") as pilot:
        pilot.app.change("interview-on")
        await pilot.pause()
        await pilot.press("ctrl+u", *"2020-13-1", "enter")
        await pilot.pause()
        assert not isinstance(pilot.app.screen, LineDialog)
        pilot.app.change("interview-on")
        await pilot.pause()
        field = pilot.app.screen.query_one(Input)
        assert field.value == "2020-13-1" and "2020-13-1" in pilot.app.said.text
        await pilot.press("ctrl+u", *"2020-1-1", "enter")
        await pilot.pause()
        assert not isinstance(pilot.app.screen, LineDialog) and "已经过去" in pilot.app.said.text
        await pilot.press("ctrl+p", *"zzqq")
        await until(pilot, lambda: "什么也没搜到" in shown(pilot))


async def test_the_sentence_is_of_the_language_of_the_screen_until_one_is_typed(opened: Open) -> None:
    async with opened() as pilot:
        await pilot.app.experiment("attention-steps")
        panel = pilot.app.screen.query_one(LivePanel)
        await until(pilot, lambda: panel.measured is not None)
        assert str(panel.measured.knobs["sentence"]).isascii()
        await pilot.press("L")
        await until(pilot, lambda: panel.measured is not None and "猫" in str(panel.measured.knobs["sentence"]))
        await pilot.press("e", "ctrl+u", *"one two")
        await until(pilot, lambda: panel.measured is not None and panel.measured.knobs["sentence"] == "one two")
        await pilot.press("escape", "L")
        await pilot.pause()
        assert panel.knobs["sentence"] == "one two"
        panel.action_defaults()
        assert str(panel.knobs["sentence"]).isascii()


async def test_the_palette_and_ctrl_c_speak_the_language_of_the_screen(opened: Open) -> None:
    """Textual's own words on how one leaves were English, their markup unread."""
    async with opened(language="zh") as pilot:
        bar = pilot.app.screen.query_one(KeyBar)
        keys = bar.hints
        for opens in ("question_mark", "ctrl+p"):  # the bar stays in sight: what it names acts
            await pilot.press(opens)
            await until(pilot, lambda: [(hint.key, hint.label) for hint in bar.hints] == [("Esc", "关闭")])
            await until(pilot, lambda: "去练习" in shown(pilot))
            await pilot.press("escape")
            await until(pilot, lambda: bar.hints == keys)
        assert isinstance(pilot.app.screen, PracticeScreen)
        for said in (
            "要离开请按 q 或 Ctrl+Q；下次从这里继续",
            "To leave, press q or Ctrl+Q; the next start goes on here",
        ):
            await pilot.press("ctrl+c")
            await pilot.pause()
            assert said in shown(pilot)
            await pilot.press("L")


async def test_what_was_measured_beforehand_is_said_and_r_measures_it(opened: Open) -> None:
    next(measured("bottleneck"))._known.clear()
    async with opened() as pilot:
        await pilot.app.experiment("bottleneck")
        panel = pilot.app.screen.query_one(LivePanel)
        await until(pilot, lambda: "partly measured before (r)" in shown(pilot))
        before = panel.measured
        await pilot.press("r")
        await until(pilot, lambda: panel.measured is not before)
        await until(pilot, lambda: "partly measured" not in shown(pilot))


async def test_a_token_that_is_looked_at_is_lit_on_the_next_page(opened: Open) -> None:
    async with opened() as pilot:
        await pilot.app.experiment("leak-tester")
        panel = pilot.app.screen.query_one(LivePanel)
        await until(pilot, lambda: panel.measured is not None)
        await pilot.pause()
        panel.focus_figure()
        await pilot.press("right", "right", "right")
        token = panel._lit
        assert token and token == panel._result.figures[0].strips[0].tokens[2]
        await pilot.press("full_stop")
        await pilot.pause()
        assert panel.query_one("FigureView").view.canvas.lit == token


async def test_a_list_is_filtered_by_words_and_esc_lists_all_again(opened: Open) -> None:
    """Where the list has the screen to itself, and where the experiment stands beside it."""
    async with opened(size=(80, 24)) as pilot:
        await pilot.press("E")
        await until(pilot, lambda: bool(pilot.app.screen.query("#list")))
        listing = pilot.app.screen.query_one("#list")
        everything = listing.option_count
        for size in ((80, 24), (120, 40)):
            await pilot.resize_terminal(*size)
            await pilot.press("slash")
            await until(pilot, lambda: pilot.app.screen.query_one("#filter").has_focus)
            await pilot.press(*"rope")
            await pilot.pause()
            assert 0 < listing.option_count < 8, size
            names = {listing.get_option_at_index(index).id for index in range(listing.option_count)}
            assert {"rotary", "rope-scaling"} <= names, size
            await pilot.press(*"xyz")
            await pilot.pause()
            assert not listing.display and "Nothing matches" in shown(pilot), size
            await pilot.press("backspace", "backspace", "backspace", "enter")
            assert listing.has_focus, size
            await pilot.press("home", "enter")
            await until(pilot, lambda: pilot.app.screen.is_open)
            await pilot.press("escape", "escape")
            await pilot.pause()
            assert listing.option_count == everything and listing.has_focus and not pilot.app.is_typing, size
