"""Turning knobs by keys, by typing and by the mouse; wrong values are said and change nothing."""

from __future__ import annotations

import pytest
from rich.cells import cell_len

from questions.bilingual import Bilingual
from tests.tui.widgets.harness import Harness
from tui.experiments.contract import Choice, Experiment, Knob, KnobError
from tui.widgets.knob_panel import KnobChanged, KnobPanel
from tui.widgets.slider import SliderRow

CHOICES = [Choice(value, value) for value in ("none", "sqrt", "all")]
EXPERIMENT = Experiment(
    "toy",
    Bilingual("玩具", "toy"),
    Bilingual("", ""),
    [
        Knob("d_k", "d_k", "number", 512, 4, 1024, 4, log=True, help=Bilingual("头的宽度", "the width of a head")),
        Knob("scale", Bilingual("缩放", "scaling"), "choice", "sqrt", choices=CHOICES),
        Knob("rate", Bilingual("丢弃率", "dropout"), "number", 0.1, 0, 1, 0.05),
        Knob("causal", Bilingual("因果掩码", "causal mask"), "switch", True),
        Knob("text", Bilingual("句子", "sentence"), "text", "看见猫", max_length=5),
    ],
    [],
)


def started(**options: object) -> tuple[Harness, KnobPanel]:
    panel = KnobPanel(EXPERIMENT, **options)  # type: ignore[arg-type]
    return Harness(panel), panel


@pytest.mark.parametrize(
    ("name", "keys", "value"),
    [
        ("d_k", "right", 1024),
        ("d_k", "left left", 128),
        ("d_k", "home", 4),
        ("d_k", "pagedown", 128),
        ("d_k", "1 0 0 enter", 100),
        ("d_k", "１ ６ enter", 16),
        ("d_k", "9 9 backspace enter", 9),
        ("rate", "right right", 0.2),
        ("rate", "0 full_stop 5 enter", 0.5),
        ("rate", "end", 1.0),
        ("scale", "right right right", "all"),
        ("scale", "left", "none"),
        ("scale", "end home", "none"),
        ("causal", "enter", False),
        ("causal", "space", False),
        ("causal", "left", False),
    ],
)
async def test_keys_turn_a_knob(name: str, keys: str, value: object) -> None:
    app, panel = started()
    async with app.run_test(size=(80, 24)) as pilot:
        panel.row(name).focus()
        await pilot.press(*keys.split())
        await pilot.pause()
        assert panel.values[name] == value and type(panel.values[name]) is type(value)
        last = app.of(KnobChanged)[-1]
        assert (last.name, last.value, last.values) == (name, value, panel.values)
        assert last.control is panel


@pytest.mark.parametrize("keys", ["3 enter", "2 0 0 0 enter", "5 full_stop 5 enter", "1 e 9 9 9 enter"])
async def test_a_number_that_cannot_be_is_said_and_changes_nothing(keys: str) -> None:
    app, panel = started(language="en")
    async with app.run_test(size=(80, 24)) as pilot:
        panel.row("d_k").focus()
        await pilot.press(*keys.split())
        await pilot.pause()
        assert panel.values["d_k"] == 512 and app.of(KnobChanged) == []
        assert "takes a whole number from 4 to 1024" in app.text
        panel.language = "zh"
        await pilot.pause()
        assert "要 4 到 1024 之间的整数" in app.text
        await pilot.press("left")
        await pilot.pause()
        assert "要 4 到" not in app.text and panel.values["d_k"] == 256


async def test_typing_is_shown_and_can_be_forgotten() -> None:
    app, panel = started()
    async with app.run_test(size=(80, 24)) as pilot:
        panel.row("d_k").focus()
        await pilot.press("6", "4")
        await pilot.pause()
        assert "64_" in app.text and panel.values["d_k"] == 512
        await pilot.press("escape")
        await pilot.pause()
        assert "64_" not in app.text and app.of(KnobChanged) == []


async def test_digits_typed_into_a_knob_do_not_reach_the_screen() -> None:
    app, panel = started()
    pressed = []
    app.bind("1", "app.rate")
    app.action_rate = lambda: pressed.append(1)  # type: ignore[attr-defined]
    async with app.run_test(size=(80, 24)) as pilot:
        panel.row("d_k").focus()
        await pilot.press("1")
        assert pressed == []
        panel.row("causal").focus()
        await pilot.press("1")
        assert pressed == [1]


async def test_leaving_the_knob_takes_what_was_typed() -> None:
    app, panel = started()
    async with app.run_test(size=(80, 24)) as pilot:
        panel.row("d_k").focus()
        await pilot.press("6", "4", "tab")
        await pilot.pause()
        assert panel.values["d_k"] == 64


