"""Turning knobs by keys, by typing and by the mouse; wrong values are said and change nothing."""

from __future__ import annotations

import pytest
from rich.cells import cell_len
from textual.events import Paste

from questions.bilingual import Bilingual
from tests.tui.widgets.harness import Harness
from tui.experiments.contract import Choice, Experiment, Knob, KnobError
from tui.widgets.knob_panel import KnobChanged, KnobPanel, KnobSays
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
        ("d_k", "left home", 512),
        ("d_k", "pagedown", 128),
        ("d_k", "enter 1 0 0 enter", 100),
        ("d_k", "equals_sign １ ６ enter", 16),
        ("d_k", "enter 9 9 x backspace enter", 9),
        ("rate", "right right", 0.2),
        ("rate", "enter 0 full_stop 5 enter", 0.5),
        ("scale", "right right right", "all"),
        ("scale", "left", "none"),
        ("scale", "left home", "sqrt"),
        ("causal", "enter", False),
        ("causal", "left home", True),
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


@pytest.mark.parametrize(
    "keys", ["enter 3 enter", "equals_sign 2 0 0 0 enter", "enter 5 full_stop 5 enter", "enter 1 e 9 9 9 enter"]
)
async def test_a_number_that_cannot_be_is_said_and_changes_nothing(keys: str) -> None:
    app, panel = started(language="en")
    async with app.run_test(size=(80, 24)) as pilot:
        panel.row("d_k").focus()
        await pilot.press(*keys.split())
        await pilot.pause()
        assert panel.values["d_k"] == 512 and app.of(KnobChanged) == []
        says = app.of(KnobSays)
        assert says[-1].wrong and "takes a whole number from 4 to 1024" in says[-1].text
        panel.language = "zh"
        await pilot.pause()
        assert "要 4 到 1024 之间的整数" in app.of(KnobSays)[-1].text
        await pilot.press("left")
        await pilot.pause()
        assert not app.of(KnobSays)[-1].wrong and panel.values["d_k"] == 256


async def test_typing_is_shown_and_can_be_forgotten() -> None:
    app, panel = started()
    async with app.run_test(size=(80, 24)) as pilot:
        panel.row("d_k").focus()
        await pilot.press("enter", "6", "4")
        await pilot.pause()
        assert "64_" in app.text and panel.values["d_k"] == 512
        await pilot.press("escape")
        await pilot.pause()
        assert "64_" not in app.text and app.of(KnobChanged) == []


async def test_digits_are_the_screens_until_typing_has_begun() -> None:
    app, panel = started()
    pressed = []
    app.bind("1", "app.rate")
    app.action_rate = lambda: pressed.append(1)  # type: ignore[attr-defined]
    async with app.run_test(size=(80, 24)) as pilot:
        panel.row("d_k").focus()
        await pilot.press("1")
        assert pressed == [1] and panel.values["d_k"] == 512
        await pilot.press("enter", "1")
        assert pressed == [1]
        await pilot.press("escape", "1")
        assert pressed == [1, 1] and panel.values["d_k"] == 512
        panel.row("text").focus()
        await pilot.press("1")
        assert pressed == [1, 1, 1] and panel.values["text"] == "看见猫"


async def test_leaving_the_knob_takes_what_was_typed() -> None:
    app, panel = started()
    async with app.run_test(size=(80, 24)) as pilot:
        panel.row("d_k").focus()
        await pilot.press("enter", "6", "4", "tab")
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
        lead = panel.row("scale").lead()[1]
        await pilot.click(panel.row("scale"), offset=(lead, 0))
        await pilot.click(panel.row("causal"), offset=(5, 0))
        await pilot.pause()
        assert (panel.values["scale"], panel.values["causal"]) == ("none", False)


async def test_text_counts_as_it_is_typed_and_a_text_too_long_is_said() -> None:
    app, panel = started()
    async with app.run_test(size=(80, 24)) as pilot:
        panel.row("text").focus()
        await pilot.press("enter", "了", "[")
        await pilot.pause()
        assert panel.values["text"] == "看见猫了["
        await pilot.press("/")
        await pilot.pause()
        assert panel.values["text"] == "看见猫了[" and "最多 5 个字符" in app.of(KnobSays)[-1].text
        await pilot.press("backspace")
        await pilot.pause()
        assert not app.of(KnobSays)[-1].wrong
        await pilot.press("escape")
        assert app.focused is panel.row("text")


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


async def test_what_a_question_sets_comes_first_and_the_seed_last() -> None:
    knobs = [Knob("seed", "seed", "number", 0, 0, 9999), *EXPERIMENT.knobs]
    experiment = Experiment("toy", EXPERIMENT.title, EXPERIMENT.summary, knobs, [])
    panel = KnobPanel(experiment, first=("rate",), language="en")
    app = Harness(panel)
    async with app.run_test(size=(140, 24)) as pilot:
        await pilot.pause()
        assert [row.knob.name for row in panel.rows] == ["rate", "d_k", "scale", "causal", "text", "seed"]
        line = app.lines[0].rstrip()
        assert line.endswith("seed 0") and line.index("dropout") < line.index("d_k")  # one strip, the seed no slider


async def test_a_pasted_text_is_kept_whole() -> None:
    app, panel = started()
    async with app.run_test(size=(80, 24)) as pilot:
        panel.row("text").focus()
        await pilot.press("enter", "ctrl+u")
        app.post_message(Paste("看\n见 \n\n猫"))
        await pilot.pause()
        assert panel.values["text"] == "看 见 猫"


async def test_set_values() -> None:
    app, panel = started(values={"d_k": 64, "text": "猫"})
    async with app.run_test(size=(80, 24)) as pilot:
        assert panel.values == {**EXPERIMENT.defaults(), "d_k": 64, "text": "猫"}
        panel.set_values({"rate": 0.5, "scale": "all", "text": "见"})
        await pilot.pause()
        assert app.of(KnobChanged) == [] and "0.5" in app.text and "‹all›" in app.text and "见" in app.text
        with pytest.raises(KnobError):
            panel.set_values({"rate": 0.7, "d_k": 3})
        assert panel.values["rate"] == 0.5  # all of them or none


async def test_labels_and_help_are_in_the_language() -> None:
    app, panel = started()
    async with app.run_test(size=(80, 24)) as pilot:
        panel.row("d_k").focus()
        await pilot.pause()
        assert "因果掩码 [x]" in app.text and app.of(KnobSays)[-1].text == "头的宽度"
        panel.language = "en"
        await pilot.pause()
        assert "causal mask [x]" in app.text and "掩码" not in app.text
        assert app.of(KnobSays)[-1].text == "the width of a head"


@pytest.mark.parametrize("size", [(20, 5), (5, 3), (40, 20), (1, 1)])
async def test_narrow_screens(size: tuple[int, int]) -> None:
    app, panel = started(language="en")
    async with app.run_test(size=size) as pilot:
        panel.row("d_k").focus()
        await pilot.press("enter", "9", "9", "9", "9", "enter", "left", "down", "right", "down", "right")
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


async def test_a_least_value_that_is_no_amount_has_a_word() -> None:
    knob = Knob("top_k", "top-k", "number", 0, maximum=50, least=Bilingual("全部", "all"))
    row = SliderRow(knob, language="en")
    app = Harness(row)
    async with app.run_test(size=(40, 5)) as pilot:
        row.focus()
        await pilot.pause()
        assert "all" in app.text
        await pilot.press("right")
        await pilot.pause()
        assert row.value == 1 and "all" not in app.text
