"""The place Look: what is seen first, from view to view, switches, generation, models that cannot be opened."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from textual.pilot import Pilot

from tests.tui.screens.conftest import Open, shown, until
from tui.figures.data import Links, Table, Tokens
from tui.screens.dialogs import LineDialog
from tui.screens.listing import Listing
from tui.screens.live_panel import LivePanel
from tui.screens.look import LookScreen
from tui.widgets.figures.heatmap_view import HeatmapView
from tui.widgets.figures.links_view import LinksView


def panel(pilot: Pilot[Any]) -> LivePanel:
    return pilot.app.screen.query_one(LivePanel)


def front(pilot: Pilot[Any]) -> Any:
    (figure,) = panel(pilot)._front_figures()
    return figure


async def entered(pilot: Pilot[Any]) -> LivePanel:
    await pilot.press("O")
    assert isinstance(pilot.app.screen, LookScreen)
    await until(pilot, lambda: panel(pilot).measured is not None)
    await until(pilot, lambda: pilot.app.focused is not None)
    return panel(pilot)


async def turned(pilot: Pilot[Any], *keys: str, **knobs: object) -> None:
    """Press keys, and wait until a run has ended at these knobs."""
    await pilot.press(*keys)
    live = panel(pilot)
    await until(
        pilot, lambda: live.measured is not None and all(live.measured.knobs[name] == knobs[name] for name in knobs)
    )
    await pilot.pause()


async def test_a_newcomer_sees_a_date_being_read_and_goes_on_to_the_products_of_a_score(opened: Open) -> None:
    async with opened(size=(80, 24), language="zh") as pilot:
        await entered(pilot)
        figure = front(pilot)
        assert isinstance(figure, Links) and "".join(figure.columns) == "二〇二六年十一月二十三日[EOS]"
        for size in ((80, 24), (200, 50)):
            await pilot.resize_terminal(*size)
            await pilot.pause()
            text = shown(pilot)
            assert "连线（越粗权重越大）：交叉注意力" in text and "透视 · dates" in text, size
            assert any(0x2800 < ord(sign) < 0x2900 for sign in text), size
        view = pilot.app.screen.query_one(LinksView)
        await until(pilot, lambda: view.has_focus)
        await pilot.press("down", "down", "down", "down")
        assert view.cursor == (3, 0) and "写出 6 (第 4 个) → 六 0.98" in shown(pilot)
        await turned(pilot, "enter", token=3, key=3)
        await until(pilot, lambda: front(pilot).name == "neurons")
        await pilot.press("full_stop")
        figure = front(pilot)
        assert isinstance(figure, Table) and figure.title.zh.startswith("6 → 六：16 个乘积")


async def test_the_tab_of_the_list_goes_when_the_terminal_grows_and_comes_when_it_shrinks(opened: Open) -> None:
    async with opened(size=(80, 24)) as pilot:
        await pilot.press("O")
        await until(pilot, lambda: "List │" in shown(pilot))
        await pilot.resize_terminal(120, 40)
        await until(pilot, lambda: "bert-mini" in shown(pilot))
        assert "List │" not in shown(pilot)
        await pilot.resize_terminal(80, 24)
        await until(pilot, lambda: "List │" in shown(pilot))


async def test_brackets_and_braces_go_through_the_heads_of_all_layers_and_bad_texts_are_said(opened: Open) -> None:
    async with opened() as pilot:
        await entered(pilot)
        await turned(pilot, "right_square_bracket", layer=1, head=1)
        await turned(pilot, "left_square_bracket", "left_square_bracket", layer=0, head=3)
        await turned(pilot, "right_curly_bracket", layer=1, head=3)
        await pilot.press("right_curly_bracket", "right_square_bracket")  # there is no more
        assert panel(pilot).knobs["layer"] == 1 and panel(pilot).knobs["head"] == 3
        assert "head cross.1.3" in shown(pilot)
        # What cannot be looked at is said where the picture was.
        live = panel(pilot)
        for text, said in (("   ", "nothing to look at"), ("字" * 2000, "2000 characters")):
            live.turn({"text": text})
            await until(pilot, lambda said=said: said in shown(pilot).replace("\n", " "))
        live.turn({"text": "🙂 2026"})
        await until(pilot, lambda: live.measured is not None)


async def test_a_head_of_the_model_view_is_opened(opened: Open) -> None:
    async with opened() as pilot:
        await entered(pilot)
        await pilot.press("full_stop", "full_stop")
        await pilot.pause()
        assert front(pilot).name == "model"
        view = pilot.app.screen.query_one(HeatmapView)
        await until(pilot, lambda: view.canvas.has_focus)
        await pilot.press("down", "down", "down", "right", "right")
        await turned(pilot, "enter", part="encoder", layer=1, head=2)
        await until(pilot, lambda: front(pilot).name == "head")
        assert "encoder self-attention, head encoder.1.2" in front(pilot).title.en


async def test_a_head_and_a_layer_are_switched_off_and_on(opened: Open) -> None:
    async with opened() as pilot:
        await entered(pilot)
        await turned(pilot, "z", off="cross.1.0")
        await until(pilot, lambda: front(pilot).name == "rewritten")
        await turned(pilot, "Z", off="cross.1.0 cross.1")
        await turned(pilot, "z", off="cross.1")
        figure = front(pilot)
        assert isinstance(figure, Tokens) and min(figure.strips[1].values) < 0.5 < min(figure.strips[0].values)
        await turned(pilot, "Z", off="")


async def test_generation_is_stepped_by_hand_and_a_key_that_a_model_has_nothing_for_says_so(opened: Open) -> None:
    async with opened() as pilot:
        live = await entered(pilot)
        await pilot.press("greater_than_sign")
        assert "W first" in pilot.app.said.text
        await pilot.press("W")
        await until(pilot, lambda: live.measured is not None and "step" in live.measured.knobs)
        assert "token by token" in shown(pilot)
        await turned(pilot, *["greater_than_sign"] * 5, step=5)
        assert front(pilot).labels[0] == "1 ✓" and front(pilot).title.en.endswith("▸ 2 0 2 6 -")
        await pilot.press("full_stop")
        assert front(pilot).strips[1].tokens == ("2", "0", "2", "6", "-")
        await turned(pilot, "less_than_sign", step=4)
        await turned(pilot, *["greater_than_sign"] * 20, step=11)  # no further than what was written
        assert "".join(front(pilot).strips[1].tokens) == "2026-11-23[EOS]"
        await pilot.press("z")
        assert "no head is switched off while it writes" in pilot.app.said.text
        await pilot.press("W")
        await until(pilot, lambda: live.measured is not None and "step" not in live.measured.knobs)
        assert front(pilot).name == "head"
        for name, keys, said in (
            ("bert-mini", ("W", "less_than_sign"), "bert-mini does not write"),
            ("reverse-gru", ("Z",), "reverse-gru has no attention heads"),
        ):
            pilot.app.screen.open(name)
            await until(pilot, lambda name=name: live.experiment.subject.name == name and live.measured is not None)
            for key in keys:
                await pilot.press(key)
                assert said in pilot.app.said.text, (name, key)


async def test_another_model_is_opened_from_the_list_and_is_there_the_next_time(opened: Open) -> None:
    async with opened() as pilot:
        await entered(pilot)
        await pilot.press("x")
        listing = pilot.app.screen.query_one(Listing)
        assert listing.has_focus and listing.chosen == "dates"
        await pilot.press("down", "enter")
        await until(pilot, lambda: "bert-mini: inside the model" in shown(pilot))
        await until(pilot, lambda: panel(pilot).measured is not None)
        assert panel(pilot).knobs["text"].startswith("In the beginning")
        await pilot.press("L")
        await until(pilot, lambda: panel(pilot).measured.knobs["text"].startswith("床前明"))
        assert "看进模型里" in shown(pilot)
    async with opened(language="zh") as pilot:
        await entered(pilot)
        assert "bert-mini：看进模型里" in shown(pilot)


async def test_a_model_that_cannot_be_opened_is_said_and_the_old_one_stays(opened: Open) -> None:
    wrong = {"dats": "did you mean dates?", "no/such": "nothing is fetched", "/dev": "has neither model.safetensors"}
    async with opened() as pilot:
        await entered(pilot)
        await pilot.press("x")
        for typed, said in wrong.items():
            await pilot.press("end", "enter")
            await until(pilot, lambda: isinstance(pilot.app.screen, LineDialog))
            await pilot.press(*typed, "enter")
            await until(pilot, lambda said=said: said in (pilot.app.said.text if pilot.app.said else ""))
            assert "dates: inside the model" in shown(pilot)
        pilot.app.screen.open("dates-pre-norm")
        await until(pilot, lambda: "dates-pre-norm: inside the model" in shown(pilot))
        assert pilot.app.said is None  # what was said of the one before is over
        pilot.app.screen.open("dates")
        await until(pilot, lambda: "dates: inside the model" in shown(pilot))
        await turned(pilot, "x", "z", off="cross.1.0")  # and everything goes on


async def test_keys_act_while_a_model_is_opened_and_leaving_is_at_once(opened: Open) -> None:
    async with opened() as pilot:
        await pilot.press("O", "L", "x", "question_mark", "escape", "P")
        assert pilot.app.current_mode == "practice" and pilot.app.language == "zh"
        await pilot.press("O")
        await until(pilot, lambda: panel(pilot).measured is not None)  # taken up where it was left


async def test_it_reads_without_color(opened: Open, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    async with opened(size=(80, 24)) as pilot:
        await entered(pilot)
        await pilot.press("down")
        text = shown(pilot)
        assert "written 2 (1) →" in text and any(0x2800 < ord(sign) < 0x2900 for sign in text)