async def test_the_mouse_drags_the_slider_along_its_track() -> None:
    app, panel = started()
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.pause()
        slider = panel.row("rate")
        assert isinstance(slider, SliderRow)
        start, width = slider._track
        await pilot.mouse_down(slider, offset=(start, 0))
        assert panel.values["rate"] == 0.0
        await pilot.hover(slider, offset=(start + (width - 1) // 2, 0))
        assert panel.values["rate"] == pytest.approx(0.5, abs=0.05)
        await pilot.hover(slider, offset=(start + width - 1, 0))
        await pilot.mouse_up(slider, offset=(start + width - 1, 0))
        assert panel.values["rate"] == 1.0
        await pilot.hover(slider, offset=(start, 0))  # the button is up
        assert panel.values["rate"] == 1.0


async def test_the_mouse_chooses_and_switches() -> None:
    app, panel = started()
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.pause()
        line = app.lines[panel.row("scale").region.y]
        await pilot.click(panel.row("scale"), offset=(cell_len(line[: line.index("none")]) + 1, 0))
        await pilot.click(panel.row("causal"), offset=(20, 0))
        await pilot.pause()
        assert (panel.values["scale"], panel.values["causal"]) == ("none", False)


async def test_text_counts_as_it_is_typed_and_a_text_too_long_is_said() -> None:
    app, panel = started()
    async with app.run_test(size=(80, 24)) as pilot:
        panel.row("text").focus()
        await pilot.press("end", "了", "[")
        await pilot.pause()
        assert panel.values["text"] == "看见猫了["
        await pilot.press("/")
        await pilot.pause()
        assert panel.values["text"] == "看见猫了[" and "最多 5 个字符" in app.text
        await pilot.press("backspace")
        await pilot.pause()
        assert "最多 5 个字符" not in app.text
        await pilot.press("escape")
        assert app.focused is None


async def test_up_and_down_go_from_knob_to_knob() -> None:
    app, panel = started()
    async with app.run_test(size=(80, 24)) as pilot:
        panel.row("rate").focus()
        await pilot.press("up")
        assert panel.row("scale").has_focus
        await pilot.press("down", "down", "down")
        assert panel.row("text").has_focus_within
        await pilot.press("up")
        assert panel.row("causal").has_focus
        panel.row("d_k").focus()
        await pilot.press("up")
        assert panel.row("d_k").has_focus


async def test_reset_and_set_values() -> None:
    app, panel = started(values={"d_k": 64, "text": "猫"})
    async with app.run_test(size=(80, 24)) as pilot:
        assert panel.values == {**EXPERIMENT.defaults(), "d_k": 64, "text": "猫"}
        panel.set_values({"rate": 0.5, "scale": "all", "text": "见"})
        await pilot.pause()
        assert app.of(KnobChanged) == [] and "0.5" in app.text and "▸all◂" in app.text and "见" in app.text
        with pytest.raises(KnobError):
            panel.set_values({"rate": 0.7, "d_k": 3})
        assert panel.values["rate"] == 0.5  # all of them or none
        panel.row("d_k").focus()
        await pilot.press("R")
        await pilot.pause()
        assert panel.values == EXPERIMENT.defaults()
        assert {message.name for message in app.of(KnobChanged)} == {"d_k", "rate", "scale", "text"}
        assert all(message.values == EXPERIMENT.defaults() for message in app.of(KnobChanged))
        assert "看见猫" in app.text


async def test_labels_and_help_are_in_the_language_and_in_one_column() -> None:
    app, panel = started()
    async with app.run_test(size=(80, 24)) as pilot:
        panel.row("d_k").focus()
        await pilot.pause()
        starts = [cell_len(app.lines[row][: app.lines[row].index(sign)]) for row, sign in ((0, "   4 "), (2, "   0 "))]
        assert len(set(starts)) == 1
        assert "因果掩码 [x] 开" in app.text and "头的宽度" in app.text
        panel.language = "en"
        await pilot.pause()
        assert "causal mask [x] on" in app.text and "the width of a head" in app.text and "掩码" not in app.text


@pytest.mark.parametrize("size", [(20, 5), (5, 3), (40, 20), (1, 1)])
async def test_narrow_screens(size: tuple[int, int]) -> None:
    app, panel = started(language="en")
    async with app.run_test(size=size) as pilot:
        panel.row("d_k").focus()
        await pilot.press("9", "9", "9", "9", "enter", "left", "down", "right", "down", "right")
        await pilot.pause()
        assert panel.values["d_k"] == 256 and panel.values["scale"] == "all"
        assert all(cell_len(line) == size[0] for line in app.lines)


async def test_ascii_glyphs() -> None:
    from tui.figures.look import ASCII

    app, _ = started()
    app.glyphs = ASCII  # type: ignore[attr-defined]
    async with app.run_test(size=(60, 10)) as pilot:
        await pilot.pause()
        assert {sign for sign in app.text if ord(sign) > 126} <= set("缩放丢弃率因果掩码句子头的宽度开看见猫")
